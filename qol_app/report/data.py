"""What a report reads: the facts of an export, the analysis tables made of them, and hashes."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path

import pandas as pd

from qol_app.analysis.dataset import one_scale, pro_score, pro_visit
from qol_app.analysis.endpoints import (
    EndpointResult,
    overall_survival,
    progression_free_survival,
)
from qol_app.analysis.facts import people_of, with_details
from qol_app.analysis.thresholds import HIGHER_IS_BETTER, Threshold, within_participant
from qol_app.definition.instrument import Instrument
from qol_app.definition.interpretation import (
    DifferenceSizes,
    Interpretation,
    Responder,
    difference_size,
    responder_threshold,
)
from qol_app.definition.parts import in_language
from qol_app.definition.protocol import Protocol, Timepoint
from qol_app.errors import AnalysisError
from qol_app.export.study import ANCHOR, Part, Study, planned_timepoints
from qol_app.report.model import Options

EVERYBODY = "all"
# From the worst state to the best, in the value sets of EQ-5D about 1 to 1.6.
INDEX_WIDTH = 2.0
FACTS = ("participants", "visits", "scores", "events")


@dataclass(frozen=True, eq=False)
class Source:
    """Facts as an export holds them: one frame per table; ``items`` only instrument and status."""

    participants: pd.DataFrame
    visits: pd.DataFrame
    scores: pd.DataFrame
    events: pd.DataFrame
    items: pd.DataFrame


@dataclass(frozen=True, eq=False)
class ReportData:
    """Facts and analysis tables of one study on one day.

    ``arms`` are those shown: in a blinded report one, ``all``, which everybody is in.
    ``people``, ``visits``, ``scores`` carry that arm; ``facts`` are as they came.
    """

    study: Study
    facts: Source
    interpretations: Mapping[str, Interpretation]
    as_of: date
    options: Options
    arms: tuple[str, ...]
    reference: str
    people: pd.DataFrame
    visits: pd.DataFrame
    scores: pd.DataFrame
    survival: EndpointResult
    progression: EndpointResult
    factors: pd.DataFrame
    sha256: str

    @property
    def protocol(self) -> Protocol:
        """The protocol in force."""
        return self.study.protocol

    @property
    def compares(self) -> bool:
        """Whether there are arms to compare."""
        return len(self.arms) > 1

    @property
    def planned(self) -> tuple[Timepoint, ...]:
        """Timepoints that hang on randomisation alone, in the protocol's order."""
        return planned_timepoints(self.protocol)

    @property
    def later(self) -> tuple[Timepoint, ...]:
        """Planned timepoints after baseline."""
        return tuple(one for one in self.planned if one.day > 0)

    def instrument_of(self, scale: str) -> Instrument:
        """Return the first instrument of the study that has this scale; AnalysisError if none."""
        for instrument in self.instruments().values():
            if any(one.code == scale for one in instrument.scales):
                return instrument
        raise AnalysisError(f"scale {scale}: found in no instrument of the study")

    def instruments(self) -> dict[str, Instrument]:
        """Return one version of each instrument in the order in which they are asked."""
        found = self.study.newest_instruments()
        order = [code for package in self.protocol.packages for code in package.instruments]
        known = [code for code in dict.fromkeys([*order, *found]) if code in found]
        return {code: found[code] for code in known}

    @cached_property
    def instrument_titles(self) -> dict[str, str]:
        """What each instrument is called in the report's language, by code."""
        return {code: self.options.say(one.title) for code, one in self.instruments().items()}

    def called(self, code: str) -> str:
        """Return what an instrument is called; one that nobody was asked yet by its code."""
        return self.instrument_titles.get(code, code)

    def scale_title(self, instrument: Instrument, scale: str) -> str:
        """Return what a scale is called, in the report's language."""
        for one in instrument.scales:
            if scale in (one.code, *[f"{one.code}_{s.code}" for s in instrument.value_sets]):
                return in_language(one.title, self.options.language)
        return scale

    def direction(self, instrument: Instrument, scale: str) -> str:
        """Return which way is better; where the scale does not say, higher."""
        found = next((str(s.direction) for s in instrument.scales if s.code == scale), "none")
        return HIGHER_IS_BETTER if found == "none" else found

    def width(self, instrument: Instrument, scale: str) -> float:
        """Return how long a scale is; that of an index where it is no scale of its own."""
        return next((s.high - s.low for s in instrument.scales if s.code == scale), INDEX_WIDTH)

    def decimals(self, instrument: Instrument, scale: str) -> int:
        """Return with how many decimals scores are printed: an index moves by thousandths."""
        return 1 if self.width(instrument, scale) > INDEX_WIDTH else 3

    def threshold(self, instrument: str, scale: str) -> Threshold:
        """Return the change of one participant that matters, with its source."""
        known = self.interpretations.get(instrument)
        for guide in known.of_kind(Responder) if known else ():
            return Threshold(responder_threshold(guide, scale), guide.source)
        return within_participant(scale)

    def difference(self, instrument: str, scale: str) -> Threshold | None:
        """Return from where a difference between groups is small, with its source; or None."""
        known = self.interpretations.get(instrument)
        for guide in known.of_kind(DifferenceSizes) if known else ():
            if scale in guide.values:
                return Threshold(guide.values[scale][0], guide.source)
        return None

    def size(self, instrument: str, scale: str, difference: float) -> str:
        """Return how large a difference between groups is by the published bounds; or ""."""
        known = self.interpretations.get(instrument)
        for guide in known.of_kind(DifferenceSizes) if known else ():
            if scale in guide.values and pd.notna(difference):
                return difference_size(guide, scale, difference)
        return ""

    def course(self, scale: str, instrument: str, timepoints: Iterable[str]) -> pd.DataFrame:
        """Return the analysis rows of one scale at these timepoints, see `dataset.one_scale`."""
        mine = self._by_scale.get((instrument, scale), self.scores.iloc[:0])
        rows = one_scale(mine, self.visits, scale, instrument, list(timepoints))
        return rows.assign(arm=pd.Categorical(rows["arm"], self.arms))

    @cached_property
    def _by_scale(self) -> dict[tuple[str, str], pd.DataFrame]:
        """The scores, looked through once for all scales."""
        return dict(iter(self.scores.groupby(["instrument", "scale"], observed=True)))


def gathered(parts: Iterable[Part]) -> Source:
    """Return whole tables of the parts of an export; of items only what is counted."""
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in (*FACTS, "items")}
    for part in parts:
        for name in FACTS:
            frames[name].append(part[name].to_pandas(date_as_object=True))
        wanted = part["items"].select(["participant", "instrument", "status"])
        frames["items"].append(wanted.to_pandas())
    empty = {
        "participants": ["participant", "site", "arm", "randomised_on", "death_on", "withdrawn_on"],
        "events": ["participant", "kind", "happened_on", "details"],
        "items": ["participant", "instrument", "status"],
    }
    tables = {
        name: pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=empty.get(name))
        for name, some in frames.items()
    }
    return Source(**tables)


def report_data(
    study: Study,
    facts: Source,
    interpretations: Mapping[str, Interpretation],
    as_of: date,
    options: Options,
) -> ReportData:
    """Return the analysis tables of these facts.

    Raises
    ------
    AnalysisError
        If nobody has been enrolled, so that there is nothing to read, or an arm that was
        allocated is not in the protocol.
    """
    if not len(facts.participants):
        raise AnalysisError("report: found no participant; wanted at least one to report on")
    arms = (EVERYBODY,) if options.blinded else tuple(one.code for one in study.protocol.arms)
    people = _people(facts, arms, options.blinded)
    order = [one.code for one in study.protocol.timepoints]
    return ReportData(
        study=study,
        facts=facts,
        interpretations=interpretations,
        as_of=as_of,
        options=options,
        arms=arms,
        reference=_reference(arms, options.reference_arm),
        people=people,
        visits=pro_visit(facts.visits, people, order),
        scores=pro_score(facts.scores, facts.visits, people, order),
        survival=overall_survival(people, facts.events, facts.visits),
        progression=progression_free_survival(people, facts.events, facts.visits),
        factors=_factors(facts, study.protocol),
        sha256=data_sha256(facts),
    )


def _people(facts: Source, arms: tuple[str, ...], blinded: bool) -> pd.DataFrame:
    people = facts.participants.copy()
    randomised = people["randomised_on"].notna()
    known = people["arm"].dropna()
    if blinded:
        if len(known):
            raise AnalysisError("blinded report: found arms in the data; wanted pooled data")
        people["arm"] = randomised.map({True: EVERYBODY, False: None})
    elif len(set(known) - set(arms)):
        strange = sorted(set(known) - set(arms))[0]
        raise AnalysisError(f"arm: found {strange!r}; wanted one of: {', '.join(arms)}")
    people["arm"] = pd.Categorical(people["arm"], arms)
    return people


def _reference(arms: tuple[str, ...], wanted: str) -> str:
    if wanted and wanted not in arms and arms != (EVERYBODY,):
        raise AnalysisError(f"reference arm: found {wanted!r}; wanted one of: {', '.join(arms)}")
    return wanted if wanted in arms else arms[-1]


def _factors(facts: Source, protocol: Protocol) -> pd.DataFrame:
    """Return what was recorded at randomisation beside the arm: one column per factor."""
    kinds = {one.code: one for one in protocol.events}
    names = [one for one in kinds[ANCHOR].detail_names if one != "arm"] if ANCHOR in kinds else []
    rows = with_details(facts.events, ANCHOR, names)
    return rows.drop(columns="happened_on").drop_duplicates("participant")


def data_sha256(facts: Source) -> str:
    """Return the hash of the facts read, table by table, as text with all digits."""
    digest = hashlib.sha256()
    for name in (*FACTS, "items"):
        frame = getattr(facts, name)
        digest.update(f"{name}\n".encode())
        digest.update(frame.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%f%z").encode())
    return digest.hexdigest()


@cache
def code_sha256() -> str:
    """Return the hash of every Python file of the program, by path, as it runs here."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def randomised(data: ReportData) -> pd.DataFrame:
    """Return the randomised participants by study number."""
    people = people_of(data.people)
    return people[people["randomised_on"].notna()]
