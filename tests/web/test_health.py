"""Health pages: green while everything works, red within minutes when it does not."""

import pytest
from sqlalchemy import text

from tests.messaging import Provider, claim, enrol, make_worker, tick


def deep(client, clock):
    clock.move(seconds=11)  # past what is kept of the last look
    response = client.get("/health/deep")
    return response.status_code, response.get_json()["checks"]


@pytest.fixture
def worker(runtime):
    return make_worker(runtime, email=Provider())


def beat(worker):
    tick(worker)
    worker.seal()
    worker.heartbeat()


@pytest.mark.requirement("O1")
def test_all_is_well_while_a_worker_is_heard_of(client, worker, clock, runtime):
    if not runtime.database.is_sqlite:
        pytest.skip("the tests' clock is not that of the database server")
    enrol(runtime)
    beat(worker)
    status, checks = deep(client, clock)
    assert (status, [name for name, check in checks.items() if not check["well"]]) == (200, [])


def test_a_clock_apart_from_the_databases_shows(client, worker, clock, runtime):
    beat(worker)
    clock.move(days=400)
    _, checks = deep(client, clock)
    assert checks["clock"]["well"] is runtime.database.is_sqlite


@pytest.mark.requirement("O1")
def test_five_minutes_without_a_tick_are_red_and_a_tick_makes_it_green_again(client, worker, clock):
    beat(worker)
    clock.move(minutes=4)
    assert deep(client, clock)[1]["worker"]["well"]
    clock.move(minutes=1)
    status, checks = deep(client, clock)
    assert (status, checks["worker"]["well"]) == (503, False)
    assert "flask worker" in checks["worker"]["found"]
    beat(worker)
    assert deep(client, clock)[1]["worker"]["well"]


def test_without_any_worker_the_page_says_how_to_start_one(client):
    response = client.get("/health", headers={"Accept-Language": "en"})
    assert response.status_code == 503
    assert "Something is not well" in response.text
    assert "start one: flask worker" in response.text


def test_a_worker_that_lives_but_leaves_reminders_lying_shows(client, worker, clock, runtime):
    enrol(runtime)
    claim(worker)
    clock.move(minutes=16)
    worker.heartbeat()
    assert not deep(client, clock)[1]["reminders"]["well"]


def test_an_unsealed_trail_shows(client, worker, clock, runtime):
    enrol(runtime)
    beat(worker)
    assert deep(client, clock)[1]["trail"]["well"]
    enrol(runtime, "UME-002")
    clock.move(minutes=11)
    assert not deep(client, clock)[1]["trail"]["well"]


@pytest.mark.requirement("O1")
def test_a_missing_trigger_shows(client, worker, clock, runtime):
    beat(worker)
    name = "audit_event_no_update" if runtime.database.is_sqlite else "audit_event_no_change"
    drop = f"DROP TRIGGER {name}" + ("" if runtime.database.is_sqlite else " ON audit_event")
    with runtime.database.engine.begin() as connection:
        connection.execute(text(drop))
    status, checks = deep(client, clock)
    assert status == 503
    assert name in checks["promises"]["found"]


def test_the_process_is_alive_and_ready(client):
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200


def test_asking_often_does_not_write_often(client, worker, clock, runtime):
    beat(worker)
    first = client.get("/health/deep").get_json()
    with runtime.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM worker_tick"))
    assert client.get("/health/deep").get_json() == first
    assert not deep(client, clock)[1]["worker"]["well"]
