"""What an explorer sees: pictures of one scale, each with its table."""

from dataclasses import replace

import pandas as pd

from qol_app.report.canvas import STYLES
from qol_app.report.look import Wanted, choices, picked, pictures
from qol_app.report.page import grid
from qol_app.report.plots_of_people import HATCH, _beside
from qol_app.report.speech import ENGLISH
from tests.report.made_report import made_data


def test_events_of_neighbouring_days_share_one_label(by_arm):
    scale, name = "synthetic", by_arm.scores["participant"].iloc[0]
    known = choices(by_arm)
    wanted = picked(known, {"participant": name, "group": "arm", "timepoint": "M6", "scale": scale})
    assert wanted == Wanted(known.scales[0][0], "M6", "arm", name)
    course = pictures(by_arm, wanted)[2]
    titles = {one.code: one.title["en"] for one in by_arm.protocol.events}
    mine = by_arm.facts.events[by_arm.facts.events["participant"] == name]
    assert set(mine["kind"].map(titles)) <= set(course.table.frame["what"])
    near = pd.DataFrame({"day": [-3.0, 0.0, 300.0], "what": ["a", "b", "c"]})
    assert _beside(near, pd.Series([10.0])) == [([-3.0, 0.0], ["a", "b"]), ([300.0], ["c"])]


def test_all_cells_of_a_column_of_scores_have_as_many_digits(by_arm):
    """A mean of exactly 60 among 58.2 and 66.7 is 60.0."""
    whole = replace(by_arm.facts, scores=by_arm.facts.scores.assign(value=60.0))
    data = made_data(whole)
    profile, _spread, course = pictures(data, picked(choices(data), {"scale": "qlq-c30:PF"}))
    _, rows, _ = grid(profile.table, ENGLISH)
    assert {row[3] for row in rows} == {"60.0"}
    _, rows, _ = grid(course.table, ENGLISH)
    assert {row[2] for row in rows} == {"60.0", "–"}
    assert set(course.table.frame["value"].dropna()) == {60.0}


def test_bars_of_as_many_groups_as_there_are_styles_differ_in_grey():
    assert len(set(HATCH)) == len(HATCH) == len(STYLES)
