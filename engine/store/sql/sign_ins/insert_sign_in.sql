-- Keep that somebody has signed in.
INSERT INTO sign_ins (id, person, subject, issued_at, began_at) VALUES ($id, $person, $subject, $issued_at, $at)
