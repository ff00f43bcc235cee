"""`system/gitops_repositories` and `system/gitops_sync_runs`: what is registered, ticks by hand, and the record of every tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from engine.access.permits import DECIDING
from engine.api import examples, routing
from engine.api.access import Asking, Before, Id, Limit, Which
from engine.api.routing import documented, reply, slowly
from engine.model import SWITCHES, Repository, RunStatus
from engine.present import bodies, contract
from engine.workbench import Workbench, registry
from engine.workbench.reader import page_of

router = routing.router("repositories and runs")

DECIDES = (
    f"Switching on {', '.join(f'`{switch}`' for switch in registry.DECIDES)}, enabling a repository where one of these is on or changing its URL, "
    f"branch, prefix or account, and replacing a host key take {' and '.join(f'`{permission}`' for permission in DECIDING)} as well."
)
"""Said of the routes that change settings."""

Text = Annotated[str, Field(max_length=4096)]


if TYPE_CHECKING:
    _Switches = BaseModel
else:
    _Switches = create_model(
        "_Switches",
        **{each.name: (bool, Field(default=each.default, description=each.doc)) for each in SWITCHES},
    )


class RepositoryChanges(_Switches):
    """Settings of a repository; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    repo_url: Text = ""
    """https://…, ssh://… or git@host:path, without a credential in it."""
    account: Text = ""
    """The account that its fleet file describes."""
    branch: Text = "main"
    """Branch to follow."""
    path_prefix: Text = ""
    """Folder that holds fleet.yaml; empty: the top."""
    vault_credential_path: Text | None = None
    """Where Vault keeps its credential; null: it needs none."""
    ssh_host_key: Text | None = None
    """The ssh host's key, as ssh-keyscan shows it; null: pinned at first use."""
    enabled: bool = True
    """Whether it has ticks."""

    def given(self) -> dict[str, Any]:
        """What was given, by the engine's names."""
        names = {"repo_url": "url"}
        return {names.get(name, name): getattr(self, name) for name in self.model_fields_set - {"name"}}


class NewRepository(RepositoryChanges):
    """A repository to register."""

    name: Text
    """How everybody calls it here."""
    repo_url: Text
    """https://…, ssh://… or git@host:path, without a credential in it."""


class Registration(BaseModel):
    """As the runbook has it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.REGISTRATION]})

    gitops_repository: NewRepository


class SeenCredential(BaseModel):
    """The credential and the host that somebody has seen and confirms."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [examples.SEEN_CREDENTIAL]},
    )

    vault_credential_path: Text
    """The repository's own, as it is registered."""
    host: Text
    """Host and port of its URL, such as `git.example.com:443`."""


class ChangedRepository(BaseModel):
    """As the runbook has it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.CHANGES]})

    gitops_repository: RepositoryChanges


@router.get(
    "/gitops_repositories",
    summary="List repositories by name",
    **documented(contract.Page[contract.RepositoryBody], verb=Workbench.repositories),
)
def list_repositories(
    asking: Asking,
    after: Annotated[str | None, Query(description="Only names after this one: the `next` of the page before.")] = None,
    limit: Limit = 100,
) -> Response:
    found = [r for r in asking.may(Workbench.repositories).repositories() if after is None or r.name > after]
    items, next_ = page_of(lambda most: found[:most], limit, lambda r: r.name)
    return reply(bodies.page([bodies.repository(r) for r in items], next_))


@router.post(
    "/gitops_repositories",
    summary="Register a repository",
    description="Looks at the form only: nothing is reached. Its first tick is due one interval later, or at `sync_now`. "
    + DECIDES,
    **documented(contract.SettingsAnswer, 400, 409, 413, verb=Workbench.add_repository, status=201, example="SETTINGS"),
)
def register(asking: Asking, body: Registration) -> Response:
    wanted = body.gitops_repository.given()
    asking = asking.of(wanted.pop("account", None))
    name, url = body.gitops_repository.name, wanted.pop("url")
    bench = asking.may(Workbench.add_repository)
    made = bench.add_repository(asking.actor, name, url, **wanted)
    return reply(_told(bench, made), 201, Location=f"/api/v1/system/gitops_repositories/{made.id}")


@router.get(
    "/gitops_repositories/{id}",
    summary="One repository",
    **documented(contract.RepositoryAnswer, 404, verb=Workbench.repository, example="REPOSITORY"),
)
def one_repository(asking: Asking, id_: Which) -> Response:
    answer: contract.RepositoryAnswer = {
        "gitops_repository": bodies.repository(asking.may(Workbench.repository).repository(id_))
    }
    return reply(answer)


@router.patch(
    "/gitops_repositories/{id}",
    summary="Change a repository's settings from the next tick on",
    description="A URL on another host drops the credential path and the host key, unless they are given with it. "
    "A credential that nobody has confirmed for its host is used by no run: see trust_credential. " + DECIDES,
    **documented(contract.SettingsAnswer, 400, 404, 409, 413, verb=Workbench.change_repository, example="SETTINGS"),
)
def change(
    asking: Asking,
    id_: Which,
    body: ChangedRepository,
    release: Annotated[
        bool, Query(description="With another account: leave the old account's resources where they are.")
    ] = False,
) -> Response:
    bench = asking.may(Workbench.change_repository)
    before = bench.repository(id_)
    changed = bench.change_repository(asking.actor, id_, body.gitops_repository.given(), release=release)
    return reply(_told(bench, changed, before))


@router.post(
    "/gitops_repositories/{id}/trust_credential",
    summary="Confirm that a repository's credential may be sent to its host",
    description=(
        "Takes a token of every account. Refused with FLEET-229 where the repository names another credential or host by now, "
        "or where the settings do not let its account use the path."
    ),
    **documented(contract.RepositoryAnswer, 400, 404, 409, 413, verb=Workbench.trust_credential, example="REPOSITORY"),
)
def trust_credential(asking: Asking, id_: Which, body: SeenCredential) -> Response:
    bench = asking.may(Workbench.trust_credential)
    changed = bench.trust_credential(asking.actor, id_, body.vault_credential_path, body.host)
    answer: contract.RepositoryAnswer = {"gitops_repository": bodies.repository(changed)}
    return reply(answer)


@router.delete(
    "/gitops_repositories/{id}",
    summary="Take a repository out of service",
    description="Its live proposals are withdrawn, its resources released or handed over to a repository that declares them too; live state, runs and history stay.",
    **documented(contract.RemovedRepository, 404, 409, verb=Workbench.remove_repository),
)
def remove(asking: Asking, id_: Which) -> Response:
    bench = asking.may(Workbench.remove_repository)
    name = bench.repository(id_).name
    facts = bench.remove_repository(asking.actor, id_)
    answer: contract.RemovedRepository = {
        "name": name,
        "withdrawn": facts["withdrawn"],
        "released": facts["released"],
        "handed_over": facts["handed_over"],
    }
    return reply(answer)


@router.post(
    "/gitops_repositories/{id}/sync_now",
    summary="Run one tick now",
    description="Gives the run and the proposals that it opened or reopened, with 200 when the run failed, too: its `error` says why.",
    **documented(contract.SyncBody, 404, 409, verb=Workbench.sync, example="SYNC"),
)
async def sync_now(asking: Asking, id_: Which) -> Response:
    def work() -> contract.SyncBody:
        bench = asking.may(Workbench.sync)
        synced = bench.sync(asking.actor, id_)
        return bodies.synced(bench.run_detail(synced.run), synced.proposals)

    return reply(await slowly(work))


@router.get(
    "/gitops_repositories/{id}/sync_runs",
    summary="The ticks of a repository, newest first",
    **documented(contract.Page[contract.RunBody], 404, verb=Workbench.runs),
)
def runs_of(
    asking: Asking, id_: Which, status: RunStatus | None = None, before: Before = None, limit: Limit = 100
) -> Response:
    bench = asking.may(Workbench.runs)
    name = bench.repository(id_).name
    return _runs(asking, name, status, before, limit)


@router.get(
    "/gitops_sync_runs",
    summary="Ticks, newest first",
    **documented(contract.Page[contract.RunBody], verb=Workbench.runs),
)
def list_runs(asking: Asking, status: RunStatus | None = None, before: Before = None, limit: Limit = 100) -> Response:
    return _runs(asking, None, status, before, limit)


@router.get(
    "/gitops_sync_runs/{id}",
    summary="One tick: what it found, opened, withheld and why, applied, and where it failed",
    **documented(contract.RunBody, 404, verb=Workbench.run, example="RUN"),
)
def one_run(asking: Asking, id_: Id) -> Response:
    bench = asking.may(Workbench.run)
    return reply(bodies.run(bench.run_detail(bench.run(id_))))


def _told(bench: Workbench, changed: Repository, before: Repository | None = None) -> contract.SettingsAnswer:
    """A repository whose settings were given, with what its owner has to know of it."""
    notes = [] if before is None else registry.dropped(before, changed)
    if waits := bench.credential_waits(changed.name):
        notes.append(f"{waits} Confirm it: POST gitops_repositories/{changed.id}/trust_credential.")
    return {"gitops_repository": bodies.repository(changed), "notes": notes}


def _runs(asking: Asking, repository: str | None, status: RunStatus | None, before: int | None, limit: int) -> Response:
    bench = asking.may(Workbench.runs)
    found, next_ = page_of(
        lambda most: bench.runs(repository=repository, status=status, before=before, limit=most), limit, lambda r: r.id
    )
    return reply(bodies.page([bodies.run(detail) for detail in bench.run_details(found)], next_))
