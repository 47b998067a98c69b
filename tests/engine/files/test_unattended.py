"""What comes in unattended stays inside the allowed folders, whatever the paths say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exai_desktop.core.jobs.jobs import AddOptions, JobState, JobView, Origin
from exai_desktop.engine.files.open_file import open_regular
from tests.engine.engine_kit import Bench, open_bench, settings

OUTSIDE = "PATH_TRAVERSAL"


class Place:
    """An allowed folder `in` with a file, and a secret beside it."""

    def __init__(self, folder: Path) -> None:
        self.base = folder
        self.allowed = folder / "in"
        self.good = self.write("in/good.txt")
        self.secret = self.write("secret.txt")

    def write(self, name: str) -> Path:
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"what is in {name}")
        return path

    def link(self, name: str, target: Path | str) -> Path:
        path = self.base / name
        path.symlink_to(target)
        return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "disk")


async def taken(bench: Bench, *paths: Path | str) -> list[JobView]:
    options = AddOptions(origin=Origin.UNATTENDED)
    batch = await bench.engine.queue.add([str(path) for path in paths], options)
    await bench.finished(batch)
    return await bench.rows(batch)


def codes(jobs: list[JobView]) -> dict[str, str | None]:
    return {Path(job.path).name: job.error.code if job.error else None for job in jobs}


def allowed(place: Place) -> dict[str, object]:
    return {"wanted": settings(allowed_folders=(str(place.allowed),))}


async def test_a_folder_is_taken_without_what_leads_out_of_it(tmp_path: Path, place: Place) -> None:
    place.link("in/file link.txt", place.secret)
    place.link("in/folder link", place.base)
    place.link("in/etc", "/etc")
    place.link("in/relative.txt", "../secret.txt")
    place.link("in/inner.txt", "good.txt")
    place.write("in/.ssh/id_ed25519")
    place.write("in/sub/deep.txt")
    async with open_bench(tmp_path, **allowed(place)) as bench:  # type: ignore[arg-type]
        found = codes(await taken(bench, place.allowed / "sub", place.allowed))
        assert found == {
            "deep.txt": None,
            "good.txt": None,
            "inner.txt": None,
            "file link.txt": OUTSIDE,
            "folder link": OUTSIDE,
            "etc": OUTSIDE,
            "relative.txt": OUTSIDE,
            ".ssh": "FOLDER_SKIPPED",
        }
        sent = set(bench.providers["kimi"].bodies.values())
    assert sent == {b"what is in in/good.txt", b"what is in in/sub/deep.txt"}


async def test_hostile_paths_are_refused_and_nothing_is_read(tmp_path: Path, place: Place) -> None:
    inside = place.allowed
    place.write("in-evil/a.txt")
    place.write("In/a.txt")
    key = place.write("in/.ssh/id_ed25519")
    hostile: list[Path | str] = [
        place.secret,
        place.base,
        f"{inside}/../secret.txt",
        f"{inside}/./good.txt",
        f"{inside}/sub/../../secret.txt",
        f"{inside}-evil/a.txt",
        place.base / "In" / "a.txt",
        "/etc/passwd",
        "/etc/shadow",
        "/nowhere/at all",
        "/proc/self/environ",
        "/dev/stdin",
        "relative.txt",
        f"{inside}/good.txt\0.pdf",
        f"/{inside}/good.txt",
        f"{inside}/%2e%2e/secret.txt",
        f"{inside}/{'a' * 40_000}",
        key,
        key.parent,
    ]
    async with open_bench(tmp_path, **allowed(place)) as bench:  # type: ignore[arg-type]
        jobs = await taken(bench, *hostile)
        assert [job.error.code for job in jobs if job.error] == [OUTSIDE] * len(hostile)
        assert not bench.providers["kimi"].uploads


async def test_without_an_allowed_folder_nothing_is_taken(tmp_path: Path, place: Place) -> None:
    async with open_bench(tmp_path) as bench:
        assert codes(await taken(bench, place.good)) == {"good.txt": OUTSIDE}
        # A person's own choice needs no such folder.
        [job] = await bench.upload(place.good)
        assert job.state is JobState.DONE


async def test_a_folder_swapped_for_a_link_after_the_look_is_noticed(
    tmp_path: Path, place: Place
) -> None:
    place.write("in/sub/secret.txt")
    (tmp_path / "held").mkdir()
    async with open_bench(tmp_path, **allowed(place)) as bench:  # type: ignore[arg-type]
        await bench.engine.queue.pause()
        options = AddOptions(origin=Origin.UNATTENDED)
        batch = await bench.engine.queue.add([str(place.allowed / "sub")], options)
        await bench.scanned(batch)
        (place.allowed / "sub").rename(tmp_path / "held" / "sub")
        place.link("in/sub", place.base)
        await bench.engine.queue.resume()
        await bench.finished(batch)
        [job] = await bench.rows(batch)
        assert (job.state, codes([job])) == (JobState.REFUSED, {"secret.txt": OUTSIDE})
        assert not bench.providers["kimi"].uploads
        # Nor does a retry lift it.
        await bench.engine.queue.retry([job.id], accepted=[OUTSIDE])
        await bench.until_state(job.id, JobState.REFUSED)


def test_the_open_file_tells_where_it_lies(place: Place) -> None:
    file = open_regular(str(place.link("link.txt", place.good)))
    try:
        assert file.place() == os.path.realpath(place.good)
        place.good.rename(place.base / "moved.txt")
        assert file.place() == os.path.realpath(place.base / "moved.txt")
    finally:
        file.close()


async def test_keys_met_on_the_way_are_passed_over_unless_they_were_dropped(
    tmp_path: Path, place: Place
) -> None:
    key = place.write("home/.ssh/id.txt")
    place.link("in/notes.txt", key)
    place.link("in/pictures", key.parent)
    async with open_bench(tmp_path) as bench:
        found = codes(await bench.upload(place.base / "home", place.allowed))
        assert found == {
            ".ssh": "FOLDER_SKIPPED",
            "good.txt": None,
            "notes.txt": "FOLDER_SKIPPED",
            "pictures": "FOLDER_SKIPPED",
        }
        assert codes(await bench.upload(key.parent)) == {"id.txt": None}
        [job] = await bench.upload(key)
        assert job.error is None
