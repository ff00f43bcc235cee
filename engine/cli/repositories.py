"""`fleet repo …`: repositories registered, shown, changed, checked and removed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from engine import phrases
from engine.access.credentials import Verdict
from engine.access.permits import DECIDING
from engine.cli.session import Session, account_option, note, verb, verb_group
from engine.errors import RefusedEdit
from engine.flow.sync import fingerprint, is_ssh, shown_host_key
from engine.model import SWITCHES, Repository

if TYPE_CHECKING:
    from engine.workbench import Workbench


repo = verb_group("repo", "Register, show, change, check and remove repositories.")


def _switches(*, both: bool) -> Callable[..., Any]:
    """The switches of a repository; with `both`, each can be set and unset."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for switch in reversed(SWITCHES):
            flag = "--" + switch.name.replace("_", "-")
            declaration = f"{flag}/--no-{flag[2:]}" if both else flag
            takes = (
                f" Also requires {' and '.join(permission.short for permission in DECIDING)}." if switch.decides else ""
            )
            function = click.option(declaration, switch.name, default=None, is_flag=True, help=switch.doc + takes)(
                function
            )
        return function

    return decorate


@verb("add", group=repo)
@click.argument("name")
@click.argument("url")
@account_option()
@click.option("--branch", metavar="NAME", help="Branch to follow (default: main).")
@click.option("--path-prefix", metavar="FOLDER", help="Folder that contains fleet.yaml (default: the top folder).")
@click.option("--vault-path", "vault_credential_path", metavar="PATH", help="Path of the credential in Vault.")
@click.option(
    "--ssh-host-key",
    metavar="KEY",
    help="Key of the ssh host, as ssh-keyscan prints it (default: pinned at first use).",
)
@_switches(both=False)
@click.option("--disabled", is_flag=True, help="Register it disabled, without ticks.")
def add(session: Session, name: str, url: str, account: str | None, disabled: bool, **options: Any) -> int | None:
    """Register a repository. Checks only the form of the values; `fleet repo check` connects to the remote."""
    given = {option: value for option, value in options.items() if value is not None}
    with session.open() as workbench:
        made = workbench.add_repository(session.actor, name, url, account=account, enabled=not disabled, **given)
        confirming = _confirming(session, workbench, name)
    _show(
        session,
        made,
        f"Registered {name}.",
        *confirming,
        f"repo check {phrases.argument(name)}",
        f"sync {phrases.argument(name)}",
    )
    return None


@verb("set", group=repo)
@click.argument("name")
@click.option(
    "--url",
    metavar="URL",
    help="New remote; with another host or port, Vault path and host key are dropped unless you give them too.",
)
@click.option("--branch", metavar="NAME", help="Branch to follow.")
@click.option("--path-prefix", metavar="FOLDER", help="Folder that contains fleet.yaml; '' for the top folder.")
@click.option(
    "--vault-path", "vault_credential_path", metavar="PATH", help="Path of the credential in Vault; '' for none."
)
@click.option("--ssh-host-key", metavar="KEY", help="Key of the ssh host; '' to pin the key that it shows next.")
@click.option("--account", metavar="NAME", help="Move it to another account.")
@click.option("--release", is_flag=True, help="With --account: keep its resources in the old account unchanged.")
@click.option("--enabled/--disabled", "enabled", default=None, help="Enable or disable its ticks.")
@_switches(both=True)
def set_(session: Session, name: str, release: bool, **options: Any) -> int | None:
    """Change the settings of a repository; they take effect at the next tick."""
    given = {option: value for option, value in options.items() if value is not None}
    if not given:
        raise click.UsageError("There is nothing to change: give an option, such as --branch main.")
    if release and "account" not in given:
        raise click.UsageError("--release requires --account.")
    with session.open() as workbench:
        before = workbench.repository(name)
        changed = workbench.change_repository(session.actor, name, given, release=release)
        confirming = _confirming(session, workbench, name)
    from engine.workbench.registry import dropped

    for said in dropped(before, changed):
        note(said)
    if before.vault_credential_path and changed.vault_credential_path is None and "vault_credential_path" not in given:
        again = f"repo set {phrases.argument(name)} --vault-path {phrases.argument(before.vault_credential_path)}"
        note(f"To send the credential to the new host: {session.command} {again}")
    _show(
        session,
        changed,
        f"Changed {name}; it takes effect at the next tick.",
        *confirming,
        f"sync {phrases.argument(name)}",
    )
    return None


@verb("list", group=repo)
@click.option("--account", metavar="NAME", help="Only this account.")
def list_(session: Session, account: str | None) -> int | None:
    """List the registered repositories."""
    from engine.present import bodies

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
                phrases.ago(last.started_at if last else None),
                repository.branch,
                phrases.clean(bodies.repository(repository)["repo_url"]),
            )
        )
    out.table(("name", "account", "last run", "when", "branch", "remote"), rows)
    return None


@verb("show", group=repo)
@click.argument("name")
def show(session: Session, name: str) -> int | None:
    """Show one repository with its settings."""
    with session.open() as workbench:
        found = workbench.repository(name)
    _show(session, found, None, f"run list --repo {phrases.argument(name)}", f"sync {phrases.argument(name)}")
    return None


@verb("remove", group=repo)
@click.argument("name")
def remove(session: Session, name: str) -> int | None:
    """Remove a repository. Its proposals are withdrawn and its resources released; live state does not change."""
    with session.open() as workbench:
        facts = workbench.remove_repository(session.actor, name)
    if session.as_json:
        session.json({"name": name, **facts})
        return None
    from engine.cli import output as out

    out.line(
        f"Removed {name}: {phrases.count(facts['withdrawn'], 'proposal')} withdrawn, {phrases.count(facts['released'], 'resource')} released, {facts['handed_over']} handed over. Live state was not changed."
    )
    return None


@verb("check", group=repo)
@click.argument("name")
def check(session: Session, name: str) -> int | None:
    """Check credential, remote, host key, branch, folder and file, without a sync."""
    from engine.cli import output as out
    from engine.flow import confirmations
    from engine.kinds.fleet import FLEET
    from engine.workbench.check import check as looking

    with session.open() as workbench:
        repository = workbench.repository(name)
        refusal = None
        if session.served:  # the way to Vault is the server's
            with out.working(f"{name}: connecting …"):
                findings, revision = workbench.look_at(session.actor, name)
        else:
            refusal = confirmations.refusal(workbench.store, session.settings, session.actor, repository)
    if not session.served:  # the store is let go: others need not wait for the network
        with out.working(f"{name}: connecting …"):
            findings, revision = looking(session.settings, FLEET, repository, refusal)
    looked = [finding for finding in findings if finding.ok is not None]
    failed = next((finding.error for finding in looked if finding.error is not None), None)
    if session.as_json:
        rows = [{"check": f.name, "ok": bool(f.ok), "error": f.error and f.error.body()} for f in looked]
        session.json({"name": name, "ok": failed is None, "revision": revision and revision.commit, "checks": rows})
    else:
        for f in looked:
            state = out.styled("ok    ", "green") if f.ok else out.styled("failed", "red")
            out.line(state, f"  {f.name:11} {f.error.code if f.error else f.detail}")
        if failed is None and revision is not None:
            out.line(f"{repository.file} at {revision.commit[:12]} can be synced.")
            out.next_steps(session.command, f"sync {phrases.argument(name)}")
    if failed is not None:
        session.complain(failed)
        return 1
    return 0


@verb("trust", group=repo)
@click.argument("name")
@click.option(
    "--fingerprint", "wanted", metavar="SHA256:…", help="Trust the key only if it has this fingerprint; does not ask."
)
@click.option("--credential", is_flag=True, help="Confirm the host of the credential instead of the host key.")
@click.option(
    "--host",
    metavar="HOST:PORT",
    help="With --credential: confirm only if the credential goes to this host; does not ask.",
)
@click.option("--yes", is_flag=True, help="Trust the current value; does not ask.")
def trust(session: Session, name: str, wanted: str | None, credential: bool, host: str | None, yes: bool) -> int | None:
    """Compare the pinned ssh host key with the key that the host shows now, and pin the new key if you confirm.

    With --credential: see which credential would be sent to which host, and confirm it if you say so.
    """
    from engine.cli import output as out

    if (wanted and credential) or (host and not credential):
        raise click.UsageError("--fingerprint is for a host key; --host requires --credential.")
    if credential:
        return _trust_credential(session, name, host, yes)
    with session.open() as workbench:
        repository = workbench.repository(name)
        with out.working(f"{name}: asking the host …"):
            offered = workbench.offered_host_key(session.actor, name)
        if not session.as_json:
            rows = [("pinned", _host_key(repository)), ("shown now", shown_host_key(offered))]
            out.table(("", ""), rows, indent=2)
        if offered == repository.ssh_host_key:
            if session.as_json:
                _show(session, repository, None)
            else:
                out.line("The keys are equal; there is nothing to do.")
            return None
        if wanted is not None and wanted != fingerprint(offered):
            raise RefusedEdit(
                "FLEET-216",
                f"The host shows {fingerprint(offered)}, which differs from the fingerprint that you gave.",
                "Ask the host's administrator which of the two is correct.",
            )
        if wanted is None and not yes:
            if session.as_json or not sys.stdin.isatty():
                raise click.UsageError(
                    "This is not a terminal, so the command cannot ask: give --fingerprint SHA256:… (or --yes)."
                )
            out.line("Get the fingerprint from the host's administrator by another channel, and compare.")
            if not click.confirm("Trust the key that it shows now?"):
                out.line("Nothing was changed.")
                return 1
        changed = workbench.trust_host_key(session.actor, name, offered)
    _show(session, changed, f"{fingerprint(offered)} is trusted from now on.", f"sync {phrases.argument(name)}")
    return None


def _trust_credential(session: Session, name: str, host: str | None, yes: bool) -> int | None:
    from engine.cli import output as out

    with session.open() as workbench:
        found = workbench.credential_use(name)
        if found is None:
            raise RefusedEdit(
                "FLEET-229",
                f"{name} has no credential.",
                f"Set its path in Vault: {session.command} repo set {phrases.argument(name)} --vault-path PATH",
            )
        if not session.as_json:
            out.table(("", ""), [("credential", found.path), ("goes to", found.host)], indent=2)
        if host is None and not yes and found.verdict is not Verdict.REFUSED:
            if session.as_json or not sys.stdin.isatty():
                raise click.UsageError(
                    "This is not a terminal, so the command cannot ask: give --host HOST:PORT (or --yes)."
                )
            out.line("The administrator of that host can read the credential. Compare the address letter by letter.")
            if not click.confirm("May the credential be sent there?"):
                out.line("Nothing was changed.")
                return 1
        changed = workbench.trust_credential(session.actor, name, found.path, host or found.host)
    _show(
        session,
        changed,
        f"The credential at {found.path} may be sent to {found.host}.",
        f"sync {phrases.argument(name)}",
    )
    return None


def _confirming(session: Session, workbench: Workbench, name: str) -> list[str]:
    """The verb to type next where the credential of a repository waits for somebody to confirm its host."""
    if (waits := workbench.credential_waits(name)) is None:
        return []
    if not session.as_json:
        note(waits)
    return [f"repo trust {phrases.argument(name)} --credential"]


def _host_key(repository: Repository) -> str:
    return shown_host_key(repository.ssh_host_key) if repository.ssh_host_key else "pinned at first use"


def _state(repository: Repository) -> str | None:
    if repository.paused_reason is not None:
        return "paused"
    return None if repository.enabled else "disabled"


def _show(session: Session, repository: Repository, said: str | None, *steps: str) -> None:
    from engine.present import bodies

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
        *([("host key", _host_key(repository))] if is_ssh(repository.url) else []),
        ("ticks", "yes" if repository.enabled else "disabled"),
        (
            "auto-apply",
            ", ".join(s.name.replace("_", "-") for s in SWITCHES if getattr(repository, s.name)) or "no, people decide",
        ),
    ]
    if repository.paused_reason is not None:
        rows.append(
            ("paused", f"by {repository.paused_by}, {out.exact(repository.paused_at)}: {repository.paused_reason}")
        )
    if repository.failure_count:
        attempt = out.exact(repository.next_attempt_at) if repository.next_attempt_at else "at the next round"
        times = phrases.count(repository.failure_count, "time")
        rows.append(("failing", f"{times} in a row; next scheduled attempt {attempt}"))
    out.table(("", ""), rows, indent=2)
    out.next_steps(session.command, *steps)
