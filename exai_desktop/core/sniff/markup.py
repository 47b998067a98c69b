"""What a text is, where that matters: scripts, web pages, drawings."""

from __future__ import annotations

import re
import zlib
from typing import Final

from exai_desktop.core.sniff.kinds import words
from exai_desktop.core.sniff.source import Source
from exai_desktop.core.sniff.verdict import Content, Finding, Note

_LOOK: Final = 16 * 1024
# "#!/bin/sh", "#! /usr/bin/env x", "#!python" and what Windows launchers read.
_SHEBANG: Final = re.compile(r"#![ \t]{0,8}(/|python|perl|ruby|node|env |[A-Za-z]:\\)")
_TAG: Final = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?([A-Za-z][\w-]{0,40})")
_WEB_TAGS: Final = words("html head body script iframe frameset title meta base link")
_MAX_PREAMBLES: Final = 40
_SCRIPTED: Final = re.compile(
    rb"<(?:\w{1,20}:)?script\b|\bon[a-z]{3,20}\s{0,4}=|javascript:|<foreignObject", re.IGNORECASE
)
_SCRIPTS: Final = (Finding(Note.MACROS, "scripts"),)
_INFLATED: Final = 64 * 1024


def starts_with_shebang(text: str) -> bool:
    return _SHEBANG.match(text.lstrip("\ufeff")) is not None


def text_content(source: Source, encoding: str) -> Content:
    text = source.head[:_LOOK].decode(encoding, "replace").lstrip("\ufeff")
    kind = _root(text)
    if kind == "svg":
        return Content("svg", _SCRIPTS if _SCRIPTED.search(source.head) else ())
    return Content(kind or "text")


def compressed_drawing(source: Source) -> Content | None:
    """A gzip that holds an SVG, as browsers take it."""
    try:
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        start = unpacker.decompress(source.head[:_LOOK], _INFLATED)
    except zlib.error:
        return None
    if _root(start[:_LOOK].decode("utf-8", "replace").lstrip("\ufeff")) != "svg":
        return None
    return Content("svgz", _SCRIPTS if _SCRIPTED.search(start) else ())


def _root(text: str) -> str | None:
    """`html` or `svg` by the first tag behind declarations and comments."""
    place = 0
    for _ in range(_MAX_PREAMBLES):
        while place < len(text) and text[place].isspace():
            place += 1
        start = text[place : place + 10].lower()
        if start.startswith("<!doctype"):
            if text[place + 9 : place + 20].strip().lower().startswith("html"):
                return "html"
            place = _behind_doctype(text, place)
        elif start.startswith("<!--"):
            place = _behind(text, "-->", place)
        elif start.startswith("<?") and not start.startswith("<?php"):
            place = _behind(text, "?>", place)
        else:
            break
        if place < 0:
            return None
    tag = _TAG.match(text, place)
    if tag is None:
        return None
    name = tag[1].lower()
    return "html" if name in _WEB_TAGS else ("svg" if name == "svg" else None)


def _behind(text: str, end: str, place: int) -> int:
    found = text.find(end, place)
    return found + len(end) if found >= 0 else -1


def _behind_doctype(text: str, place: int) -> int:
    """A document type may carry its own rules in brackets."""
    bracket, end = text.find("[", place), text.find(">", place)
    if 0 <= bracket < end:
        close = text.find("]", bracket)
        return _behind(text, ">", close) if close >= 0 else -1
    return end + 1 if end >= 0 else -1
