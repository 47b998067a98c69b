"""Which file at a provider a note may speak of."""

from dataclasses import replace

from exai_desktop.core.copies.models import RemoteFile
from exai_desktop.core.jobs.claims import Claim

BEGUN = Claim(owner="one", sent_name="a.txt", size=3, at=5.0)
FILE = RemoteFile("file-1", "a (1).txt", 3, 6.0, "file-extract")


def test_a_note_with_an_id_speaks_of_that_file_alone() -> None:
    stored = BEGUN.model_copy(update={"remote_id": "file-1"})
    assert stored.may_be(replace(FILE, name="z.txt", bytes=9))
    assert not stored.may_be(replace(FILE, id="file-2"))


def test_without_an_id_name_and_size_must_fit() -> None:
    assert BEGUN.may_be(FILE)
    assert not BEGUN.may_be(replace(FILE, bytes=4))
    assert not BEGUN.may_be(replace(FILE, name="b.txt"))
