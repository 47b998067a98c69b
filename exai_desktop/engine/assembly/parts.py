"""What an engine is made from: the user's, the sandbox's, or a test's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from exai_desktop.core.accounts.accounts import BalanceBook
from exai_desktop.core.accounts.health import HealthBook
from exai_desktop.core.accounts.ports import AccountBook, Credentials, SharedTurns, StateStore
from exai_desktop.core.accounts.secret_store import ProfileSecrets
from exai_desktop.core.audit.ports import AnchorFile, AuditStore, Signer
from exai_desktop.core.copies.provider import ProviderFactory
from exai_desktop.core.copies.queries import TextCache
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.events import NO_METRICS, EventBus, Metrics
from exai_desktop.core.files.files import Fingerprints
from exai_desktop.core.jobs.claims import ContentClaims
from exai_desktop.core.jobs.history import HistoryStore
from exai_desktop.core.jobs.receipts import ReceiptStore
from exai_desktop.core.jobs.recovery import RecoveryLog
from exai_desktop.core.jobs.store import JobStore
from exai_desktop.core.machine import (
    BackupMaker,
    Clock,
    Disk,
    PauseBook,
    Snapshots,
    Surroundings,
)
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.editor import AccountEditor, KeyRules
from exai_desktop.engine.accounts.registry import Accounts
from exai_desktop.engine.background.mirroring import MirrorParts
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.files.file_checks import MalwareCheck
from exai_desktop.engine.files.open_file import RegularFile, open_regular
from exai_desktop.engine.service.settings import SettingsBook
from exai_desktop.engine.service.updates import UpdateParts
from exai_desktop.engine.service.watched_folders import WatchParts


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of jobs, copies and accounts, and of what was done.

    None where there is none, as in a test or beside a database that is only read.
    """

    jobs: JobStore
    copies: CopyStore
    fingerprints: Fingerprints
    receipts: ReceiptStore
    history: HistoryStore
    states: StateStore
    audit: AuditStore
    anchor_file: AnchorFile
    signer: Signer | None = None
    recovery: RecoveryLog | None = None
    texts: TextCache | None = None
    balances: BalanceBook | None = None
    health_book: HealthBook | None = None


@dataclass(frozen=True, slots=True)
class AccountParts:
    """What the accounts come from."""

    book: AccountBook
    credentials: Credentials
    secrets: ProfileSecrets
    make_provider: ProviderFactory
    table: ProviderTable
    keys: KeyRules

    def editor(
        self, accounts: Accounts, settings: Settings, clock: Clock, readers: Executor
    ) -> AccountEditor:
        """What changes `accounts` for the user."""
        return AccountEditor(
            accounts,
            self.book,
            self.credentials,
            self.make_provider,
            self.keys,
            settings,
            clock,
            readers,
        )


@dataclass(frozen=True, slots=True)
class MachineParts:
    """The computer, and other machines. None: there is none, or nothing is to be kept there."""

    clock: Clock
    readers: Executor
    chance: Callable[[], float]
    claims: ContentClaims | None = None
    turns: SharedTurns | None = None
    snapshots: Snapshots | None = None
    disk: Disk | None = None
    surroundings: Surroundings | None = None
    backups: BackupMaker | None = None
    # Where a pause by the user outlives the program.
    pauses: PauseBook | None = None
    # Another one is for tests whose files exist in memory only.
    open_file: Callable[[str], RegularFile] = open_regular


@dataclass(frozen=True, slots=True)
class EngineParts:
    """What an engine is made from: the user's, the sandbox's, or a test's."""

    bus: EventBus
    problems: Problems
    record: Record
    accounts: AccountParts
    machine: MachineParts
    settings: Settings
    settings_book: SettingsBook
    malware: MalwareCheck
    facts: Callable[[], dict[str, str]]
    metrics: Metrics = NO_METRICS
    # None: there can be no Supabase project.
    mirror: MirrorParts | None = None
    watching: WatchParts = field(default_factory=WatchParts)
    updates: UpdateParts = field(default_factory=UpdateParts)
    prepared_at_once: int = 8
    is_read_only: bool = False
    # Why nothing may be sent: see `CurrentSettings`.
    refusal: str = ""
