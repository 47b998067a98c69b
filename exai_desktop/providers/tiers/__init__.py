"""Three ways to talk to a provider: our own HTTP, the openai SDK, the provider's own SDK."""
