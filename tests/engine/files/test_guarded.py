"""PDFs with passwords: a guarded child tells the harmless ones, and no file harms the program."""

from __future__ import annotations

import asyncio
import io
import random
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from pypdf import PdfReader, PdfWriter

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.sniff import Note
from exai_desktop.engine.files.confinement import can_confine
from exai_desktop.engine.files.file_checks import (
    RESTRICTED,
    WALL_S,
    ask_guarded,
    child_command,
    child_environment,
    inspect,
)
from exai_desktop.engine.files.file_checks import without_idle_password as judge
from exai_desktop.engine.files.open_file import RegularFile, open_regular
from exai_desktop.engine.files.warm_child import WarmChildren
from tests import documents
from tests.engine.engine_kit import open_bench
from tests.own_time import OwnTime, of_children

ALGORITHMS = ("RC4-40", "RC4-128", "AES-128", "AES-256")


def locked(user: str, algorithm: str = "AES-256") -> bytes:
    """The sample with an owner's password, and for reading this one."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(documents.pdf())))
    writer.encrypt(user_password=user, owner_password="owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def opened(folder: Path, content: bytes, name: str = "a.pdf") -> RegularFile:
    (folder / name).write_bytes(content)
    return open_regular(str(folder / name))


# Servers of other tests may be running.
others: set[int] = set()


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def no_child_left() -> bool:
    return not children() - others


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    others.clear()
    others.update(children())
    yield
    assert no_child_left()


async def is_locked(folder: Path, content: bytes) -> bool:
    file = opened(folder, content)
    verdict = inspect(file, file.path)
    assert verdict.finding(Note.ENCRYPTED), "not a case for the child"
    children = WarmChildren(child_command(), child_environment())
    told = await judge(verdict, file, asyncio.Semaphore(1), children)
    await children.close()
    file.close()
    locked_still = told.finding(Note.ENCRYPTED) is not None
    assert (told.finding(Note.RESTRICTED) is None) is locked_still
    return locked_still


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_an_owners_password_alone_is_no_obstacle(tmp_path: Path, algorithm: str) -> None:
    assert not await is_locked(tmp_path, locked("", algorithm))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_password_for_reading_is_one(tmp_path: Path, algorithm: str) -> None:
    assert await is_locked(tmp_path, locked("secret", algorithm))


async def test_only_the_locked_one_is_refused(tmp_path: Path) -> None:
    for name, content in (("open.pdf", locked("")), ("shut.pdf", locked("secret"))):
        (tmp_path / name).write_bytes(content)
    async with open_bench(tmp_path) as bench:
        free, shut = await bench.upload(tmp_path / "open.pdf", tmp_path / "shut.pdf")
        history = (await bench.engine.queue.job(free.id)).history
    assert free.state is JobState.DONE
    assert RESTRICTED in [entry.note for entry in history]
    assert shut.state is JobState.REFUSED
    assert shut.error is not None
    assert shut.error.code == ErrorCode.ENCRYPTED_DOCUMENT


async def test_other_files_need_no_child(tmp_path: Path) -> None:
    file = opened(tmp_path, documents.pdf())
    verdict = inspect(file, file.path)
    own, before = OwnTime(), of_children()
    unused = WarmChildren(child_command(), child_environment())
    assert await judge(verdict, file, asyncio.Semaphore(1), unused) is verdict
    assert own.seconds() < 0.05
    assert no_child_left()
    assert not of_children() - before > 0
    file.close()


# -- files made to harm


def _pdf(trailer: str, *objects: str) -> bytes:
    """A PDF by hand; `{xref}` in the trailer is where its table begins."""
    body, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode()
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    table += "".join(f"{place:010} 00000 n \n" for place in places)
    end = trailer.replace("{xref}", str(len(body)))
    return body + f"{table}trailer\n{end}\nstartxref\n{len(body)}\n%%EOF\n".encode()


CATALOG = "<< /Type /Catalog /Pages 2 0 R >>"
LOCK = "/Size 4 /Root 1 0 R /ID [<00> <00>] /Encrypt 3 0 R"
NO_LOCK = "<< /Filter /Standard /V 1 /R 2 /O <00> /U <00> /P -4 >>"
LOOP_OF_PAGES = "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"


def _bomb() -> bytes:
    """A cross-reference stream that unpacks to gigabytes."""
    packed = zlib.compress(zlib.compress(bytes(1 << 28), 9) * 40, 9)
    head = b"%PDF-1.7\n"
    stream = (
        b"1 0 obj\n<< /Type /XRef /W [1 2 1] /Size 99999999 /Encrypt 3 0 R /Root 2 0 R"
        b" /Filter [/FlateDecode /FlateDecode] /Length %d >>\nstream\n" % len(packed)
    )
    return head + stream + packed + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(head)


def _mutants() -> dict[str, bytes]:
    whole, chance, made = locked("secret"), random.Random(7), {}
    for number in range(6):
        content = bytearray(whole)
        for _ in range(12):
            # Not where the sniffer looks: it is to reach the child.
            content[chance.randrange(20, len(content) - 4096)] = chance.randrange(256)
        made[f"mutant {number}"] = bytes(content)
    return made


HARMFUL: dict[str, bytes | Callable[[], bytes]] = {
    "a table that leads to itself": _pdf(
        f"<< {LOCK} /Prev {{xref}} >>", CATALOG, LOOP_OF_PAGES, NO_LOCK
    ),
    "pages in a circle": _pdf(f"<< {LOCK} >>", CATALOG, LOOP_OF_PAGES, NO_LOCK),
    "a lock that is itself": _pdf(f"<< {LOCK} >>", CATALOG, LOOP_OF_PAGES, "3 0 R"),
    "deep nesting": _pdf(f"<< {LOCK} >>", CATALOG, "[" * 50_000, NO_LOCK),
    "a bomb": _bomb,  # it takes seconds to make
    "nothing behind": b"%PDF-1.7\ntrailer << /Encrypt 1 0 R >>\nstartxref\n9\n%%EOF\n",
    **_mutants(),
}


@pytest.mark.parametrize("name", HARMFUL)
async def test_a_harmful_pdf_stays_locked(tmp_path: Path, name: str) -> None:
    made = HARMFUL[name]
    file = opened(tmp_path, made if isinstance(made, bytes) else made())
    own = OwnTime()
    answer = await ask_guarded(child_command(), file)
    took = own.seconds()
    assert answer is None or answer["opens"] is False, answer
    assert took < WALL_S + 5
    assert not file.has_changed()
    file.close()


# -- the guard itself, with a child that does what a broken parser would

LIMITED = "import sys; from exai_desktop.engine.files.pdf_child import limit_self; limit_self({}); "


# Whoever ends by itself ends long before, also on a machine with other work.
LONG_S = 120.0


@pytest.mark.parametrize(
    ("limits", "program", "wall_s"),
    [
        ("", "[0] * (1 << 30)", LONG_S),
        ("", "while True: pass", 1.0),
        ("cpu_s=1", "while True: pass", LONG_S),
        ("", "import os; os.abort()", LONG_S),
        ("", "sys.stdout.write('x' * 10_000_000)", LONG_S),
        ("", "print('no JSON')", LONG_S),
        ("", "print('[]')", LONG_S),
        ("", "print('{\"opens\": true}'); sys.stdout.flush(); sys.exit(3)", LONG_S),
        ("", "import time; sys.stdout.close(); time.sleep(60)", 1.0),
        ("", "open('PLACE', 'w').write('x' * 9000)", LONG_S),
    ],
    ids=[
        *("memory", "wall clock", "computing time", "crash", "flood", "no JSON", "no object"),
        *("a failure at the end", "silence", "writing"),
    ],
)
async def test_a_child_that_goes_wrong_gives_no_answer_and_is_gone(
    tmp_path: Path, limits: str, program: str, wall_s: float
) -> None:
    file = opened(tmp_path, b"anything")
    act = program.replace("PLACE", str(tmp_path / "written"))
    command = [sys.executable, "-I", "-c", LIMITED.format(limits) + "\n" + act]
    began = time.monotonic()
    memory = psutil.Process().memory_info().rss
    assert await ask_guarded(command, file, wall_s) is None
    assert time.monotonic() - began < LONG_S / 2
    assert no_child_left()
    assert psutil.Process().memory_info().rss - memory < 50_000_000
    assert file.read_at(0, 100) == b"anything"
    file.close()


async def test_a_cancelled_question_ends_its_child(tmp_path: Path) -> None:
    file = opened(tmp_path, b"anything")
    command = [sys.executable, "-I", "-c", "import time; time.sleep(60)"]
    question = asyncio.create_task(ask_guarded(command, file))
    async with asyncio.timeout(60):
        while no_child_left():
            await asyncio.sleep(0.02)
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    assert no_child_left()
    file.close()


async def test_the_child_is_confined_while_it_parses(tmp_path: Path) -> None:
    file = opened(tmp_path, locked(""))
    answer = await ask_guarded(child_command(), file, LONG_S)
    assert answer == {"opens": True, "is_confined": can_confine()}
    file.close()


async def test_the_child_learns_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAI_DESKTOP_PASSPHRASE", "not for a parser")
    file = opened(tmp_path, b"anything")
    tell = "import json, os; print(json.dumps({'names': sorted(os.environ)}))"
    answer = await ask_guarded([sys.executable, "-I", "-c", tell], file)
    assert answer is not None
    assert not [name for name in answer["names"] if name.startswith("EXAI")]
    file.close()


async def test_a_child_that_cannot_start_gives_no_answer(tmp_path: Path) -> None:
    file = opened(tmp_path, b"anything")
    assert await ask_guarded([str(tmp_path / "absent")], file) is None
    file.close()


# -- the children that stay


async def test_one_child_answers_for_many_files(tmp_path: Path) -> None:
    children = WarmChildren(child_command(), child_environment())
    free, shut = opened(tmp_path, locked(""), "a.pdf"), opened(tmp_path, locked("s"), "b.pdf")
    told = [await children.ask(file, LONG_S) for file in (free, shut, free, shut)]
    assert [answer and answer["opens"] for answer in told] == [True, False, True, False]
    assert [answer and answer["is_confined"] for answer in told] == [can_confine()] * 4
    assert children.waiting == 1
    await children.close()
    assert no_child_left()
    free.close()
    shut.close()


@pytest.mark.parametrize("name", ["deep nesting", "nothing behind", "pages in a circle"])
async def test_a_harmful_file_is_not_the_next_ones_matter(tmp_path: Path, name: str) -> None:
    made = HARMFUL[name]
    assert isinstance(made, bytes)
    children = WarmChildren(child_command(), child_environment())
    bad, free = opened(tmp_path, made, "a.pdf"), opened(tmp_path, locked(""), "b.pdf")
    told = await children.ask(bad, LONG_S)
    assert told is None or told["opens"] is False
    told = await children.ask(free, LONG_S)
    assert told is not None
    assert told["opens"] is True
    await children.close()
    bad.close()
    free.close()


async def test_a_warm_child_that_is_late_or_cancelled_is_ended(tmp_path: Path) -> None:
    late = [sys.executable, "-I", "-c", "import time; time.sleep(60)"]
    children, file = WarmChildren(late, child_environment()), opened(tmp_path, b"anything")
    assert await children.ask(file, 0.2) is None
    assert no_child_left()
    question = asyncio.create_task(children.ask(file, LONG_S))
    async with asyncio.timeout(60):
        while no_child_left():
            await asyncio.sleep(0.02)
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    assert no_child_left()
    assert children.waiting == 0
    file.close()


async def test_after_an_idle_time_no_child_waits(tmp_path: Path) -> None:
    children = WarmChildren(child_command(), child_environment(), idle_s=0.1)
    file = opened(tmp_path, locked(""))
    assert await children.ask(file, LONG_S) is not None
    async with asyncio.timeout(60):
        while not no_child_left():
            await asyncio.sleep(0.02)
    assert children.waiting == 0
    assert await children.ask(file, LONG_S) is not None
    await children.close()
    file.close()


async def test_a_child_is_replaced_after_some_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exai_desktop.engine.files.warm_child._FILES", 2)
    warm = WarmChildren(child_command(), child_environment())
    file, waiting = opened(tmp_path, locked("")), []
    for _ in range(3):
        assert await warm.ask(file, LONG_S) is not None
        waiting.append(warm.waiting)
    assert waiting == [1, 0, 1]
    await warm.close()
    file.close()
