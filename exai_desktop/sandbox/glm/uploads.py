"""GLM's POST /files: what it checks, in which order, and what it keeps."""

from __future__ import annotations

import asyncio
import secrets
import time

from exai_desktop.sandbox.glm.formats import (
    PICTURES,
    PURPOSES,
    RETENTION_S,
    PurposeRule,
    batch_fault,
)
from exai_desktop.sandbox.glm.forms import GlmRefusal, bad_parameter
from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.multipart import MultipartProblem, Upload, receive_into
from exai_desktop.sandbox.servers.provider import extension
from exai_desktop.sandbox.servers.store import StoredFile

_MISSING = {"no_file": "file", "no_filename": "filename"}


def live_files(exchange: Exchange) -> list[StoredFile]:
    """The files that are neither deleted nor past their retention, oldest first."""
    assert exchange.flavour is not None
    kept_s = exchange.limits.retention_s
    if kept_s is None:
        kept_s = RETENTION_S[exchange.flavour.name]
    oldest = time.time() - kept_s
    shelf = exchange.world.store.shelf(exchange.flavour.name)
    return [file for file in shelf.live.values() if file.created_at >= oldest]


async def take_upload(exchange: Exchange) -> StoredFile:
    """Receive, check and store one file; the answer may then be late."""
    assert exchange.flavour is not None
    limits = exchange.limits
    with Upload(exchange.world.store.incoming_path()) as upload:
        try:
            await receive_into(upload, exchange, limits.max_file_bytes)
        except MultipartProblem as problem:
            raise _worded(problem) from None
        purpose, rule = _rule(exchange.flavour.name, upload)
        _check_size(upload, rule, limits.max_file_bytes)
        if purpose == "batch":
            fault = await asyncio.to_thread(batch_fault, upload.path)
            if fault is not None:
                raise bad_parameter(fault, "1210")
        await exchange.before_commit()
        file = _commit(exchange, upload, purpose, rule)
    await exchange.world.pause(limits.answer_delay_s)
    return file


def _worded(problem: MultipartProblem) -> GlmRefusal:
    if missing := _MISSING.get(problem.problem):
        return bad_parameter(missing, "1213")
    return bad_parameter(problem.problem.replace("_", " "), "1210")


def _rule(host: str, upload: Upload) -> tuple[str, PurposeRule]:
    purpose = upload.fields.get("purpose")
    if not purpose:
        raise bad_parameter("purpose", "1213")
    rule = PURPOSES[host].get(purpose)
    if rule is None:
        raise bad_parameter(f"purpose {purpose!r}")
    ending = extension(upload.filename)
    if ending not in rule.formats:
        raise bad_parameter(f"file type {ending!r} for purpose {purpose!r}", "1210")
    return purpose, rule


def _check_size(upload: Upload, rule: PurposeRule, most: int) -> None:
    if upload.size == 0:
        raise bad_parameter("empty file", "1210")
    if upload.size > most:
        raise GlmRefusal(435, "435")
    own = rule.max_bytes
    if extension(upload.filename) in PICTURES and rule.picture_bytes is not None:
        own = rule.picture_bytes
    if own is not None and upload.size > own:
        raise bad_parameter(f"file over {own} bytes", "1210")


def _commit(exchange: Exchange, upload: Upload, purpose: str, rule: PurposeRule) -> StoredFile:
    assert exchange.flavour is not None
    limits, store = exchange.limits, exchange.world.store
    most = rule.max_files if limits.max_files is None else limits.max_files
    same = sum(file.purpose == purpose for file in live_files(exchange))
    if most is not None and same >= most:
        raise bad_parameter(f"number of files for {purpose!r} has reached {most}", "1210")
    shelf = store.shelf(exchange.flavour.name)
    if shelf.total_bytes + upload.size > limits.max_total_bytes:
        raise bad_parameter(f"total size over {limits.max_total_bytes} bytes", "1210")
    now = time.time()
    file = StoredFile(
        id=f"{int(now)}_{secrets.token_hex(16)}",
        flavour=exchange.flavour.name,
        name=upload.filename,
        bytes=upload.size,
        purpose=purpose,
        mime=upload.mime,
        created_at=now,
        ready_at=now,
        failed=exchange.fault is not None and exchange.fault.kind == "parse_error",
    )
    store.add(file, upload.path)
    return file
