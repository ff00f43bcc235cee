"""`fleet snapshot` and `fleet compact`: the store itself."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.session import Session, verb


@verb("snapshot")
@click.argument("path", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
def snapshot(session: Session, path: Path) -> int | None:
    """Write a consistent copy of the whole store to a file while work continues. It contains no tokens and no keys."""
    with session.open() as workbench:
        size = workbench.snapshot(session.actor, path.expanduser().absolute())
    if session.as_json:
        session.json({"path": str(path), "bytes": size})
        return None
    from engine.cli import output as out

    out.line(f"Wrote {size:,} bytes to {path}.")
    return None


@verb("compact")
def compact(session: Session) -> int | None:
    """Delete runs and events that are older than the limits in the settings, and free their disk space, while work continues."""
    with session.open() as workbench:
        gone = workbench.prune(session.actor)
        before, after = workbench.compact(session.actor)
    if session.as_json:
        session.json({"pruned": gone, "bytes_before": before, "bytes_after": after})
        return None
    from engine.cli import output as out
    from engine.phrases import count, mebibytes

    for table, rows in gone.items():
        out.line(f"Deleted {count(rows, 'row')} of {table}.")
    out.line(f"The store has {mebibytes(after)}; before it had {mebibytes(before)}.")
    return None
