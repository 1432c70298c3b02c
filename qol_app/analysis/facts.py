"""Facts as tables: participants by study number, days as timestamps, details as columns."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.result import require_columns
from qol_app.errors import AnalysisError

PARTICIPANT_COLUMNS = ("participant", "site", "arm", "randomised_on", "death_on", "withdrawn_on")


def people_of(participants: pd.DataFrame) -> pd.DataFrame:
    """Return participants by study number, dates as timestamps."""
    require_columns(participants, *PARTICIPANT_COLUMNS)
    twice = participants["participant"].duplicated()
    if twice.any():
        who = participants.loc[twice, "participant"].iloc[0]
        raise AnalysisError(f"participants: found {who} twice; wanted one row each")
    days = {n: dates(participants[n]) for n in ("randomised_on", "death_on", "withdrawn_on")}
    return participants.assign(**days).set_index("participant")


def dates(values: pd.Series) -> pd.Series:
    """Return whole days as timestamps, missing as NaT."""
    if pd.api.types.is_numeric_dtype(values) and values.notna().any():
        # As dates they would be nanoseconds since 1970.
        first = values.dropna().iloc[0]
        raise AnalysisError(f"{values.name}: found the number {first}; wanted YYYY-MM-DD")
    try:
        return pd.to_datetime(values, format="ISO8601").astype("datetime64[ns]").dt.normalize()
    except (TypeError, ValueError) as error:
        found = _no_date(values)
        raise AnalysisError(f"{values.name}: found no date ({found}); wanted YYYY-MM-DD") from error


def _no_date(values: pd.Series) -> str:
    """Return what is no day: the first that cannot be read, else a type with a time zone."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return f"instants of {values.dtype.tz}"
    for one in values.dropna():
        try:
            pd.to_datetime(pd.Series([one]), format="ISO8601").astype("datetime64[ns]")
        except (TypeError, ValueError):
            return repr(one)
    return "days and instants"


def yes(values: pd.Series) -> pd.Series:
    """Return true and false, missing as false."""
    return values.astype(object).map(lambda value: value is True or value == True).astype(bool)  # noqa: E712


def with_details(events: pd.DataFrame, kind: str, fields: Sequence[str]) -> pd.DataFrame:
    """Return the events of one kind with some of their details as columns; missing as None.

    Details are mappings or JSON texts, as an export holds them.
    """
    require_columns(events, "participant", "kind", "happened_on", "details")
    mine = events[events["kind"] == kind].reset_index(drop=True)
    details = [_mapping(one) for one in mine["details"]]
    columns = {name: pd.Series([one.get(name) for one in details], dtype=object) for name in fields}
    return mine[["participant"]].assign(happened_on=dates(mine["happened_on"]), **columns)


def _mapping(details: Any) -> dict[str, Any]:
    if isinstance(details, dict):
        return details
    if details is None or (isinstance(details, float) and np.isnan(details)) or details == "":
        return {}
    try:
        found = json.loads(details)
    except (TypeError, ValueError) as error:
        raise AnalysisError(f"details: found {details!r}; wanted a mapping or JSON") from error
    if not isinstance(found, dict):
        raise AnalysisError(f"details: found {details!r}; wanted a JSON object")
    return found
