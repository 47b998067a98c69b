"""A server that answers as Kimi does."""
