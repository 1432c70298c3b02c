"""The ledger: every contact accounted for, and an imbalance named where there is one."""

import csv
import io
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from qol_app.db.tables import AccessLink, WebSession
from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.services import callbacks
from qol_app.services.balance import balance
from qol_app.services.balance_rows import mark
from qol_app.services.identity import Identity
from qol_app.services.ledger import COLUMNS, ledger, write_csv
from tests.conftest import fresh_study
from tests.made_once import pages_of
from tests.messaging import (
    EMAIL,
    PHONE,
    TESTS,
    Provider,
    change,
    deliveries,
    enrol,
    happen,
    live,
    make_worker,
    submit,
    tick,
)
from tests.services.conftest import ON_DEPLOYMENT

TODAY = date(2026, 11, 23)
CHANNELS = ("email",)


@pytest.fixture(params=["sqlite"])
def database_url(request, templates, tmp_path):
    """A study database in a file: these stories are the same on each engine.

    Those that write by statements of their own are told on that of the deployment.
    """
    yield from fresh_study(request.param, templates, tmp_path)


def lines(runtime, timepoint="T0", channels=CHANNELS):
    with runtime.reading(TESTS) as ctx:
        return {line.step: line for line in ledger(ctx, channels) if line.timepoint == timepoint}


def weigh(runtime, channels=CHANNELS, since=None):
    with runtime.reading(TESTS) as ctx:
        return balance(ctx, channels, since)


def reached(runtime):
    with runtime.reading(TESTS) as ctx:
        return mark(ctx)


@contextmanager
def from_outside(runtime):
    """A connection that keeps to no rule of ours, nor to foreign keys."""
    with runtime.database.engine.connect() as connection:
        if runtime.database.is_sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        yield connection
        connection.commit()
        if runtime.database.is_sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def test_before_anything_is_sent_every_step_stands_as_planned(runtime, clock):
    clock.move(hours=-3)  # seven in the morning in Stockholm
    enrol(runtime)
    found = lines(runtime)
    assert {step: line.status for step, line in found.items()} == {
        "opening": "planned",
        "day-3": "planned",
        "day-7": "planned",
        "call": "planned",
        "last": "planned",
    }
    assert [line.planned_at for line in found.values()] == sorted(
        line.planned_at for line in found.values()
    )
    assert weigh(runtime).balances


@ON_DEPLOYMENT
def test_one_message_is_followed_from_plan_to_answers(runtime, worker, provider, clock):
    participant = enrol(runtime)
    tick(worker)
    sent_at = clock.now
    line = lines(runtime)["opening"]
    assert (line.status, line.handed_over_at, line.delivered_at) == ("handed_over", sent_at, None)
    clock.move(minutes=1)
    with runtime.writing(TESTS) as ctx:
        report = callbacks.Report(provider.taken[0].reference, "delivered")
        callbacks.apply(ctx, "email", report)
    clock.move(minutes=5)
    (attempt,) = deliveries(runtime)
    with runtime.writing(TESTS) as ctx:
        assert ctx.session.get(AccessLink, attempt.access_link_id)
        ctx.session.add(
            WebSession(
                token_hash="h",
                participant_id=participant,
                access_link_id=attempt.access_link_id,
                created_at=ctx.now,
                last_seen_at=ctx.now,
                factor_at=ctx.now,
            )
        )
    clock.move(minutes=10)
    submit(runtime, participant)
    line = lines(runtime)["opening"]
    after = [line.claimed_at, line.handed_over_at, line.delivered_at, line.opened_at]
    assert [at - sent_at for at in after] == [timedelta(minutes=n) for n in (0, 0, 1, 6)]
    assert line.completed_at == clock.now
    assert line.status == "delivered"
    assert (lines(runtime)["day-3"].status, lines(runtime)["day-3"].why) == (
        "not_needed",
        "submitted",
    )
    assert weigh(runtime).balances


@pytest.mark.parametrize(
    ("kind", "details", "status", "why"),
    [
        ("death", {}, "not_needed", "death"),
        ("withdrawal_qol", {}, "not_needed", "withdrawal_qol"),
        ("hold", {"reason": "too_ill", "until": "2027-01-30"}, "waiting", "too_ill"),
    ],
)
def test_what_is_not_sent_says_why(runtime, worker, clock, kind, details, status, why):
    participant = enrol(runtime)
    tick(worker)
    happen(runtime, participant, kind, TODAY, **details)
    tick(worker)
    found = lines(runtime)
    assert (found["day-3"].status, found["day-3"].why) == (status, why)
    live(worker, clock, days=40, every_h=48)
    found = lines(runtime)
    assert (found["day-3"].status, found["day-3"].why) == ("skipped", why)
    assert weigh(runtime).balances


def test_without_an_address_every_message_says_so_at_closing(runtime, worker, clock):
    enrol(runtime, person=Identity(phone=PHONE))
    live(worker, clock, days=40, every_h=48)
    found = [line for line in lines(runtime).values() if line.kind == "message"]
    assert {(line.status, line.why) for line in found} == {("skipped", "no_channel")}
    assert len(found) == 4
    assert weigh(runtime).balances


def test_each_day_balances_whatever_the_provider_does(runtime, clock):
    troubles = [None, TryAgainLater("busy"), Undeliverable("550"), Uncertain("cut"), None]
    worker = make_worker(runtime, email=Provider(lambda n: troubles[n % 5]), sms=Provider())
    for n in range(6):
        person = Identity(email=f"p{n}@example.org", phone=PHONE if n % 2 else None)
        enrol(runtime, f"UME-00{n}", person=person)
    with runtime.reading(TESTS) as ctx:
        ids = sorted({line.study_number for line in ledger(ctx, CHANNELS)})
    assert len(ids) == 6
    live(worker, clock, days=30)
    found = weigh(runtime, ("email", "sms"))
    assert found.wrong == ()
    assert all(day.balances for day in found.days)
    sent = sum(day["sent"] for day in found.days)
    assert sent == sum(attempt.status == "accepted" for attempt in deliveries(runtime)) > 8
    assert sum(day["uncertain"] for day in found.days) > 0
    assert sum(day["failed"] for day in found.days) > 0


# --- books that do not agree ---------------------------------------------------------------


def test_a_worker_that_stays_away_is_an_imbalance_and_one_that_comes_mends_it(
    runtime, worker, clock
):
    enrol(runtime)
    clock.move(minutes=14)
    assert weigh(runtime).balances
    clock.move(minutes=2)
    (said,) = weigh(runtime).wrong
    assert said.startswith("UME-001 T0 opening: expected, due 2026-11-23 09:00 UTC")
    tick(worker)
    assert weigh(runtime).balances


@ON_DEPLOYMENT
def test_a_reminder_taken_away_by_hand_is_named(runtime, worker, clock):
    enrol(runtime)
    live(worker, clock, days=40, every_h=48)
    assert weigh(runtime).balances
    with from_outside(runtime) as connection:
        connection.execute(text("DELETE FROM delivery WHERE reminder_id = 2"))
        connection.execute(text("DELETE FROM reminder WHERE id = 2"))
    found = weigh(runtime)
    assert not found.balances
    wrong = "\n".join(found.wrong)
    assert "UME-001 T0 day-3: expected" in wrong
    assert "UME-001 T0 day-3 by email: the trail saw it claimed, but its row is gone" in wrong
    assert sum(day["unaccounted"] for day in found.days) == 1


def test_a_reminder_put_in_by_hand_is_named(runtime, worker, clock):
    enrol(runtime)
    tick(worker)
    with from_outside(runtime) as connection:
        connection.execute(
            text(
                "INSERT INTO reminder (participant_id, assessment_id, step, channel, due_at,"
                " status, why, claimed_at, fence, attempts) SELECT participant_id,"
                " assessment_id, 'day-3', channel, due_at, 'handed_over', '', claimed_at,"
                " fence, 1 FROM reminder WHERE id = 1"
            )
        )
    assert weigh(runtime).wrong == (
        "UME-001 T0 day-3 by email: is handed_over, but no attempt says so",
        "UME-001 T0 day-3 by email: there is a row, but the trail never saw it claimed",
    )


PUT_IN = (
    "INSERT INTO reminder (participant_id, assessment_id, step, channel, due_at, status, why,"
    " claimed_at, fence, attempts) SELECT participant_id, assessment_id, 'day-7', channel, due_at,"
    " 'skipped', '', claimed_at, fence, 1 FROM reminder WHERE step = 'opening'"
)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DELETE FROM delivery"], "is handed_over, but no attempt says so"),
        (["DELETE FROM delivery"], "begin, but its row is gone"),
        (["UPDATE reminder SET status = 'skipped'"], "is skipped, but an attempt arrived"),
        (["UPDATE delivery SET reference = 'forged.1'"], "never saw attempt forged.1 begin"),
        (["DELETE FROM delivery", "DELETE FROM reminder"], "claimed, but its row is gone"),
        ([PUT_IN], "there is a row, but the trail never saw it claimed"),
    ],
)
def test_an_imbalance_is_named_by_the_look_at_everything_and_by_that_at_what_changed(
    runtime, worker, statements, said
):
    enrol(runtime)
    before = reached(runtime)
    tick(worker)
    after = reached(runtime)
    assert weigh(runtime).balances
    assert weigh(runtime, since=before).balances
    with from_outside(runtime) as connection:
        for statement in statements:
            connection.execute(text(statement))
    assert any(said in line for line in weigh(runtime).wrong)
    assert any(said in line for line in weigh(runtime, since=before).wrong)
    put_in = PUT_IN in statements
    assert weigh(runtime, since=after).balances is not put_in


def test_a_worker_that_stays_away_is_seen_by_the_look_at_what_changed(runtime, worker, clock):
    enrol(runtime)
    clock.move(minutes=16)
    (said,) = weigh(runtime, since=reached(runtime)).wrong
    assert said.startswith("UME-001 T0 opening: expected")


@ON_DEPLOYMENT
def test_the_look_at_what_changed_reads_nothing_of_anybody_else(runtime, worker, clock):
    for number in range(1, 4):
        enrol(runtime, f"UME-00{number}", person=Identity(email=f"p{number}@example.org"))
    tick(worker)
    clock.move(days=1)
    before = reached(runtime)
    assert weigh(runtime, since=before).days == ()
    enrol(runtime, "UME-004")
    tick(worker)
    assert [day.expected for day in weigh(runtime, since=before).days] == [1]
    assert sum(day.expected for day in weigh(runtime).days) == 4


def test_the_worker_weighs_everything_once_a_day_and_until_it_balances(runtime, worker, clock):
    def verdict(**later):
        clock.move(**later)
        worker.heartbeat()
        worker.weigh()
        return worker._ticks["ledger"][1]

    enrol(runtime)
    tick(worker)
    assert verdict(hours=1) == "balances"
    with from_outside(runtime) as connection:
        connection.execute(text("UPDATE reminder SET status = 'skipped'"))
    assert verdict(hours=1) == "balances", "it was well when last looked at"
    assert verdict(hours=23).startswith("1 found")
    assert verdict(hours=1).startswith("1 found"), "not well again by nobody looking"
    with from_outside(runtime) as connection:
        connection.execute(text("UPDATE reminder SET status = 'handed_over'"))
    assert verdict(hours=1) == "balances"


def test_an_assessment_nobody_will_look_at_any_more_is_named(runtime, worker, clock):
    enrol(runtime)
    tick(worker)
    with from_outside(runtime) as connection:
        connection.execute(text("UPDATE assessment SET look_again_at = NULL"))
    live(worker, clock, days=4)
    assert any("T0 day-3: expected" in line for line in weigh(runtime).wrong)


# --- where it is shown ------------------------------------------------------------------------


def test_the_csv_has_a_line_for_every_step_and_no_name_or_address(runtime, worker, clock):
    participant = enrol(runtime, person=Identity(name="Anna", email=EMAIL))
    change(runtime, participant, contact_hour=9)
    tick(worker)
    stream = io.StringIO()
    with runtime.reading(TESTS) as ctx:
        count = write_csv(ledger(ctx, CHANNELS), stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert (len(rows), tuple(rows[0])) == (count, COLUMNS)
    assert {row["step"] for row in rows} == {"opening", "day-3", "day-7", "call", "last"}
    assert "anna" not in stream.getvalue().casefold()


def test_the_command_writes_the_file_and_ends_in_one_line_on_an_imbalance(
    runtime, worker, tmp_path
):
    enrol(runtime)
    tick(worker)
    app = pages_of(runtime)
    app.extensions["qol_app"].settings.__dict__["smtp_url"] = "smtp://mail.example.org"
    file = tmp_path / "ledger.csv"
    with app.app_context():
        run = app.test_cli_runner().invoke
        result = run(args=["ledger", str(file), "--balance"])
        assert result.exit_code == 0, result.output
        assert "the ledger balances: 1 messages expected" in result.output
        assert file.read_text().count("UME-001") == 5
        with from_outside(runtime) as connection:
            connection.execute(text("DELETE FROM delivery"))
        result = run(args=["ledger", "--balance"])
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: ledger: does not balance: 2 found")


@pytest.mark.requirement("O1")
def test_an_imbalance_turns_the_health_page_red(runtime, worker, client, clock):
    enrol(runtime)
    tick(worker)
    worker.weigh()
    worker.heartbeat()
    assert client.get("/health/deep").get_json()["checks"]["ledger"]["found"] == "balances"
    with from_outside(runtime) as connection:
        connection.execute(text("DELETE FROM delivery"))
    clock.move(days=1)
    worker.heartbeat()
    worker.weigh()
    worker.heartbeat()
    clock.move(seconds=11)
    answer = client.get("/health/deep")
    check = answer.get_json()["checks"]["ledger"]
    assert (answer.status_code, check["well"]) == (503, False)
    assert check["found"].startswith("2 found")
