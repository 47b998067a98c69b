"""The verbs `logout` and `sync`: the user's own Supabase project."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from exai_desktop.cli.copies import copy, delete_copy, fetch
from exai_desktop.cli.copy_rows import told
from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output, when
from exai_desktop.cli.session import run_verb
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.mirror.status import MirrorState, MirrorStatus, RefusedRow
from exai_desktop.core.mirror.storage_copies import StorageStatus
from exai_desktop.core.service import UploadService

_SHOWN: Final = 20


def logout(ctx: typer.Context, as_json: Json = False) -> None:
    """Sign out. What still waits for the project is kept until you sign in again."""

    async def verb(service: UploadService, output: Output) -> Exit:
        left = await service.mirror.sign_out()
        if as_json:
            output.json(asdict(left))
            return Exit.OK
        output.line(f"Signed out{f' {plain_text(left.email)}' if left.email else ''}.")
        if left.pending or left.refused:
            output.line(
                f"{left.pending} rows wait for the project, {left.refused} were refused by it."
                " They are kept, and sent when the same user signs in again."
            )
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def sync(
    ctx: typer.Context,
    status: Annotated[
        bool, typer.Option("--status", help="Ask the project how it is; send nothing.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry-refused", help="Send again what the project has refused.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send to your Supabase project what waits, and fetch what is new there."""
    if ctx.invoked_subcommand is not None:
        return

    async def show(service: UploadService, output: Output) -> Exit:
        found = await service.mirror.status(ask=True)
        rows = await service.mirror.refused(_SHOWN) if found.refused else []
        copies = await service.storage.status()
        print_status(found, output, rows, copies)
        if not as_json:
            await told(service, copies, output)
        return exit_of(found, copies)

    async def send(service: UploadService, output: Output) -> Exit:
        if retry:
            await service.mirror.retry_refused()
            await service.storage.retry_refused()
        done = await service.mirror.sync_now()
        found, copies = await service.mirror.status(), await service.storage.status()
        if copies.is_on:
            copies = await service.storage.copy_now()
        code = Exit.SOME_FAILED if found.refused or copies.refused else Exit.OK
        if as_json:
            status = status_object(found) | {"copies": asdict(copies)}
            output.json(asdict(done) | {"status": status})
            return code
        output.line(
            f"Sent {done.sent} rows and {done.audit_rows} rows of the audit trail,"
            f" fetched {done.fetched} changes."
        )
        _print_refused(found, await service.mirror.refused(_SHOWN), output)
        await told(service, copies, output)
        return code

    run_verb(ctx, show if status else send, as_json=as_json, sandbox=False)


app = typer.Typer(invoke_without_command=True)
app.callback()(sync)
app.command("copy")(copy)
app.command("fetch")(fetch)
app.command("delete-copy")(delete_copy)


def exit_of(status: MirrorStatus, copies: StorageStatus | None = None) -> Exit:
    """Whether something has to be done."""
    is_well = status.state is MirrorState.SIGNED_IN and not status.refused
    if copies is not None and (copies.code or copies.refused):
        is_well = False
    return Exit.OK if is_well else Exit.SOME_FAILED


def status_object(status: MirrorStatus) -> dict[str, Any]:
    """With the field names scripts rely on."""
    use, quota = status.quota, None
    if use is not None:
        quota = asdict(use) | {"filled_bytes": use.filled_bytes, "left_bytes": use.left_bytes}
    told = {"state": status.state.value, "words": status.words, "quota": quota}
    return asdict(status) | told


def print_status(
    status: MirrorStatus,
    output: Output,
    rows: list[RefusedRow] | None = None,
    copies: StorageStatus | None = None,
) -> None:
    """For people or scripts."""
    if output.as_json:
        more = {"copies": asdict(copies)} if copies else {}
        output.json(status_object(status) | {"rows": [asdict(row) for row in rows or []]} | more)
        return
    for line in status_lines(status):
        output.line(line)
    _print_refused(status, rows or [], output)


def status_lines(status: MirrorStatus) -> list[str]:
    """For people; the first line says how we stand."""
    who = f" as {plain_text(status.email)}" if status.email else ""
    where = f" at {plain_text(status.url)}" if status.url else ""
    lines = [f"{status.words}{who}{where}"]
    if status.code:
        error = ErrorView.of_code(status.code, status.detail)
        why = f": {plain_text(error.detail)}" if error.detail else ""
        lines += [f"{error.title} ({error.code}){why}", error.hint, *error.commands()]
    if status.is_signed_in:
        waiting = "nothing waits" if not status.pending else f"{status.pending} rows wait"
        last = f", last success {when(status.last_success)}" if status.last_success else ""
        now = ", being sent" if status.is_busy else ""
        lines.append(f"{waiting}{now}{last}")
        if status.quota:
            full = "" if status.quota.left_bytes else "; new files are on hold"
            lines.append(f"{status.quota.words}, as of {when(status.quota.as_of)}{full}")
        if status.next_try:
            lines.append(f"retried at {when(status.next_try)}")
        if status.other_files:
            lines.append(f"{status.other_files} files of other devices: files --all-devices")
    if status.without_account:
        lines.append(
            f"{status.without_account} rows are of accounts that are not set up here: kept"
        )
    if status.pending_elsewhere:
        lines.append(f"{status.pending_elsewhere} rows wait for another project or user")
    if status.open_sign_ups:
        lines.append(
            "Anybody can sign up to this project. They cannot see your rows; to prevent it, turn"
            " off sign-ups in the project's settings."
        )
    return lines


def _print_refused(status: MirrorStatus, rows: list[RefusedRow], output: Output) -> None:
    if not status.refused:
        return
    output.line(f"{status.refused} rows were refused by the project and put aside:")
    for row in rows:
        output.line(f"  {row.kind} {row.local_id}  {plain_text(row.name)}  {plain_text(row.words)}")
    if status.refused > len(rows):
        output.line(f"  and {status.refused - len(rows)} more")
    output.line("To send them again: exai-desktop sync --retry-refused")
