"""What all packages of one version share: where the source is, its version, its time."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def version() -> str:
    """As the program itself says."""
    text = (ROOT / "exai_desktop" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'__version__\s*(?::[^=]*)?=\s*"([^"]+)"', text)
    if not found:
        raise SystemExit("exai_desktop/__init__.py names no version")
    return found.group(1)


def commit_time() -> int:
    """Every time in a package: the same commit gives the same bytes."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    asked = subprocess.run(
        ["git", "log", "-1", "--pretty=%ct"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise SystemExit("this is no git checkout: set SOURCE_DATE_EPOCH")
    return int(asked.stdout)
