"""Files at a provider: the copies on record, and what a provider can do."""
