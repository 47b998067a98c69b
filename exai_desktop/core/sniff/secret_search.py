"""Looks for keys, tokens and passwords in a text that arrives in blocks, with little memory.

It says which kind and in which line, never what it is: no part of a secret leaves this module.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from exai_desktop.core.sniff.look import Source
from exai_desktop.core.sniff.text import encoding_of

# What stands behind is not searched: more than Kimi and GLM take.
SEARCHED: Final = 128 * 1024 * 1024
# What is known of the text before and behind a place when that is judged.
BEFORE: Final = 512
BEHIND: Final = 4096
# The search holds the interpreter: each call on so much takes a millisecond.
_STEP: Final = 64 * 1024
_HEAD: Final = 64 * 1024
_SHOWN: Final = 3

_SHORTEST: Final = 20
_RUN: Final = b"a" * _SHORTEST
_OF_RUNS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_BEFORE_RUNS: Final = b".\\"
_RUNS: Final = bytes(ord("a") if byte in _OF_RUNS else ord(" ") for byte in range(256))


class SecretFound(NamedTuple):
    line: int
    kind: str


class SecretSearch:
    """Feed all blocks in order, then call `finish`. Bounded in memory and linear in time."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._is_begun = False
        self._text = b""
        self._begin = 0  # in `_text`: what stands before it was judged already
        self._lines = 0  # before `_text`
        self._left = SEARCHED
        self._found: list[SecretFound] = []

    def feed(self, block: bytes) -> None:
        if not self._is_begun:
            self._begin_with(block)
        if self._is_over():
            return
        block = block[: self._left]
        self._left -= len(block)
        for start in range(0, len(block), _STEP):
            self._take(block[start : start + _STEP], is_last=False)

    def finish(self) -> None:
        """The last block was fed."""
        if not self._is_over():
            self._take(b"", is_last=True)

    def told(self) -> str | None:
        """What was found, for people: kinds and lines. None when it is nothing."""
        if not self._found:
            return None
        told = ", ".join(f"{kind} in line {line:,}" for line, kind in self._found[:_SHOWN])
        return f"{told} and more" if len(self._found) > _SHOWN else told

    def _is_over(self) -> bool:
        return len(self._found) > _SHOWN

    def _begin_with(self, block: bytes) -> None:
        """Texts of two or four bytes a character are turned into one of single bytes."""
        from exai_desktop.core.sniff import secret_shapes  # only texts need its many patterns

        self._is_begun = True
        self._shapes = secret_shapes
        encoding = encoding_of(Source.of(block[:_HEAD])) or ""
        if encoding.startswith(("utf-16", "utf-32")):
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def _take(self, piece: bytes, *, is_last: bool) -> None:
        if self._decoder is not None:
            piece = self._decoder.decode(piece, is_last).encode("utf-8", "replace")
        if not self._text:
            piece = piece.removeprefix(codecs.BOM_UTF8)  # it would not be the start of a line
        self._text += piece
        # A secret that begins near the end is judged when what follows it is here, too.
        end = len(self._text) if is_last else len(self._text) - BEHIND
        if end <= self._begin:
            return
        places = sorted({*self._tokens(end), *self._words(end)})
        self._note(places)
        cut = max(0, end - BEFORE)
        self._lines += self._text.count(b"\n", 0, cut)
        self._text = self._text[cut:]
        self._begin = end - cut

    def _note(self, places: Iterable[tuple[int, str]]) -> None:
        for place, kind in places:
            line = self._lines + self._text.count(b"\n", 0, place) + 1
            # One secret may have two looks, and a key goes over many lines.
            if not self._is_over() and all(known.line != line for known in self._found):
                self._found.append(SecretFound(line, kind))

    def _tokens(self, end: int) -> Iterator[tuple[int, str]]:
        text, heads, token_at = self._text, self._shapes.RUN_HEADS, self._shapes.token_at
        runs = text.translate(_RUNS)
        place = runs.find(_RUN, self._begin)
        if place > 0 and place == self._begin and runs[place - 1 : place] == b"a":
            place = runs.find(_RUN, _behind(runs, place))  # it began before, and was judged
        while 0 <= place < end:
            behind = _behind(runs, place)
            # Tables of hashes have thousands of runs: most are passed over by their first bytes.
            is_worth_it = (
                text[place : place + 2] in heads
                or text[behind : behind + 1] == b"."
                or (place > 0 and text[place - 1] in _BEFORE_RUNS)
            )
            kind = token_at(text, place) if is_worth_it else None
            if kind is not None:
                yield place, kind
            place = runs.find(_RUN, behind)

    def _words(self, end: int) -> Iterator[tuple[int, str]]:
        small = self._text.lower()
        for word, judge in self._shapes.ANCHORS:
            place = small.find(word, self._begin)
            while 0 <= place < end:
                kind = judge(self._text, place)
                if kind is not None:
                    yield place, kind
                place = small.find(word, place + len(word))


def _behind(runs: bytes, place: int) -> int:
    end = runs.find(b" ", place)
    return end if end >= 0 else len(runs)
