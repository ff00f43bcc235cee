"""Where data lives where nobody says so: in a checkout `data/state/`, else the user's own data folder. An installation holds none."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from engine.errors import StoreError

PROJECT = Path(__file__).resolve().parents[2]
"""The checkout; or, in an installed copy, the folder of installed packages."""

LEFT = PROJECT / "data" / "state"
"""The home of a checkout. Older versions kept their data there when they were installed, too, where the next installation removes it."""


def is_checkout() -> bool:
    """Whether this is a checkout, or a source package unpacked, and not an installed copy."""
    return all((PROJECT / name).is_file() for name in ("pyproject.toml", "app.py"))


def default(environment: Mapping[str, str]) -> Path:
    """The home where neither an option nor `FLEET_HOME` names one.

    A service of systemd has its own folder (`StateDirectory=`); anybody else has that of the platform, such as `~/.local/share/fleet`.
    """
    if is_checkout():
        return LEFT
    if folder := environment.get("STATE_DIRECTORY", "").partition(":")[0]:
        return Path(folder)
    from platformdirs import user_data_path  # only an installed copy asks for it

    return user_data_path("fleet", appauthor=False)


def refuse_left_behind(home: Path, store: str) -> None:
    """Refuse to begin an empty store in the default home while one that an older version left is still in the installation.

    Any other home was chosen by somebody, or holds a rehearsal; nothing is missing there.
    Raises: StoreError FLEET-321, with the line that moves it.
    """
    if is_checkout() or (home / store).exists() or not (LEFT / store).is_file():
        return
    if home.resolve() != default(os.environ).resolve():
        return
    raise StoreError(
        "FLEET-321",
        f"An older version left its data in the installation folder {LEFT}. The next installation would delete it.",
        f"Move it: mkdir -p {_quoted(home.parent)} && mv {_quoted(LEFT)} {_quoted(home)}. Or use another home: --home DIR, FLEET_HOME.",
        found=str(LEFT),
        home=str(home),
    )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
