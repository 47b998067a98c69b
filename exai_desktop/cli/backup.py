"""The verbs `backup create|verify` and `restore`."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from exai_desktop.cli.doors import doors
from exai_desktop.cli.jobs.jobs import Json
from exai_desktop.cli.output import Exit, Output
from exai_desktop.cli.session import can_ask, errors_told, hidden, passphrase_of, run_verb
from exai_desktop.core.files.names import plain_text
from exai_desktop.core.machine import BackupContent, Restored
from exai_desktop.core.service import UploadService

app = typer.Typer(
    help="Backups: one file with the record, the settings and the accounts.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="The backup file.", show_default=False)]
KeysFile = Annotated[
    Path | None,
    typer.Option(
        "--keys-passphrase-file",
        help="Read the passphrase of the keys in the backup from this file.",
        show_default=False,
    ),
]


def _passphrase(
    ctx: typer.Context, file: Path | None, output: Output, *, question: str, again: str = ""
) -> str:
    """Of the keys in the backup: from a file, else asked for at a terminal."""

    def ask() -> str:
        first = hidden(question)
        if again and hidden(again) != first:
            raise typer.BadParameter("the two passphrases are not the same")
        return first

    with errors_told(output):
        found = doors(ctx).secrets.new_passphrase
        return found(file, None, ask if can_ask() else None, False)[0]


def _print(content: BackupContent, output: Output) -> None:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(content.made_at))
    accounts = ", ".join(plain_text(name) for name in content.accounts) or "none"
    output.line(f"  made: {when}, by version {plain_text(content.program)}")
    output.line(f"  record: {content.jobs:,} jobs, {content.copies:,} files at the providers")
    output.line(f"  accounts: {accounts}")
    output.line(f"  kept texts: {'yes' if content.has_texts else 'no'}")
    output.line(f"  keys: {'yes, encrypted' if content.has_keys else 'no'}")
    output.line(f"  size: {content.bytes:,} bytes")


@app.command()
def create(
    ctx: typer.Context,
    file: File,
    texts: Annotated[
        bool, typer.Option("--texts", help="With the kept texts of the files.")
    ] = False,
    keys: Annotated[
        bool, typer.Option("--keys", help="With the keys, encrypted with a passphrase.")
    ] = False,
    keys_file: KeysFile = None,
    as_json: Json = False,
) -> None:
    """Back up the record, the settings and the accounts to one file.

    The program can be in use. A file that exists is replaced only if it is a backup.
    """
    output = Output(as_json=as_json)
    passphrase = ""
    if keys or keys_file is not None:
        passphrase = _passphrase(
            ctx,
            keys_file,
            output,
            question="Passphrase for the keys in the backup: ",
            again="The same once more: ",
        )
    # By its whole path: another process may write it, from another folder. The system resolves it.
    target = str(file.absolute())

    async def verb(service: UploadService, output: Output) -> Exit:
        content = await service.backups.create(target, texts=texts, passphrase=passphrase)
        if as_json:
            output.json({"file": target, **asdict(content)})
        else:
            output.line(f"Backup written to {plain_text(target, len(target))}")
            _print(content, output)
        return Exit.OK

    run_verb(ctx, verb, as_json=as_json, sandbox=False, again=True)


@app.command()
def verify(ctx: typer.Context, file: File, as_json: Json = False) -> None:
    """Check that a backup is complete and undamaged. Exit code 1 if it is not."""
    output = Output(as_json=as_json)
    with errors_told(output):
        content = doors(ctx).backups.verify(file)
    if as_json:
        output.json({"file": str(file), "ok": True, **asdict(content)})
    else:
        output.line(f"The backup {plain_text(str(file), len(str(file)))} is complete.")
        _print(content, output)


def restore(
    ctx: typer.Context,
    file: File,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before the present profile is replaced.")
    ] = False,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Leave out the keys in the backup.")
    ] = False,
    keys_file: KeysFile = None,
    as_json: Json = False,
) -> None:
    """Make a backup the profile of this computer. The present profile is kept beside it.

    Refused while the program is running. Before anything is sent, the file lists of the providers
    are checked.
    """
    output, backups = Output(as_json=as_json), doors(ctx).backups
    with errors_told(output):
        present = backups.present_profile()
        content = backups.verify(file)
    if not as_json:
        output.line(f"The backup {plain_text(str(file), len(str(file)))}:")
        _print(content, output)
    if present and not yes:
        _ask(present)
    passphrase = ""
    if content.has_keys and not without_keys:
        question = "Passphrase of the keys in the backup: "
        passphrase = _passphrase(ctx, keys_file, output, question=question)
    with errors_told(output):
        of_vault = passphrase_of(ctx) if present and not passphrase else None
        restored = backups.restore(file, passphrase, of_vault)
    _tell(restored, output)


def _ask(present: str) -> None:
    if not can_ask():
        raise typer.BadParameter(
            f"there is a profile in {present}: say --yes to replace it; it is kept beside the"
            " new one"
        )
    typer.confirm(
        f"Replace the profile in {plain_text(present, len(present))}? It is kept beside the new"
        " one.",
        abort=True,
        err=True,
    )


def _tell(restored: Restored, output: Output) -> None:
    if output.as_json:
        output.json(
            {
                "restored": True,
                "former_profile": restored.aside or None,
                "accounts_without_key": list(restored.without_key),
                "vault_of_backup": restored.has_its_vault,
                **asdict(restored.content),
            }
        )
        return
    output.line("Restored. Before anything is sent, the file lists of the providers are checked.")
    if restored.aside:
        output.line(f"The former profile is in {plain_text(restored.aside, 4_096)}")
    if restored.has_its_vault:
        output.line("The keys are in a vault. The passphrase of the backup opens it.")
    if restored.without_key:
        names = ", ".join(plain_text(name) for name in restored.without_key)
        output.line(f"Enter the keys of these accounts again: {names}")
