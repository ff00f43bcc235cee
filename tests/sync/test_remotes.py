"""Which URLs, branches and prefixes are taken: every hostile form is refused by its shape alone, quickly."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RefusedEdit
from engine.flow.sync import check_branch, check_prefix, check_url, commit_page, shown_url


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/acme/fleet.git",
        "https://git.example.com:8443/acme/fleet.git",
        "https://[2001:db8::1]/x.git",
        "ssh://git@git.example.com/acme/fleet.git",
        "ssh://git@git.example.com:2222/acme/fleet.git",
        "git@git.example.com:acme/fleet.git",
        "git@git.example.com:/srv/fleet.git",
    ],
)
def test_https_and_ssh_are_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "FLEET-611"),
        ("ext::sh -c id", "FLEET-611"),
        ("ext::sh", "FLEET-611"),
        ("git::https://host/x", "FLEET-611"),
        ("git://host/x", "FLEET-611"),
        ("http://host/x", "FLEET-611"),
        ("ftp://host/x", "FLEET-611"),
        ("--upload-pack=touch /tmp/x", "FLEET-611"),
        ("-oProxyCommand=x@host:path", "FLEET-611"),
        ("ssh://-oProxyCommand=x/path", "FLEET-611"),
        ("git@-oProxyCommand=x:path", "FLEET-611"),
        ("https://host/x\nhttps://other/x", "FLEET-611"),
        ("https://host/x\0", "FLEET-611"),
        ("https://host", "FLEET-611"),
        ("https://host/x?y=z", "FLEET-611"),
        ("https://host:99999/x", "FLEET-611"),
        ("https://hо\u0441t/x", "FLEET-611"),
        ("https://host\u202e/x", "FLEET-611"),
        ("https:///x", "FLEET-611"),
        ("https://user:pass@host/x", "FLEET-612"),
        ("https://token@host/x", "FLEET-612"),
        ("https://:pass@host/x", "FLEET-612"),
        ("ssh://git:pass@host/x", "FLEET-612"),
        ("/srv/fleet.git", "FLEET-613"),
        ("file:///srv/fleet.git", "FLEET-613"),
        ("../fleet.git", "FLEET-613"),
        ("fleet.git", "FLEET-611"),
        ("https://" + "a" * 3000 + "/x", "FLEET-611"),
    ],
)  # fmt: skip
def test_every_other_form_is_refused(url: str, code: str) -> None:
    with pytest.raises(RefusedEdit, match=code) as caught:
        check_url(url)
    assert "pass" not in caught.value.message.replace("pass it", "")


def test_a_local_path_is_taken_where_it_is_allowed(tmp_path: Path) -> None:
    check_url(str(tmp_path), allow_local=True)
    check_url(str(tmp_path / "demo" / "x"), local_root=tmp_path / "demo")
    with pytest.raises(RefusedEdit, match="FLEET-613"):
        check_url(str(tmp_path / "demo" / ".." / "x"), local_root=tmp_path / "demo")


@pytest.mark.parametrize("branch", ["main", "release/2026-11", "feature/a.b", "v1.0", "ünï"])
def test_branch_names_are_taken(branch: str) -> None:
    check_branch(branch)


@pytest.mark.parametrize(
    "branch", ["", "--orphan", "..", "a..b", "refs/../x", "refs/heads/x", "a b", "a\n", "a\0", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b", "a.lock", "a.", ".a", "x/.y", "@", "a@{1}", "b" * 300]
)  # fmt: skip
def test_other_branch_names_are_refused(branch: str) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-614"):
        check_branch(branch)


@pytest.mark.parametrize(
    ("prefix", "kept"), [("", ""), ("prod", "prod"), ("environments/prod/", "environments/prod"), ("a b", "a b")]
)
def test_prefixes_are_taken(prefix: str, kept: str) -> None:
    assert check_prefix(prefix) == kept


@pytest.mark.parametrize(
    "prefix",
    ["..", "a/../b", "/etc", "a\\b", "%2e%2e", "a\0", "./a", "a//b", ".git", "x/.git/y", "\u202ea", "a" * 2000],
)
def test_other_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-615"):
        check_prefix(prefix)


@given(st.text())
def test_any_text_is_taken_or_refused_with_a_code(text: str) -> None:
    for check in (check_url, check_branch, check_prefix):
        try:
            check(text)
        except RefusedEdit as error:
            assert error.code.startswith("FLEET-61")


def test_a_shown_url_has_no_user_information() -> None:
    assert shown_url("https://token@host/x") == "https://host/x"
    assert shown_url("https://user:pass@host/x") == "https://host/x"
    assert shown_url("ssh://git:pass@host/x") == "ssh://host/x"
    assert shown_url("ssh://git@host/x") == "ssh://git@host/x", "the user name of ssh is part of the address"
    assert shown_url("git@host:x") == "git@host:x"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://github.com/Acme/fleet.git", "https://github.com/Acme/fleet/commit/{}"),
        ("git@github.com:acme/fleet.git", "https://github.com/acme/fleet/commit/{}"),
        ("ssh://git@ssh.github.com:443/acme/fleet.git", "https://github.com/acme/fleet/commit/{}"),
        ("https://gitea.example.com:3000/a/b/", "https://gitea.example.com:3000/a/b/commit/{}"),
        (
            "ssh://git@gitlab.example.com:2222/group/sub/fleet.git",
            "https://gitlab.example.com/group/sub/fleet/commit/{}",
        ),
        ("http://10.0.0.5/a/b.git", "http://10.0.0.5/a/b/commit/{}"),
        ("git@bitbucket.org:acme/fleet.git", "https://bitbucket.org/acme/fleet/commits/{}"),
        ('https://git.example.com/a b"<x>/c', "https://git.example.com/a%20b%22%3Cx%3E/c/commit/{}"),
        ("/srv/git/fleet", None),
        ("file:///srv/git/fleet", None),
        ("", None),
    ],
)
def test_a_commit_has_a_page_at_the_host_of_its_remote(url: str, page: str | None) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    assert commit_page(url, revision) == (page and page.format(revision))
    assert commit_page(url, 'main"><script>') is None
