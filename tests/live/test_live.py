"""The real providers, with the user's own keys: `make live`. See CONTRIBUTING.md.

Each way to send carries one small file through its whole life. What is left of it is deleted,
also what an earlier run that was broken off has left, told by its name.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import pytest

from exai_desktop.bootstrap.opening import provider_classes
from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.copies.provider import ExtractsText, FileProvider
from exai_desktop.core.errors.tree import Sent, TransferError
from exai_desktop.core.settings import Settings
from exai_desktop.engine.files.open_file import RegularFile, open_regular

pytestmark = pytest.mark.live

PREFIX: Final = "exai-desktop live test "
SAMPLE: Final = Path(__file__).parents[2] / "resources" / "samples" / "report.pdf"
# How long a provider may take to list, read or forget a file.
PATIENCE_S: Final = 60.0
TABLE: Final = load_provider_table()
CLASSES: Final = provider_classes()
TIERS: Final = {name: ("http", "openai") for name in CLASSES if name != "custom"} | {
    "glm": ("http", "openai", "native")
}

T = TypeVar("T")


class Place(NamedTuple):
    """Printed by its provider and region alone."""

    provider: str
    region: str
    url: str
    key: str

    def __repr__(self) -> str:
        return f"{self.provider}-{self.region}"


def _places() -> list[Place]:
    """Read at import: the fixtures of other tests clear the program's variables."""
    found = []
    for provider in TIERS:
        name = f"EXAI_DESKTOP_LIVE_{provider.upper()}"
        key = os.environ.get(f"{name}_KEY")
        info = TABLE.provider(provider)
        assert info is not None
        region = info.region(os.environ.get(f"{name}_REGION", info.regions[0].name))
        if key and region is not None:
            url = os.environ.get(f"{name}_URL", region.base_url)
            found.append(Place(provider, region.name, url, key))
    return found


PLACES: Final = _places()


class Sending:
    block: int | None = None

    def __init__(self, path: Path, purpose: str) -> None:
        self.file: RegularFile = open_regular(str(path))
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.name = path.name
        self.purpose = purpose

    async def may_leave(self, size: int) -> None:
        """At once."""

    def on_bytes(self, total_sent: int) -> None:
        """Nobody looks."""

    def on_left(self, sent: Sent) -> None:
        """Nobody looks."""


def test_somebody_gave_a_key() -> None:
    assert PLACES, "set EXAI_DESKTOP_LIVE_KIMI_KEY or EXAI_DESKTOP_LIVE_GLM_KEY"


@pytest.fixture
async def provider(
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[Place, FileProvider, str]]:
    place, tier = request.param
    account = Account("live", place.provider, place.region, place.url)
    info = TABLE.of(account)
    assert info is not None
    purpose = info.purposes_in(place.region)[0].name
    with ThreadPoolExecutor(2) as readers:
        settings = Settings(transport_order=tier)
        made = CLASSES[place.provider](account, place.key, info, settings, readers)
        try:
            await _clean_up(made, purpose)
            yield place, made, purpose
        finally:
            await _clean_up(made, purpose)
            await made.close()


async def _clean_up(provider: FileProvider, purpose: str) -> None:
    for file in await provider.list(purpose):
        if file.name.startswith(PREFIX):
            await provider.delete(file.id)


async def eventually(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Providers list, read and forget with some delay."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = await ask()
        if holds(found):
            return found
        assert time.monotonic() < end, "it takes longer than a minute"
        await asyncio.sleep(2.0)


def _file(folder: Path, place: Place, purpose: str) -> Path:
    info = TABLE.provider(place.provider)
    assert info is not None
    name = f"{PREFIX}{time.time_ns()}"
    if info.purpose(place.region, purpose).takes("txt"):
        path = folder / f"{name}.txt"
        path.write_text(f"A small file of a test: {name}. It may be deleted.\n", encoding="utf-8")
    else:
        path = folder / f"{name}.pdf"
        path.write_bytes(SAMPLE.read_bytes())
    return path


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "provider",
    [pytest.param((p, tier), id=f"{p!r}-{tier}") for p in PLACES for tier in TIERS[p.provider]],
    indirect=True,
)
async def test_a_small_file_and_its_whole_life(
    provider: tuple[Place, FileProvider, str], tmp_path: Path
) -> None:
    place, at, purpose = provider
    path = _file(tmp_path, place, purpose)
    sending = Sending(path, purpose)
    await at.ready()
    try:
        remote = await at.upload(sending)
    finally:
        sending.file.close()
    assert (remote.bytes, remote.name) == (path.stat().st_size, path.name)
    await eventually(lambda: at.list(purpose), lambda all_: remote.id in {f.id for f in all_})
    found = await eventually(lambda: at.find(remote.id, purpose), lambda file: file is not None)
    assert found is not None
    assert found.bytes == path.stat().st_size
    info = TABLE.provider(place.provider)
    assert info is not None
    if isinstance(at, ExtractsText) and info.purpose(place.region, purpose).gives_text:
        extracts = at

        async def text() -> str:
            try:
                return await extracts.content(remote.id)
            except TransferError:
                return ""  # not read yet

        assert PREFIX.strip() in await eventually(text, bool) or path.suffix == ".pdf"
    await at.delete(remote.id)
    await eventually(lambda: at.find(remote.id, purpose), lambda file: file is None)
