"""Values, rules and ports: standard library and pydantic only; no files, threads, network or event loop."""
