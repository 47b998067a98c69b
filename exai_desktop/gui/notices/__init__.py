"""Notices above the pages."""
