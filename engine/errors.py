"""Every way in which Fleet Workbench says no, with a stable code, what happened and what to do next.

    FleetError            .code .message .hint .facts (named values, safe to show)
      FleetFileInvalid    FLEET-1xx  the fleet file, with `.problems` (each has a code, line and column of its own)
      SyncError           FLEET-2xx  git remote, revision, file in it
      StoreError          FLEET-3xx  the platform store
      ReviewError         FLEET-4xx  proposals and decisions
      ApplyError          FLEET-5xx  plan and apply
      RefusedEdit         FLEET-6xx  operator edits, settings, arguments, permission, export

A class says the situation; `code` tells the case. Expected outcomes (nothing to do, withheld, skipped) are results, not errors.
No message carries a secret: URLs are shown without user information, remote output is shortened and cleaned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong (or worth a warning) in a fleet file. Lines and columns count from 1."""

    code: str
    message: str
    hint: str
    file: str = "fleet.yaml"
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return (
            f"{self.code} {self.file}:{self.line}:{self.column} {self.message} ({self.hint})"
            if self.hint
            else (f"{self.code} {self.file}:{self.line}:{self.column} {self.message}")
        )

    def body(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "hint": self.hint,
        }


class FleetError(Exception):
    """Base of every refusal and failure that a user may see."""

    retryable: ClassVar[bool] = False

    def __init__(self, code: str, message: str, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.facts = code, message, hint, facts

    def __str__(self) -> str:
        return f"{self.code} {self.message}" + (f" {self.hint}" if self.hint else "")

    def body(self) -> dict[str, Any]:
        """As the API and `--json` give it."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.facts}


class FleetFileInvalid(FleetError):
    """The fleet file has problems; all of them are in `problems`, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first, count = self.problems[0], len(self.problems)
        message = str(first) if count == 1 else f"{count} problems in {first.file}; the first: {first}"
        super().__init__(
            first.code,
            message,
            "Mend the file and push it.",
            problems=[p.body() for p in self.problems[:200]],
            problem_count=count,
        )


class SyncError(FleetError):
    """Git could not bring the fleet file."""


class StoreError(FleetError):
    """The platform store cannot be used."""


class StoreLocked(StoreError):
    """Another process holds the store."""

    retryable = True


class ReviewError(FleetError):
    """A decision on a proposal is not possible."""


class ApplyError(FleetError):
    """A step could not be applied."""


class RefusedEdit(FleetError):
    """What was asked is refused: an edit, a setting, an argument, a missing permission."""
