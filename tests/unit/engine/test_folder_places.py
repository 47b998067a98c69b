"""Folders as the file system knows them, and the rules that hold for a file in them."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from exai_desktop.config.resources import load_provider_table
from exai_desktop.core.errors.tree import FileError
from exai_desktop.core.routing.folder_rules import FolderRule
from exai_desktop.engine.files.folder_places import (
    FolderPlace,
    holds_one,
    prepared_rule,
    rules_holding,
    same_rules,
    warnings_of,
    without_parents,
)
from exai_desktop.engine.files.open_file import AllowedPlaces


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """`mywork` leads to `data/work`; beside each of the two lies a `c.txt`."""
    (tmp_path / "data" / "work").mkdir(parents=True)
    (tmp_path / "mywork").symlink_to("data/work")
    (tmp_path / "data" / "c.txt").write_text("A")
    (tmp_path / "c.txt").write_text("B")
    return tmp_path


@pytest.fixture
def blind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A disk to which a name is the same in whatever case and form of the accents."""
    real_stat = os.stat

    def alike(name: str) -> str:
        return unicodedata.normalize("NFD", name).casefold()

    def found(path: Path) -> Path:
        if path == tmp_path or tmp_path not in path.parents:
            return path
        above = found(path.parent)
        names = [entry.name for entry in above.iterdir()] if above.is_dir() else []
        return above / next((n for n in names if alike(n) == alike(path.name)), path.name)

    def stat(path: int | str | os.PathLike[str], **more: object) -> os.stat_result:
        try:
            return real_stat(path, **more)  # type: ignore[arg-type]
        except FileNotFoundError:
            if isinstance(path, int):
                raise
            return real_stat(found(Path(path)), **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    return tmp_path


def rule(folder: Path | str, *places: str, target: str = "") -> FolderRule:
    return FolderRule(str(folder), places or ("glm",), target=target)


def holding(path: Path | str, *rules: FolderRule) -> list[FolderRule]:
    return rules_holding(str(path), rules)


def test_a_step_back_behind_a_link_is_the_systems(disk: Path) -> None:
    assert without_parents(f"{disk}/mywork/../c.txt") == str(disk / "data" / "c.txt")
    assert without_parents(f"{disk}/mywork/./../../c.txt") == str(disk / "c.txt")
    # Links behind it stay: their rules hold, too.
    assert without_parents(f"{disk}/data/../mywork/x") == str(disk / "mywork" / "x")
    assert without_parents(f"{disk}/mywork/c.txt") == str(disk / "mywork" / "c.txt")


@pytest.mark.parametrize("head", ["nowhere", "c.txt", "nul\0l"])
def test_a_step_back_from_what_is_no_folder_is_not_taken(disk: Path, head: str) -> None:
    path = f"{disk}/{head}/../c.txt"
    assert without_parents(path) == path


def test_the_innermost_folder_with_a_rule_holds(disk: Path) -> None:
    outer, inner = rule(disk), rule(disk / "data", "kimi")
    assert holding(disk / "c.txt", inner, outer) == [outer]
    assert holding(disk / "data" / "c.txt", outer, inner) == [inner]
    assert holding(disk / "data-x" / "c.txt", outer, inner) == [outer]
    assert holding(disk.parent / "c.txt", outer, inner) == []
    assert holding(disk / "data", inner) == [inner]
    assert holding(disk / "data" / "c.txt") == []


@pytest.mark.parametrize("through", ["mywork", "data/work"])
@pytest.mark.parametrize("made_for", ["mywork", "data/work"])
def test_a_rule_holds_through_a_link_and_without_it(
    disk: Path, made_for: str, through: str
) -> None:
    made = rule(disk / made_for)
    assert holding(disk / through / "c.txt", made) == [made]


def test_a_rule_for_a_link_stays_with_its_folder(disk: Path) -> None:
    made = prepared_rule(rule(disk / "mywork"))
    assert made == rule(disk / "mywork", target=str(disk / "data" / "work"))
    (disk / "mywork").unlink()
    assert holding(disk / "data" / "work" / "c.txt", made) == [made]
    (disk / "other").mkdir()
    (disk / "mywork").symlink_to("other")
    assert holding(disk / "other" / "c.txt", made) == [made]
    assert holding(disk / "data" / "work" / "c.txt", made) == [made]


def test_rules_of_both_ways_to_a_file_hold(disk: Path) -> None:
    """The one above the link, and the one where it leads."""
    (disk / "mine").mkdir()
    (disk / "mine" / "link").symlink_to(disk / "data")
    near, far = rule(disk / "mine"), rule(disk / "data", "kimi")
    assert holding(disk / "mine" / "link" / "c.txt", near, far) == [far]
    (disk / "mine" / "c.txt").symlink_to(disk / "data" / "c.txt")
    assert holding(disk / "mine" / "c.txt", near, far) == [near, far]


@pytest.mark.parametrize("name", ["contracts ", " x", "a\nb", "~", "a = b", "%2e%2e", "caf\udce9"])
def test_a_folder_of_any_name_has_its_rule(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    made = prepared_rule(rule(folder))
    assert holding(folder / "c.txt", made) == [made]
    assert holding(tmp_path / f"{name.strip()}x" / "c.txt", made) == []


@pytest.mark.parametrize("name", ["Contracts", "Vertr\u00e4ge"])
def test_a_disk_that_ignores_case_and_accents_is_asked(blind: Path, name: str) -> None:
    (blind / name).mkdir()
    other = unicodedata.normalize("NFD", name).upper()
    assert other != name
    for made, used in ((name, other), (other, name)):
        made_rule = rule(blind / made)
        assert holding(blind / used / "c.txt", made_rule) == [made_rule]
        assert same_rules(str(blind / used), [made_rule]) == [made_rule]
        AllowedPlaces([str(blind / made)]).check_found(str(blind / used / "c.txt"))
        with pytest.raises(FileError):
            AllowedPlaces([str(blind / made)]).check_found(str(blind / f"{used}x" / "c.txt"))


def test_a_link_put_into_a_real_path_leads_into_no_allowed_folder(tmp_path: Path) -> None:
    """A look at where an open file lies must not be turned by a link that comes later."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").symlink_to("in")
    assert holds_one([str(tmp_path / "in")], str(tmp_path / "in" / "a.txt"))
    assert holds_one([str(tmp_path / "out")], str(tmp_path / "in" / "a.txt"))
    assert not holds_one([str(tmp_path / "in")], str(tmp_path / "out" / "a.txt"))
    assert not holds_one([str(tmp_path / "gone")], str(tmp_path / "gone" / "a.txt"))


def test_a_disk_that_knows_case_keeps_two_folders_apart(tmp_path: Path) -> None:
    for name in ("contracts", "Contracts"):
        (tmp_path / name).mkdir(exist_ok=True)
    if (tmp_path / "contracts").samefile(tmp_path / "Contracts"):
        pytest.skip("the disk does not know case")
    assert holding(tmp_path / "Contracts" / "c.txt", rule(tmp_path / "contracts")) == []
    # Nor is a folder that is gone taken for one that is written alike.
    assert holding(tmp_path / "Contracts" / "c.txt", rule(tmp_path / "CONTRACTS")) == []


def test_what_may_not_be_looked_at_is_compared_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_stat = os.stat

    def stat(path: int | str | os.PathLike[str], **more: object) -> os.stat_result:
        if not isinstance(path, int) and Path(path).name == "Contracts":
            raise PermissionError(13, "Permission denied")
        return real_stat(path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    made = rule(tmp_path / "Contracts")
    assert holding(tmp_path / "contracts" / "c.txt", made) == [made]
    assert holding(tmp_path / "contract" / "c.txt", made) == []
    assert warnings_of(made, load_provider_table()) == ()
    assert not FolderPlace.look(made.folder).is_missing


def test_what_is_wrong_with_a_rule_is_told(disk: Path) -> None:
    table = load_provider_table()
    assert warnings_of(rule(disk / "data", "kimi/cn", "glm", "*", "custom/own"), table) == ()
    [missing] = warnings_of(rule(disk / "nonexist"), table)
    assert "There is no folder" in missing and "nonexist" in missing
    [region] = warnings_of(rule(disk, "kimi/xx"), table)
    assert "no region xx" in region and "cn" in region
    [provider] = warnings_of(rule(disk, "kimmi"), table)
    assert "no provider kimmi" in provider and "kimi" in provider
