"""`Reader` under its name of old; it lives in `engine.workbench.reader`."""

from engine.workbench.reader import Reader

__all__ = ["Reader"]
