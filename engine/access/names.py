"""Names of those who act, as the audit shows them: which ones the system keeps for itself, and which ones could be mistaken. Pure.

People who sign in are their verified address or `oidc:SUB`. The local operator is the login name or `FLEET_ACTOR`. A token is
`token:NAME`, a webhook `webhook:HOST`. A name with a colon, or one that begins with `gitops_`, is therefore never that of the local operator.
"""

from __future__ import annotations

import re
import unicodedata

OIDC = "oidc:"
"""How the name of a person begins whose address the identity provider has not verified."""

SYSTEM = frozenset({"gitops_auto_apply", "gitops_scheduler", "restore_drill", "what_if"})
"""Who acts where no person does."""

_PREFIXES = (OIDC, "token:", "webhook:", "gitops_")

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
"""The form that browsers take for an address. Source: the HTML standard, `input type=email`."""

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")

_SUBJECT = re.compile(r"[!-~]{1,255}")
"""OpenID Connect Core 1.0, section 2: at most 255 ASCII characters. Spaces and control characters are left out here."""

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode categories of what is not seen, or only by what it does to other characters."""

LONGEST = 255


def address_of(text: object) -> str:
    """An address in lower case, or nothing where it is none.

    Only ASCII counts: other letters become ASCII ones in lower case (the Kelvin sign becomes k), and so another person's address.
    """
    if not isinstance(text, str) or len(text) > LONGEST or not _ADDRESS.fullmatch(text):
        return ""
    return text.lower()


def is_domain(text: str) -> bool:
    """Whether a text is the domain of an address."""
    return bool(_DOMAIN.fullmatch(text))


def subject_of(text: object) -> str:
    """The name of a person by their number at the identity provider, `oidc:SUB`; nothing where it cannot be used."""
    if not isinstance(text, str) or not _SUBJECT.fullmatch(text) or is_reserved(text):
        return ""
    return f"{OIDC}{text}"


def is_reserved(name: str) -> bool:
    """Whether a name is one of the system's own, or is read as one."""
    seen = alike(name)
    return seen in SYSTEM or seen.startswith(_PREFIXES)


def alike(name: str) -> str:
    """What names share that a reader takes for the same: without case, width and what is not seen."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in unicodedata.normalize("NFKC", folded) if unicodedata.category(c) not in _UNSEEN)


def hidden_in(name: str) -> str | None:
    """The first character of a name that is not seen, or None."""
    return next((c for c in name if unicodedata.category(c) in _UNSEEN), None)


def local_problem(name: str) -> str | None:
    """What is wrong with the name of a local operator, in words, or None."""
    if not name:
        return "it is empty"
    if len(name) > LONGEST:
        return f"it has {len(name)} characters; at most {LONGEST} are allowed"
    if hidden := hidden_in(name):
        return f"it contains the character U+{ord(hidden):04X}, which is invisible"
    if ":" in alike(name) or is_reserved(name):
        return "it is reserved for the system, such as token:NAME or gitops_scheduler"
    return None
