"""`fleet repo …`: repositories registered, shown, changed, checked and removed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from engine import words
from engine.cli.session import Session, account_option, verb, verb_group
from engine.errors import FleetError
from engine.model import Repository, Revision
from engine.settings import Settings

Check = tuple[str, str, FleetError | None]
"""What was checked, what it means when it is well, and what was wrong."""

_SWITCHES = {
    "auto_apply": "Approve and apply creates and updates that git moved, without people.",
    "auto_prune": "Let auto-apply destroy, too.",
    "auto_heal": "Let auto-apply repair drift, too.",
    "allow_empty": "Accept a file that declares nothing, though it destroys all that the repository owns.",
}


repo = verb_group("repo", "Registered repositories.")


def _switches(*, both: bool) -> Callable[..., Any]:
    """The switches of a repository; with `both`, each can be set and unset."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for name, text in reversed(_SWITCHES.items()):
            flag = "--" + name.replace("_", "-")
            declaration = f"{flag}/--no-{flag[2:]}" if both else flag
            function = click.option(declaration, name, default=None, is_flag=True, help=text)(function)
        return function

    return decorate


@verb("add", group=repo)
@click.argument("name")
@click.argument("url")
@account_option()
@click.option("--branch", metavar="NAME", help="Branch to follow (default: main).")
@click.option("--path-prefix", metavar="FOLDER", help="Folder that holds fleet.yaml (default: the top).")
@click.option("--vault-path", "vault_credential_path", metavar="PATH", help="Where Vault keeps the credential.")
@_switches(both=False)
@click.option("--disabled", is_flag=True, help="Register it without ticks.")
def add(session: Session, name: str, url: str, account: str | None, disabled: bool, **options: Any) -> int | None:
    """Register a repository. Checks the form only; `fleet repo check` reaches out."""
    given = {option: value for option, value in options.items() if value is not None}
    with session.open() as workbench:
        made = workbench.add_repository(session.actor, name, url, account=account, enabled=not disabled, **given)
    _show(session, made, f"Registered {name}.", f"repo check {name}", f"sync {name}")
    return None


@verb("set", group=repo)
@click.argument("name")
@click.option("--url", metavar="URL", help="Another remote; on another host the credential path is dropped.")
@click.option("--branch", metavar="NAME", help="Branch to follow.")
@click.option("--path-prefix", metavar="FOLDER", help="Folder that holds fleet.yaml; '' for the top.")
@click.option(
    "--vault-path", "vault_credential_path", metavar="PATH", help="Where Vault keeps the credential; '' for none."
)
@click.option("--account", metavar="NAME", help="Bind it to another account.")
@click.option("--release", is_flag=True, help="With --account: leave what it owns in the old account as it is.")
@click.option("--enabled/--disabled", "enabled", default=None, help="Whether it has ticks.")
@_switches(both=True)
def set_(session: Session, name: str, release: bool, **options: Any) -> int | None:
    """Change settings; they take effect at the next tick."""
    given = {option: value for option, value in options.items() if value is not None}
    if not given:
        raise click.UsageError("Nothing to set: name an option, such as --branch main.")
    if release and "account" not in given:
        raise click.UsageError("--release goes with --account.")
    with session.open() as workbench:
        changed = workbench.change_repository(session.actor, name, given, release=release)
    _show(session, changed, f"Changed {name}; the next tick goes by it.", f"sync {name}")
    return None


@verb("list", group=repo)
@click.option("--account", metavar="NAME", help="Only this account's.")
def list_(session: Session, account: str | None) -> int | None:
    """All registered repositories."""
    from engine import bodies

    with session.open() as workbench:
        found = workbench.repositories(account)
        if session.as_json:
            session.json(bodies.page([bodies.repository(repository) for repository in found]))
            return None
        health = {h.repository.id: h for h in workbench.status(account).repositories}
    from engine.cli import output as out

    if not found:
        out.line("No repository is registered.")
        out.next_steps(session.command, "repo add NAME https://git.example.com/team/fleet-config.git", "demo")
        return None
    rows = []
    for repository in found:
        last = health[repository.id].last
        state = _state(repository) or (last.status.value if last else "never synced")
        rows.append(
            (
                repository.name,
                repository.account,
                out.status(state),
                words.ago(last.started_at if last else None),
                repository.branch,
                words.clean(bodies.repository(repository)["repo_url"]),
            )
        )
    out.table(("name", "account", "last run", "when", "branch", "remote"), rows)
    return None


@verb("show", group=repo)
@click.argument("name")
def show(session: Session, name: str) -> int | None:
    """One repository with its settings."""
    with session.open() as workbench:
        found = workbench.repository(name)
    _show(session, found, None, f"run list --repo {name}", f"sync {name}")
    return None


@verb("remove", group=repo)
@click.argument("name")
def remove(session: Session, name: str) -> int | None:
    """Take a repository out of service. Live state stays as it is; its proposals are withdrawn, its resources released."""
    with session.open() as workbench:
        facts = workbench.remove_repository(session.actor, name)
    if session.as_json:
        session.json({"name": name, **facts})
        return None
    from engine.cli import output as out

    out.line(
        f"Removed {name}: {words.count(facts['withdrawn'], 'proposal')} withdrawn, {words.count(facts['released'], 'resource')} released. Live state was not touched."
    )
    return None


_FETCHING = {
    "remote": "the remote can be reached",
    "branch": "it has the branch",
    "folder": "the revision has the folder",
    "file": "the folder has a plain fleet.yaml within the limit",
}
"""What a fetch checks, in the order in which it finds out."""

_FAILS_AT = {
    "FLEET-203": "branch",
    "FLEET-204": "folder",
    "FLEET-205": "file",
    "FLEET-206": "file",
    "FLEET-207": "file",
}
"""Where a fetch that fails with this code has come to; with any other it did not reach the remote."""


@verb("check", group=repo)
@click.argument("name")
def check(session: Session, name: str) -> int | None:
    """Say, without syncing, whether the remote, branch, folder and file are as they should be."""
    with session.open() as workbench:
        repository = workbench.repository(name)
    # The store is let go: others need not wait for the network.
    from engine.cli import output as out

    if session.as_json:
        results, revision = _checks(repository, session.settings)
    else:
        with out.working(f"{name}: reaching out …"):
            results, revision = _checks(repository, session.settings)
    failed = next((error for *_, error in results if error is not None), None)
    if session.as_json:
        rows = [{"check": what, "ok": error is None, "error": error and error.body()} for what, _, error in results]
        session.json({"name": name, "ok": failed is None, "revision": revision and revision.commit, "checks": rows})
    else:
        for what, words, error in results:
            state = out.styled("ok    ", "green") if error is None else out.styled("failed", "red")
            out.line(state, f"  {what:8} {words if error is None else error.code}")
        if failed is None and revision is not None:
            out.line(
                f"{repository.file} at {revision.commit[:12]} “{revision.subject}” by {revision.author} can be synced."
            )
            out.next_steps(session.command, f"sync {name}")
    if failed is not None:
        session.complain(failed)
        return 1
    return 0


def _checks(repository: Repository, settings: Settings) -> tuple[list[Check], Revision | None]:
    """Check in order up to the first failure; gives (what, in words, error) of each, and what was fetched.

    Effects: fetches into a folder of its own, which is removed.
    """
    from engine import sync
    from engine.kinds.fleet import FLEET
    from engine.parse import read_fleet_file
    from engine.sync.remotes import local_path

    local_root = settings.home / "demo"
    form = "the URL has a form that is taken"
    try:
        sync.check_url(repository.url, allow_local=bool(settings.allow_local_remotes), local_root=local_root)
    except FleetError as error:
        return [("form", form, error)], None
    done: list[Check] = [("form", form, None)]
    with tempfile.TemporaryDirectory(prefix="fleet-check-") as folder:
        # A local path was just allowed by its place in the real home, which the fetch cannot see from here.
        aside = replace(settings, home=Path(folder), allow_local_remotes=int(local_path(repository.url) is not None))
        try:
            revision = sync.fetch(repository, aside)
        except FleetError as error:
            where = _FAILS_AT.get(error.code, "remote")
            for what, words in _FETCHING.items():
                if what == where:
                    return [*done, (what, words, error)], None
                done.append((what, words, None))
            raise
    done += [(what, words, None) for what, words in _FETCHING.items()]
    wrong: FleetError | None = None
    try:
        read_fleet_file(
            revision.content, FLEET, file=repository.file, limit=settings.max_file_bytes, account=repository.account
        )
    except FleetError as error:
        wrong = error
    return [*done, ("content", "the file has no problem", wrong)], revision


def _state(repository: Repository) -> str | None:
    if repository.paused_reason is not None:
        return "paused"
    return None if repository.enabled else "disabled"


def _show(session: Session, repository: Repository, said: str | None, *steps: str) -> None:
    from engine import bodies

    body = bodies.repository(repository)
    if session.as_json:
        session.json({"gitops_repository": body})
        return
    from engine.cli import output as out

    if said:
        out.line(said)
    rows = [
        ("account", body["account"]),
        ("remote", body["repo_url"]),
        ("branch", body["branch"]),
        ("file", repository.file),
        ("credential", body["vault_credential_path"] or "none"),
        ("ticks", "yes" if repository.enabled else "disabled"),
        ("auto-apply", ", ".join(name.replace("_", "-") for name in _SWITCHES if body[name]) or "no: people decide"),
    ]
    if repository.paused_reason is not None:
        rows.append(
            ("paused", f"by {repository.paused_by}, {out.exact(repository.paused_at)}: {repository.paused_reason}")
        )
    if repository.failure_count:
        rows.append(
            (
                "failing",
                f"{repository.failure_count} times; next scheduled attempt {out.exact(repository.next_attempt_at)}",
            )
        )
    out.table(("", ""), rows, indent=2)
    out.next_steps(session.command, *steps)
