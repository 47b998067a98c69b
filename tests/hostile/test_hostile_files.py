"""Every file of the corpus is judged rightly, quickly and without growing."""

import os
import time
import tracemalloc
from pathlib import Path

import pytest

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.files.files import FileId
from exai_desktop.core.sniff import (
    ContentPolicy,
    Damage,
    Note,
    Rule,
    Source,
    Verdict,
    judge_content,
)
from exai_desktop.engine.files.file_checks import inspect
from exai_desktop.engine.files.open_file import RegularFile, open_regular

from .case import SAMPLES, Case
from .corpus import CASES
from .made_media import box

MIB = 1 << 20
MAX_S = 2.0
MAX_BYTES = 100 * MIB


def refusal(verdict: Verdict, path: str, policy: ContentPolicy, accepted: set[str]) -> str | None:
    try:
        judge_content(verdict, path, policy, accepted)
    except FileError as error:
        return str(error.code.value)
    return None


def judged(path: Path) -> tuple[Verdict, str | None]:
    file = open_regular(str(path))
    try:
        verdict = inspect(file, str(path))
    finally:
        file.close()
    return verdict, refusal(verdict, str(path), ContentPolicy(), set())


def test_the_corpus_is_large_and_names_are_used_once() -> None:
    assert len(CASES) >= 120
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_hostile_file(case: Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.make())
    judged(path)  # what is imported or compiled once is not this file's doing
    tracemalloc.start()
    started = time.thread_time()
    verdict, code = judged(path)
    took = time.thread_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (verdict.kind, code) == (case.kind, case.code), verdict
    assert took < MAX_S
    assert peak < MAX_BYTES
    assert verdict.finding(Note.UNREADABLE) is None


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_real_sample(path: Path) -> None:
    expected = {"archive.zip": "ARCHIVE_NOT_TAKEN", "empty.txt": "EMPTY_FILE"}
    assert judged(path)[1] == expected.get(path.name)


@pytest.mark.parametrize(
    ("name", "code", "policy"),
    [
        ("password.pdf", "ENCRYPTED_DOCUMENT", ContentPolicy(encrypted=Rule.REFUSE)),
        ("macros.xlsm", "MACROS_FOUND", ContentPolicy(macros=Rule.REFUSE)),
        ("picture.png", "CONTENT_MISMATCH", ContentPolicy(mismatch=Rule.REFUSE)),
        ("notes.txt:hidden", "DECEPTIVE_NAME", ContentPolicy(deceptive=Rule.REFUSE)),
    ],
)
def test_policy_asks_refuses_or_allows(
    name: str, code: str, policy: ContentPolicy, tmp_path: Path
) -> None:
    case = next(c for c in CASES if c.name == name)
    path = tmp_path / name
    path.write_bytes(case.make())
    verdict = judged(path)[0]
    lax = ContentPolicy(Rule.ALLOW, Rule.ALLOW, Rule.ALLOW, Rule.ALLOW)
    assert refusal(verdict, name, ContentPolicy(), set()) == code
    assert refusal(verdict, name, ContentPolicy(), {code}) is None
    assert refusal(verdict, name, policy, {code}) == code
    assert refusal(verdict, name, lax, set()) is None


def test_programs_and_bombs_cannot_be_accepted(tmp_path: Path) -> None:
    lax = ContentPolicy(Rule.ALLOW, Rule.ALLOW, Rule.ALLOW, Rule.ALLOW)
    for case in CASES:
        if case.code in ("MALICIOUS_FILE", "ARCHIVE_BOMB", "ARCHIVE_NOT_TAKEN", "FILE_DAMAGED"):
            path = tmp_path / case.name
            path.write_bytes(case.make())
            assert refusal(judged(path)[0], str(path), lax, {case.code}) == case.code, case.id


class CountingFile:
    """An open file that says how much was read of it."""

    def __init__(self, file: RegularFile, delay_s: float = 0.0) -> None:
        self._file = file
        self._delay_s = delay_s
        self.bytes = 0

    @property
    def id(self) -> FileId:
        return self._file.id

    def read_at(self, offset: int, size: int) -> bytes:
        time.sleep(self._delay_s)
        found = self._file.read_at(offset, size)
        self.bytes += len(found)
        return found

    def has_changed(self) -> bool:
        return self._file.has_changed()

    def close(self) -> None:
        self._file.close()


@pytest.mark.parametrize(
    ("name", "start", "kind"),
    [
        ("film.mp4", b"", "mp4"),
        ("long.log", b"line\n" * 20, "unknown"),
        ("noise.bin", b"\x01\x02\0", "unknown"),
        ("sound.wav", b"RIFF\xff\xff\xff\xffWAVE", "wav"),
    ],
)
def test_little_is_read_of_a_large_file(name: str, start: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    start = start or box(b"ftyp", b"isom\0\0\2\0isom") + box(b"moov", bytes(99))
    size = 100 * MIB
    if kind == "mp4":
        start += (size - len(start)).to_bytes(4, "big") + b"mdat"
    with path.open("wb") as file:
        file.write(start)
        file.truncate(size)
    counting = CountingFile(open_regular(str(path)))
    verdict = inspect(counting, str(path))
    counting.close()
    assert verdict.kind == kind
    assert counting.bytes < 400 * 1024


def test_a_slow_disk_ends_in_time(tmp_path: Path) -> None:
    path = tmp_path / "slow.txt"
    path.write_bytes(b"line\n" * 200_000)
    slow = CountingFile(open_regular(str(path)), delay_s=0.02)
    verdict = inspect(slow, str(path), budget_s=0.1)
    slow.close()
    assert refusal(verdict, str(path), ContentPolicy(), set()) == "FILE_DAMAGED"


class BrokenFile(CountingFile):
    def __init__(self, file: RegularFile, error: Exception) -> None:
        super().__init__(file)
        self._error = error

    def read_at(self, offset: int, size: int) -> bytes:
        raise self._error


def test_whatever_a_parser_does_the_answer_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7")
    for error in (ValueError("x"), RecursionError(), MemoryError(), IndexError()):
        broken = BrokenFile(open_regular(str(path)), error)
        verdict = inspect(broken, str(path))
        broken.close()
        assert refusal(verdict, str(path), ContentPolicy(), set()) == "FILE_DAMAGED"


def test_a_disk_error_is_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7")
    broken = BrokenFile(open_regular(str(path)), FileError(ErrorCode.READ_FAILED))
    with pytest.raises(FileError) as caught:
        inspect(broken, str(path))
    broken.close()
    assert caught.value.code is ErrorCode.READ_FAILED


def test_a_file_that_shrinks_while_it_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"line\n" * 100_000)
    file = open_regular(str(path))
    os.truncate(path, 10)
    assert inspect(file, str(path)).kind == "text"
    file.close()


def test_a_source_has_a_budget() -> None:
    source = Source(lambda offset, size: bytes(size), 1 << 40, budget=MIB)
    source.at(MIB, MIB - len(source.head))
    with pytest.raises(Damage):
        source.at(4 * MIB, 1)


def test_ordinary_files_take_less_than_three_milliseconds() -> None:
    for path in SAMPLES.iterdir():
        file = open_regular(str(path))
        inspect(file, str(path))
        times = []
        for _ in range(5):
            started = time.thread_time()
            inspect(file, str(path))
            times.append(time.thread_time() - started)
        file.close()
        assert min(times) < 0.003, path.name
