"""What the tests ask of the documentation: where its pages are, and what its generated tables should say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import httpx
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily

from engine import errors
from engine.api import build
from engine.cli import cli
from engine.flow import parse
from engine.kinds.fleet import FLEET
from engine.kinds.schema import schema_table
from engine.notify.messages import TOLD
from engine.server.metrics import Metrics
from engine.settings import ACCESS, SECURITY, SERVING, SETTINGS, Text
from engine.workbench.reader import Reader
from tests.test_failure_modes import MODES

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
HELP = ROOT / "pages" / "help"
PAGES = [README, *sorted(HELP.glob("*.md"))]


def page(name: str) -> str:
    """The text of a page of help."""
    return (HELP / f"{name}.md").read_text()


def block(name: str) -> re.Pattern[str]:
    """Finds what is between the marks of that name."""
    return re.compile(rf"(<!-- {name}(?::[^>]*)? -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


def place(name: str) -> tuple[Path, re.Match[str]]:
    """The one page that has the marks of that name, and the place in it."""
    found = [(path, match) for path in PAGES for match in block(name).finditer(path.read_text())]
    assert len(found) == 1, f"{name} is on {[path.name for path, _ in found]}"
    return found[0]


def _rows(head: str, rows: list[str], columns: str = "") -> str:
    return "\n".join([head, columns or "|" + "---|" * (head.count("|") - 1), *rows])


def _codes(table: Mapping[str, str]) -> str:
    def sentence(meaning: str) -> str:
        first = meaning if meaning.startswith("fleet.yaml") else meaning[0].upper() + meaning[1:]
        return first.rstrip(".")

    rows = [f"| {code} | {sentence(meaning)} |" for code, meaning in sorted(table.items())]
    return _rows("| code | meaning |", rows)


def _failure_modes() -> str:
    rows = [f"| {mode.runbook} | {mode.happens} | {mode.then} |" for mode in MODES.values()]
    return _rows("| the runbook's words | what happens now | what to do |", rows)


def _settings() -> str:
    rows = [f"| `{s.variable}` | {s.default:,} | {s.meaning} |" for s in SETTINGS.values()]
    return _rows("| variable | default | meaning |", rows, "|---|---:|---|")


def _texts(group: Mapping[str, Text]) -> str:
    return _rows("| variable | meaning |", [f"| `{s.variable}` | {s.meaning} |" for s in group.values()])


def _security() -> str:
    texts = {**ACCESS, **SERVING}
    rows = [
        f"| `{SETTINGS[name].variable}` | {SETTINGS[name].default:,} | {SETTINGS[name].meaning} |"
        if name in SETTINGS
        else f"| `{texts[name].variable}` | | {texts[name].meaning} |"
        for name in SECURITY
    ]
    return _rows("| variable | default | meaning |", rows, "|---|---:|---|")


def commands(command: click.Command = cli, path: str = "fleet") -> Iterator[tuple[str, click.Command]]:
    """Every command by the words that are typed for it, groups too."""
    if command is not cli:
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            if (below := command.get_command(context, name)) is not None:
                yield from commands(below, f"{path} {name}")


def _commands() -> str:
    parts = []
    for path, command in commands():
        context = click.Context(command, info_name=path)
        usage = [piece for piece in command.collect_usage_pieces(context) if piece not in {"[OPTIONS]", "[ARGS]..."}]
        if isinstance(command, click.Group):
            usage = ["…"]
        text = re.sub(r"\s*\n\s*\n\s*", "\n\n", (command.help or "").strip())
        text = "\n\n".join(re.sub(r"\s+", " ", paragraph) for paragraph in text.split("\n\n"))
        rows = [
            f"| `{_cell(_option(option, context))}` | {_cell(option.help or '')} |"
            for option in command.params
            if isinstance(option, click.Option) and option.name not in {"home", "as_json"}
        ]
        depth = "##" if path.count(" ") == 1 else "###"
        parts.append(f"{depth} `{' '.join([path, *usage])}`\n\n{text}")
        if rows:
            parts.append(_rows("| option | meaning |", rows))
    return "\n\n".join(parts) + "\n"


def _option(option: click.Option, context: click.Context) -> str:
    names = "/".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.make_metavar(context)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def described() -> dict[str, Any]:
    """The OpenAPI description, as the server gives it."""

    async def ask() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(build()), base_url="http://localhost") as client:
            return (await client.get("/openapi.json")).json()

    with ThreadPoolExecutor(1) as beside:  # a browser of another test keeps a loop running in this thread
        return cast("dict[str, Any]", beside.submit(asyncio.run, ask()).result())


def _routes() -> str:
    rows = [
        f"| `{method.upper()} {path.removeprefix('/v1/')}` | {route['summary']} | {_permission(route)} |"
        for path, routes in described()["paths"].items()
        for method, route in routes.items()
    ]
    return _rows("| route | does | permission |", rows)


def _permission(route: Mapping[str, Any]) -> str:
    return f"`{route['x-permission']}`" if route.get("x-permission") else "the webhook secret"


def metrics() -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Every metric of ours by its name: its type, its labels, what it means."""
    nothing = SimpleNamespace(repositories=[], drift=[], oldest_pending_at=None, resources=0, pauses=[])
    made = Metrics(cast("Reader", SimpleNamespace(status=lambda: nothing)))
    made.show_sinks(list)
    found: dict[str, tuple[str, tuple[str, ...], str]] = {}
    for counted in vars(made).values():
        if isinstance(counted, Counter | Histogram):
            counter = isinstance(counted, Counter)
            name = f"{counted._name}_total" if counter else counted._name
            found[name] = ("counter" if counter else "histogram", counted._labelnames, counted._documentation)
    for collector in made.registry._collector_to_names:
        for family in collector.collect():
            if isinstance(family, GaugeMetricFamily) and family.name.startswith("fleet_"):
                found[family.name] = ("gauge", tuple(family._labelnames), family.documentation)
    return dict(sorted(found.items()))


def _metrics() -> str:
    rows = [
        f"| `{name}` | {type_} | {', '.join(f'`{label}`' for label in labels) or '–'} | {meaning.rstrip('.')} |"
        for name, (type_, labels, meaning) in metrics().items()
    ]
    return _rows("| metric | type | labels | meaning |", rows)


def _notifications() -> str:
    by: dict[str, list[str]] = {}
    for event, type_ in TOLD.items():
        by.setdefault(type_, []).append(f"`{event}`")
    rows = [f"| `{type_}` | {', '.join(events)} |" for type_, events in by.items()]
    return _rows("| type | sent for |", rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "kinds": lambda: schema_table(FLEET),
    "file codes": lambda: _codes(parse.CODES),
    "failure modes": _failure_modes,
    "codes": lambda: _codes(errors.CODES),
    "settings": _settings,
    "access": lambda: _texts(ACCESS),
    "serving": lambda: _texts(SERVING),
    "security": _security,
    "commands": _commands,
    "routes": _routes,
    "metrics": _metrics,
    "notifications": _notifications,
}
"""What is generated, by the name of its marks."""
