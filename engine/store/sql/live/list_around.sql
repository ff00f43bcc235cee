-- What stood before and after the write of each applied proposal; NULL where nothing stood. One row for each that wrote.
SELECT written.proposal_id, earlier.spec, written.spec
FROM resource_history written LEFT JOIN resource_history earlier ON earlier.key = written.key AND earlier.version = written.version - 1
WHERE written.proposal_id IN (SELECT unnest($proposal_ids::BIGINT[]))
ORDER BY written.proposal_id
