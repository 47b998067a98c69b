"""Texts with made-up secrets, texts without any, and what the search says of both."""
