"""The folder with the database: opening, locking, checking, snapshots."""
