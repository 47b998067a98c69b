"""Errors: codes, texts, classes, and hiding secrets in them."""
