"""The files for operation in `data/deploy/`: each is read by what would read it, as far as that is here, and names what exists."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cli import cli
from engine.settings import ACCESS, SERVING, SETTINGS, Settings
from tests.documentation import ROOT, block, metrics, page

FOLDER = ROOT / "data" / "deploy"
OF_EVERY_PROCESS = {"process_resident_memory_bytes", "process_open_fds", "process_max_fds"}
VARIABLES = {setting.variable for group in (SETTINGS, ACCESS, SERVING) for setting in group.values()} | {"FLEET_HOME"}


def test_every_file_is_named_by_the_documentation() -> None:
    for path in FOLDER.iterdir():
        assert path.name in page("service") + page("monitoring"), path.name


def test_every_setting_that_is_named_exists() -> None:
    for path in FOLDER.iterdir():
        assert set(re.findall(r"\b(?:FLEET|VAULT)_[A-Z_]*[A-Z]\b", path.read_text())) <= VARIABLES, path.name


def test_the_settings_of_the_service_are_right() -> None:
    lines = [line.partition("=") for line in _text("fleet.env").splitlines() if line and not line.startswith("#")]
    given = {name: value for name, _, value in lines}
    assert all(not value.startswith(("'", '"')) for value in given.values()), "podman takes quotes as they are"
    settings = Settings.from_environment("/nowhere", {**given, "FLEET_OIDC_CLIENT_SECRET": "secret"})
    assert settings.signs_in
    (config,) = [each for each in _manifest() if each["kind"] == "ConfigMap"]
    (secret,) = [each for each in _manifest() if each["kind"] == "Secret"]
    assert Settings.from_environment("/nowhere", {**config["data"], **secret["stringData"]}).signs_in


def _text(name: str) -> str:
    return (FOLDER / name).read_text()


# Figures


def _named(expression: str) -> set[str]:
    """The metrics that a query names, as the endpoint has them."""
    names = set(re.findall(r"\b(?:fleet|process)_[a-z_]+\b", re.sub(r'"[^"]*"', "", expression)))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def _labels(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric that a query narrows, with the labels that it narrows by."""
    for name, inside in re.findall(r"\b(fleet_[a-z_]+)\{([^}]*)\}", expression):
        yield name, set(re.findall(r"(\w+)\s*[=!]", inside))


def _expressions() -> list[str]:
    rules = yaml.safe_load(_text("prometheus-rules.yaml"))
    dashboard = json.loads(_text("grafana-dashboard.json"))
    return [
        *(rule["expr"] for group in rules["groups"] for rule in group["rules"]),
        *(target["expr"] for panel in dashboard["panels"] for target in panel["targets"]),
    ]


def test_every_metric_and_label_that_is_named_exists() -> None:
    ours = metrics()
    named: set[str] = set()
    for expression in _expressions():
        named |= _named(expression)
        for name, labels in _labels(expression):
            assert labels - {"job"} <= set(ours[name][1]), expression
        assert expression.count("(") == expression.count(")")
    assert named <= ours.keys() | OF_EVERY_PROCESS
    assert named - OF_EVERY_PROCESS == ours.keys(), "the dashboard and the alerts leave a metric out"


def test_the_alerts_are_those_of_the_documentation() -> None:
    rules = [rule for group in yaml.safe_load(_text("prometheus-rules.yaml"))["groups"] for rule in group["rules"]]
    assert [rule["alert"] for rule in rules] == re.findall(r"^\| (Fleet[A-Za-z]+) \|", page("monitoring"), re.MULTILINE)
    for rule in rules:
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads(_text("grafana-dashboard.json"))["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert taken.isdisjoint(cells), panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here")
def test_prometheus_reads_the_alerts() -> None:
    subprocess.run(["promtool", "check", "rules", str(FOLDER / "prometheus-rules.yaml")], check=True)


# Kubernetes


def _manifest() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(_text("kubernetes.yaml")))


def test_on_kubernetes_there_is_one_writer() -> None:
    by = {each["kind"]: each for each in _manifest()}
    spec = by["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    (container,) = spec["template"]["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 20
    home = next(each["value"] for each in container["env"] if each["name"] == "FLEET_HOME")
    assert any(home.startswith(mount["mountPath"] + "/") for mount in container["volumeMounts"])
    (claim,) = [v["persistentVolumeClaim"] for v in spec["template"]["spec"]["volumes"] if "persistentVolumeClaim" in v]
    assert claim["claimName"] == by["PersistentVolumeClaim"]["metadata"]["name"]
    labels = spec["template"]["metadata"]["labels"]
    assert labels == spec["selector"]["matchLabels"] == by["Service"]["spec"]["selector"]
    _serves(container["args"])


def _serves(words: list[str]) -> None:
    """Check that a command line is one of ours."""
    command = cli.get_command(None, words[0])  # type: ignore[arg-type]
    assert command is not None
    with command.make_context("fleet", list(words[1:]), resilient_parsing=False) as context:
        assert context.params["host"] in {"127.0.0.1", "0.0.0.0"}


# systemd


def _unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _text("fleet.service").replace("\\\n", " ").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_gives_each_secret_to_the_server_and_becomes_it(tmp_path: Path) -> None:
    """The command of the unit in a real shell, with a `fleet` that tells what it got."""
    unit = _unit()
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for given in unit["LoadCredential"]:
        name = given.partition(":")[0]
        (credentials / name).write_text(f"{name} $x ' \" \\\n")
    told = tmp_path / "fleet"
    told.write_text('#!/bin/sh\nprintf "%s\\n" "$*" $$\nenv\n')
    told.chmod(0o755)
    found = re.fullmatch(r"/bin/sh -c '(.*)'", unit["ExecStart"][0])
    assert found is not None
    assert "'" not in found[1]
    script = found[1].replace("/usr/local/bin/fleet", str(told))
    begun = subprocess.Popen(
        ["/bin/sh", "-c", script], env={"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(credentials)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    said, _ = begun.communicate(timeout=10)
    typed, process, *environment = said.splitlines()
    _serves([*typed.split(), "--host", "127.0.0.1"])
    assert int(process) == begun.pid, "signals reach the server itself"
    got = dict(line.partition("=")[::2] for line in environment)
    for variable, name in {
        "FLEET_OIDC_CLIENT_SECRET": "oidc-client-secret", "FLEET_WEBHOOK_SECRET": "webhook-secret",
        "FLEET_NOTIFY_SECRET": "notify-secret", "VAULT_SECRET_ID": "vault-secret-id",
    }.items():  # fmt: skip
        assert got[variable] == f"{name} $x ' \" \\"
        assert name in page("service")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "fleet.service"
    unit.write_text(_text("fleet.service").replace("/usr/local/bin/fleet", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert "fleet.service" not in done.stderr, done.stderr
    assert done.returncode == 0


# Proxies


def test_nginx_has_the_lines_of_the_documentation() -> None:
    shown = block("proxy").search(page("sign-in"))
    assert shown is not None
    lines = shown[2].removeprefix("```nginx\n").removesuffix("```\n")
    assert _text("nginx.conf").endswith(lines), "tests/browser/test_sign_in.py tries the lines of the documentation"


def test_caddy_hides_what_nginx_hides() -> None:
    hidden = re.findall(r"location (/[a-z/]+) \{ return 404", _text("nginx.conf"))
    (line,) = re.findall(r"@inside path (.*)", _text("Caddyfile"))
    assert [path.rstrip("*") for path in line.split()] == hidden
    assert _text("Caddyfile").count("{") == _text("Caddyfile").count("}")


@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not here")
def test_caddy_reads_its_file() -> None:
    subprocess.run(["caddy", "validate", "--adapter", "caddyfile", "--config", str(FOLDER / "Caddyfile")], check=True)


# Container


def test_the_image_is_built_from_the_lock_by_what_is_there() -> None:
    text = _text("Containerfile")
    assert text.count("uv sync --locked --no-dev") == 2
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    _serves(json.loads(re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)[-1]))
