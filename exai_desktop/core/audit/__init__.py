"""The audit trail: its entries, its chain, where it is kept."""
