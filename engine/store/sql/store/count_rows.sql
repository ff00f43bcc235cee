-- How many rows the large tables hold. One row each.
SELECT 'resources' AS what, count(*) FROM resources
UNION ALL SELECT 'resource_history', count(*) FROM resource_history
UNION ALL SELECT 'proposals', count(*) FROM proposals
UNION ALL SELECT 'gitops_sync_runs', count(*) FROM gitops_sync_runs
UNION ALL SELECT 'withheld_diffs', count(*) FROM withheld_diffs
UNION ALL SELECT 'drift_episodes', count(*) FROM drift_episodes
UNION ALL SELECT 'fleet_events', count(*) FROM fleet_events
ORDER BY what
