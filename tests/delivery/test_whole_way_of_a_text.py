"""From a due reminder to a gateway that misbehaves on command, and its reports back."""

from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest

from qol_app.app import web_app
from qol_app.delivery.push import Push
from qol_app.delivery.sms import Gateway as Account
from qol_app.delivery.sms import Sms
from qol_app.services.identity import Identity, identity_of, store
from tests.conftest import Clock, make_runtime, make_settings
from tests.delivery.http_fake import Gateway, Reply, client_for, http_server
from tests.delivery.push_fake import Phone, private_key
from tests.messaging import (
    EMAIL,
    PHONE,
    TESTS,
    Provider,
    deliveries,
    enrol,
    live,
    make_worker,
    only_participant,
    open_tasks,
    reminders,
    statuses,
    tick,
)

TAKEN = Reply(200, {"id": "s1", "status": "created"})


@pytest.fixture
def runtime(templates, tmp_path):
    """SQLite alone: what is said to gateways does not depend on where it is kept."""
    made = make_runtime(make_settings(templates.copy("sqlite", tmp_path), tmp_path), Clock())
    yield made
    made.database.close()


@pytest.fixture
def clock(runtime):
    return runtime.clock


def send(runtime, gateway, days=0.0, reply=None):
    """Let a worker send by text message; return its gateway's requests as forms."""
    with http_server(gateway) as address, client_for(reply) as client:
        account = Account.from_url(f"46elks+http://u:p@{address}")
        worker = make_worker(runtime, sms=Sms(account, "Qol", client))
        tick(worker)
        live(worker, runtime.clock, days=days)
        worker.stop()
    return [parse_qs(request.body.decode()) for request in gateway.seen]


def tells(client, *words):
    """Return a gateway that reports these words before it answers, as a quick one may."""

    def answer(request, n):
        url = urlsplit(parse_qs(request.body.decode())["whendelivered"][0])
        for word in words:
            path = f"{url.path}?{url.query}"
            told = client.post(path, base_url="https://localhost", data={"status": word})
            assert told.status_code == 204
        return TAKEN

    return Gateway(answer)


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("words", [("delivered",), ("delivered", "delivered", "sent", "created")])
def test_reports_that_come_before_the_answer_and_twice_are_one_arrival(runtime, words):
    enrol(runtime, person=Identity(phone=PHONE))
    seen = send(runtime, tells(web_app(runtime).test_client(), *words))
    assert len(seen) == 1
    assert statuses(runtime) == {"opening": "delivered"}
    assert [(one.status, one.provider_ref) for one in deliveries(runtime)] == [("delivered", "s1")]


@pytest.mark.requirement("D9")
@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(cut=True),
        Reply(200, b'{"id": "s1'),
        Reply(200, {"id": "s1"}, silent=True),
    ],
    ids=["error", "connection reset", "malformed", "slow"],
)
def test_what_a_gateway_may_have_taken_is_asked_for_once_and_becomes_a_task(runtime, reply):
    enrol(runtime, person=Identity(phone=PHONE))
    assert len(send(runtime, Gateway(lambda request, n: reply), days=2, reply=reply)) == 1
    assert statuses(runtime) == {"opening": "uncertain"}
    assert open_tasks(runtime) == ["message_uncertain"]


def test_a_gateway_that_is_busy_is_asked_again_no_sooner_than_it_said(runtime, clock):
    enrol(runtime, person=Identity(phone=PHONE))
    asked_at = []

    def answer(request, n):
        asked_at.append(clock.now)
        return Reply(429, headers={"Retry-After": "600"}) if n < 2 else TAKEN

    send(runtime, Gateway(answer), days=0.1)
    assert len(asked_at) == 3
    waits = [(after - before).total_seconds() for before, after in pairwise(asked_at)]
    assert min(waits) >= 600
    assert statuses(runtime) == {"opening": "handed_over"}
    assert [one.status for one in deliveries(runtime)] == ["refused", "refused", "accepted"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_is_dropped_and_told_and_another_way_is_taken(runtime, status):
    with (
        http_server(Gateway(lambda request, n: Reply(status))) as address,
        client_for() as client,
    ):
        subscription = Phone().subscription(f"http://{address}/s/1")
        enrol(runtime)
        push = Push(private_key(), "mailto:qol@example.org", client, lambda endpoint: None)
        email = Provider()
        with runtime.writing(TESTS) as ctx:
            participant = only_participant(ctx)
            participant.preferred_channel = "push"
            store(ctx, Identity(email=EMAIL, push=subscription), participant.identity_ref)
        worker = make_worker(runtime, push=push, email=email)
        for _ in range(3):
            tick(worker)
            runtime.clock.move(minutes=1)
    assert [(one.channel, one.status) for one in reminders(runtime)] == [
        ("push", "failed"),
        ("email", "handed_over"),
    ]
    assert open_tasks(runtime) == ["bad_push"]
    with runtime.reading(TESTS) as ctx:
        assert identity_of(ctx, only_participant(ctx).identity_ref).push is None
