-- How a repository stands: its newest run, what that saw, its settings and how far its live fleets have moved. One row.
SELECT l.id, l.inputs, r.proposals_version, a.names, a.versions,
       __tick_settings__
FROM gitops_repositories r
LEFT JOIN (SELECT id, inputs FROM gitops_sync_runs WHERE repository_id = $repository_id ORDER BY id DESC LIMIT 1) l ON true
LEFT JOIN (SELECT list(name ORDER BY name) AS names, list(live_version ORDER BY name) AS versions
           FROM accounts
           WHERE name IN (SELECT account FROM claims WHERE repository_id = $repository_id)
              OR name IN (SELECT account FROM gitops_repositories WHERE id = $repository_id)) a ON true
WHERE r.id = $repository_id
