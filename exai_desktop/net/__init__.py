"""The HTTP stack: client, streamed multipart body, translation of errors."""
