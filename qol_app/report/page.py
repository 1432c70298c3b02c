"""One HTML file that needs nothing else, the same as PDF, and every table and figure as a file."""

import gc
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from qol_app.definition.parts import in_language
from qol_app.report.data import ReportData, code_sha256
from qol_app.report.model import Section, Table
from qol_app.report.speech import Speech

HTML, PDF, INDEX = "report.html", "report.pdf", "report.json"
# Above so many rows the page points at the data file instead.
ROWS_ON_PAGE = 150
# A number and its per cent sign stay on one line.
PER_CENT = re.compile(r"(?<=\d) %")
# The names of value sets are longer than any other word but hashes.
LONGEST_WORD = 26


@dataclass(frozen=True)
class Written:
    """What became files, and what did not and why."""

    files: tuple[str, ...]
    without: tuple[str, ...]


def write_report(
    folder: Path, data: ReportData, sections: Sequence[Section], *, pdf: bool = True
) -> Written:
    """Write page, PDF, tables (CSV, unrounded) and figures (SVG, PNG) into an empty folder."""
    page = html(data, sections)
    (folder / HTML).write_text(page, encoding="utf-8")
    _write_tables(folder, sections)
    _write_figures(folder, sections)
    without = [] if not pdf else _write_pdf(folder, page)
    files = sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
    _write_index(folder, data, files)
    return Written((*files, INDEX), tuple(without))


def html(data: ReportData, sections: Sequence[Section]) -> str:
    """Return the report as one page with everything in it."""
    say = data.options.say
    titles = data.instrument_titles
    environment = Environment(
        loader=PackageLoader("qol_app.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = Markup  # made by plots, whose words are escaped
    environment.tests["long"] = _is_long
    template = environment.get_template("report.html")
    page = template.render(
        say=say,
        language=data.options.language,
        title=say("Report on {title}").format(title=data.protocol.title),
        blinded=data.options.blinded,
        as_of=data.as_of.isoformat(),
        data_until=data.study.data_until.date().isoformat(),
        version=data.study.program_version,
        sha256=data.sha256,
        n=len(data.facts.participants),
        sections=sections,
        grid=lambda table: grid(table, say, titles),
        arms=_arms(data),
    )
    return PER_CENT.sub("\u00a0%", page)


def _is_long(text: str) -> bool:
    """Return whether a word needs breaking: to allow it anywhere makes laying out twice as slow."""
    return any(len(word) > LONGEST_WORD for word in text.split())


def _arms(data: ReportData) -> list[str]:
    if data.options.blinded:
        return []
    language = data.options.language
    return [f"{one.code}: {in_language(one.titles, language)}" for one in data.protocol.arms]


def grid(
    table: Table, say: Speech, instruments: Mapping[str, str] | None = None
) -> tuple[list[str], list[list[str]], int]:
    """Return headings, rows as printed, and how many rows are only in the data file.

    Readers see the names of ``instruments``, files hold their codes.
    """
    frame = table.frame if table.shown is None else table.shown
    if instruments and "instrument" in frame:
        frame = frame.assign(
            instrument=frame["instrument"].map(lambda one: instruments.get(one, one))
        )
    headings = [say(heading(str(name))) for name in frame.columns]
    seen = frame.head(ROWS_ON_PAGE)
    columns = [[say.cell(str(name), one) for one in seen[name]] for name in seen.columns]
    rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
    return headings, rows, len(frame) - len(seen)


HEADINGS: Mapping[str, str] = {
    "ci_low": "95 % from",
    "ci_high": "95 % to",
    "p": "p",
    "p_value": "p",
    "p_interaction": "p, interaction",
    "n": "n",
    "hazard_ratio": "Hazard ratio",
    "fixed_rate": "Of all randomised",
    "old_enough_rate": "Of those whose time has come",
    "completion_rate": "Of the expected",
    "completion_numerator": "Valid",
    "completion_denominator": "Expected",
    "three_years": "At three years, %",
    "rmst": "Restricted mean",
    "chisq": "Chi-square",
    "coef": "Coefficient",
    "t": "t",
    "time": "Day",
    "z": "z",
    "df": "Degrees of freedom",
    "se": "Standard error",
    "sd": "SD",
    "n_risk": "At risk",
    "smallest_that_matters": "Smallest that matters",
    "sha256": "SHA-256",
    "answer": "In this report",
    "horizon": "Within days",
    **{f"grade_{one}": f"Grade {one}" for one in range(6)},
    **{f"adjusted_{one}": f"Worse than before, grade {one}" for one in range(4)},
    "grade_3_or_more": "Grade 3 or more",
    "percent_grade_3_or_more": "Per cent grade 3 or more",
    "percent_with_event": "Per cent with event",
    "mean_sd": "Mean (SD)",
    "median_quartiles": "Median (quartiles)",
}


def heading(name: str) -> str:
    """Return what a column is called on the page: a word of its own, or its name as words."""
    if name in HEADINGS:
        return HEADINGS[name]
    if name.isupper() or any(letter.isdigit() for letter in name):
        return name
    return name.replace("_", " ").capitalize() if name.islower() else name


def _write_tables(folder: Path, sections: Sequence[Section]) -> None:
    (folder / "tables").mkdir()
    for section in sections:
        for table in [*section.tables, *[one.table for one in section.figures]]:
            path = folder / "tables" / f"{table.name}.csv"
            # Booleans and categories as text; numbers with all digits, so nothing is lost.
            table.frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _write_figures(folder: Path, sections: Sequence[Section]) -> None:
    (folder / "figures").mkdir()
    for section in sections:
        for figure in section.figures:
            (folder / "figures" / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
            (folder / "figures" / f"{figure.name}.png").write_bytes(figure.png)


def _write_pdf(folder: Path, page: str) -> list[str]:
    """Write the PDF; where Pango or another library is missing, return why there is none."""
    try:
        # Asks for system libraries when imported: a machine without them still gets the page.
        weasyprint = import_module("weasyprint")
    except (ImportError, OSError) as error:
        return [f"{PDF}: not made, because {' '.join(str(error).split())[:200]}"]
    with _keeping_everything():
        weasyprint.HTML(string=page, url_fetcher=_nothing).write_pdf(
            folder / PDF, pdf_variant="pdf/ua-1"
        )
    return []


@contextmanager
def _keeping_everything() -> Iterator[None]:
    """Collect no garbage: a page is a million objects in use, looked through again and again."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def _nothing(url: str, *_args: object, **_more: object) -> dict[str, object]:
    raise ValueError(f"{url}: a report fetches nothing")


def _write_index(folder: Path, data: ReportData, files: Sequence[str]) -> None:
    content = {
        "protocol": data.protocol.code,
        "protocol_version": data.protocol.version,
        "as_of": data.as_of.isoformat(),
        "blinded": data.options.blinded,
        "program_version": data.study.program_version,
        "data_sha256": data.sha256,
        "code_sha256": code_sha256(),
        "definitions": {
            f"{one.kind} {one.code} {one.language} {one.version}".replace("  ", " "): one.sha256
            for one in data.study.definitions
        },
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    (folder / INDEX).write_text(text + "\n", encoding="utf-8")


def all_tables(sections: Sequence[Section]) -> dict[str, pd.DataFrame]:
    """Return every table by name, those of figures too."""
    tables = [t for s in sections for t in [*s.tables, *[f.table for f in s.figures]]]
    return {table.name: table.frame for table in tables}
