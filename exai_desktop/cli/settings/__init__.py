"""The verbs of `setting`."""
