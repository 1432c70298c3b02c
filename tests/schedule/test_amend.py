"""An amendment looks forward: what is over or begun stays as it was."""

from datetime import timedelta

import pytest

from qol_app.definition.protocol import Amends, Timepoint
from qol_app.errors import NotAllowed
from qol_app.schedule.amend import amendment_problems, plan_as_amended, preview_amendment
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from tests.schedule.schedule_factories import BRECLIM, changed, day, keys, make_history, row

pytestmark = pytest.mark.pure


def amended(protocol=BRECLIM, on=200, renamed=None, **fields):
    update = {
        "version": "2.0",
        "effective_on": day(on),
        "amends": Amends(version="1.0", renamed=renamed or {}),
        **fields,
    }
    return protocol.model_copy(update=update)


def rows(history=None, begun=()):
    history = history or make_history()
    return [row(one, one.timepoint in begun, one.window.opens) for one in plan(BRECLIM, history)]


def preview(new, begun=()):
    return preview_amendment(BRECLIM, new, make_history(), rows(begun=begun))


def test_an_amendment_that_changes_nothing_keeps_everything():
    found = preview(amended())
    assert found.counts == {"kept": 10, "moved": 0, "added": 0, "dropped": 0}


def test_a_widened_window_moves_only_what_has_not_closed():
    new = amended(changed("M3", changed("M9", closes=310), closes=120), on=200)
    found = preview(new)
    assert keys(found.change.moved) == [("M9", 1)]
    assert ("M3", 1) in keys(found.change.kept)


@pytest.mark.parametrize(("on", "moved"), [(302, True), (303, False)])
def test_a_window_that_closed_before_the_day_it_takes_effect_is_over(on, moved):
    found = preview(amended(changed("M9", closes=310), on=on))
    assert (("M9", 1) in keys(found.change.moved)) is moved


@pytest.mark.parametrize("without", [False, True], ids=["widened", "taken out"])
def test_what_one_amendment_left_as_over_the_next_leaves_too(without):
    """M3 closes on day 112; the first amendment, a day later, no longer knows it so."""
    rest = tuple(one for one in BRECLIM.timepoints if one.code != "M3")
    changes = {"timepoints": rest} if without else {}
    first = amended(changed("M3", closes=120), on=113, **changes)
    history = make_history()
    found = preview_amendment(BRECLIM, first, history, rows())
    assert ("M3", 1) in found.left
    second = first.model_copy(
        update={"version": "3.0", "effective_on": day(114), "amends": Amends(version="2.0")}
    )
    again = preview_amendment(first, second, history, rows())
    m3 = next(one for one in again.change.kept if one.key == ("M3", 1))
    assert m3.window.closes == day(112)


def test_what_was_begun_stays_under_the_old_version():
    found = preview(amended(changed("M9", closes=310)), begun=("M9",))
    assert ("M9", 1) in keys(found.change.kept)


def test_a_timepoint_taken_out_is_dropped_from_its_day_on():
    points = tuple(one for one in BRECLIM.timepoints if one.code not in ("M3", "M18"))
    found = preview(amended(timepoints=points))
    assert keys(found.change.dropped) == [("M18", 1)]
    assert ("M3", 1) in keys(found.change.kept)


@pytest.mark.parametrize(("closes", "added"), [(225, False), (240, True)])
def test_a_new_timepoint_is_added_if_it_can_still_be_answered(closes, added):
    extra = Timepoint(
        code="M7",
        title={},
        anchor="randomisation",
        day=220,
        opens=215,
        closes=closes,
        package="core",
    )
    new = amended(timepoints=(*BRECLIM.timepoints, extra), on=230)
    assert (("M7", 1) in keys(preview(new).change.added)) is added


def test_a_window_is_never_moved_into_the_past():
    found = preview(amended(changed("M9", opens=220, day=225, closes=240), on=250))
    assert ("M9", 1) in keys(found.change.kept)


def test_a_renamed_timepoint_keeps_its_row():
    points = tuple(
        one.model_copy(update={"code": "M9X"}) if one.code == "M9" else one
        for one in BRECLIM.timepoints
    )
    found = preview(amended(timepoints=points, renamed={"M9": "M9X"}))
    assert found.renamed == ((("M9", 1), ("M9X", 1)),)
    assert found.counts == {"kept": 10, "moved": 0, "added": 0, "dropped": 0}


@pytest.mark.parametrize(
    ("new", "place"),
    [
        (amended().model_copy(update={"code": "other"}), "code"),
        (amended().model_copy(update={"amends": None}), "amends: version"),
        (amended().model_copy(update={"amends": Amends(version="0.9")}), "amends: version"),
        (amended().model_copy(update={"version": "1.0"}), "version"),
        (amended().model_copy(update={"effective_on": BRECLIM.effective_on}), "effective_on"),
        (amended(arms=BRECLIM.arms[:1]), "arms"),
        (amended(sites=BRECLIM.sites[:5]), "sites"),
        (amended(renamed={"M99": "M9"}), "amends: renamed"),
    ],
)
def test_what_is_no_next_version_is_refused(new, place):
    assert [problem.place for problem in amendment_problems(BRECLIM, new)] == [place]
    with pytest.raises(NotAllowed, match=r"found .*; wanted "):
        preview_amendment(BRECLIM, new, make_history(), rows())


def test_it_may_take_effect_later_for_one_participant():
    new = amended(changed("M9", closes=310), on=200)
    late = preview_amendment(BRECLIM, new, make_history(), rows(), on=day(303))
    assert late.change.moved == ()
    assert new.effective_on + timedelta(days=103) == day(303)


def as_amended(new, asked_under, history):
    found = plan_as_amended((BRECLIM, new), asked_under, history)
    assert len({one.key for one in found}) == len(found)
    return {one.key: one.window for one in found}


LATER = History([Event("consent", day(-7)), Event("randomisation", day(5), {"arm": "A"})])


def test_a_date_corrected_after_an_amendment_moves_each_row_by_its_own_version():
    new = amended(changed("M9", changed("M3", closes=120), closes=310))
    asked_under = {(code, 1): "1.0" for code in ("T0", "W6", "M3", "M6")}
    found = as_amended(new, asked_under | {("M9", 1): "2.0"}, LATER)
    assert found["M3", 1].closes == day(112 + 5)
    assert found["M9", 1].closes == day(310 + 5)


def test_what_an_amendment_came_too_late_for_is_not_asked_by_a_later_plan_either():
    early = Timepoint(
        code="M5", title={}, anchor="randomisation", day=130, opens=125, closes=140, package="core"
    )
    new = amended(timepoints=(*BRECLIM.timepoints, early), on=200)
    asked_under = {(code, 1): "1.0" for code in ("T0", "W6", "M3", "M6")}
    assert ("M5", 1) not in as_amended(new, asked_under, LATER)
    assert ("M5", 1) in {one.key for one in plan_as_amended((new,), {}, LATER)}


def test_a_renamed_row_under_the_old_version_is_still_planned():
    points = tuple(
        one.model_copy(update={"code": "M3X"}) if one.code == "M3" else one
        for one in BRECLIM.timepoints
    )
    new = amended(timepoints=points, renamed={"M3": "M3X"})
    found = as_amended(new, {("M3X", 1): "1.0"}, LATER)
    assert found["M3X", 1].closes == day(117)
    assert ("M3", 1) not in found
