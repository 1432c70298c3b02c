"""Answering without scripts: one question per screen, nothing lost, handed in once."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from qol_app.assessment import ResponseStatus, is_asked
from qol_app.db.tables import Assessment, AuditEvent, Participant, Response, Submission
from qol_app.services import answers
from qol_app.services.context import Actor
from tests.conftest import ENGINES
from tests.participants import due, enrolled
from tests.web.browsing import sign_in

# What participants do is shown on both.
pytestmark = pytest.mark.parametrize("database_url", ENGINES, indirect=True)

ME = Actor.system("tests")
C30 = "qlq-c30"


def responses(runtime):
    with runtime.reading(ME) as ctx:
        rows = ctx.session.scalars(select(Response).order_by(Response.id)).all()
        return [(row.item, row.status, row.value) for row in rows]


@pytest.fixture
def begun(signed_in):
    """At the first part, with the questionnaire begun."""
    signed_in.press("Begin")
    return signed_in


def at(person, item, instrument=C30):
    return f"/q/{person.ref}/{instrument}/{item}"


def answer_everything(runtime, person):
    """Answer every question that is asked with its lowest code, past the pages."""
    with runtime.writing(ME) as ctx:
        participant = ctx.session.get_one(Participant, person.id)
        sitting = answers.open_assessment(ctx, participant, due(ctx, participant))
        for form in sitting.forms:
            given = {}
            for item in form.instrument.items:
                if is_asked(form.instrument, item.code, given):
                    given[item.code] = item.first
                    status = ResponseStatus.ANSWERED
                    answers.save_response(ctx, form, item.code, status, item.first)


# --- home -------------------------------------------------------------------------------------


def test_home_says_what_is_due_until_when_what_comes_next_and_whom_to_call(signed_in):
    text = signed_in.seen.text
    assert "Questionnaire, month 3" in text
    assert "Please answer by Monday 14 December." in text
    assert "78 questions · about 18 minutes" in text
    assert "The next questionnaire opens on Tuesday 26 January." in text
    assert "Norrlands universitetssjukhus, Umeå: 08-465 004 01" in text


def test_home_in_swedish_is_in_swedish(runtime, browser):
    person = enrolled(runtime, "UME-002", language="sv")
    browser.get(f"/a/{person.token}")
    seen = browser.press("Fortsätt", pin=person.pin)
    assert "Svara senast måndag 14 december." in seen.text
    assert "78 frågor · ungefär 18 minuter" in seen.text
    assert "Ingen läser dina svar när de kommer in." in seen.text


def test_with_nothing_due_home_says_so_and_when_it_opens(runtime, browser, clock):
    person = enrolled(runtime, "UME-002", randomised_on=clock.now.date() - timedelta(days=30))
    seen = sign_in(browser, person)
    assert "Nothing to answer right now" in seen.text
    assert "The next questionnaire opens on" in seen.text


def test_late_answers_are_still_welcome_and_home_says_until_when(runtime, browser, person, clock):
    clock.move(days=25)
    seen = sign_in(browser, person)
    assert "It was due on Monday 14 December. You may still answer until Monday 28" in seen.text


def test_what_was_begun_can_be_gone_on_with_on_another_device(begun, open_browser, person):
    begun.get(at(person, "q1"))
    begun.press("Next", answer="2")
    begun.press("Next", answer="3")
    other = open_browser()
    seen = sign_in(other, person)
    # Never more than was said before the first question.
    assert "76 questions left · about 18 minutes" in seen.text
    assert f"/q/{person.ref}" in seen.links
    seen = other.get(f"/q/{person.ref}")
    assert seen.path == at(person, "q3")
    assert other.get(at(person, "q1")).form("answer").values["answer"] == "2"


def test_when_every_question_is_done_home_says_that_it_is_not_sent_yet(runtime, begun, person):
    answer_everything(runtime, person)
    home = begun.get("/home")
    assert "It has not been sent yet" in home.text
    assert "Look through and send" in home.text
    assert "0 question" not in home.text


def test_looking_at_a_questionnaire_does_not_begin_it(runtime, signed_in, person):
    for path in ("", "/qlq-c30", "/qlq-c30/q1", "/review", "/sheet"):
        signed_in.get(f"/q/{person.ref}{path}")
    with runtime.reading(ME) as ctx:
        query = select(Assessment.started_at).where(Assessment.public_id == person.ref)
        assert ctx.session.scalar(query) is None


# --- one question -----------------------------------------------------------------------------


def test_a_part_is_introduced_before_its_first_question(begun, person):
    assert begun.seen.path == f"/q/{person.ref}/qlq-c30"
    assert "Part 1 of 4" in begun.seen.text
    assert "30 questions" in begun.seen.text
    assert at(person, "q1") in begun.seen.links


def test_a_question_opens_empty_and_alone_with_its_recall_period(begun, person):
    seen = begun.get(at(person, "q10"))
    assert seen.radios == ["1", "2", "3", "4"]
    assert seen.form("answer").values["answer"] == ""
    assert len(re.findall('name="answer"', seen.html)) == 4
    assert "Question 10 of 78" in seen.text
    assert "Think of the last seven days." in seen.text
    assert "Stand-in text, not the real questionnaire" in seen.text
    assert "Nobody reads your answers as they come in." in seen.text
    assert "08-465 004 01" in seen.text


def test_next_saves_and_goes_on_and_back_shows_what_was_answered(runtime, begun, person):
    begun.get(at(person, "q1"))
    assert begun.press("Next", answer="3").path == at(person, "q2")
    assert responses(runtime) == [("q1", "ANSWERED", 3)]
    seen = begun.press("Back")
    assert seen.path == at(person, "q1")
    assert seen.form("answer").values["answer"] == "3"
    assert "Saved" in seen.text
    begun.press("Next")
    assert responses(runtime) == [("q1", "ANSWERED", 3)]


def test_back_keeps_an_answer_just_chosen(runtime, begun, person):
    begun.get(at(person, "q2"))
    assert begun.press("Back", answer="4").path == at(person, "q1")
    assert responses(runtime) == [("q2", "ANSWERED", 4)]


def test_next_without_an_answer_asks_gently_once_and_then_offers_to_skip(runtime, begun, person):
    begun.get(at(person, "q1"))
    seen = begun.press("Next")
    assert seen.status == 422
    assert "No answer is chosen yet." in seen.text
    assert responses(runtime) == []
    assert begun.press("Skip this question").path == at(person, "q2")
    assert responses(runtime) == [("q1", "SKIPPED", None)]
    begun.press("Back")
    assert "Skipped" in begun.seen.text
    assert begun.press("Next").path == at(person, "q2")


def test_changing_an_answer_keeps_the_old_one_in_the_trail(runtime, begun, person):
    begun.get(at(person, "q1"))
    begun.press("Next", answer="3")
    begun.get(at(person, "q1"))
    begun.press("Next", answer="1")
    assert responses(runtime) == [("q1", "ANSWERED", 3), ("q1", "ANSWERED", 1)]


def test_an_item_under_a_condition_is_asked_only_when_it_holds(runtime, begun, person):
    begun.get(at(person, "q34", "qlq-br23"))
    assert begun.press("Next", answer="1").path == at(person, "q36", "qlq-br23")
    assert begun.get(at(person, "q35", "qlq-br23")).path == f"/q/{person.ref}/qlq-c30"
    begun.get(at(person, "q34", "qlq-br23"))
    assert begun.press("Next", answer="3").path == at(person, "q35", "qlq-br23")
    begun.press("Next", answer="2")
    begun.get(at(person, "q34", "qlq-br23"))
    begun.press("Next", answer="1")
    assert responses(runtime)[-1] == ("q35", "NOT_APPLICABLE", None)


def test_a_number_out_of_range_gets_a_message_at_the_item_and_stays_as_written(
    runtime, begun, person
):
    begun.get(at(person, "VAS", "eq-5d-5l"))
    for written in ("101", "-1", "7.5", "seven", "1e1", "٧", "0x10", "00007"):
        seen = begun.press("Next", answer=written)
        assert seen.status == 422
        assert "Please give a whole number from 0 to 100." in seen.text
        assert seen.form("answer").values["answer"] == written
    assert responses(runtime) == []


def test_the_scale_takes_whole_numbers_from_0_to_100(runtime, begun, person):
    seen = begun.get(at(person, "VAS", "eq-5d-5l"))
    assert seen.form("answer").values["answer"] == ""
    for written in ("0", "100", " 70 "):
        begun.get(at(person, "VAS", "eq-5d-5l"))
        assert begun.press("Next", answer=written).path == f"/q/{person.ref}/review"
    assert [value for _, _, value in responses(runtime)] == [0, 100, 70]


@pytest.mark.requirement("I1", "I4")
def test_a_code_no_row_has_is_refused_and_nothing_is_stored(runtime, begun, person):
    begun.get(at(person, "q1"))
    for value in ("0", "5", "2 OR 1=1", "<script>alert(1)</script>"):
        seen = begun.press("Next", answer=value)
        assert seen.status == 422
        assert "Please choose one of the answers below." in seen.text
        assert "<script>alert" not in seen.html
    assert responses(runtime) == []


# --- two devices --------------------------------------------------------------------------------


@pytest.mark.requirement("D5")
def test_a_stale_tab_is_told_what_was_answered_elsewhere_and_both_are_kept(
    runtime, begun, open_browser, person
):
    begun.get(at(person, "q1"))
    other = open_browser()
    sign_in(other, person)
    other.get(at(person, "q1"))
    other.press("Next", answer="4")
    seen = begun.press("Next", answer="2")
    assert seen.status == 409
    assert "There, Strong was chosen (23 November 2026 10:00)." in seen.text
    assert seen.form("answer").values["answer"] == "2"
    assert sorted(value for _, _, value in responses(runtime)) == [2, 4]
    assert begun.press("Next").path == at(person, "q2")
    assert begun.get(at(person, "q1")).form("answer").values["answer"] == "2"


def test_a_page_from_the_browsers_memory_may_be_sent_again_with_another_answer(
    runtime, begun, person
):
    begun.get(at(person, "q1"))
    page = begun.seen
    begun.press("Next", answer="2")
    begun.seen = page
    assert begun.press("Next", answer="3").path == at(person, "q2")
    assert responses(runtime) == [("q1", "ANSWERED", 2), ("q1", "ANSWERED", 3)]
    assert begun.get(at(person, "q1")).form("answer").values["answer"] == "3"


# --- nothing is lost ----------------------------------------------------------------------------


@pytest.mark.requirement("I8", "D6")
def test_a_failed_csrf_check_keeps_the_choice_on_the_page(runtime, begun, person):
    begun.get(at(person, "q1"))
    seen = begun.press("Next", answer="3", csrf_token="stale")
    assert seen.status == 400
    assert "Please press Next once more" in seen.text
    assert seen.form("answer").values["answer"] == "3"
    assert responses(runtime) == []
    begun.press("Next")
    assert responses(runtime) == [("q1", "ANSWERED", 3)]


@pytest.mark.requirement("I8")
def test_a_slow_reader_never_loses_the_page_to_an_old_token(runtime, begun, person, clock):
    begun.get(at(person, "q1"))
    for _ in range(8):
        clock.move(minutes=20)
        begun.client.get("/home")
    assert begun.press("Next", answer="3").path == at(person, "q2")


@pytest.mark.requirement("D6")
def test_an_answer_posted_after_the_session_ran_out_comes_along_through_the_sign_in(
    runtime, begun, person, clock
):
    begun.get(at(person, "q1"))
    clock.move(hours=8)
    seen = begun.press("Next", answer="3")
    assert seen.status == 401
    assert "Your last answer came along" in seen.text
    assert begun.press("Continue", pin="000000").status == 401
    seen = begun.press("Continue", pin=person.pin)
    assert "Welcome back" in seen.text
    assert seen.form("answer").values["answer"] == "3"
    assert responses(runtime) == []
    assert begun.press("Next").path == at(person, "q2")
    assert responses(runtime) == [("q1", "ANSWERED", 3)]


def test_an_answer_that_came_along_is_not_shown_to_somebody_else(
    runtime, begun, person, clock, app
):
    begun.get(at(person, "q1"))
    clock.move(hours=8)
    begun.press("Next", answer="3")
    carried = begun.seen.form("carried").values["carried"]
    other = enrolled(runtime, "UME-002")
    begun.get(f"/a/{other.token}?lang=en")
    begun.press("Continue", pin=other.pin)
    clock.move(hours=8)
    begun.get("/home")
    seen = begun.press("Continue", pin=other.pin, carried=carried)
    assert seen.path == "/home"


def test_an_answer_we_did_not_sign_does_not_come_along(begun, person, clock):
    for carried in ("x", "a.b.c", "é" * 5000):
        clock.move(hours=8)
        begun.get("/home")
        assert begun.press("Continue", pin=person.pin, carried=carried).path == "/home"


# --- review, handing in, receipt ----------------------------------------------------------------


def test_review_shows_every_answer_and_each_can_be_changed(runtime, begun, person):
    begun.get(at(person, "q1"))
    begun.press("Next", answer="3")
    seen = begun.get(f"/q/{person.ref}/review")
    assert "Clear" in seen.text
    assert seen.text.count("Not answered") == 77
    begun.get(f"{at(person, 'q1')}?review=1")
    assert begun.press("Next", answer="1").path == f"/q/{person.ref}/review"
    begun.get(f"{at(person, 'q1')}?review=1")
    assert begun.press("Remove my answer").path == f"/q/{person.ref}/review"
    assert responses(runtime)[-1] == ("q1", "SKIPPED", None)


def test_a_change_at_review_that_opens_a_question_leads_to_it(begun, person):
    begun.get(f"{at(person, 'q34', 'qlq-br23')}?review=1")
    seen = begun.press("Next", answer="4")
    assert seen.path == at(person, "q35", "qlq-br23")
    assert begun.press("Next", answer="1").path == f"/q/{person.ref}/review"


def test_handing_in_with_questions_left_is_asked_about_once(runtime, begun, person):
    begun.get(at(person, "q1"))
    begun.press("Next", answer="3")
    begun.get(f"/q/{person.ref}/review")
    seen = begun.press("Send")
    assert seen.status == 422
    assert "77 questions have no answer" in seen.text
    seen = begun.press("Send as it is")
    assert seen.path.startswith("/receipt/")


def test_nothing_answered_cannot_be_handed_in(begun, person):
    begun.get(f"/q/{person.ref}/review")
    begun.press("Send")
    seen = begun.press("Send as it is")
    assert seen.status == 422
    assert "Nothing is answered yet" in seen.text


@pytest.fixture
def handed_in(begun, person):
    begun.get(at(person, "q1"))
    begun.press("Next", answer="3")
    begun.get(f"/q/{person.ref}/review")
    begun.press("Send")
    begun.before_sending = begun.seen
    begun.press("Send as it is")
    return begun


@pytest.mark.requirement("E7", "A5")
def test_the_receipt_shows_code_and_time_but_no_answer_and_the_session_is_over(
    runtime, handed_in, open_browser
):
    seen = handed_in.seen
    with runtime.reading(ME) as ctx:
        code = ctx.session.scalars(select(Submission.receipt)).one()
    assert seen.path == f"/receipt/{code}"
    assert code in seen.text
    assert "Received on 23 November 2026 10:00." in seen.text
    assert "Clear" not in seen.text
    assert handed_in.get("/home").path == "/signed-out"
    assert code in open_browser().get(f"/receipt/{code}").text


def test_going_back_after_handing_in_says_that_it_has_arrived(handed_in, open_browser, person):
    receipt = handed_in.seen.path
    seen = handed_in.get(f"/q/{person.ref}/review")
    assert (seen.path, receipt in seen.links) == ("/signed-out", True)
    assert "What you sent has arrived" in seen.text
    sign_in(handed_in, person)
    handed_in.press("Sign out")
    assert "has arrived" not in handed_in.get("/signed-out").text
    assert "has arrived" not in open_browser().get("/signed-out").text


@pytest.mark.requirement("D3")
def test_pressing_send_twice_leads_to_the_same_receipt(runtime, handed_in):
    first = handed_in.seen.path
    handed_in.seen = handed_in.before_sending
    assert handed_in.press("Send as it is").path == first
    with runtime.reading(ME) as ctx:
        assert len(ctx.session.scalars(select(Submission)).all()) == 1


def test_without_the_ticket_of_the_page_a_second_send_only_leads_to_the_sign_in(handed_in):
    handed_in.seen = handed_in.before_sending
    seen = handed_in.press("Send as it is", ticket="forged")
    assert seen.status == 401


@pytest.mark.requirement("D4", "E7")
def test_after_handing_in_no_page_shows_or_takes_an_answer(runtime, handed_in, person):
    stored = responses(runtime)
    sign_in(handed_in, person)
    assert "Nothing to answer right now" in handed_in.seen.text
    for path in ("", "/qlq-c30", "/qlq-c30/q1", "/review"):
        seen = handed_in.get(f"/q/{person.ref}{path}")
        assert "This one is sent already" in seen.text
        assert "Clear" not in seen.text
    assert handed_in.get(f"/q/{person.ref}/sheet").status == 409
    handed_in.get("/home")
    data = {**handed_in.seen.form().values, "answer": "1", "go": "next"}
    assert "This one is sent already" in handed_in.post(at(person, "q1"), data).text
    assert responses(runtime) == stored


def test_a_receipt_that_is_none_is_not_there(browser):
    for code in ("AAAA-BBBB-CCCC", "x", "%00", "A" * 500):
        assert browser.get(f"/receipt/{code}").status == 404


# --- whose ----------------------------------------------------------------------------------


PLACES = ("", "/qlq-c30", "/qlq-c30/q1", "/review", "/sheet")


@pytest.mark.requirement("Z2")
def test_nobody_sees_begins_answers_or_hands_in_for_another(runtime, begun, person):
    other = enrolled(runtime, "GBG-001", site="GBG")
    for path in PLACES:
        assert begun.get(f"/q/{other.ref}{path}").status == 404
    begun.get(at(person, "q1"))
    data = {**begun.seen.form("answer").values, "answer": "1"}
    for path in ("/start", "/qlq-c30/q1", "/submit"):
        assert begun.post(f"/q/{other.ref}{path}", data).status == 404
    assert responses(runtime) == []


def test_what_is_no_part_question_or_questionnaire_is_not_there(begun, person):
    for path in ("/nothing", "/qlq-c30/nothing", "/qlq-br42/q31", "/qlq-c30/q1/x", "/qlq-c30/%00"):
        assert begun.get(f"/q/{person.ref}{path}").status == 404
    for ref in ("nothing", "%00", "a" * 3000, "%F0%9F%98%80", "'--"):
        for path in PLACES:
            assert begun.get(f"/q/{ref}{path}").status == 404


def test_nobody_signed_in_is_led_to_the_sign_in(browser, person):
    for path in ("/home", f"/q/{person.ref}", at(person, "q1"), f"/q/{person.ref}/review"):
        assert browser.get(path).path == "/signed-out"


# --- the whole way --------------------------------------------------------------------------


def test_the_whole_full_package_without_scripts(runtime, begun, person):
    steps = 0
    while not begun.seen.path.endswith("/review"):
        steps += 1
        assert steps < 200
        if begun.seen.radios:
            begun.press("Next", answer=begun.seen.radios[steps % len(begun.seen.radios)])
        elif begun.seen.path.endswith("/VAS"):
            begun.press("Next", answer="70")
        else:
            begun.get(next(link for link in begun.seen.links if re.search(r"/q/.+/.+/", link)))
    assert "Not answered" not in begun.seen.text
    assert begun.press("Send").path.startswith("/receipt/")
    stored = responses(runtime)
    assert len(stored) >= 78
    assert all(status == "ANSWERED" for _, status, _ in stored)


def test_a_begun_questionnaire_keeps_its_language(runtime, begun, open_browser, person):
    with runtime.writing(ME) as ctx:
        ctx.session.get_one(Participant, person.id).language = "sv"
    other = open_browser()
    other.get(f"/a/{person.token}")
    other.press(pin=person.pin)
    seen = other.get(at(person, "q10"))
    assert seen.language == "sv"
    assert "Think of the last seven days." in seen.text


@pytest.mark.requirement("T1")
def test_beginning_and_handing_in_are_in_the_trail(runtime, handed_in, person):
    with runtime.reading(ME) as ctx:
        query = select(AuditEvent).where(AuditEvent.subject_id == person.ref)
        found = [(one.action, one.actor, one.site) for one in ctx.session.scalars(query)]
    who = f"participant:{person.id}"
    assert found[-2:] == [
        ("assessment.start", who, "UME"),
        ("assessment.submit", who, "UME"),
    ]
