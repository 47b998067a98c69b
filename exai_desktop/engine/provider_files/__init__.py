"""Files that are at a provider already."""
