"""What a malware scanner said of a file. "Not scanned" is never told as "clean"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScanVerdict(StrEnum):
    CLEAN = "clean"
    FOUND = "found"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """`engine` and `database` (version and date of the signatures) are empty when unknown.

    `detail` is the name of what was found, or why it was not scanned.
    """

    verdict: ScanVerdict
    detail: str = ""
    engine: str = ""
    database: str = ""


def not_scanned(why: str, engine: str = "", database: str = "") -> ScanResult:
    return ScanResult(ScanVerdict.NOT_SCANNED, why, engine, database)


def scanner_text(engine: str, database: str) -> str:
    """A scanner and how old its knowledge is."""
    return (
        f"{engine}, signatures {database}" if database else f"{engine}, signatures of unknown date"
    )


def scan_text(result: ScanResult | None) -> str:
    """One line for people. None: from before there was a scan."""
    if result is None:
        return "Not scanned"
    if result.verdict is ScanVerdict.NOT_SCANNED:
        return f"Not scanned: {result.detail}"
    by = f"Scanned by {scanner_text(result.engine, result.database)}"
    found = result.verdict is ScanVerdict.FOUND
    return f"{by}: {f'found {result.detail}' if found else 'nothing found'}"
