"""SQLite behind one writer thread: jobs, copies, fingerprints."""
