"""What window and command line can ask for, as the engine does it."""
