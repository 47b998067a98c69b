"""Rules for folders in the window: ticks, saved at once."""

from collections.abc import Callable

from PySide6.QtWidgets import QCheckBox

from exai_desktop.core.errors.codes import ErrorCode
from exai_desktop.core.errors.tree import AppError
from exai_desktop.core.routing.folder_rules import FolderRule
from exai_desktop.gui.accounts.folder_rules_dialog import NONE, FolderRulesDialog
from exai_desktop.gui.style.plain_text import PlainLabel
from tests.gui.conftest import Stage
from tests.gui.scripted_service import ScriptedService, account
from tests.gui.window.test_accessibility import unnamed

Open = Callable[..., Stage]
FOLDER = "/home/me/Contracts & more"


def boxes(dialog: FolderRulesDialog) -> dict[str, QCheckBox]:
    return {box.text(): box for box in dialog.findChildren(QCheckBox) if box.isVisible()}


def shown(dialog: FolderRulesDialog, text: str) -> bool:
    labels = dialog.findChildren(PlainLabel)
    return any(text in label.text() and label.isVisible() for label in labels)


def test_a_folder_is_kept_to_what_is_ticked(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    stage = open_window(script)
    stage.window.menu_actions.rules.trigger()
    [dialog] = stage.window.findChildren(FolderRulesDialog)
    stage.until(lambda: NONE in [label.text() for label in dialog.findChildren(PlainLabel)])
    dialog.add_folder(FOLDER)
    stage.until(lambda: len(boxes(dialog)) > 3)
    assert not list(unnamed(dialog))
    for title in list(boxes(dialog)):
        if "z.ai" not in title and "asking" not in title:
            calls = len(script.calls)
            boxes(dialog)[title].click()
            stage.until(lambda calls=calls: len(script.calls) > calls)  # type: ignore[misc]
            # The boxes are made anew with the answer: a click before would meet one that goes.
            stage.until(lambda: stage.parts.tasks.running == 0)
    rule = FolderRule(FOLDER, ("glm/zai",))
    stage.until(lambda: script.settings.kept.folder_rules == (rule,))
    # The last one stays ticked.
    stage.until(lambda: sum(box.isChecked() for box in boxes(dialog).values()) == 1)
    last = next(box for box in boxes(dialog).values() if box.isChecked())
    calls = len(script.calls)
    last.click()
    stage.until(lambda: len(script.calls) > calls)
    assert script.settings.kept.folder_rules == (rule,)


def test_a_folder_is_added_without_opening_what_its_rule_keeps(open_window: Open) -> None:
    """Under another name there may be a rule for it: that one stays, and is said."""
    script = ScriptedService(statuses=[account("kimi")], warnings=["There is a rule: /x = glm."])
    stage = open_window(script)
    stage.window.menu_actions.rules.trigger()
    [dialog] = stage.window.findChildren(FolderRulesDialog)
    dialog.add_folder(FOLDER)
    stage.until(lambda: shown(dialog, "There is a rule: /x = glm."))
    [(_, rule, replaces)] = [call for call in script.calls if call[0] == "settings.set_rule"]
    assert isinstance(rule, FolderRule) and rule.folder == FOLDER
    assert replaces is False
    script.warnings.clear()
    dialog.add_folder(f"{FOLDER} ")
    stage.until(lambda: not shown(dialog, "There is a rule: /x = glm."))
    assert script.settings.kept.folder_rules[-1].folder == f"{FOLDER} "


def test_a_refusal_is_shown_and_nothing_is_changed(open_window: Open) -> None:
    script = ScriptedService(statuses=[account("kimi")])
    stage = open_window(script)
    stage.window.menu_actions.rules.trigger()
    [dialog] = stage.window.findChildren(FolderRulesDialog)
    script.failure = AppError(ErrorCode.INVALID_SETTING, "the disk is read-only")
    dialog.add_folder(FOLDER)
    stage.until(lambda: shown(dialog, "the disk is read-only"))
    assert script.settings.kept.folder_rules == ()
    script.failure = None
