"""Three days offline, and kill -9 at each moment of a round: both come to one record.

`EXAI_DESKTOP_TEST_CHANGES=5000` and `EXAI_DESKTOP_TEST_KILLS=50` with `-m long` for more.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import pytest
import pytest_asyncio

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.machine import steady_time
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from tests.contracts.storage.test_outbox import Desk

from .data_api import DataApi
from .front import Front, front
from .killed_sync import MOMENTS
from .project import Project
from .test_signed_in import _Device, _emails

# Read here: the fixtures clear the program's variables.
CHANGES: Final = int(os.environ.get("EXAI_DESKTOP_TEST_CHANGES", "5000"))
KILLS: Final = int(os.environ.get("EXAI_DESKTOP_TEST_KILLS", "50"))
# Of a round behind its first answer; the fifth settles the rows that were sent.
_COMMITS: Final = (5, 4, 1, 2, 3, 6, 7, 8)
_THREE_DAYS_S: Final = 3 * 86_400.0

_NEW: Final = """
INSERT INTO copies (provider, account, purpose, sha256, size, remote_id, remote_name, state,
    usable, recorded_at, origin)
VALUES ('kimi', 'work', 'file-extract', printf('%064x', :number), 10, :id, :id, 'present', 1,
    :at, 'sent')"""


@pytest.fixture
def there(served: tuple[Project, DataApi]) -> Iterator[Front]:
    with front(str(served[1].http.base_url).rstrip("/")) as found:
        yield found


@pytest_asyncio.fixture
async def three(
    served: tuple[Project, DataApi], there: Front, tmp_path: Path
) -> AsyncIterator[list[_Device]]:
    """Computers of one user; the last one has not signed in yet."""
    email = next(_emails)
    assert served[1].sign_up(email).status_code == 200
    made = [_Device(tmp_path, name, there, email) for name in ("one", "two", "three")]
    for each in made[:2]:
        await each.sign_in()
    yield made
    for each in made:
        await each.rig.close()


async def _change(device: _Device, name: str, count: int, day: int) -> None:
    """New files, and of every third one that it is gone: `count` changes of the record."""

    def write(connection: Any) -> None:
        made = count * 3 // 4
        for number in range(made):
            file_id = f"{name}-{day}-{number}"
            known = {"id": file_id, "number": crc32(file_id.encode()), "at": day * 1_000 + number}
            connection.execute(_NEW, known)
        connection.execute(
            "UPDATE copies SET state = 'missing', usable = 0 WHERE remote_id IN ("
            " SELECT remote_id FROM copies WHERE remote_id LIKE :ours ORDER BY id LIMIT :most)",
            {"ours": f"{name}-{day}-%", "most": count - made},
        )

    await device.rig.desk.database.write(write)


async def _view(device: _Device) -> dict[str, str]:
    """All files that are known on this computer, its own and the others', with their state."""
    own = device.rig.desk.rows("SELECT remote_id, state FROM copies")
    records = [(file.remote_id, file.status) for file in await _all_others(device)]
    assert not set(dict(own)) & set(dict(records))
    assert len(records) == len(dict(records))
    return dict(own) | dict(records)


async def _all_others(device: _Device) -> list[Any]:
    assert device.target is not None
    records = SqliteOtherRecords(device.rig.desk.database)
    page = await records.page(device.target, "", 100_000, 0)
    assert page.total == len(page.files)
    return list(page.files)


async def _three_days(three: list[_Device], there: Front, changes: int) -> None:
    one, two, third = three
    there.answer = lambda *_: "cut"
    for day in range(3):
        for name, device in (("one", one), ("two", two)):
            await _change(device, name, changes // 3, day)
            with pytest.raises(AppError) as caught:
                await device.sync()
            assert caught.value.code is ErrorCode.PROJECT_UNREACHABLE
    for device in (one, two):
        session = device.link._session
        assert session is not None
        # Three days on the clock that nobody can set: the token has ended long ago.
        session._steady = lambda: steady_time() + _THREE_DAYS_S
    there.answer = lambda *_: None
    there.asked.clear()
    # Both at once, as at a Monday morning; then each hears of what the other one sent.
    done = await asyncio.gather(one.sync(), two.sync())
    assert sum(each.refused for each in done) == 0
    await one.sync()
    await two.sync()
    assert there.count("grant_type=refresh_token") == 2
    whole = await _view(one)
    # Three quarters of the changes are new files, the others are later changes of these.
    made = changes // 3 * 3 // 4 * 3
    assert (len(whole), await _view(two)) == (2 * made, whole)
    assert Counter(whole.values()) == {
        "missing": 2 * (changes // 3 - changes // 3 * 3 // 4) * 3,
        "present": len(whole) - 2 * (changes // 3 - changes // 3 * 3 // 4) * 3,
    }
    for device in (one, two):
        assert device.rig.desk.marked() == []
    there.asked.clear()
    await third.sign_in()
    await third.sync()
    assert there.count("exai_pull") > len(whole) // 500
    assert await _view(third) == whole


async def test_three_days_offline(three: list[_Device], there: Front) -> None:
    await _three_days(three, there, 300)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_three_days_offline_with_many_changes(three: list[_Device], there: Front) -> None:
    await _three_days(three, there, CHANGES)


def _round(folder: Path, there: Front, email: str, moment: str, nth: int) -> int:
    words = [str(folder), there.url, email, moment, str(nth)]
    command = [sys.executable, "-m", "tests.supabase.killed_sync", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


async def _killed(served: tuple[Project, DataApi], there: Front, folder: Path, kills: int) -> None:
    """Some files, a round that is killed, and so on; at the end one that is not. Of the batches
    the first tells who we are, the second the rows, the third the trail."""
    project, api = served
    email = next(_emails)
    assert api.sign_up(email).status_code == 200
    number, struck = 0, Counter[str]()
    for kill in range(kills):
        desk = Desk(folder / "killed.db")
        for _ in range(3):
            number += 1
            await desk.done(number)
        desk.database.close()
        moment, turn = MOMENTS[kill % len(MOMENTS)], kill // len(MOMENTS)
        nth = _COMMITS[turn % len(_COMMITS)] if "local" in moment else 1 + (turn + 1) % 3
        if _round(folder, there, email, moment, nth):
            struck[moment] += 1
    assert sum(struck.values()) == kills, struck
    assert _round(folder, there, email, "none", 1) == 0
    owner = str(project.value("select id from auth.users where email = %s", email))
    ids = "select platform_file_id from exai.platform_file_registry where owner = %s"
    found = sorted(row[0] for row in project.rows(ids, owner))
    assert found == sorted(f"file-{each}" for each in range(1, number + 1))
    files = "select count(*), count(distinct id) from exai.files where owner = %s"
    assert project.rows(files, owner) == [(number, number)]
    counted = "select sum(reference_count) from exai.file_hashes where owner = %s"
    assert project.value(counted, owner) == number
    used = "select file_count from exai.user_quotas where pool = 'uploads' and owner = %s"
    assert project.value(used, owner) == number
    desk = Desk(folder / "killed.db")
    trail = "select device_seq, device_mac from exai.file_audit_trail where owner = %s order by 1"
    assert project.rows(trail, owner) == desk.rows("SELECT seq, mac FROM audit ORDER BY seq")
    assert desk.marked() == []
    desk.database.close()


async def test_killed_at_each_moment_of_a_round(
    served: tuple[Project, DataApi], there: Front, tmp_path: Path
) -> None:
    await _killed(served, there, tmp_path, 6)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_killed_many_times(
    served: tuple[Project, DataApi], there: Front, tmp_path: Path
) -> None:
    await _killed(served, there, tmp_path, KILLS)
