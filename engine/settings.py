"""Settings of a home, read once from the environment when a command or a server starts.

Every setting has a name, a default, a meaning and a place where it came from; the README's table is made from `SETTINGS`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from engine.errors import RefusedEdit

PROJECT = Path(__file__).resolve().parent.parent


class Setting(NamedTuple):
    variable: str
    default: int
    minimum: int
    maximum: int
    meaning: str


SETTINGS: Mapping[str, Setting] = {
    "cap": Setting(
        "POWERNODE_GITOPS_MAX_PROPOSALS_PER_TICK",
        25,
        1,
        1_000_000,
        "Most pending proposals of a repository that a tick leaves behind.",
    ),
    "max_file_bytes": Setting(
        "FLEET_MAX_FILE_BYTES", 1_048_576, 1, 2**31, "Largest fleet file that is read, in bytes."
    ),
    "sync_interval_s": Setting(
        "FLEET_SYNC_INTERVAL_S", 300, 1, 86_400 * 30, "Seconds between scheduled ticks of a repository."
    ),
    "git_timeout_s": Setting("FLEET_GIT_TIMEOUT_S", 60, 1, 3_600, "Longest that one git call may take, in seconds."),
    "lock_wait_s": Setting(
        "FLEET_LOCK_WAIT_S", 3, 0, 3_600, "How long a command waits for another that holds the store, in seconds."
    ),
    "allow_local_remotes": Setting(
        "FLEET_ALLOW_LOCAL_REMOTES", 0, 0, 1, "1 allows local paths and file:// as remotes (for tests)."
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits in force. Immutable: a change takes a restart, as the runbook says of the cap."""

    home: Path
    cap: int = 25
    max_file_bytes: int = 1_048_576
    sync_interval_s: int = 300
    git_timeout_s: int = 60
    lock_wait_s: int = 3
    allow_local_remotes: int = 0
    sources: Mapping[str, str] = field(default_factory=dict)
    """For each limit that is not the default, the variable that set it."""

    @classmethod
    def from_environment(cls, home: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. `home` goes before `FLEET_HOME`, which goes before `data/state/` of this project.

        Raises: RefusedEdit FLEET-602 naming the variable, its value and what it may be.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, int] = {}
        sources: dict[str, str] = {}
        for name, setting in SETTINGS.items():
            text = environment.get(setting.variable, "").strip()
            if not text:
                continue
            if not text.isdecimal() or len(text) > 15 or not setting.minimum <= int(text) <= setting.maximum:
                raise RefusedEdit(
                    "FLEET-602",
                    f"{setting.variable} is {text[:40]!r}, not a whole number from {setting.minimum} to {setting.maximum}.",
                    f"Set it to one, or unset it for the default {setting.default}.",
                )
            values[name], sources[name] = int(text), setting.variable
        chosen = Path(home or environment.get("FLEET_HOME") or PROJECT / "data" / "state").expanduser().absolute()
        return cls(home=chosen, sources=sources, **values)

    @property
    def limits(self) -> dict[str, int]:
        """The limits that decide the outcome of a tick: part of what makes one unchanged."""
        return {"cap": self.cap, "max_file_bytes": self.max_file_bytes}
