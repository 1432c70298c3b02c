"""Facts of some participants as the database holds them, and their answers as matrices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from qol_app.definition.instrument import Instrument
from qol_app.definition.protocol import Protocol
from qol_app.errors import DataFileError
from qol_app.schedule.history import History

ANSWERED, SKIPPED, NOT_APPLICABLE, NOT_REACHED = range(4)
_STATUS = {"ANSWERED": ANSWERED, "SKIPPED": SKIPPED, "NOT_APPLICABLE": NOT_APPLICABLE}


@dataclass(frozen=True)
class Facts:
    """Rows of whole participants, one frame per table, columns named as in the database.

    Attributes
    ----------
    participants : DataFrame
        In the order of the export; with the site's code as ``site``.
    events : DataFrame
        Events that stand, with ``corrected``.
    assessments, forms, responses, submissions, reasons : DataFrame
        All rows of these participants; of ``reasons`` the latest per assessment counts.
    histories : Mapping
        Participant id to what has happened to that person.
    instruments, protocols : Mapping
        Definition row id to definition.
    now : datetime
        The instant of the export, aware; states are those of this moment.
    """

    participants: pd.DataFrame
    events: pd.DataFrame
    assessments: pd.DataFrame
    forms: pd.DataFrame
    responses: pd.DataFrame
    submissions: pd.DataFrame
    reasons: pd.DataFrame
    histories: Mapping[int, History]
    instruments: Mapping[int, Instrument]
    protocols: Mapping[int, Protocol]
    now: datetime


@dataclass(frozen=True)
class Answers:
    """Final answers to one version of an instrument: a row per form, a column per item.

    Attributes
    ----------
    forms : DataFrame, n_forms rows
    values : array of float, shape (n_forms, n_items)
        Codes; NaN where there is none.
    status : array of int8, shape (n_forms, n_items)
        ``ANSWERED``, ``SKIPPED``, ``NOT_APPLICABLE`` or ``NOT_REACHED``.
    source : array of int, shape (n_forms, n_items)
        Position of the final response in ``responses``; -1 where there is none.
    changes : array of int, shape (n_forms, n_items)
        Responses before the final one.
    responses : DataFrame
        Those of these forms.
    """

    instrument: Instrument
    forms: pd.DataFrame
    values: np.ndarray
    status: np.ndarray
    source: np.ndarray
    changes: np.ndarray
    responses: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """Return the codes as ``score`` wants them: one float column per item."""
        return pd.DataFrame(self.values, columns=list(self.instrument.item_codes))


def answers_by_instrument(facts: Facts) -> Iterator[Answers]:
    """Yield the final answers of every instrument version that any of the forms is of."""
    for definition_id, forms in facts.forms.groupby("instrument_id", sort=True):
        forms = forms.reset_index(drop=True)
        mine = facts.responses["form_id"].isin(forms["id"])
        responses = facts.responses[mine].reset_index(drop=True)
        yield final_answers(facts.instruments[int(definition_id)], forms, responses)


def final_answers(instrument: Instrument, forms: pd.DataFrame, responses: pd.DataFrame) -> Answers:
    """Return what counts of a form's answer events: per item the highest counter, then id.

    Raises
    ------
    DataFileError
        If there is a response to an item this version does not have: it has no place here,
        and nothing is left out in silence.
    """
    codes = pd.Index(instrument.item_codes)
    column = codes.get_indexer(responses["item"])
    if (column < 0).any():
        item = responses["item"][column < 0].iloc[0]
        raise DataFileError(
            f"response to {instrument.code} {instrument.version}: found item {item!r}; "
            f"wanted one of {codes[0]} to {codes[-1]}"
        )
    row = pd.Index(forms["id"]).get_indexer(responses["form_id"])
    order = np.lexsort((responses["event_id"].to_numpy(str), responses["counter"].to_numpy()))
    place = (row * len(codes) + column)[order]
    shape = (len(forms), len(codes))
    source = np.full(shape, -1)
    # Later assignments win: what comes last in the order is what counts.
    source.flat[place] = order
    given = np.bincount(place, minlength=source.size).reshape(shape)
    values, status = np.full(shape, np.nan), np.full(shape, NOT_REACHED, np.int8)
    there = source >= 0
    values[there] = responses["value"].to_numpy(float, na_value=np.nan)[source[there]]
    status[there] = responses["status"].map(_STATUS).to_numpy(np.int8)[source[there]]
    _close_branches(instrument, values, status)
    return Answers(instrument, forms, values, status, source, np.maximum(given - 1, 0), responses)


def _close_branches(instrument: Instrument, values: np.ndarray, status: np.ndarray) -> None:
    """Settle the items under a condition, parents before their children.

    Where the condition does not hold, an item nobody came to was never asked. Where it holds
    again after the parent was changed back, an item once voided is simply not reached.
    """
    for column, item in enumerate(instrument.items):
        if item.asked_if is None:
            continue
        parent = instrument.item_codes.index(item.asked_if.item)
        passed = status[:, parent] != NOT_REACHED
        # NaN compares false: a parent skipped or not applicable does not open the item.
        opened = values[:, parent] > item.asked_if.over
        mine = status[:, column]
        never_asked = (mine == NOT_REACHED) & passed & ~opened
        reopened = (mine == NOT_APPLICABLE) & opened
        mine[never_asked], mine[reopened] = NOT_APPLICABLE, NOT_REACHED
