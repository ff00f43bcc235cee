-- Resources of some sections whose name or spec mentions a name: a superset of what refers to it. One row each.
SELECT kind, name, spec
FROM resources
WHERE account = $account AND kind IN (SELECT unnest($kinds::VARCHAR[]))
  AND (contains(name, $name) OR contains(spec::VARCHAR, $quoted))
ORDER BY kind, name
