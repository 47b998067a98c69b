"""Colours, icons, words and plain text."""
