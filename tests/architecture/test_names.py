"""A module is named after its matter; a name that fits anything attracts everything."""

from .source_tree import program_files, shown

EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}


def test_no_module_has_an_empty_name() -> None:
    guilty = [
        shown(path)
        for path in program_files()
        if EMPTY_WORDS
        & {word for part in (path.stem, path.parent.name) for word in part.split("_")}
    ]
    assert not guilty, f"name these after what they are about: {guilty}"
