-- State of one live resource and the repository that holds it, or no row.
SELECT state, holder FROM resource_states WHERE key = $key
