"""Which assessments hold usable answers: at least one scale of the main instrument scorable.

The main instrument of an assessment is the first of its package.

Source
------
Coens et al., Lancet Oncol 2020;21:e83 (SISAQOL): an assessment is valid when the instrument
of the analysis yields at least one scale.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from qol_app.db.tables import Assessment, Form, Response
from qol_app.definition.instrument import Instrument
from qol_app.definition.scales import ItemScale
from qol_app.services.context import Context


def valid_assessments(
    ctx: Context, scope: Select[tuple[int]], main: Mapping[int, str]
) -> Mapping[int, bool]:
    """Return for each begun assessment whether its answers so far are usable.

    Parameters
    ----------
    scope : Select
        The ids of the participants concerned.
    main : Mapping
        The code of the main instrument of each assessment, by its id.

    Returns
    -------
    Mapping
        True or False by assessment id; False where nothing was answered.
    """
    forms = [
        form
        for form in _forms(ctx, scope, sorted(set(main.values())))
        if main.get(form.assessment_id) == form.instrument
    ]
    used = {form.instrument_id for form in forms}
    instruments = {id_: ctx.library.instrument(ctx.session, id_) for id_ in used}
    found = _quickly_valid(ctx, scope, instruments)
    rest = {form.id: form for form in forms if form.id not in found}
    found |= _valid_by_count(ctx, rest, instruments)
    valid = {form.assessment_id for form in forms if form.id in found}
    return {id_: id_ in valid for id_ in main}


def _forms(ctx: Context, scope: Select[tuple[int]], codes: list[str]) -> Sequence[Any]:
    query = (
        select(Form.id, Form.assessment_id, Form.instrument, Form.instrument_id)
        .join(Assessment, Assessment.id == Form.assessment_id)
        .where(Assessment.participant_id.in_(scope), Form.instrument.in_(codes))
    )
    return ctx.session.execute(query).all()


def _quickly_valid(
    ctx: Context, scope: Select[tuple[int]], instruments: Mapping[int, Instrument]
) -> set[int]:
    """Return the forms in which an item is answered that alone makes a scale scorable.

    Nearly every form is settled so, without reading its answers one by one.
    """
    alone = {id_: _enough_alone(instrument) for id_, instrument in instruments.items()}
    wanted = [
        and_(Form.instrument_id == id_, Response.item.in_(items))
        for id_, items in alone.items()
        if items
    ]
    if not wanted:
        return set()
    answered = exists(
        select(1)
        .where(Response.form_id == Form.id, Response.status == "ANSWERED", or_(*wanted))
        .where(~_superseded())
    )
    query = (
        select(Form.id)
        .join(Assessment, Assessment.id == Form.assessment_id)
        .where(Assessment.participant_id.in_(scope), answered)
    )
    return set(ctx.session.scalars(query))


def _superseded() -> Any:
    later = aliased(Response)
    return exists(
        select(1)
        .where(later.form_id == Response.form_id, later.item == Response.item)
        .where(
            or_(
                later.counter > Response.counter,
                and_(later.counter == Response.counter, later.event_id > Response.event_id),
            )
        )
    )


def _valid_by_count(
    ctx: Context, forms: Mapping[int, Row[Any]], instruments: Mapping[int, Instrument]
) -> set[int]:
    """Return those of a few forms whose answers suffice for some scale, counted item by item."""
    if not forms:
        return set()
    place = func.row_number().over(
        partition_by=(Response.form_id, Response.item),
        order_by=(Response.counter.desc(), Response.event_id.desc()),
    )
    latest = (
        select(Response.form_id, Response.item, Response.status, place.label("place"))
        .where(Response.form_id.in_(forms))
        .subquery()
    )
    query = select(latest.c.form_id, latest.c.item).where(
        latest.c.place == 1, latest.c.status == "ANSWERED"
    )
    answered: dict[int, set[str]] = {}
    for form_id, item in ctx.session.execute(query):
        answered.setdefault(form_id, set()).add(item)
    return {
        form_id
        for form_id, items in answered.items()
        if _some_scale(instruments[forms[form_id].instrument_id], items)
    }


def _some_scale(instrument: Instrument, answered: set[str]) -> bool:
    return any(
        len(answered.intersection(scale.items)) >= scale.needed for scale in _scales(instrument)
    )


def _enough_alone(instrument: Instrument) -> list[str]:
    return sorted(
        {item for scale in _scales(instrument) if scale.needed <= 1 for item in scale.items}
    )


def _scales(instrument: Instrument) -> list[ItemScale]:
    return [scale for scale in instrument.scales if isinstance(scale, ItemScale)]
