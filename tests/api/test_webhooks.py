"""Webhooks: whose are taken, what follows from them, and that nothing odd in them does harm."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import AccessDenied, FleetError
from engine.model import Repository
from engine.server import service
from engine.server.service import Service
from engine.server.webhooks import Provider, Push, check, concerns, read
from engine.workbench import Workbench
from tests.api.conftest import ME, Api
from tests.conftest import GitRepository

SECRET = "a secret of the hosts"
EXAMPLES = "https://registry.npmjs.org/@octokit/webhooks-examples/-/webhooks-examples-7.6.1.tgz"
EXAMPLES_SHA512 = "De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ=="
KEPT = Path(__file__).resolve().parents[2] / ".pytest_cache" / "webhooks-examples-7.6.1.tgz"

GITEA = {
    "ref": "refs/heads/develop",
    "before": "28e1879d029cb852e4844d9c718537df08844e03",
    "after": "bffeb74224043ba2feb48d137756c8a9331c449a",
    "compare_url": "http://localhost:3000/gitea/webhooks/compare/28e1879d029c...bffeb7422404",
    "commits": [{"id": "bffeb74224043ba2feb48d137756c8a9331c449a", "message": "Webhooks Yay!", "timestamp": "2017-03-13T13:52:11-04:00"}],
    "repository": {
        "id": 140,
        "name": "webhooks",
        "full_name": "gitea/webhooks",
        "private": False,
        "html_url": "http://localhost:3000/gitea/webhooks",
        "ssh_url": "ssh://gitea@localhost:2222/gitea/webhooks.git",
        "clone_url": "http://localhost:3000/gitea/webhooks.git",
        "default_branch": "master",
    },
    "pusher": {"id": 1, "login": "gitea"},
    "sender": {"id": 1, "login": "gitea"},
}  # fmt: skip
"""A push as Gitea's documentation shows it, without what nobody reads."""

GITLAB = {
    "object_kind": "push",
    "event_name": "push",
    "before": "95790bf891e76fee5e1747ab589903a6a1f80f22",
    "after": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
    "ref": "refs/heads/master",
    "checkout_sha": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
    "user_name": "John Smith",
    "project_id": 15,
    "project": {
        "id": 15,
        "name": "Diaspora",
        "web_url": "http://example.com/mike/diaspora",
        "git_ssh_url": "git@example.com:mike/diaspora.git",
        "git_http_url": "http://example.com/mike/diaspora.git",
        "path_with_namespace": "mike/diaspora",
        "default_branch": "master",
    },
    "repository": {
        "name": "Diaspora",
        "url": "git@example.com:mike/diaspora.git",
        "homepage": "http://example.com/mike/diaspora",
        "git_http_url": "http://example.com/mike/diaspora.git",
        "git_ssh_url": "git@example.com:mike/diaspora.git",
    },
    "commits": [],
    "total_commits_count": 4,
}
"""A push as GitLab's documentation shows it, without what nobody reads."""


@cache
def github_examples() -> dict[str, list[dict[str, Any]]]:
    """Real payloads by event, as the npm package ships them; fetched once from the registry and held against their digest."""
    if not KEPT.exists():
        answer = requests.get(EXAMPLES, timeout=60)
        answer.raise_for_status()
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_bytes(answer.content)
    data = KEPT.read_bytes()
    assert base64.b64encode(hashlib.sha512(data).digest()).decode() == EXAMPLES_SHA512
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        file = archive.extractfile("package/api.github.com/index.json")
        assert file is not None
        return {each["name"]: each["examples"] for each in json.load(file)}


def signed(provider: str, body: bytes, event: str = "push", secret: str = SECRET) -> dict[str, str]:
    """The headers with which a host sends a body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "github": {"X-GitHub-Event": event, "X-GitHub-Delivery": "72d3162e", "X-Hub-Signature-256": f"sha256={digest}"},
        "gitea": {"X-Gitea-Event": event, "X-Gitea-Delivery": "f6266f16", "X-Gitea-Signature": digest},
        "gitlab": {"X-Gitlab-Event": "Push Hook" if event == "push" else event, "X-Gitlab-Event-UUID": "13792a34", "X-Gitlab-Token": secret},
    }[provider] | {"Content-Type": "application/json"}  # fmt: skip


def send(address: str, provider: str, payload: Any, **options: Any) -> requests.Response:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    headers = signed(provider, body, **options)
    return requests.post(f"{address}/api/v1/webhooks/{provider}", data=body, headers=headers, timeout=30)


@pytest.fixture
def hooked(workbench: Workbench, serving: Service, address: str) -> Iterator[str]:
    """Where webhooks are taken; the scheduler is awake, its rounds are far away."""
    workbench.settings = replace(
        workbench.settings, webhook_secret=SECRET, git_timeout_s=2, remote_hosts="*, localhost"
    )
    serving.scheduler.start()
    yield address
    workbench.stop()
    serving.scheduler.stop()


PUSHES = {
    "github": ("https://github.com/Codertocat/Hello-World.git", "master", lambda: github_examples()["push"][4]),
    "gitea": ("ssh://gitea@localhost:2222/gitea/webhooks.git", "develop", lambda: GITEA),
    "gitlab": ("git@example.com:mike/diaspora.git", "master", lambda: GITLAB),
}


@pytest.mark.parametrize("provider", PUSHES)
def test_a_push_to_the_followed_branch_asks_for_a_tick(workbench: Workbench, hooked: str, provider: str) -> None:
    url, branch, payload = PUSHES[provider]
    workbench.add_repository(ME, "followed", url, branch=branch, account="acme")
    workbench.add_repository(ME, "other-branch", url, branch="other", account="acme")
    workbench.add_repository(ME, "other-repo", url.replace(".git", "x.git"), branch=branch, account="acme")
    answer = send(hooked, provider, payload())
    assert (answer.status_code, answer.json()) == (
        202, {"accepted": True, "repositories": ["followed"], "detail": "followed: tick requested."},
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not (runs := workbench.runs(repository="followed")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (runs[0].trigger, runs[0].actor, runs[0].request_id) == (
        "webhook",
        f"webhook:{provider}",
        answer.headers["X-Request-Id"],
    )
    (delivery,) = workbench.deliveries("followed")
    assert (delivery.provider, delivery.revision, delivery.outcome) == (provider, payload()["after"], "tick requested")
    assert workbench.deliveries("other-branch") == []


def test_ten_pushes_in_a_second_are_one_tick_and_one_after_it_another(
    workbench: Workbench, hooked: str, git_repo: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench.add_repository(ME, "fc", str(git_repo.path), account="acme")
    monkeypatch.setattr("engine.server.webhooks.place", lambda url: ("", str(git_repo.path)) if url else ("", ""))
    payload = {"ref": "refs/heads/main", "after": "a" * 40, "repository": {"clone_url": "https://x.example/y"}}
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}}\n")
    answers = [send(hooked, "github", payload).json()["detail"] for _ in range(10)]
    assert answers == ["fc: tick requested.", *["fc: tick already requested."] * 9]
    deadline = time.monotonic() + 20
    while len(workbench.runs()) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.5)
    assert [run.opened for run in workbench.runs()] == [1]
    git_repo.push("version: 1\naccount: acme\nmodules: {m: {}, n: {}}\n")
    with workbench._alone(ME, "fc"):  # somebody else's tick is going on, and has fetched already
        send(hooked, "github", payload)
        time.sleep(2)
    while len(workbench.runs()) < 2 or workbench.runs()[0].finished_at is None:
        assert time.monotonic() < deadline + 20
        time.sleep(0.05)
    assert [run.opened for run in workbench.runs()] == [1, 1], "the push came after that fetch, so it has its own tick"
    assert len(workbench.deliveries("fc")) == 11


def test_what_is_paused_or_disabled_is_said_and_not_ticked(workbench: Workbench, hooked: str) -> None:
    url, branch, payload = PUSHES["gitea"]
    workbench.add_repository(ME, "held", url, branch=branch, account="acme")
    workbench.add_repository(ME, "off", url, branch=branch, account="acme", enabled=False)
    workbench.pause(ME, "freeze", "held")
    answer = send(hooked, "gitea", payload())
    assert (answer.status_code, answer.json()["detail"]) == (200, "held: paused, no tick; off: disabled, no tick.")


@pytest.mark.parametrize("provider", PUSHES)
def test_without_the_secret_nothing_is_read(
    workbench: Workbench, hooked: str, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(*_: object) -> Push:
        raise AssertionError("read before it was checked")

    monkeypatch.setattr("engine.server.webhooks.read", reading)
    body = json.dumps(PUSHES[provider][2]()).encode()
    good = signed(provider, body)
    address = f"{hooked}/api/v1/webhooks/{provider}"
    for headers in (
        signed(provider, body, secret="another"),
        signed(provider, body + b" ") if provider != "gitlab" else {**good, "X-Gitlab-Token": SECRET[:-1]},
        {"Content-Type": "application/json"},
        {name: text.upper() if "Signature" in name or "Token" in name else text for name, text in good.items()},
    ):
        answer = requests.post(address, data=body, headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (401, "FLEET-685")
    workbench.settings = replace(workbench.settings, webhook_secret="")
    answer = requests.post(address, data=body, headers=good, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (503, "FLEET-680")


def test_bodies_are_capped_and_unknown_hosts_are_not_there(hooked: str) -> None:
    big = b'{"x": "' + b"y" * (25 * 1_048_576) + b'"}'
    assert send(hooked, "github", big).status_code == 413
    pieces = (b"x" * 1_048_576 for _ in range(27))
    answer = requests.post(f"{hooked}/api/v1/webhooks/github", data=pieces, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (413, "FLEET-644")
    middling = b'{"x": "' + b"y" * (6 * 1_048_576) + b'"}'
    assert send(hooked, "github", middling).status_code == 200
    assert requests.post(f"{hooked}/api/v1/webhooks/bitbucket", data=b"{}", timeout=30).status_code == 404


def test_every_event_that_github_knows_is_answered_and_only_pushes_of_branches_count(
    workbench: Workbench, hooked: str
) -> None:
    workbench.add_repository(ME, "hello", "git@github.com:codertocat/hello-world", branch="master", account="acme")
    taken = 0
    for event, examples in github_examples().items():
        for payload in examples:
            answer = send(hooked, "github", payload, event=event)
            assert answer.status_code in {200, 202}, (event, answer.text)
            moved = event == "push" and payload["ref"] == "refs/heads/master"
            assert answer.json()["accepted"] == moved, (event, answer.text)
            taken += moved
    assert taken >= 2


def test_a_form_as_github_sends_by_default_is_read_too(workbench: Workbench, hooked: str) -> None:
    url, branch, payload = PUSHES["github"]
    workbench.add_repository(ME, "followed", url, branch=branch, account="acme")
    body = urlencode({"payload": json.dumps(payload())}).encode()
    headers = signed("github", body) | {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(f"{hooked}/api/v1/webhooks/github", data=body, headers=headers, timeout=30)
    assert answer.json()["repositories"] == ["followed"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"\xff", b'{"ref": "\\ud800"}', b"1" * 10_000, b"[" * 100_000, b'"x"']
)
def test_what_is_no_object_is_refused(hooked: str, body: bytes) -> None:
    answer = send(hooked, "github", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "FLEET-686")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    provider=st.sampled_from(list(Provider)),
    ref=JSON | st.just("refs/heads/main"),
    after=JSON,
    repository=JSON
    | st.dictionaries(
        st.sampled_from(["clone_url", "ssh_url", "html_url", "url"]), JSON | st.just("https://h.example/x/y.git")
    ),
    project=JSON,
)
def test_odd_fields_are_passed_over(provider: Provider, ref: Any, after: Any, repository: Any, project: Any) -> None:
    body = json.dumps({"ref": ref, "after": after, "repository": repository, "project": project}).encode()
    event = {f"x-{provider}-event": "push"}
    push = read(provider, event, body)
    follows = Repository(1, "fc", "acme", "git@h.example:x/y", branch="main")
    named = [each.get(n) for each in (repository, project) if isinstance(each, dict) for n in ("clone_url", "ssh_url", "html_url", "url", "git_url", "git_http_url", "git_ssh_url", "web_url")]  # fmt: skip
    assert concerns(push, follows) == (ref == "refs/heads/main" and "https://h.example/x/y.git" in named)


@given(body=st.binary(max_size=200), headers=st.dictionaries(st.sampled_from(["x-github-event", "x-hub-signature-256", "content-type", "x-gitlab-token", "x-gitea-signature"]), st.text(max_size=30)))  # fmt: skip
def test_any_bytes_end_in_a_coded_refusal_or_a_reading(body: bytes, headers: dict[str, str]) -> None:
    for provider in Provider:
        with pytest.raises(AccessDenied, match="FLEET-685"):
            check(provider, headers, body, SECRET)
        try:
            read(provider, headers, body)
        except FleetError as error:
            assert error.code == "FLEET-686"


@pytest.mark.parametrize(
    ("registered", "said", "same"),
    [
        ("git@github.com:Acme/Fleet.git", "https://github.com/acme/fleet", True),
        ("ssh://git@h.example:2222/acme/fleet.git", "git@h.example:acme/fleet.git", True),
        ("https://h.example/acme/fleet", "https://h.example/acme/fleet.git/", True),
        ("ssh://git@ssh.github.com:443/acme/fleet.git", "https://github.com/acme/fleet", True),
        ("ssh://git@altssh.gitlab.com:443/acme/fleet.git", "https://gitlab.com/acme/fleet", True),
        ("https://h.example/acme/fleet%2Dconfig", "https://h.example/acme/fleet-config", True),
        ("https://h.example/acme/fleet", "https://evil.example/acme/fleet", False),
        ("https://h.example/acme/fleet", "https://h.example/acme/fleet-2", False),
        ("https://h.example/acme/fleet", "https://h.example@evil.example/acme/fleet", False),
        ("https://h.example/acme/fleet", "not an address", False),
    ],
)
def test_an_address_means_the_same_repository_however_it_is_written(registered: str, said: str, same: bool) -> None:
    body = json.dumps({"ref": "refs/heads/main", "repository": {"clone_url": said}}).encode()
    push = read(Provider.GITHUB, {"x-github-event": "push"}, body)
    assert concerns(push, Repository(1, "fc", "acme", registered)) is same


def test_what_did_not_fit_is_said(workbench: Workbench, hooked: str) -> None:
    workbench.add_repository(ME, "followed", "https://h.example/acme/fleet.git", branch="main", account="acme")
    for url, branch, said in (
        ("https://h.example/acme/fleet", "next", "The push is to next; followed follows main."),
        ("https://h.example/acme/other", "main", "No registered repository has this address."),
    ):
        answer = send(hooked, "github", {"ref": f"refs/heads/{branch}", "repository": {"clone_url": url}})
        assert answer.json()["accepted"] is False
        assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-gitlab-event": "System Hook"}, {"event_name": "push"}),
        ({"x-gitlab-event": "Push Hook", "content-type": "Application/JSON"}, {}),
        ({"x-github-event": "push", "content-type": "application/X-WWW-form-urlencoded"}, {}),
    ],
)
def test_spellings_of_one_push_are_that_push(headers: dict[str, str], body: dict[str, str]) -> None:
    said = json.dumps(
        {**body, "ref": "refs/heads/main", "project": {"git_http_url": "https://h.example/a/b.git"}}
    ).encode()
    sent = (
        b"payload=" + quote(said.decode()).encode()
        if "form" in headers.get("content-type", "")
        else b"\xef\xbb\xbf" + said
    )
    provider = Provider.GITHUB if "x-github-event" in headers else Provider.GITLAB
    assert concerns(read(provider, headers, sent), Repository(1, "fc", "acme", "https://h.example/a/b"))


def test_a_system_hook_that_is_no_push_says_what_it_is() -> None:
    push = read(Provider.GITLAB, {"x-gitlab-event": "System Hook"}, b'{"event_name": "project_create"}')
    assert push.event == "project_create"


def test_the_newest_twenty_deliveries_are_kept(workbench: Workbench) -> None:
    workbench.add_repository(ME, "fc", "https://h.example/x", account="acme")
    workbench.add_repository(ME, "other", "https://h.example/y", account="acme")
    workbench.note_deliveries("github", "first", None, [(2, "tick requested")])
    for number in range(30):
        workbench.note_deliveries("github", str(number), None, [(1, "tick requested")])
    assert [d.delivery for d in workbench.deliveries("fc")] == [str(n) for n in range(29, 9, -1)]
    assert [d.delivery for d in workbench.deliveries("other")] == ["first"]


def test_webhooks_stand_in_the_description_without_a_token(call: Api) -> None:
    route = call.bearing(None)("GET", "/api/openapi.json").json()["paths"]["/v1/webhooks/{provider}"]["post"]
    assert "security" not in route
    assert service.running() is not None


@pytest.mark.parametrize("provider", PUSHES)
@pytest.mark.parametrize("changes", [{"after": "0" * 40}, {"after": "0" * 64}, {"deleted": True}])
def test_a_branch_that_was_deleted_asks_for_no_tick(
    workbench: Workbench, hooked: str, provider: str, changes: dict[str, Any]
) -> None:
    url, branch, payload = PUSHES[provider]
    workbench.add_repository(ME, "followed", url, branch=branch, account="acme")
    answer = send(hooked, provider, payload() | changes)
    assert (answer.status_code, answer.json()["accepted"], answer.json()["repositories"]) == (200, False, [])
    assert "deleted" in answer.json()["detail"]


@pytest.mark.parametrize(
    "fields", ["&".join(f"f{n}=1" for n in range(11)), "&" * 5_000, "payload=%ff%fe", "payload=[]&" * 11, "=", ""]
)
@pytest.mark.parametrize("provider", PUSHES)
def test_a_form_of_any_shape_is_refused_with_a_code(hooked: str, provider: str, fields: str) -> None:
    headers = signed(provider, fields.encode()) | {"Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(f"{hooked}/api/v1/webhooks/{provider}", data=fields, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (422, "FLEET-686")
