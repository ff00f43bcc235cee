"""`fleet help`: the documentation on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from engine.cli.session import Session, note, verb
from engine.settings import SHIPPED

if TYPE_CHECKING:
    from engine.present import manual

WIDEST = 110


@verb("help")
@click.argument("words", nargs=-1, metavar="[TOPIC|CODE|VERB|WORDS…]")
def help_(session: Session, words: tuple[str, ...]) -> None:
    """Print a page of the documentation, what a code means, the help of a verb, or the sections that have some words.

    Without an argument it lists the pages: `fleet help private-remotes`, `fleet help FLEET-201`, `fleet help repo add`,
    `fleet help deploy key`.
    """
    from engine.present import manual  # brings what reads fleet files, for its codes

    pages = manual.read(
        {path.stem: path.read_text(encoding="utf-8") for path in (SHIPPED / "pages" / "help").glob("*.md")}
    )
    asked = " ".join(words)
    if not asked.strip():
        _list(session, pages)
    elif (page := pages.get(asked.lower().removesuffix(".md"))) is not None:
        _page(session, page)
    elif (meaning := manual.meaning(pages, asked)) is not None:
        _meaning(session, meaning)
    elif (text := _of_a_verb(words)) is not None:
        _verb(session, pages, asked, text)
    elif found := manual.search(pages, asked):
        if session.as_json:
            session.json({"found": [_as_json(each) for each in found]})
        else:
            _sections(found)
    else:
        raise click.UsageError(f"No page of the help has all of these words: {asked[:200]!r}. Type: fleet help")


def _list(session: Session, pages: Mapping[str, manual.Page]) -> None:
    if session.as_json:
        listed = [{"topic": p.name, "title": p.title, "group": p.group, "summary": p.summary} for p in pages.values()]
        session.json({"topics": listed})
        return
    from engine.cli import output as out

    widest = max(map(len, pages))
    for group, found in groupby(pages.values(), key=lambda page: page.group):
        out.line(out.styled(group, "bold"))
        for page in found:
            out.line(f"  {page.name:{widest}}  {page.summary}")
    out.line("")
    out.line("fleet help TOPIC prints a page, fleet help FLEET-201 explains a code, fleet help WORDS searches.")


def _page(session: Session, page: manual.Page) -> None:
    if session.as_json:
        session.json({"topic": page.name, "title": page.title, "text": page.text})
        return
    from engine.present import manual

    _show(manual.linked(page.text, lambda words, name: f"{words} (`fleet help {name}`)"))
    if _of_a_verb((page.name,)) is not None:
        note(f"The command of that name: fleet {page.name} --help")


def _meaning(session: Session, meaning: manual.Meaning) -> None:
    if session.as_json:
        sections = [_as_json(found) for found in meaning.sections]
        session.json({"code": meaning.code, "meaning": meaning.text, "todo": meaning.todo, "found": sections})
        return
    from engine.cli import output as out

    out.line(out.styled(meaning.code, "bold"), f"  {meaning.text}")
    out.line(meaning.todo)
    if meaning.sections:
        out.line("")
        _sections(meaning.sections)


def _verb(session: Session, pages: Mapping[str, manual.Page], asked: str, text: str) -> None:
    from engine.present import manual

    topics = manual.naming(pages, f"fleet {asked}")
    if session.as_json:
        session.json({"verb": asked, "text": text, "topics": topics})
        return
    click.echo(text)
    if topics:
        click.echo(f"\nPages that use it: {', '.join(topics[:8])} (fleet help TOPIC)")


def _of_a_verb(words: Sequence[str]) -> str | None:
    """The help of a verb, by the words that are typed for it; None where there is none."""
    command: click.Command = click.get_current_context().find_root().command
    path = "fleet"
    for word in words:
        context = click.Context(command, info_name=path)
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            return None
        command, path = below, f"{path} {word}"
    return command.get_help(click.Context(command, info_name=path, max_content_width=WIDEST))


def _as_json(found: manual.Found) -> dict[str, str]:
    return {"topic": found.page.name, "title": found.page.title, "heading": found.heading, "excerpt": found.excerpt}


def _sections(found: Sequence[manual.Found]) -> None:
    """Each page with its sections that were found."""
    from engine.cli import output as out

    for page, sections in groupby(found, key=lambda each: each.page):
        out.line(out.styled(page.name, "bold"), f"  {page.title}")
        for section in sections:
            heading = "" if section.heading == page.title else f"{section.heading}: "
            out.line(f"  {heading}{section.excerpt}")


def _show(text: str) -> None:
    """Print Markdown of ours: laid out on a terminal, as it is elsewhere."""
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    console.width = min(console.width, WIDEST)
    console.print(Markdown(text, hyperlinks=False))
