"""What one process runs in addition to the workbench: rounds of ticks, jobs, nightly work, log, metrics, sign-in, webhooks."""
