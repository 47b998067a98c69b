"""Strict loopback servers that behave as Kimi and GLM do, unpleasant parts included."""
