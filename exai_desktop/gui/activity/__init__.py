"""The page *Activity*: what happened, in words, and what a day had."""
