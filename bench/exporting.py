"""The export against pandas writing the same frames, and its memory over a million forms.

Ours reads facts from a database, settles which answer counts, scores, and writes every table as
CSV and Parquet; pandas is given the finished frames and only writes. Both run in turns.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc

from bench.saving import _runtime
from qol_app.db.migrate import migrate
from qol_app.export.folder import write_files
from qol_app.export.study import Part
from qol_app.runtime import Runtime
from qol_app.services import definitions, exporting
from qol_app.services.context import Actor, Context
from qol_app.settings import ROOT
from tests.bulk import Sketch, Study

BENCH = Actor.system("bench")
FORMATS = ("csv", "parquet")
PEOPLE, MILLION, TURNS = 250, 1_000_000, 3
READ_EVERY = 20
START = date(2024, 1, 8)
POINTS = {"T0": 0, "W6": 42, "M3": 91, "M6": 183, "M9": 274, "M12": 365}


def run() -> Iterator[tuple[str, float | str, str]]:
    """Yield speed as a share of that of pandas, then time and peak memory of a million forms."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = filled(Path(folder))
        yield from _against_pandas(runtime, Path(folder))
        runtime.database.close()
        command = [sys.executable, "-m", "bench.exporting", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, megabytes = map(float, done.stdout.split())
    yield f"{MILLION:,} QLQ-C30 forms, minutes", seconds / 60, "none"
    yield "the same, peak memory, MB", megabytes, "< 1500"


def filled(folder: Path) -> Runtime:
    """Return an installation on SQLite whose participants have answered at six timepoints."""
    runtime = opened(folder)
    migrate(runtime.database)
    answered = {code: START + timedelta(days=days) for code, days in POINTS.items()}
    sketch = Sketch([("consent", START), ("randomisation", START)], "A", answered)
    with runtime.writing(BENCH) as ctx:
        list(definitions.load(ctx, ROOT / "questionnaires", "breclim-2"))
        Study(ctx).write([sketch] * PEOPLE)
    return runtime


def opened(folder: Path) -> Runtime:
    """Return the installation in a folder, some years after it began."""
    runtime = _runtime(f"sqlite:///{folder / 'bench.db'}")
    return replace(runtime, clock=lambda: datetime(2026, 11, 23, 9, tzinfo=UTC))


def _against_pandas(runtime: Runtime, folder: Path) -> Iterator[tuple[str, float, str]]:
    with runtime.reading(BENCH) as ctx:
        frames = {name: one.to_pandas() for name, one in _part(ctx).items()}
    n_forms = len(frames["items"][["assessment", "instrument"]].drop_duplicates())
    ours, theirs = [], []
    for turn in range(TURNS):
        begin = time.perf_counter()
        with runtime.reading(BENCH) as ctx:
            study = exporting.open_study(ctx, "breclim-2")
            made = folder / f"ours-{turn}"
            made.mkdir()
            write_files(made, study.study, study.parts, FORMATS, exporting.occasion(ctx, True))
        middle = time.perf_counter()
        for name, frame in frames.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
            frame.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
        ours.append(middle - begin)
        theirs.append(time.perf_counter() - middle)
    speed = median(theirs) / median(ours)
    yield f"{n_forms:,} forms, database to files / pandas writing them", speed, ">= 0.5"


def _part(ctx: Context) -> Part:
    [part] = exporting.open_study(ctx, "breclim-2").parts
    return part


def million(folder: Path) -> tuple[float, float]:
    """Write a million forms share by share; return seconds, and peak memory in megabytes.

    One share of participants is read anew every so often and written under new numbers in
    between: what is kept grows as it would, and the whole takes minutes and not an hour.
    """
    runtime = opened(folder)
    begin = time.perf_counter()
    with runtime.reading(BENCH) as ctx:
        study = exporting.open_study(ctx, "breclim-2").study
        made = folder / "million"
        made.mkdir()
        write_files(made, study, _shares(ctx), ("parquet",), exporting.occasion(ctx, True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.perf_counter() - begin, peak


def _shares(ctx: Context) -> Iterator[Part]:
    for number in range(-(-MILLION // (PEOPLE * len(POINTS)))):
        if number % READ_EVERY == 0:
            part = _part(ctx)
        yield {name: _renumbered(table, number) for name, table in part.items()}


def _renumbered(table: pa.Table, number: int) -> pa.Table:
    numbers = pc.binary_join_element_wise(table["participant"], str(number), "-")
    return table.set_column(0, table.schema.field("participant"), numbers)


if __name__ == "__main__":
    print(*million(Path(sys.argv[1])))
