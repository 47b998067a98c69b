"""Three ways to send requests: our own HTTP, the openai SDK, the provider's own SDK."""
