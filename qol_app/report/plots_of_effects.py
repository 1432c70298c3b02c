"""Figures of estimates with intervals, one line each (forest plots)."""

from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from qol_app.report import canvas
from qol_app.report.model import Figure, Table


def forest_plot(
    wording: canvas.Wording,
    table: Table,
    rows: pd.DataFrame,
    *,
    x_label: str,
    null: float,
    log: bool = False,
    most: float | None = None,
    sides: tuple[str, str] = ("", ""),
) -> Figure:
    """Return estimates with intervals, one line each.

    ``rows``: label, series, estimate, low, high, and band (half the width of the zone of
    differences too small to matter, or missing). Nothing further than ``most`` from ``null`` is
    drawn: an arrow says that the interval goes on.
    """
    labels = list(dict.fromkeys(rows["label"]))
    series = list(dict.fromkeys(rows["series"]))
    with canvas.drawing(wording.name):
        picture = Canvas(figsize=(8.2, max(2.0, 0.27 * len(labels) + 1.1)))
        axes = picture.subplots()
        for line, label in enumerate(labels):
            band = rows.loc[rows["label"] == label, "band"].max() if "band" in rows else np.nan
            if pd.notna(band):
                axes.fill_betweenx(
                    [line - 0.42, line + 0.42], null - band, null + band, color="#e3e3e3", lw=0
                )
        for place, one in enumerate(series):
            mine = rows[(rows["series"] == one) & rows["estimate"].notna()]
            shift = (place - (len(series) - 1) / 2) * 0.3
            at = [labels.index(label) + shift for label in mine["label"]]
            looks = {**canvas.style(place), "linestyle": "none"}
            for height, low, high in zip(at, mine["low"], mine["high"], strict=True):
                if np.isfinite([low, high]).all():
                    axes.plot([low, high], [height, height], color=looks["color"], lw=1.2)
            axes.plot(mine["estimate"], at, markersize=5, label=one, **looks)
        axes.axvline(null, color="black", lw=0.8)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        if log:
            axes.set_xscale("log")
            _plain_ticks(axes)
        if most is not None:
            _cut(axes, null - most, null + most)
        axes.set_xlabel(x_label)
        for text, edge, side in zip(sides, (0.0, 1.0), ("left", "right"), strict=True):
            axes.text(edge, 1.01, text, transform=axes.transAxes, ha=side, va="bottom", fontsize=8)
        if len(series) > 1:
            picture.legend(loc="outside upper right", ncols=len(series))
        return canvas.finished(picture, wording, table)


def _cut(axes: Axes, low: float, high: float) -> None:
    """Keep the axis within low and high, with an arrow where a line is cut off."""
    left, right = axes.get_xlim()
    drawn = [(one, *np.asarray(one.get_data(), dtype=float)) for one in axes.lines]
    spans = [
        (np.sort(x), y[0], one.get_color())
        for one, x, y in drawn
        if len(x) == 2 and one.get_linestyle() == "-" and one.get_transform() == axes.transData
    ]
    axes.set_xlim(max(left, low), min(right, high))
    for (start, end), height, color in spans:
        for beyond, at, marker in ((start < low, low, "<"), (end > high, high, ">")):
            if beyond:
                axes.plot([at], [height], marker=marker, color=color, markersize=4, clip_on=False)


def _plain_ticks(axes: Axes) -> None:
    """Write 0.5, 1, 2 under a logarithmic axis, not powers of ten."""
    low, high = axes.get_xlim()
    steps = [digit * 10.0**power for power, digit in product(range(-4, 5), (1, 2, 5))]
    axes.xaxis.set_major_locator(FixedLocator([one for one in steps if low <= one <= high]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
