"""Figures as SVG and PNG: plain, legible in grey, the same bytes for the same numbers."""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from qol_app.report.model import Figure, Table

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
HATCH = ("", "//", "..", "xx")


@dataclass(frozen=True)
class Wording:
    """What stands in and under a figure."""

    name: str
    title: str
    description: str


@contextmanager
def _look(name: str):  # type: ignore[no-untyped-def]
    settings: Any = {**LOOK, "svg.hashsalt": f"qol-{name}"}
    with mpl.rc_context(settings):
        yield


def style(place: int) -> dict[str, Any]:
    """Return marker, line and colour of the n-th group."""
    return dict(STYLES[place % len(STYLES)])


def finished(canvas: Canvas, wording: Wording, table: Table) -> Figure:
    """Return the canvas as a figure with its words and table."""
    # savefig would draw four times and lay out twice; laying out is the slowest part, and both
    # files are to show the same picture.
    svg = io.StringIO()
    FigureCanvasSVG(canvas).print_svg(svg, metadata={"Date": None, "Creator": None})
    canvas.set_layout_engine("none")
    canvas.set_dpi(PNG_DPI)
    png = io.BytesIO()
    FigureCanvasAgg(canvas).print_png(png, metadata={"Software": None})
    return Figure(
        wording.name,
        wording.title,
        wording.description,
        _inline(svg.getvalue(), wording),
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


def panels(
    wording: Wording,
    table: Table,
    rows: pd.DataFrame,
    titles: Mapping[str, str],
    order: Sequence[str],
    groups: Sequence[str],
    y_label: str,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Return small multiples: mean and interval by timepoint and group, a panel for each scale.

    ``rows``: panel, timepoint, group, mean, ci_low, ci_high. ``limits`` are the ends of a
    panel's scale; an interval that reaches beyond them is cut off there.
    """
    across = min(3, max(1, len(titles)))
    down = -(-len(titles) // across)
    with _look(wording.name):
        canvas = Canvas(figsize=(8.2, 2.1 * down + 0.5))
        grid = canvas.subplots(down, across, squeeze=False, sharex=True)
        for axes, (code, title) in zip(grid.flat, titles.items(), strict=False):
            mine = rows[rows["panel"] == code]
            for place, group in enumerate(groups):
                _course(axes, mine[mine["group"] == group], order, place, len(groups), group)
            axes.set_title(_short(f"{code}  {title}"), loc="left")
            if limits and code in limits:
                low, high = limits[code]
                axes.set_ylim(*_with_margin(low, high))
            axes.set_xticks(range(len(order)), order)
            axes.tick_params(axis="x", labelsize=7.5)
        for axes in list(grid.flat)[len(titles) :]:
            axes.set_visible(False)
        for row in grid:
            row[0].set_ylabel(y_label)
        handles, labels = next(iter(grid.flat)).get_legend_handles_labels()
        if len(groups) > 1 and handles:
            canvas.legend(handles, labels, loc="outside upper right", ncols=len(groups))
        return finished(canvas, wording, table)


def _with_margin(low: float, high: float) -> tuple[float, float]:
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _short(title: str, most: int = 32) -> str:
    return title if len(title) <= most else f"{title[: most - 1]}…"


def _course(
    axes: Axes, rows: pd.DataFrame, order: Sequence[str], place: int, of: int, label: str
) -> None:
    known = rows[rows["mean"].notna()]
    # Beside each other rather than on top of each other.
    shift = (place - (of - 1) / 2) * 0.12
    at = [list(order).index(one) + shift for one in known["timepoint"]]
    middle = known["mean"].to_numpy(float)
    low = np.nan_to_num(middle - known["ci_low"].to_numpy(float))
    high = np.nan_to_num(known["ci_high"].to_numpy(float) - middle)
    axes.errorbar(
        at, middle, yerr=np.abs([low, high]), label=label, capsize=2, markersize=4,
        linewidth=1.2, **style(place),
    )  # fmt: skip


def forest_plot(
    wording: Wording,
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
    with _look(wording.name):
        canvas = Canvas(figsize=(8.2, max(2.0, 0.27 * len(labels) + 1.1)))
        axes = canvas.subplots()
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
            looks = {**style(place), "linestyle": "none"}
            for height, low, high in zip(at, mine["low"], mine["high"], strict=True):
                if np.isfinite([low, high]).all():
                    axes.plot([low, high], [height, height], color=looks["color"], lw=1.2)
            axes.plot(mine["estimate"], at, markersize=5, label=one, **looks)
        axes.axvline(null, color="black", lw=0.8)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        if log:
            axes.set_xscale("log")
        if most is not None:
            _cut(axes, null - most, null + most)
        axes.set_xlabel(x_label)
        for text, edge, side in zip(sides, (0.0, 1.0), ("left", "right"), strict=True):
            axes.text(edge, 1.01, text, transform=axes.transAxes, ha=side, va="bottom", fontsize=8)
        if len(series) > 1:
            canvas.legend(loc="outside upper right", ncols=len(series))
        return finished(canvas, wording, table)


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


def curves_plot(
    wording: Wording,
    table: Table,
    curves: Sequence[tuple[str, pd.DataFrame]],
    at_risk: pd.DataFrame,
    *,
    value: str,
    start: float,
    y_label: str,
    x_label: str,
    risk_label: str,
    until: float,
) -> Figure:
    """Return step curves with bands and, below, how many were still observed.

    ``curves``: label and frame of time, ``value``, ci_low, ci_high; ``at_risk``: group, time,
    n_risk.
    """
    with _look(wording.name):
        canvas = Canvas(figsize=(8.2, 4.6))
        axes = canvas.subplots()
        for place, (label, curve) in enumerate(curves):
            _steps(axes, label, curve, value, start, place)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlim(0, until)
        axes.set_ylabel(y_label)
        axes.set_xlabel(x_label)
        times = sorted(at_risk["time"].unique())
        axes.set_xticks(times, [f"{time:g}" for time in times])
        lines = [risk_label, *at_risk["group"].unique()]
        for number, group in enumerate(lines):
            height = -0.22 - 0.065 * number
            axes.text(-0.01, height, str(group), transform=axes.transAxes, ha="right", fontsize=8)
            for row in at_risk[at_risk["group"] == group].itertuples():
                axes.text(
                    row.time, height, f"{int(row.n_risk)}", ha="center", fontsize=8,
                    transform=axes.get_xaxis_transform(),
                )  # fmt: skip
        if len(curves) > 1:
            axes.legend(loc="lower left" if start else "upper left")
        return finished(canvas, wording, table)


def _steps(
    axes: Axes, label: str, curve: pd.DataFrame, value: str, start: float, place: int
) -> None:
    time = np.concatenate([[0.0], curve["time"].to_numpy(float)])
    height = np.concatenate([[start], curve[value].to_numpy(float)])
    look = {**style(place), "marker": None}
    axes.step(time, height, where="post", label=label, linewidth=1.6, **look)
    low = np.concatenate([[start], curve["ci_low"].to_numpy(float)])
    high = np.concatenate([[start], curve["ci_high"].to_numpy(float)])
    axes.fill_between(time, low, high, step="post", alpha=0.13, color=look["color"], lw=0)
    if "n_censored" in curve:
        gone = curve[curve["n_censored"] > 0]
        axes.plot(gone["time"], gone[value], "|", color=look["color"], markersize=6)


def rates_plot(
    wording: Wording,
    table: Table,
    rows: pd.DataFrame,
    order: Sequence[str],
    groups: Sequence[str],
    y_label: str,
) -> Figure:
    """Return per cent by timepoint and group. ``rows``: timepoint, group, rate."""
    with _look(wording.name):
        canvas = Canvas(figsize=(8.2, 2.8))
        axes = canvas.subplots()
        for place, group in enumerate(groups):
            mine = rows[(rows["group"] == group) & rows["rate"].notna()]
            at = [list(order).index(one) for one in mine["timepoint"]]
            axes.plot(at, mine["rate"], label=group, markersize=5, **style(place))
        axes.set_xticks(range(len(order)), order)
        axes.set_ylim(0, 104)
        axes.set_ylabel(y_label)
        if len(groups) > 1:
            axes.legend(loc="lower left", ncols=len(groups))
        return finished(canvas, wording, table)


def bars(
    wording: Wording,
    table: Table,
    edges: np.ndarray,
    counts: Mapping[str, np.ndarray],
    *,
    x_label: str,
    y_label: str,
) -> Figure:
    """Return counts between ``edges`` (n + 1), the groups' bars (n each) beside each other."""
    with _look(wording.name):
        canvas = Canvas(figsize=(8.2, 2.8))
        axes = canvas.subplots()
        step = (edges[1] - edges[0]) / (len(counts) + 0.5)
        for place, (label, heights) in enumerate(counts.items()):
            looks = {"color": style(place)["color"], "hatch": HATCH[place % len(HATCH)]}
            at = edges[:-1] + (place + 0.75) * step
            axes.bar(at, heights, width=step * 0.9, label=label, edgecolor="white", **looks)
        axes.set_xticks(edges)
        axes.yaxis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10], integer=True))
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if len(counts) > 1:
            canvas.legend(loc="outside upper right", ncols=len(counts))
        return finished(canvas, wording, table)


def single_course(
    wording: Wording,
    table: Table,
    points: pd.DataFrame,
    events: pd.DataFrame,
    *,
    x_label: str,
    y_label: str,
    ends: tuple[float, float] | None = None,
) -> Figure:
    """Return one participant's scores (day, value) with a line at each event (day, what)."""
    with _look(wording.name):
        canvas = Canvas(figsize=(8.2, 3.6))
        axes = canvas.subplots()
        axes.plot(points["day"], points["value"], markersize=5, **style(0))
        if ends:
            axes.set_ylim(*_with_margin(*ends))
        for days, words in _beside(events, points["day"]):
            for day in days:
                axes.axvline(day, color="#4d4d4d", lw=0.8, ls=":")
            axes.text(
                days[0], 1.01, ", ".join(words), rotation=30, fontsize=7.5,
                transform=axes.get_xaxis_transform(), ha="left", va="bottom",
            )  # fmt: skip
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        return finished(canvas, wording, table)


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
