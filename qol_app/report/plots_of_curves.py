"""Figures of step curves with numbers at risk: survival, cumulative incidence."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from qol_app.report import canvas
from qol_app.report.model import Figure, Table
from qol_app.report.speech import Speech


def curves_plot(
    wording: canvas.Wording,
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
    with canvas.drawing(wording.name):
        picture = Canvas(figsize=(8.2, 4.6))
        axes = picture.subplots()
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
            axes.text(-0.035, height, str(group), transform=axes.transAxes, ha="right", fontsize=8)
            for row in at_risk[at_risk["group"] == group].itertuples():
                axes.text(
                    row.time, height, f"{int(row.n_risk)}", ha="center", fontsize=8,
                    transform=axes.get_xaxis_transform(),
                )  # fmt: skip
        if len(curves) > 1:
            axes.legend(loc="lower left" if start else "upper left")
        return canvas.finished(picture, wording, table)


def in_words(say: Speech, at_risk: pd.DataFrame) -> pd.DataFrame:
    """Return numbers at risk with the groups as readers know them: ``alla`` for ``all``."""
    return at_risk.assign(group=[say(str(one)) for one in at_risk["group"]])


def _steps(
    axes: Axes, label: str, curve: pd.DataFrame, value: str, start: float, place: int
) -> None:
    time = np.concatenate([[0.0], curve["time"].to_numpy(float)])
    height = np.concatenate([[start], curve[value].to_numpy(float)])
    look = {**canvas.style(place), "marker": None}
    axes.step(time, height, where="post", label=label, linewidth=1.6, **look)
    low = np.concatenate([[start], curve["ci_low"].to_numpy(float)])
    high = np.concatenate([[start], curve["ci_high"].to_numpy(float)])
    axes.fill_between(time, low, high, step="post", alpha=0.13, color=look["color"], lw=0)
    if "n_censored" in curve:
        gone = curve[curve["n_censored"] > 0]
        axes.plot(gone["time"], gone[value], "|", color=look["color"], markersize=6)
