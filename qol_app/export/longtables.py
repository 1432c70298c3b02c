"""From facts to the five long tables, for some participants at a time."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from qol_app.definition.event_kinds import tells_no_arm
from qol_app.export.columns import EVENTS, ITEM_STATUSES, PARTICIPANTS, TABLES, schema
from qol_app.export.facts import Answers, Facts, answers_by_instrument
from qol_app.export.scores import any_scored, long_scores, scored
from qol_app.export.study import Part
from qol_app.export.visits import given_by_assessment, visit_rows

# What rows of items and scores repeat from the visit they belong to.
_FROM_VISIT = ("participant", "site", "arm", "assessment", "timepoint", "occurrence")


def long_tables(facts: Facts, program_version: str, *, by_arm: bool = True) -> Part:
    """Return the export's tables of the participants in these facts.

    Parameters
    ----------
    facts : Facts
    program_version : str
        Written beside every score.
    by_arm : bool
        Whether the reader may see who was allocated to what; if not, ``arm`` and event
        details are empty, and events that may tell the arm are left out.
    """
    answers = list(answers_by_instrument(facts))
    scores = [scored(one) for one in answers]
    given = given_by_assessment(answers, list(map(any_scored, answers, scores)))
    visits = pd.DataFrame(list(visit_rows(facts, given)), columns=_visit_columns())
    place = pd.Series(np.arange(len(visits)), index=visits["assessment_id"])
    tables = {
        "participants": _participants(facts),
        "visits": _table("visits", visits),
        "items": _items(answers, visits, place),
        "scores": _scores(answers, scores, visits, place, program_version),
        "events": _events(facts),
    }
    return tables if by_arm else pooled(tables)


def pooled(part: Part) -> Part:
    """Return the tables without what says who was allocated to what."""
    return {name: _pooled(table) for name, table in part.items()}


def _visit_columns() -> list[str]:
    return ["assessment_id", *(one.name for one in TABLES["visits"])]


def _table(name: str, frame: pd.DataFrame) -> pa.Table:
    wanted = schema(name)
    columns = [pa.array(frame[field.name], field.type, from_pandas=True) for field in wanted]
    return pa.Table.from_arrays(columns, schema=wanted)


def _participants(facts: Facts) -> pa.Table:
    rows = [_participant(facts, row) for row in facts.participants.itertuples(index=False)]
    return _table("participants", pd.DataFrame(rows, columns=[one.name for one in PARTICIPANTS]))


def _participant(facts: Facts, row: Any) -> dict[str, Any]:
    history = facts.histories[row.id]
    seen_alive = [event.on for event in history.all("last_known_alive")]
    still_lost = [start for start, found in history.lost_spells if found is None]
    return {
        "participant": row.study_number,
        "site": row.site,
        "arm": history.arm,
        "language": row.language,
        "protocol_version": facts.protocols[row.protocol_id].version,
        "enrolled_at": row.enrolled_at,
        "consent_on": history.date_of("consent"),
        "randomised_on": history.date_of("randomisation"),
        "withdrawn_on": history.withdrawn_from_qol_on,
        "lost_on": max(still_lost, default=None),
        "ended_on": history.ended_on,
        "death_on": history.death_on,
        "last_alive_on": max(seen_alive, default=None),
    }


def _events(facts: Facts) -> pa.Table:
    who = facts.participants.rename(columns={"study_number": "participant"})
    who = who[["id", "participant", "site"]].rename(columns={"id": "participant_id"})
    # An inner merge keeps the order of its left side: participants as exported.
    frame = who.merge(
        facts.events.sort_values(["happened_on", "id"]), on="participant_id", sort=False
    )
    frame["arm"] = [facts.histories[one].arm for one in frame["participant_id"]]
    return _table("events", frame.rename(columns={"id": "event"})[[c.name for c in EVENTS]])


def _items(answers: list[Answers], visits: pd.DataFrame, place: pd.Series) -> pa.Table:
    parts = [_items_of(one, place) for one in answers]
    return _assembled("items", parts, visits)


def _items_of(answers: Answers, place: pd.Series) -> dict[str, Any]:
    n_forms, n_items = answers.status.shape
    source = answers.source.ravel()
    given = answers.responses
    return {
        **_of_forms(answers, place, n_items),
        "item": _words(np.tile(np.arange(n_items), n_forms), answers.instrument.item_codes),
        "value": pa.array(answers.values.ravel(), from_pandas=True),
        "status": _words(answers.status.ravel(), ITEM_STATUSES),
        "mode": _taken(given["mode"], source),
        "device": _taken(given["device"].where(given["device"] != "", None), source),
        "shown_at": _taken(given["shown_at"], source),
        "answered_at": _taken(given["client_at"], source),
        "recorded_at": _taken(given["recorded_at"], source),
        "changes": pa.array(answers.changes.ravel(), pa.int64()),
    }


def _scores(
    answers: list[Answers],
    scores: list[pd.DataFrame],
    visits: pd.DataFrame,
    place: pd.Series,
    program_version: str,
) -> pa.Table:
    parts = [_scores_of(one, frame, place) for one, frame in zip(answers, scores, strict=True)]
    for part in parts:
        at = part["visit"]
        part["program_version"] = pa.array([program_version] * len(at), pa.string())
        for name in ("answered_on", "late", "after_allocation", "mode"):
            part[name] = _table("visits", visits)[name].take(pa.array(at))
        part["submitted"] = pa.array(visits["submitted_at"].notna().to_numpy()[at])
    return _assembled("scores", parts, visits)


def _scores_of(answers: Answers, scores: pd.DataFrame, place: pd.Series) -> dict[str, Any]:
    long = long_scores(answers, scores)
    n_scales = len(long) // len(answers.forms)
    texts = ("scale", "value_text", "value_set")
    return {
        **_of_forms(answers, place, n_scales),
        "definition": _words(np.zeros(len(long), int), (answers.instrument.sha256,)),
        **{name: pa.array(long[name], pa.string(), from_pandas=True) for name in texts},
        "value": pa.array(long["value"], pa.float64(), from_pandas=True),
        **{
            name: pa.array(long[name], pa.int64())
            for name in ("n_answered", "n_expected", "n_not_applicable")
        },
    }


def _of_forms(answers: Answers, place: pd.Series, times: int) -> dict[str, Any]:
    """Return what every row of a form carries; ``visit``, ``position`` and ``row`` order them."""
    forms = answers.forms
    at = np.repeat(place[forms["assessment_id"]].to_numpy(), times)
    same = np.zeros(len(at), int)
    return {
        "visit": at,
        "position": np.repeat(forms["position"].to_numpy(), times),
        "row": np.tile(np.arange(times), len(forms)),
        "instrument": _words(same, (answers.instrument.code,)),
        "version": _words(same, (answers.instrument.version,)),
        "language": _taken(forms["language"], np.repeat(np.arange(len(forms)), times)),
    }


def _words(codes: np.ndarray, words: tuple[str, ...]) -> pa.Array:
    """Return texts given by their positions in a short list; quick for millions of rows."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(words)).cast(
        pa.string()
    )


def _taken(column: pd.Series, source: np.ndarray) -> pa.Array:
    """Return the values at these positions; nothing where the position is -1."""
    values = pa.array(column, from_pandas=True)
    return values.take(pa.array(source, mask=source < 0))


def _assembled(name: str, parts: list[dict[str, Any]], visits: pd.DataFrame) -> pa.Table:
    """Return the rows of all instruments in one table, in the order of visits and forms."""
    wanted = schema(name)
    if not parts:
        return wanted.empty_table()
    key = {k: np.concatenate([one[k] for one in parts]) for k in ("visit", "position", "row")}
    order = np.lexsort((key["row"], key["position"], key["visit"]))
    rows = pa.array(order)
    at = pa.array(key["visit"][order])
    table = _table("visits", visits)
    columns = [
        table[field.name].take(at)
        if field.name in _FROM_VISIT
        # A column of nothing but gaps has no type of its own yet.
        else pa.chunked_array([one[field.name].cast(field.type) for one in parts]).take(rows)
        for field in wanted
    ]
    return pa.Table.from_arrays(columns, schema=wanted).combine_chunks()


def _pooled(table: pa.Table) -> pa.Table:
    """Return a table without what says who was allocated to what."""
    if "kind" in table.schema.names:
        keep = [tells_no_arm(kind) for kind in table["kind"].to_pylist()]
        table = table.filter(pa.array(keep, pa.bool_()))
        table = _replaced(table, "details", pa.array(["{}"] * table.num_rows, pa.string()))
    return _replaced(table, "arm", pa.nulls(table.num_rows, pa.string()))


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
