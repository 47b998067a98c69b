"""The HTTP stack: client, streamed multipart body, translation of errors."""

import sys

# Its own command line: click, rich and pygments, 4 MiB and a tenth of a second for nothing. httpx
# goes on without it, when it cannot be imported.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
