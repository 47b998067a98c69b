"""Settling what was interrupted, by the provider's own list."""
