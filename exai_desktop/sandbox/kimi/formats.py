"""Which formats Kimi takes for which purpose, and what it reads out of them."""

from __future__ import annotations

import mmap
import re
import zipfile
from html import unescape
from pathlib import Path

from exai_desktop.sandbox.servers.provider import endings, extension
from exai_desktop.sandbox.servers.store import StoredFile

PLAIN_TEXT = endings(
    "txt csv md html json log go h c cpp cxx cc cs java js css jsp php py py3 asp yaml yml ini conf"
    " ts tsx"
)
_DOCUMENTS = endings("pdf doc docx xls xlsx ppt pptx dot epub mobi")
PICTURES = endings(
    "jpg jpeg png bmp gif svg svgz webp ico xbm dib pjp tif tiff pjpeg avif apng jfif"
)
FORMATS: dict[str, frozenset[str]] = {
    "file-extract": PLAIN_TEXT | _DOCUMENTS,
    "image": endings("png jpeg jpg webp gif"),
    "video": endings("mp4 mpeg mov avi flv x-flv mpg webm wmv 3gpp 3gp"),
    "batch": endings("jsonl"),
}

_ZIP_TEXT = {"docx": "word/document.xml", "pptx": "ppt/slides/", "xlsx": "xl/sharedStrings.xml"}
_RUN = re.compile(rb"<(?:w:t|a:t|t)(?: [^>]*)?>([^<]*)</")
_MAX_PART = 8 * 1024 * 1024


def lacks_text(name: str, body: Path) -> bool:
    """Whether a PDF plainly has no text layer; packed objects may hide fonts, so they pass."""
    if extension(name) != "pdf":
        return False
    with body.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        is_pdf = raw.find(b"%PDF-", 0, 1024) >= 0
        return not is_pdf or (raw.find(b"/Font") < 0 and raw.find(b"/ObjStm") < 0)


def extracted_text(file: StoredFile, body: Path) -> str:
    """The text of a file: decoded, taken from Office XML, or a line saying there is none."""
    ending = extension(file.name)
    if ending in PLAIN_TEXT:
        return _decoded(body.read_bytes())
    if ending in _ZIP_TEXT and zipfile.is_zipfile(body):
        return _office_text(body, _ZIP_TEXT[ending])
    return f"[sandbox: no text taken from {file.name!r}, {file.bytes} bytes]"


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _office_text(body: Path, where: str) -> str:
    lines: list[str] = []
    with zipfile.ZipFile(body) as archive:
        for part in sorted(archive.namelist()):
            if not part.startswith(where) or not part.endswith(".xml"):
                continue
            with archive.open(part) as stream:
                runs = _RUN.findall(stream.read(_MAX_PART))
            lines += [unescape(run.decode("utf-8", "replace")) for run in runs]
    return "\n".join(lines)
