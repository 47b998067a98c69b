"""Signing in to the user's own Supabase project."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.mirror.status import MirrorStatus
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.form_fields import KeyField, LineField, field_label, form_layout
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.secret_dialog import SecretDialog
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

_TEXT = (
    "The project is yours: names, sizes, hashes and file IDs are copied there, so that your other"
    " devices know them. Paths, texts and API keys are never sent."
)


class SignInDialog(SecretDialog):
    """Opened with `open()`. `on_done` gets the state after a sign-in; then it closes."""

    def __init__(
        self,
        parent: QWidget,
        theme: Theme,
        client: EngineClient,
        tasks: SlotTasks,
        on_done: Callable[[MirrorStatus], object],
    ) -> None:
        super().__init__(parent, tasks)
        self._client = client
        self._on_done = on_done
        self._is_asking = False
        self.setWindowTitle("Sign in to your Supabase project")
        self.url = LineField("Project URL", "https://name.supabase.co")
        # Dots: the wrong key of a project, pasted here, opens everything in it.
        self.key = KeyField(theme, "Publishable key")
        self.email = LineField("E-mail address", "")
        self.password = KeyField(theme, "Password")
        self.sign_in = Button(theme, "&Sign in", self._sign_in, kind="primary", icon="cloud")
        self.answer = ResultLine(theme)
        for field in self._fields():
            field.textChanged.connect(self._enable)
            field.returnPressed.connect(self._sign_in)
        form = form_layout()
        for text, field in zip(
            ("Project &URL", "Publishable &key", "&E-mail address", "&Password"),
            self._fields(),
            strict=True,
        ):
            form.addRow(field_label(text, field), field)
        head = PlainLabel("Your Supabase project", role="title")
        close = Button(theme, "&Cancel", self.close)
        self.setLayout(
            column(
                head, PlainLabel(_TEXT, role="muted", wrap=True), form, self.answer,
                0, row(0, close, self.sign_in), margin=24, gap=16,
            )
        )  # fmt: skip
        self.resize(560, 400)
        self._enable()

    def show_known(self, status: MirrorStatus) -> None:
        """Where the user was signed in before: only the rest has to be typed."""
        self.url.setText(status.url)
        self.email.setText(status.email)
        empty = next((field for field in self._fields() if not field.text()), self.url)
        empty.setFocus()

    def forget(self) -> None:
        """Key and password go."""
        self.key.forget()
        self.password.forget()

    def _fields(self) -> tuple[LineField, ...]:
        return self.url, self.key, self.email, self.password

    def _enable(self) -> None:
        whole = all(field.text().strip() for field in self._fields())
        self.sign_in.setEnabled(whole and not self._is_asking)

    def _sign_in(self) -> None:
        if self.sign_in.isEnabled():
            self._tasks.start(self._run())

    async def _run(self) -> None:
        self._is_asking = True
        self._enable()
        self.answer.show_waiting("Signing in…")
        try:
            status = await self._client.mirror.sign_in(
                self.url.text().strip(), self.key.key, self.email.text().strip(),
                self.password.text(),
            )  # fmt: skip
        except AppError as error:
            self.answer.show_error(ErrorView.of(error))
            return
        finally:
            self._is_asking = False
            self._enable()
        self._on_done(status)
        self.close()
