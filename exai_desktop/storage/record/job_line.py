"""Moving jobs within the line, in one transaction: only those that move get another place.

When there is no room between two neighbours, as many others around them as needed are spread over
the gaps that lie there: never all of the line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.jobs.line import (
    GAP,
    IN_LINE,
    MOVABLE,
    LinePlace,
    Reordered,
    Spot,
    before,
    behind,
    spread,
)
from exai_desktop.storage.migrations.lists.m0023_line import LINE_KEY
from exai_desktop.storage.sqlite.driver import Connection

# Of `LINE_KEY`: within it is the line, beyond it what is being sent, stopped or finished.
_EDGE: Final = 2**59
# The least room that is left to whoever is moved next, when neighbours have to make some.
_ROOM: Final = 2**8
_PLACE: Final = "coalesce(place, id * 16777216)"
_MOVABLE: Final = json.dumps(sorted(MOVABLE))


class _Job(NamedTuple):
    """Of a job in the line; sorts as the line does."""

    place: int
    id: int


def reorder(connection: Connection, job_ids: Sequence[int], to: LinePlace) -> Reordered:
    """Those that are neither in the line nor paused stay where they are. The others keep their
    order among each other. Raises UNKNOWN_JOB, NOT_IN_LINE for the job beside which they belong."""
    moved = _in_order(connection, job_ids)
    if not moved:
        return Reordered()
    ids = [job.id for job in moved]
    low, high = _neighbours(connection, moved, to)
    if low is None and high is None:  # nobody else is in the line: they stand first and last
        return Reordered(tuple(ids))
    if to.spot in (Spot.UP, Spot.DOWN) and (high if to.spot is Spot.UP else low) is None:
        return Reordered(tuple(ids))  # they are at that end already
    changed = _new_places(connection, low, high, ids)
    connection.executemany(
        "UPDATE jobs SET place = ? WHERE id = ?", [(place, job_id) for job_id, place in changed]
    )
    return Reordered(tuple(ids), tuple(changed))


def _in_order(connection: Connection, job_ids: Sequence[int]) -> list[_Job]:
    rows = connection.execute(
        f"SELECT {_PLACE} AS place, id FROM jobs"  # noqa: S608 - our own texts
        " WHERE id IN (SELECT value FROM json_each(?))"
        " AND state IN (SELECT value FROM json_each(?))",
        (json.dumps(list(job_ids)), _MOVABLE),
    )
    return sorted(_Job(row["place"], row["id"]) for row in rows)


def _neighbours(
    connection: Connection, moved: Sequence[_Job], to: LinePlace
) -> tuple[_Job | None, _Job | None]:
    """Between whom they belong: both None when there is nobody else."""
    without = frozenset(job.id for job in moved)
    match to.spot:
        case Spot.FIRST:
            return None, _next(connection, None, without, back=False)
        case Spot.LAST:
            return _next(connection, None, without, back=True), None
        case Spot.UP:
            high = _next(connection, moved[0], without, back=True)
            return (_next(connection, high, without, back=True) if high else None), high
        case Spot.DOWN:
            low = _next(connection, moved[-1], without, back=False)
            return low, (_next(connection, low, without, back=False) if low else None)
    other = _beside(connection, to.beside or 0, without)
    if to.spot is Spot.BEFORE:
        return _next(connection, other, without, back=True), other
    return other, _next(connection, other, without, back=False)


def _beside(connection: Connection, job_id: int, without: frozenset[int]) -> _Job:
    row = connection.execute(
        f"SELECT {_PLACE} AS place, id, state FROM jobs WHERE id = ?",  # noqa: S608 - our own texts
        (job_id,),
    ).fetchone()
    if row is None:
        raise EngineError(ErrorCode.UNKNOWN_JOB, str(job_id))
    if row["state"] not in IN_LINE:
        raise EngineError(ErrorCode.NOT_IN_LINE, f"job {job_id} is {row['state']}")
    if job_id in without:
        raise EngineError(ErrorCode.NOT_IN_LINE, f"job {job_id} is one of those to be moved")
    return _Job(row["place"], row["id"])


def _next(
    connection: Connection, start: _Job | None, without: frozenset[int], *, back: bool
) -> _Job | None:
    """The next one in the line that is not left out: behind `start`, or the first of all."""
    for job in _walk(connection, start, len(without) + 1, back=back):
        if job.id not in without:
            return job
    return None


def _walk(connection: Connection, start: _Job | None, most: int, *, back: bool) -> list[_Job]:
    """So many jobs of the line from there on, along the index."""
    sign, way = ("<", "DESC") if back else (">", "ASC")
    found: list[_Job] = []
    parts: list[tuple[str, tuple[int, ...]]] = []
    if start is None:
        parts.append((f"{LINE_KEY} {sign} ?", (_EDGE if back else -_EDGE,)))
    else:
        parts += [
            (f"{LINE_KEY} = ? AND id {sign} ?", tuple(start)),
            (f"{LINE_KEY} {sign} ?", (start.place,)),
        ]
    for terms, values in parts:
        rows = connection.execute(
            f"SELECT {LINE_KEY} AS place, id FROM jobs INDEXED BY jobs_line"  # noqa: S608 - our own texts
            f" WHERE {terms} AND {LINE_KEY} BETWEEN ? AND ? ORDER BY {LINE_KEY} {way}, id {way}"
            " LIMIT ?",
            (*values, -_EDGE, _EDGE, most - len(found)),
        )
        found += [_Job(row["place"], row["id"]) for row in rows]
        if len(found) >= most:
            break
    return found


def _new_places(
    connection: Connection, low: _Job | None, high: _Job | None, ids: Sequence[int]
) -> list[tuple[int, int]]:
    """The places of those that move, and of others that must make room."""
    if low is None and high is not None:
        return list(zip(ids, before(high.place, len(ids)), strict=True))
    assert low is not None
    end = _end(connection)
    room = behind(low.place, end, len(ids)) if high is None else None
    if high is not None:
        room = spread(low.place, high.place, len(ids))
    if room is not None:
        return list(zip(ids, room, strict=True))
    return _make_room(connection, low, high, ids, end)


def _end(connection: Connection) -> int:
    """Who comes into the line from now on stands behind this."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
    return ((row["seq"] if row else 0) + 1) * GAP


def _make_room(
    connection: Connection, low: _Job, high: _Job | None, ids: Sequence[int], end: int
) -> list[tuple[int, int]]:
    """Neighbours on both sides, more and more of them, until all can be spread with some room."""
    without, most = frozenset(ids), max(16, len(ids))
    while True:
        lower = [low, *_others(connection, low, most, without, back=True)]
        upper = [high, *_others(connection, high, most, without, back=False)] if high else []
        # The outermost ones stay; beyond an end of the line there is nobody.
        floor = lower.pop().place if len(lower) > most else lower[-1].place - GAP * most
        ceiling = upper.pop().place if len(upper) > most else end
        row = [*(job.id for job in reversed(lower)), *ids, *(job.id for job in upper)]
        room = spread(floor, ceiling, len(row))
        if room is not None and room[0] - floor >= _ROOM:
            return list(zip(row, room, strict=True))
        most *= 2


def _others(
    connection: Connection, start: _Job, most: int, without: frozenset[int], *, back: bool
) -> list[_Job]:
    found = _walk(connection, start, most + len(without), back=back)
    return [job for job in found if job.id not in without][:most]
