"""One deliberate break for each safety rule, and the test that must catch it."""
