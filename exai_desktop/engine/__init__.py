"""The pipeline that carries a file from a path to a record. No Qt, no HTTP, no SQL."""
