-- When the newest run began; account may be NULL. One row.
SELECT epoch_us(max(started_at)) FROM gitops_sync_runs WHERE ($account IS NULL OR account = $account)
