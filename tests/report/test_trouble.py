"""Where an analysis cannot be done the report says so in words, in either language, and goes on."""

import re
from dataclasses import replace

import pytest

from qol_app.i18n import decimal_mark, translations
from qol_app.report.page import html
from qol_app.report.registry import SECTIONS, written
from qol_app.report.speech import ENGLISH, Speech
from tests.report.made_report import made_data, made_facts, unrendered

SWEDISH = Speech(translations("sv").gettext, decimal_mark("sv"))


def words(section):
    return " ".join([*section.paragraphs, *section.notes])


def without_events(facts):
    alive = facts.events[facts.events["kind"] != "death"]
    return replace(facts, participants=facts.participants.assign(death_on=None), events=alive)


def with_one_arm(facts):
    return replace(facts, participants=facts.participants.assign(arm="A"))


def with_nobody_randomised(facts):
    return replace(
        facts,
        participants=facts.participants.assign(randomised_on=None, arm=None),
        events=facts.events[facts.events["kind"] == "consent"],
    )


def with_all_missing_at_m6(facts):
    at = facts.visits["timepoint"] == "M6"
    visits = facts.visits.assign(complete=facts.visits["complete"] & ~at)
    return replace(facts, visits=visits, scores=facts.scores[facts.scores["timepoint"] != "M6"])


def with_deaths_in_one_arm(facts):
    """Whoever dies is in arm B: no hazard ratio is finite."""
    alive = facts.participants["arm"] == "A"
    names = set(facts.participants.loc[alive, "participant"])
    spared = facts.events["participant"].isin(names) & (facts.events["kind"] == "death")
    death_on = facts.participants["death_on"].where(~alive)
    return replace(
        facts,
        participants=facts.participants.assign(death_on=death_on),
        events=facts.events[~spared],
    )


def with_two_visits_alike(facts):
    """At M6 everybody scores as at M3: the covariance of the two visits is singular."""
    keys = ["participant", "scale"]
    earlier = facts.scores[facts.scores["timepoint"] == "M3"].set_index(keys)["value"]
    at = facts.scores["timepoint"] == "M6"
    copied = facts.scores[at].set_index(keys).index.map(earlier.to_dict())
    scores = facts.scores.copy()
    scores.loc[at, "value"] = copied.to_numpy(float)
    return replace(facts, scores=scores)


TROUBLE = {
    without_events: ("No event has happened", "Ingen händelse har inträffat"),
    with_one_arm: ("Only one arm", "Bara en arm"),
    with_nobody_randomised: ("Nobody has been randomised", "Ingen har randomiserats"),
    with_all_missing_at_m6: (
        "No complete row for timepoint M6: not in the model",
        "Ingen fullständig rad för tidpunkt M6: ingår inte i modellen",
    ),
    with_deaths_in_one_arm: (
        "the hazard ratio of armA has no finite estimate and runs to zero",
        "hasardkvoten för armA har ingen ändlig skattning utan går mot noll",
    ),
    with_two_visits_alike: (
        "unstructured covariance could not be fitted",
        "ostrukturerad kovarians kunde inte anpassas",
    ),
}


@pytest.fixture(scope="module", params=TROUBLE, ids=lambda one: one.__name__)
def troubled(request):
    """Return the report of damaged facts and what it has to say, in either language."""
    change = request.param
    language = ("en", "sv")[list(TROUBLE).index(change) % 2]
    say = {"en": ENGLISH, "sv": SWEDISH}[language]
    with pytest.MonkeyPatch.context() as patch:
        # Here words count, and rendering is most of the time.
        patch.setattr("qol_app.report.canvas.finished", unrendered)
        facts = change(made_facts(n=24))
        data = made_data(facts, confirmatory=("PF",), language=language, say=say)
        return data, list(written(data)), TROUBLE[change]


def test_what_cannot_be_computed_is_said_and_the_report_goes_on(troubled):
    data, sections, said = troubled
    assert [one.code for one in sections] == list(SECTIONS)
    told = " ".join(map(words, sections))
    assert (said[1] if data.options.language == "sv" else said[0]) in told
    assert html(data, sections)


def test_what_is_left_out_adds_up_in_trouble_too(troubled):
    _data, sections, _said = troubled
    told = " ".join(map(words, sections))
    pattern = (
        r"(\d+) (?:of|av) (\d+) (?:rows used|rader använda)(?:; (?:left out|utelämnade): ([^.]*))?"
    )
    lines = re.findall(pattern, told)
    assert lines
    for used, given, why in lines:
        left = sum(int(n) for n in re.findall(r" (\d+)(?:;|$)", why))
        assert int(used) + left == int(given), (used, given, why)


def test_nothing_is_invented_where_the_hazard_ratio_has_no_end():
    data = made_data(with_deaths_in_one_arm(made_facts(n=24)), confirmatory=("PF",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qol_app.report.canvas.finished", unrendered)
        section = SECTIONS["survival"](data)
    table = next(one.frame for one in section.tables if one.name == "survival-cox")
    assert table["hazard_ratio"].tolist() == [0.0]
    assert table[["se", "ci_low", "ci_high", "p_value"]].isna().all(axis=None)


def test_reasons_for_an_empty_model_are_words_in_either_language(facts):
    bare = replace(facts, scores=facts.scores[facts.scores["timepoint"] == "T0"])
    for say, reason in ((ENGLISH, "left out: no change 240"), (SWEDISH, "ingen förändring 240")):
        section = SECTIONS["mixed-model"](made_data(bare, say=say))
        assert reason in words(section)
        assert "{" not in words(section)


def test_a_course_without_events_is_noted_once(facts):
    section = SECTIONS["deterioration"](made_data(without_answers(facts)))
    assert sum("no rows to analyse" in one for one in section.notes) == 2  # of two scales


def without_answers(facts):
    visits = facts.visits.assign(answered_on=None, complete=False)
    return replace(facts, scores=facts.scores[:0], items=facts.items[:0], visits=visits)
