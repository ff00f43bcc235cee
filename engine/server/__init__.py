"""What one process runs beside the workbench: rounds of ticks, jobs, nightly work, log, metrics, sign-in, webhooks."""
