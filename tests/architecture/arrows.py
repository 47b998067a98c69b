"""Who imports whom between the folders of a package, read from the code's own imports.

An arrow (A, B) stands for any number of imports in A of what is defined in B. A and B are
sub-folders of the package, or single modules at its root.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter

from .source_tree import PACKAGE, ROOT, nodes, parsed, program_files, shown

Arrow = tuple[str, str]


@cache
def _modules() -> dict[str, ast.Module]:
    found = {}
    for file in program_files():
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = parsed(file)
    return found


def defined_in(module: str, name: str) -> str:
    """The module that defines a name: a package that only passes it on is not the one."""
    below = f"{module}.{name}"
    if below in _modules():
        return below
    for node in _modules()[module].body:
        if isinstance(node, ast.ImportFrom) and node.module in _modules():
            for passed_on in node.names:
                if (passed_on.asname or passed_on.name) == name:
                    return defined_in(node.module, passed_on.name)
    return module


def _imported(tree: Iterator[ast.AST]) -> Iterator[str]:
    """Every module of ours that is imported; under TYPE_CHECKING and in functions, too."""
    for node in tree:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in _modules())
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "an import that is not absolute cannot be followed here"
            if node.module in _modules():
                yield from (defined_in(node.module, alias.name) for alias in node.names)


def _node(module: str, package: str) -> str | None:
    """The folder or root module of the package that a module belongs to."""
    inside = module.removeprefix(f"{PACKAGE.name}.{package}.")
    return None if inside == module else inside.partition(".")[0]


@cache
def folder_arrows(package: str) -> dict[Arrow, tuple[str, ...]]:
    """Each arrow with the imports that make it ("file -> module")."""
    found: dict[Arrow, set[str]] = defaultdict(set)
    for file in program_files():
        if not file.is_relative_to(PACKAGE / package):
            continue
        parts = file.relative_to(PACKAGE / package).with_suffix("").parts
        for module in _imported(nodes(file)):
            target = _node(module, package)
            if target is not None and parts[0] not in (target, "__init__"):
                found[parts[0], target].add(f"{shown(file)} -> {module}")
    return {arrow: tuple(sorted(found[arrow])) for arrow in sorted(found)}


def circle(package: str) -> list[str]:
    """Folders that import each other in a circle, or nothing."""
    below: dict[str, set[str]] = defaultdict(set)
    for importing, imported in folder_arrows(package):
        below[importing].add(imported)
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        nodes_of_it: list[str] = error.args[1]
        return nodes_of_it
    return []
