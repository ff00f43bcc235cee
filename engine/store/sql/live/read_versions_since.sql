-- Versions of some resources after the one agreed on, oldest first, the agreed one included. One row for each version.
SELECT h.key, h.version, h.spec, epoch_us(h.valid_from), h.actor
FROM resource_history h
JOIN (SELECT unnest($keys::VARCHAR[]) AS key, unnest($versions::BIGINT[]) AS version) agreed ON agreed.key = h.key AND h.version >= agreed.version
ORDER BY h.key, h.version
