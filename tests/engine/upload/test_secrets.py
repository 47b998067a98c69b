"""A text with a key or a password is asked about before it leaves."""

from __future__ import annotations

import json
import random
from pathlib import Path

from exai_desktop.core.jobs.jobs import JobState, Origin
from tests.engine.engine_kit import answered, code, open_bench, settings
from tests.secrets.planted import ALNUM, pem, text

SECRET = "SECRET_INSIDE"


def key_file(folder: Path, name: str = "id_rsa.txt") -> Path:
    path = folder / name
    path.write_text(f"first\nsecond\n{pem(random.Random(name), 'RSA')}\n", encoding="utf-8")
    return path


async def test_a_key_is_asked_about_before_it_leaves(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        assert (job.state, code(job)) == (JobState.REFUSED, SECRET)
        assert job.error is not None
        assert job.error.detail == "a private key in line 3"
        assert job.judged
        # A consent to something else is none.
        assert code(await answered(bench, job, "MACROS_FOUND")) == SECRET
        done = await answered(bench, job, SECRET)
        assert done.state is JobState.DONE
        rows = await bench.engine.audit.rows(0, 100)
    noted = {r.action: json.loads(r.detail).get("accepted") for r in rows}
    assert noted["job.sending"] == f"MACROS_FOUND, {SECRET}"


async def test_it_is_found_again_when_the_content_is_known_already(tmp_path: Path) -> None:
    """The fingerprint is remembered for a file that stays the same; the question is not."""
    path = key_file(tmp_path)
    async with open_bench(tmp_path) as bench:
        await bench.upload(path, accepted=(SECRET,))
        [job] = await bench.upload(path)
    assert code(job) == SECRET


async def test_the_answer_is_for_this_content_only(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        path.write_text("x\n" * 9 + pem(random.Random(9), ""), encoding="utf-8")
        found = await answered(bench, job, SECRET)
    assert code(found) == SECRET
    assert found.error is not None
    assert found.error.detail == (
        "a private key in line 10; the file has changed since it was accepted"
    )


async def test_given_ahead_it_holds_but_not_for_a_script(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    mine, of_script = key_file(folder, "mine.txt"), key_file(folder, "script.txt")
    wanted = settings(allowed_folders=(str(folder),))
    async with open_bench(tmp_path, wanted=wanted) as bench:
        [job] = await bench.upload(mine, accepted=(SECRET,))
        assert job.state is JobState.DONE
        [job] = await bench.upload(of_script, accepted=(SECRET,), origin=Origin.UNATTENDED)
        assert (code(job), job.accepted) == (SECRET, ())
        # A person who has seen what was found may still send it.
        assert (await answered(bench, job, SECRET)).state is JobState.DONE


async def test_the_settings_decide(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    async with open_bench(tmp_path, wanted=settings(content_secret="refuse")) as bench:
        [job] = await bench.upload(path, accepted=(SECRET,))
        assert (code(job), job.judged) == (SECRET, None)
        assert code(await answered(bench, job, SECRET)) == SECRET
    (tmp_path / "other").mkdir()
    allowing = settings(content_secret="allow")
    async with open_bench(tmp_path / "other", wanted=allowing) as bench:
        [job] = await bench.upload(path)
    assert job.state is JobState.DONE


async def test_nothing_of_the_secret_is_written_down(tmp_path: Path) -> None:
    token = "gh" + "p_" + text(random.Random(3), ALNUM, 36)
    path = tmp_path / "notes.md"
    path.write_text(f"Use {token} here\n", encoding="utf-8")
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
        assert code(job) == SECRET
        shown = repr(await bench.engine.queue.job(job.id))
        rows = repr(await bench.engine.audit.rows(0, 100))
    assert token[4:12] not in shown + rows
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file != path]
    assert written
    assert all(token[4:].encode() not in file.read_bytes() for file in written)


async def test_a_document_about_keys_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "guide.md"
    path.write_text(
        "Put `-----BEGIN RSA PRIVATE KEY-----` first.\nexport API_TOKEN=your-token-here\n",
        encoding="utf-8",
    )
    async with open_bench(tmp_path) as bench:
        [job] = await bench.upload(path)
    assert job.state is JobState.DONE
