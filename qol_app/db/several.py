"""Statements about some rows by their numbers or codes, most often about a single one."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam
from sqlalchemy.orm import Session


class OfSome:
    """A query of what belongs to some keys, made once for one of them and once for several.

    A list of parameters is written into a statement anew each time it is executed, which takes
    as long as executing it: for one key, which is what most ask about, it need not be.
    """

    def __init__(self, key: Any, query: Select[*tuple[Any, ...]]) -> None:
        self._of_one = query.where(key == bindparam("only"))
        self._of_several = query.where(key.in_(bindparam("keys", expanding=True)))

    def rows(
        self, on: Session | Connection, keys: Collection[int] | Collection[str], **other: Any
    ) -> Sequence[Row[Any]]:
        """Return the rows of these keys; ``other`` are the parameters of the query itself."""
        if len(keys) == 1:
            (only,) = keys
            return on.execute(self._of_one, {"only": only, **other}).all()
        return on.execute(self._of_several, {"keys": list(keys), **other}).all()
