"""Scoring against a bare numpy pass and against pandas reading and writing the same files.

Each pair is measured in turns in one process on the same array; the figure is the ratio of
medians of five.
"""

import shutil
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from bench.bare import Pass, bare_pass, in_blocks
from qol_app.definition.instrument import Instrument, load_instruments
from qol_app.scoring import score
from qol_app.scoring.score_file import score_file
from qol_app.settings import ROOT

Figure = tuple[str, float | str, str]
FOLDER = ROOT / "questionnaires" / "instruments"
MILLION = 1_000_000
TURNS = 5
MISSING_SHARE = 0.03


def run() -> Iterator[Figure]:
    """Yield ratios: QLQ-C30 first, its memory and its files, then every other instrument."""
    instruments = load_instruments(FOLDER)
    c30 = instruments.pop("qlq-c30", None)
    if c30 is None:
        yield "QLQ-C30", "not run", "its folder is not here"
    else:
        yield from _c30(c30)
    for instrument in instruments.values():
        n_forms = 6_000_000 // len(instrument.items)
        forms = make_forms(instrument, n_forms)
        ratio = _ratio_to_bare(instrument, forms)
        yield f"{instrument.code}, {n_forms:,} forms / bare numpy pass", ratio, "<= 1.5"


def _c30(c30: Instrument) -> Iterator[Figure]:
    forms = make_forms(c30, MILLION)
    yield "1,000,000 QLQ-C30 / bare numpy pass, rows as made", _ratio_to_bare(c30, forms), "<= 1.3"
    by_column = np.asfortranarray(forms)
    yield "the same, columns side by side", _ratio_to_bare(c30, by_column), "<= 1.3"
    blocked = in_blocks(bare_pass(c30))
    yield "the same / numpy pass in blocks", _ratio_to(blocked, c30, forms), "<= 1.3"
    yield "the same, peak memory / input array", _memory(c30, forms), "<= 3"
    yield "the same as Parquet file / pandas read and write", _file_ratio(c30, forms), "<= 1.5"
    yield from _proscorer()


def make_forms(instrument: Instrument, n_forms: int, seed: int = 1) -> np.ndarray:
    """Return (n_forms, n_items) allowed codes at random, some missing."""
    rng = np.random.default_rng(seed)
    forms = np.empty((n_forms, len(instrument.items)))
    for column, item in enumerate(instrument.items):
        forms[:, column] = rng.integers(item.first, item.last + 1, n_forms)
    for begin in range(0, n_forms, 100_000):
        part = forms[begin : begin + 100_000]
        part[rng.random(part.shape) < MISSING_SHARE] = np.nan
    return forms


def _ratio_to_bare(instrument: Instrument, forms: np.ndarray) -> float:
    return _ratio_to(bare_pass(instrument), instrument, forms)


def _ratio_to(bare: Pass, instrument: Instrument, forms: np.ndarray) -> float:
    frame = pd.DataFrame(forms, columns=list(instrument.item_codes), copy=False)
    score(instrument, frame.head(10))
    return ratio(lambda: score(instrument, frame), lambda: bare(forms))


def ratio(ours: Callable[[], object], floor: Callable[[], object]) -> float:
    """Return the ratio of median times, both run in turns."""
    mine, theirs = [], []
    for _ in range(TURNS):
        mine.append(_seconds(ours))
        theirs.append(_seconds(floor))
    return median(mine) / median(theirs)


def _seconds(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def _memory(instrument: Instrument, forms: np.ndarray) -> float:
    """Return the peak of everything alive while scoring, the input itself counted in."""
    frame = pd.DataFrame(forms, columns=list(instrument.item_codes), copy=False)
    tracemalloc.start()
    try:
        score(instrument, frame)
        return (forms.nbytes + tracemalloc.get_traced_memory()[1]) / forms.nbytes
    finally:
        tracemalloc.stop()


def _file_ratio(instrument: Instrument, forms: np.ndarray) -> float:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "responses.parquet", Path(folder) / "scores.parquet"
        frame = pd.DataFrame(forms, columns=list(instrument.item_codes), copy=False)
        frame.insert(0, "id", np.arange(len(frame)))
        frame.to_parquet(source, index=False)
        score_file(instrument, source, target)
        copy = Path(folder) / "copy.parquet"

        def read_and_write() -> None:
            pd.read_parquet(source)
            scores.to_parquet(copy, index=False)

        scores = pd.read_parquet(target)
        return ratio(lambda: score_file(instrument, source, target), read_and_write)


def _proscorer() -> Iterator[Figure]:
    name = "100,000 QLQ-C30, R's PROscorer / ours"
    if shutil.which("Rscript") is None:
        yield name, "not run", "R is not here"
        return
    present = subprocess.run(
        ["Rscript", "-e", "library(PROscorer)"], capture_output=True, check=False
    )
    if present.returncode:
        yield name, "not run", "R's package PROscorer is not here"
        return
    yield name, _against_proscorer(), ">= 10"


def _against_proscorer() -> float:
    c30 = load_instruments(FOLDER)["qlq-c30"]
    forms = make_forms(c30, 100_000)
    frame = pd.DataFrame(forms, columns=list(c30.item_codes), copy=False)
    script = (
        "x <- read.csv(commandArgs(TRUE)[1]); library(PROscorer);"
        "t <- replicate(5, system.time(qlq_c30(x, iprefix='q'))[['elapsed']]); cat(median(t))"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forms.csv"
        frame.to_csv(path, index=False)
        done = subprocess.run(
            ["Rscript", "-e", script, str(path)], capture_output=True, check=True, text=True
        )
    theirs = float(done.stdout)
    return theirs / median(_seconds(lambda: score(c30, frame)) for _ in range(TURNS))
