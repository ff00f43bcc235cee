-- Live moved on while an episode was open.
UPDATE drift_episodes e SET fields = m.fields, change = m.change, live_version = m.live_version
FROM (SELECT unnest($id::BIGINT[]) AS id, unnest($fields::VARCHAR[]) AS fields, unnest($change::VARCHAR[]) AS change,
             unnest($live_version::BIGINT[]) AS live_version) m
WHERE e.id = m.id
