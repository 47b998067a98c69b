"""The record of this profile: what is kept of jobs, copies and accounts, and of what was done."""

from __future__ import annotations

from dataclasses import dataclass

from exai_desktop.core.accounts.accounts import BalanceBook
from exai_desktop.core.accounts.health import HealthBook
from exai_desktop.core.accounts.ports import StateStore
from exai_desktop.core.audit.ports import AnchorFile, AuditStore
from exai_desktop.core.copies.queries import TextCache
from exai_desktop.core.copies.store import CopyStore
from exai_desktop.core.files.files import Fingerprints
from exai_desktop.core.jobs.recovery import RecoveryLog
from exai_desktop.core.jobs.store import JobStore


@dataclass(frozen=True, slots=True)
class Record:
    """None where there is none, as in a test or beside a database that is only read."""

    jobs: JobStore
    copies: CopyStore
    fingerprints: Fingerprints
    states: StateStore
    audit: AuditStore
    anchor_file: AnchorFile
    recovery: RecoveryLog | None = None
    texts: TextCache | None = None
    balances: BalanceBook | None = None
    health_book: HealthBook | None = None
