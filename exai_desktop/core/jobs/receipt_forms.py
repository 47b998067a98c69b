"""A receipt as text: for a spreadsheet, a script, a terminal. Pure; piece by piece."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from exai_desktop.core.errors.tree import ErrorView
from exai_desktop.core.files.names import plain_text, safe_cell, visible_json
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.reasons import ReasonGroup
from exai_desktop.core.jobs.receipts import Receipt, ReceiptForm, ReceiptRow
from exai_desktop.core.jobs.words import STATE_WORDS


@dataclass(frozen=True, slots=True)
class AccountAddress:
    """Where an account is, and the environment variable that may hold its key: no key is ever in
    a receipt. `with_text`: the purposes whose files the provider hands back as text. `usual`: the
    variable by its name, where that would be the one of another account as well."""

    base_url: str
    variable: str
    with_text: frozenset[str]
    usual: str = ""


Addresses = Mapping[str, AccountAddress]


@dataclass(frozen=True, slots=True)
class Writer:
    """Three parts that make one text; `between` stands between two pieces."""

    head: Callable[[Receipt, Addresses], str]
    rows: Callable[[Sequence[ReceiptRow], Addresses], str]
    foot: str = ""
    between: str = ""


def written(
    form: ReceiptForm,
    rows: Sequence[ReceiptRow],
    addresses: Addresses,
    *,
    head: Receipt | None,
    is_last: bool,
) -> str:
    """A piece; `head` is given for the first one."""
    writer = WRITERS[form]
    text = "" if head is None else writer.head(head, addresses)
    if head is None and rows:
        text += writer.between
    text += writer.rows(rows, addresses)
    return text + writer.foot if is_last else text


# -- a table: columns are separated by tabs, so that it can be pasted into a spreadsheet

_TABLE: Final = ("file", "id", "account")


def _tabs(cells: Sequence[str]) -> str:
    return "\t".join(safe_cell(plain_text(cell)) for cell in cells) + "\n"


def _table(rows: Sequence[ReceiptRow], _: Addresses) -> str:
    return "".join(_tabs((row.name, row.file_id or "", row.account or "")) for row in rows)


# -- IDs as JSON, one object a line in one list


def _id_object(row: ReceiptRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "file_id": row.file_id,
        "account": row.account,
        "provider": row.provider,
        "purpose": row.purpose,
    }


def _objects(
    of: Callable[[ReceiptRow], dict[str, Any]],
) -> Callable[[Sequence[ReceiptRow], Addresses], str]:
    return lambda rows, _: ",\n".join(visible_json(of(row)) for row in rows)


# -- the report: everything about every file


def reason_of(row: ReceiptRow) -> ErrorView | None:
    """Why a file has no valid ID."""
    return ErrorView.of_code(row.error_code) if row.error_code else None


def _file_object(row: ReceiptRow) -> dict[str, Any]:
    error = reason_of(row)
    return {
        "id": row.id,
        "path": plain_text(row.path, len(row.path)),
        "name": row.name,
        "state": row.state.value,
        "provider": row.provider,
        "account": row.account,
        "purpose": row.purpose,
        "file_id": row.file_id,
        "reused": row.state is JobState.DUPLICATE,
        "sharing": row.sharing,
        "bytes": row.size,
        "sha256": row.sha256,
        "settled_at": row.settled_at,
        "error": None if error is None else {"code": error.code, "title": error.title},
    }


def group_object(group: ReasonGroup) -> dict[str, Any]:
    return {
        "state": group.state.value,
        "code": group.code or None,
        "title": group.title,
        "hint": group.hint,
        "files": group.files,
        "example": group.example,
    }


def receipt_object(receipt: Receipt) -> dict[str, Any]:
    """The sums, with the field names scripts rely on."""
    return {
        "batch": receipt.batch,
        "began_at": receipt.began_at,
        "ended_at": receipt.ended_at,
        "files": receipt.files,
        "with_id": receipt.with_id,
        "reused": receipt.reused,
        "sharing": receipt.sharing,
        "open": receipt.open,
        "bytes": receipt.bytes,
        "accounts": [asdict(place) for place in receipt.places],
        "missing": [group_object(group) | {"bytes": group.bytes} for group in receipt.missing],
    }


def _report_head(receipt: Receipt, _: Addresses) -> str:
    return f'{{"receipt": {visible_json(receipt_object(receipt))},\n"files": [\n'


# -- CSV

_COLUMNS: Final = (
    *("number", "name", "path", "state", "reason", "provider", "account", "purpose", "file_id"),
    *("reused", "files_with_this_id", "bytes", "sha256", "time"),
)


def _csv_row(row: ReceiptRow) -> tuple[str, ...]:
    error = reason_of(row)
    at = row.settled_at
    time = "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return (
        *(str(row.id), row.name, row.path, STATE_WORDS[row.state]),
        *("" if error is None else error.title, row.provider or "", row.account or ""),
        *(row.purpose or "", row.file_id or "", "yes" if row.state is JobState.DUPLICATE else ""),
        *(str(row.sharing) if row.file_id else "", str(row.size), row.sha256 or "", time),
    )


def _csv(rows: Sequence[ReceiptRow], _: Addresses) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    for row in rows:
        writer.writerow([safe_cell(plain_text(cell, len(cell))) for cell in _csv_row(row)])
    return stream.getvalue()


# -- scripts


def _accounts_of(receipt: Receipt, addresses: Addresses) -> dict[str, AccountAddress]:
    names = [place.account for place in receipt.places]
    return {name: addresses[name] for name in names if name in addresses}


def _own_variables(accounts: Mapping[str, AccountAddress]) -> str:
    """A comment line for each account whose usual variable could hold the key of another one."""
    return "".join(
        f"# {known.variable}: the key of {plain_text(name)}."
        f" {known.usual} would be that of another account as well.\n"
        for name, known in accounts.items()
        if known.usual
    )


def _python_head(receipt: Receipt, addresses: Addresses) -> str:
    known_ones = _accounts_of(receipt, addresses)
    accounts = "".join(
        f"    {name!r}: ({known.base_url!r}, {known.variable!r}),\n"
        for name, known in known_ones.items()
    )
    return (
        "# Address, and the environment variable with the key: no key is in this text.\n"
        f"{_own_variables(known_ones)}"
        f"ACCOUNTS = {{\n{accounts}}}\n"
        "# Name, file ID, account, purpose.\n"
        "FILES = [\n"
    )


def _python(rows: Sequence[ReceiptRow], _: Addresses) -> str:
    return "".join(
        f"    ({row.name!r}, {row.file_id!r}, {row.account!r}, {row.purpose!r}),\n" for row in rows
    )


_PYTHON_FOOT: Final = """]


def client(account):
    import os

    from openai import OpenAI  # pip install openai

    address, variable = ACCOUNTS[account]
    return OpenAI(base_url=address, api_key=os.environ[variable])


if __name__ == "__main__":
    for name, file_id, account, purpose in FILES:
        print(account, purpose, file_id, name, sep="\\t")
        # Where the provider gives the text of a file (at Kimi the purpose file-extract):
        # text = client(account).files.content(file_id).text
"""


def _curl_head(receipt: Receipt, addresses: Addresses) -> str:
    accounts = _accounts_of(receipt, addresses)
    variables = sorted({known.variable for known in accounts.values()})
    keys = f" Set {', '.join(variables)} first." if variables else ""
    head = f"# Each line fetches the text of one file. No key is in this text.{keys}\n"
    return head + _own_variables(accounts)


def _curl(rows: Sequence[ReceiptRow], addresses: Addresses) -> str:
    return "".join(_curl_line(row, addresses.get(row.account or "")) for row in rows)


def _curl_line(row: ReceiptRow, known: AccountAddress | None) -> str:
    file_id, name = row.file_id or "", plain_text(row.name)
    if known is None or row.purpose not in known.with_text:
        # Nothing that is documented fetches it: the ID is for a request of the user's own.
        return f"# {name} ({plain_text(row.account or '')}): {plain_text(file_id)}\n"
    url = shlex.quote(f"{known.base_url}/files/{quote(file_id, safe='')}/content")
    key = f'"Authorization: Bearer ${known.variable}"'
    return f"curl --fail --silent --show-error -H {key} {url}  # {name}\n"


WRITERS: Final[Mapping[ReceiptForm, Writer]] = {
    ReceiptForm.TABLE: Writer(lambda *_: _tabs(_TABLE), _table),
    ReceiptForm.JSON: Writer(lambda *_: "[\n", _objects(_id_object), "\n]\n", ",\n"),
    ReceiptForm.PYTHON: Writer(_python_head, _python, _PYTHON_FOOT),
    ReceiptForm.CURL: Writer(_curl_head, _curl),
    ReceiptForm.CSV: Writer(lambda *_: ",".join(_COLUMNS) + "\n", _csv),
    ReceiptForm.REPORT: Writer(_report_head, _objects(_file_object), "\n]}\n", ",\n"),
}
