"""What is wrong beyond one file and one account, also for those who begin to listen later."""

from __future__ import annotations

from exai_desktop.core.errors import AppError, ErrorView
from exai_desktop.core.events import EventBus, ProblemRaised


class Problems:
    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._lasting: list[ProblemRaised] = []
        self._storage: ProblemRaised | None = None
        self._fleet: ProblemRaised | None = None

    def lasting(self) -> list[ProblemRaised]:
        """What a new listener has to be told."""
        return [*self._lasting, *(p for p in (self._storage, self._fleet) if p is not None)]

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

    def of_fleet(self, error: AppError | None) -> None:
        """The state shared with other machines is out of reach; said once, None: it is back."""
        is_new = error is not None and self._fleet is None
        self._fleet = ProblemRaised(ErrorView.of(error)) if error is not None else None
        if is_new and self._fleet is not None:
            self._bus.publish(self._fleet)
