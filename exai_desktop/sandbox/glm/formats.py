"""Which files GLM takes for which purpose on which host, and the check of batch lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from exai_desktop.sandbox.servers.provider import endings
from exai_desktop.sandbox.settings import DAY_S, MEBIBYTE

PICTURES = frozenset({"png", "jpg", "jpeg"})
MIN_CUSTOM_ID = 6
MAX_LINES = 50_000
_BATCH_MODELS = ("glm-", "charglm-", "embedding-", "cogview-", "cogvideo", "vidu")
_OFFICE = endings("pdf docx doc xls xlsx txt png jpg jpeg csv")


@dataclass(frozen=True, slots=True)
class PurposeRule:
    """What one purpose takes; None means no limit is documented."""

    formats: frozenset[str]
    max_bytes: int | None = 100 * MEBIBYTE
    max_files: int | None = None
    picture_bytes: int | None = None


PURPOSES: dict[str, dict[str, PurposeRule]] = {
    "zai": {
        "agent": PurposeRule(endings("pdf doc xlsx ppt txt jpg png"), max_files=100),
    },
    "bigmodel": {
        "batch": PurposeRule(endings("jsonl"), max_files=1_000),
        "code-interpreter": PurposeRule(
            _OFFICE, 20 * MEBIBYTE, max_files=100, picture_bytes=5 * MEBIBYTE
        ),
        "agent": PurposeRule(_OFFICE, 20 * MEBIBYTE, max_files=1_000, picture_bytes=5 * MEBIBYTE),
        "voice-clone-input": PurposeRule(endings("mp3 wav"), None),
        "file-extract": PurposeRule(
            endings("pdf docx doc xls xlsx ppt pptx png jpg jpeg csv"),
            50 * MEBIBYTE,
            max_files=100,
            picture_bytes=5 * MEBIBYTE,
        ),
    },
}

LISTABLE: dict[str, frozenset[str]] = {
    "zai": frozenset({"agent", "batch", "fine-tune", "voice-clone-input"}),
    "bigmodel": frozenset(PURPOSES["bigmodel"]),
}
RETENTION_S: dict[str, float] = {"zai": 180 * DAY_S, "bigmodel": 30 * DAY_S}


def batch_fault(body: Path) -> str | None:
    """What is wrong with the first bad line of a batch file, or None."""
    count = 0
    with body.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            count += 1
            if count > MAX_LINES:
                return f"more than {MAX_LINES} lines"
            fault = _line_fault(line)
            if fault is not None:
                return f"line {number}: {fault}"
    return None if count else "no lines"


def _line_fault(line: bytes) -> str | None:
    try:
        request = json.loads(line)
    except ValueError:
        return "not JSON"
    if not isinstance(request, dict):
        return "not an object"
    custom_id = request.get("custom_id")
    if not isinstance(custom_id, str) or len(custom_id) < MIN_CUSTOM_ID:
        return f"custom_id must have at least {MIN_CUSTOM_ID} characters"
    body = request.get("body")
    model = body.get("model") if isinstance(body, dict) else None
    if not isinstance(model, str) or not model.startswith(_BATCH_MODELS):
        return f"model {model!r} is not open to batch"
    return None
