"""How the program came on this computer, and what is published of newer versions."""
