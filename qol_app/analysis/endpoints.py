"""Times to events by the trial's conventions: death, progression, toxicity.

Everybody randomised is in, in the arm allocated. Day 0 is the day of randomisation; three years
are 1096 days.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qol_app.analysis.facts import dates, people_of
from qol_app.analysis.result import AnalysisResult, require_columns
from qol_app.errors import AnalysisError

THREE_YEARS = 1096
# Events recorded about somebody whose life they do not prove.
NO_SIGN_OF_LIFE = frozenset({"death", "end_of_study", "lost_to_follow_up", "hold", "hold_ended"})
COLUMNS = [
    *["participant", "site", "arm", "endpoint", "start_on", "ended_on"],
    *["days", "event", "outcome"],
]
PROGRESSION_RULE = (
    "randomisation to first progression or death. Where surgery removed the target lesions, any "
    "new or regrowing lesion is progression"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class EndpointResult(AnalysisResult):
    """One time per randomised participant.

    `table`: participant, site, arm, endpoint, start_on, ended_on, days, event (1, 0), outcome in
    words. `rule` is the definition to print beside every number made from it.
    """

    rule: str


def overall_survival(
    participants: pd.DataFrame,
    events: pd.DataFrame,
    visits: pd.DataFrame | None = None,
    until: str | None = None,
) -> EndpointResult:
    """Return the time from randomisation to death of any cause.

    Parameters
    ----------
    participants, events : DataFrame
        Facts, see `qol_app.analysis.dataset`.
    visits : DataFrame, optional
        Facts with ``answered_on``: who answered was alive that day.
    until : str, optional
        Data cut-off (YYYY-MM-DD); what happened later is not looked at.

    Returns
    -------
    EndpointResult
        The living are censored when last known alive: the latest of that event and any other
        that only happens to the living, never simply at the last questionnaire.
    """
    people, left_out = _randomised(participants)
    cut = _cut(until)
    alive = _last_alive(people, events, visits, cut)
    dead = people["death_on"].where(people["death_on"] <= cut)
    return EndpointResult(
        table=_table("OS", people, dead.fillna(alive), dead.notna(), _outcome(dead, "dead")),
        n_used=len(people),
        left_out=left_out,
        notes=tuple(_notes(people, alive, dead)),
        rule="randomisation to death of any cause; the living censored when last known alive",
    )


def progression_free_survival(
    participants: pd.DataFrame,
    events: pd.DataFrame,
    visits: pd.DataFrame | None = None,
    scans: pd.DataFrame | None = None,
    scan_interval_days: float | None = None,
    scan_window_days: float = 14,
    censor_after_missed_scans: bool = True,
    until: str | None = None,
) -> EndpointResult:
    """Return the time from randomisation to first progression or death.

    Parameters
    ----------
    participants, events, visits, until
        As in `overall_survival`; progressions are events of kind ``progression``.
    scans : DataFrame, optional
        participant, scanned_on, adequate (bool). With them the event-free are censored at the
        last adequate scan, without at the last sign of life, which a note says.
    scan_interval_days : float, optional
        Planned days between scans. Two are missed when more than two intervals and the window
        lie between the last adequate scan (or randomisation) and the event.
    scan_window_days : float
        How late a scan may be and still be in time.
    censor_after_missed_scans : bool
        Whether an event after two missed scans is censored at the last adequate one (the main
        rule) or counts all the same (sensitivity).
    """
    people, left_out = _randomised(participants)
    cut = _cut(until)
    alive = _last_alive(people, events, visits, cut)
    first = _first(events, "progression", people, cut)
    dead = people["death_on"].where(people["death_on"] <= cut)
    ended = first.fillna(dead).where(~(dead < first), dead)
    outcome = np.where(ended.isna(), "censored", np.where(ended == first, "progression", "dead"))
    notes = _notes(people, alive, ended)
    last = alive
    missed = pd.Series(False, index=people.index)
    if scans is None:
        notes.append("no scans given: the event-free are censored at the last sign of life.")
    else:
        last = _last_scan(scans, people, ended.fillna(cut))
        missed = (
            _two_missed(ended, last, scan_interval_days, scan_window_days)
            & censor_after_missed_scans
        )
    event = ended.notna() & ~missed
    outcome = np.where(missed, "censored: two scans missed before the event", outcome)
    rule = PROGRESSION_RULE
    if scans is not None and scan_interval_days is not None:
        rule += (
            "; after two missed scans censored at the last adequate one"
            if censor_after_missed_scans
            else "; events after missed scans count"
        )
    return EndpointResult(
        table=_table("PFS", people, ended.where(event, last), event, outcome),
        n_used=len(people),
        left_out=left_out,
        notes=tuple(notes),
        rule=rule,
    )


def toxicity_days(
    adverse_events: pd.DataFrame, progression_free: pd.DataFrame, from_grade: int = 3
) -> pd.Series:
    """Return days with toxicity before progression, by participant, for `utility.q_twist`.

    Parameters
    ----------
    adverse_events : DataFrame
        participant, happened_on, until (last day, missing while it goes on), grade.
    progression_free : DataFrame
        The table of `progression_free_survival`.
    from_grade : int
        Smallest grade that counts.

    Returns
    -------
    Series by participant
        Days on which any such event lasted, each counted once; 0 without any.
    """
    require_columns(adverse_events, "participant", "happened_on", "until", "grade")
    pfs = progression_free.set_index("participant")
    grade = pd.to_numeric(adverse_events["grade"], errors="coerce")
    mine = adverse_events[(grade >= from_grade) & adverse_events["participant"].isin(pfs.index)]
    start = dates(mine["happened_on"])
    last = dates(mine["until"]).fillna(mine["participant"].map(pfs["ended_on"]))
    zero = mine["participant"].map(pfs["start_on"])
    from_day = np.maximum((start - zero).dt.days, 0)
    # Both days belong to the event; the day of progression no longer to this state.
    to_day = np.minimum((last - zero).dt.days + 1, mine["participant"].map(pfs["days"]))
    days = {participant: set() for participant in pfs.index}  # type: ignore[var-annotated]
    for who, begin, end in zip(mine["participant"], from_day, to_day, strict=True):
        days[who] |= set(range(int(begin), int(end)))
    return pd.Series({who: float(len(one)) for who, one in days.items()}, name="tox_days")


def _cut(until: str | None) -> pd.Timestamp:
    if until is None:
        return pd.Timestamp.max
    try:
        return pd.Timestamp(until)
    except ValueError as error:
        raise AnalysisError(f"until: found {until!r}; wanted a date, YYYY-MM-DD") from error


def _randomised(participants: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    people = people_of(participants)
    without = people["randomised_on"].isna()
    early = people["death_on"] < people["randomised_on"]
    left_out = {"not randomised": int(without.sum()), "dead before randomisation": int(early.sum())}
    used = people[~without & ~early].sort_index()
    return used, {reason: count for reason, count in left_out.items() if count}


def _last_alive(
    people: pd.DataFrame, events: pd.DataFrame, visits: pd.DataFrame | None, cut: pd.Timestamp
) -> pd.Series:
    """Return the last day on which each is known to have been alive, randomisation at least."""
    require_columns(events, "participant", "kind", "happened_on")
    signs = events[~events["kind"].isin(NO_SIGN_OF_LIFE)]
    seen = [signs[["participant"]].assign(on=dates(signs["happened_on"]))]
    if "last_alive_on" in people:
        own = people.reset_index()[["participant"]]
        seen.append(own.assign(on=dates(people["last_alive_on"]).to_numpy()))
    if visits is not None:
        require_columns(visits, "participant", "answered_on")
        seen.append(visits[["participant"]].assign(on=dates(visits["answered_on"])))
    every = pd.concat(seen, ignore_index=True)
    latest = every[every["on"] <= cut].groupby("participant")["on"].max().reindex(people.index)
    latest = latest.where(latest > people["randomised_on"], people["randomised_on"])
    # A date of life after death is a slip in one of them; death is the better documented.
    return latest.where(~(latest > people["death_on"]), people["death_on"])


def _first(events: pd.DataFrame, kind: str, people: pd.DataFrame, cut: pd.Timestamp) -> pd.Series:
    mine = events[events["kind"] == kind]
    on = dates(mine["happened_on"])
    start = mine["participant"].map(people["randomised_on"])
    kept = (on >= start) & (on <= cut)
    return on[kept].groupby(mine.loc[kept, "participant"]).min().reindex(people.index)


def _last_scan(scans: pd.DataFrame, people: pd.DataFrame, before: pd.Series) -> pd.Series:
    """Return the last adequate scan up to a day, or randomisation where there was none."""
    require_columns(scans, "participant", "scanned_on", "adequate")
    good = scans[scans["adequate"].eq(True)]
    on = dates(good["scanned_on"])
    # A scan that showed the progression is not one that ruled it out.
    kept = on < good["participant"].map(before)
    last = on[kept].groupby(good.loc[kept, "participant"]).max().reindex(people.index)
    return last.where(last > people["randomised_on"], people["randomised_on"])


def _two_missed(
    ended: pd.Series, last: pd.Series, interval: float | None, window: float
) -> pd.Series:
    if interval is None:
        return pd.Series(False, index=ended.index)
    if not interval > 0:
        raise AnalysisError(f"scan_interval_days: found {interval!r}; wanted days above 0")
    return (ended - last).dt.days > 2 * interval + window


def _outcome(ended: pd.Series, word: str) -> np.ndarray:
    return np.where(ended.notna(), word, "censored")


def _table(
    endpoint: str,
    people: pd.DataFrame,
    ended: pd.Series,
    event: pd.Series,
    outcome: np.ndarray,
) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "participant": people.index,
            "site": people["site"].to_numpy(),
            "arm": people["arm"].to_numpy(),
            "endpoint": endpoint,
            "start_on": people["randomised_on"].to_numpy(),
            "ended_on": ended.to_numpy(),
            "days": (ended - people["randomised_on"]).dt.days.to_numpy(dtype=float),
            "event": event.to_numpy(dtype=int),
            "outcome": outcome,
        }
    )
    return table[COLUMNS]


def _notes(people: pd.DataFrame, alive: pd.Series, ended: pd.Series) -> list[str]:
    if not len(people):
        return ["nobody randomised"]
    notes = [] if ended.notna().any() else ["no events"]
    unseen = int(((alive <= people["randomised_on"]) & ended.isna()).sum())
    if unseen:
        notes.append(f"{unseen} not known to be alive after randomisation: censored on day 0")
    return notes


def endpoints(tables: Sequence[EndpointResult]) -> pd.DataFrame:
    """Return several endpoints as one long table ``tte`` with the rule of each row."""
    if not tables:
        return pd.DataFrame(columns=[*COLUMNS, "rule"])
    return pd.concat([one.table.assign(rule=one.rule) for one in tables], ignore_index=True)
