-- When the first event was that is still kept, in microseconds. One row.
SELECT epoch_us(min(happened_at)) FROM fleet_events
