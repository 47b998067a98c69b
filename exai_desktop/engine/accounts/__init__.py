"""Accounts in use: registry, limits, breakers, health."""
