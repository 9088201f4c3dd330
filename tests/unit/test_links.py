"""Every link and picture of the handbook leads somewhere: to a file that is there, and to a heading of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

TREE = Path(__file__).parents[2]
PAGES = [*sorted(TREE.glob("*.md")), *sorted((TREE / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(TREE)) for page in PAGES]
LINK = re.compile(r"""\]\(<?([^\s)>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)|(?:src|href)="([^"]+)\"""", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:", re.IGNORECASE)
OURS = re.compile(r"`((?:docs|tests|scripts|installer|tools|benchmarks|fuzz|ewarung_\w+)/[\w./-]+)`")


def lines(page: Path) -> Iterator[str]:
    """Without what is shown as it would be typed, between fences."""
    fenced = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield line


def targets(page: Path) -> list[str]:
    text = "\n".join(re.sub(r"`[^`]*`", "", line) for line in lines(page))
    return [next(filter(None, found.groups())) for found in LINK.finditer(text)]


def headings(page: Path) -> set[str]:
    """Their names in an address, as GitHub makes them: a second of the same name is counted."""
    found: Counter[str] = Counter()
    names: set[str] = set()
    for line in lines(page):
        if heading := re.fullmatch(r"#{1,6}\s+(.+?)\s*#*", line):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            name = re.sub(r"[^\w\- ]", "", words.casefold()).replace(" ", "-")
            names.add(f"{name}-{found[name]}" if found[name] else name)
            found[name] += 1
    return names


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    wrong = []
    for target in targets(page):
        if ELSEWHERE.match(target):
            continue
        path, _, heading = unquote(target).partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (heading and heading not in headings(place)):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_to_what_is_there(page: Path) -> None:
    assert broken(page) == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_file_of_ours_that_is_named_is_there(page: Path) -> None:
    named = OURS.findall("\n".join(lines(page)))
    assert [path for path in named if not (TREE / path).exists()] == []


def test_pictures_and_headings_are_among_what_is_looked_at() -> None:
    every = [target for page in PAGES for target in targets(page)]
    assert sum(target.endswith(".png") for target in every) > 20
    assert sum("#" in target for target in every) > 5


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Two words, one `code`\n## Same\n## Same\n```\n# no heading\n```\n")
    page = tmp_path / "page.md"
    good = "[a](other.md) [b](other.md#two-words-one-code) [c](other.md#same-1) [d](https://a.example/x#y) `[x](none)`"
    bad = '[e](none.md) ![f](other.md#no-heading) [g](#none) <img src="gone.png"> [h](other.md#same-2)'
    page.write_text(f"{good}\n{bad}\n[i]: lost.md\n")
    assert broken(page) == ["none.md", "other.md#no-heading", "#none", "gone.png", "other.md#same-2", "lost.md"]
