"""Receipts that a test tells of: for the window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exai_desktop.core.jobs.reasons import STOPPED, ReasonGroup, largest_first
from exai_desktop.core.jobs.receipts import (
    BatchInfo,
    Receipt,
    ReceiptForm,
    ReceiptScope,
    ReceiptText,
)

if TYPE_CHECKING:
    from .scripted_service import ScriptedService


@dataclass
class ScriptedReceipts:
    """Meets `ReceiptService`; the groups are those of the script's rows."""

    script: ScriptedService
    now: Receipt = field(default_factory=lambda: Receipt(7, 0.0, 1.0, 0, 0, 0, (), ()))
    pieces: int = 1

    async def batches(self, most: int) -> list[BatchInfo]:
        return [BatchInfo(7, 0.0, len(self.script.rows))][:most]

    async def reasons(self) -> list[ReasonGroup]:
        found: dict[tuple[str, str], ReasonGroup] = {}
        for row in self.script.rows:
            code = row.error.code if row.error else ""
            if row.state not in STOPPED or not code:
                continue
            known = found.get((row.state, code))
            count = known.files if known else 0
            found[row.state, code] = ReasonGroup(row.state, code, count + 1, 0, row.name)
        return list(largest_first(found.values()))

    async def receipt(self, scope: ReceiptScope) -> Receipt:
        self.script.note("receipts.receipt", scope)
        return self.now

    async def text(
        self, scope: ReceiptScope, form: ReceiptForm, after: int = 0, most: int | None = None
    ) -> ReceiptText:
        self.script.note("receipts.text", scope, form, after, most)
        last = after + 1 if after + 1 < self.pieces else None
        return ReceiptText(f"{form} {after}\n", 1, last)

    async def save(self, scope: ReceiptScope, form: ReceiptForm, file: str) -> int:
        self.script.note("receipts.save", scope, form, file)
        return self.now.files
