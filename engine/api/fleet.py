"""`system/fleet`: the live fleet, read and edited by hand, and as a file."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Header, Path, Query, Response

from engine.api import routing
from engine.api.access import Asking, Before, Limit
from engine.api.routing import Moment, also_created, as_file, documented, reply
from engine.errors import RefusedEdit
from engine.model import ResourceKey
from engine.present import bodies, contract
from engine.workbench import Workbench
from engine.workbench.blame import logged
from engine.workbench.edits import no_resource
from engine.workbench.reader import page_of

router = routing.router("fleet")

Section = Annotated[str, Path(description="A section of the fleet file, such as modules.", max_length=255)]
Name = Annotated[str, Path(description="The resource's name.", max_length=1024)]
Note = Annotated[str | None, Query(description="Reason; stored with the version.", max_length=10_000)]
IfMatch = Annotated[
    str | None,
    Header(description='Write only if the resource has this version: the ETag of an earlier answer, such as `"3"`.'),
]


@router.get(
    "/fleet.yaml",
    summary="Get the fleet as a canonical fleet.yaml, for now or for a past time",
    response_class=Response,
    **as_file(documented(None, 404, 409, verb=Workbench.export), "application/yaml"),
)
def fleet_yaml(
    asking: Asking,
    repository: Annotated[str | None, Query(description="Only resources that this repository owns.")] = None,
    unmanaged: Annotated[bool, Query(description="Only resources that no repository owns.")] = False,
    at: Annotated[Moment | None, Query(description="State at this time; UTC if it has no time zone.")] = None,
) -> Response:
    bench = asking.may(Workbench.export)
    account = bench.account(None)
    if repository is not None:
        if unmanaged:
            raise RefusedEdit("FLEET-646", "repository and unmanaged exclude each other.", "Give only one of them.")
        account = bench.repository(repository).account
    text = bench.export(account=account, repository=repository, unmanaged=unmanaged, at=at)
    return Response(text, media_type="application/yaml")


@router.get(
    "/fleet/{section}",
    summary="List the live resources of a section by name",
    **documented(contract.Page[contract.ResourceBody], 404, verb=Workbench.resources),
)
def list_resources(
    asking: Asking,
    section: Section,
    after: Annotated[str | None, Query(description="The `next` of the previous page.", max_length=2048)] = None,
    limit: Limit = 100,
) -> Response:
    bench = asking.may(Workbench.resources)
    bench.kind(section)
    found, next_ = page_of(
        lambda most: bench.resources(kind=section, after=after, limit=most), limit, lambda r: r.key.text
    )
    return reply(bodies.page([bodies.resource(r) for r in found], next_))


@router.get(
    "/fleet/{section}/{name}",
    summary="Get one live resource",
    **documented(contract.ResourceBody, 404, verb=Workbench.resource, example="RESOURCE"),
)
def one_resource(asking: Asking, section: Section, name: Name) -> Response:
    bench = asking.may(Workbench.resource)
    bench.kind(section)
    found = bench.resource(ResourceKey(bench.account(None), section, name))
    return reply(bodies.resource(found), ETag=f'"{found.version}"')


@router.get(
    "/fleet/{section}/{name}/history",
    summary="List the versions of a resource with their changes, newest first",
    description="Works for deleted resources too.",
    **documented(contract.Page[contract.VersionBody], 404, verb=Workbench.history),
)
def history(asking: Asking, section: Section, name: Name, before: Before = None, limit: Limit = 100) -> Response:
    bench = asking.may(Workbench.history)
    bench.kind(section)
    key = ResourceKey(bench.account(None), section, name)
    found = bench.history(key, limit + 1, before=before)
    if not found and before is None:
        raise no_resource(key)
    rows = logged(found)[:limit]
    return reply(bodies.page([bodies.version(v, c) for v, c in rows], rows[-1][0].seq if len(found) > limit else None))


@router.get(
    "/fleet/{section}/{name}/blame",
    summary="Get for each value of a live resource when, by whom, and by which proposal and commit it was set",
    **documented(contract.Page[contract.BlameBody], 404, verb=Workbench.blame),
)
def blame(asking: Asking, section: Section, name: Name) -> Response:
    bench = asking.may(Workbench.blame)
    bench.kind(section)
    key = ResourceKey(bench.account(None), section, name)
    bench.resource(key)
    return reply(bodies.page([bodies.blamed(b) for b in bench.blame(key)], None))


@router.put(
    "/fleet/{section}/{name}",
    summary="Create a live resource, or change only the given fields",
    description="An operator edit outside git: the next tick of the repository that owns the resource shows it as drift.",
    **also_created(
        documented(contract.ResourceBody, 400, 404, 409, 412, 413, verb=Workbench.set_resource, example="RESOURCE")
    ),
)
def put_resource(
    asking: Asking,
    section: Section,
    name: Name,
    fields: Annotated[dict[str, Any], Body(description="Fields and their values.", examples=[{"priority": 60}])],
    note: Note = None,
    if_match: IfMatch = None,
) -> Response:
    bench = asking.may(Workbench.set_resource)
    key = ResourceKey(bench.account(None), section, name)
    said, _ = bench.set_resource(asking.actor, key, fields, note=note, seen_version=_version(if_match))
    found = bench.resource(key)
    return reply(bodies.resource(found), 201 if said == "created" else 200, ETag=f'"{found.version}"')


@router.delete(
    "/fleet/{section}/{name}",
    summary="Delete a resource from the live fleet",
    description="Refused while other resources refer to it; the error names them. Its history is kept.",
    **documented(contract.DeletedResource, 404, 409, 412, verb=Workbench.delete_resource),
)
def delete_resource(
    asking: Asking, section: Section, name: Name, note: Note = None, if_match: IfMatch = None
) -> Response:
    bench = asking.may(Workbench.delete_resource)
    key = ResourceKey(bench.account(None), section, name)
    version = bench.delete_resource(asking.actor, key, note=note, seen_version=_version(if_match))
    answer: contract.DeletedResource = {
        "account": key.account, "kind": key.kind, "name": key.name, "version": version, "deleted": True,
    }  # fmt: skip
    return reply(answer)


def _version(if_match: str | None) -> int | None:
    """The version that an If-Match header names. Raises: RefusedEdit FLEET-646."""
    if if_match is None:
        return None
    digits = if_match.strip().strip('"')
    if not digits.isdecimal() or len(digits) > 18:
        raise RefusedEdit(
            "FLEET-646", "header.if-match: this is not a version.", 'Send the ETag of an earlier answer, such as "3".'
        )
    return int(digits)
