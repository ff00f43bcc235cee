-- Remove one note of the store itself.
DELETE FROM store_notes WHERE name = $name
