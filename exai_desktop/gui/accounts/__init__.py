"""Accounts: the dialog, the page Providers, rules for folders."""
