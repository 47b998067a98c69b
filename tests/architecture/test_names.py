"""A module is named after its matter; a name that fits anything attracts everything."""

import ast
import sys
from collections import defaultdict

from .source_tree import PACKAGE, parsed, program_files, shown

EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}


def test_no_module_has_an_empty_name() -> None:
    guilty = [
        shown(path)
        for path in program_files()
        if EMPTY_WORDS
        & {word for part in (path.stem, path.parent.name) for word in part.split("_")}
    ]
    assert not guilty, f"name these after what they are about: {guilty}"


def test_no_module_is_called_like_one_of_the_standard_library() -> None:
    """A reader takes `queue` or `platform` for Python's own."""
    guilty = [shown(path) for path in program_files() if path.stem in sys.stdlib_module_names]
    assert not guilty, f"these names are taken by the standard library: {guilty}"


def test_public_classes_have_names_of_their_own() -> None:
    """The sandbox is left out: it plays the providers and shares nothing with the client."""
    places = defaultdict(list)
    for path in program_files():
        if PACKAGE / "sandbox" in path.parents:
            continue
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(shown(path))
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert not shared, f"say in the name what each of these is: {shared}"
