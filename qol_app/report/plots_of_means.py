"""Figures of means and rates by timepoint: small multiples, one panel for each scale."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from qol_app.report import canvas
from qol_app.report.model import Figure, Table

# More timepoints than this would overlap under a panel a third of a page wide.
CROWDED = 7


def panels(
    wording: canvas.Wording,
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
    with canvas.drawing(wording.name):
        picture = Canvas(figsize=(8.2, 2.1 * down + 0.5))
        grid = picture.subplots(down, across, squeeze=False, sharex=True)
        for axes, (code, title) in zip(grid.flat, titles.items(), strict=False):
            mine = rows[rows["panel"] == code]
            for place, group in enumerate(groups):
                _course(axes, mine[mine["group"] == group], order, place, len(groups), group)
            axes.set_title(_short(code, title, 96 // across), loc="left")
            if limits and code in limits:
                low, high = limits[code]
                axes.set_ylim(*canvas.with_margin(low, high))
            axes.set_xticks(range(len(order)), order)
            # Beside each other only where there is room for it.
            axes.tick_params(axis="x", labelsize=7.5, rotation=90 if len(order) > CROWDED else 0)
        for place, axes in enumerate(grid.flat):
            axes.set_visible(place < len(titles))
            axes.tick_params(axis="x", labelbottom=place + across >= len(titles))
        for row in grid:
            row[0].set_ylabel(y_label)
        handles, labels = next(iter(grid.flat)).get_legend_handles_labels()
        if len(groups) > 1 and handles:
            picture.legend(handles, labels, loc="outside upper right", ncols=len(groups))
        return canvas.finished(picture, wording, table)


def _short(code: str, title: str, most: int) -> str:
    """Return code and title, as much as a panel has room for; a long code says enough alone."""
    whole = f"{code}  {title}"
    if len(whole) <= most:
        return whole
    return code if len(code) > most // 2 else f"{whole[: most - 1]}…"


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
        linewidth=1.2, **canvas.style(place),
    )  # fmt: skip


def rates_plot(
    wording: canvas.Wording,
    table: Table,
    rows: pd.DataFrame,
    order: Sequence[str],
    groups: Sequence[str],
    y_label: str,
) -> Figure:
    """Return per cent by timepoint and group. ``rows``: timepoint, group, rate."""
    with canvas.drawing(wording.name):
        picture = Canvas(figsize=(8.2, 2.8))
        axes = picture.subplots()
        for place, group in enumerate(groups):
            mine = rows[(rows["group"] == group) & rows["rate"].notna()]
            at = [list(order).index(one) for one in mine["timepoint"]]
            axes.plot(at, mine["rate"], label=group, markersize=5, **canvas.style(place))
        axes.set_xticks(range(len(order)), order)
        axes.set_ylim(0, 104)
        axes.set_ylabel(y_label)
        if len(groups) > 1:
            axes.legend(loc="lower left", ncols=len(groups))
        return canvas.finished(picture, wording, table)
