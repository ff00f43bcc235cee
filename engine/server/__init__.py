"""What one process serves: middleware around the dashboard and the API."""
