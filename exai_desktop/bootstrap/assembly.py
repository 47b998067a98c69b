"""The parts of an engine, put together: which class stands behind each port."""

from __future__ import annotations

import platform
import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from exai_desktop import __version__
from exai_desktop.bootstrap.fleet import Shared, shared_parts
from exai_desktop.config.audit_key import JsonAnchorFile
from exai_desktop.config.credentials import check_key, key_fingerprint
from exai_desktop.config.paths import Places
from exai_desktop.config.resources import load_provider_table
from exai_desktop.config.settings_file import SettingsFile
from exai_desktop.config.surroundings import SystemSurroundings
from exai_desktop.core.accounts.accounts import Account
from exai_desktop.core.accounts.ports import AccountBook, Credentials
from exai_desktop.core.copies.provider import FileProvider
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError, AppError, EngineError
from exai_desktop.core.events import EventBus
from exai_desktop.core.metrics import NO_METRICS, Metrics
from exai_desktop.core.routing.capabilities import Provider, ProviderTable
from exai_desktop.core.settings import Settings
from exai_desktop.engine.accounts.editor import KeyRules
from exai_desktop.engine.assembly.parts import AccountParts, EngineParts, MachineParts
from exai_desktop.engine.background.problems import Problems
from exai_desktop.engine.files.malware import MalwareCheck, system_scanner
from exai_desktop.engine.record import Record
from exai_desktop.engine.waiting import SystemClock
from exai_desktop.storage.audit.store import SqliteAuditStore
from exai_desktop.storage.audit.trail import AuditTrail
from exai_desktop.storage.record.copies import SqliteCopyStore, SqliteFingerprints
from exai_desktop.storage.record.health import SqliteBalances, SqliteHealthBook
from exai_desktop.storage.record.jobs import SqliteJobStore
from exai_desktop.storage.record.recovery_log import SqliteRecoveryLog
from exai_desktop.storage.sqlite.driver import library_version
from exai_desktop.storage.text_cache import kept_texts
from exai_desktop.storage.user_profile.opening import Opened

ProviderClass = Callable[[Account, str, Provider, Settings, ThreadPoolExecutor], FileProvider]


@dataclass(frozen=True, slots=True)
class Given:
    """What an engine is made from: the user's, or the sandbox's."""

    where: Places
    face: str
    settings: Settings
    settings_file: SettingsFile
    book: AccountBook
    credentials: Credentials


def engine_parts(
    given: Given,
    opened: Opened,
    trail: AuditTrail,
    bus: EventBus,
    stack: AsyncExitStack,
    problems: list[AppError],
) -> EngineParts:
    """`problems` takes what is wrong and does not keep the program from running."""
    settings = given.settings
    readers = stack.enter_context(ThreadPoolExecutor(settings.readers, "reader"))
    senders = stack.enter_context(ThreadPoolExecutor(settings.readers, "sender"))
    table, known_problems = load_provider_table(), Problems(bus)
    shared = shared_parts(given.where, settings, opened.database, stack, known_problems.of_fleet)
    return EngineParts(
        bus=bus,
        problems=known_problems,
        record=_record(given, opened, trail, shared, stack),
        accounts=AccountParts(
            given.book,
            given.credentials,
            _provider_factory(table, settings, senders),
            table,
            KeyRules(check_key, key_fingerprint),
        ),
        machine=MachineParts(
            SystemClock(),
            readers,
            random.SystemRandom().random,
            shared.claims,
            shared.turns,
            None if opened.is_read_only else opened.snapshots,
            opened.reserved_space,
            SystemSurroundings(),
        ),
        settings=settings,
        settings_book=given.settings_file,
        malware=MalwareCheck(
            settings.malware_scan, partial(system_scanner, settings.clamd_address, readers)
        ),
        facts=partial(_facts, given.where, given.face),
        metrics=_metrics(settings, stack, problems),
        # More than threads: while some are read, the others' writes share a transaction.
        prepared_at_once=max(8, settings.readers * 4),
        is_read_only=opened.is_read_only,
    )


def _record(
    given: Given, opened: Opened, trail: AuditTrail, shared: Shared, stack: AsyncExitStack
) -> Record:
    database, is_kept = opened.database, not opened.is_read_only
    keep_texts = given.settings.keep_texts if is_kept else None
    return Record(
        jobs=SqliteJobStore(database, trail),
        copies=SqliteCopyStore(database, trail),
        fingerprints=SqliteFingerprints(database),
        states=shared.states,
        audit=SqliteAuditStore(database, trail),
        anchor_file=JsonAnchorFile(given.where.settings_file.with_name("audit-anchor.json")),
        recovery=SqliteRecoveryLog(database) if is_kept else None,
        texts=stack.enter_context(kept_texts(given.where.texts, keep_texts)),
        balances=SqliteBalances(database) if is_kept else None,
        health_book=SqliteHealthBook(database) if is_kept else None,
    )


def _metrics(settings: Settings, stack: AsyncExitStack, problems: list[AppError]) -> Metrics:
    if not settings.metrics_port:
        return NO_METRICS
    from exai_desktop.config.metrics import PrometheusMetrics, served  # late: an extra

    try:
        metrics = PrometheusMetrics()
        stack.enter_context(served(metrics, settings.metrics_port))
    except EngineError as error:
        problems.append(error)
        return NO_METRICS
    return metrics


def _facts(where: Places, face: str) -> dict[str, str]:
    return {
        "version": __version__,
        "face": face,
        "python": platform.python_version(),
        "sqlite": library_version(),
        "system": f"{platform.system()} {platform.release()}",
        "frozen": str(bool(getattr(sys, "frozen", False))).lower(),
        "data": str(where.data),
        "logs": str(where.logs),
        "settings": str(where.settings_file),
    }


def _provider_factory(
    table: ProviderTable, settings: Settings, senders: ThreadPoolExecutor
) -> Callable[[Account, str], FileProvider]:
    def make(account: Account, key: str) -> FileProvider:
        info, provider_class = table.of(account), provider_classes().get(account.provider)
        if info is None or provider_class is None:
            raise AccountError(ErrorCode.INVALID_ACCOUNT, f"provider {account.provider}")
        return provider_class(account, key, info, settings, senders)

    return make


def provider_classes() -> dict[str, ProviderClass]:
    """The class of each provider in resources/providers.toml, by the provider's name there."""
    # Late: the HTTP stack is not needed to show a window or a list.
    from exai_desktop.providers.custom import CustomProvider
    from exai_desktop.providers.glm import GlmProvider
    from exai_desktop.providers.kimi import KimiProvider

    return {"kimi": KimiProvider, "glm": GlmProvider, "custom": CustomProvider}
