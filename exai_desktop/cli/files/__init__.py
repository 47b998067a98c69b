"""Verbs about files at the providers."""
