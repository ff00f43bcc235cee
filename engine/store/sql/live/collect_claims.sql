-- All claims in one account, in no order. One row for each claimed resource.
SELECT kind, name, repository_id, base, base_revision, base_version, rejections FROM claims WHERE account = $account
