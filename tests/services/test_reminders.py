"""Reminders go out once, when they should, and stop the moment they are not needed."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from qol_app.crypto import token_hash
from qol_app.db.tables import Participant
from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.services import access, events, submissions
from qol_app.services.identity import Identity
from qol_app.services.planning import assessments_of
from tests.conftest import fresh_study
from tests.messaging import (
    EMAIL,
    PHONE,
    TESTS,
    Provider,
    answer,
    change,
    claim,
    deliveries,
    enrol,
    happen,
    live,
    make_worker,
    open_tasks,
    reminders,
    statuses,
    submit,
    tick,
)
from tests.services.conftest import ON_DEPLOYMENT

STOCKHOLM = ZoneInfo("Europe/Stockholm")
TODAY = date(2026, 11, 23)  # a Monday
BOTH = Identity(email=EMAIL, phone=PHONE)


@pytest.fixture(params=["sqlite"])
def database_url(request, templates, tmp_path):
    """A study database in a file: these stories are the same on each engine.

    Those that write by statements of their own are told on that of the deployment.
    """
    yield from fresh_study(request.param, templates, tmp_path)


def test_an_invitation_goes_out_on_the_opening_day_and_only_once(runtime, worker, provider):
    enrol(runtime)
    for _ in range(3):
        tick(worker)
    (message,) = provider.taken
    assert message.to == EMAIL
    assert message.subject == "Ett formulär väntar på dig"
    assert "https://qol.example.org/a/" in message.text
    assert "08-465 004 01" in message.text
    assert statuses(runtime) == {"opening": "handed_over"}


@ON_DEPLOYMENT
def test_every_step_of_the_protocol_goes_out_once_each_on_its_own_day(
    runtime, worker, provider, clock
):
    enrol(runtime)
    live(worker, clock, days=30)
    sent = [reminder for reminder in reminders(runtime) if reminder.status == "handed_over"]
    assert [reminder.step for reminder in sent] == ["opening", "day-3", "day-7", "last"]
    days = [reminder.due_at.astimezone(STOCKHOLM).date() for reminder in sent]
    assert days == [TODAY + timedelta(days=n) for n in (0, 3, 7, 26)]
    assert max(provider.threads.values()) == 1
    assert open_tasks(runtime) == ["call"]


@pytest.mark.requirement("M5")
def test_nothing_goes_out_between_eight_in_the_evening_and_eight_in_the_morning(
    runtime, worker, clock
):
    enrol(runtime)
    enrol(runtime, "UME-002", person=Identity(email="eva@example.org"))
    clock.now = datetime(2026, 11, 23, 19, 30, tzinfo=STOCKHOLM)
    live(worker, clock, days=4, every_h=2.5)
    live(worker, clock, days=24)
    started = [attempt.started_at.astimezone(STOCKHOLM) for attempt in deliveries(runtime)]
    assert len(started) == 8
    assert all(8 <= at.hour < 20 for at in started)


def test_a_participants_own_hour_is_kept(runtime, worker, clock):
    participant = enrol(runtime, consent_on=TODAY)
    change(runtime, participant, contact_hour=17)
    live(worker, clock, days=4)
    started = [attempt.started_at.astimezone(STOCKHOLM) for attempt in deliveries(runtime)]
    assert [(at.day, at.hour) for at in started] == [(23, 17), (26, 17)]


@pytest.mark.requirement("M5")
def test_nothing_goes_out_after_submission(runtime, worker, provider, clock):
    participant = enrol(runtime)
    tick(worker)
    submit(runtime, participant)
    live(worker, clock, days=35, every_h=48)
    assert len(provider.taken) == 1
    assert open_tasks(runtime) == []


def hand_in(runtime, participant_id):
    """Answer a little of T0 and hand it in, as a participant does."""
    answer(runtime, participant_id, {"qlq-c30": 1})
    with runtime.writing(TESTS) as ctx:
        participant = ctx.session.get_one(Participant, participant_id)
        row = next(one for one in assessments_of(ctx, participant_id) if one.timepoint == "T0")
        submissions.submit(ctx, participant, row)


@pytest.mark.parametrize("kind", [None, "death", "withdrawal_qol", "lost_to_follow_up"])
def test_a_call_asked_of_staff_is_called_off_by_answers_and_by_what_stops_contact(
    runtime, worker, clock, kind
):
    participant = enrol(runtime)
    live(worker, clock, days=25)
    assert open_tasks(runtime) == ["call"]
    if kind is None:
        hand_in(runtime, participant)
    else:
        happen(runtime, participant, kind, clock.now.date())
    tick(worker)
    assert open_tasks(runtime) == []
    live(worker, clock, days=10, every_h=48)
    assert open_tasks(runtime) == []


def test_a_call_that_was_called_off_for_a_death_is_asked_again_when_the_death_is_taken_back(
    runtime, worker, clock
):
    participant = enrol(runtime)
    live(worker, clock, days=25)
    happen(runtime, participant, "death", clock.now.date())
    tick(worker)
    assert open_tasks(runtime) == []
    with runtime.writing(TESTS) as ctx:
        person = ctx.session.get_one(Participant, participant)
        death = next(one for one in events.standing_events(ctx, person) if one.kind == "death")
        events.retract(ctx, person, death.id, "another person's")
    tick(worker)
    assert open_tasks(runtime) == ["call"]


@pytest.mark.parametrize("kind", ["death", "withdrawal_qol", "end_of_study"])
def test_whoever_has_left_for_good_is_not_looked_at_again_until_the_window_has_closed(
    runtime, worker, clock, kind
):
    participant = enrol(runtime)
    tick(worker)
    clock.move(days=1)
    happen(runtime, participant, kind, clock.now.date())
    tick(worker)
    with runtime.reading(TESTS) as ctx:
        waiting = [one for one in assessments_of(ctx, participant) if one.look_again_at]
    assert waiting
    for one in waiting:
        day_after = one.closes_on + timedelta(days=1)
        assert one.look_again_at == datetime.combine(day_after, time(), STOCKHOLM)
    live(worker, clock, days=40)
    assert set(statuses(runtime)) == {"opening", "day-3", "day-7", "last"}
    assert [one.why for one in reminders(runtime) if one.status == "skipped"] == [kind] * 3


def test_a_call_asked_of_staff_stays_while_contact_is_only_paused(runtime, worker, clock):
    participant = enrol(runtime)
    live(worker, clock, days=25)
    happen(runtime, participant, "hold", clock.now.date(), reason="too_ill")
    tick(worker)
    assert open_tasks(runtime) == ["call"]


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("death", {}),
        ("withdrawal_qol", {}),
        ("withdrawal_all", {}),
        ("lost_to_follow_up", {}),
        ("hold", {"reason": "too_ill", "until": "2027-01-30"}),
    ],
)
@pytest.mark.requirement("P3")
def test_an_event_stops_messages_within_one_tick(runtime, worker, provider, clock, kind, details):
    participant = enrol(runtime)
    tick(worker)
    clock.move(days=1)
    happen(runtime, participant, kind, TODAY + timedelta(days=1), **details)
    live(worker, clock, days=35, every_h=24 if kind == "death" else 72)
    assert len(provider.taken) == 1
    assert open_tasks(runtime) == []


@pytest.mark.parametrize("kind", ["death", "withdrawal_qol", "lost_to_follow_up"])
def test_an_event_between_claim_and_hand_over_stops_the_message(
    runtime, worker, provider, clock, kind
):
    participant = enrol(runtime)
    claimed = claim(worker)
    assert len(claimed) == 1
    happen(runtime, participant, kind, TODAY)
    worker.sender.send(worker.lease, claimed)
    assert provider.calls == 0
    assert statuses(runtime)["opening"] == "skipped"


@ON_DEPLOYMENT
def test_submission_between_claim_and_hand_over_stops_the_message(runtime, worker, provider):
    participant = enrol(runtime)
    claimed = claim(worker)
    submit(runtime, participant)
    worker.sender.send(worker.lease, claimed)
    assert provider.calls == 0
    assert [(r.status, r.why) for r in reminders(runtime)] == [("skipped", "submitted")]


def test_a_hold_that_ends_lets_messages_go_again(runtime, worker, provider, clock):
    participant = enrol(runtime)
    happen(runtime, participant, "hold", TODAY, reason="travel", until="2026-11-25")
    live(worker, clock, days=3.5)
    assert [reminder.step for reminder in reminders(runtime) if reminder.status != "skipped"] == [
        "day-3"
    ]
    assert len(provider.taken) == 1


@ON_DEPLOYMENT
def test_a_worker_that_was_down_three_days_sends_no_burst(runtime, worker, provider, clock):
    for number in range(1, 6):
        enrol(runtime, f"UME-00{number}", person=Identity(email=f"p{number}@example.org"))
    clock.move(days=3, hours=4)
    tick(worker)
    tick(worker)
    assert max(message_count(provider).values()) == 1
    assert len(provider.taken) == 5
    steps = {(reminder.step, reminder.status, reminder.why) for reminder in reminders(runtime)}
    assert steps == {("opening", "skipped", "overtaken"), ("day-3", "handed_over", "")}


def message_count(provider):
    counts = {}
    for message in provider.taken:
        counts[message.to] = counts.get(message.to, 0) + 1
    return counts


def test_a_worker_that_was_down_past_closing_leaves_closed_windows_closed(
    runtime, worker, provider, clock
):
    enrol(runtime)
    clock.move(days=40)
    tick(worker)
    assert provider.calls == 0
    assert {(reminder.status, reminder.why) for reminder in reminders(runtime)} == {
        ("skipped", "closed")
    }
    assert len(reminders(runtime)) == 4


@pytest.mark.requirement("M5")
def test_one_person_gets_one_message_a_day_about_everything(runtime, worker, provider, clock):
    participant = enrol(runtime)
    answer(runtime, participant, {"qlq-c30": 3})  # begun, so an extra one is asked besides
    happen(runtime, participant, "progression", TODAY)
    live(worker, clock, days=29)
    days = [attempt.started_at.astimezone(STOCKHOLM).date() for attempt in deliveries(runtime)]
    assert len({reminder.assessment_id for reminder in reminders(runtime)}) == 2
    assert len(days) == len(set(days)) > 5


def test_a_channel_rests_at_weekends_and_holidays(runtime, clock):
    sms = Provider()
    worker = make_worker(runtime, sms=sms)
    clock.now = datetime(2026, 12, 18, 9, 0, tzinfo=STOCKHOLM)  # Friday before Christmas
    enrol(runtime, person=Identity(phone=PHONE), consent_on=date(2026, 12, 18))
    live(worker, clock, days=28)
    days = [attempt.started_at.astimezone(STOCKHOLM).date() for attempt in deliveries(runtime)]
    assert days, "nothing was sent at all"
    assert all(day.weekday() < 5 for day in days)
    assert not {date(2026, 12, d) for d in (24, 25, 26, 31)} & set(days)
    assert not {date(2027, 1, 1), date(2027, 1, 6)} & set(days)


def test_steps_alternate_between_a_participants_channels(runtime, clock):
    email, sms = Provider(), Provider()
    worker = make_worker(runtime, email=email, sms=sms)
    enrol(runtime, person=BOTH)
    live(worker, clock, days=8)
    assert [(r.step, r.channel) for r in reminders(runtime)] == [
        ("opening", "email"),
        ("day-3", "sms"),
        ("day-7", "email"),
    ]
    (short,) = sms.taken
    assert "\n" not in short.text
    assert short.to == PHONE


def test_a_wished_channel_comes_first(runtime, clock):
    email, sms = Provider(), Provider()
    worker = make_worker(runtime, email=email, sms=sms)
    change(runtime, enrol(runtime, person=BOTH), preferred_channel="sms")
    tick(worker)
    assert (len(email.taken), len(sms.taken)) == (0, 1)


def test_a_pause_and_a_stop_of_ones_own_are_kept(runtime, worker, provider, clock):
    paused, stopped = enrol(runtime), enrol(runtime, "UME-002", person=Identity(email="e@x.se"))
    change(runtime, paused, paused_until=TODAY + timedelta(days=1))
    change(runtime, stopped, messages_stopped_at=clock.now)
    live(worker, clock, days=2.2)
    (message,) = provider.taken
    assert message.to == EMAIL
    (delivery,) = deliveries(runtime)
    assert delivery.started_at.astimezone(STOCKHOLM).date() == TODAY + timedelta(days=2)


# --- what goes wrong -------------------------------------------------------------------


@ON_DEPLOYMENT
def test_a_busy_provider_is_tried_again_later_and_gets_it_once(runtime, clock):
    provider = Provider(lambda n: TryAgainLater("busy") if n < 3 else None)
    worker = make_worker(runtime, email=provider)
    enrol(runtime)
    tick(worker)
    tick(worker)
    assert provider.calls == 1  # not before its wait is over
    live(worker, clock, days=0.2)
    assert provider.calls == 4
    assert len(provider.taken) == 1
    assert statuses(runtime) == {"opening": "handed_over"}
    assert [attempt.status for attempt in deliveries(runtime)] == ["refused"] * 3 + ["accepted"]
    assert len({attempt.reference for attempt in deliveries(runtime)}) == 4


def test_a_provider_that_stays_away_ends_in_a_task_not_in_silence(runtime, clock):
    provider = Provider(lambda n: TryAgainLater("busy"))
    worker = make_worker(runtime, email=provider)
    enrol(runtime)
    live(worker, clock, days=2)
    (reminder,) = reminders(runtime)
    assert (reminder.status, reminder.why) == ("failed", "provider")
    assert "message_failed" in open_tasks(runtime)
    started = [attempt.started_at.astimezone(STOCKHOLM).hour for attempt in deliveries(runtime)]
    assert all(8 <= hour < 20 for hour in started)


@pytest.mark.requirement("M6")
@ON_DEPLOYMENT
def test_a_bad_address_becomes_a_task_and_another_channel_is_used(runtime, clock):
    email, sms = Provider(lambda n: Undeliverable("550 5.1.1")), Provider()
    worker = make_worker(runtime, email=email, sms=sms)
    enrol(runtime, person=BOTH)
    live(worker, clock, days=8)
    assert email.calls == 1
    assert [(r.step, r.channel, r.status) for r in reminders(runtime)] == [
        ("opening", "email", "failed"),
        ("opening", "sms", "handed_over"),
        ("day-3", "sms", "handed_over"),
        ("day-7", "sms", "handed_over"),
    ]
    assert open_tasks(runtime) == ["bad_email"]


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("error", [Uncertain("dropped"), RuntimeError("who knows")])
def test_what_may_have_arrived_is_shown_and_never_sent_again(runtime, clock, error):
    provider = Provider(lambda n: error if n == 0 else None)
    worker = make_worker(runtime, email=provider)
    enrol(runtime)
    live(worker, clock, days=2)
    assert provider.calls == 1
    assert statuses(runtime) == {"opening": "uncertain"}
    assert open_tasks(runtime) == ["message_uncertain"]
    live(worker, clock, days=2)
    assert statuses(runtime) == {"opening": "uncertain", "day-3": "handed_over"}


def test_each_message_has_a_link_of_its_own_and_older_ones_keep_working(
    runtime, worker, provider, clock
):
    enrol(runtime)
    live(worker, clock, days=4)
    links = {message.link for message in provider.taken}
    assert len(links) == 2
    with runtime.reading(TESTS) as ctx:
        for link in links:
            assert access.link_of(ctx, token_hash(link.rpartition("/")[2])) is not None


def test_a_reminder_about_a_begun_questionnaire_says_how_much_is_left(
    runtime, worker, provider, clock
):
    participant = enrol(runtime, language="en")
    answer(runtime, participant, {"qlq-c30": 30, "qlq-lmc21": 10})
    clock.move(days=3)
    tick(worker)
    (message,) = provider.taken
    # LMC21 has 21 items, BR23 has 23 of which 2 are asked under a condition, EQ-5D-5L has 6.
    assert f"You have {11 + 21 + 6} questions left, about" in message.text
    assert message.subject == "You are part of the way through"


def test_a_window_that_opened_before_consent_begins_with_consent(runtime, worker, provider, clock):
    # Randomised at once: the window of T0 is the 28 days before, all but the last of them over.
    enrol(runtime, consent_on=TODAY, randomised_on=TODAY)
    tick(worker)
    assert len(provider.taken) == 1
    (sent,) = [one for one in reminders(runtime) if one.status == "handed_over"]
    assert sent.due_at.astimezone(STOCKHOLM).date() == TODAY
    clock.move(days=2)
    tick(worker)
    assert len(provider.taken) == 1
    days = {one.due_at.astimezone(STOCKHOLM).date() for one in reminders(runtime)}
    assert days == {TODAY}, "nothing is decided for a day before consent"
