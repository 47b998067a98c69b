"""The window: the other face of the engine."""
