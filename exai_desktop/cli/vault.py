"""The verbs `vault create|status|passphrase` and `profile keep|new`: see docs/headless.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exai_desktop.cli.doors import PASSPHRASE_FILE, doors
from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import can_ask, errors_told, hidden, passphrase_of, run_verb
from exai_desktop.core.accounts.secret_store import StoreState, StoreStatus
from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AccountError
from exai_desktop.core.service import UploadService

app = typer.Typer(help="The encrypted file with the keys, for computers without a keyring.")
profile_app = typer.Typer(help="Which profile lives on after its folder was copied.")

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="File that opens the vault at each start; made with a random passphrase if absent.",
        show_default=False,
    ),
]


def _print(status: StoreStatus, output: Output) -> None:
    if output.as_json:
        output.json(
            {
                "kind": status.kind,
                "state": status.state.value,
                "vault": status.has_vault,
                "key_file": status.key_file or None,
                "environment": list(status.environment),
            }
        )
        return
    output.line(f"Keys are kept in: {status.words}")
    if status.key_file:
        output.line(f"  opened by the key file {status.key_file}")


def _new_passphrase(
    ctx: typer.Context, key_file: Path | None, file: Path | None, output: Output, *, is_new: bool
) -> tuple[str, str]:
    def ask() -> str:
        first = hidden("New passphrase of the vault: ")
        if hidden("The same once more: ") != first:
            raise typer.BadParameter("the two passphrases are not the same")
        return first

    with errors_told(output):
        found = doors(ctx).secrets.new_passphrase
        return found(file, key_file, ask if can_ask() else None, is_new)


@app.command()
def create(ctx: typer.Context, key_file: KeyFile = None, as_json: Json = False) -> None:
    """Create the vault of this profile. Keys in the keyring move into it."""
    output = Output(as_json=as_json)
    file = ctx.meta.get(PASSPHRASE_FILE)
    passphrase, opens_it = _new_passphrase(ctx, key_file, file, output, is_new=True)

    async def verb(service: UploadService, output: Output) -> Exit:
        _print(await service.keys.create_vault(passphrase, opens_it), output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command()
def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show where the keys are kept and whether they can be read now. Never shows a key."""

    async def verb(service: UploadService, output: Output) -> Exit:
        found = await service.keys.status()
        _print(found, output)
        return Exit.OK if found.state is StoreState.READY else Exit.SOME_FAILED

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


@app.command()
def passphrase(
    ctx: typer.Context,
    new_file: Annotated[
        Path | None,
        typer.Option("--new-file", help="Read the new passphrase from it.", show_default=False),
    ] = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Change the passphrase of the vault."""
    output = Output(as_json=as_json)
    with errors_told(output):
        old = passphrase_of(ctx)
        if not old:
            raise AccountError(ErrorCode.VAULT_LOCKED, "the present passphrase is needed")
    new, opens_it = _new_passphrase(ctx, key_file, new_file, output, is_new=False)

    async def verb(service: UploadService, output: Output) -> Exit:
        _print(await service.keys.change_passphrase(old, new, opens_it), output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False)


def _settle(ctx: typer.Context, choice: str, words: str, *, as_json: bool) -> None:
    output = Output(as_json=as_json)
    with errors_told(output):
        profile_id = doors(ctx).secrets.settle_copy(choice, passphrase_of(ctx))
    if not profile_id:
        output.notice("This profile is not a copy of another one. Nothing was changed.")
        raise typer.Exit(int(Exit.SOME_FAILED))
    if as_json:
        output.json({"profile": profile_id, "choice": choice})
    else:
        output.line(words)


@profile_app.command()
def keep(ctx: typer.Context, as_json: Json = False) -> None:
    """This folder lives on as the profile; the other one is the copy."""
    _settle(ctx, "keep", "This folder lives on as the profile.", as_json=as_json)


@profile_app.command()
def new(ctx: typer.Context, as_json: Json = False) -> None:
    """This folder is a new profile, with the same accounts and keys."""
    _settle(ctx, "new", "This folder is a profile of its own now.", as_json=as_json)
