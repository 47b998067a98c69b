"""A real server with OpenAI's files endpoints, written by others: PyPI's aibrix."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.aimock import AiMock, free_port

# An environment of its own: it wants other versions of our libraries.
PYTHON: Final = (
    Path(__file__).parents[1]
    / ".tools/aibrix"
    / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
)
# Its files service with its storage, without the cluster around it.
RUN: Final = """
import sys
import uvicorn
from aibrix.metadata.api.v1.files import router
from aibrix.storage import create_storage
from aibrix.storage.types import StorageType
from fastapi import FastAPI
app = FastAPI()
app.state.storage = create_storage(StorageType.LOCAL, base_path=sys.argv[2])
app.include_router(router, prefix="/v1/files")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""


@contextmanager
def aibrix(folder: Path) -> Iterator[AiMock]:
    """Running on loopback; it asks for no key."""
    if not PYTHON.exists():
        pytest.fail("aibrix is not there. Run: make test, which fetches it", pytrace=False)
    port = free_port()
    process = subprocess.Popen(
        [str(PYTHON), "-c", RUN, str(port), str(folder)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/v1"
    try:
        deadline = time.monotonic() + 240
        while not _answers(f"{url}/files"):
            assert process.poll() is None, "aibrix ended"
            assert time.monotonic() < deadline, "aibrix does not answer"
            time.sleep(0.1)
        yield AiMock(url)
    finally:
        process.kill()
        process.wait(60)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=20) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
