"""Times to deterioration: worked examples, and participant by participant a slow, plain oracle."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol_app.analysis.deterioration import (
    DEATHS,
    DEFINITIONS,
    REFERENCES,
    deterioration_incidence,
    time_to_deterioration,
)
from qol_app.analysis.survival import kaplan_meier
from qol_app.analysis.thresholds import (
    Threshold,
    achievable_step,
    achievable_threshold,
    between_groups,
    within_participant,
)
from qol_app.errors import AnalysisError


def course(scores, days=(91, 183, 274, 365), baseline=80.0, name="P1", death=None, arm="a"):
    return pd.DataFrame(
        {
            "participant": name,
            "day": np.array(list(days)[: len(scores)], dtype=float),
            "value": np.array(scores, dtype=float),
            "baseline": np.nan if baseline is None else float(baseline),
            "death_day": np.nan if death is None else float(death),
            "arm": arm,
        }
    )


FUNCTION = course([73.3333, 66.6667, 80.0, 60.0])
SYMPTOM = course([44.4444, None, 44.4444], baseline=33.3333)


@pytest.mark.parametrize(
    ("definition", "day"),
    [
        ("first", 183),
        ("confirmed", None),
        ("confirmed_lenient", 365),
        ("tudd1", 183),
        ("tudd2", 365),
        ("tudd3", 365),
    ],
)
def test_the_same_physical_functioning_scores_give_three_answers(definition, day):
    """Baseline 80, threshold 10: worked by hand from the definitions."""
    row = time_to_deterioration(FUNCTION, definition=definition).table.iloc[0]
    assert (row["event"], row["days"]) == ((1, day) if day else (0, 365))


@pytest.mark.parametrize("definition", ["first", "confirmed", "tudd1", "tudd2", "tudd3"])
def test_a_symptom_that_rises_and_stays_deteriorates_on_its_first_day(definition):
    """The missed visit in between is no assessment: the next valid one confirms."""
    result = time_to_deterioration(SYMPTOM, definition=definition, direction="higher_is_worse")
    assert result.table[["event", "days"]].to_numpy().tolist() == [[1, 91]]


@pytest.mark.parametrize(("score", "event"), [(70.0, 1), (70.01, 0), (69.0, 1)])
def test_ten_points_exactly_are_deterioration(score, event):
    assert time_to_deterioration(course([score])).table["event"].tolist() == [event]


@pytest.mark.parametrize(("later", "event"), [(90.0, 1), (90.01, 0)])
def test_improvement_by_ten_points_exactly_does_not_undo_it(later, event):
    result = time_to_deterioration(course([70.0, later]), definition="tudd1")
    assert result.table["event"].tolist() == [event]


def test_scores_that_do_not_subtract_exactly_are_still_at_the_threshold():
    """Five items with mean 6/5, later 9/5, on four codes: 93.3 and 73.3, twenty points apart."""
    start, end = ((1 - (mean - 1) / 3) * 100 for mean in (6 / 5, 9 / 5))
    assert start - end < 20
    result = time_to_deterioration(course([end], baseline=start), threshold=20)
    assert result.table["event"].tolist() == [1]


def oracle(baseline, scores, death, definition, reference, size, sign, rule):
    """Return (day, event) the slow way: one participant, one score after the other."""
    if math.isnan(baseline):
        return None
    worse = lambda old, new: sign * (old - new)  # noqa: E731
    found = None
    for i, (day, score) in enumerate(scores):
        earlier = [baseline] + [s for _, s in scores[:i]]
        best = max(earlier) if sign > 0 else min(earlier)
        ref = {"baseline": baseline, "best": best, "previous": earlier[-1]}[reference]
        later = [s for _, s in scores[i + 1 :]]
        if worse(ref, score) < size:
            continue
        holds = {
            "first": True,
            "confirmed": bool(later) and worse(ref, later[0]) >= size,
            "confirmed_lenient": not later or worse(ref, later[0]) >= size,
            "tudd1": all(-worse(ref, s) <= size for s in later),
            "tudd2": all(worse(ref, s) >= size for s in later),
            "tudd3": all(-worse(score, s) <= size for s in later),
        }
        if holds[definition]:
            found = day
            break
    if found is not None:
        return found, 1
    if death is not None and rule != "censor":
        return death, 1 if rule == "event" else 2
    return (scores[-1][0] if scores else 1), 0


# Whole numbers, so that the oracle needs no tolerance.
SCORE = st.integers(0, 20).map(lambda n: 5.0 * n)
PERSON = st.tuples(
    st.one_of(SCORE, st.just(math.nan)),
    st.lists(st.one_of(SCORE, st.none()), max_size=7),
    st.one_of(st.none(), st.integers(0, 200)),
)


@settings(max_examples=40, deadline=None)
@given(
    people=st.lists(PERSON, min_size=1, max_size=12),
    reference=st.sampled_from(list(REFERENCES)),
    direction=st.sampled_from(["higher_is_better", "higher_is_worse"]),
    size=st.sampled_from([5.0, 10.0, 15.0]),
    rule=st.sampled_from(list(DEATHS)),
)
def test_every_participant_agrees_with_the_slow_oracle(people, reference, direction, size, rule):
    rows, expected = [], []
    for number, (baseline, values, after) in enumerate(people):
        days = [30 * (i + 1) + number for i in range(len(values))]
        death = None if after is None else (days[-1] if days else 0) + 1 + after
        rows.append(course([*values, None], [*days, None], baseline, f"P{number:02}", death))
        scores = [(d, v) for d, v in zip(days, values, strict=True) if v is not None]
        expected.append((baseline, scores, death))
    result = time_to_deterioration(
        pd.concat(rows).sample(frac=1, random_state=1),
        death_day="death_day",
        definition="all",
        reference=reference,
        threshold=size,
        direction=direction,
        death=rule,
    )
    sign = 1 if direction == "higher_is_better" else -1
    for definition in DEFINITIONS:
        table = result.table[result.table["definition"] == definition]
        found = dict(
            zip(table["participant"], zip(table["days"], table["event"], strict=True), strict=True)
        )
        for number, person in enumerate(expected):
            answer = oracle(*person, definition, reference, size, sign, rule)
            assert found.get(f"P{number:02}") == answer
    assert result.n_given == len(people)


def test_baseline_only_is_censored_on_day_one_and_no_baseline_is_left_out():
    scores = pd.concat(
        [course([None], name="P1"), course([50.0], baseline=None, name="P2"), course([80.0])[:0]]
    )
    result = time_to_deterioration(scores)
    assert result.table[["participant", "days", "event"]].to_numpy().tolist() == [["P1", 1, 0]]
    assert result.left_out == {"no baseline": 1}
    sensitivity = time_to_deterioration(scores, no_baseline="day 0")
    assert sensitivity.table["days"].tolist() == [1, 0]
    assert sensitivity.left_out == {}


def test_the_three_rules_for_death_differ_and_are_named():
    dead = course([80.0, 75.0], death=300)
    times = {
        rule: time_to_deterioration(dead, death_day="death_day", death=rule) for rule in DEATHS
    }
    found = {
        rule: result.table[["days", "event"]].iloc[0].tolist() for rule, result in times.items()
    }
    assert found == {"censor": [183, 0], "event": [300, 1], "competing": [300, 2]}
    for rule, result in times.items():
        assert DEATHS[rule].capitalize() in result.rule


def test_the_rule_names_threshold_and_source():
    result = time_to_deterioration(FUNCTION, threshold=within_participant("PF"))
    assert "by 10 points or more (default, Osoba et al., J Clin Oncol 1998;16:139)" in result.rule


def test_incidence_counts_death_as_competing_by_arm():
    scores = pd.concat(
        [
            course([60.0], name="P1", arm="a"),
            course([80.0], name="P2", arm="a", death=120),
            course([80.0, 80.0], name="P3", arm="b"),
            course([80.0], baseline=None, name="P4", arm="b"),
        ]
    )
    result = deterioration_incidence(scores, death_day="death_day", by="arm", times=[150])
    at = result.at_times.set_index(["group", "cause"])["incidence"]
    assert at["a", "deteriorated"] == 0.5
    assert at["a", "dead"] == 0.5
    assert at["b", "deteriorated"] == 0
    assert result.left_out == {"no baseline": 1}


def test_all_definitions_feed_a_survival_curve():
    scores = pd.concat([FUNCTION, course([80.0, 80.0], name="P2", arm="b")])
    table = time_to_deterioration(scores, definition="all", carry=["arm"]).table
    assert table["definition"].unique().tolist() == list(DEFINITIONS)
    for _, one in table.groupby("definition"):
        assert kaplan_meier(one, duration="days", event="event", by="arm").n_used == 2


def test_nobody_and_all_missing_give_words():
    assert time_to_deterioration(FUNCTION[:0]).notes == ("no rows to analyse",)
    silent = time_to_deterioration(course([None, None]))
    assert silent.notes == ("no events by definition first",)
    assert silent.table["outcome"].tolist() == ["censored on day 1: baseline only"]


def test_scores_after_death_or_without_a_day_are_not_looked_at_and_are_counted():
    scores = course([80.0, 50.0, 40.0], days=[91, 183, None], death=100)
    result = time_to_deterioration(scores, death_day="death_day")
    assert result.table[["days", "event"]].to_numpy().tolist() == [[91, 0]]
    assert "1 scores dated after death are not looked at" in result.notes
    assert "1 scores without a day are not looked at" in result.notes


def test_of_two_scores_on_one_day_the_later_row_counts_and_that_is_said():
    scores = course([80.0, 50.0, 80.0], days=[91, 183, 183])
    result = time_to_deterioration(scores)
    assert result.table[["days", "event"]].to_numpy().tolist() == [[183, 0]]
    assert "1 scores with a later one on the same day do not count" in result.notes
    turned = time_to_deterioration(course([80.0, 80.0, 50.0], days=[91, 183, 183]))
    assert turned.table[["days", "event"]].to_numpy().tolist() == [[183, 1]]


@pytest.mark.parametrize(
    ("scores", "arguments", "message"),
    [
        (pd.concat([course([1.0]), course([2.0], [183], 70)]), {}, "baseline: found 2 values for"),
        (FUNCTION, {"definition": "tudd4"}, "definition: found 'tudd4'"),
        (FUNCTION, {"reference": "worst"}, "reference: found 'worst'"),
        (FUNCTION, {"death": "event"}, "death_day: found none"),
        (FUNCTION, {"threshold": 0}, "threshold: found 0"),
        (FUNCTION, {"direction": "up"}, "direction: found 'up'"),
        (FUNCTION, {"value": "score"}, "no column named 'score'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(scores, arguments, message):
    with pytest.raises(AnalysisError, match=message):
        time_to_deterioration(scores, **arguments)


def test_a_scale_of_one_item_moves_in_thirds():
    step = achievable_step(1, 4)
    assert step == pytest.approx(33.3333, abs=1e-4)
    assert achievable_threshold(10, step) == pytest.approx(33.3333, abs=1e-4)
    assert achievable_threshold(10, achievable_step(5, 4)) == pytest.approx(13.3333, abs=1e-4)
    assert achievable_threshold(10, 5) == 10


def test_thresholds_come_with_a_source_and_only_where_published():
    assert between_groups("PF") == Threshold(5, between_groups("PF").source)
    assert "Cocks" in between_groups("PF").source
    assert between_groups("EF", "large") is None
    assert between_groups("LMCPA") is None
    own = {"PF": Threshold(15, "statistical analysis plan")}
    assert within_participant("PF", own).points == 15
    assert within_participant("QL", own).points == 10
    with pytest.raises(AnalysisError, match="size: found 'huge'"):
        between_groups("PF", "huge")
    assert np.isfinite(within_participant("QL").points)
