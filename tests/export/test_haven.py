"""R's haven opens the files of SAS, SPSS and Stata and finds what was written."""

import subprocess

import pandas as pd
import pytest

from qol_app.export.columns import TABLES
from qol_app.export.registry import writer_of
from tests.export.made_tables import make_part, make_study
from tests.with_r import require_r

SCRIPT = """
read <- list(xpt = haven::read_xpt, sav = haven::read_sav, dta = haven::read_dta)
for (path in commandArgs(TRUE)) {
  frame <- read[[tools::file_ext(path)]](path)
  for (name in names(frame)) {
    one <- frame[[name]]
    value <- if (inherits(one, c("Date", "POSIXct"))) format(one, tz = "UTC")
             else if (is.numeric(one)) sprintf("%.17g", one) else as.character(one)
    cat(path, nrow(frame), name, attr(one, "label"), value[1], is.na(one[2]), sep = "\\t")
    cat("\\n")
  }
}
"""
VALUES = {
    "text": "x",
    "number": f"{200 / 3:.17g}",
    "whole": "1",
    "flag": "1",
    "date": "2026-03-01",
    "instant": "2026-03-01 08:30:15",
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Return what haven found: one row per file and column."""
    require_r("haven")
    folder = tmp_path_factory.mktemp("haven")
    first = {"scores": [{"value": 200 / 3}], "visits": [{}]}
    missing = {
        table: [{one.name: None for one in TABLES[table] if one.kind != "text"}] for table in first
    }
    for kind in ("xpt", "sav", "dta"):
        writer = writer_of(kind)(folder, make_study())
        writer.add(make_part(**first))
        writer.add(make_part(**missing))
        writer.close()
    paths = [f"{table}.{kind}" for table in first for kind in ("xpt", "sav", "dta")]
    done = subprocess.run(
        ["Rscript", "-e", SCRIPT, *paths], cwd=folder, capture_output=True, text=True, check=True
    )
    columns = ["file", "rows", "name", "label", "value", "missing"]
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return pd.DataFrame(rows, columns=columns).set_index("file")


@pytest.mark.parametrize("kind", ["xpt", "sav", "dta"])
def test_haven_finds_names_labels_values_and_gaps(opened, kind):
    for table in ("scores", "visits"):
        found = opened.loc[f"{table}.{kind}"]
        columns = TABLES[table]
        short = kind == "xpt"
        assert list(found["name"]) == [one.short if short else one.name for one in columns]
        assert list(found["label"]) == [one.label for one in columns]
        assert set(found["rows"]) == {"2"}
        wanted = [VALUES[one.kind] for one in columns]
        if table == "visits":
            wanted = [one.replace(VALUES["number"], "1") for one in wanted]
        assert list(found["value"]) == wanted
        gaps = ["FALSE" if one.kind == "text" else "TRUE" for one in columns]
        assert list(found["missing"]) == gaps
