"""Jobs: values, states, progress, claims on content."""
