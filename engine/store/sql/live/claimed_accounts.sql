-- Accounts in which a repository holds claims. One row each.
SELECT DISTINCT account FROM claims WHERE repository_id = $repository_id ORDER BY account
