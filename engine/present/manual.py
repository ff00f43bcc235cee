"""The documentation in `pages/help/`, for every surface: its pages in order, a search, and what a code means. Pure.

`index.md` says the order: a heading for each group, and a line `- [Title](name.md): summary.` for each page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import CODES
from engine.flow.parse.codes import CODES as FILE_CODES

INDEX = "index"
"""The page that lists the others."""

_ENTRY = re.compile(r"^- \[(?P<title>[^\]]+)\]\((?P<name>[a-z-]+)\.md\): (?P<summary>.+)$")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
"""Marks for the tests that keep the tables up to date; Markdown would show them."""
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<name>[a-z-]+)\.md\)")
_HEADING = re.compile(r"^#{1,4} +(.+)$")
_CODE = re.compile(r"(?:FLEET-)?([0-9]{3})", re.IGNORECASE)

_ABOUT_CODES = "codes"
"""The page that lists the codes: twice where it says what to do about one."""
_LISTS = {_ABOUT_CODES, "commands", "changelog"}
"""Pages that name codes and explain nothing about them."""

MOST_FOUND = 20


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the documentation."""

    name: str
    group: str
    title: str
    summary: str
    text: str
    """Markdown, without marks for tests."""


@dataclass(frozen=True, slots=True)
class Found:
    """A section of a page that has every word that was searched for."""

    page: Page
    heading: str
    excerpt: str
    """The line of the section that has most of the words."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means, and the sections that mention it."""

    code: str
    text: str
    todo: str
    """What to do about it."""
    sections: Sequence[Found]


def read(texts: Mapping[str, str]) -> dict[str, Page]:
    """The pages by name, in the order of the index. `texts` has the text of each file by its name without `.md`."""
    found: dict[str, Page] = {}
    group = ""
    for line in texts[INDEX].splitlines():
        if line.startswith("## "):
            group = line.removeprefix("## ")
        elif (entry := _ENTRY.match(line)) and entry["name"] in texts:
            name = entry["name"]
            found[name] = Page(name, group, entry["title"], entry["summary"], _COMMENT.sub("", texts[name]))
    return found


def linked(text: str, to: Callable[[str, str], str]) -> str:
    """A page's text with each link to another page written by `to`, which takes the words of the link and the page's name."""
    return _LINK.sub(lambda link: to(link["text"], link["name"]), text)


def search(pages: Mapping[str, Page], words: str) -> list[Found]:
    """The sections that have every word, page by page, best first: words in a title or heading count most."""
    wanted = words.casefold().split()
    if not wanted:
        return []
    ranked: list[tuple[int, int, Found]] = []
    for page in pages.values():
        for heading, text in _sections(page):
            place = f"{page.name} {page.title} {heading}".casefold()
            body = text.casefold()
            if all(word in place or word in body for word in wanted):
                named = sum(word in place for word in wanted) * 10 + sum(min(body.count(word), 5) for word in wanted)
                ranked.append((-named, len(ranked), Found(page, heading, _excerpt(text, wanted))))
    best = [found for _, _, found in sorted(ranked, key=lambda each: each[:2])[:MOST_FOUND]]
    order = list(dict.fromkeys(found.page.name for found in best))
    return sorted(best, key=lambda found: order.index(found.page.name))


def naming(pages: Mapping[str, Page], phrase: str) -> list[str]:
    """The names of the pages that have a phrase as it stands, those first that have it most; lists of everything are left out."""
    times = {name: page.text.count(phrase) for name, page in pages.items() if name not in _LISTS}
    return sorted((name for name in times if times[name]), key=lambda name: -times[name])


def meaning(pages: Mapping[str, Page], text: str) -> Meaning | None:
    """What a code means (`FLEET-201`, `fleet-201`, `201`); None where that is no code of ours."""
    if not (asked := _CODE.fullmatch(text.strip())):
        return None
    code = f"FLEET-{asked[1]}"
    said = CODES.get(code) or FILE_CODES.get(code)
    if said is None:
        return None
    sentence = (said if said.startswith("fleet.yaml") else said[0].upper() + said[1:]).rstrip(".") + "."
    rows = [[cell.strip() for cell in row.split(" | ")] for row in pages[_ABOUT_CODES].text.splitlines()]
    family = next((row for row in rows if row[0] == f"| {code[:7]}xx"), ["", "", ""])
    own = [row[1] for row in rows if row[0] == f"| {code}"]
    todo = own[0] if len(own) > 1 else f"Look first: {family[2]}"
    found = [each for each in search(pages, code) if each.page.name not in _LISTS]
    return Meaning(code, sentence, linked(todo.removesuffix(" |"), lambda words, _: words), found)


def _sections(page: Page) -> list[tuple[str, str]]:
    """The headings of a page, each with the text below it up to the next one."""
    found: list[tuple[str, list[str]]] = []
    fenced = False
    for line in page.text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        if not fenced and (heading := _HEADING.match(line)):
            found.append((heading[1].replace("`", ""), []))
        elif found:
            found[-1][1].append(line)
    return [(heading, "\n".join(lines)) for heading, lines in found]


def _excerpt(text: str, wanted: Sequence[str], most: int = 160) -> str:
    """The line that has most of the words, the first of those, as plain text and shortened."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(("```", "|--"))]
    line = max(lines, key=lambda line: sum(word in line.casefold() for word in wanted), default="")
    plain = linked(line, lambda words, _: words).strip("|- ").replace("`", "").replace("**", "")
    return plain if len(plain) <= most else plain[: most - 1] + "…"
