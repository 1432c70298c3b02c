"""The report's sections in order. A new one is a function and a line here."""

from collections.abc import Callable, Iterator

import numpy as np

from qol_app.errors import QolError
from qol_app.report.courses import forest_of_scales, mixed_model, profiles
from qol_app.report.data import ReportData
from qol_app.report.decline import deterioration
from qol_app.report.harm import safety
from qol_app.report.lives import overall, predictive, progression_free
from qol_app.report.methods import checklists, methods
from qol_app.report.model import Section
from qol_app.report.people import baseline_table, completion, flow

SECTIONS: dict[str, Callable[[ReportData], Section]] = {
    "flow": flow,
    "table-1": baseline_table,
    "completion": completion,
    "profiles": profiles,
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


def written(data: ReportData) -> Iterator[Section]:
    """Yield each section; one that cannot be computed says so, and the report goes on."""
    for code, function in SECTIONS.items():
        try:
            yield function(data)
        except (QolError, np.linalg.LinAlgError) as error:
            words = data.options.say("This part could not be computed: {why}")
            yield Section(code, data.options.say(code), (words.format(why=error),))
