"""The past and present of a fleet for notebooks: a snapshot opened for reading, its frames and figures, and what-if.

Start with `engine.open(path)` or `engine.connect(url, token)`.
"""

from engine.analysis.snapshot import Snapshot
from engine.analysis.what_if import WhatIf

__all__ = ["Snapshot", "WhatIf"]
