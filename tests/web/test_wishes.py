"""A participant's own way, hour and pause: said on their page or to staff, kept by the worker."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from qol_app.db.tables import AuditEvent, Participant
from qol_app.errors import NotAllowed
from qol_app.services import stopping, wishes
from qol_app.services.context import Actor
from qol_app.services.identity import Identity
from qol_app.services.wishes import LONGEST_PAUSE, Wishes
from tests.conftest import make_runtime, make_settings
from tests.messaging import EMAIL, PHONE, Provider, change, live, make_worker
from tests.messaging import enrol as enrol_to_remind
from tests.participants import enrolled
from tests.staff_factories import make_staff, new_browser
from tests.staff_factories import sign_in as staff_in
from tests.web.browsing import sign_in

ME = Actor.system("tests")
BOTH = ("email", "sms")


@pytest.fixture
def runtime(database_url, clock, tmp_path):
    settings = make_settings(
        database_url,
        tmp_path,
        smtp_url="smtp://localhost",
        sms_url="46elks://u:p@localhost",
        sms_from="Qol",
    )
    running = make_runtime(settings, clock)
    yield running
    running.database.close()


def kept(runtime):
    with runtime.reading(ME) as ctx:
        return wishes.wishes_of(ctx.session.scalars(select(Participant)).one())


def test_a_participant_chooses_hour_and_pause_without_any_script(runtime, open_browser, clock):
    browser = open_browser()
    person = enrolled(runtime)
    sign_in(browser, person)
    page = browser.get("/reminders")
    assert page.status == 200
    until = (clock.now + timedelta(days=6)).date()
    done = browser.press("Save", hour="17", channel="email", paused_until=str(until), messages="y")
    assert done.path == "/home"
    assert kept(runtime) == Wishes("email", 17, until, True)
    assert f'value="{until}"' in browser.get("/reminders").html


def test_a_pause_that_is_over_or_endless_is_refused_in_words(runtime, open_browser, clock):
    browser = open_browser()
    sign_in(browser, enrolled(runtime))
    for days in (-1, LONGEST_PAUSE.days + 1):
        browser.get("/reminders")
        until = (clock.now + timedelta(days=days)).date()
        page = browser.press("Save", paused_until=str(until), messages="y")
        assert page.status == 422
        assert "Choose a day from" in page.text
    assert kept(runtime) == Wishes()


def test_somebody_who_said_stop_can_begin_again_on_the_page_or_by_telephone(
    app, runtime, open_browser
):
    browser = open_browser()
    person = enrolled(runtime)
    with runtime.writing(ME) as ctx:
        row = ctx.session.scalars(select(Participant)).one()
        stopping.stop(ctx, row, "reply")
        public_id = row.public_id
    sign_in(browser, person)
    assert "checked" not in browser.get("/reminders").html.split('name="messages"')[1][:40]
    browser.press("Save", messages="y")
    assert kept(runtime).messages
    app.config["WTF_CSRF_ENABLED"] = False
    client = new_browser(app)
    assert staff_in(client, make_staff(runtime)).status_code == 302
    where = f"/staff/participants/{public_id}/reminders"
    assert (
        client.post(where, data={"channel": "", "hour": "", "paused_until": ""}).status_code == 302
    )
    assert not kept(runtime).messages
    assert client.post(where, data={"messages": "y", "hour": "19"}).status_code == 302
    assert kept(runtime) == Wishes(hour=19)
    assert client.post(where, data={"messages": "y", "hour": "3"}).status_code == 422
    with runtime.reading(ME) as ctx:
        trail = select(AuditEvent).where(AuditEvent.action == "messages.wishes")
        assert len(ctx.session.scalars(trail).all()) == 3


@pytest.mark.parametrize(
    "wished",
    [Wishes(channel="sms"), Wishes(channel="pigeon"), Wishes(hour=20), Wishes(hour=3)],
)
def test_what_cannot_be_is_refused_whoever_asks(runtime, wished):
    enrolled(runtime)  # has e-mail only
    with runtime.writing(ME) as ctx:
        row = ctx.session.scalars(select(Participant)).one()
        with pytest.raises(NotAllowed, match=r"found .*; wanted"):
            wishes.change(ctx, row, wished, BOTH)
    assert kept(runtime) == Wishes()


def test_a_wish_of_earlier_may_stay_when_its_address_has_gone(runtime):
    id_ = enrol_to_remind(runtime, person=Identity(email=EMAIL))
    change(runtime, id_, preferred_channel="sms")
    with runtime.writing(ME) as ctx:
        row = ctx.session.get_one(Participant, id_)
        wishes.change(ctx, row, Wishes(channel="sms", hour=12), BOTH)
    assert kept(runtime) == Wishes(channel="sms", hour=12)


@pytest.mark.requirement("D9")
def test_the_worker_keeps_to_a_wish_from_its_next_look_on(runtime, clock):
    enrol_to_remind(runtime, person=Identity(email=EMAIL, phone=PHONE))
    email, sms = Provider(), Provider()
    with runtime.writing(ME) as ctx:
        row = ctx.session.scalars(select(Participant)).one()
        pause = ctx.today(row.timezone) + timedelta(days=1)
        wishes.change(ctx, row, Wishes("sms", 15, pause), BOTH)
    times = []
    sms.fails = lambda n: times.append(clock.now)
    live(make_worker(runtime, email=email, sms=sms), clock, days=4)
    # Paused today, a Monday, and tomorrow; at 15 in Stockholm it is 14 UTC in November.
    assert [(one.day, one.hour) for one in times][:1] == [(25, 14)]
