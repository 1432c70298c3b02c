"""A figure's SVG shows every mark with few elements; linear algebra keeps to one thread."""

import re
import subprocess
import sys

import pytest
from matplotlib.figure import Figure as Canvas

from qol_app.report.canvas import drawing
from qol_app.report.vector import svg_of
from qol_app.settings import ROOT


@pytest.fixture
def picture():
    """Return the SVG of two courses of 40 marks, one of squares and one of triangles."""
    with drawing("marks"):
        canvas = Canvas(figsize=(4, 3))
        axes = canvas.subplots()
        axes.plot(range(40), range(40), marker="s", color="#12436d", linestyle="none")
        axes.plot(range(40), range(40, 0, -1), marker="^", color="#b35900")
        return svg_of(canvas)


def paths_of(svg, colour):
    return re.findall(rf'<path d="([^"]*)"[^>]*fill: {colour}', svg)


def test_the_marks_of_a_course_are_one_path_that_holds_each_of_them(picture):
    for colour, corners in (("#12436d", 4), ("#b35900", 3)):
        (course,) = paths_of(picture, colour)
        assert course.count("M") == 40
        assert course.count("L") == 40 * (corners - 1)


def test_marks_stand_where_the_course_goes(picture):
    line = re.search(r'<path d="([^"]*)"[^>]*fill: none; stroke: #b35900', picture)
    (marks,) = paths_of(picture, "#b35900")
    first = [float(one) for one in re.match(r"M (\S+) (\S+)", line[1]).groups()]
    corners = re.findall(r"[ML] (\S+) (\S+)", marks)[:3]
    across, down = (sorted(float(c[i]) for c in corners) for i in (0, 1))
    assert across[0] < first[0] < across[2]
    assert down[0] < first[1] < down[2]


def test_nothing_is_looked_up_and_nothing_nested(picture):
    assert "<use" not in picture
    assert "<g" not in picture
    # 80 marks, 16 ticks and their labels, axes and the course.
    assert len(re.findall("<path", picture)) < 30


def test_paths_of_different_looks_stay_apart_and_in_order():
    canvas = Canvas(figsize=(4, 3))
    axes = canvas.subplots()
    axes.axis("off")
    for colour in ("#111111", "#222222", "#111111"):
        axes.plot([0, 1], [0, 1], color=colour)
    assert re.findall(r"stroke: (#\d+)", svg_of(canvas)) == ["#111111", "#222222", "#111111"]


@pytest.mark.parametrize(("given", "used"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "2"}, "2")])
def test_linear_algebra_keeps_to_one_thread_unless_told(given, used):
    program = "import qol_app, os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=given, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == used
