"""Every way in which Fleet Workbench says no, with a stable code, what happened and what to do next.

    FleetError            .code .message .hint .facts (named values, safe to show)
      FleetFileInvalid    FLEET-1xx  the fleet file, with `.problems` (each has a code, line and column of its own)
      SyncError           FLEET-2xx  git remote, revision, file in it
      StoreError          FLEET-3xx  the platform store
      ReviewError         FLEET-4xx  proposals and decisions
      ApplyError          FLEET-5xx  plan and apply
      RefusedEdit         FLEET-6xx  operator edits, settings, arguments, permission, export
      QueryError          FLEET-65x  SQL that people ask of a snapshot
      AccessDenied        FLEET-66x  nobody knows who asks: no token, or none that holds

A class says the situation; `code` tells the case. Expected outcomes (nothing to do, withheld, skipped) are results, not errors.
No message carries a secret: URLs are shown without user information, remote output is shortened and cleaned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CODES: dict[str, str] = {
    "FLEET-201": "the remote cannot be fetched; live state is not affected",
    "FLEET-202": "the remote did not answer within the time limit",
    "FLEET-203": "the remote has no such branch, or no commit yet",
    "FLEET-204": "the path prefix is no folder of the revision",
    "FLEET-205": "the revision has no fleet.yaml where it should be",
    "FLEET-206": "fleet.yaml is a symbolic link, a folder or a submodule",
    "FLEET-207": "fleet.yaml is over the size limit",
    "FLEET-208": "the settings do not allow a remote of this kind",
    "FLEET-209": "git itself is missing or failed",
    "FLEET-210": "the file declares nothing while the repository owns something",
    "FLEET-211": "a tick of the repository is going on already",
    "FLEET-212": "the repository is disabled",
    "FLEET-213": "the remote leads on to another address, which is not followed",
    "FLEET-214": "the remote's certificate is not trusted",
    "FLEET-215": "the remote wants a credential, or refuses the one that it got",
    "FLEET-216": "the ssh host shows another key than the one that is pinned",
    "FLEET-217": "an ssh remote needs a key, and the repository names none",
    "FLEET-218": "what a fetch brings is larger than it may be",
    "FLEET-219": "the settings do not allow a remote on this host",
    "FLEET-220": "Vault is needed, and the settings do not say where it is or how to come in",
    "FLEET-221": "Vault is away, or its certificate is not trusted",
    "FLEET-222": "Vault is sealed, or not initialized",
    "FLEET-223": "Vault does not allow reading the credential",
    "FLEET-224": "Vault has no such secret",
    "FLEET-225": "the newest version of the credential was deleted from Vault",
    "FLEET-226": "Vault refused the login",
    "FLEET-227": "the secret lacks what this kind of remote needs",
    "FLEET-228": "what the secret holds cannot be used",
    "FLEET-229": "the account may not use the credential, or nobody has confirmed it for this host",
    "FLEET-232": "the git of this machine is too old",
    "FLEET-233": "the repository's settings changed while a tick ran",
    "FLEET-301": "another process holds the store",
    "FLEET-302": "the store was written by a newer version",
    "FLEET-303": "the store is damaged, or no store",
    "FLEET-304": "the disk is full; nothing was written",
    "FLEET-305": "the home may not be written",
    "FLEET-306": "live or a proposal moved while this was being written; nothing was",
    "FLEET-310": "the server on this home went away in the middle of a command",
    "FLEET-312": "what answers at an address is no Fleet Workbench",
    "FLEET-313": "the store cannot be compacted now; nothing was changed",
    "FLEET-314": "others than its owner may write into the home",
    "FLEET-315": "another copy of the store is being made",
    "FLEET-316": "there is not enough memory",
    "FLEET-317": "too many files and connections are open",
    "FLEET-318": "the disk reports an error",
    "FLEET-319": "the system allows no more threads or processes",
    "FLEET-321": "an older version left its data in the installation",
    "FLEET-311": "the server on this home is of another version than the command",
    "FLEET-308": "a key file of the home holds no key",
    "FLEET-307": "what was read back is not what was written; nothing was kept",
    "FLEET-309": "the store refused a statement: a fault of ours",
    "FLEET-401": "there is no such proposal",
    "FLEET-402": "the proposal's status does not allow this",
    "FLEET-403": "the proposal is stale: live moved since it was opened",
    "FLEET-404": "a rejection needs a reason",
    "FLEET-405": "only what was applied can be reverted, and once",
    "FLEET-406": "live moved since the proposal was applied: it cannot be reverted",
    "FLEET-407": "another proposal stands on the resource",
    "FLEET-501": "work is paused",
    "FLEET-502": "a tick or an apply was interrupted",
    "FLEET-503": "another repository holds the resource by now",
    "FLEET-504": "a step refers to what does not exist",
    "FLEET-600": "the permission or the account is missing",
    "FLEET-601": "the repository's name is taken",
    "FLEET-602": "a setting in the environment has a wrong value",
    "FLEET-603": "there is no such repository",
    "FLEET-604": "there is no such run",
    "FLEET-605": "a pause needs a reason",
    "FLEET-606": "a list gives 1 to 10,000 rows",
    "FLEET-607": "a file named on the command line cannot be read or written",
    "FLEET-608": "the demo's story has an unknown event",
    "FLEET-609": "Jupyter is not installed",
    "FLEET-611": "the URL has a form that is not taken",
    "FLEET-612": "the URL carries a credential",
    "FLEET-613": "local remotes are not allowed",
    "FLEET-614": "no legal branch name",
    "FLEET-615": "no legal path prefix",
    "FLEET-616": "no legal Vault path",
    "FLEET-617": "no legal ssh host key, or none is needed",
    "FLEET-621": "there is no such section",
    "FLEET-622": "the section has no such field",
    "FLEET-623": "a field's value is wrong",
    "FLEET-624": "a field looks like a credential",
    "FLEET-625": "the edit would leave the fleet unsound",
    "FLEET-626": "the resource is at another version than the one seen",
    "FLEET-627": "there is no such resource",
    "FLEET-628": "no repository holds the resource",
    "FLEET-629": "no legal name",
    "FLEET-630": "the export is over the size limit",
    "FLEET-631": "the resource is too large",
    "FLEET-632": "a restore drill failed",
    "FLEET-633": "the folder for kept snapshots cannot be used",
    "FLEET-634": "a snapshot that was just written cannot be opened",
    "FLEET-635": "an old snapshot cannot be removed",
    "FLEET-640": "no server runs in this process",
    "FLEET-641": "the server may only listen on loopback",
    "FLEET-642": "nothing is at this address",
    "FLEET-643": "the address does not understand this method",
    "FLEET-644": "the body of the request is too large",
    "FLEET-645": "the body of the request is not JSON",
    "FLEET-646": "a parameter or field of the request is refused",
    "FLEET-647": "too many windows or requests at once",
    "FLEET-648": "too many calls to another service are under way",
    "FLEET-649": "the request did not arrive in time",
    "FLEET-651": "only one SELECT is taken",
    "FLEET-652": "a query reaches outside of its snapshot",
    "FLEET-653": "a query took too long",
    "FLEET-654": "a query needs too much memory or gives too many rows",
    "FLEET-655": "a query is wrong",
    "FLEET-660": "a token is needed",
    "FLEET-661": "the token is none of this server's",
    "FLEET-662": "the token has expired",
    "FLEET-663": "the token was revoked",
    "FLEET-664": "the sign-in has ended",
    "FLEET-665": "a name is not allowed for a person who signs in",
    "FLEET-667": "the dashboard needs its link",
    "FLEET-668": "the link to the dashboard was used before, or is too old",
    "FLEET-669": "the host or the origin of the request is not this server's",
    "FLEET-671": "a token cannot be made so",
    "FLEET-672": "there is no such token",
    "FLEET-680": "no webhook secret is set",
    "FLEET-681": "Gitea is needed, and the settings do not say where it is or how to come in",
    "FLEET-682": "Gitea has such a repository already",
    "FLEET-683": "Gitea refuses",
    "FLEET-684": "Gitea is away, or what answers is not Gitea",
    "FLEET-685": "a webhook's signature or token is missing or wrong",
    "FLEET-686": "a webhook's delivery is no JSON object",
    "FLEET-687": "no legal name for Gitea",
    "FLEET-688": "the account may not use the server's Gitea token",
    "FLEET-900": "an unexpected error: a fault of ours",
}
"""Every code but those of the fleet file (`engine/flow/parse/codes.py`), in a line each."""


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

    def __init__(self, code: str, message: str, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.hint, self.facts = code, message, hint, facts

    def __str__(self) -> str:
        return f"{self.code} {self.message}" + (f" {self.hint}" if self.hint else "")

    def body(self) -> dict[str, Any]:
        """As the API and `--json` give it."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.facts}

    def _render_traceback_(self) -> list[str]:
        """How a notebook shows it: what happened and what to do, without a traceback. Source: IPython's custom tracebacks."""
        return [f"{self.code} {self.message}", *([f"  {self.hint}"] if self.hint else [])]


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


class ReviewError(FleetError):
    """A decision on a proposal is not possible."""


class ApplyError(FleetError):
    """A step could not be applied."""


class RefusedEdit(FleetError):
    """What was asked is refused: an edit, a setting, an argument, a missing permission."""


class QueryError(FleetError):
    """A query of a snapshot is refused or wrong."""


class AccessDenied(FleetError):
    """Nobody knows who asks: no token, or none that holds."""
