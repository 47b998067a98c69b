"""A link to a project as the engine has it, with a record of its own and nothing stored outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from exai_desktop.config.secret_store import SessionStore
from exai_desktop.core.settings import Settings
from exai_desktop.storage.record.other_devices import SqliteOtherRecords
from exai_desktop.storage.record.shared_quota import SqliteQuotaDesk
from exai_desktop.sync.link import SupabaseLink
from exai_desktop.sync.mirror import Device
from exai_desktop.sync.session import SessionBook
from tests.contracts.storage.test_outbox import Desk

from .data_api import PUBLISHABLE
from .front import Front

ME = "6f1c1d0e-0000-4000-8000-000000000001"
EMAIL, PASSWORD = "me@example.com", "obviously-not-a-real-password-1"
SETTINGS = Settings(connect_timeout_s=5.0, read_timeout_s=30.0)


def tokens(number: int = 1, expires_in: float = 3600, user: str = ME) -> tuple[int, object]:
    """A session as the project gives one."""
    return 200, {
        "access_token": f"access-not-real-{number}",
        "refresh_token": f"refresh-not-real-{number}",
        "expires_in": expires_in,
        "user": {"id": user, "email": EMAIL},
    }


class Canned:
    """A project that gives a new token for each question after one; `more` answers the rest."""

    def __init__(self, more: dict[str, tuple[int, object]] | None = None) -> None:
        self.given = 0
        self.expires_in = 3600.0
        self.refusal: tuple[int, object] | None = None
        self.more = {
            "exai_status": (200, {"schema": 1, "user": ME}),
            "settings": (200, {"disable_signup": True}),
            "logout": (204, None),
            "exai_pull": (200, {"restart": None, "next": 0, "more": False, "changes": []}),
        } | (more or {})

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, object] | str | None:
        if "grant_type" in path:
            if self.refusal is not None:
                return self.refusal
            self.given += 1
            return tokens(self.given, self.expires_in)
        name = path.rpartition("/")[2].partition("?")[0]
        if name == "exai_apply" and name not in self.more:
            done = {"status": "applied", "rev": 1}
            return 200, [{"id": each["id"], **done} for each in body["p_ops"]]
        return self.more[name]


class Rig:
    """The desk, the key store and the link; another one on the same is the next start."""

    def __init__(self, folder: Path, name: str = "one", profile: str = "p") -> None:
        self.desk = Desk(folder / f"{name}.db")
        self.store = SessionStore()
        self.book = SessionBook(self.store, profile)
        self.link = self.new_link()

    def new_link(self, settings: Callable[[], Settings] = lambda: SETTINGS) -> SupabaseLink:
        others = SqliteOtherRecords(self.desk.database)
        device = Device("desk", "Linux", "1.0")
        quotas = SqliteQuotaDesk(self.desk.database)
        return SupabaseLink(self.book, device, self.desk.outbox, others, quotas, settings)

    async def sign_in(self, found: Front) -> None:
        user = await self.link.sign_in(found.url, PUBLISHABLE, EMAIL, PASSWORD)
        await self.desk.outbox.sign_in(
            user.url, user.user_id, "11111111-1111-4111-8111-111111111111", user.profile
        )

    async def close(self) -> None:
        await self.link.close()
        self.desk.database.close()
