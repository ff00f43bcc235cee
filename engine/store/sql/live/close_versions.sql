-- End the current version of each key: the one time that valid_to is set.
UPDATE resource_history SET valid_to = $at WHERE valid_to IS NULL AND key IN (SELECT unnest($keys::VARCHAR[]))
