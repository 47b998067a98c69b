"""The steps that make a Supabase project ready, and which of them are done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtWidgets import QWidget

from exai_desktop.core.mirror.status import MirrorState, MirrorStatus
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Card, IconView, column, row
from exai_desktop.gui.widgets.copy_line import CopyLine

S = MirrorState

# With and without a button in it.
_STEP_HEIGHT: Final = 32

WRITE: Final = "exai-desktop supabase migrations my-project"
LINK: Final = "supabase link"
PUSH: Final = "supabase db push"


@dataclass(frozen=True, slots=True)
class _Step:
    """`command` is "" where the dashboard is the place."""

    text: str
    command: str


STEPS: Final = (
    _Step("Write the migrations of this program into a folder", WRITE),
    _Step("In that folder, choose your project", LINK),
    _Step("Apply the migrations", PUSH),
    _Step("In the dashboard under Authentication, add your user and turn off sign-ups", ""),
)


class SetupCard(Card):
    """Hidden when there is nothing left to do."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("Set up the project")
        self._title = PlainLabel(role="title", wrap=True)
        self._steps = [_StepLine(theme, number, step) for number, step in enumerate(STEPS, 1)]
        self._warning = PlainLabel(
            "Anybody can sign up to this project now. They reach only their own rows, but they use"
            " your project's space.",
            role="warning",
            wrap=True,
        )
        self.setLayout(column(self._title, *self._steps, self._warning, margin=20, gap=8))

    @property
    def title(self) -> str:
        return self._title.text()

    @property
    def done(self) -> list[bool]:
        return [step.is_done for step in self._steps]

    def show_status(self, status: MirrorStatus) -> None:
        """Show what is left of the steps."""
        has_tables = status.schema is not None and status.state is not S.OLD_SCHEMA
        tables_done = status.is_signed_in and has_tables
        closed = status.open_sign_ups is False
        for step in self._steps:
            step.show_done(is_done=tables_done if step.has_command else closed)
        self._warning.setVisible(status.open_sign_ups is True)
        missing = status.state in (S.SIGNED_OUT, S.NO_SCHEMA, S.OLD_SCHEMA)
        self.setVisible(missing or status.open_sign_ups is True)
        self._title.setText(_title(status))


def _title(status: MirrorStatus) -> str:
    if status.state is S.OLD_SCHEMA:
        return f"Set-up: the tables are at version {status.schema}, a newer one is needed"
    if status.state is S.NO_SCHEMA:
        return "Set-up: the tables are missing in the project"
    if status.state is S.SIGNED_OUT:
        return "How to set up a project"
    return "Set-up: sign-ups are open to anybody"


class _StepLine(QWidget):
    def __init__(self, theme: Theme, number: int, step: _Step) -> None:
        super().__init__()
        self.is_done = False
        self._number = number
        self._step = step
        self._tick = IconView(theme, "check", "success", 20)
        self._figure = PlainLabel(str(number), role="heading")
        self._figure.setFixedWidth(20)
        text = PlainLabel(step.text, wrap=True)
        line = row(self._tick, self._figure, text, gap=8)
        line.setStretch(2, 1)
        if step.command:
            command = CopyLine(theme, f"command of step {number}", role="code")
            command.show_value(step.command)
            line.addWidget(command, 1)
        self.setLayout(line)
        self.setMinimumHeight(_STEP_HEIGHT)
        self.show_done(is_done=False)

    @property
    def has_command(self) -> bool:
        return bool(self._step.command)

    def show_done(self, *, is_done: bool) -> None:
        self.is_done = is_done
        self._tick.setVisible(is_done)
        self._figure.setVisible(not is_done)
        state = "done" if is_done else "to do"
        self.setAccessibleName(f"Step {self._number}, {state}: {self._step.text}")
