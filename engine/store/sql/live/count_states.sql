-- Live resources by section and state; account may be NULL. One row each.
SELECT kind, state, count(*) FROM resource_states WHERE ($account IS NULL OR account = $account) GROUP BY kind, state ORDER BY kind, state
