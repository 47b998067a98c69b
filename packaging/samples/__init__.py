"""The parts of make_samples.py, by kind of document."""
