"""The SQLite driver and the one thread that uses it."""
