"""Tasks that run beside the jobs."""
