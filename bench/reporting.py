"""How long a report takes: 200 participants, 10 timepoints, 4 questionnaires.

Part by part from tables in memory, then whole by ``flask report`` from a database.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

import numpy as np
import pandas as pd

from bench.saving import _runtime as opened
from qol_app.analysis.synthetic import TODAY, synthetic_trial
from qol_app.app import web_app
from qol_app.db.migrate import migrate
from qol_app.definition.instrument import Instrument, load_instrument
from qol_app.definition.interpretation import load_interpretation
from qol_app.definition.protocol import Protocol, Timepoint, load_protocol
from qol_app.export.study import DefinitionUsed, Study
from qol_app.report.data import ReportData, Source, report_data
from qol_app.report.model import Options
from qol_app.report.page import write_report
from qol_app.report.registry import SECTIONS, written
from qol_app.schedule.history import Event, History
from qol_app.schedule.status import AssessmentFacts, is_complete, is_expected
from qol_app.schedule.windows import window_around
from qol_app.services import definitions, staff
from qol_app.services.context import Actor, Context
from qol_app.services.library import newest
from qol_app.settings import ROOT
from tests.bulk import Sketch
from tests.bulk import Study as Bulk

QUESTIONNAIRES = ROOT / "questionnaires"
ASKED = ("qlq-c30", "qlq-lmc21", "qlq-br23", "eq-5d-5l")
TARGET = "< 60"
BENCH, STATISTICIAN = Actor.system("bench"), "statistician@example.org"
JOBS = min(2, os.cpu_count() or 1)


def trial(n_participants: int = 200, seed: int = 1) -> ReportData:
    """Return made-up facts by arm, of everything the protocol plans, ready for a report."""
    protocol = load_protocol(QUESTIONNAIRES / "protocols" / "breclim-2.yaml")
    instruments = [load_instrument(QUESTIONNAIRES / "instruments" / code) for code in ASKED]
    known = {
        one.code: load_interpretation(QUESTIONNAIRES / "instruments" / one.code, one)
        for one in instruments
    }
    study = Study(
        protocol=protocol,
        instruments={(one.code, one.sha256): one for one in instruments},
        definitions=tuple(
            DefinitionUsed("instrument", one.code, "", one.version, one.sha256)
            for one in instruments
        ),
        data_until=datetime.combine(TODAY, datetime.min.time(), UTC),
        program_version="0.0",
    )
    facts = _facts(protocol, instruments, n_participants, seed)
    guides = {code: guide for code, guide in known.items() if guide is not None}
    return report_data(study, facts, guides, TODAY, Options(blinded=False))


def _facts(protocol: Protocol, asked: list[Instrument], n: int, seed: int) -> Source:
    made, random = synthetic_trial(seed, n), np.random.default_rng(seed)
    planned = [
        one for one in protocol.timepoints if one.enabled and one.anchor == "randomisation"
        and not one.each and not one.repeat
    ]  # fmt: skip
    lived = {
        name: History(Event(e["kind"], e["happened_on"], e["details"]) for e in rows)
        for name, rows in made.events.groupby("participant").apply(
            lambda part: part.to_dict("records"), include_groups=False
        ).items()
    }  # fmt: skip
    people = made.participants.drop(columns="stratum").assign(lost_on=None, language="sv")
    visits = pd.DataFrame(
        [
            _visit(row.participant, row.randomised_on, one, lived[row.participant], random)
            for row in people.itertuples()
            for one in planned
        ]
    )
    answered = visits[visits["answered_on"].notna()]
    return Source(
        participants=people,
        visits=visits.assign(mode="self", assisted=False),
        scores=pd.concat([_scores(answered, one, random) for one in asked], ignore_index=True),
        events=made.events,
        items=pd.concat([_items(answered, one) for one in asked], ignore_index=True),
    )


def _visit(
    name: str, anchor: date, planned: Timepoint, history: History, random: np.random.Generator
) -> dict[str, object]:
    window = window_around(anchor, planned.opens, planned.day, planned.closes, late_days=14)
    day = window.opens + timedelta(days=int(random.integers((window.closes - window.opens).days)))
    gone = history.death_on is not None and history.death_on <= day
    silent = gone or day > TODAY or random.uniform() < 0.12
    at = None if silent else datetime.combine(day, clock_time(12), UTC)
    facts = AssessmentFacts(
        window=window, started_at=at, submitted_at=at, valid=None if silent else True,
        timepoint=planned.code,
    )  # fmt: skip
    return {
        "participant": name,
        "assessment": f"{name}-{planned.code}",
        "timepoint": planned.code,
        "occurrence": 1,
        "opens_on": window.opens,
        "target_on": window.target,
        "closes_on": window.closes,
        "answered_on": None if silent else day,
        "reason": None,
        "counted_by": None,
        "expectation": is_expected(facts, history, TODAY).value,
        "complete": is_complete(facts, history, TODAY),
        "late": False,
    }


def _scores(answered: pd.DataFrame, asked: Instrument, random: np.random.Generator) -> pd.DataFrame:
    columns = ["participant", "assessment", "timepoint", "occurrence", "answered_on", "late"]
    one_scale = []
    own = answered["participant"].unique()
    for scale in asked.scales:
        level = pd.Series(random.normal(0, 0.15, len(own)), own)
        share = 0.6 + answered["participant"].map(level) + random.normal(0, 0.12, len(answered))
        value = scale.low + share.clip(0, 1) * (scale.high - scale.low)
        one_scale.append(answered[columns].assign(scale=scale.code, value=value))
    made = pd.concat(one_scale, ignore_index=True)
    return made.assign(instrument=asked.code, after_allocation=False)


def _items(answered: pd.DataFrame, asked: Instrument) -> pd.DataFrame:
    who = np.repeat(answered["participant"].to_numpy(), len(asked.items))
    return pd.DataFrame({"participant": who, "instrument": asked.code, "status": "ANSWERED"})


def run() -> Iterator[tuple[str, float, str]]:
    """Yield (name, seconds, target): each part by itself, then all of it as the command does it."""
    data = trial()
    sections = []
    for code, function in SECTIONS.items():
        began = time.perf_counter()
        sections.append(function(data))
        yield f"section {code}, s", time.perf_counter() - began, ""
    for what, pdf in (
        ("page, tables and figures as files, s", False),
        ("the same and PDF, s", True),
    ):
        yield what, _written(data, sections, pdf), ""
    began = time.perf_counter()
    sections = list(written(replace(data), JOBS))
    whole = time.perf_counter() - began + _written(data, sections, True)
    yield f"whole report, {JOBS} processes, s", whole, TARGET
    yield from from_database()


def from_database(n_participants: int = 200, seed: int = 1) -> Iterator[tuple[str, float, str]]:
    """Yield the seconds of ``flask report`` by arm and pooled, answers read and scored anew."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = replace(
            opened(f"sqlite:///{folder}/bench.db"),
            clock=lambda: datetime.combine(TODAY, clock_time(9), UTC),
        )
        migrate(runtime.database)
        with runtime.writing(BENCH) as ctx:
            list(definitions.load(ctx, QUESTIONNAIRES, "breclim-2"))
            Everything(ctx, np.random.default_rng(seed)).write(_sketches(n_participants, seed))
            staff.add(ctx, STATISTICIAN, "Bench", "statistician", (), "four plain words here")
        app = web_app(runtime)
        for scope in (["--unblinded", "--as", STATISTICIAN], []):
            began = time.perf_counter()
            with app.app_context():
                done = app.test_cli_runner().invoke(
                    args=["report", f"{folder}/report{len(scope)}", *scope]
                )
            if done.exit_code:
                raise SystemExit(done.output)
            what = "by arm" if scope else "pooled"
            yield f"flask report, {what}, from the database, s", time.perf_counter() - began, TARGET
        runtime.database.close()


def _sketches(n: int, seed: int) -> list[Sketch]:
    """Return the courses of a synthetic trial, each answered at nine of ten timepoints in life."""
    made, random = synthetic_trial(seed, n), np.random.default_rng(seed)
    arms = made.participants.set_index("participant")["arm"]
    protocol = load_protocol(QUESTIONNAIRES / "protocols" / "breclim-2.yaml")
    found = []
    for name, rows in made.events.groupby("participant"):
        happened = list(zip(rows["kind"], rows["happened_on"], strict=True))
        start = next(on for kind, on in happened if kind == "randomisation")
        last = min([TODAY, *(on for kind, on in happened if kind == "death")])
        days = {
            one.code: start + timedelta(days=one.day)
            for one in protocol.timepoints
            if one.enabled and one.anchor == "randomisation" and random.uniform() > 0.1
        }
        answered = {code: on for code, on in days.items() if on < last}
        found.append(Sketch(happened, str(arms[name]), answered))
    return found


class Everything(Bulk):
    """Participants who answer all four questionnaires each time, somehow."""

    def __init__(self, ctx: Context, random: np.random.Generator) -> None:
        super().__init__(ctx)
        self._random = random
        self._asked = [
            (
                load_instrument(QUESTIONNAIRES / "instruments" / code),
                newest(ctx.session, "instrument", code).id,
                newest(ctx.session, "wording", code, "sv").id,
            )
            for code in ASKED
        ]

    def answer(self, aid: int, on: date) -> None:
        """Answer every item with a code drawn at random."""
        for position, (asked, instrument, wording) in enumerate(self._asked):
            drawn = {one.code: int(self._random.choice(one.allowed)) for one in asked.items}
            self.form(aid, on, asked.code, position, (instrument, wording), drawn)


def _written(data: ReportData, sections: list, pdf: bool) -> float:  # type: ignore[type-arg]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        write_report(Path(folder), data, sections, pdf=pdf)
        return time.perf_counter() - began
