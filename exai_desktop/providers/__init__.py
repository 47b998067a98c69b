"""The providers: one module each. docs/add-a-provider.md says how to add one."""
