"""The texts that providers have read from files: a file of its own, outside the record.

Outside, because copies of the record are kept for days, and a text goes with its file. Searched by
FTS5 with trigrams (any three characters, Chinese too) where this SQLite has it and its index can
forget, else row by row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from exai_desktop.core.copies.queries import TextMatch
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.files.names import plain_text
from exai_desktop.storage.record.rows import storable
from exai_desktop.storage.sqlite.driver import (
    Connection,
    Error,
    Work,
    WorkThread,
    attempt,
    create_private,
    library_version,
    literal,
    open_cache,
)

log = logging.getLogger(__name__)

# The oldest go first when there are more.
MOST_BYTES: Final = 256 * 1024 * 1024

# Of the file's form, in `user_version`: the even one has no index. Another form is begun anew.
_PLAIN: Final = 2
_INDEXED: Final = 3

# An index of trigrams knows nothing shorter.
_SHORTEST: Final = 3
_SNIPPET: Final = 160
_BEFORE: Final = 50

_TABLE: Final = """
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    text TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    fetched_at REAL NOT NULL,
    UNIQUE (account, remote_id)
) STRICT"""
_INDEX: Final = (
    "CREATE VIRTUAL TABLE found USING fts5(text, content='texts', content_rowid='id',"
    " tokenize='trigram')"
)
_UNINDEX: Final = "INSERT INTO found (found, rowid, text) VALUES ('delete', ?, ?)"

_SHOWN: Final = f"""
SELECT account, remote_id,
    substr(text, max(1, instr(lower(text), lower(?)) - {_BEFORE}), {_SNIPPET}) AS snippet
FROM texts WHERE """  # noqa: S608 - numbers of ours
_NEWEST: Final = " ORDER BY fetched_at DESC, id DESC LIMIT ?"
_BY_INDEX: Final = _SHOWN + "id IN (SELECT rowid FROM found WHERE found MATCH ?)" + _NEWEST  # noqa: S608
_ROW_BY_ROW: Final = _SHOWN + r"text LIKE ? ESCAPE '\'" + _NEWEST


class SqliteTexts:
    """`core.copies.queries.TextCache`. Opens the file, blocks; raises `EngineError`."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        create_private(path)
        self._thread = WorkThread("texts", lambda: _open(path), _carry_out, 1)

    async def get(self, account: str, remote_id: str) -> str | None:
        def read(connection: Connection) -> str | None:
            row = _row(connection, account, remote_id)
            return None if row is None else str(row[1])

        return await self._thread.submit(read)

    async def put(self, account: str, remote_id: str, text: str, at: float) -> None:
        await self._thread.submit(
            partial(_put, account, remote_id, storable(text), at, self._most_bytes)
        )

    async def drop(self, account: str, remote_id: str) -> None:
        await self._thread.submit(partial(_drop, account, remote_id))

    async def keys(self) -> list[tuple[str, str]]:
        return await self._thread.submit(
            lambda connection: [
                (row["account"], row["remote_id"])
                for row in connection.execute("SELECT account, remote_id FROM texts")
            ]
        )

    async def search(self, text: str, limit: int) -> list[TextMatch]:
        return await self._thread.submit(partial(_search, storable(text.strip()), limit))

    def close(self) -> None:
        self._thread.close()


@contextmanager
def kept_texts(path: Path, wanted: bool | None) -> Iterator[SqliteTexts | None]:
    """The texts until this is left. False: what there is is deleted; None: it is left alone."""
    texts = _opened(path) if wanted else None
    if wanted is False:
        _delete(path)
    try:
        yield texts
    finally:
        if texts is not None:
            texts.close()


def _opened(path: Path) -> SqliteTexts | None:
    """A file that cannot be used is made anew."""
    for _ in range(2):
        try:
            return SqliteTexts(path)
        except EngineError as error:
            log.warning("the texts cannot be opened: %s", error)
            _delete(path)
    return None  # they are fetched each time


def _delete(path: Path) -> None:
    for side in ("", "-journal"):
        with suppress(OSError):
            path.with_name(path.name + side).unlink(missing_ok=True)


def _carry_out(connection: Connection, group: Sequence[Work]) -> None:
    for work in group:
        connection.execute("BEGIN IMMEDIATE")
        attempt(connection, work)
        connection.execute("ROLLBACK" if work.error else "COMMIT")


def _open(path: Path) -> Connection:
    connection = open_cache(path)
    try:
        _make(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: Connection) -> None:
    has_index = can_forget() and _has_trigrams(connection)
    form = _INDEXED if has_index else _PLAIN
    [known] = connection.execute("PRAGMA user_version").fetchone()
    if known == form:
        connection.execute("SELECT count(*) FROM texts").fetchone()
        return
    if known:
        raise Error(f"made in another form ({known})")
    connection.execute(_TABLE)
    if has_index:
        connection.execute(_INDEX)
        with suppress(Error):  # see `can_forget`
            connection.execute("INSERT INTO found (found, rank) VALUES ('secure-delete', 1)")
    connection.execute(f"PRAGMA user_version = {form}")


def can_forget() -> bool:
    """Whether an index of this SQLite removes deleted text at once and for good."""
    return tuple(map(int, library_version().split("."))) >= (3, 42)


def _has_trigrams(connection: Connection) -> bool:
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.probe USING fts5(a, tokenize='trigram')")
        connection.execute("DROP TABLE temp.probe")
    except Error:
        return False
    return True


def _is_indexed(connection: Connection) -> bool:
    return bool(connection.execute("PRAGMA user_version").fetchone()[0] == _INDEXED)


def _row(connection: Connection, account: str, remote_id: str) -> tuple[int, str] | None:
    row = connection.execute(
        "SELECT id, text FROM texts WHERE account = ? AND remote_id = ?",
        (account, storable(remote_id)),
    ).fetchone()
    return None if row is None else (row["id"], row["text"])


def _drop(account: str, remote_id: str, connection: Connection) -> None:
    row = _row(connection, account, remote_id)
    if row is None:
        return
    if _is_indexed(connection):
        connection.execute(_UNINDEX, row)
    connection.execute("DELETE FROM texts WHERE id = ?", row[:1])


def _put(
    account: str, remote_id: str, text: str, at: float, most: int, connection: Connection
) -> None:
    _drop(account, remote_id, connection)
    size = len(text.encode())
    if size > most:
        return
    row = connection.execute(
        "INSERT INTO texts (account, remote_id, text, bytes, fetched_at) VALUES (?, ?, ?, ?, ?)"
        " RETURNING id",
        (account, storable(remote_id), text, size, at),
    ).fetchone()
    if _is_indexed(connection):
        connection.execute("INSERT INTO found (rowid, text) VALUES (?, ?)", (row["id"], text))
    while connection.execute("SELECT sum(bytes) FROM texts").fetchone()[0] > most:
        oldest = connection.execute(
            "SELECT account, remote_id FROM texts ORDER BY fetched_at, id LIMIT 1"
        ).fetchone()
        _drop(oldest["account"], oldest["remote_id"], connection)


def _search(text: str, limit: int, connection: Connection) -> list[TextMatch]:
    if not text:
        return []
    if len(text) >= _SHORTEST and _is_indexed(connection):
        quoted = text.replace('"', '""')
        rows = connection.execute(_BY_INDEX, (text, f'"{quoted}"', limit))
    else:
        rows = connection.execute(_ROW_BY_ROW, (text, f"%{literal(text)}%", limit))
    return [
        TextMatch(row["account"], row["remote_id"], plain_text(" ".join(row["snippet"].split())))
        for row in rows
    ]
