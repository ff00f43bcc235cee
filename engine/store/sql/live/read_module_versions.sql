-- Every version ever known in one account. One row for each.
SELECT kind, name, version FROM module_versions WHERE account = $account ORDER BY kind, name, version
