"""Receipts as text: every name is harmless where it is pasted, whatever it is."""

from __future__ import annotations

import ast
import csv
import io
import json
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.jobs.jobs import JobState
from exai_desktop.core.jobs.reasons import ReasonGroup
from exai_desktop.core.jobs.receipt_forms import (
    AccountAddress,
    group_object,
    receipt_object,
    written,
)
from exai_desktop.core.jobs.receipts import (
    Receipt,
    ReceiptForm,
    ReceiptPlace,
    ReceiptRow,
    ReceiptScope,
)

PLACE = ReceiptPlace("work", "kimi", "Kimi", 2, 0, 10)
RECEIPT = Receipt(3, 1.0, 2.0, 2, 0, 0, (PLACE,), ())
ADDRESSES = {"work": AccountAddress("https://api.invalid/v1", "KEY_WORK", frozenset({"text"}))}
# No surrogates: the record has replaced them.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def row(name: str, file_id: str | None = "file-1", number: int = 1, **more: str) -> ReceiptRow:
    state = JobState.DONE if file_id else JobState.REFUSED
    code = None if file_id else ErrorCode.EMPTY_FILE.value
    purpose = more.get("purpose", "text")
    account = more.get("account", "work")
    return ReceiptRow(
        number, f"/d/{name}", name, state, 5, "kimi", account, purpose, file_id, "ab", code, 9.0
    )


def whole(form: ReceiptForm, *pieces: list[ReceiptRow]) -> str:
    return "".join(
        written(
            form,
            rows,
            ADDRESSES,
            head=None if place else RECEIPT,
            is_last=place == len(pieces) - 1,
        )
        for place, rows in enumerate(pieces)
    )


@given(NAMES, NAMES)
def test_pieces_make_one_text_that_can_be_read(one: str, other: str) -> None:
    pieces = [row(one)], [row(other, "file-2", 2)]
    listed = json.loads(whole(ReceiptForm.JSON, *pieces))
    assert [(each["name"], each["file_id"]) for each in listed] == [
        (one, "file-1"),
        (other, "file-2"),
    ]
    report = json.loads(whole(ReceiptForm.REPORT, *pieces, [row("e", None, 3)]))
    assert [each["error"] and each["error"]["code"] for each in report["files"]] == [
        *(None, None, "EMPTY_FILE"),
    ]
    assert report["receipt"]["with_id"] == 2
    script = ast.parse(whole(ReceiptForm.PYTHON, *pieces))
    files = [node.value for node in script.body if isinstance(node, ast.Assign)][1]
    assert [name for name, *_ in ast.literal_eval(files)] == [one, other]


@given(NAMES)
def test_no_cell_is_a_formula_and_no_name_adds_a_row(name: str) -> None:
    cells = [
        *next(csv.reader(io.StringIO(whole(ReceiptForm.CSV, [row(name)]).split("\n", 1)[1]))),
        *whole(ReceiptForm.TABLE, [row(name)]).split("\n")[1].split("\t"),
    ]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert whole(ReceiptForm.TABLE, [row(name)]).count("\n") == 2


@given(NAMES, NAMES)
def test_a_shell_runs_nothing_but_curl(name: str, file_id: str) -> None:
    lines = whole(ReceiptForm.CURL, [row(name, file_id), row(name, file_id, purpose="image")])
    head, command, other, end = lines.split("\n")
    assert head.endswith("Set KEY_WORK first.")
    assert (other[0], end) == ("#", "")
    words = shlex.split(command, comments=True)
    assert words[:4] == ["curl", "--fail", "--silent", "--show-error"]
    assert words[4:6] == ["-H", "Authorization: Bearer $KEY_WORK"]
    assert len(words) == 7
    assert words[6].isascii() and " " not in words[6]


@pytest.mark.parametrize("form", list(ReceiptForm))
def test_a_receipt_without_a_file_is_whole_as_well(form: ReceiptForm) -> None:
    text = whole(form, [])
    if form is ReceiptForm.JSON:
        assert json.loads(text) == []
    if form is ReceiptForm.REPORT:
        assert json.loads(text)["files"] == []
    assert text.endswith("\n")


def test_an_account_that_is_gone_gives_its_ids_all_the_same() -> None:
    text = whole(ReceiptForm.CURL, [row("a.txt", account="former")])
    assert text.splitlines()[1] == "# a.txt (former): file-1"


def test_the_sums_of_a_receipt() -> None:
    reused = ReceiptPlace("more", "kimi", "Kimi", 1, 4, 7)
    missing = ReasonGroup(JobState.REFUSED, "EMPTY_FILE", 3, 9, "e.txt")
    receipt = Receipt(None, 1.0, None, 10, 2, 1, (PLACE, reused), (missing,))
    assert (receipt.with_id, receipt.reused, receipt.bytes) == (7, 4, 17)
    found = receipt_object(receipt)
    assert found["missing"][0] == group_object(missing) | {"bytes": 9}
    assert found["accounts"][1]["reused"] == 4
    assert ReceiptScope() == ReceiptScope(batch=None)
    complete = [form for form in ReceiptForm if form.is_complete]
    assert complete == [ReceiptForm.CSV, ReceiptForm.REPORT]


def test_a_script_without_a_known_account_names_no_variable() -> None:
    gone = Receipt(3, 1.0, 2.0, 1, 0, 0, (ReceiptPlace("x", "kimi", "Kimi", 1, 0, 1),), ())
    text = written(ReceiptForm.CURL, [], {}, head=gone, is_last=True)
    assert text.endswith("No key is in this text.\n")


@given(NAMES)
def test_two_accounts_with_one_usual_variable_are_told_apart(name: str) -> None:
    places = tuple(ReceiptPlace(one, "kimi", "Kimi", 1, 0, 1) for one in (name, "work"))
    both = Receipt(3, 1.0, 2.0, 2, 0, 0, places, ())
    address = ADDRESSES["work"]
    known = {"work": address, name: replace(address, variable="KEY__5", usual="KEY_")}
    rows = [row("a.txt"), row("b.txt", "file-2", 2, account=name)]
    curl = written(ReceiptForm.CURL, rows, known, head=both, is_last=True)
    assert "Set KEY_WORK, KEY__5 first." in curl
    notes = [line for line in curl.splitlines() if line.startswith("# KEY__5: the key of ")]
    assert len(notes) == (name != "work")
    ast.parse(written(ReceiptForm.PYTHON, rows, known, head=both, is_last=True))


def test_a_time_is_told_as_a_time() -> None:
    settled, still = row("a.txt"), replace(row("b.txt", None, 2), settled_at=None)
    lines = whole(ReceiptForm.CSV, [settled, still]).splitlines()
    assert lines[1].endswith(",1970-01-01T00:00:09+00:00")
    assert lines[2].endswith(",ab,")
