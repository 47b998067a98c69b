"""The pane at the right: everything about the selected file, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QProgressBar, QScrollArea, QWidget

from exai_desktop.core.copies.models import Copy, CopyState
from exai_desktop.core.copies.queries import COPY_WORDS
from exai_desktop.core.events import Progressed
from exai_desktop.core.files.files import scan_text
from exai_desktop.core.files.names import extension
from exai_desktop.core.jobs.jobs import JobDetail, JobState, JobView
from exai_desktop.core.routing.capabilities import ProviderTable
from exai_desktop.gui.queue_page.details_cards import ErrorCard, ReviewCard, Timeline
from exai_desktop.gui.queue_page.job_actions import Action, fitting
from exai_desktop.gui.queue_page.state_look import look_of, moving, second_line
from exai_desktop.gui.style.icons import file_icon
from exai_desktop.gui.style.plain_text import ElidedLabel, PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.style.tokens import PANE_WIDTH
from exai_desktop.gui.style.wording import (
    clock_text,
    count_text,
    exact_size_text,
    percent,
    size_text,
)
from exai_desktop.gui.widgets.controls import (
    Button,
    Card,
    IconView,
    clear_layout,
    column,
    restyle,
    row,
)
from exai_desktop.gui.widgets.copy_line import CopyLine, Facts

OnAction = Callable[[Action], object]

# Word, icon and look of each button, in the order in which they stand.
BUTTONS: dict[Action, tuple[str, str, str]] = {
    Action.ALLOW_FALLBACK: ("Allow another provider", "send", "primary"),
    Action.SEND_ANYWAY: ("Send anyway…", "send", "plain"),
    Action.RESUME: ("Resume", "play", "primary"),
    Action.RETRY: ("Retry", "retry", "plain"),
    Action.PAUSE: ("Pause", "pause", "plain"),
    Action.SHOW_TEXT: ("Show text", "text", "plain"),
    Action.CANCEL: ("Cancel", "close", "plain"),
    Action.REMOVE: ("Remove", "clear", "plain"),
    Action.DELETE_REMOTE: ("Delete at provider", "trash", "danger"),
}


class DetailsPane(Card):
    """Shows one job, or the sum of several; asks `on_action` to do things to the selection."""

    def __init__(
        self,
        theme: Theme,
        table: ProviderTable,
        on_action: OnAction,
        on_settle: Callable[[int, str | None], object],
    ) -> None:
        super().__init__()
        self._theme = theme
        self.table = table
        self._on_action = on_action
        self._on_settle = on_settle
        self._job: JobView | None = None
        self._shown_actions: list[Action] | None = None
        self.setAccessibleName("Details")
        self.setMinimumWidth(PANE_WIDTH - 40)
        self._build_parts()
        self._assemble()
        self.show_nothing()

    @property
    def job_id(self) -> int | None:
        """The job whose details are shown."""
        return self._job.id if self._job else None

    def _build_parts(self) -> None:
        theme = self._theme
        self._icon = IconView(theme, "file", "muted", 32)
        self._name = ElidedLabel(role="title")
        self._kind = ElidedLabel(role="muted")
        self._state_icon = IconView(theme, "clock", "muted")
        self._state = PlainLabel(role="heading")
        self._more = PlainLabel(role="muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of this file")
        self.error = ErrorCard(theme)
        self.review = ReviewCard(theme, self._settle, lambda: self._settle(None))
        self.file_id = CopyLine(theme, "file ID", role="mono")
        self.sha256 = CopyLine(theme, "SHA-256", role="mono")
        self.path = CopyLine(theme, "path")
        self.facts = Facts()
        self.history = Timeline(theme)
        self._buttons = QGridLayout()
        self._buttons.setContentsMargins(0, 0, 0, 0)
        self._buttons.setSpacing(8)

    def _assemble(self) -> None:
        head = row(self._icon, column(self._name, self._kind, gap=2), gap=12)
        head.setStretch(1, 1)
        state = row(self._state_icon, self._state, 0, gap=8)
        self._id_box = _section("File ID", self.file_id, is_accented=True)
        self._hash_box = _section("SHA-256", self.sha256)
        self._path_box = _section("Path", self.path)
        self._history_box = _section("History", self.history, gap=8)
        inner = QWidget()
        inner.setObjectName("scrolled")
        layout = column(
            head, column(state, self.bar, self._more, gap=6), self.error, self.review,
            self._id_box, self._buttons, _line(), self.facts, self._path_box, self._hash_box,
            self._history_box, 0, margin=16, gap=16,
        )  # fmt: skip
        inner.setLayout(layout)
        self._scroll = QScrollArea()
        self._scroll.setAccessibleName("Details of the selected file")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidget(inner)
        self._hint = PlainLabel("Select a file to see its details", role="muted", wrap=True)
        self.setLayout(column(self._hint, self._scroll, gap=0))
        self._hint.setContentsMargins(16, 16, 16, 16)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def show_nothing(self) -> None:
        """No file is selected."""
        self._job = None
        self._hint.setText("Select a file to see its details")
        self._scroll.hide()
        self._hint.show()

    def show_many(self, jobs: Sequence[JobView], count: int) -> None:
        """The sum of a selection; `jobs` are those of it that are loaded."""
        self._job = None
        self._begin()
        self._icon.show_icon("files", "muted")
        self._name.setText(f"{count_text(count, 'file', 'files')} selected")
        size = sum(job.size for job in jobs)
        self._kind.setText(size_text(size) if len(jobs) == count else "")
        for part in self._single_parts():
            part.hide()
        self._show_buttons(jobs, without=Action.SHOW_TEXT)

    def show_job(self, job: JobView, progress: Progressed | None) -> None:
        """What the list knows of a job; the history follows with `show_detail`."""
        is_other = self._job is None or self._job.id != job.id
        self._job = job
        self._begin()
        self._icon.show_icon(file_icon(extension(job.name)), "muted")
        self._name.setText(job.name)
        self._kind.setText(size_text(job.size))
        for part in self._single_parts():
            part.show()
        self.show_progress(progress)
        is_question = job.state is JobState.NEEDS_REVIEW
        self.review.setVisible(is_question)
        self.error.setVisible(job.error is not None and not is_question)
        if job.error is not None:
            self.error.show_error(job.error, is_over=job.state.is_final)
        self.file_id.show_value(job.file_id or "", can_copy=job.file_state is None)
        self._id_box.setVisible(bool(job.file_id))
        self.sha256.show_value(job.sha256 or "")
        self._hash_box.setVisible(bool(job.sha256))
        self.path.show_value(job.path)
        self.facts.show_facts(facts_of(job, self.table))
        self._show_buttons([job])
        if is_other:
            self._history_box.hide()
            self._scroll.verticalScrollBar().setValue(0)

    def show_progress(self, progress: Progressed | None) -> None:
        """Only the figures have changed."""
        if self._job is None:
            return
        look = look_of(self._job, progress)
        self._state_icon.show_icon(look.icon, look.tone.value)
        self._state.setText(look.word)
        bar = moving(self._job, progress)
        self.bar.setVisible(bar is not None)
        if bar is not None:
            self.bar.setValue(percent(bar.done, bar.total))
        # The card says it already.
        more = "" if self._job.error is not None else second_line(self._job, progress)
        self._more.setText(more)
        self._more.setVisible(bool(more))

    def show_detail(self, detail: JobDetail) -> None:
        """History and attempts, if this job is still the one."""
        if self._job is None or self._job.id != detail.view.id:
            return
        self.history.show_history(detail)
        self._history_box.show()
        self.facts.show_facts({"Malware": scan_text(detail.scan)})
        if detail.copy is not None:
            seen = detail.copy.verified_at
            last = "" if seen is None else clock_text(seen)
            self.facts.show_facts({"At provider": copy_text_of(detail.copy), "Last checked": last})
            is_gone = detail.copy.state is not CopyState.PRESENT
            self._show_buttons([self._job], Action.DELETE_REMOTE if is_gone else None)

    def _begin(self) -> None:
        self._hint.hide()
        self._scroll.show()

    def _single_parts(self) -> tuple[QWidget, ...]:
        return (
            self._state_icon, self._state, self._more, self.bar, self.error, self.review,
            self._id_box, self.facts, self._path_box, self._hash_box, self._history_box,
        )  # fmt: skip

    def _show_buttons(self, jobs: Sequence[JobView], without: Action | None = None) -> None:
        possible = fitting(jobs, self.table)
        wanted = [a for a in BUTTONS if a in possible and a is not without]
        if Action.ALLOW_FALLBACK in wanted:
            wanted.remove(Action.RETRY)
        if wanted == self._shown_actions:
            return
        self._shown_actions = wanted
        clear_layout(self._buttons)
        for place, action in enumerate(wanted):
            self._buttons.addWidget(self._button(action), place // 2, place % 2)

    def _button(self, action: Action) -> Button:
        word, icon, kind = BUTTONS[action]
        button = Button(self._theme, word, lambda: self._on_action(action), icon=icon, kind=kind)
        restyle(button, "action", action.value)
        return button

    def _settle(self, remote_id: str | None) -> None:
        if self._job is not None:
            self._on_settle(self._job.id, remote_id)


def _section(title: str, content: QWidget, *, is_accented: bool = False, gap: int = 2) -> QWidget:
    if is_accented:
        box: QWidget = Card("quiet")
        layout = column(PlainLabel(title, role="label"), content, gap=0)
        layout.setContentsMargins(12, 8, 6, 6)
    else:
        box = QWidget()
        layout = column(PlainLabel(title, role="muted"), content, gap=gap)
    box.setLayout(layout)
    return box


def _line() -> QFrame:
    line = QFrame()
    line.setProperty("line", True)
    return line


def facts_of(job: JobView, table: ProviderTable) -> dict[str, str]:
    """Empty values are not shown."""
    provider = table.provider(job.provider) if job.provider else None
    names = {p.name: p.title for p in provider.purposes} if provider else {}
    purpose = f"{names[job.purpose]} ({job.purpose})" if job.purpose in names else job.purpose
    return {
        "Account": job.account or job.wanted_account or "",
        "Provider": provider.title if provider else job.provider or "",
        "Purpose": purpose or "",
        "Route": job.route_reason or "",
        "Size": exact_size_text(job.size),
        # Known a moment later, with the history.
        "At provider": "",
        "Last checked": "",
        "Malware": "",
        "Sent as": job.sent_name if job.sent_name and job.sent_name != job.name else "",
        "Same as": f"File no. {job.twin_of}" if job.twin_of else "",
    }


def copy_text_of(copy: Copy) -> str:
    """What became of the file at the provider."""
    word = COPY_WORDS[copy.state]
    if copy.state is CopyState.PRESENT and not copy.usable:
        return f"{word}, but the provider could not read it"
    if copy.state is CopyState.PRESENT and copy.expires_at is not None:
        return f"{word} until {clock_text(copy.expires_at)}"
    return word
