"""The live fleet by hand and as a whole: `set`, `delete`, `release`, `drift`, `graph`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine import phrases
from engine.cli.session import Session, account_option, at_option, page_options, verb
from engine.errors import RefusedEdit
from engine.model import ResourceKey
from engine.present import values
from engine.system import private

if TYPE_CHECKING:
    from datetime import datetime

_note_option = click.option("--note", metavar="TEXT", help="Reason; stored with the version.")


@verb("set")
@click.argument("kind", metavar="KIND")
@click.argument("name")
@click.argument("fields", metavar="[FIELD=VALUE]…", nargs=-1)
@account_option()
@_note_option
def set_(
    session: Session, kind: str, name: str, fields: tuple[str, ...], account: str | None, note: str | None
) -> int | None:
    """Create a live resource, or change some of its fields, outside git.

    KIND is a section of the fleet file. Values are read by the field's type; maps and lists as JSON: config='{"workers": 8}'.
    """
    texts: dict[str, str] = {}
    for field in fields:
        label, equals, text = field.partition("=")
        if not equals or label in texts:
            raise click.UsageError(f"{field!r} does not have the form FIELD=VALUE, or its field is given twice.")
        texts[label] = text
    from engine.present import bodies
    from engine.workbench import edits

    with session.open() as workbench:
        key = ResourceKey(workbench.account(account), kind, name)
        spec = edits.read_fields(edits.kind_of(workbench.kinds, kind), texts)
        said, version = workbench.set_resource(session.actor, key, spec, note=note)
        found = workbench.resource(key)
    if session.as_json:
        session.json(bodies.resource(found))
        return None
    from engine.cli import output as out

    if said == "unchanged":
        out.line(f"{key.address} already has these values, at version {version}; nothing was written.")
        return None
    out.line(f"{said.capitalize()} {key.address} in account {key.account}: version {version}.")
    if found.holder is not None:
        out.line(f"Repository {found.holder} owns it: its next tick shows this change as drift, with your name.")
        out.next_steps(session.command, f"sync {phrases.argument(found.holder)}", "drift")
    return None


@verb("delete")
@click.argument("kind", metavar="KIND")
@click.argument("name")
@account_option()
@_note_option
def delete(session: Session, kind: str, name: str, account: str | None, note: str | None) -> int | None:
    """Delete a resource from the live fleet. Refused while other resources refer to it."""
    with session.open() as workbench:
        key = ResourceKey(workbench.account(account), kind, name)
        version = workbench.delete_resource(session.actor, key, note=note)
    if session.as_json:
        session.json({"account": key.account, "kind": key.kind, "name": key.name, "version": version, "deleted": True})
        return None
    from engine.cli import output as out

    out.line(f"Deleted {key.address} from account {key.account}; its history stays.")
    return None


@verb("release")
@click.argument("kind", metavar="KIND")
@click.argument("name")
@account_option()
def release(session: Session, kind: str, name: str, account: str | None) -> int | None:
    """Release a resource: no repository owns it any longer, and it stays live. A tick claims it again if the file declares it."""
    with session.open() as workbench:
        key = ResourceKey(workbench.account(account), kind, name)
        holder = workbench.release(session.actor, key)
    if session.as_json:
        session.json({"account": key.account, "kind": key.kind, "name": key.name, "released_from": holder})
        return None
    from engine.cli import output as out

    out.line(f"Released {key.address}: repository {holder} no longer owns it.")
    out.line("Remove it from the file too, or the next tick claims it again.")
    return None


@verb("drift")
@click.option("--repo", "repository", metavar="NAME", help="Only this repository.")
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option(
    "--all", "everything", is_flag=True, help="Also list drift that has ended: reverted, codified or removed."
)
@page_options
def drift(
    session: Session, repository: str | None, account: str | None, everything: bool, limit: int, before: int | None
) -> int | None:
    """List drift: where live differs from git, since when, by whom, and in which fields."""
    from engine.present import bodies
    from engine.workbench.reader import page_of

    with session.open() as workbench:
        open_ = None if everything else True
        found, next_ = page_of(
            lambda most: workbench.drift(
                repository=repository, account=account, open_=open_, before=before, limit=most
            ),
            limit,
            lambda e: e.id,
        )
        if session.as_json:
            session.json(bodies.page([bodies.episode(e) for e in found], next_))
            return None
        standing = {p.key: p.id for p in workbench.live_proposals()}
    from engine.cli import output as out

    if not found:
        out.line(
            "There was no drift yet."
            if everything
            else "There is no drift: live matches git, or proposals show the differences."
        )
        return None
    rows = []
    for e in found:
        moves = (
            ", ".join(f"{row['path']} {' → '.join(values.beside([row['base'], row['live']], 24))}" for row in e.fields)
            if e.change != "create"
            else "deleted"
        )
        state = out.styled(
            e.outcome or e.severity, "green" if e.outcome else "red" if e.severity == "high" else "yellow"
        )
        proposal = str(standing.get(e.key, "")) if e.closed_at is None else ""
        rows.append(
            (e.key.address, state, e.moved_by or "unknown", phrases.ago(e.moved_at), e.repository, proposal, moves)
        )
    out.table(("resource", "state", "moved by", "when", "repository", "proposal", "base → live"), rows)
    ids = [standing[e.key] for e in found if e.closed_at is None and e.key in standing]
    if ids:
        out.next_steps(session.command, f"show {ids[0]}", f"approve {phrases.ranges(ids)}")
        out.line("Approve to go back to the state in git, or put the change into fleet.yaml to keep it.")
    return None


@verb("graph")
@click.option("--repo", "repository", metavar="NAME", help="Only this repository.")
@click.option("--account", metavar="NAME", help="Only this account.")
@at_option()
@click.option("--dot", is_flag=True, help="Print in the DOT format of Graphviz.")
def graph(session: Session, repository: str | None, account: str | None, at: datetime | None, dot: bool) -> int | None:
    """Show the references of the live fleet in layers; resources without references come first."""
    with session.open() as workbench:
        found = workbench.graph(repository=repository, account=account, at=at)
    if session.as_json:
        from engine.present import bodies

        session.json(bodies.graph(found))
        return None
    from engine.cli import output as out

    several = len({n.key.account for n in found.nodes}) > 1

    def named(key: ResourceKey) -> str:
        """A resource as it is told from all others here."""
        return key.text if several else key.address

    if dot:
        quoted = {
            n.key: '"' + phrases.clean(named(n.key)).replace("\\", "\\\\").replace('"', '\\"') + '"'
            for n in found.nodes
        }
        lines = ["digraph fleet {", "  rankdir=BT;", *(f"  {quoted[n.key]};" for n in found.nodes)]
        lines += [f"  {quoted[a]} -> {quoted[b]};" for a, b in found.edges]
        click.echo("\n".join([*lines, "}"]))
        return None
    if not found.nodes:
        out.line("The live fleet is empty." if at is None else f"The live fleet was empty at {out.exact(at)}.")
        out.next_steps(session.command, "demo", "repo add NAME URL")
        return None
    targets: dict[ResourceKey, list[str]] = {}
    for a, b in found.edges:
        targets.setdefault(a, []).append(named(b))
    for layer in range(max(n.layer for n in found.nodes) + 1):
        out.line(out.styled(f"Layer {layer}", "bold"))
        rows = [
            (named(n.key), n.state.replace("_", " "), "→ " + ", ".join(targets[n.key]) if n.key in targets else "")
            for n in found.nodes
            if n.layer == layer
        ]
        out.table(("", "", ""), rows, indent=2)
    return None


@verb("export")
@account_option()
@click.option("--repo", "repository", metavar="NAME", help="Only resources that this repository owns.")
@click.option("--unmanaged", is_flag=True, help="Only resources that no repository owns.")
@at_option()
@click.option(
    "--out",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
def export(
    session: Session,
    account: str | None,
    repository: str | None,
    unmanaged: bool,
    at: datetime | None,
    path: Path | None,
) -> int | None:
    """Write the canonical fleet.yaml of an account, for now or for a past time."""
    if repository is not None and unmanaged:
        raise click.UsageError("--repo and --unmanaged exclude each other.")
    with session.open() as workbench:
        chosen = (
            workbench.repository(repository).account
            if repository is not None and account is None
            else workbench.account(account)
        )
        text = workbench.export(account=chosen, repository=repository, unmanaged=unmanaged, at=at)
    if path is not None:
        _write(path, text)
    if session.as_json:
        session.json(
            {"account": chosen, "fleet_yaml": text}
            if path is None
            else {"account": chosen, "path": str(path), "bytes": len(text.encode())}
        )
    elif path is None:
        click.echo(text, nl=False)
    else:
        from engine.cli import output as out

        out.line(f"Wrote {len(text.encode()):,} bytes to {path}.")
        out.next_steps(session.command, f"validate {phrases.argument(str(path))}")
    return None


def _holds_a_store(path: Path) -> bool:
    """Whether a file is one of DuckDB, by its first bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _write(path: Path, text: str) -> None:
    """Write a file, mode 600, whole or not at all; a store or a snapshot stays. Raises: RefusedEdit FLEET-607."""
    try:
        if _holds_a_store(path):
            raise RefusedEdit(
                "FLEET-607", f"{path} is a store; an export must not replace it.", "Choose another file with --out."
            )
        private.write(path.absolute(), text.encode())
    except OSError as error:
        raise RefusedEdit(
            "FLEET-607", f"{path} cannot be written: {error.strerror}.", "Choose another file with --out."
        ) from error
