"""Whether this machine can show a browser to the person who types a command."""

from __future__ import annotations

import os
import sys


def has_display() -> bool:
    """Whether a browser could show itself; without a display Python would start one inside the terminal."""
    return sys.platform in {"darwin", "win32"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
