"""A server that answers as Z.ai and BigModel do."""
