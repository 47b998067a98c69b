"""A report for somebody who helps with a problem: what runs here and how it is.

The user sees all of it before it is saved; nothing is sent. Without names it is made of what is
known to be harmless, not of everything with some things taken out.
"""

from __future__ import annotations

import asyncio
import locale
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, get_origin

from exai_desktop import __version__
from exai_desktop.config.atomic_write import write_file
from exai_desktop.config.logs import log_tail
from exai_desktop.config.paths import Places, places
from exai_desktop.core.accounts.accounts import AccountStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.redact import redact
from exai_desktop.core.errors.tree import AppError, EngineError, ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.service import UploadService

_LOG_LINES: Final = 300
# What is said of the program itself; all others may hold a path, an account or an address.
_HARMLESS_FACTS: Final = ("version", "face", "sqlite", "pdf_check", "keys", "audit")
_DESKTOP: Final = ("XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE", "LANG", "QT_QPA_PLATFORM")
_HEAD: Final = (
    "EXAI Desktop: diagnostics",
    "Nothing of this was sent anywhere. Read it before you give it to somebody.",
)
_HIDDEN: Final = (
    "Names of files, folders, accounts and own servers are left out. Keys are never in it."
)
_SHOWN: Final = "With names of folders, accounts and servers. Keys are not in it."

Sections = dict[str, list[str]]


async def make_report(
    service: UploadService | None,
    *,
    names: bool,
    sandbox: bool = False,
    failure: ErrorView | None = None,
) -> str:
    """The whole report. `service` None: the profile could not be opened, `failure` says why.

    What cannot be found out is said in its place: the report is made when things do not work.
    """
    sections: Sections = {"Program": _program()}
    if failure is not None:
        sections["The profile was not opened"] = [_error_line(failure, names=names)]
    if service is not None:
        for title, part in (
            ("State", _facts),
            ("Settings that are not the default", _settings),
            ("Accounts", _accounts),
            ("Queue", _queue),
            ("Supabase", _mirror),
            ("Watched folders", _watched),
        ):
            try:
                sections[title] = await part(service, names)
            except AppError as error:
                sections[title] = [_error_line(ErrorView.of(error), names=names)]
    sections |= await asyncio.to_thread(_of_disk, sandbox, names)
    return _text(sections, names=names)


def save_report(text: str, file: Path) -> None:
    """Into a file that only the user can read; one that is there is replaced as a whole. Blocks;
    raises DIAGNOSTICS_NOT_WRITTEN."""
    try:
        write_file(file.absolute(), text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        why = f"{file}: {error.strerror or error}"
        raise EngineError(ErrorCode.DIAGNOSTICS_NOT_WRITTEN, why) from error


def _text(sections: Mapping[str, list[str]], *, names: bool) -> str:
    made = f"Made: {datetime.now(UTC).isoformat(timespec='seconds')}"
    lines = [*_HEAD, _SHOWN if names else _HIDDEN, made]
    for title, said in sections.items():
        lines += ["", f"== {title} ==", *(said or ["none"])]
    # Once more over the finished text, whatever its parts have done already.
    return redact("\n".join(lines)) + "\n"


def _error_line(error: ErrorView, *, names: bool) -> str:
    detail = f": {plain_text(error.detail)}" if names and error.detail else ""
    return f"{error.code} {error.title}{detail}"


# -- of this computer


def _program() -> list[str]:
    own = {
        "version": __version__,
        "python": f"{platform.python_version()}, {platform.machine()}",
        "system": platform.platform(),
        "frozen": "yes" if getattr(sys, "frozen", False) else "no",
        "processors": str(os.cpu_count()),
        "file names": sys.getfilesystemencoding(),
        "encoding": locale.getpreferredencoding(do_setlocale=False),
    }
    own |= {name: plain_text(os.environ[name]) for name in _DESKTOP if os.environ.get(name)}
    return _listed(own)


def _listed(values: Mapping[str, str]) -> list[str]:
    return [f"{name:20} {value}" for name, value in values.items()]


def _of_disk(sandbox: bool, names: bool) -> Sections:
    """Blocks."""
    try:
        where = places(sandbox=sandbox)
    except AppError as error:
        return {"Profile": [_error_line(ErrorView.of(error), names=names)]}
    return {
        "Profile": _profile(where, names=names),
        f"Log, the last {_LOG_LINES} lines": log_tail(where, _LOG_LINES, whole=names),
    }


def _profile(where: Places, *, names: bool) -> list[str]:
    own = {"folder": plain_text(str(where.data))} if names else {}
    try:
        own["free space"] = f"{shutil.disk_usage(where.data).free:,} bytes"
        for file in (where.database, _beside(where.database, "-wal"), where.texts, where.vault):
            own[file.name] = f"{file.stat().st_size:,} bytes" if file.exists() else "not there"
    except OSError as error:
        own["not readable"] = error.strerror or type(error).__name__
    return _listed(own)


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


# -- of the engine


async def _facts(service: UploadService, names: bool) -> list[str]:
    found = await service.facts()
    said = found if names else {key: found[key] for key in _HARMLESS_FACTS if key in found}
    lines = _listed({key: plain_text(value, len(value)) for key, value in said.items()})
    if not names and (problems := found.get("problems")):
        # Each begins with its code and its title; the detail is in brackets.
        lines += [f"{'problem':20} {line.partition(' (')[0]}" for line in problems.splitlines()]
    return lines


async def _settings(service: UploadService, names: bool) -> list[str]:
    saved = await service.settings.saved()
    lines = {}
    for name, field in type(saved).model_fields.items():
        value = getattr(saved, name)
        if value == field.get_default(call_default_factory=True):
            continue
        is_choice = get_origin(field.annotation) is Literal
        harmless = names or is_choice or isinstance(value, bool | int | float)
        lines[name] = plain_text(str(value)) if harmless else "set"
    fixed = await service.settings.fixed()
    lines |= {name: plain_text(f"fixed by {by}") for name, by in fixed.items()}
    return _listed(lines)


async def _accounts(service: UploadService, names: bool) -> list[str]:
    lines = []
    for number, status in enumerate(await service.accounts.all(), 1):
        account = status.account
        name = plain_text(account.name) if names else f"account {number}"
        lines.append(f"{name}: {account.provider}, {account.region}")
        lines += [f"    {part}" for part in _account_parts(status, names=names)]
    return lines


def _account_parts(status: AccountStatus, *, names: bool) -> list[str]:
    health, breaker = status.health, status.breaker
    account = status.account
    parts = [
        f"{'on' if account.enabled else 'off'}, {account.max_in_flight} at a time,"
        f" {status.waiting} waiting, {status.sending} sending, {status.files} files",
        f"breaker {breaker.phase.value}, {breaker.failures} failures in a row",
        f"last quarter of an hour: {health.answers} answers, {health.faults} failures"
        + (f", median {health.median_ms} ms" if health.median_ms is not None else "")
        + (f", {health.last_code}" if health.last_code else ""),
    ]
    if names:
        parts.append(plain_text(account.base_url))
    if status.transport is not None:
        parts.append(f"transport {status.transport.name}")
    if status.problem is not None:
        parts.append(_error_line(status.problem, names=names))
    return parts


async def _queue(service: UploadService, names: bool) -> list[str]:
    del names  # only numbers
    summary = await service.queue.summary()
    lines = [f"{state.value:20} {count}" for state, count in summary.counts.items() if count]
    if summary.paused:
        lines.append(f"paused {'by the user' if not summary.pause_reason else 'by the program'}")
    for group in await service.receipts.reasons():
        lines.append(f"{group.state.value:20} {group.files} {group.code} {group.title}")
    return lines


async def _mirror(service: UploadService, names: bool) -> list[str]:
    status = await service.mirror.status(ask=False)
    lines = [status.words]
    if status.is_signed_in:
        lines += [plain_text(status.url)] if names else []
        lines.append(f"{status.pending} rows wait, {status.refused} refused, {status.code}")
        lines += [f"{code}: {count}" for code, count in status.codes.items()]
    return lines


async def _watched(service: UploadService, names: bool) -> list[str]:
    lines = []
    for number, status in enumerate(await service.watched.all(), 1):
        name = plain_text(status.folder.path) if names else f"folder {number}"
        why = f": {plain_text(status.reason)}" if names and status.reason else ""
        code = status.error.code if status.error is not None else ""
        lines.append(f"{name}: {status.state.value}{why} {code}".rstrip())
    return lines
