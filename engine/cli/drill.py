"""`fleet drill`: whether the fleet comes back from its own export."""

from __future__ import annotations

from collections.abc import Callable

import click

from engine.cli.session import Session, verb


@verb("drill")
@click.option("--account", metavar="NAME", help="Only the fleet of this account.")
def drill(session: Session, account: str | None) -> int | None:
    """Restore the fleet from its export into an empty store, compare the two, and record the result."""
    from engine.cli import output as out
    from engine.present import bodies

    made = []
    with session.open() as workbench:
        for name in workbench.accounts() if account is None else [account]:
            if session.as_json:
                made.append(workbench.drill(session.actor, name))
                continue
            with out.working(f"{name} …") as say:
                made.append(workbench.drill(session.actor, name, watcher=_telling(say, name)))
    if session.as_json:
        session.json(bodies.page([bodies.drill(d) for d in made], None))
    elif not made:
        out.line("There is no account yet, so there is nothing to restore.")
        out.next_steps(session.command, "demo", "repo add NAME URL")
    for d in made if not session.as_json else ():
        out.line(
            out.styled("Passed" if d.ok else "Failed", "green" if d.ok else "red"),
            f"  {d.account}: {f'{d.code} ' if d.code else ''}{d.detail}. {d.size:,} bytes, {d.seconds:.2f} s.",
        )
        if d.hint:
            out.line(f"  {d.hint}")
        out.table(("", ""), [(stage, f"{seconds:.2f} s") for stage, seconds in d.stages], indent=2)
    return 0 if all(d.ok for d in made) else 1


def _telling(say: Callable[[str], None], name: str) -> Callable[[str], None]:
    return lambda stage: say(f"{name}: {stage} …")
