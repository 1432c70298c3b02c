"""A small trial lived through the real services, and faults put into it that must be found."""

import copy
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from qol_app.cli.simulate import simulate_command
from qol_app.db.engine import Database
from qol_app.errors import QolError
from qol_app.settings import ROOT
from qol_app.simulation.closing import claims, fingerprint
from qol_app.simulation.lives import FIRST_DAY, draw
from qol_app.simulation.trial import Trial
from qol_app.simulation.world import Clock, installation
from tests.faults.judging import wait_until


def lived(templates, folder, participants, years, seed):
    """Yield a trial whose years are over."""
    templates.copy("sqlite", folder)  # migrated already, which the simulation then finds
    clock = Clock(datetime.combine(FIRST_DAY, time(), UTC))
    with installation(folder, clock, "breclim-2", ROOT / "questionnaires") as runtime:
        trial = Trial.prepared(runtime, clock, participants, years, seed)
        for _ in trial.live():
            pass
        yield trial


@pytest.fixture(scope="module")
def trial(templates, tmp_path_factory):
    """Four people and fifteen weeks; read only, faults go into copies.

    The seed is one with corrected events, a bad address and mails of the morning.
    """
    yield from lived(templates, tmp_path_factory.mktemp("simulation"), 4, 0.3, 12)


@pytest.fixture
def spoiled(trial, tmp_path):
    """A copy of that trial, and a way to run SQL on it behind the program's back."""
    with trial.runtime.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(trial.runtime.settings.instance / "qol.db", tmp_path / "copy.db")
    database = Database(f"sqlite:///{tmp_path / 'copy.db'}")
    other = copy.copy(trial)
    other.runtime = replace(trial.runtime, database=database)

    def sql(statement, **values):
        with database.engine.begin() as connection:
            return connection.execute(text(statement), values).rowcount

    yield other, sql
    database.close()


def test_a_small_trial_is_lived_and_every_claim_about_it_holds(trial):
    found = claims(trial)
    assert [claim for claim in found if claim.against] == []
    looked_at = {claim.text for claim in found if claim.holds}
    assert len(looked_at) == len(found)
    assert trial.counts["messages"] > 10
    assert trial.counts["digests"] > 0
    assert trial.office.done["corrected"] > 0
    assert sum(len(one.saved) for one in trial.residents.values()) > 200
    assert sum(len(one.receipts) for one in trial.residents.values()) >= 4


FAULTS = {
    "ledger": "DELETE FROM delivery WHERE id = (SELECT max(id) FROM delivery)",
    "night": "UPDATE delivery SET started_at = substr(started_at, 1, 11) || '02' ||"
    " substr(started_at, 14) WHERE id = (SELECT max(id) FROM delivery)",
    "death": "INSERT INTO participant_event (participant_id, kind, happened_on, details,"
    " retracted, reason, recorded_at) SELECT participant_id, 'death', date(claimed_at, '-9 days'),"
    " '{}', 0, '', datetime(claimed_at, '-1 hour') FROM reminder"
    " WHERE status = 'handed_over' ORDER BY id DESC LIMIT 1",
    "one day": "UPDATE delivery SET started_at = (SELECT datetime(d.started_at, '+1 minute') FROM"
    " delivery AS d JOIN reminder AS r ON r.id = d.reminder_id JOIN reminder AS o ON"
    " o.participant_id = r.participant_id AND o.id <> r.id WHERE o.id = delivery.reminder_id"
    " LIMIT 1) WHERE reminder_id IN (SELECT max(id) FROM reminder WHERE status = 'handed_over'"
    " GROUP BY participant_id HAVING count(*) > 1)",
    "provider": "DELETE FROM digest WHERE id = (SELECT max(id) FROM digest WHERE status ="
    " 'accepted')",
    "window": "UPDATE delivery SET started_at = datetime(started_at, '+98 days') WHERE id ="
    " (SELECT max(id) FROM delivery)",
    "accounted": "UPDATE assessment SET dropped_at = planned_at WHERE started_at IS NULL",
}


@pytest.mark.parametrize("word", FAULTS)
def test_a_fault_put_into_the_database_is_found(spoiled, word):
    trial, sql = spoiled
    assert sql(FAULTS[word]) > 0
    failed = [claim.text for claim in claims(trial) if claim.against]
    assert any(word in claim for claim in failed), failed


# The window an assessment had until just after its last message was another one than today's.
ANOTHER_PLAN_THEN = """
    INSERT INTO audit_event (at, actor, role, site, action, subject, subject_id, new, reason,
        program_version)
    SELECT datetime(d.started_at, '-1 minute'), 'x', '', '', 'assessment.move', 'assessment',
        a.public_id, json_object('opens_on', date(d.started_at, :opens),
        'closes_on', date(d.started_at, :closes)), '', ''
    FROM delivery AS d JOIN reminder AS r ON r.id = d.reminder_id
    JOIN assessment AS a ON a.id = r.assessment_id ORDER BY d.id DESC LIMIT 1
"""


@pytest.mark.parametrize(
    ("opens", "closes", "wrong"), [(1, 9, True), (-9, -1, True), (-9, 9, False), (0, 0, False)]
)
def test_a_message_is_judged_by_the_window_in_force_when_it_went(spoiled, opens, closes, wrong):
    trial, sql = spoiled
    trial.office.done["corrected"] += 1  # as after any correction of an event
    assert sql(ANOTHER_PLAN_THEN, opens=f"{opens} days", closes=f"{closes} days") == 1
    (claim,) = [claim for claim in claims(trial) if "window" in claim.text]
    assert bool(claim.against) is wrong
    assert all("outside its window then" in one for one in claim.against)


def test_an_answer_that_was_called_saved_and_is_gone_is_found(trial):
    one = next(one for one in trial.residents.values() if one.saved)
    one.saved["never stored"] = ("q1", 1)
    try:
        failed = [claim.text for claim in claims(trial) if claim.against]
    finally:
        del one.saved["never stored"]
    assert failed == ["every answer that was called saved is there, and every receipt"]


def test_the_same_seed_gives_the_same_trial_and_another_seed_another(templates, trial, tmp_path):
    seen = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        seen += [fingerprint(again) for again in lived(templates, folder, 1, 0.06, 7)]
    assert seen[0] == seen[1]
    assert draw(trial.protocol, 7, 1, 5) != draw(trial.protocol, 8, 1, 5)


def test_nothing_happens_to_anybody_after_their_death(trial):
    for number in range(1, 201):
        life = draw(trial.protocol, 3, number, 5)
        died = max(one.on for one in life.happenings if one.kind == "death")
        assert all(one.on <= died for one in life.happenings)
        assert all(one.told_on >= one.on for one in life.happenings)


def test_a_folder_with_files_in_it_is_not_taken(tmp_path):
    (tmp_path / "data.txt").write_text("somebody's")
    result = CliRunner().invoke(simulate_command, ["--keep", str(tmp_path)])
    assert isinstance(result.exception, QolError)
    assert "wanted an empty folder" in str(result.exception)


def test_stopped_on_the_way_it_leaves_no_folder_behind(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "simulate"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: list(tmp_path.glob("*/qol.db-wal")), within_s=300)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == 128 + signal.SIGTERM
    finally:
        process.kill()
    assert list(tmp_path.iterdir()) == []
