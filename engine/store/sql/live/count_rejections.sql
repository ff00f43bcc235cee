-- A person rejected a change on these resources once more.
UPDATE claims SET rejections = rejections + 1 WHERE key IN (SELECT unnest($keys::VARCHAR[]))
