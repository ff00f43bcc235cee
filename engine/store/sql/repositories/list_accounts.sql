-- Accounts that have repositories in service. One row for each account.
SELECT DISTINCT account FROM gitops_repositories WHERE removed_at IS NULL ORDER BY account
