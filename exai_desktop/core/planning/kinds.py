"""Kinds of files by their endings: the groups in which a plan shows them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FileKind(StrEnum):
    """The words are those of window and command line."""

    DOCUMENTS = "documents"
    TABLES = "tables"
    SLIDES = "slides"
    PICTURES = "pictures"
    VIDEOS = "videos"
    SOUNDS = "sounds"
    CODE = "code"
    OTHERS = "others"


_ENDINGS: Final[dict[FileKind, str]] = {
    FileKind.DOCUMENTS: "pdf txt md doc docx odt rtf epub log html htm xml wps mobi",
    FileKind.TABLES: "xls xlsx csv ods tsv et",
    FileKind.SLIDES: "ppt pptx odp key dps",
    FileKind.PICTURES: "png jpg jpeg gif webp bmp svg heic tif tiff ico",
    FileKind.VIDEOS: "mp4 mov avi mpeg mpg webm wmv flv 3gpp mkv",
    FileKind.SOUNDS: "mp3 wav flac ogg m4a",
    FileKind.CODE: "py js ts tsx jsx c h cpp hpp java go rs rb php css json jsonl yaml yml toml sh",
}
_KIND_OF: Final = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings.split()}


def kind_of(ending: str) -> FileKind:
    """Of a file's ending (lower case, no dot)."""
    return _KIND_OF.get(ending, FileKind.OTHERS)


def kind_named(word: str) -> FileKind:
    """Raises ValueError with the words that exist."""
    try:
        return FileKind(word.strip().lower())
    except ValueError as error:
        raise ValueError(f"{word!r} is no group; the groups are: {', '.join(FileKind)}") from error
