"""`Reader` under its old name; it is defined in `engine.workbench.reader`."""

from engine.workbench.reader import Reader

__all__ = ["Reader"]
