"""Values, rules and ports: no files, threads, network or event loop."""
