"""A plan for files that are not in the queue yet."""
