"""The demo's outbox shows what a real mail server was given; a link in each message stops them."""

import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from qol_app.db.tables import Participant
from qol_app.delivery.sink import Sink
from qol_app.delivery.smtp import Email, MailServer
from qol_app.services import stopping
from tests.made_once import pages_of
from tests.messaging import EMAIL, TESTS, Provider, enrol, live, make_worker, tick


@pytest.fixture
def demo(runtime):
    demo = replace(runtime, settings=replace(runtime.settings, demo=True))
    return pages_of(demo).test_client()


@pytest.fixture
def mailbox(runtime):
    sink = Sink(runtime.settings.instance)
    yield Email(MailServer.from_url(sink.start()), "qol@example.org")
    sink.stop()


def test_a_demo_shows_every_message_with_a_link_that_can_be_followed(runtime, demo, mailbox):
    assert "Nothing yet" in demo.get("/demo/outbox?lang=en").text
    enrol(runtime)
    tick(make_worker(runtime, email=mailbox))
    page = demo.get("/demo/outbox?lang=en").text
    assert EMAIL in page
    (path,) = re.findall(r'href="(/demo/outbox/[^"]+)"', page)
    letter = demo.get(path).text
    assert "Ett formulär väntar på dig" in letter
    assert re.search(r'<a href="https://qol\.example\.org/a/[\w-]{43}"', letter)


def test_the_outbox_has_only_what_was_sent(demo):
    assert demo.get("/demo/outbox/nothing").status_code == 404
    assert demo.get("/demo/outbox/..%2fsettings").status_code == 404


def test_a_live_study_has_no_outbox(client):
    assert client.get("/demo/outbox").status_code == 404


# --- stop ------------------------------------------------------------------------------


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def stop_path(runtime, provider):
    enrol(runtime)
    tick(make_worker(runtime, email=provider))
    (message,) = provider.taken
    return urlsplit(message.unsubscribe_url).path


@pytest.mark.requirement("A3")
def test_looking_at_the_stop_link_stops_nothing(client, runtime, provider, clock, stop_path):
    for _ in range(5):
        page = client.get(stop_path, headers={"Accept-Language": "sv"})
    assert "Stoppa meddelandena" in page.text
    assert re.search(r'Ring <a class="nowrap" href="tel:\d+">[\d -]+</a>', page.text)
    live(make_worker(runtime, email=provider), clock, days=4)
    assert len(provider.taken) == 2


def test_one_click_stops_all_messages_without_a_cookie_or_token(
    client, runtime, provider, clock, stop_path
):
    for _ in range(2):  # mail programs may repeat it
        page = client.post(stop_path, data={"List-Unsubscribe": "One-Click"})
        assert page.status_code == 200
    assert "08-465 004 01" in page.text
    live(make_worker(runtime, email=provider), clock, days=30)
    assert len(provider.taken) == 1


def test_a_participant_may_change_their_mind(client, runtime, provider, clock, stop_path):
    client.post(stop_path)
    worker = make_worker(runtime, email=provider)
    live(worker, clock, days=3.2)
    with runtime.writing(TESTS) as ctx:
        stopping.resume(ctx, ctx.session.get_one(Participant, 1))
    tick(worker)
    assert len(provider.taken) == 2


@pytest.mark.parametrize("change", [lambda path: path[:-1] + "x", lambda path: path + "0"])
def test_a_stop_link_that_is_not_ours_is_not_there(client, stop_path, change):
    assert client.get(change(stop_path)).status_code == 404
    assert client.post(change(stop_path)).status_code == 404


def test_a_stop_link_of_one_person_does_not_stop_another(client, runtime, stop_path):
    enrol(runtime, "UME-002")
    with runtime.reading(TESTS) as ctx:
        other = ctx.session.get_one(Participant, 2).public_id
    signature = stop_path.rpartition("/")[2]
    assert client.post(f"/stop/{other}/{signature}").status_code == 404


@pytest.mark.parametrize("text", ["STOP", "stopp!", " Sluta skicka", "Nej", '"Stop"'])
def test_a_reply_that_means_stop(text):
    assert stopping.means_stop(text)


@pytest.mark.parametrize("text", ["", "Tack!", "Ja, jag svarar i morgon", "don't stop"])
def test_a_reply_that_does_not(text):
    assert not stopping.means_stop(text)


def test_a_reply_finds_its_participant_by_the_number_alone(runtime):
    with runtime.writing(TESTS) as ctx:
        assert stopping.by_phone(ctx, "070-174 06 05") == []
