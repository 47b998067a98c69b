"""The record: jobs, copies, and what belongs to them, in SQLite."""
