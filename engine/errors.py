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
from typing import Any, ClassVar

CODES: dict[str, str] = {
    "FLEET-201": "the remote cannot be fetched; live state is not affected",
    "FLEET-202": "the remote did not answer within the time limit",
    "FLEET-203": "the remote has no such branch, or no commit yet",
    "FLEET-204": "the path prefix is not a folder in the revision",
    "FLEET-205": "the revision has no fleet.yaml in the expected folder",
    "FLEET-206": "fleet.yaml is a symbolic link, a folder or a submodule",
    "FLEET-207": "fleet.yaml is over the size limit",
    "FLEET-208": "the settings do not allow a remote of this kind",
    "FLEET-209": "git itself is missing or failed",
    "FLEET-210": "the file declares nothing while the repository owns something",
    "FLEET-211": "a tick of the repository is already running",
    "FLEET-212": "the repository is disabled",
    "FLEET-213": "the remote redirects to another address; redirects are not followed",
    "FLEET-214": "the remote's certificate is not trusted",
    "FLEET-215": "the remote requires authentication, or rejected the credential",
    "FLEET-216": "the ssh host key differs from the pinned key",
    "FLEET-217": "an ssh remote needs a key, but the repository has no Vault path",
    "FLEET-218": "a fetch is over the size limit",
    "FLEET-219": "the settings do not allow a remote on this host",
    "FLEET-220": "Vault is required, but VAULT_ADDR or a login method is not set",
    "FLEET-221": "Vault cannot be reached, or its certificate is not trusted",
    "FLEET-222": "Vault is sealed, or not initialized",
    "FLEET-223": "Vault denies access to the credential",
    "FLEET-224": "the secret does not exist in Vault",
    "FLEET-225": "the newest version of the credential was deleted from Vault",
    "FLEET-226": "Vault rejected the login",
    "FLEET-227": "the secret lacks a field that this kind of remote needs",
    "FLEET-228": "the content of the secret cannot be used",
    "FLEET-229": "the account may not use the credential, or its use for this host is not confirmed",
    "FLEET-232": "the git version of this machine is too old",
    "FLEET-233": "the repository's settings changed while a tick ran",
    "FLEET-301": "another process uses the store",
    "FLEET-302": "the store was written by a newer version",
    "FLEET-303": "the store is damaged, or the file is not a store",
    "FLEET-304": "the disk is full; nothing was written",
    "FLEET-305": "the home is not writable",
    "FLEET-306": "live or a proposal changed during the write; nothing was written",
    "FLEET-310": "the server on this home stopped during a command",
    "FLEET-312": "the address is not a Fleet Workbench server",
    "FLEET-313": "the store cannot be compacted now; nothing was changed",
    "FLEET-314": "other users may write to the home",
    "FLEET-315": "another copy of the store is being made",
    "FLEET-316": "there is not enough memory",
    "FLEET-317": "too many files or connections are open",
    "FLEET-318": "the disk reports an error",
    "FLEET-319": "the system allows no more threads or processes",
    "FLEET-321": "an older version left its data in the installation folder",
    "FLEET-311": "the server on this home and the command have different versions",
    "FLEET-308": "a key file in the home does not contain a key",
    "FLEET-307": "the data read back differs from the data written; nothing was saved",
    "FLEET-309": "the store rejected a statement: a bug in Fleet Workbench",
    "FLEET-401": "there is no such proposal",
    "FLEET-402": "the proposal's status does not allow this",
    "FLEET-403": "the proposal is stale: live moved since it was opened",
    "FLEET-404": "a rejection needs a reason",
    "FLEET-405": "only an applied proposal can be reverted, and only once",
    "FLEET-406": "live moved since the proposal was applied: it cannot be reverted",
    "FLEET-407": "the resource has another open proposal",
    "FLEET-501": "work is paused",
    "FLEET-502": "a tick or an apply was interrupted",
    "FLEET-503": "another repository owns the resource now",
    "FLEET-504": "a step refers to a resource that does not exist",
    "FLEET-600": "the caller lacks a permission, or access to the account",
    "FLEET-601": "the repository's name is taken",
    "FLEET-602": "an environment variable has an invalid value",
    "FLEET-603": "there is no such repository",
    "FLEET-604": "there is no such run",
    "FLEET-605": "a pause needs a reason",
    "FLEET-606": "a list returns 1 to 10,000 rows",
    "FLEET-607": "a file named on the command line cannot be read or written",
    "FLEET-608": "the demo's story has an unknown event",
    "FLEET-609": "Jupyter is not installed",
    "FLEET-611": "the URL has an unsupported form",
    "FLEET-612": "the URL carries a credential",
    "FLEET-613": "local remotes are not allowed",
    "FLEET-614": "the branch name is not valid",
    "FLEET-615": "the path prefix is not valid",
    "FLEET-616": "the Vault path is not valid",
    "FLEET-617": "the ssh host key is not valid, or not needed",
    "FLEET-621": "there is no such section",
    "FLEET-622": "the section has no such field",
    "FLEET-623": "a field's value is not valid",
    "FLEET-624": "a field looks like a credential",
    "FLEET-625": "the edit would break a rule of the fleet",
    "FLEET-626": "the resource has changed since it was read",
    "FLEET-627": "there is no such resource",
    "FLEET-628": "no repository owns the resource",
    "FLEET-629": "the name is not valid",
    "FLEET-630": "the export is over the size limit",
    "FLEET-631": "the resource is too large",
    "FLEET-632": "a restore drill failed",
    "FLEET-633": "the folder for kept snapshots cannot be used",
    "FLEET-634": "a snapshot that was just written cannot be opened",
    "FLEET-635": "an old snapshot cannot be removed",
    "FLEET-640": "no server runs in this process",
    "FLEET-641": "without sign-in the server may listen on loopback only",
    "FLEET-642": "there is nothing at this address",
    "FLEET-643": "the address does not support this method",
    "FLEET-644": "the body of the request is too large",
    "FLEET-645": "the body of the request is not JSON",
    "FLEET-646": "a parameter or field of the request is not valid",
    "FLEET-647": "too many dashboard windows or requests at once",
    "FLEET-648": "too many calls to another service are running",
    "FLEET-649": "the request did not arrive in time",
    "FLEET-651": "only one SELECT statement is allowed",
    "FLEET-652": "a query uses something outside its snapshot",
    "FLEET-653": "a query took too long",
    "FLEET-654": "a query needs too much memory or returns too many rows",
    "FLEET-655": "a query is not valid",
    "FLEET-660": "a token is required",
    "FLEET-661": "the token was not issued by this server",
    "FLEET-662": "the token has expired",
    "FLEET-663": "the token was revoked",
    "FLEET-664": "the sign-in has ended",
    "FLEET-665": "a name is not allowed for a person who signs in",
    "FLEET-667": "the dashboard opens only with a link from `fleet open`",
    "FLEET-668": "the link to the dashboard was already used, or has expired",
    "FLEET-669": "the host or origin of the request does not belong to this server",
    "FLEET-671": "a token cannot be created with these values",
    "FLEET-672": "there is no such token",
    "FLEET-680": "no webhook secret is set",
    "FLEET-681": "Gitea is required, but FLEET_GITEA_URL or a token is not set",
    "FLEET-682": "the repository already exists in Gitea",
    "FLEET-683": "Gitea rejected the request",
    "FLEET-684": "Gitea cannot be reached, or the address is not Gitea",
    "FLEET-685": "a webhook's signature or token is missing or wrong",
    "FLEET-686": "the body of a webhook is not a JSON object",
    "FLEET-687": "the name is not valid in Gitea",
    "FLEET-688": "the account may not use the server's Gitea token",
    "FLEET-900": "an unexpected error: a bug in Fleet Workbench",
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

    retryable: ClassVar[bool] = False

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
            "Fix the file and push it.",
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


class QueryError(FleetError):
    """A query of a snapshot is refused or wrong."""


class AccessDenied(FleetError):
    """Nobody knows who asks: no token, or none that holds."""
