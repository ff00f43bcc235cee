-- Have a repository wait no longer for some resources.
DELETE FROM waiting_claims WHERE repository_id = $repository_id AND key IN (SELECT unnest($keys::VARCHAR[]))
