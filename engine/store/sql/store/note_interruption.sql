-- One event for the interruption found at start.
INSERT INTO fleet_events (seq, happened_at, type, actor, reason) VALUES ($seq, $at, 'store.recovered', 'fleet', 'the process before ended in the middle of its work')
