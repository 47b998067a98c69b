"""The engine's thread, and how the window speaks to it."""
