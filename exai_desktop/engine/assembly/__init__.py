"""The engine, put together from what it is given."""
