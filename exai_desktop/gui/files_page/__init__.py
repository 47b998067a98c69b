"""The page Files: what lies at the providers."""
