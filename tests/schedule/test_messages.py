"""What a reminder says: the right language, day and what is left."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from qol_app.definition.message_texts import load_messages
from qol_app.errors import DefinitionError
from qol_app.schedule.messages import MessageFacts, minutes_for, render

pytestmark = pytest.mark.pure

LANGUAGES = load_messages(Path(__file__).parents[2] / "questionnaires" / "messages")
LINK = "https://svar.example.org/a/" + "x" * 43
FACTS = MessageFacts(LINK, date(2026, 9, 23), 80, 18, "08-465 004 01")


@pytest.mark.parametrize(
    ("language", "last_day"), [("en", "Wednesday 23 September"), ("sv", "onsdag 23 september")]
)
@pytest.mark.parametrize("code", ["invitation", "reminder", "last"])
def test_a_message_names_link_last_day_and_telephone(language, last_day, code):
    message = render(LANGUAGES[language], code, FACTS)
    assert LINK in message.text
    assert LINK in message.short
    assert last_day in message.text
    assert last_day in message.short
    assert "08-465 004 01" in message.text
    assert "{" not in message.subject + message.text + message.short


def test_somebody_who_has_begun_hears_how_much_is_left():
    begun = replace(FACTS, started=True, questions_left=11, minutes_left=2)
    assert "11 questions left, about 2 minutes" in render(LANGUAGES["en"], "reminder", begun).short
    assert "11 frågor kvar, ungefär 2 minuter" in render(LANGUAGES["sv"], "reminder", begun).text


def test_one_question_is_one_question():
    begun = replace(FACTS, started=True, questions_left=1, minutes_left=1)
    english = render(LANGUAGES["en"], "last", begun).text
    assert "1 question left of your questionnaire, about 1 minute." in english
    assert "1 fråga kvar" in render(LANGUAGES["sv"], "last", begun).text


@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("code", ["invitation", "reminder", "last"])
@pytest.mark.parametrize("started", [True, False])
def test_a_text_message_fits_into_160_characters_with_a_long_link(language, code, started):
    # 23 September is a Wednesday: the longest date of the year in both languages.
    short = render(LANGUAGES[language], code, replace(FACTS, started=started)).short
    assert len(short) <= 160


@pytest.mark.requirement("M2")
@pytest.mark.parametrize("language", ["en", "sv"])
@pytest.mark.parametrize("code", ["invitation", "reminder", "last", "call"])
@pytest.mark.parametrize("started", [True, False])
def test_a_notice_is_short_and_keeps_its_link_out_of_sight(language, code, started):
    message = render(LANGUAGES[language], code, replace(FACTS, started=started))
    assert LINK not in message.subject + message.notice
    assert "23 " in message.notice
    # What a small phone shows of a notice that is not opened.
    assert len(message.subject) <= 40
    assert len(message.notice) <= 90


def test_an_unknown_message_is_named():
    with pytest.raises(DefinitionError, match=r"messages en: unknown 'hello'; known: invitation"):
        render(LANGUAGES["en"], "hello", FACTS)


@pytest.mark.parametrize(("left", "minutes"), [(80, 18), (40, 9), (11, 2), (1, 1), (0, 1)])
def test_minutes_left_follow_the_questions_left(left, minutes):
    assert minutes_for(left, 80, 18) == minutes
    assert minutes_for(0, 0, 18) == 18
