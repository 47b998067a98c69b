"""What goes on while the window is closed, and after the computer was started again."""
