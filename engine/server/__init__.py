"""What one process serves: middleware around the dashboard."""
