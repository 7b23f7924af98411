"""Reads the imports of source files and compares them with tables of what is allowed.

Works on the syntax tree, so nothing is imported and a violation inside a function counts too.
Names imported through `importlib` at run time are not seen; `test_light_imports.py` watches those.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Import:
    """`importer` (a dotted module name) imports the module `imported`."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def is_inside(module: str, packages: Iterable[str]) -> bool:
    """Whether a module is one of `packages` or lies in one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def read_imports(root: Path, package: str) -> Iterator[Import]:
    """Every import in every file of a package (a top-level folder of `root`)."""
    for path in sorted((root / package).rglob("*.py")):
        yield from _imports_of(path, _module_name(root, path), root)


def wrong_arrows(imports: Iterable[Import], arrows: Mapping[str, Set[str]]) -> list[str]:
    """Imports of one of our packages by another that has no arrow to it."""
    return [
        str(each)
        for each in imports
        if (target := _top(each.imported)) in arrows
        and target != (source := _top(each.importer))
        and target not in arrows[source]
    ]


def misplaced(imports: Iterable[Import], homes: Mapping[str, Set[str]]) -> list[str]:
    """Imports of a library outside the modules that it is confined to."""
    return [
        str(each)
        for each in imports
        if (library := _top(each.imported)) in homes
        and not is_inside(each.importer, homes[library])
    ]


def impure(
    imports: Iterable[Import],
    *,
    package: str,
    allowed: Set[str],
    standard_library: Set[str],
) -> list[str]:
    """Imports in `package` of anything but itself, `allowed`, and a part of the library."""
    return [
        str(each)
        for each in imports
        if is_inside(each.importer, {package})
        and not is_inside(each.imported, {package, *allowed, *standard_library})
    ]


def builtin_calls(root: Path, package: str, names: Set[str]) -> list[str]:
    """Calls in a package (dotted) of the built-in functions `names`."""
    return [
        f"{_module_name(root, path)}:{node.lineno} calls {node.func.id}()"
        for path in sorted(root.joinpath(*package.split(".")).rglob("*.py"))
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


def _imports_of(path: Path, module: str, root: Path) -> Iterator[Import]:
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, path, module)
            for alias in node.names:
                # `from a import b` may name a module b or a value in a.
                inner = f"{origin}.{alias.name}"
                yield Import(module, inner if _is_module(root, inner) else origin, node.lineno)


def _origin(node: ast.ImportFrom, path: Path, module: str) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    package = parts if path.name == "__init__.py" else parts[:-1]
    base = package[: len(package) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _is_module(root: Path, name: str) -> bool:
    path = root.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def _module_name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _top(module: str) -> str:
    return module.partition(".")[0]


def unknown_to_python(names: Iterable[str]) -> list[str]:
    """The names that are no module of the standard library, such as a typing error in a table."""
    return sorted(name for name in names if _top(name) not in sys.stdlib_module_names)
