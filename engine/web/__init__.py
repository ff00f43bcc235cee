"""Middleware around everything that is served: the link to the dashboard, origin, headers, limits, and errors as problem details."""
