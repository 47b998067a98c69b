"""Accounts: their values, health, breaker, and how long to wait for them."""
