"""The engine's thread, and how the window sends it commands."""
