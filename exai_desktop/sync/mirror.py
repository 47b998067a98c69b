"""Telling the user's Supabase project what has changed here, and reading what others have told.

One batch after another: taken from the outbox, sent, answered, settled. A batch whose answer is
lost stays fixed in the outbox and is sent again as it was. Changes are read by their numbers.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import EngineError
from exai_desktop.core.mirror.link import Rest
from exai_desktop.core.mirror.operations import (
    BATCH,
    AnswerStatus,
    MirrorAccount,
    MirrorTarget,
    Operation,
    OperationAnswer,
    OtherRecords,
    Outbox,
    RecordKind,
    RecordServer,
    derived_id,
)

# Rows from before the first sign-in that are marked at once.
_PAGE: Final = 1_000
# A row that changes while it is sent is sent again; a project that never takes one is left.
_MOST_TRIES: Final = 20


async def no_rest() -> None:
    """One batch at once after the other."""


@dataclass(frozen=True, slots=True)
class Device:
    """This computer, as the user's other devices see it."""

    name: str
    platform: str
    app_version: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """`operations`: sent and answered. `refused`: put aside until the row changes again."""

    operations: int = 0
    refused: int = 0
    audit_rows: int = 0


class Mirror:
    """Sends what waits for one target, and fetches what is new there."""

    def __init__(
        self, target: MirrorTarget, device: Device, outbox: Outbox, others: OtherRecords
    ) -> None:
        self.target = target
        self._device = device
        self._outbox = outbox
        self._others = others
        # What the project was told last of who we are.
        self._introduced: Mapping[str, MirrorAccount] | None = None

    async def pull(self, server: RecordServer) -> int:
        """Fetch until nothing is new; returns how many changes. Raises what the server raises."""
        count = restarts = 0
        more = True
        while more:
            after, witness = await self._others.cursor(self.target)
            page = await server.pull(after, witness)
            if page.restart:
                restarts += 1
                if restarts > 1:
                    break  # it was put back once more: the next round begins again
                await self._others.restart(self.target)
                self._introduced = None
                continue
            if page.changes or page.next != after:
                await self._others.note(self.target, page)
            count += len(page.changes)
            more = page.more
        return count

    async def push(
        self, server: RecordServer, accounts: Mapping[str, MirrorAccount], rest: Rest = no_rest
    ) -> Pushed:
        """Send until nothing waits; `accounts` by the names they have on this computer.

        Raises what the server raises: then the rest still waits, and it may be called again.
        """
        if self._introduced != accounts:
            await self._introduce(server, accounts)
        sent = refused = 0
        tries: Counter[tuple[RecordKind, int]] = Counter()
        more = True
        while more:
            filled = await self._outbox.fill(self.target, _PAGE)
            waiting = await self._outbox.take(self.target, accounts)
            tries.update((row.kind, row.local_id) for row in waiting)
            if max(tries.values(), default=0) > _MOST_TRIES:
                raise EngineError(ErrorCode.PROJECT_REFUSED, "its answers to a row never end")
            operations = [each for row in waiting for each in row.operations]
            answers = await self._send(server, operations)
            await self._outbox.settle(self.target, waiting, answers)
            sent += len(operations)
            refused += sum(answers[row.op_id].status is AnswerStatus.REFUSED for row in waiting)
            more = filled or bool(waiting)
            await rest()
        audit_rows, audit_refused = await self._push_trail(server, rest)
        return Pushed(sent, refused + audit_refused, audit_rows)

    async def _introduce(self, server: RecordServer, accounts: Mapping[str, MirrorAccount]) -> None:
        """The rows that others name: a second time they are there already, and that is right."""
        device = {
            "name": self._device.name,
            "platform": self._device.platform,
            "app_version": self._device.app_version,
        }
        operations = [Operation(_new_id(), RecordKind.DEVICE, self.target.device_id, device)]
        # Two names of one account are one.
        for account, label in {account: name for name, account in accounts.items()}.items():
            data = {
                "provider": account.provider,
                "base_url": account.base_url,
                "key_mark": account.key_mark,
                "label": label,
            }
            operations.append(Operation(_new_id(), RecordKind.ACCOUNT, account.id, data))
        for start in range(0, len(operations), BATCH):
            await self._send(server, operations[start : start + BATCH])
        self._introduced = dict(accounts)

    async def _push_trail(self, server: RecordServer, rest: Rest) -> tuple[int, int]:
        """How many rows, and how many of them were refused."""
        count = refused = 0
        while (page := await self._outbox.audit_rows(self.target)).rows:
            refused += await self._push_rows(server, page.trail_id, page.rows)
            await self._outbox.audit_sent(self.target, page.rows[-1]["device_seq"])
            count += len(page.rows)
            await rest()
        return count, refused

    async def _push_rows(
        self, server: RecordServer, trail_id: str, rows: Sequence[Mapping[str, Any]]
    ) -> int:
        """Each is written there once, whatever is sent again. Returns how many were refused."""
        # The same id for the same rows: a lost answer is given again.
        first, last = rows[0], rows[-1]
        name = f"audit {first['device_seq']} {last['device_seq']} {last['device_mac']}"
        operation = Operation(derived_id(trail_id, name), RecordKind.AUDIT, None, rows)
        (answer,) = await server.apply(trail_id, [operation])
        if trail_id == self.target.device_id:
            await self._others.answered(self.target, operation.id)
        if answer.status is not AnswerStatus.REFUSED:
            return 0
        if len(rows) == 1:
            return 1
        # One of them is refused, and holds up no other.
        middle = len(rows) // 2
        halves = (rows[:middle], rows[middle:])
        return sum([await self._push_rows(server, trail_id, half) for half in halves])

    async def _send(
        self, server: RecordServer, operations: Sequence[Operation]
    ) -> dict[str, OperationAnswer]:
        if not operations:
            return {}
        answers = await server.apply(self.target.device_id, operations)
        # The last one of the newest batch is what the server keeps longest.
        await self._others.answered(self.target, max(each.id for each in operations))
        return {answer.id: answer for answer in answers}


def _new_id() -> str:
    return str(uuid.uuid4())
