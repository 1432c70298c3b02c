"""The whole way: due, claimed, a real SMTP conversation, written down; and nothing told to logs."""

import logging
import re

import pytest
from sqlalchemy import select

from qol_app.db.tables import AuditEvent, Delivery, Participant
from qol_app.definition.message_lint import telling_words
from qol_app.definition.message_texts import own_names
from qol_app.delivery.smtp import Email, MailServer
from qol_app.services import access
from qol_app.services.identity import Identity
from tests.delivery.mail_fake import Script, mail_server
from tests.messaging import (
    PHONE,
    TESTS,
    Provider,
    answer,
    deliveries,
    enrol,
    live,
    make_worker,
    open_tasks,
    statuses,
)

CANARY = Identity(name="Kanarie Fågelsång", phone=PHONE, email="kanarie.fagelsang@example.org")


def send_through(runtime, clock, script, days=8.0, **options):
    with mail_server(script) as address:
        channel = Email(MailServer.from_url(f"smtp://{address}", **options), "qol@example.org")
        live(make_worker(runtime, email=channel), clock, days=days)


def test_a_greylisting_server_gets_each_message_once_in_the_end(runtime, clock):
    enrol(runtime)
    seen = set()

    def first_time(n):
        new = n not in seen and len(seen) < 2
        seen.add(n)
        return "451 4.7.1 greylisted, come back" if new else "250 2.1.5 ok"

    script = Script(at_rcpt=first_time)
    send_through(runtime, clock, script)
    ids = [mail["Message-ID"] for mail in script.taken]
    assert len(ids) == len(set(ids)) == 3
    assert set(statuses(runtime).values()) == {"handed_over"}


@pytest.mark.requirement("D9")
def test_a_server_that_drops_the_line_before_its_answer_gets_it_once_and_it_shows(runtime, clock):
    enrol(runtime)
    script = Script(at_data=lambda n: "drop" if n == 0 else "250 2.0.0 ok")
    send_through(runtime, clock, script)
    assert len({mail["Message-ID"] for mail in script.taken}) == len(script.taken) == 3
    assert statuses(runtime) == {
        "opening": "uncertain",
        "day-3": "handed_over",
        "day-7": "handed_over",
    }
    assert open_tasks(runtime) == ["message_uncertain"]


@pytest.mark.requirement("M6")
def test_an_unknown_mailbox_is_asked_once_and_becomes_a_task(runtime, clock):
    enrol(runtime)
    script = Script(at_rcpt=lambda n: "550 5.1.1 no such user")
    send_through(runtime, clock, script)
    assert script.conversations == 1
    assert open_tasks(runtime) == ["bad_email"]
    assert [attempt.detail for attempt in deliveries(runtime)] == ["recipient: 550 5.1.1"]


def test_a_server_that_is_down_for_an_hour_delays_and_loses_nothing(runtime, clock):
    enrol(runtime)
    with mail_server(Script()) as address:
        pass  # nobody listens there any more
    down = Email(MailServer.from_url(f"smtp://{address}"), "qol@example.org")
    worker = make_worker(runtime, email=down)
    live(worker, clock, days=1 / 24)
    assert statuses(runtime) == {"opening": "claimed"}
    script = Script()
    send_through(runtime, clock, script, days=0.2)
    assert len(script.taken) == 1
    assert statuses(runtime) == {"opening": "handed_over"}


# --- discretion ------------------------------------------------------------------------


@pytest.mark.requirement("M1")
@pytest.mark.parametrize("language", ["sv", "en"])
def test_no_message_that_leaves_tells_an_onlooker_why(runtime, clock, language):
    email, sms = Provider(), Provider()
    worker = make_worker(runtime, email=email, sms=sms)
    participant = enrol(runtime, language=language, person=CANARY)
    live(worker, clock, days=2)
    answer(runtime, participant, {"qlq-c30": 4})
    live(worker, clock, days=27)
    taken = [*email.taken, *sms.taken]
    assert len(taken) == 4
    with runtime.reading(TESTS) as ctx:
        row = ctx.session.get_one(Participant, participant)
        names = own_names(ctx.library.protocol(ctx.session, row.protocol_id))
    for message in taken:
        for text in (message.subject, re.sub(r"https://\S+", "", message.text)):
            assert telling_words(text, names) == ()
        assert CANARY.name.split()[0] not in message.subject + message.text


@pytest.mark.requirement("M2")
def test_no_message_holds_a_code_or_who_it_is_for(runtime, clock):
    provider = Provider()
    participant = enrol(runtime, person=CANARY)
    with runtime.writing(TESTS) as ctx:
        pin = access.set_pin(ctx, ctx.session.get_one(Participant, participant))
    live(make_worker(runtime, email=provider), clock, days=8)
    for message in provider.taken:
        text = message.subject + re.sub(r"https://\S+", "", message.text)
        assert pin not in text
        assert not re.search(r"\b\d{6}\b", text)
        assert "UME-001" not in text


@pytest.mark.requirement("O4")
def test_logs_the_trail_and_outcomes_hold_no_name_address_token_pin_or_answer(
    runtime, clock, caplog
):
    caplog.set_level(logging.DEBUG)
    for number in range(1, 6):
        participant = enrol(runtime, f"UME-00{number}", person=CANARY)
        with runtime.writing(TESTS) as ctx:
            pin = access.set_pin(ctx, ctx.session.get_one(Participant, participant), "918273")
        answer(runtime, participant, {"qlq-c30": 7})
    replies = ["550 5.1.1 <{a}>", "451 4.7.1 {a} later", "250 2.0.0 {a} ok", "drop", "554 {a}"]
    shown = [reply.format(a=CANARY.email) for reply in replies]
    send_through(runtime, clock, Script(at_data=lambda n: shown[n % len(shown)]))
    clumsy = Provider(lambda n: RuntimeError(f"{CANARY.email} {pin}"))
    live(make_worker(runtime, email=clumsy), clock, days=20)
    assert {one.status for one in deliveries(runtime)} == {"accepted", "refused", "uncertain"}
    with runtime.reading(TESTS) as ctx:
        kept = [
            *(f"{one.detail} {one.reference}" for one in ctx.session.scalars(select(Delivery))),
            *(
                f"{e.action} {e.old} {e.new} {e.reason}"
                for e in ctx.session.scalars(select(AuditEvent))
            ),
        ]
    # What the tests' own mail server says to itself is the provider's business.
    ours = [record for record in caplog.records if not record.name.startswith("mail.")]
    assert ours
    formatted = [logging.Formatter().format(record) for record in ours]
    told = "\n".join([*kept, *formatted])
    secrets = ["kanarie", "Fågelsång", "1740605", pin, *re.findall(r"/a/([\w-]{20,})", told)]
    for secret in secrets:
        assert secret.casefold() not in told.casefold(), secret
