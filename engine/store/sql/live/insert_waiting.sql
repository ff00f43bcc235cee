-- Have a repository wait for resources that others hold. One row for each element of the lists.
INSERT INTO waiting_claims (key, account, kind, name, repository_id, since)
SELECT unnest($key::VARCHAR[]), unnest($account::VARCHAR[]), unnest($kind::VARCHAR[]), unnest($name::VARCHAR[]), $repository_id, $at
