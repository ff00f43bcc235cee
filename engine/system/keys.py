"""The secrets of a home: made when first needed, one file each, readable by its owner alone. They are in no snapshot."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from engine.errors import StoreError
from engine.system import private

_BYTES = 32


def key_of(home: Path, name: str) -> bytes:
    """The secret that a home keeps under a name, made if there is none yet.

    Effects: `<home>/keys/<name>`, mode 600. Raises: StoreError FLEET-305, FLEET-308 (there, but no key).
    """
    path = home / "keys" / name
    try:
        private.make_folder(path.parent)
        made = path.with_suffix(f".{secrets.token_hex(4)}")
        if not path.exists():
            with os.fdopen(private.new_file(made), "w") as file:
                file.write(secrets.token_hex(_BYTES))
            try:
                os.link(made, path)  # whole or not at all, and the first one stays
            except FileExistsError:
                pass
            finally:
                made.unlink()
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        text = path.read_text().strip()
    except OSError as error:
        raise StoreError(
            "FLEET-305",
            f"The key {path} cannot be read or created: {error.strerror}.",
            "Check the owner and mode of the home.",
        ) from error
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise StoreError(
            "FLEET-308",
            f"{path} does not contain a key.",
            "Remove the file, and a new key is created; all tokens signed with the old key become invalid.",
        )
    return key
