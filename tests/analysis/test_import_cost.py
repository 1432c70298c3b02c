"""Pages, worker and commands start light: what few of them use is loaded where it is used."""

import subprocess
import sys

from qol_app.settings import ROOT

HEAVY = (
    "pandas",
    "pywebpush",
    "statsmodels",
    "scipy",
    "lifelines",
    "matplotlib",
    "weasyprint",
    "pyreadstat",
)


def test_the_pages_start_without_any_library_of_tables_statistics_or_push():
    modules = "qol_app.app, qol_app.web, qol_app.services"
    program = f"import sys, {modules}; print(sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
