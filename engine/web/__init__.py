"""Around everything that is served: the link that opens the dashboard, origin, headers, limits, and errors as problem details."""
