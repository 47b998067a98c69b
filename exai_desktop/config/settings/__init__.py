"""The settings as they lie on the disk: the user's file, and what an administrator has fixed."""
