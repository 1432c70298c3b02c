"""The report's sections in order. A new one is a function and a line here."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from qol_app.errors import QolError
from qol_app.report.checklists import checklists
from qol_app.report.courses import forest_of_scales, mixed_model, profiles
from qol_app.report.data import ReportData
from qol_app.report.decline import deterioration
from qol_app.report.harm import safety
from qol_app.report.lives import overall, predictive, progression_free
from qol_app.report.methods import methods
from qol_app.report.model import Section
from qol_app.report.people import baseline_table, completion, flow
from qol_app.report.reading import reading

SECTIONS: dict[str, Callable[[ReportData], Section]] = {
    "flow": flow,
    "table-1": baseline_table,
    "completion": completion,
    "profiles": profiles,
    "reading": reading,
    "scales": forest_of_scales,
    "mixed-model": mixed_model,
    "deterioration": deterioration,
    "survival": overall,
    "progression": progression_free,
    "factors": predictive,
    "safety": safety,
    "checklists": checklists,
    "methods": methods,
}


def written(data: ReportData, jobs: int = 1) -> Iterator[Section]:
    """Yield each section; one that cannot be computed says so, and the report goes on.

    With more than one job, as many processes compute sections beside each other where the
    system can copy a process; the sections and their order are the same.
    """
    if jobs == 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from (_section(data, code) for code in SECTIONS)
        return
    # A copied process has the data already: only codes and finished sections are handed over.
    forked = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, forked, initializer=_DATA.append, initargs=(data,)) as pool:
        yield from pool.map(_section_here, SECTIONS)


_DATA: list[ReportData] = []


def _section_here(code: str) -> Section:
    return _section(_DATA[-1], code)


def _section(data: ReportData, code: str) -> Section:
    try:
        return SECTIONS[code](data)
    except (QolError, np.linalg.LinAlgError) as error:
        words = data.options.say("This part could not be computed: {why}")
        return Section(
            code, data.options.say(code), (words.format(why=data.options.say(str(error))),)
        )
