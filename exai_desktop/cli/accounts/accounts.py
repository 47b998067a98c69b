"""The verbs `account add|list|test|set-key|edit|remove`."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from exai_desktop.cli.jobs.jobs import Json, Sandbox
from exai_desktop.cli.output import Exit, Output, exit_for, when
from exai_desktop.cli.rows import error_object
from exai_desktop.cli.session import run_verb
from exai_desktop.core.accounts.accounts import (
    AccountDraft,
    AccountEdit,
    AccountStatus,
    ConnectionReport,
    KeyPlace,
)
from exai_desktop.core.accounts.health import BreakerStatus, HealthStatus, Phase
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.service import UploadService

app = typer.Typer(help="Accounts at the providers.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The account's name.", show_default=False)]

# What the options of `add` and `edit` take.
_MOST_SLOTS: Final = 64
_MOST_PER_MINUTE: Final = 60_000

MaxInFlight = Annotated[
    int | None,
    typer.Option(
        min=1, max=_MOST_SLOTS, help="Number of uploads at the same time.", show_default=False
    ),
]
PerMinute = Annotated[
    int | None,
    typer.Option(
        "--uploads-per-minute",
        min=0,
        max=_MOST_PER_MINUTE,
        help="Limit of uploads per minute; 0: no known limit.",
        show_default=False,
    ),
]
TierName = Annotated[
    str | None,
    typer.Option("--tier", help="Kimi's tier, 0 to 5: sets both limits.", show_default=False),
]
BytesPerSecond = Annotated[
    int | None,
    typer.Option("--bytes-per-second", min=0, help="Speed limit; 0: no limit.", show_default=False),
]


KeyStdin = Annotated[bool, typer.Option("--key-stdin", help="Read the key from standard input.")]


def _key(*, from_stdin: bool) -> str:
    """The key, never from the command line: other users of the computer can read that."""
    if from_stdin:
        return sys.stdin.readline()
    if sys.stdin.isatty():
        return str(typer.prompt("API key", hide_input=True))
    raise typer.BadParameter("there is no terminal to ask for the key; use --key-stdin")


def _account_object(status: AccountStatus) -> dict[str, Any]:
    return asdict(status.account) | {
        "files": status.files,
        "bytes": status.bytes,
        "waiting": status.waiting,
        "problem": error_object(status.problem),
        "transport": asdict(status.transport) if status.transport else None,
        "breaker": asdict(status.breaker),
        "unreachable_since": status.health.unreachable_since,
        "balance": asdict(status.balance) if status.balance else None,
        "same_as": status.same_as or None,
    }


def _print_account(status: AccountStatus, output: Output) -> None:
    if output.as_json:
        output.json(_account_object(status))
        return
    account = status.account
    line = f"{account.name}: {account.provider} {account.region}, {account.base_url}"
    output.line(
        f"{line}, {status.files} files at the provider, key {account.key_fingerprint or 'unknown'}"
    )
    if status.same_as:
        output.line(f"  same account as {status.same_as}: its files are sent and listed there")
    if account.uploads_per_minute:
        output.line(f"  at most {account.uploads_per_minute} uploads per minute")
    if account.bytes_per_s:
        output.line(f"  at most {account.bytes_per_s:,} bytes per second")
    if status.balance is not None:
        output.line(f"  balance {status.balance} on {when(status.balance.at)}")
    if status.problem is not None:
        output.line(f"  {status.problem.title} ({status.problem.code})")
    if status.breaker.phase is not Phase.CLOSED:
        output.line(f"  {breaker_text(status.breaker)}")
    if status.health.unreachable_since is not None:
        output.line(f"  {unreachable_text(status.health)}")
    if status.transport is not None and status.transport.note:
        output.line(f"  transport {status.transport.name}: {status.transport.note}")


def unreachable_text(health: HealthStatus) -> str:
    """Since when, in local time, and why."""
    error = ErrorView.of_code(health.unreachable_code)
    since = when(health.unreachable_since or 0.0)
    return f"unreachable since {since}: {error.title} ({error.code})"


def breaker_text(breaker: BreakerStatus) -> str:
    """Why an account is not used, and until when in local time."""
    if breaker.phase is Phase.HALF_OPEN:
        return "being retried"
    at = f" at {time.strftime('%H:%M:%S', time.localtime(breaker.until))}" if breaker.until else ""
    cause = f", last {breaker.cause}" if breaker.cause else ""
    return f"paused after {breaker.failures} failures in a row{cause}; retried automatically{at}"


@app.command()
def add(  # noqa: PLR0913, PLR0917 - one for each option of the verb
    ctx: typer.Context,
    name: Name,
    provider: Annotated[str, typer.Option(help="kimi, glm or custom.", show_default=False)],
    region: Annotated[
        str | None, typer.Option(help="kimi: intl, cn; glm: zai, bigmodel.", show_default=False)
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(help="Address, if it is not the one of the region.", show_default=False),
    ] = None,
    max_in_flight: MaxInFlight = None,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            help="For custom: NAME or NAME:pdf,txt; can be repeated.",
            show_default=False,
        ),
    ] = None,
    per_minute: PerMinute = None,
    bytes_per_s: BytesPerSecond = None,
    tier: TierName = None,
    key_stdin: KeyStdin = False,
    as_json: Json = False,
) -> None:
    """Add an account. The key is stored only in the keyring of this computer."""
    key = _key(from_stdin=key_stdin)

    async def verb(service: UploadService, output: Output) -> Exit:
        draft = AccountDraft(
            name,
            provider,
            region,
            base_url,
            max_in_flight,
            tuple(purpose or ()),
            per_minute or 0,
            bytes_per_s or 0,
            tier,
        )
        _print_account(await service.accounts.add(draft, key), output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command("list")
def list_accounts(ctx: typer.Context, as_json: Json = False, sandbox: Sandbox = False) -> None:
    """List the accounts, the preferred one first."""

    async def verb(service: UploadService, output: Output) -> Exit:
        found = await service.accounts.all()
        for status in found:
            _print_account(status, output)
        if not found and not as_json:
            output.line("No account yet. Add one with: exai-desktop account add")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


def explained(error: ErrorView) -> list[str]:
    """What happened this time, and what to do."""
    lines = (plain_text(error.detail, len(error.detail)), error.hint, *error.commands())
    return [line for line in lines if line]


def _print_report(report: ConnectionReport, output: Output) -> None:
    if output.as_json:
        output.json(asdict(report))
    elif report.ok:
        output.line(
            f"{report.account}: {report.host} accepts the key"
            f" ({report.duration_ms} ms, {report.files} files at the provider)"
        )
        if report.balance is not None:
            output.line(f"  balance {report.balance}")
    elif report.error is not None:
        output.line(f"{report.account}: {report.error.title} ({report.error.code})")
        for line in explained(report.error):
            output.line(f"  {line}")


@app.command("test")
def check(ctx: typer.Context, name: Name, as_json: Json = False, sandbox: Sandbox = False) -> None:
    """Check whether the provider accepts the key of the account."""

    async def verb(service: UploadService, output: Output) -> Exit:
        report = await service.accounts.test(name)
        _print_report(report, output)
        if report.error is None:
            return Exit.OK
        return exit_for(ErrorCode(report.error.code))

    run_verb(ctx, verb, as_json=as_json, sandbox=sandbox)


async def _tell_of_others(service: UploadService, output: Output) -> None:
    from exai_desktop.core.settings import KEY_ON_ALL  # late: pydantic

    if (await service.settings.saved()).redis_url:
        output.notice(f"{KEY_ON_ALL}.")


@app.command("set-key")
def set_key(
    ctx: typer.Context,
    name: Name,
    region: Annotated[
        str | None,
        typer.Option(help="Region of the new key, if it is another one.", show_default=False),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(help="Address of the new key, if it is another one.", show_default=False),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Ask the provider before the key is replaced.")
    ] = True,
    key_stdin: KeyStdin = False,
    as_json: Json = False,
) -> None:
    """Replace the key of an account. Files that were on hold because of the key continue."""
    key = _key(from_stdin=key_stdin)

    async def verb(service: UploadService, output: Output) -> Exit:
        place = KeyPlace(region, base_url)
        status = await service.accounts.set_key(name, key, place, untested=not test)
        _print_account(status, output)
        await _tell_of_others(service, output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command()
def edit(  # noqa: PLR0913, PLR0917 - one for each option of the verb
    ctx: typer.Context,
    name: Name,
    max_in_flight: MaxInFlight = None,
    per_minute: PerMinute = None,
    bytes_per_s: BytesPerSecond = None,
    tier: TierName = None,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            help="Instead of the present purposes: NAME or NAME:pdf,txt; can be repeated.",
            show_default=False,
        ),
    ] = None,
    usual_purposes: Annotated[
        bool, typer.Option("--usual-purposes", help="The provider's own purposes again.")
    ] = False,
    region: Annotated[
        str | None,
        typer.Option(
            help="Another region at the same address; see also set-key.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change the limits, purposes or region of an account. The changes apply immediately."""
    if usual_purposes and purpose:
        raise typer.BadParameter("give either --purpose or --usual-purposes")
    purposes = () if usual_purposes else tuple(purpose) if purpose else None
    changes = AccountEdit(max_in_flight, purposes, per_minute, bytes_per_s, tier, region)
    if changes == AccountEdit():
        raise typer.BadParameter("nothing to change; for the key and the address use set-key")

    async def verb(service: UploadService, output: Output) -> Exit:
        _print_account(await service.accounts.edit(name, changes), output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command()
def remove(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Remove an account and its key. Files at the provider and their entries here stay."""

    async def verb(service: UploadService, output: Output) -> Exit:
        await service.accounts.remove(name)
        if as_json:
            output.json({"removed": name})
        else:
            output.line(f"Removed {name}.")
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)
