"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TREE = Path(__file__).parents[1]
SOURCES = sorted(
    path for package in ("ewarung_pos", "ewarung_city", "ewarung_fleet") for path in (TREE / package).rglob("*.py")
)
DOMAIN = sorted((TREE / "ewarung_pos/domain").glob("*.py"))


def names_used(path: Path) -> Iterator[tuple[str, int]]:
    """Every attribute that a file reads and every name that it imports, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.name, node.lineno) for alias in node.names)


def where(paths: list[Path], banned: set[str]) -> list[str]:
    return [
        f"{path.relative_to(TREE)}:{line} {name}" for path in paths for name, line in names_used(path) if name in banned
    ]


def test_nothing_re_enters_the_event_loop_or_makes_a_thread_of_qt() -> None:
    assert where(SOURCES, {"processEvents", "QThread", "QThreadPool", "QRunnable"}) == []


def test_the_domain_is_told_the_time_and_draws_no_lots() -> None:
    assert DOMAIN
    assert where(DOMAIN, {"now", "utcnow", "today", "urandom", "uuid4", "uuid1"}) == []
