"""What the sandbox's servers share."""
