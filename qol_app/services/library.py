"""Definitions as they were when a form was begun, parsed once per process."""

import json
from collections.abc import Collection
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from qol_app.db.base import table_of
from qol_app.db.several import OfSome
from qol_app.db.tables import Definition
from qol_app.definition.instrument import Instrument
from qol_app.definition.protocol import Protocol
from qol_app.definition.wording import Wording
from qol_app.errors import NotAllowed

Model = TypeVar("Model", bound=BaseModel)

_definition = table_of(Definition)
# Of each code the one in force comes last: licensed wording after a stand-in, then by number.
_IN_FORCE_LAST = OfSome(
    _definition.c.code,
    select(_definition.c.code, _definition.c.id)
    .where(_definition.c.kind == bindparam("kind"), _definition.c.language == bindparam("language"))
    .order_by(_definition.c.stand_in.desc(), _definition.c.id),
)


class Library:
    """A cache over the ``definition`` table, whose rows never change once written."""

    def __init__(self) -> None:
        self._parsed: dict[int, BaseModel] = {}

    def protocol(self, session: Session, definition_id: int) -> Protocol:
        """Return one version of a protocol."""
        return self._get(session, definition_id, Protocol)

    def instrument(self, session: Session, definition_id: int) -> Instrument:
        """Return one version of an instrument."""
        return self._get(session, definition_id, Instrument)

    def wording(self, session: Session, definition_id: int) -> Wording:
        """Return one version of an instrument's wording in one language."""
        return self._get(session, definition_id, Wording)

    def newest_instruments(self, session: Session, codes: Collection[str]) -> list[Instrument]:
        """Return the versions in force of some instruments, in the order of the codes."""
        numbers = newest_ids(session, "instrument", codes).values()
        return [self.instrument(session, number) for number in numbers]

    def known(self, definition_id: int) -> BaseModel | None:
        """Return one version of whatever it defines, if this process has read it before."""
        return self._parsed.get(definition_id)

    def _get(self, session: Session, definition_id: int, model: type[Model]) -> Model:
        if definition_id not in self._parsed:
            row = session.get_one(Definition, definition_id)
            # JSON mode, since strict models take dates as text only from JSON.
            self._parsed[definition_id] = model.model_validate_json(json.dumps(row.body))
        found = self._parsed[definition_id]
        if not isinstance(found, model):
            raise NotAllowed(
                f"definition {definition_id}: found a {type(found).__name__}; "
                f"wanted a {model.__name__}"
            )
        return found


def newest_ids(
    session: Session, kind: str, codes: Collection[str], language: str = ""
) -> dict[str, int]:
    """Return by code the number of the version in force, without reading any; in this order.

    Raises
    ------
    NotAllowed
        If none is loaded of one of them.
    """
    names = {"kind": kind, "language": language}
    rows = _IN_FORCE_LAST.rows(session.connection(), codes, **names) if codes else ()
    found = {row.code: int(row.id) for row in rows}
    for code in codes:
        if code not in found:
            what = " ".join(filter(None, (kind, code, language)))
            raise NotAllowed(f"{what}: found none loaded; run 'flask definitions load'")
    return {code: found[code] for code in codes}


def newest(session: Session, kind: str, code: str, language: str = "") -> Definition:
    """Return the version in force: the last one loaded, licensed wording before a stand-in.

    Raises
    ------
    NotAllowed
        If none is loaded.
    """
    session.flush()
    return session.get_one(Definition, newest_ids(session, kind, [code], language)[code])
