-- Free the keys of proposals that ended: others may open on their resources.
DELETE FROM live_keys WHERE proposal_id IN (SELECT unnest($ids::BIGINT[]))
