"""The plan of a large drop: where files would go, changed by the user, and sent as it is."""
