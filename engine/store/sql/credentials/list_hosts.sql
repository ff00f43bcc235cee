-- Hosts that were confirmed for an account's credential. One row for each host.
SELECT host FROM credential_hosts WHERE account = $account AND path = $path ORDER BY host
