"""Sync: a registered repository in, the fleet file at its fetched commit out. Writes nothing but its own git folder.

    remotes.py     which URLs, branches and prefixes may be registered (pure)
    git.py         fetching one branch, reading one file from the object database
    checkouts.py   where that lies on disk

Credentials (Vault) and ssh host keys are not here yet: ssh remotes and private https remotes are refused by name until then.
"""

from engine.model import Repository, Revision
from engine.settings import Settings
from engine.sync.checkouts import head_moved_at, remove_checkout
from engine.sync.remotes import check_branch, check_prefix, check_url, local_path, shown_url

__all__ = [
    "check_branch",
    "check_prefix",
    "check_url",
    "fetch",
    "head_moved_at",
    "local_path",
    "remove_checkout",
    "shown_url",
]


def fetch(repository: Repository, settings: Settings) -> Revision:
    """Bring the newest commit of the registered branch and give its fleet file: see `engine.sync.git.fetch`."""
    from engine.sync import git  # GitPython takes a quarter of a second to import: only a tick pays for it

    return git.fetch(repository, settings)
