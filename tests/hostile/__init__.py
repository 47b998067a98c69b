"""Hostile files and names: what the judging by content must withstand."""
