-- Number of the newest event; 0 where there is none. One row.
SELECT coalesce(max(seq), 0) FROM fleet_events
