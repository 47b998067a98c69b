"""One upload from the queue to its file id, stage by stage."""
