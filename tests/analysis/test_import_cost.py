"""Pages and worker stay light: statistics are imported by the analysis side only."""

import subprocess
import sys

from qol_app.settings import ROOT

HEAVY = ("statsmodels", "scipy", "lifelines", "matplotlib", "weasyprint", "pyreadstat")


def test_the_pages_start_without_any_statistics_library():
    modules = "qol_app.app, qol_app.web, qol_app.services"
    program = f"import sys, {modules}; print(sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
