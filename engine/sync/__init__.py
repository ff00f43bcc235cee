"""Sync: a registered repository in, the fleet file at its fetched commit out. Writes nothing but its own git folder.

    remotes.py   which URLs, branches and prefixes may be registered (pure)
    git.py       fetching one branch, reading one file from the object database

Credentials (Vault) and ssh host keys are not here yet: ssh remotes and private https remotes are refused by name until then.
"""

from engine.sync.git import fetch, head_moved_at, remove_checkout
from engine.sync.remotes import check_branch, check_prefix, check_url, shown_url

__all__ = ["check_branch", "check_prefix", "check_url", "fetch", "head_moved_at", "remove_checkout", "shown_url"]
