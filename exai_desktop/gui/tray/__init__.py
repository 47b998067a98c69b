"""The icon in the tray. It shows what it is told, and says what the user wants."""
