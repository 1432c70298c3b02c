"""Survival, progression and toxicity by the trial's conventions, day by day."""

import pandas as pd
import pytest

from qol_app.analysis.endpoints import (
    THREE_YEARS,
    endpoints,
    overall_survival,
    progression_free_survival,
    toxicity_days,
)
from qol_app.analysis.survival import kaplan_meier
from qol_app.errors import AnalysisError
from tests.analysis.facts_factory import (
    NO_EVENTS,
    make_event,
    make_participant,
    make_visit,
    on,
    table,
)


def outcome(result) -> list:
    return result.table[["days", "event"]].iloc[0].tolist()


def scan(day, adequate=True, name="P1") -> dict:
    return {"participant": name, "scanned_on": on(day), "adequate": adequate}


def test_death_of_any_cause_ends_survival_on_its_day():
    assert outcome(overall_survival(table(make_participant(death=400)), NO_EVENTS)) == [400, 1]


def test_the_living_are_censored_when_last_known_alive_not_at_the_last_questionnaire():
    people = table(make_participant(alive=700))
    visits = table(make_visit(timepoint="M6", day=180))
    assert outcome(overall_survival(people, NO_EVENTS, visits)) == [700, 0]


def test_any_event_that_only_happens_to_the_living_is_a_sign_of_life():
    people = table(make_participant(alive=100))
    for kind, day in [("progression", 250), ("end_of_study", 100), ("lost_to_follow_up", 100)]:
        assert outcome(overall_survival(people, table(make_event("P1", kind, 250)))) == [day, 0]
    answered = table(make_visit(timepoint="M6", day=180))
    assert outcome(overall_survival(people, NO_EVENTS, answered)) == [180, 0]


def test_nothing_known_after_randomisation_is_censored_on_day_zero_and_said():
    result = overall_survival(table(make_participant()), NO_EVENTS)
    assert outcome(result) == [0, 0]
    assert "1 not known to be alive after randomisation: censored on day 0" in result.notes


def test_a_cut_off_hides_what_happened_later():
    people = table(make_participant(death=400, alive=390))
    events = table(make_event("P1", "progression", 200))
    result = overall_survival(people, events, until=str(on(300)))
    assert outcome(result) == [200, 0]
    with pytest.raises(AnalysisError, match="until: found 'never'"):
        overall_survival(people, events, until="never")


def test_who_was_not_randomised_is_left_out_and_counted():
    people = table(
        make_participant("P1", randomised=None),
        make_participant("P2", death=-3),
        make_participant("P3", death=9),
    )
    result = overall_survival(people, NO_EVENTS)
    assert result.left_out == {"not randomised": 1, "dead before randomisation": 1}
    assert result.n_given == 3


def test_three_years_are_1096_days_and_a_death_on_that_day_counts():
    people = table(make_participant("P1", death=THREE_YEARS), make_participant("P2", alive=2000))
    curve = kaplan_meier(overall_survival(people, NO_EVENTS).table, duration="days", event="event")
    assert curve.survival_at([1095, 1096])["survival"].tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("progressions", "death", "expected"),
    [
        ([120], None, [120, 1]),
        ([200, 120], 300, [120, 1]),
        ([], 300, [300, 1]),
        ([300], 300, [300, 1]),
        ([], None, [500, 0]),
        ([-5], None, [500, 0]),
    ],
)
def test_the_first_of_progression_and_death_counts(progressions, death, expected):
    people = table(make_participant(death=death, alive=None if death else 500))
    events = table(*[make_event("P1", "progression", day) for day in progressions])
    result = progression_free_survival(people, events if len(events) else NO_EVENTS)
    assert outcome(result) == expected


def test_with_scans_the_event_free_are_censored_at_the_last_adequate_one():
    people = table(make_participant(alive=500))
    scans = table(scan(84), scan(168), scan(252, adequate=False))
    result = progression_free_survival(people, NO_EVENTS, scans=scans)
    assert outcome(result) == [168, 0]
    without = progression_free_survival(people, NO_EVENTS)
    assert outcome(without) == [500, 0]
    assert any(note.startswith("no scans given") for note in without.notes)


@pytest.mark.parametrize(("day", "expected"), [(168 + 168 + 14, 1), (168 + 168 + 15, 0)])
def test_an_event_after_two_missed_scans_is_censored_at_the_last_adequate_one(day, expected):
    people, events = table(make_participant()), table(make_event("P1", "progression", day))
    scans = table(scan(84), scan(168), scan(day))
    arguments = {"scans": scans, "scan_interval_days": 84}
    main = progression_free_survival(people, events, **arguments)
    assert outcome(main) == ([day, 1] if expected else [168, 0])
    sensitivity = progression_free_survival(
        people, events, **arguments, censor_after_missed_scans=False
    )
    assert outcome(sensitivity) == [day, 1]
    assert "events after missed scans count" in sensitivity.rule


def test_the_rule_says_what_progression_is_once_lesions_were_removed():
    result = progression_free_survival(table(make_participant()), NO_EVENTS)
    assert "any new or regrowing lesion is progression" in result.rule


def test_toxic_days_are_counted_once_and_only_before_progression():
    people = table(make_participant(alive=400))
    free = progression_free_survival(people, table(make_event("P1", "progression", 100))).table
    rows = [(10, 19, 3), (15, 24, 4), (30, 40, 2), (95, 120, 3), (-9, 1, 3)]
    events = pd.DataFrame(
        [["P1", on(a), on(b), grade] for a, b, grade in rows],
        columns=["participant", "happened_on", "until", "grade"],
    )
    # Days 10-24, 95-99 and 0-1; grade 2 does not count.
    assert toxicity_days(events, free)["P1"] == 15 + 5 + 2


def test_toxicity_that_goes_on_lasts_until_the_end_of_its_state():
    people = table(make_participant("P1", alive=50), make_participant("P2", alive=9))
    free = progression_free_survival(people, NO_EVENTS).table
    events = pd.DataFrame(
        [["P1", on(40), None, 3]], columns=["participant", "happened_on", "until", "grade"]
    )
    assert toxicity_days(events, free).to_dict() == {"P1": 10, "P2": 0}


def test_endpoints_stack_into_one_table_with_their_rules():
    people = table(make_participant(death=9))
    both = [overall_survival(people, NO_EVENTS), progression_free_survival(people, NO_EVENTS)]
    tte = endpoints(both)
    assert tte["endpoint"].tolist() == ["OS", "PFS"]
    assert tte["rule"].nunique() == 2
    assert endpoints([]).empty


def test_nobody_gives_words():
    nobody = table(make_participant())[:0]
    assert overall_survival(nobody, NO_EVENTS).notes == ("nobody randomised",)
    assert progression_free_survival(nobody, NO_EVENTS, scans=table(scan(1))[:0]).n_used == 0
