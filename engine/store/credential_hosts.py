"""Where credentials may be sent: `credential_hosts`. Paths are in their normal form; what they hold is kept nowhere."""

from __future__ import annotations

from engine.access.credentials import Use
from engine.store.database import Transaction

IN_USE = "credentials_in_use"
"""The note that the pairs in use before there were confirmations are still to be written."""


def hosts(tx: Transaction, account: str, path: str) -> frozenset[str]:
    """Hosts that were confirmed for an account's credential."""
    return frozenset(host for (host,) in tx.rows("credentials/list_hosts", account=account, path=path))


def confirm(tx: Transaction, use: Use, by: str) -> None:
    tx.run("credentials/put_host", account=use.account, path=use.path, host=use.host, at=tx.at, actor=by)


def pending(tx: Transaction) -> bool:
    """Whether the pairs in use before are still to be written."""
    return tx.row("store/get_note", name=IN_USE) is not None


def settled(tx: Transaction) -> None:
    """Note that they are written."""
    tx.run("store/delete_note", name=IN_USE)
