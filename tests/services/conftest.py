"""One study, answered in every way there is, read once for all tests of formats."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from qol_app.export.gathered import frames_of
from qol_app.export.study import MakeWriter, Study
from qol_app.runtime import Runtime
from qol_app.services import events, exporting
from qol_app.services.context import Actor, Context
from qol_app.worker.jobs import Worker
from tests.conftest import (
    DEPLOYMENT,
    Clock,
    Templates,
    fresh_study,
    make_runtime,
    make_settings,
    told_on,
)
from tests.messaging import Provider, make_worker
from tests.studies import C30, EQ5D, answered, assessment, enrolled, explained

SEED = 11
BR23 = {"q31": 1, "q32": "SKIPPED", "q34": 1, "q35": "NOT_APPLICABLE", "q36": 2}


@dataclass(frozen=True)
class WholeStudy:
    """What an export of a study is made from."""

    study: Study
    tables: dict[str, pa.Table]

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The tables for work row by row."""
        return frames_of(self.tables)

    def write(self, make_writer: MakeWriter, folder: Path) -> Path:
        """Write one format into a folder, and return the folder."""
        writer = make_writer(folder, self.study)
        writer.add(self.tables)
        writer.close()
        return folder


@pytest.fixture(params=told_on(DEPLOYMENT))
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path
) -> Iterator[str]:
    """A study database as in the deployment, where a test does not name its engines.

    What saves, claims, locks or streams is shown on both. ``make other`` tells the same
    stories on SQLite.
    """
    yield from fresh_study(request.param, templates, tmp_path)


# For a story that its module tells on SQLite, and that writes by statements of its own.
ON_DEPLOYMENT = pytest.mark.parametrize("database_url", [DEPLOYMENT], indirect=True)


@pytest.fixture
def provider() -> Provider:
    """A provider of e-mail that counts."""
    return Provider()


@pytest.fixture
def worker(runtime: Runtime, provider: Provider) -> Worker:
    """A worker that sends by it."""
    return make_worker(runtime, email=provider)


@pytest.fixture(scope="session")
def whole_study(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> WholeStudy:
    """Eight participants: not randomised, complete, partial, missed, late, ill, dead, gone."""
    folder = tmp_path_factory.mktemp("whole")
    settings = make_settings(templates.copy("sqlite", folder), folder)
    runtime = make_runtime(settings, Clock())
    with runtime.writing(Actor.system("tests")) as ctx:
        _live(ctx)
    with runtime.reading(Actor.system("tests")) as ctx:
        opened = exporting.open_study(ctx, "breclim-2")
        [tables] = list(opened.parts)
    runtime.database.close()
    return WholeStudy(opened.study, dict(tables))


def _live(ctx: Context) -> None:
    chance = random.Random(SEED)
    enrolled(ctx, "UME-000", arm=None)
    for number in range(1, 8):
        person = enrolled(ctx, f"UME-{number:03d}", arm="AB"[number % 2])
        for timepoint, on in (("T0", date(2026, 2, 27)), ("W6", None), ("M3", None)):
            if number == 3 and timepoint == "M3":
                explained(ctx, assessment(ctx, person, timepoint), "too_ill")
                continue
            if number == 4 and timepoint == "M3":
                on = date(2026, 6, 30)
            answers = {item: chance.randint(1, 4) for item in C30}
            given = {"qlq-c30": answers, "qlq-br23": BR23, "eq-5d-5l": EQ5D}
            submit = not (number == 5 and timepoint == "W6")
            answered(ctx, person, timepoint, given, on, submit=submit)
        _happen(ctx, number, person)


def _happen(ctx: Context, number: int, person: object) -> None:
    course = {
        2: [("progression", date(2026, 6, 20), {})],
        3: [
            ("adverse_event", date(2026, 4, 1), {"term": "Nausea", "grade": "2"}),
            (
                "adverse_event",
                date(2026, 3, 9),
                {"term": "Gallläckage, blödning", "grade": "3", "clavien_dindo": "IIIa"},
            ),
        ],
        6: [("death", date(2026, 7, 1), {})],
        7: [("withdrawal_all", date(2026, 7, 1), {}), ("end_of_study", date(2026, 7, 2), {})],
    }
    for kind, on, details in course.get(number, []):
        events.record(ctx, person, kind, on, details, confirmed=True)
