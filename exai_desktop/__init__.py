"""EXAI Desktop: drop files, get provider file ids, keep a record."""

__version__ = "0.1.0"
