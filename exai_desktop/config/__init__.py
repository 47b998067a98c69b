"""Where things live and what the user set: paths, settings, accounts, keys, logs."""
