"""How much one has to know of the folders of a package, and that no two of them need each other."""

import pytest

from .arrows import circle, defined_in, folder_arrows

# The most arrows from folder to folder: so many are left to know once the folders stand.
# `gui`: nine are of the pages *Activity* and of a plan, which came later: each knows style, widgets
# and the engine's client, the plan also the notices, and the window knows both.
MOST = {"engine": 36, "storage": 16, "core": 33, "gui": 36}


@pytest.mark.parametrize("package", MOST)
def test_folders_know_few_others(package: str) -> None:
    arrows = folder_arrows(package)
    counts = {name: len(folder_arrows(name)) for name in MOST}
    # The arrows of fewest imports come first: they are the cheapest to spare.
    weakest = sorted(arrows.items(), key=lambda arrow: len(arrow[1]))
    lines = [f"{above} -> {below}: {', '.join(which)}" for (above, below), which in weakest[:10]]
    assert len(arrows) <= MOST[package], "\n".join(
        [f"arrows between folders: {counts}, at most {MOST}", f"weakest of {package}:", *lines]
    )


@pytest.mark.parametrize("package", MOST)
def test_folders_stand_in_no_circle(package: str) -> None:
    assert not circle(package), f"{package}: {' -> '.join(circle(package))}"


def test_a_name_is_followed_to_the_module_that_defines_it() -> None:
    sniff = "exai_desktop.core.sniff"
    assert defined_in(sniff, "judge_content") == f"{sniff}.verdict"
    assert defined_in(sniff, "verdict") == f"{sniff}.verdict"
    assert defined_in(f"{sniff}.verdict", "judge_content") == f"{sniff}.verdict"


def test_imports_for_types_only_count_as_well() -> None:
    assert ("service", "settings") in folder_arrows("core")  # under TYPE_CHECKING
