"""`UploadService`: everything the window and the command line can ask of the engine.

One object with parts, each a protocol of its own. The engine meets them itself; the socket's
client and the window's client are proxies made from them, so a verb works alike whether its
process owns the profile or another one does. All arguments and results are plain values. Every
method may raise `AppError`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, Self, cast

from exai_desktop.core.accounts.accounts import (
    HERE,
    AccountDraft,
    AccountEdit,
    AccountStatus,
    ConnectionReport,
    KeyPlace,
)
from exai_desktop.core.accounts.health import HealthSample
from exai_desktop.core.accounts.secret_store import KeyStoreService
from exai_desktop.core.audit.activity import ActivityQuery, DaySum
from exai_desktop.core.audit.audit import AuditRow
from exai_desktop.core.audit.check import AuditReport
from exai_desktop.core.audit.signing import AuditSignature
from exai_desktop.core.copies.models import Copy, RemoteListing
from exai_desktop.core.copies.queries import (
    FileDetail,
    FilePage,
    FileQuery,
    ImportReport,
    SearchHit,
)
from exai_desktop.core.events import Event, WindowService
from exai_desktop.core.jobs.history import HistoryService
from exai_desktop.core.jobs.jobs import AddOptions, JobDetail, JobPage, JobQuery, QueueSummary
from exai_desktop.core.jobs.line import LinePlace
from exai_desktop.core.jobs.ranges import FileIds, JobRange, RangeOrder
from exai_desktop.core.jobs.receipts import ReceiptService
from exai_desktop.core.jobs.watched_folders import WatchService
from exai_desktop.core.machine import BackupService, UpdateService
from exai_desktop.core.mirror.service import MirrorService
from exai_desktop.core.mirror.storage_copies import StorageService
from exai_desktop.core.planning.service import PlanService

if TYPE_CHECKING:  # pydantic takes a third of what `--help` does
    from exai_desktop.core.settings import RuleReport, Settings, SettingsImport


class QueueService(PlanService, Protocol):
    """Jobs: what is to be sent, is being sent, and was sent."""

    async def add(self, paths: Sequence[str], options: AddOptions) -> int:
        """Take files and folders into the queue; returns the batch id at once.

        Walking goes on behind; `BatchScanned` tells when every file below is accounted for.
        Raises NO_ACCOUNT, UNKNOWN_ACCOUNT, INVALID_PURPOSE or UNUSABLE_SETTING before anything
        is queued.
        """

    async def page(self, query: JobQuery) -> JobPage: ...

    async def job(self, job_id: int) -> JobDetail:
        """Raises UNKNOWN_JOB."""

    async def summary(self) -> QueueSummary: ...

    async def pause(self, job_ids: Sequence[int] | None = None, for_s: float | None = None) -> None:
        """None: the whole queue (for so many seconds), files under way finish. Ids: these are
        held, also when sending (the connection is closed before the last block; nothing can have
        been stored)."""

    async def resume(self, job_ids: Sequence[int] | None = None) -> None: ...

    async def cancel(self, job_ids: Sequence[int]) -> list[int]:
        """Returns the ids that are or will be cancelled; a job already settled is left out."""

    async def retry(
        self,
        job_ids: Sequence[int] | None,
        *,
        allow_fallback: bool = False,
        accepted: Sequence[str] = (),
        gone: bool = False,
    ) -> list[int]:
        """Refused, failed, cancelled and held jobs go back to the queue, and stored ones whose
        file is gone at the provider; their ids are returned.

        None: all that failed or are held by an error; with `gone` all whose file is gone, except
        where the deletion is not confirmed. `allow_fallback` adds the consent to
        send them to another company, `accepted` (codes of `core.files.files`) the consent to
        their content.
        """

    async def settle(self, job_id: int, remote_id: str | None) -> None:
        """The user's answer to needs_review: use this file of the provider, or send again."""

    async def remove(self, job_ids: Sequence[int] | None) -> int:
        """Clear finished jobs (None: all finished) from the queue; the history keeps them."""

    async def reorder(self, job_ids: Sequence[int], to: LinePlace) -> list[int]:
        """Move jobs within the line of sending. Returns those that can be moved: others are left
        out. Raises UNKNOWN_JOB, and NOT_IN_LINE for the job in `to`; then nothing is done."""

    async def order(self, order: RangeOrder, jobs: JobRange) -> int:
        """Do this to every job of the range that it fits; returns to how many. Raises UNKNOWN_JOB
        when an end of the range is not there any more: then nothing is done."""

    async def file_ids(self, jobs: JobRange, after: int = 0) -> FileIds:
        """The next piece of the range's file ids, in the order of the jobs' numbers: of those
        behind `after`. Raises UNKNOWN_JOB as `order` does."""


class FileService(Protocol):
    """Files at the providers, by the record.

    They are told by the record's own number, the `id` of `Copy`: also those without a job.
    """

    async def page(self, query: FileQuery) -> FilePage: ...

    async def file(self, copy_id: int) -> FileDetail:
        """With the looks at it. Raises REMOTE_NOT_FOUND."""

    async def check(self, copy_id: int) -> FileDetail:
        """Ask the provider for this one file, and note what it says. Raises REMOTE_NOT_FOUND."""

    async def import_foreign(
        self, account: str, remote_ids: Sequence[str] | None = None
    ) -> ImportReport:
        """Take foreign files (None: all that the provider lists now) into the record."""

    async def delete(self, copy_id: int) -> Copy:
        """Delete at the provider, and look whether it is gone. Raises WRONG_STATE for a foreign
        file."""

    async def delete_of_job(self, job_id: int) -> str:
        """Delete the job's file at the provider; returns its id there."""

    async def text(self, copy_id: int) -> str:
        """The text the provider read from the file, kept for `search` if the user wants.

        Raises NOT_SUPPORTED, REMOTE_NOT_FOUND.
        """

    async def text_of_job(self, job_id: int) -> str:
        """The same for the job's file."""

    async def search(self, text: str) -> list[SearchHit]:
        """Files whose name, id or hash matches, or whose kept text holds it."""


class AccountService(Protocol):
    """Accounts, and how their providers are."""

    async def all(self) -> list[AccountStatus]: ...

    async def add(self, draft: AccountDraft, key: str) -> AccountStatus: ...

    async def remove(self, name: str) -> None:
        """Finished jobs and the files at the provider stay; open jobs forbid it."""

    async def set_key(
        self, name: str, key: str, place: KeyPlace = HERE, *, untested: bool = False
    ) -> AccountStatus:
        """Replace the key, also while files are held for it; these then go on. The new key is tried
        first, unless `untested`; if the provider refuses it, or cannot be asked, this raises and
        the old key stays. Another address raises ACCOUNT_IN_USE while
        files are being sent to the old one.
        """

    async def edit(self, name: str, changes: AccountEdit) -> AccountStatus:
        """Change all but key and address; it holds at once. Raises INVALID_ACCOUNT."""

    async def test(self, name: str) -> ConnectionReport:
        """One cheap authenticated call; a good answer also lifts a pause for a bad key."""

    async def test_draft(self, draft: AccountDraft, key: str) -> ConnectionReport:
        """The same before the account is saved."""

    async def health(self, account: str | None, limit: int) -> list[HealthSample]:
        """How the provider of this account (None: of all) has answered, the newest first."""

    async def reconcile(self, name: str) -> list[RemoteListing]:
        """Hold the record against the account's lists, one a purpose; what is found is recorded."""


class AuditService(Protocol):
    """The audit trail."""

    async def verify(self) -> AuditReport:
        """Check the whole chain, and its end against the anchor."""

    async def rows(self, after: int, limit: int, since: float | None = None) -> list[AuditRow]:
        """The rows behind number `after`, at most `limit`; `since` leaves out earlier ones."""

    async def activity(self, query: ActivityQuery) -> list[AuditRow]:
        """What happened, the newest first."""

    async def days(self, count: int) -> list[DaySum]:
        """Sums of the last days, at most 366, today the last; also of days without an upload."""

    async def accept(self) -> AuditReport:
        """The user knows why rows are missing at the end, or who has sealed some: it is noted in
        the trail, and the trail counts as it is now. Raises AUDIT_NOT_INTACT for anything else.
        """

    async def public_key(self) -> str:
        """What the signatures of this profile are checked with. Needs the key store."""

    async def signed_end(self) -> AuditSignature:
        """Check the whole trail and sign it as it is now. Raises AUDIT_NOT_INTACT."""


class SettingsService(Protocol):
    """The settings, and what they find on this computer."""

    async def saved(self) -> Settings:
        """As they are saved; the engine goes on with those it was started with."""

    async def change(self, name: str, value: str) -> Settings:
        """Save one, given as text. Raises INVALID_SETTING. In force from the next start on, the
        limit of speed, the rules for folders and what the queue waits for at once."""

    async def fixed(self) -> dict[str, str]:
        """Settings of which a saved value has no effect: a variable of the environment decides
        (its name), or "your organisation"."""

    async def write_out(self) -> str:
        """The saved settings that are not at their defaults, as a file for another computer. It
        holds no password, no account and no folder."""

    async def read_in(self, text: str, *, apply: bool) -> SettingsImport:
        """Take on what `write_out` gave, or a file of environment variables (`NAME=value`).

        Without `apply` nothing is changed. Raises SETTINGS_NOT_READ.
        """

    async def set_password(self, name: str, password: str) -> str:
        """Keep the password of the server that this setting names; returns what it is for.

        Raises INVALID_SETTING, and what the key store raises. In force for new connections.
        """

    async def delete_password(self, name: str) -> bool:
        """Whether there was one. Raises INVALID_SETTING."""

    async def rules(self) -> list[RuleReport]:
        """The rules for folders as they are saved."""

    async def set_rule(
        self,
        folder: str,
        places: Sequence[str],
        *,
        allow_fallback: bool = False,
        replace: bool = True,
    ) -> RuleReport:
        """Save the rule for a folder, given by its whole path; it replaces the folder's others,
        whatever name they were made under. Without `replace` one that is there stays.

        Raises INVALID_SETTING. In force at once.
        """

    async def remove_rule(self, folder: str) -> bool:
        """Whether there was one, under this or another name of the folder."""

    async def malware_scanner(self) -> str:
        """For people: which scanner there is, how old its knowledge, or that there is none."""


class Events(Protocol):
    """A stream of events. Raises OWNER_GONE when the process behind it is gone."""

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Event: ...

    async def aclose(self) -> None: ...


class UploadService(Protocol):
    @property
    def queue(self) -> QueueService: ...

    @property
    def files(self) -> FileService: ...

    @property
    def accounts(self) -> AccountService: ...

    @property
    def audit(self) -> AuditService: ...

    @property
    def settings(self) -> SettingsService: ...

    @property
    def keys(self) -> KeyStoreService: ...

    @property
    def backups(self) -> BackupService: ...

    @property
    def mirror(self) -> MirrorService: ...

    @property
    def storage(self) -> StorageService: ...

    @property
    def receipts(self) -> ReceiptService: ...

    @property
    def history(self) -> HistoryService: ...

    @property
    def watched(self) -> WatchService: ...

    @property
    def window(self) -> WindowService: ...

    @property
    def updates(self) -> UpdateService: ...

    async def facts(self) -> dict[str, str]:
        """Versions, places and the state of the parts, for `doctor` and bug reports."""

    async def events(self) -> Events:
        """All events from the moment this returns on; close the stream when done."""


PARTS: Final[dict[str, type]] = {
    "queue": QueueService,
    "files": FileService,
    "accounts": AccountService,
    "audit": AuditService,
    "settings": SettingsService,
    "keys": KeyStoreService,
    "backups": BackupService,
    "mirror": MirrorService,
    "storage": StorageService,
    "receipts": ReceiptService,
    "history": HistoryService,
    "watched": WatchService,
    "window": WindowService,
    "updates": UpdateService,
}

# By full name, as the socket writes them: `queue.add`, `facts`. A stream is no call: `events`.
METHODS: Final[dict[str, Callable[..., Awaitable[Any]]]] = {
    "facts": UploadService.facts,
} | {
    f"{part}.{name}": method
    for part, protocol in PARTS.items()
    for owner in protocol.__mro__
    if owner not in (Protocol, Generic, object)
    for name, method in vars(owner).items()
    if not name.startswith("_")
}

Call = Callable[..., Awaitable[Any]]


class _Part:
    def __init__(self, prefix: str, call: Call) -> None:
        self._prefix = prefix
        self._call = call

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        full_name = self._prefix + name
        if full_name not in METHODS:
            raise AttributeError(full_name)
        return partial(self._call, full_name)


class _Proxy(_Part):
    def __init__(self, call: Call) -> None:
        super().__init__("", call)
        for name in PARTS:
            setattr(self, name, _Part(f"{name}.", call))


def proxy(call: Call) -> UploadService:
    """A service that hands each call on: `call(full_name, *args, **kwargs)`. Without events."""
    return cast(UploadService, _Proxy(call))


def method_of(service: UploadService, full_name: str) -> Callable[..., Awaitable[Any]]:
    """The method of that name. `full_name` is one of `METHODS`; raises LookupError otherwise."""
    if full_name not in METHODS:
        raise LookupError(full_name)
    part, _, name = full_name.rpartition(".")
    owner = getattr(service, part) if part else service
    method: Callable[..., Awaitable[Any]] = getattr(owner, name)
    return method
