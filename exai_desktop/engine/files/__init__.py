"""The user's files: finding, opening, judging and scanning them."""
