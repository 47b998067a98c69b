"""The audit trail in SQLite."""
