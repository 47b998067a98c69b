"""Which job is next, and the one place where a job changes state."""
