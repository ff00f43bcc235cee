"""Which account may use which credential at which host, and who may use the Gitea token: the rules by themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.access.credentials import (
    Use,
    Verdict,
    check_gitea,
    judge,
    normal_path,
    read_accounts,
    read_grants,
    refused,
    split_path,
    unconfirmed,
)
from engine.errors import RefusedEdit
from engine.settings import Settings

HOST = "git.example.com:443"
ALLOWED, FIRST, UNCONFIRMED, REFUSED = Verdict.ALLOWED, Verdict.FIRST, Verdict.UNCONFIRMED, Verdict.REFUSED


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("secret/data/team/key", "secret/data/team/key"),
        ("secret/team/key", "secret/data/team/key"),
        ("kv/team/data/key", "kv/team/data/key"),
        ("kv/team/data/a/data/b", "kv/team/data/a/data/b"),
        ("secret/data", "secret/data/data"),
        ("data/x", "data/data/x"),
        ("Secret/Team", "Secret/data/Team"),
    ],
)
def test_a_path_has_one_normal_form_which_is_what_vault_is_asked_for(path: str, normal: str) -> None:
    assert normal_path(path) == normal == normal_path(normal)
    assert "{}/data/{}".format(*split_path(path)) == normal


COVERED = [
    ("acme=secret/data/acme/*", "acme", "secret/acme/key", True),
    ("acme=secret/acme/*", "acme", "secret/data/acme/key", True),
    ("acme=secret/data/acme/*", "acme", "secret/data/acme/deep/er/key", True),
    ("acme=secret/data/acme/*", "acme", "secret/data/acme", False),
    ("acme=secret/data/acme/*", "acme", "secret/data/acme2/key", False),
    ("acme=secret/data/acme/*", "zeta", "secret/data/acme/key", False),
    ("acme=secret/data/acme/*", "Acme", "secret/data/acme/key", False),
    ("acme=secret/data/acme/*", "acme", "secret/data/Acme/key", False),
    ("acme=secret/data/acme/*", "acme", "Secret/data/acme/key", False),
    ("acme=secret/data/acme/*", "acme", "secret/data/acme/data/key", True),
    ("acme=secret/data/acme/*", "acme", "secret/acme/data/key", False),  # of the mount secret/acme
    ("acme=secret/data/acme/*", "acme", "other/secret/data/acme/key", False),
    ("acme=kv/acme/data/*", "acme", "kv/acme/data/key", True),
    ("acme=kv/acme/data/*", "acme", "kv/acme/key", False),  # of the mount kv
    ("acme=kv/*/data/x", "acme", "kv/data/data/x", False),  # the mount kv again
    ("acme=kv/*/data/x", "acme", "kv/a/data/x", True),
    ("acme=*/data/acme/*", "acme", "kv/acme/key", True),
    ("acme=*/data/acme/*", "acme", "kv/deep/data/acme/key", False),
    ("acme=secret/data/*/key", "acme", "secret/data/a/key", True),
    ("acme=secret/data/*/key", "acme", "secret/data/a/b/key", False),
    ("acme=secret/data/a*", "acme", "secret/data/abc", True),
    ("acme=secret/data/a*", "acme", "secret/data/abc/d", False),
    ("acme=secret/data/a.c", "acme", "secret/data/abc", False),
    ("acme=*", "acme", "any/where/data/at/all", True),
    ("*=secret/data/shared/*", "zeta", "secret/shared/key", True),
    ("acme=secret/data/a;acme=secret/data/b\nzeta=secret/data/c", "acme", "secret/b", True),
    ("acme=secret/data/a;zeta=secret/data/b", "acme", "secret/b", False),
]


@pytest.mark.parametrize(("setting", "account", "path", "covered"), COVERED)
def test_a_grant_covers_the_paths_that_it_says(setting: str, account: str, path: str, covered: bool) -> None:
    use = Use(account, normal_path(path), HOST)
    assert judge(setting, {"acme", "zeta"}, {HOST}, use) is (ALLOWED if covered else REFUSED)


BOTH, ALONE = ("acme", "zeta"), ("acme",)
PATHS = "acme=secret/data/acme/*"


@pytest.mark.parametrize(
    ("setting", "accounts", "confirmed", "verdict"),
    [
        ("", ALONE, (), FIRST),
        ("", (), (), FIRST),
        ("", ALONE, (HOST,), ALLOWED),
        ("", ALONE, ("other:443",), UNCONFIRMED),
        ("", BOTH, (), REFUSED),
        ("", BOTH, (HOST,), REFUSED),
        ("", ("zeta",), (), REFUSED),
        (PATHS, ALONE, (), FIRST),
        (PATHS, BOTH, (), UNCONFIRMED),
        (PATHS, BOTH, (HOST,), ALLOWED),
        (PATHS, BOTH, ("git.example.com:8443",), UNCONFIRMED),
        (f"{PATHS}@git.example.com", BOTH, (), ALLOWED),
        (f"{PATHS}@GIT.example.com", BOTH, (), ALLOWED),
        (f"{PATHS}@git.example.com:443", BOTH, (), ALLOWED),
        (f"{PATHS}@git.example.com:8443", BOTH, (), UNCONFIRMED),
        (f"{PATHS}@example.com", BOTH, (), UNCONFIRMED),
        (f"{PATHS}@other.example", ALONE, (), UNCONFIRMED),  # the setting says which is the first
        (f"zeta={PATHS[5:]}@git.example.com;{PATHS}", BOTH, (), UNCONFIRMED),
    ],
)
def test_a_host_is_confirmed_by_somebody_or_by_the_setting_or_is_the_first_of_the_only_account(
    setting: str, accounts: tuple[str, ...], confirmed: tuple[str, ...], verdict: Verdict
) -> None:
    assert judge(setting, accounts, confirmed, Use("acme", "secret/data/acme/key", HOST)) is verdict


@pytest.mark.parametrize(
    "text",
    [
        "acme", "acme=", "=secret/data/x", "acme=secret", "acme=/secret/x", "acme=secret/x/", "acme=secret//x", "acme=secret/../x",
        "acme=secret/data/acme/*, zeta=secret/data/zeta/*", "acme=secret/a b", "acme=secret/%2e", "acme=secret/x?y", "acme=secret/**",
        "acme='secret/x'", "acme=secret/x@", "acme=secret/x@https://h", "acme=secret/x@h:0", "acme=secret/x@h:99999", "acme=secret/x@*.h",
        "a/b=secret/x", ";", "acme=secret/x=y", "acme=**",
    ],
)  # fmt: skip
def test_a_setting_that_is_not_understood_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedEdit, match="FLEET-602 FLEET_VAULT_PATHS"):
        Settings.from_environment(tmp_path, {"FLEET_VAULT_PATHS": text})


@pytest.mark.parametrize("account", ["acme", "north wind", "größe"])
@pytest.mark.parametrize("setting", ["", "zeta=secret/data/zeta/*"])
def test_the_line_to_paste_grants_what_was_refused_and_no_more(account: str, setting: str) -> None:
    use = Use(account, "secret/data/team/key", HOST)
    hint = refused(use, setting).hint
    line = hint.partition("FLEET_VAULT_PATHS='")[2].rstrip("'") or setting + hint.partition("restart it: ")[2]
    assert judge(line, {account, "zeta"}, {HOST}, use) is ALLOWED
    assert judge(line, {account, "zeta"}, {HOST}, Use(account, "secret/data/team/key2", HOST)) is REFUSED


@pytest.mark.parametrize(
    ("account", "path"),
    [
        ("evil", "secret/data/x;evil=*"),
        ("evil", "secret/data/*"),
        ("evil", "secret/data/x'$(reboot)'"),
        ("evil", "secret/data/x@evil.example"),
        ("evil=*;x", "secret/data/x"),
        ("*", "secret/data/x"),
    ],
)
def test_no_line_to_paste_is_made_of_what_would_grant_more(account: str, path: str) -> None:
    for setting in ("", "acme=secret/data/acme/*"):
        hint = refused(Use(account, path, HOST), setting).hint
        assert path not in hint
        assert account + "=" not in hint


def test_a_refusal_says_nothing_of_others_and_what_to_do_next() -> None:
    use = Use("acme", "secret/data/zeta/key", HOST)
    said = refused(use, "zeta=secret/data/zeta/*;northwind=secret/data/northwind/*")
    assert (said.code, "northwind" in str(said)) == ("FLEET-229", False)
    assert "fleet repo trust fc --credential" in unconfirmed(use, "fc").hint
    assert "trust '$(reboot)' --credential" in unconfirmed(use, "$(reboot)").hint


@pytest.mark.parametrize(
    ("setting", "accounts", "account", "taken"),
    [
        ("", ALONE, "acme", True),
        ("", (), "acme", True),
        ("", BOTH, "acme", False),
        ("", ALONE, "zeta", False),
        ("", BOTH, "*", True),
        ("acme", BOTH, "acme", True),
        ("acme, zeta", BOTH, "zeta", True),
        ("acme", BOTH, "zeta", False),
        ("zeta", ALONE, "acme", False),
        ("zeta", ALONE, "*", True),
        ("*", BOTH, "zeta", True),
    ],
)
def test_the_gitea_token_is_for_the_accounts_that_may_use_it(
    setting: str, accounts: tuple[str, ...], account: str, taken: bool
) -> None:
    def ask() -> bool:
        check_gitea(setting, accounts, account)
        return True

    if taken:
        assert ask()
        return
    with pytest.raises(RefusedEdit, match="FLEET-688") as caught:
        ask()
    assert f"FLEET_GITEA_ACCOUNTS='{account}'" in caught.value.hint


@pytest.mark.parametrize(
    ("variable", "text", "reads"),
    [("FLEET_GITEA_ACCOUNTS", text, read_accounts) for text in (",", "a/b", "a=b")]
    + [("FLEET_VAULT_PATHS", "acme", read_grants)],
)
def test_the_readers_of_settings_raise_what_the_settings_tell(
    variable: str, text: str, reads: Callable[[str], object], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        reads(text)
    with pytest.raises(RefusedEdit, match=f"FLEET-602 {variable}"):
        Settings.from_environment(tmp_path, {variable: text})
