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
    f"branch, prefix or account, and replacing a host key also require {' and '.join(f'`{permission}`' for permission in DECIDING)}."
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
    """Settings of a repository; fields that are left out do not change."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    repo_url: Text = ""
    """https://…, ssh://… or git@host:path, without a credential."""
    account: Text = ""
    """The account that its fleet file describes."""
    branch: Text = "main"
    """Branch to follow."""
    path_prefix: Text = ""
    """Folder that contains fleet.yaml; empty: the top folder."""
    vault_credential_path: Text | None = None
    """Path of its credential in Vault; null: none."""
    ssh_host_key: Text | None = None
    """Key of the ssh host, as ssh-keyscan prints it; null: pinned at first use."""
    enabled: bool = True
    """Whether it has ticks."""

    def given(self) -> dict[str, Any]:
        """What was given, by the engine's names."""
        names = {"repo_url": "url"}
        return {names.get(name, name): getattr(self, name) for name in self.model_fields_set - {"name"}}


class NewRepository(RepositoryChanges):
    """A repository to register."""

    name: Text
    """Name of the repository in Fleet Workbench."""
    repo_url: Text
    """https://…, ssh://… or git@host:path, without a credential."""


class Registration(BaseModel):
    """The form of the runbook."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.REGISTRATION]})

    gitops_repository: NewRepository


class SeenCredential(BaseModel):
    """The credential and the host that a person has checked and confirms."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [examples.SEEN_CREDENTIAL]},
    )

    vault_credential_path: Text
    """The Vault path of the repository."""
    host: Text
    """Host and port of its URL, such as `git.example.com:443`."""


class ChangedRepository(BaseModel):
    """The form of the runbook."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [examples.CHANGES]})

    gitops_repository: RepositoryChanges


@router.get(
    "/gitops_repositories",
    summary="List repositories by name",
    **documented(contract.Page[contract.RepositoryBody], verb=Workbench.repositories),
)
def list_repositories(
    asking: Asking,
    after: Annotated[
        str | None, Query(description="Only names after this one: the `next` of the previous page.")
    ] = None,
    limit: Limit = 100,
) -> Response:
    found = [r for r in asking.may(Workbench.repositories).repositories() if after is None or r.name > after]
    items, next_ = page_of(lambda most: found[:most], limit, lambda r: r.name)
    return reply(bodies.page([bodies.repository(r) for r in items], next_))


@router.post(
    "/gitops_repositories",
    summary="Register a repository",
    description="Checks only the form of the values and does not connect to the remote. The first tick starts one interval later, or with `sync_now`. "
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
    summary="Get one repository",
    **documented(contract.RepositoryAnswer, 404, verb=Workbench.repository, example="REPOSITORY"),
)
def one_repository(asking: Asking, id_: Which) -> Response:
    answer: contract.RepositoryAnswer = {
        "gitops_repository": bodies.repository(asking.may(Workbench.repository).repository(id_))
    }
    return reply(answer)


@router.patch(
    "/gitops_repositories/{id}",
    summary="Change the settings of a repository; they take effect at the next tick",
    description="A URL with another host drops the credential path and the host key, unless you give them too. "
    "No run uses a credential that is not confirmed for its host: see trust_credential. " + DECIDES,
    **documented(contract.SettingsAnswer, 400, 404, 409, 413, verb=Workbench.change_repository, example="SETTINGS"),
)
def change(
    asking: Asking,
    id_: Which,
    body: ChangedRepository,
    release: Annotated[bool, Query(description="With another account: keep the resources in the old account.")] = False,
) -> Response:
    bench = asking.may(Workbench.change_repository)
    before = bench.repository(id_)
    changed = bench.change_repository(asking.actor, id_, body.gitops_repository.given(), release=release)
    return reply(_told(bench, changed, before))


@router.post(
    "/gitops_repositories/{id}/trust_credential",
    summary="Confirm that a repository's credential may be sent to its host",
    description=(
        "Requires a token for every account. Refused with FLEET-229 if the repository now has another credential or host, "
        "or if the settings do not allow its account to use the path."
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
    summary="Remove a repository",
    description="Withdraws its live proposals, and releases its resources or hands them over to a repository that also declares them; live state, runs and history are kept.",
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
    description="Returns the run and the proposals that it opened or reopened. The status is 200 also for a failed run, with the reason in its `error`.",
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
    summary="List the ticks of a repository, newest first",
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
    summary="List ticks, newest first",
    **documented(contract.Page[contract.RunBody], verb=Workbench.runs),
)
def list_runs(asking: Asking, status: RunStatus | None = None, before: Before = None, limit: Limit = 100) -> Response:
    return _runs(asking, None, status, before, limit)


@router.get(
    "/gitops_sync_runs/{id}",
    summary="Get one tick: what it found, opened, withheld (with reasons) and applied, and where it failed",
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
