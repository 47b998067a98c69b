"""The fault script: which request goes wrong, and how."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from exai_desktop.sandbox.flavours import FlavourName

FaultKind = Literal[
    "delay",
    "drip",
    "slow_read",
    "reset_before",
    "reset_in_body",
    "reset_after_body",
    "lose_answer",
    "late_store",
    "early_answer",
    "html_502",
    "stall",
    "garbage",
    "no_id",
    "wrong_size",
    "quota_429",
    "rate_429",
    "http_status",
    "redirect",
    "parse_error",
    "missing_version_header_400",
]

# These let the request take effect and spoil only the answer, unless `store` says otherwise.
STORING: frozenset[FaultKind] = frozenset(
    {
        "delay",
        "drip",
        "slow_read",
        "reset_in_body",
        "lose_answer",
        "late_store",
        "garbage",
        "no_id",
        "wrong_size",
        "parse_error",
    }
)


class Fault(BaseModel):
    """One line of the script: what it matches, how often it strikes, and its parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    flavour: FlavourName | None = None
    method: str | None = None
    path_contains: str | None = None
    nth: int | None = Field(default=None, ge=1)
    times: int | None = Field(default=None, ge=1)
    probability: float | None = Field(default=None, ge=0, le=1)

    store: bool | None = None
    drain: bool = True
    delay_s: float = Field(default=1.0, ge=0)
    interval_s: float = Field(default=0.02, ge=0)
    bytes_per_s: int = Field(default=65_536, ge=1)
    after_bytes: int = Field(default=65_536, ge=0)
    size_delta: int = 1
    retry_after: int | None = Field(default=None, ge=0)
    status: int | None = Field(default=None, ge=200, le=599)
    form: Literal["provider", "plain", "flat", "html"] = "provider"
    error_type: str | None = None
    code: str | None = None
    message: str | None = None
    location: str | None = None

    @property
    def stores(self) -> bool:
        """Whether the request takes effect although the client will not learn it properly."""
        return self.kind in STORING if self.store is None else self.store

    def matches(self, flavour: str, method: str, path: str) -> bool:
        """Whether the request is of the sort this fault is for."""
        return (
            self.flavour in {None, flavour}
            and (self.method is None or self.method.upper() == method)
            and (self.path_contains is None or self.path_contains in path)
        )


class FaultScript:
    """The installed faults with their counters; the first that strikes wins."""

    def __init__(self, seed: int | None = None) -> None:
        self._initial_seed = seed
        self.clear()

    def clear(self) -> None:
        """No faults, and the dice as at the start."""
        self.install([], seed=self._initial_seed)

    def install(self, faults: Sequence[Fault], *, seed: int | None = None) -> None:
        """Replace the script; counters start at zero."""
        self.faults = list(faults)
        self.seen = [0] * len(self.faults)
        self.struck = [0] * len(self.faults)
        self._dice = random.Random(seed)  # noqa: S311 - reproducible on purpose, guards nothing

    def pick(self, flavour: str, method: str, path: str) -> Fault | None:
        """The fault that strikes this request; every matching fault counts it."""
        chosen: Fault | None = None
        for number, fault in enumerate(self.faults):
            if not fault.matches(flavour, method, path):
                continue
            self.seen[number] += 1
            if chosen is None and self._strikes(number, fault):
                self.struck[number] += 1
                chosen = fault
        return chosen

    def _strikes(self, number: int, fault: Fault) -> bool:
        if fault.nth is not None and self.seen[number] != fault.nth:
            return False
        if fault.times is not None and self.struck[number] >= fault.times:
            return False
        return fault.probability is None or self._dice.random() < fault.probability
