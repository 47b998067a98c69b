"""Kimi's POST /files: what it checks, in which order, and what it keeps."""

from __future__ import annotations

import asyncio
import secrets
import string
import time

from exai_desktop.sandbox.kimi.formats import FORMATS, PICTURES, lacks_text
from exai_desktop.sandbox.kimi.forms import KimiRefusal, bad_request
from exai_desktop.sandbox.servers.exchange import Exchange
from exai_desktop.sandbox.servers.multipart import MultipartProblem, Upload, receive_into
from exai_desktop.sandbox.servers.provider import extension
from exai_desktop.sandbox.servers.store import StoredFile

MAX_FILES = 1_000
MAX_NAME = 4_096
_ALPHABET = string.ascii_lowercase + string.digits

_PROBLEMS = {
    "not_multipart": "Invalid request: request Content-Type isn't multipart/form-data",
    "malformed": "Invalid request: malformed multipart body",
    "no_file": "Invalid request: file is required",
    "no_filename": "Invalid request: the file part needs a filename",
    "second_file": "Invalid request: only one file is accepted",
    "unexpected_file": "Invalid request: unexpected file part",
    "repeated_field": "Invalid request: a field is repeated",
    "text_too_long": "Invalid request: a text field is too long",
}


async def take_upload(exchange: Exchange, beta: bool) -> StoredFile:
    """Receive, check and store one file; the answer may then be late."""
    limits = exchange.limits
    with Upload(exchange.world.store.incoming_path()) as upload:
        try:
            await receive_into(upload, exchange, limits.max_file_bytes)
        except MultipartProblem as problem:
            raise bad_request(_PROBLEMS[problem.problem]) from None
        purpose = _purpose(upload, beta)
        name = _name(upload, beta)
        _check_size(upload, limits.max_file_bytes)
        _check_format(name, purpose)
        if purpose == "file-extract" and await asyncio.to_thread(lacks_text, name, upload.path):
            raise bad_request("text extract error: 没有解析出内容")
        await exchange.before_commit()
        file = _commit(exchange, upload, name, purpose)
    await exchange.world.pause(limits.answer_delay_s)
    return file


def _purpose(upload: Upload, beta: bool) -> str:
    purpose = upload.fields.get("purpose", "file-extract" if beta else "")
    if purpose not in FORMATS:
        raise bad_request(
            "Invalid request: invalid purpose"
            f" {purpose!r}, only 'file-extract', 'image', 'video', 'batch', 'batch_output'"
            " and 'lambda' are accepted",
            "purpose",
        )
    return purpose


def _name(upload: Upload, beta: bool) -> str:
    name = upload.fields.get("filename", upload.filename) if beta else upload.filename
    if not name or len(name) > MAX_NAME:
        raise bad_request(f"Invalid request: filename must have 1 to {MAX_NAME} characters")
    return name


def _check_size(upload: Upload, most: int) -> None:
    if upload.size == 0:
        raise bad_request("Invalid request: file size is zero", "file")
    if upload.size > most:
        raise bad_request(
            f"Invalid request: file size is too large: {upload.size}, max {most} bytes", "file"
        )


def _check_format(name: str, purpose: str) -> None:
    ending = extension(name)
    if ending in FORMATS[purpose]:
        return
    if purpose == "file-extract" and ending in PICTURES:
        raise bad_request("text extract error: images are no longer extracted, use purpose 'image'")
    raise bad_request(f"Invalid request: file type {ending!r} is not supported for {purpose}")


def _commit(exchange: Exchange, upload: Upload, name: str, purpose: str) -> StoredFile:
    assert exchange.flavour is not None
    limits, store = exchange.limits, exchange.world.store
    shelf = store.shelf(exchange.flavour.name)
    most = MAX_FILES if limits.max_files is None else limits.max_files
    if len(shelf.live) >= most:
        raise bad_request(
            f"Invalid request: the number of files has reached the limit of {most},"
            " please delete files you no longer need"
        )
    if shelf.total_bytes + upload.size > limits.max_total_bytes:
        raise bad_request(
            f"Invalid request: the total file size is over the limit of {limits.max_total_bytes}"
        )
    now = time.time()
    failed = exchange.fault is not None and exchange.fault.kind == "parse_error"
    extracts = purpose == "file-extract"
    file = StoredFile(
        id="file_" + "".join(secrets.choice(_ALPHABET) for _ in range(24)),
        flavour=exchange.flavour.name,
        name=shelf.free_name(name),
        bytes=upload.size,
        purpose=purpose,
        mime=upload.mime,
        created_at=now,
        ready_at=now + (limits.parse_s if extracts or failed else 0.0),
        failed=failed,
    )
    store.add(file, upload.path)
    return file


def unknown_file(file_id: str) -> KimiRefusal:
    """404 for an id nobody has."""
    return KimiRefusal(404, "resource_not_found_error", f"File {file_id} not found")
