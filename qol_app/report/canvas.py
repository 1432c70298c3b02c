"""Figures as SVG and PNG: plain, legible in grey, the same bytes for the same numbers."""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import Formatter, FuncFormatter, ScalarFormatter

from qol_app.report.model import Figure, Table
from qol_app.report.vector import svg_of

# Told apart by marker, line and darkness; colour only helps.
STYLES: tuple[Mapping[str, Any], ...] = (
    {"color": "#12436d", "marker": "o", "linestyle": "-"},
    {"color": "#b35900", "marker": "s", "linestyle": "--"},
    {"color": "#4d4d4d", "marker": "^", "linestyle": "-."},
    {"color": "#801650", "marker": "D", "linestyle": ":"},
    {"color": "#28651f", "marker": "v", "linestyle": (0, (6, 2))},
    {"color": "#5c4b9b", "marker": "P", "linestyle": (0, (1, 2))},
)
LOOK = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
PNG_DPI = 150


@dataclass(frozen=True)
class Wording:
    """What stands in and under a figure, and the decimal mark of its axes."""

    name: str
    title: str
    description: str
    mark: str = "."


@contextmanager
def drawing(name: str) -> Iterator[None]:
    """Draw with our settings; ids in the picture depend on the name alone."""
    settings: Any = {**LOOK, "svg.hashsalt": f"qol-{name}"}
    with mpl.rc_context(settings):
        yield


def style(place: int) -> dict[str, Any]:
    """Return marker, line and colour of the n-th group."""
    return dict(STYLES[place % len(STYLES)])


def finished(canvas: Canvas, wording: Wording, table: Table) -> Figure:
    """Return the canvas as a figure with its words and table."""
    if wording.mark != ".":
        for axes in canvas.axes:
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(_marked(axis.get_major_formatter(), wording.mark))
    # savefig would draw four times and lay out twice; laying out is the slowest part, and both
    # files are to show the same picture.
    svg = svg_of(canvas)
    canvas.set_layout_engine("none")
    canvas.set_dpi(PNG_DPI)
    png = io.BytesIO()
    FigureCanvasAgg(canvas).print_png(png, metadata={"Software": None})
    return Figure(
        wording.name,
        wording.title,
        wording.description,
        _inline(svg, wording),
        png.getvalue(),
        table,
    )


def _inline(svg: str, wording: Wording) -> str:
    """Return the SVG without prologue and metadata, with ids of its own, title and description."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    key = re.sub(r"[^A-Za-z0-9-]", "-", wording.name)
    for before in ('id="', 'href="#', "url(#"):
        body = body.replace(before, f"{before}{key}-")
    head = (
        f'<title id="{key}-title">{escape(wording.title)}</title>'
        f'<desc id="{key}-desc">{escape(wording.description)}</desc>'
    )
    opening, rest = body.split(">", 1)
    return f'{opening} role="img" aria-labelledby="{key}-title {key}-desc">{head}{rest}'.strip()


def _marked(formatter: Formatter, mark: str) -> Formatter:
    """Return the formatter with another decimal mark; names of timepoints stay as they are."""
    if isinstance(formatter, ScalarFormatter):
        return _MarkedNumbers(mark)
    if isinstance(formatter, FuncFormatter):
        return FuncFormatter(lambda value, place: formatter(value, place).replace(".", mark))
    return formatter


class _MarkedNumbers(ScalarFormatter):
    def __init__(self, mark: str) -> None:
        super().__init__()
        self._mark = mark

    def __call__(self, x: float, pos: int | None = None) -> str:
        return super().__call__(x, pos).replace(".", self._mark)


def with_margin(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis that shows both ends of a scale."""
    return low - 0.04 * (high - low), high + 0.04 * (high - low)
