"""Which items are asked, and what counts as an answer."""

import numpy as np
import pytest

from qol_app.assessment import (
    ItemKey,
    ResponseStatus,
    asked_items,
    check_response,
    is_asked,
    not_applicable_items,
    progress,
    screens,
    status_of,
    voided_by,
)
from qol_app.definition.instrument import Item
from qol_app.errors import DefinitionError, ResponseError

pytestmark = pytest.mark.pure

FOUR = Item(code="q31", first=1, last=4, recall="week")
LINE = Item(code="VAS", kind="vas", first=0, last=100, recall="today")


@pytest.mark.parametrize("raw", [1, 4, "1", "4", np.int64(3)])
def test_whole_numbers_in_range_are_answers(raw):
    assert check_response(FOUR, raw) == int(raw)
    assert type(check_response(FOUR, raw)) is int


@pytest.mark.parametrize("raw", ["0", "100", 0, 100])
def test_both_ends_of_the_line_are_answers(raw):
    assert check_response(LINE, raw) == int(raw)


@pytest.mark.parametrize(
    "raw",
    [
        0, 5, -1, "0", "5", "-1", 101,
        True, False, None, "", " ", " 2", "2 ", "+2", "2.0", 2.0, 2.5, "2,0", "two",
        "2\x00", "\x002", "２", "٢", "²", "1e0", "0x1", "1_0", "9" * 400,
        float("nan"), float("inf"), [2], {"a": 2}, b"2", "<script>", "2; drop table",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_item_value_and_what_is_allowed(raw):
    with pytest.raises(
        ResponseError, match=r"item q31: found .*; wanted a whole number from 1 to 4"
    ):
        check_response(FOUR, raw)


def test_a_refused_answer_is_shown_short_and_harmless():
    with pytest.raises(ResponseError) as caught:
        check_response(FOUR, "\u202e" + "x" * 5000)
    assert len(str(caught.value)) < 120
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    ("parent", "asked"), [(None, False), (1, False), (2, True), (3, True), (4, True)]
)
def test_items_35_and_46_are_asked_only_over_1(instrument, parent, asked):
    br23 = instrument("qlq-br23")
    assert is_asked(br23, "q35", {"q34": parent}) is asked
    assert is_asked(br23, "q46", {"q45": parent}) is asked
    assert is_asked(br23, "q36", {"q34": parent}) is True


def test_changing_the_parent_voids_the_child(instrument):
    br23 = instrument("qlq-br23")
    old, new = {"q34": 3, "q35": 2}, {"q34": 1, "q35": 2}
    assert voided_by(br23, "q34", old, new) == ("q35",)
    assert voided_by(br23, "q34", new, old) == ()
    assert voided_by(br23, "q34", old, {"q34": 4, "q35": 2}) == ()
    assert voided_by(br23, "q34", old, {"q34": None}) == ("q35",)


def test_asked_and_not_applicable_items_share_the_form(instrument):
    br23 = instrument("qlq-br23")
    answers = {"q34": 1, "q45": 2}
    assert not_applicable_items(br23, answers) == ("q35",)
    assert len(asked_items(br23, answers)) == 22


def test_further_attributes_of_a_symptom_are_not_asked_at_zero(instrument):
    library = instrument("pro-ctcae")
    assert not is_asked(library, "48_severity", {"48_frequency": 0})
    assert is_asked(library, "48_interference", {"48_frequency": 1, "48_severity": 0})


@pytest.mark.parametrize(
    ("answers", "skipped", "status"),
    [
        ({"q34": 1, "q35": 2}, (), ResponseStatus.NOT_APPLICABLE),
        ({"q34": 2, "q35": 2}, (), ResponseStatus.ANSWERED),
        ({"q34": 2}, ("q35",), ResponseStatus.SKIPPED),
        ({"q34": 2}, (), ResponseStatus.NOT_REACHED),
        ({}, (), ResponseStatus.NOT_APPLICABLE),
    ],
)
def test_no_answer_has_three_reasons(instrument, answers, skipped, status):
    assert status_of(instrument("qlq-br23"), "q35", answers, skipped) is status


def test_one_screen_per_item_in_package_order(instrument, wording):
    codes = ["qlq-c30", "qlq-lmc21", "qlq-br23", "eq-5d-5l"]
    package = [instrument(code) for code in codes]
    wordings = {code: wording(code, "sv") for code in codes}
    shown = screens(package, wordings)
    assert len(shown) == 80
    assert len({screen.key for screen in shown}) == 80
    assert shown[30].key == ItemKey("qlq-lmc21", "q31")
    assert shown[51].key == ItemKey("qlq-br23", "q31")
    assert shown[-1].key == ItemKey("eq-5d-5l", "VAS")
    assert shown[-1].options == {}
    assert shown[-1].low
    assert all(screen.recall for screen in shown if screen.item.recall != "general")
    assert all(list(screen.options) == list(screen.item.allowed) for screen in shown[:-1])
    assert all(screen.stand_in for screen in shown)


def test_screens_need_a_wording_for_each_instrument(instrument):
    with pytest.raises(DefinitionError, match="qlq-c30: found no wording"):
        screens([instrument("qlq-c30")], {})


def test_progress_counts_asked_items_and_rounds_minutes_up(instrument):
    br23, eq = instrument("qlq-br23"), instrument("eq-5d-5l")
    start = progress([br23, eq], {})
    assert (start.answered, start.asked, start.items_left) == (0, 21 + 6, 27)
    assert start.minutes_left == 7
    half = dict.fromkeys(br23.item_codes, 2)
    later = progress([br23, eq], {"qlq-br23": half}, {"eq-5d-5l": ["MO"]})
    assert (later.answered, later.skipped, later.asked, later.items_left) == (23, 1, 29, 5)
    assert later.minutes_left == 2
    done = progress([eq], {"eq-5d-5l": dict.fromkeys(eq.item_codes, 1)})
    assert (done.items_left, done.minutes_left) == (0, 0)
