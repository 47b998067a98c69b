"""Signing in to the user's own Supabase project: by password, link, code, or in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFormLayout, QWidget

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError, ErrorView
from exai_desktop.core.mirror.sign_in import SignInRequest, SignInTry, SignInWay, waiting_lines
from exai_desktop.core.mirror.status import MirrorStatus
from exai_desktop.gui.engine.session import EngineClient
from exai_desktop.gui.style.plain_text import PlainLabel
from exai_desktop.gui.style.theme import Theme
from exai_desktop.gui.widgets.controls import Button, column, row
from exai_desktop.gui.widgets.copy_line import CopyLine
from exai_desktop.gui.widgets.form_fields import (
    KeyField,
    LineField,
    choice,
    field_label,
    form_layout,
)
from exai_desktop.gui.widgets.result_line import ResultLine
from exai_desktop.gui.widgets.secret_dialog import SecretDialog
from exai_desktop.gui.widgets.slot_tasks import SlotTasks

_TEXT = (
    "The project is yours: names, sizes, hashes and file IDs are copied there, so that your other"
    " devices know them. Paths, texts and API keys are never sent."
)
# None: by password.
_WAYS: Final[tuple[tuple[str, SignInWay | None], ...]] = (
    ("Password", None),
    ("Link by e-mail", SignInWay.LINK),
    ("Code by e-mail", SignInWay.CODE),
    ("In the browser: Google, GitHub …", SignInWay.OAUTH),
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
        # Outlives the dialog: giving up is told when it is closed already.
        self._outside = tasks
        self._on_done = on_done
        self._is_asking = False
        self._begun: SignInTry | None = None
        self.setWindowTitle("Sign in to your Supabase project")
        self.url = LineField("Project URL", "https://name.supabase.co")
        # Dots: the wrong key of a project, pasted here, opens everything in it.
        self.key = KeyField(theme, "Publishable key")
        self.way = choice("Way to sign in")
        self.way.addItems([words for words, _ in _WAYS])
        self.email = LineField("E-mail address", "")
        self.password = KeyField(theme, "Password")
        self.provider = LineField("Provider", "google")
        self.code = LineField("Code from the message", "123456")
        self.sign_in = Button(theme, "&Sign in", self._sign_in, kind="primary", icon="cloud")
        self.answer = ResultLine(theme)
        self.page = CopyLine(theme, "address to open in a browser", role="code")
        self.page.hide()
        self._form = self._made_form()
        head = PlainLabel("Your Supabase project", role="title")
        close = Button(theme, "&Cancel", self.close)
        self.setLayout(
            column(
                head, PlainLabel(_TEXT, role="muted", wrap=True), self._form, self.answer,
                self.page, 0, row(0, close, self.sign_in), margin=24, gap=16,
            )
        )  # fmt: skip
        self.resize(560, 440)
        self.way.currentIndexChanged.connect(self._show_way)
        self._show_way()

    def _made_form(self) -> QFormLayout:
        form = form_layout()
        for text, field in (
            ("Project &URL", self.url),
            ("Publishable &key", self.key),
            ("Sign in &by", self.way),
            ("&E-mail address", self.email),
            ("&Password", self.password),
            ("P&rovider", self.provider),
            ("C&ode", self.code),
        ):
            form.addRow(field_label(text, field), field)
        for field in (self.url, self.key, self.email, self.password, self.provider, self.code):
            field.textChanged.connect(self._enable)
            field.returnPressed.connect(self._sign_in)
        return form

    def show_known(self, status: MirrorStatus) -> None:
        """Where the user was signed in before: only the rest has to be typed."""
        self.url.setText(status.url)
        self.email.setText(status.email)
        empty = next((field for field in self._fields() if not field.text()), self.url)
        empty.setFocus()

    def forget(self) -> None:
        """Key, password and code go, and nobody is waited for any more."""
        self.key.forget()
        self.password.forget()
        self.code.setText("")
        begun, self._begun = self._begun, None
        if begun is not None:
            self._outside.start(self._client.mirror.give_up_sign_in(begun.id))

    def _way(self) -> SignInWay | None:
        return _WAYS[self.way.currentIndex()][1]

    def _fields(self) -> tuple[LineField, ...]:
        """What has to be filled in for the chosen way."""
        way = self._way()
        if way is None:
            return self.url, self.key, self.email, self.password
        if way is SignInWay.OAUTH:
            return self.url, self.key, self.provider
        if way is SignInWay.CODE and self._begun is not None:
            return self.url, self.key, self.email, self.code
        return self.url, self.key, self.email

    def _show_way(self) -> None:
        shown = self._fields()
        for field in (self.email, self.password, self.provider, self.code):
            self._form.setRowVisible(field, field in shown)
        is_mail = self._way() in (SignInWay.LINK, SignInWay.CODE) and self.code not in shown
        self.sign_in.setText("&Send the message" if is_mail else "&Sign in")
        self._enable()

    def _enable(self) -> None:
        whole = all(field.text().strip() for field in self._fields())
        self.sign_in.setEnabled(whole and not self._is_asking)
        # What a try was begun with stays as it is.
        for field in (self.url, self.key, self.way, self.email, self.provider):
            field.setEnabled(self._begun is None)

    def _sign_in(self) -> None:
        if self.sign_in.isEnabled():
            self._tasks.start(self._run())

    async def _run(self) -> None:
        self._is_asking = True
        self._enable()
        try:
            status = await self._asked()
        except AppError as error:
            if error.code is not ErrorCode.CODE_WRONG:
                self._begun = None
            self.answer.show_error(ErrorView.of(error))
            return
        finally:
            self._is_asking = False
            self.page.hide()
            self._show_way()
        if status is None:
            self.code.setFocus()
            return
        self._begun = None
        self._on_done(status)
        self.close()

    async def _asked(self) -> MirrorStatus | None:
        """None: a code has been sent, and is to be typed now."""
        way, mirror = self._way(), self._client.mirror
        url, email = self.url.text().strip(), self.email.text().strip()
        if self._begun is not None:
            self.answer.show_waiting("Signing in…")
            return await mirror.finish_sign_in(self._begun.id, self.code.text())
        self.answer.show_waiting("Signing in…" if way is None else "Asking the project…")
        if way is None:
            return await mirror.sign_in(url, self.key.key, email, self.password.text())
        request = SignInRequest(url, self.key.key, way, email, self.provider.text().strip())
        self._begun = await mirror.begin_sign_in(request)
        self._enable()
        lines = " ".join(waiting_lines(self._begun, email))
        if way is SignInWay.CODE:
            self.answer.show_good(lines)
            return None
        self.answer.show_waiting(lines)
        if self._begun.browser_url:
            self._open_page(self._begun.browser_url)
        return await mirror.finish_sign_in(self._begun.id)

    def _open_page(self, address: str) -> None:
        """To be copied as well: the browser that opens may be the wrong one, or none."""
        self.page.show_value(address)
        self.page.show()
        if not QDesktopServices.openUrl(QUrl(address)):
            self.answer.show_waiting("No browser could be opened. Open this address in one:")
