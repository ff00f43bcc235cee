-- One note of the store itself. At most one row.
SELECT value FROM store_notes WHERE name = $name
