"""`fleet snapshot` and `fleet compact`: the store itself."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.session import Session, verb


@verb("snapshot")
@click.argument("path", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
def snapshot(session: Session, path: Path) -> int | None:
    """Copy the whole store, of one moment, into a file while everything goes on. Tokens and keys are not in it."""
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
    """Forget runs and events that are older than the settings keep, and give the disk space back, while everything goes on."""
    with session.open() as workbench:
        gone = workbench.prune(session.actor)
        before, after = workbench.compact(session.actor)
    if session.as_json:
        session.json({"pruned": gone, "bytes_before": before, "bytes_after": after})
        return None
    from engine.cli import output as out
    from engine.phrases import count, mebibytes

    for table, rows in gone.items():
        out.line(f"Forgot {count(rows, 'row')} of {table}.")
    out.line(f"The store takes {mebibytes(after)}, before it was {mebibytes(before)}.")
    return None
