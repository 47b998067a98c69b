"""Which account takes a file: abilities, folder rules, room left."""
