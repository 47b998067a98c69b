"""Our reader of OLE compound files against olefile: same names, same streams."""

import importlib
import io
from typing import Any

import pytest

from exai_desktop.core.sniff import Source
from exai_desktop.core.sniff.ole_directory import STREAM, CompoundFile

from .corpus_containers import OLE

_WHOLE = [case for case in OLE if case.code != "FILE_DAMAGED"]


@pytest.mark.parametrize("case", _WHOLE, ids=[case.id for case in _WHOLE])
def test_both_readers_see_the_same(case: Any) -> None:
    content = case.make()
    olefile: Any = importlib.import_module("olefile")
    ours = CompoundFile(Source.of(content))
    with olefile.OleFileIO(io.BytesIO(content)) as theirs:
        parts = theirs.listdir(streams=True, storages=True)
        top = {path[0].lower() for path in parts}
        assert set(ours.children()) == top
        streams = [entry for entry in ours.entries if entry.type == STREAM]
        assert len(streams) == len(theirs.listdir())
        for name, entry in ours.children().items():
            if entry.type == STREAM:
                original = next(p for p in parts if len(p) == 1 and p[0].lower() == name)
                assert ours.read(entry, 1 << 20) == theirs.openstream(original).read()
