"""`exai-desktop --self-test`: whether all parts of this installation are there and work."""
