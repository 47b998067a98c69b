"""Lists of jobs: pages of them, how many there are, and ranges named by their ends.

A page is read from the known row nearest to it, or from the nearer end of the list, along an index
that holds the order: what a page costs hardly depends on where it lies.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.jobs import JobPage, JobQuery, Moment, SortKey
from exai_desktop.core.jobs.ranges import ORDER_STATES, FileIds, JobRange, RangeOrder
from exai_desktop.storage.migrations.lists.m0023_line import LINE_KEY
from exai_desktop.storage.record.rows import Value, folded, job_view, storable
from exai_desktop.storage.sqlite.driver import (
    HASH_FROM,
    HASH_START,
    Connection,
    hash_range,
    literal,
)


class _Order(NamedTuple):
    """A column to sort by, and the index that holds its order. Its last part is always the id."""

    key: str
    along: str


_SORT: Final = {
    SortKey.ID: _Order("id", "jobs_number"),
    SortKey.NAME: _Order("name COLLATE NOCASE", "jobs_name"),
    SortKey.STATE: _Order("state", "jobs_state"),
    SortKey.SIZE: _Order("size", "jobs_size"),
    SortKey.ACCOUNT: _Order("account", "jobs_account"),
    SortKey.UPDATED: _Order("updated_at", "jobs_updated"),
    SortKey.LINE: _Order(LINE_KEY, "jobs_line"),
}
# Fewer than one in so many: they are found by what they have in common, and sorted.
_FEW: Final = 20
# Where a text is looked for.
_FOUND_BY: Final = {"search_text": "jobs_text", "file_id": "jobs_file", "sha256": "jobs_hash"}
# So many results of a search are sorted at once; more are common enough to be met on the way.
_RESULTS: Final = 20_000
# Each at the end of an index.
_REACHED: Final = (
    "SELECT (SELECT max(id) FROM jobs), (SELECT max(id) FROM history),"
    " (SELECT max(updated_at) FROM jobs)"
)
# The plus keeps both off the index of times: a range is read by numbers.
_UNCHANGED: Final = (
    "+updated_at <= ?"
    " AND NOT EXISTS (SELECT 1 FROM history WHERE history.job_id = jobs.id AND history.id > ?)"
)


class Terms(NamedTuple):
    """A condition and its values."""

    text: str
    values: tuple[Value, ...] = ()

    def __and__(self, other: Terms) -> Terms:
        both = " AND ".join(part for part in (self.text, other.text) if part)
        return Terms(both, self.values + other.values)

    @property
    def where(self) -> str:
        return f" WHERE {self.text}" if self.text else ""


class _Place(NamedTuple):
    """Of a row in an order: its key and its number."""

    key: Value
    id: int


def page(connection: Connection, query: JobQuery) -> JobPage:
    listed = _List(connection, query)
    offset = query.offset
    most = listed.total if query.limit < 0 else query.limit
    numbers = listed.numbers(offset, max(0, min(most, listed.total - offset)), query.known)
    rows = connection.execute(
        "SELECT * FROM jobs WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(numbers),)
    )
    found = {row["id"]: job_view(row) for row in rows}
    newest, change, at = connection.execute(_REACHED).fetchone()
    views = tuple(found[number] for number in numbers)
    return JobPage(views, listed.total, newest or 0, Moment(change or 0, at or 0.0))


class _List:
    """What a query shows, at one moment."""

    def __init__(self, connection: Connection, query: JobQuery) -> None:
        self._connection = connection
        self._order = _SORT[query.sort]
        self._descending = query.descending
        self._terms = _conditions(query)
        self._along = along(connection, "jobs", self._order.along)
        is_plain = not (query.search.strip() or query.gone or query.file or query.reason)
        if query.before is not None and is_plain and query.ids is None:
            # The next page of whoever reads all: nothing has to be sorted.
            self.total = self._counted()
            return
        if is_plain and query.ids is None and query.batch_id is None:
            # Kept with every change: nothing is counted.
            sums = connection.execute("SELECT state, jobs FROM job_sums").fetchall()
            wanted = query.states or {row["state"] for row in sums}
            self.total = sum(row["jobs"] for row in sums if row["state"] in wanted)
            self.total -= sum(self._group(*g) for g in set(query.without) if g[0] in wanted)
            if not query.without and self.total * _FEW < sum(row["jobs"] for row in sums):
                self._along = along(connection, "jobs", "jobs_state")
            return
        found = self._found(query)
        self.total = len(found)
        if self.total <= _RESULTS:
            self._terms = Terms("id IN (SELECT value FROM json_each(?))", (json.dumps(found),))
            self._along = ""
            return
        if query.batch_id is not None:
            self._along = along(connection, "jobs", "jobs_batch")
        self.total = self._counted()

    def _found(self, query: JobQuery) -> list[int]:
        """Up to one more than are sorted at once. Each way of finding by the index that has it:
        all of an index is a third of all of the table."""
        listed, found = _listed(query), set[int]()
        for way in _either(query) or [Terms("")]:
            terms = way & listed
            index = along(self._connection, "jobs", _FOUND_BY.get(way.text.partition(" ")[0], ""))
            look = f"SELECT id FROM jobs{index}{terms.where} LIMIT ?"  # noqa: S608 - our own texts
            values = (*terms.values, _RESULTS + 1)
            found.update(row["id"] for row in self._connection.execute(look, values))
            if len(found) > _RESULTS:
                break
        return list(found)

    def _group(self, state: str, code: str) -> int:
        return _count(self._connection, _of_reason(state, code))

    def _counted(self) -> int:
        return _count(self._connection, self._terms)

    def numbers(self, offset: int, limit: int, known: tuple[int, int] | None) -> list[int]:
        """The ids in these places. `known`: a row not far away, its place and id."""
        place = None if known is None else _place_of(self._connection, self._order, known[1])
        if known is None or place is None:
            behind = self.total - offset - limit
            if behind < offset:
                return self._walk(None, behind, limit, back=True)[::-1]
            return self._walk(None, offset, limit)
        # The row itself belongs to the second part.
        before = max(0, min(limit, known[0] - offset))
        after = limit - before
        first = max(0, known[0] - offset - limit) + 1
        part = self._walk(place, first, before, back=True)[::-1] if before else []
        rest = self._walk(place, max(0, offset - known[0]), after) if after else []
        return part + rest

    def _walk(
        self, start: _Place | None, skip: int, limit: int, *, back: bool = False
    ) -> list[int]:
        """In the order of the list, or in the opposite one, from a row on, itself included."""
        descending = self._descending is not back
        found: list[int] = []
        for part in _parts(self._order.key, start, descending=descending):
            if len(found) == limit:
                break
            terms = part & self._terms
            more = self._select(terms, descending, limit - len(found), skip)
            if not more and skip:
                (there,) = self._connection.execute(
                    f"SELECT count(*) FROM jobs{self._along}{terms.where}",  # noqa: S608 - our own texts
                    terms.values,
                ).fetchone()
                skip -= there
                continue
            found += more
            skip = 0 if more else skip
        return found

    def _select(self, terms: Terms, descending: bool, limit: int, skip: int) -> list[int]:
        way = "DESC" if descending else "ASC"
        return [
            row["id"]
            for row in self._connection.execute(
                f"SELECT id FROM jobs{self._along}{terms.where}"  # noqa: S608 - our own texts
                f" ORDER BY {self._order.key} {way}, id {way} LIMIT ? OFFSET ?",
                (*terms.values, limit, skip),
            )
        ]


def along(connection: Connection, table: str, index: str) -> str:
    """Makes SQLite use this index. The record of another version may not have it."""
    is_there = connection.execute(
        "SELECT 1 FROM pragma_index_list(?) WHERE name = ?", (table, index)
    ).fetchone()
    return f" INDEXED BY {index}" if is_there else ""


def _place_of(connection: Connection, order: _Order, job_id: int) -> _Place | None:
    row = connection.execute(
        f"SELECT {order.key} AS key, id FROM jobs WHERE id = ?",  # noqa: S608 - our own texts
        (job_id,),
    ).fetchone()
    return None if row is None else _Place(row["key"], row["id"])


def _parts(key: str, start: _Place | None, *, descending: bool) -> list[Terms]:
    """What comes from a row on, in order: rows of the same key, then those of other keys. One
    condition for both would make SQLite read all rows of the key."""
    if start is None:
        return [Terms("")]
    sign = "<" if descending else ">"
    if key == "id":
        return [Terms(f"id {sign}= ?", (start.id,))]
    parts = [Terms(f"{key} IS ? AND id {sign}= ?", (start.key, start.id))]
    if start.key is not None:
        parts.append(Terms(f"{key} {sign} ?", (start.key,)))
        if descending:
            parts.append(Terms(f"{key} IS NULL"))
    elif not descending:
        parts.append(Terms(f"{key} IS NOT NULL"))
    return parts


def _count(connection: Connection, terms: Terms) -> int:
    counted = f"SELECT count(*) FROM jobs{terms.where}"  # noqa: S608 - our own texts
    (total,) = connection.execute(counted, terms.values).fetchone()
    return int(total)


def _of_reason(state: str, code: str) -> Terms:
    if not code:
        return Terms("state = ? AND error_code IS NULL", (state,))
    return Terms("state = ? AND error_code = ? AND error_code IS NOT NULL", (state, code))


def _listed(query: JobQuery) -> Terms:
    """Without its search. Lists go in as JSON: any length will do."""
    terms = Terms("")
    if query.states:
        terms &= Terms("state IN (SELECT value FROM json_each(?))", (json.dumps(query.states),))
    if query.batch_id is not None:
        terms &= Terms("batch_id = ?", (query.batch_id,))
    if query.ids is not None:
        terms &= Terms("id IN (SELECT value FROM json_each(?))", (json.dumps(query.ids),))
    if query.file is not None:
        account, file_id = query.file
        stored = "file_id = ? AND account = ? AND state IN ('done', 'duplicate')"
        terms &= Terms(stored, (storable(file_id), account))
    if query.reason is not None:
        terms &= _of_reason(*query.reason)
    for state, code in query.without:
        terms &= Terms("NOT (state = ? AND coalesce(error_code, '') = ?)", (state, code))
    if query.gone:
        terms &= Terms("file_state IS NOT NULL")
    if query.before is not None:
        terms &= Terms("id < ?", (query.before,))
    return terms


def _either(query: JobQuery) -> list[Terms]:
    """What a search may find a job by."""
    wanted = query.search.strip()
    if not wanted:
        return []
    either = [
        Terms(r"search_text LIKE ? ESCAPE '\'", (f"%{literal(folded(wanted))}%",)),
        Terms(
            r"file_id LIKE ? ESCAPE '\' AND file_id IS NOT NULL",
            (f"%{literal(storable(wanted))}%",),
        ),
    ]
    if HASH_START.fullmatch(wanted.lower()):
        either.append(Terms(HASH_FROM, hash_range(wanted)))
    return either


def _conditions(query: JobQuery) -> Terms:
    either = _either(query)
    searched = f"({' OR '.join(way.text for way in either)})" if either else ""
    values = tuple(value for way in either for value in way.values)
    return Terms(searched, values) & _listed(query)


_BEYOND_STATE: Final = {
    # What lies at the provider is not sent again.
    RangeOrder.RETRY: Terms("(file_state IS NOT NULL OR state NOT IN ('done', 'duplicate'))"),
    RangeOrder.CANCEL: Terms("cancel_requested = 0"),
    RangeOrder.ALLOW_FALLBACK: Terms("error_code = ?", (ErrorCode.CONSENT_NEEDED.value,)),
    # Without `judged` it is no question: the settings always refuse such files.
    RangeOrder.SEND_ANYWAY: Terms("judged IS NOT NULL"),
}


def fitting(order: RangeOrder) -> Terms:
    """Which jobs an order is for."""
    states = json.dumps(sorted(ORDER_STATES[order]))
    terms = Terms("state IN (SELECT value FROM json_each(?))", (states,))
    return terms & _BEYOND_STATE.get(order, Terms(""))


def bounds(connection: Connection, jobs: JobRange) -> Terms:
    """The range as a condition, for as long as nobody moves its ends. Raises UNKNOWN_JOB."""
    order = _SORT[jobs.query.sort]
    # No order holds between NULLs.
    key = "coalesce(account, '')" if jobs.query.sort is SortKey.ACCOUNT else order.key
    ends = (">=", "<=") if not jobs.query.descending else ("<=", ">=")
    either = Terms("")
    for span in jobs.spans:
        inside = Terms("1")
        for sign, job_id in zip(ends, span, strict=True):
            if job_id is None:
                continue
            place = _place_of(connection, order, job_id)
            if place is None:
                raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))
            value = "" if place.key is None else place.key
            inside &= Terms(f"({key}, id) {sign} (?, ?)", (value, job_id))
        text = f"{either.text} OR {inside.text}" if either.text else inside.text
        either = Terms(text, either.values + inside.values)
    listed = Terms(f"({either.text or '0'})", either.values)
    within = listed & Terms("id <= ?", (jobs.newest,)) & _conditions(jobs.query)
    if jobs.as_of is None:
        return within
    return within & Terms(_UNCHANGED, (jobs.as_of.at, jobs.as_of.change))


def ids_within(connection: Connection, terms: Terms, after: int, up_to: int) -> list[int]:
    """The numbers of these jobs behind `after`, as far as `up_to`."""
    window = Terms("id > ? AND id <= ?", (after, up_to)) & terms
    rows = connection.execute(f"SELECT id FROM jobs{window.where} ORDER BY id", window.values)  # noqa: S608 - our own texts
    return [row["id"] for row in rows]


def file_ids(connection: Connection, jobs: JobRange, after: int, most: int) -> FileIds:
    terms = bounds(connection, jobs) & Terms("file_id IS NOT NULL AND id > ?", (after,))
    rows = connection.execute(
        f"SELECT id, file_id, file_state FROM jobs{terms.where} ORDER BY id LIMIT ?",  # noqa: S608 - our own texts
        (*terms.values, most),
    ).fetchall()
    valid = [row["file_id"] for row in rows if row["file_state"] is None]
    last = rows[-1]["id"] if len(rows) == most else None
    return FileIds("\n".join(valid), len(valid), len(rows) - len(valid), last)
