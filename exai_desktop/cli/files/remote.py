"""The verbs `reconcile` and `verify`: the local list compared with the provider's list."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from exai_desktop.cli.files.files import file_object, print_import
from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.rows import error_object
from exai_desktop.cli.session import run_verb
from exai_desktop.core.copies.lights import light
from exai_desktop.core.copies.models import VALID_STATES, RemoteListing
from exai_desktop.core.copies.queries import id_facts
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.service import UploadService

Accounts = Annotated[
    list[str] | None, typer.Option("--account", help="Only this account.", show_default=False)
]

Then = Callable[[UploadService, Output, list[str]], Awaitable[Exit]]


def reconcile(
    ctx: typer.Context,
    account: Accounts = None,
    take_over: Annotated[
        bool, typer.Option("--import", help="Import the files that were not uploaded by this app.")
    ] = False,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Compare the local list with the files at the providers, and show the differences."""

    async def import_too(service: UploadService, output: Output, names: list[str]) -> Exit:
        exits = [print_import(await service.files.import_foreign(name), output) for name in names]
        return max(exits, default=Exit.OK)

    then = import_too if take_over else None
    _run(ctx, account, as_json=as_json, sandbox=sandbox, strict=False, then=then)


def verify(
    ctx: typer.Context,
    account: Accounts = None,
    files: Annotated[
        list[int] | None,
        typer.Option("--file", help="Only this one, by number.", show_default=False),
    ] = None,
    as_json: Json = False,
    sandbox: Sandbox = False,
) -> None:
    """Check that every uploaded file is still at its provider. Exit code 1 if one is not."""
    if files and account:
        raise typer.BadParameter("give accounts or files, not both", param_hint="--file")
    if files:
        run_verb(ctx, partial(_check, numbers=files), as_json=as_json, sandbox=sandbox)
        return
    _run(ctx, account, as_json=as_json, sandbox=sandbox, strict=True)


async def _check(service: UploadService, output: Output, *, numbers: list[int]) -> Exit:
    are_there = True
    for number in dict.fromkeys(numbers):
        copy = (await service.files.check(number)).copy
        found = light(id_facts(copy), time.time())
        are_there &= copy.state in VALID_STATES
        if output.as_json:
            output.json(file_object(copy, time.time()))
        else:
            output.line(f"{copy.id}  {plain_text(copy.remote_id)}  {found.words}")
    return Exit.OK if are_there else Exit.SOME_FAILED


def _run(
    ctx: typer.Context,
    account: list[str] | None,
    *,
    as_json: bool,
    sandbox: bool,
    strict: bool,
    then: Then | None = None,
) -> None:
    async def verb(service: UploadService, output: Output) -> Exit:
        names = account or [status.account.name for status in await service.accounts.all()]
        listings = [row for name in names for row in await service.accounts.reconcile(name)]
        for listing in listings:
            if as_json:
                output.json(asdict(listing) | {"error": error_object(listing.error)})
            else:
                _print(listing, output, foreign=not strict)
        if not names and not as_json:
            output.line("No account yet. Add one with: exai-desktop account add")
        is_bad = any(
            row.error or (strict and (row.missing or row.expired or row.damaged))
            for row in listings
        )
        if then is not None:
            is_bad = await then(service, output, names) is not Exit.OK or is_bad
        return Exit.SOME_FAILED if is_bad else Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def _print(listing: RemoteListing, output: Output, *, foreign: bool) -> None:
    where = f"{listing.account}, {listing.purpose}:"
    if listing.error is not None:
        output.line(f"{where} {listing.error.title} ({listing.error.code})")
        return
    counts = [f"{listing.present:,} found"]
    for word, ids in (
        ("missing", listing.missing),
        ("expired", listing.expired),
        ("with a different size", listing.damaged),
    ):
        if ids:
            counts.append(f"{len(ids):,} {word}: {', '.join(map(plain_text, ids))}")
    if foreign and listing.foreign:
        counts.append(f"{len(listing.foreign):,} not uploaded by this app")
    output.line(f"{where} {'; '.join(counts)}")
    for remote in listing.foreign if foreign else ():
        output.line(f"  {plain_text(remote.id)}  {remote.bytes:,} bytes  {remote.name}")
