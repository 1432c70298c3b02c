"""What is given with an event is as the protocol declares it, or is told what is wrong."""

import pytest

from qol_app.definition.event_fields import TEXT_MOST, wrong_details
from qol_app.definition.protocol import EventKind, FieldKind, load_protocol
from qol_app.settings import ROOT

BRECLIM = load_protocol(ROOT / "questionnaires" / "protocols" / "breclim-2.yaml")
ADVERSE = BRECLIM.event("adverse_event")
RIGHT = {"term": "Nausea", "grade": "2"}


def wrong(**changed):
    details = {name: value for name, value in (RIGHT | changed).items() if value is not None}
    return [str(one) for one in wrong_details(ADVERSE, details)]


def test_an_adverse_event_asks_for_term_grade_and_complication():
    asked = [(one.code, one.kind, one.required) for one in ADVERSE.fields]
    assert asked == [
        ("term", FieldKind.TEXT, True),
        ("grade", FieldKind.WHOLE, True),
        ("clavien_dindo", FieldKind.CHOICE, False),
    ]
    # Dindo, Demartines & Clavien, Ann Surg 2004;240:205.
    grades = ["I", "II", "IIIa", "IIIb", "IVa", "IVb", "V"]
    assert [one.code for one in ADVERSE.fields[2].choices] == grades


@pytest.mark.parametrize("grade", ["1", "5"])
@pytest.mark.parametrize("complication", [None, "I", "IIIa", "V"])
def test_what_is_declared_is_taken(grade, complication):
    assert wrong(grade=grade, clavien_dindo=complication) == []
    assert wrong(term="x" * TEXT_MOST) == []
    assert wrong(term="Illamående, kräkning (2 ggr)") == []


@pytest.mark.parametrize("grade", ["0", "6", "-1", "2.0", "02", " 2", "2 ", "two", "²", "٢", ""])
def test_a_grade_outside_its_range_or_no_whole_number_is_refused(grade):
    assert wrong(grade=grade) == [f"grade: found {grade!r}; wanted a whole number from 1 to 5"]


def test_what_is_required_must_be_there():
    found = wrong(term=None, grade=None)
    assert found == [
        f"term: found nothing; wanted one line of 1 to {TEXT_MOST} visible characters",
        "grade: found nothing; wanted a whole number from 1 to 5",
    ]


@pytest.mark.parametrize("grade", ["III", "iiia", "VI", "3", ""])
def test_a_choice_that_is_not_listed_is_refused(grade):
    assert wrong(clavien_dindo=grade) == [
        f"clavien_dindo: found {grade!r}; "
        "wanted one of I, II, IIIa, IIIb, IVa, IVb, V, or nothing at all"
    ]


@pytest.mark.parametrize(
    "term", ["", " ", "a\nb", "a  b", " a", "a\u202eb", "a\x00b", "a\u2028b", "x" * (TEXT_MOST + 1)]
)
def test_a_text_is_one_visible_line_of_limited_length(term):
    [text] = wrong(term=term)
    assert text.startswith("term: found '")
    assert len(text) < 200
    assert "\n" not in text


def test_a_detail_that_nobody_declared_is_refused_where_fields_are_declared():
    assert wrong(arm="A") == [
        "arm: found an unknown detail; wanted one of term, grade, clavien_dindo"
    ]


def test_a_kind_without_fields_takes_what_it_always_took():
    plain = BRECLIM.event("randomisation")
    assert wrong_details(plain, {"arm": "A", "stratum": "north"}) == ()
    assert plain.detail_names == ("arm",)
    mixed = EventKind(
        code="hold", title={"en": "x"}, details=("until", "reason"), fields=ADVERSE.fields[:1]
    )
    assert mixed.detail_names == ("until", "reason", "term")
    assert wrong_details(mixed, {"reason": "travel", "term": "Flu"}) == ()
