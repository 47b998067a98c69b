"""What is wrong beyond one file and one account, also for those who begin to listen later."""

from __future__ import annotations

from exai_desktop.core.errors import AppError, ErrorView
from exai_desktop.core.events import EventBus, ProblemRaised


class Problems:
    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._lasting: list[ProblemRaised] = []
        self._storage: ProblemRaised | None = None

    def lasting(self) -> list[ProblemRaised]:
        """What a new listener has to be told."""
        return [*self._lasting, *([self._storage] if self._storage else [])]

    def add(self, error: ErrorView) -> None:
        """Say it once, and to each new listener for as long as the program runs."""
        event = ProblemRaised(error)
        self._lasting.append(event)
        self._bus.publish(event)

    def of_storage(self, error: AppError | None) -> None:
        """New work waits for this; None: it is over."""
        if error is None:
            self._storage = None
            return
        self._storage = ProblemRaised(ErrorView.of(error))
        self._bus.publish(self._storage)
