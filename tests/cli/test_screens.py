"""What people see, as golden texts with times, commits and runs of blanks made alike; and that no text can be more than text."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.cli.session import IDS
from engine.phrases import clean, ranges
from tests.cli.conftest import Fleet
from tests.conftest import GitRepository

FILE = """version: 1
account: acme
modules:
  nginx:
    priority: 50
    config: {workers: 4}
nodes:
  app-01: {template: gone}
assignments:
  app-01:nginx: {}
"""

SCREENS = {
    "sync fc": """
Run 2 · success · fc · account acme
  COMMIT “Bring the fleet into git” by Ana Duarte
2 differences: ~ 2 update  = 1 unchanged
  +  ~  -  =
  modules  ·  1  ·  ·
  nodes  ·  1  ·  ·
  assignments  ·  ·  ·  1
1 proposal opened or reopened.

id  resource  status  cause  nodes  opened  what
 3  ~  modules/nginx  pending  live moved  1  AGO  config.workers 8 → 4

Withheld, missing reference: 1
  ~  nodes/app-01  refers to templates/gone, but templates/gone does not exist

Next: fleet show 3 · fleet approve 3
""",
    "show 3": """
Proposal 3 · pending · fc · acme · modules/nginx
~ Update module nginx: config.workers 8 → 4.

  field  base  live  desired
  config.workers  4  8  4

  cause  live moved: it was changed outside git (drift)
  refers to  nothing
  reaches  1 node
  commit  COMMIT “Bring the fleet into git” by Ana Duarte
  opened  AGO (TIME) by run 2
  by hand  changed by bob AGO: no note

  when  what  who  why
  AGO (TIME)  opened  ana

Next: fleet approve 3 · fleet reject 3 --reason "…"
""",
    "status": """
Needs you: 1 drifting resource.
fleet  3 resources in account acme, 2 owned by repositories
pending  ~ 1 update
  the oldest opened AGO
withheld  1 missing reference
drift  1 open

drifts  moved by  when  fields
modules/nginx  bob  AGO  config.workers

repository  last run  when  reached  pending  withheld
fc  success  AGO  AGO  1  1

Next: fleet drift · fleet proposals --status pending · fleet approve 3
""",
    "drift": """
resource  state  moved by  when  repository  proposal  base → live
modules/nginx  medium  bob  AGO  fc  3  config.workers 4 → 8

Next: fleet show 3 · fleet approve 3
Approve to go back to the state in git, or put the change into fleet.yaml to keep it.
""",
    "run show 2": """
Run 2 · success · fc · account acme
  COMMIT “Bring the fleet into git” by Ana Duarte
started by ana (manual), at AGO (TIME)
stages: sync MS, parse MS, diff MS, propose MS, apply MS
2 differences: ~ 2 update  = 1 unchanged
  +  ~  -  =
  modules  ·  1  ·  ·
  nodes  ·  1  ·  ·
  assignments  ·  ·  ·  1
1 proposal opened or reopened.

Opened or reopened, with their current status:
id  resource  status  cause  nodes  opened  what
 3  ~  modules/nginx  pending  live moved  1  AGO  config.workers 8 → 4

Withheld, missing reference: 1
  ~  nodes/app-01  refers to templates/gone, but templates/gone does not exist

Next: fleet approve 3
""",
    "approve 3": """
1 approved: 3

Next: fleet plan · fleet apply
""",
    "plan": """
1 step in 1 wave: ~ 1 update
  wave  id  resource  nodes  what
  1  3  ~  modules/nginx  1  config.workers 8 → 4

Next: fleet apply
""",
    "apply": """
1 applied: ~ 1 update
  ~ modules/nginx

Next: fleet sync fc · fleet status
""",
    "graph": """
Layer 0
  modules/nginx  in sync
  nodes/app-01  waiting
Layer 1
  assignments/app-01:nginx  in sync  → modules/nginx, nodes/app-01
""",
}
"""Each verb in turn, after bob has edited by hand what the first revision brought."""


def _alike(text: str) -> str:
    text = re.sub(r"\bnow\b|\b\d+ s ago\b", "AGO", text.replace("with their current status:", "as they stand NOW:"))
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", "TIME", text.replace("NOW:", "now:"))
    text = re.sub(r"\b[0-9a-f]{12}\b", "COMMIT", re.sub(r"\b\d+ ms\b", "MS", text))
    return re.sub(r"(?<=\S) {2,}", "  ", re.sub(r"^ {2,}", "  ", text, flags=re.MULTILINE))


def test_the_screens_are_as_designed(fleet: Fleet, git_repo: GitRepository) -> None:
    git_repo.push(FILE, subject="Bring the fleet into git")
    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    fleet("set", "nodes", "app-01")
    for verb in ("sync fc", "approve --all", "apply"):
        assert fleet(*verb.split()).code == 0
    fleet("set", "modules", "nginx", 'config={"workers": 8}', FLEET_ACTOR="bob")
    for verb, wanted in SCREENS.items():
        shown = fleet(*verb.split())
        assert (shown.code, shown.err) == (0, "")
        assert _alike(shown.out) == wanted.removeprefix("\n"), verb


def test_problems_are_shown_all_at_once_with_their_places(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("version: 1\naccount: yes\nnodez: {}\n")
    shown = fleet("validate", str(file))
    lines = shown.out.replace(str(tmp_path), "").splitlines()
    assert shown.code == 3
    assert [line.split()[:3] for line in lines if line.startswith("Problem")] == [
        ["Problem", "FLEET-115", "/fleet.yaml:2:10"],
        ["Problem", "FLEET-126", "/fleet.yaml:3:1"],
    ]
    assert lines[-1] == "2 problems; a tick would reject this file."


def test_a_command_that_is_proposed_names_the_home_it_was_given(fleet: Fleet, tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    assert fleet("status", "--home", other).out.endswith(
        f"Next: fleet --home {other} demo · fleet --home {other} repo add NAME https://git.example.com/team/fleet-config.git\n"
    )


HOSTILE = "\x1b]0;own\x07[red]r[/red] \u202e\u2066 |`<img src=x>` @ana #12 \\"


def test_hostile_text_of_repository_and_people_is_text_on_every_screen(
    fleet: Fleet, git_repo: GitRepository, tmp_path: Path
) -> None:
    quoted = '"' + "".join(f"\\u{ord(c):04x}" for c in HOSTILE) + '"'
    text = f"version: 1\naccount: acme\nnodes:\n  a: {{labels: {{{quoted}: {quoted}}}}}\n"
    author = "Eve \u202e[bold]x[/bold] <eve@example.com>"
    git_repo.push(text, subject="Sub \x1b[2J [red]ject[/red] \u202e", author=author)
    fleet("repo", "add", "fc", str(git_repo.path), "--account", "acme")
    fleet("set", "nodes", "a")
    verbs = ["sync fc", "proposals", "show 1", "run list", "run show 1", "repo check fc", "approve 1", "plan", "apply"]
    shown = "".join(fleet(*verb.split()).out for verb in verbs)
    refused_actor = fleet("set", "nodes", "a", "labels={}", FLEET_ACTOR=HOSTILE)
    assert "FLEET-602" in refused_actor.err
    actor = "[red]r[/red] |`<img src=x>` @ana #12 \\"
    fleet("set", "nodes", "a", "labels={}", FLEET_ACTOR=actor)
    fleet("sync", "fc")
    fleet("reject", "2", "--reason", HOSTILE, FLEET_ACTOR=actor)
    fleet("pause", "--reason", HOSTILE)
    refused = fleet("sync", "fc")
    later = ["show 2", "drift", "status", "drift --all", "graph", "graph --dot"]
    shown += refused_actor.err + refused.err + "".join(fleet(*verb.split()).out for verb in later)
    file = tmp_path / "fleet.yaml"
    file.write_text(text)
    shown += fleet("diff", str(file), "--account", "acme").out
    steering = {c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs"}} - {"\n"}
    assert not steering
    assert shown.count("[red]r[/red]") > 5
    assert "[bold]x[/bold]" in shown


def test_hostile_text_cannot_leave_its_cell_in_markdown(fleet: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    quoted = '"' + "".join(f"\\u{ord(c):04x}" for c in HOSTILE) + '"'
    file.write_text(f"version: 1\naccount: acme\nnodes:\n  a: {{labels: {{x: {quoted}}}}}\n")
    fleet("set", "nodes", "a", "--account", "acme")
    found = fleet("diff", str(file), "--account", "acme", "--markdown")
    (row,) = [line for line in found.out.splitlines() if "nodes/a" in line]
    assert found.code == 3
    assert "<img" not in row
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    outside = re.sub(r"<code>.*?</code>", "", row)
    assert outside == "| `~` |  |  |  |"
    assert not re.search(r"(?<!\\)[`@#\[\]]", re.sub(r"^\| `~`", "", row))


@given(st.text())
def test_no_text_steers_a_terminal(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in cleaned)


@given(st.sets(st.integers(min_value=0, max_value=10_000), min_size=1))
def test_ids_as_they_are_printed_read_back_as_the_same(ids: set[int]) -> None:
    read = [id_ for word in ranges(ids).split() for id_ in IDS.convert(word, None, None)]
    assert read == sorted(ids)


def test_a_command_to_type_next_quotes_what_it_names(fleet: Fleet, git_repo: GitRepository, tmp_path: Path) -> None:
    """Names that a shell would run are legal; whoever pastes a printed line must not run them."""
    name = "$(reboot)"
    git_repo.push(f'version: 1\naccount: "{name}"\nmodules: {{"{name}": {{}}}}\n')
    file = tmp_path / f"{name}.yaml"
    said = [
        fleet(*words)
        for words in (
            ("repo", "add", name, str(git_repo.path), "--account", name),
            ("repo", "show", name),
            ("repo", "check", name),
            ("repo", "set", name, "--branch", "main"),
            ("sync", name),
            ("reject", "1", "--reason", "no"),
            ("show", "1"),
            ("sync", name),
            ("approve", "1"),
            ("apply",),
            ("show", "1"),
            ("log", "modules", name, "--account", name),
            ("blame", "modules", name, "--account", name),
            ("set", "modules", name, "priority=2", "--account", name),
            ("pause", "--reason", "x", "--repo", name),
            ("status",),
            ("resume", "--repo", name),
            ("run", "show", "1"),
            ("export", "--account", name, "--out", str(file)),
            ("validate", str(file)),
        )
    ]
    assert [each.code for each in said] == [0] * len(said), [each.err for each in said if each.code]
    nexts = [line for each in said for line in each.out.splitlines() if line.startswith("Next:")]
    assert sum(name in line for line in nexts) >= 10, "most of them name something"
    for line in nexts:
        assert re.sub(r"'[^']*'", "", line).count(name) == 0, line
