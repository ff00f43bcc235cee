"""The columns of the records that several statements read or write, each list once: it is the fields of the record.

A statement names such a list by a word: where it selects `__proposal__`, it gives the columns of a `Proposal` in the order of its
fields. So one more column takes a field and a migration, and no statement. `__settings__` are the settings of a repository. The words
are plain SQL to every other reader of these files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar

from engine.model import REPOSITORY_SETTINGS, TICK_SETTINGS, Proposal, Repository, Run

T = TypeVar("T")


class Columns(Generic[T]):
    """The columns of one record. Times are asked for in microseconds, as `moment` reads them."""

    def __init__(self, record: type[T], *, without: Sequence[str] = (), **expressions: str) -> None:
        """`without`: fields that are no columns. `expressions`: what gives a field that is no column of the same name."""
        self._record: Callable[..., T] = record
        found = [field for field in fields(record) if field.name not in without]  # type: ignore[arg-type]
        self.names = tuple(field.name for field in found)
        times = {field.name: f"epoch_us({field.name})" for field in found if str(field.type).startswith("datetime")}
        self.text = ", ".join({**times, **expressions}.get(name, name) for name in self.names)

    def reader(self, **reads: Callable[[Any], Any]) -> Callable[[Sequence[Any]], T]:
        """A function that makes the record from a row. `reads` turn values into what the record holds; NULL stays None."""
        places = [(self.names.index(name), read) for name, read in reads.items()]

        def made(row: Sequence[Any]) -> T:
            values = list(row)
            for place, read in places:
                if values[place] is not None:
                    values[place] = read(values[place])
            return self._record(**dict(zip(self.names, values, strict=True)))

        return made


REPOSITORY = Columns(Repository)
PROPOSAL = Columns(Proposal, references="refers_to", risk="risk_of(change, cause, blast_radius)")
RUN = Columns(Run, without=("unchanged",))


FRAGMENTS: Mapping[str, str] = {
    "__repository__": REPOSITORY.text,
    "__proposal__": PROPOSAL.text,
    "__run__": RUN.text,
    "__settings__ = $__settings__": ", ".join(f"{name} = ${name}" for name in REPOSITORY_SETTINGS),
    "$__settings__": ", ".join(f"${name}" for name in REPOSITORY_SETTINGS),
    "__settings__": ", ".join(REPOSITORY_SETTINGS),
    "__tick_settings__": ", ".join(TICK_SETTINGS),
}
"""What stands in a statement for each word, in the order in which they are replaced."""
