"""The one HTTP stack: client, streaming multipart body, error translation."""
