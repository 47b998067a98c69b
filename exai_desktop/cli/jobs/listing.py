"""The verb `list`, page by page: as far as one wants, from whoever holds the profile.

Beside an owner it needs a socket and these words only. Whatever is not plain, such as a wrong
option, `--help` or an error, takes the long way, which says what there is to say.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from exai_desktop.cli.rows import JobTable, job_object, json_line, soft_streams
from exai_desktop.core.copies.words import CopyState
from exai_desktop.core.jobs.states import JobState

if TYPE_CHECKING:
    from exai_desktop.core.jobs.jobs import JobView

    Ask = Callable[..., Any]

# What a person can take in; a script wants all.
MOST_ROWS: Final = 50
_AT_ONCE: Final = 500

_TEXTS: Final = {"--search": "search", "--state": "states", "--limit": "limit"}
_FLAGS: Final = {
    "--gone": "gone",
    "--line": "by_line",
    "--all": "all",
    "--json": "as_json",
    "--sandbox": "sandbox",
}


class Wanted(NamedTuple):
    """`most` None: all there are. `by_line`: in the order of sending, not the newest first."""

    states: tuple[JobState, ...] = ()
    search: str = ""
    gone: bool = False
    most: int | None = None
    as_json: bool = False
    sandbox: bool = False
    by_line: bool = False


def most_rows(limit: int | None, *, all_rows: bool, as_json: bool) -> int | None:
    if limit is not None:
        return limit
    return None if all_rows or as_json else MOST_ROWS


class Listing:
    """What was printed so far. It goes on where it stopped, also with another engine."""

    def __init__(self, wanted: Wanted, write: Callable[[str], object]) -> None:
        self.wanted = wanted
        self._write = write
        self._shown = 0
        self._total = 0
        self._last: int | None = None
        self._table = JobTable()

    @property
    def next_query(self) -> dict[str, Any] | None:
        """What to ask for; None: nothing more is wanted."""
        wanted = self.wanted
        left = _AT_ONCE if wanted.most is None else min(_AT_ONCE, wanted.most - self._shown)
        if self._last is not None and (left <= 0 or self._shown >= self._total):
            return None
        place: dict[str, Any] = {"before": self._last}
        if wanted.by_line:
            place = {"sort": "line", "descending": False, "offset": self._shown}
        return {
            "states": wanted.states,
            "search": wanted.search,
            "gone": wanted.gone,
            "limit": left,
        } | place

    def take(self, rows: Sequence[JobView], total: int) -> None:
        """`total` is that of the rows which the query was about."""
        if self.wanted.as_json:
            text = "".join(json_line(job_object(row)) for row in rows)
        else:
            text = self._table.lines(rows)
        self._write(text)
        before = 0 if self.wanted.by_line else self._shown
        self._total = before + total if rows else self._shown
        self._shown += len(rows)
        self._last = rows[-1].id if rows else 0

    def tell(self) -> None:
        """That there is more, where it is no part of the list."""
        if self._shown < self._total:
            which = "first" if self.wanted.by_line else "newest"
            sys.stderr.write(
                f"The {which} {self._shown:,} of {self._total:,} files. `--all` lists all of them,"
                " `--limit NUMBER` as many as you want.\n"
            )


def beside_owner(words: Sequence[str], find_owner: Callable[..., Ask | None]) -> int | None:
    """The exit code; None: nothing was done, the long way is to be taken."""
    wanted = parsed(words)
    if wanted is None or sys.stdout is None or sys.stderr is None:
        return None
    ask = find_owner(sandbox=wanted.sandbox)
    if ask is None:
        return None
    listing = Listing(wanted, _to_stdout)
    soft_streams()
    try:
        page = ask("queue.page", query=listing.next_query)
    except (OSError, ValueError):
        return None
    try:
        while True:
            listing.take([_row(row) for row in page["rows"]], page["total"])
            query = listing.next_query
            if query is None:
                break
            page = ask("queue.page", query=query)
        listing.tell()
    except BrokenPipeError:
        # Its reader, as `head`, has seen enough. What is still in the buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"The list ends early: {error}. Run the command again.\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _to_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def parsed(words: Sequence[str]) -> Wanted | None:
    """None: anything but the options of `list` with good values."""
    given: dict[str, Any] = {"states": []}
    left = list(words)
    while left:
        word = left.pop(0)
        if word in _FLAGS:
            given[_FLAGS[word]] = True
            continue
        name, is_joined, value = word.partition("=")
        if name not in _TEXTS or not (is_joined or left):
            return None
        if not is_joined:
            value = left.pop(0)
        if not _take(given, _TEXTS[name], value):
            return None
    return Wanted(
        tuple(given["states"]),
        given.get("search", ""),
        given.get("gone", False),
        most_rows(
            given.get("limit"),
            all_rows=given.get("all", False),
            as_json=given.get("as_json", False),
        ),
        given.get("as_json", False),
        given.get("sandbox", False),
        given.get("by_line", False),
    )


def _take(given: dict[str, Any], name: str, value: str) -> bool:
    """Whether it is a good value."""
    if name == "states":
        if value not in set(JobState):
            return False
        given["states"].append(JobState(value))
    elif name == "limit":
        if not (value.isascii() and value.isdigit() and int(value) > 0):
            return False
        given["limit"] = int(value)
    elif value.startswith("-"):
        return False
    else:
        given[name] = value
    return True


def _row(row: dict[str, Any]) -> JobView:
    """With the names of a `JobView`; to make one would load all that it is made of."""
    error, file_state = row["error"], row["file_state"]
    values = row | {
        "state": JobState(row["state"]),
        "error": SimpleNamespace(**error) if error else None,
        "file_state": CopyState(file_state) if file_state else None,
    }
    return cast("JobView", SimpleNamespace(**values))
