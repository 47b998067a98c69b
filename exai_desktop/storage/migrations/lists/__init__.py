"""The steps that make long lists quick. Their numbers belong to the one row of all steps."""
