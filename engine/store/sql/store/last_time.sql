-- Microseconds of the newest event, which every write leaves. One row.
SELECT epoch_us(max(happened_at)) FROM fleet_events
