"""One module a provider, one table of contents for all; ports in `core.machine`."""
