"""Figures of the Look page: how many had which score, and one participant's course."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from qol_app.report import canvas
from qol_app.report.model import Figure, Table

# One for each style of the canvas: in grey only the hatching tells bars apart.
HATCH = ("", "//", "..", "xx", "--", "\\\\")


def bars(
    wording: canvas.Wording,
    table: Table,
    edges: np.ndarray,
    counts: Mapping[str, np.ndarray],
    *,
    x_label: str,
    y_label: str,
) -> Figure:
    """Return counts between ``edges`` (n + 1), the groups' bars (n each) beside each other."""
    with canvas.drawing(wording.name):
        picture = Canvas(figsize=(8.2, 2.8))
        axes = picture.subplots()
        step = (edges[1] - edges[0]) / (len(counts) + 0.5)
        for place, (label, heights) in enumerate(counts.items()):
            looks = {"color": canvas.style(place)["color"], "hatch": HATCH[place % len(HATCH)]}
            at = edges[:-1] + (place + 0.75) * step
            axes.bar(at, heights, width=step * 0.9, label=label, edgecolor="white", **looks)
        axes.set_xticks(edges)
        axes.yaxis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10], integer=True))
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if len(counts) > 1:
            picture.legend(loc="outside upper right", ncols=len(counts))
        return canvas.finished(picture, wording, table)


def single_course(
    wording: canvas.Wording,
    table: Table,
    points: pd.DataFrame,
    events: pd.DataFrame,
    *,
    x_label: str,
    y_label: str,
    ends: tuple[float, float] | None = None,
) -> Figure:
    """Return one participant's scores (day, value) with a line at each event (day, what)."""
    with canvas.drawing(wording.name):
        picture = Canvas(figsize=(8.2, 3.6))
        axes = picture.subplots()
        axes.plot(points["day"], points["value"], markersize=5, **canvas.style(0))
        if ends:
            axes.set_ylim(*canvas.with_margin(*ends))
        for days, words in _beside(events, points["day"]):
            for day in days:
                axes.axvline(day, color="#4d4d4d", lw=0.8, ls=":")
            axes.text(
                days[0], 1.01, ", ".join(words), rotation=30, fontsize=7.5,
                transform=axes.get_xaxis_transform(), ha="left", va="bottom",
            )  # fmt: skip
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        return canvas.finished(picture, wording, table)


def _beside(events: pd.DataFrame, days: pd.Series) -> list[tuple[list[float], list[str]]]:
    """Return the events by day, those too close to be written apart together."""
    everything = [*events["day"], *days]
    near = 0.04 * (max(everything) - min(everything)) if everything else 0.0
    found: list[tuple[list[float], list[str]]] = []
    for row in events.sort_values("day", kind="stable").itertuples():
        if not found or row.day - found[-1][0][-1] > near:
            found.append(([], []))
        found[-1][0].append(row.day)
        found[-1][1].append(row.what)
    return found
