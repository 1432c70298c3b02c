"""Statements about some rows by their numbers, most often about a single one."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam
from sqlalchemy.orm import Session


class OfSome:
    """A query of what belongs to some numbers, made once for one of them and once for several.

    A list of parameters is written into a statement anew each time it is executed, which takes
    as long as executing it: for one number, which is what most ask about, it need not be.
    """

    def __init__(self, number: Any, query: Select[*tuple[Any, ...]]) -> None:
        self._of_one = query.where(number == bindparam("only"))
        self._of_several = query.where(number.in_(bindparam("numbers", expanding=True)))

    def rows(
        self, on: Session | Connection, numbers: Collection[int], **other: Any
    ) -> Sequence[Row[Any]]:
        """Return the rows of these numbers; ``other`` are the parameters of the query itself."""
        if len(numbers) == 1:
            (only,) = numbers
            return on.execute(self._of_one, {"only": only, **other}).all()
        return on.execute(self._of_several, {"numbers": list(numbers), **other}).all()
