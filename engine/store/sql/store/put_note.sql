-- Write one note of the store itself.
INSERT INTO store_notes (name, value) VALUES ($name, $value) ON CONFLICT (name) DO UPDATE SET value = excluded.value
