"""``flask audit verify``: intact is said in words, and so is every way of not being intact."""

import pytest
from sqlalchemy import select, text

from qol_app.db.tables import AuditEvent
from qol_app.services import audit
from qol_app.services.context import Actor
from tests.made_once import pages_of
from tests.studies import enrolled

pytestmark = [pytest.mark.requirement("T4"), pytest.mark.requirement("D12")]


@pytest.fixture
def verify(runtime):
    with runtime.writing(Actor.system("tests")) as ctx:
        enrolled(ctx, "UME-001")
        audit.seal(ctx.session)
    app = pages_of(runtime)
    with app.app_context():
        yield lambda: app.test_cli_runner().invoke(args=["audit", "verify"])


def behind_the_triggers(runtime, statement):
    """Change what the triggers protect, as the owner of the database could."""
    with runtime.writing(Actor.system("tests")) as ctx:
        if runtime.database.is_sqlite:
            kept = ctx.session.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name, _sql in kept:
                ctx.session.execute(text(f"DROP TRIGGER {name}"))
            ctx.session.execute(text(statement))
            for _name, sql in kept:
                ctx.session.execute(text(sql))
        else:
            ctx.session.execute(text("SET session_replication_role = replica"))
            ctx.session.execute(text(statement))
            ctx.session.execute(text("SET session_replication_role = origin"))


def middle(runtime):
    with runtime.reading(Actor.system("tests")) as ctx:
        ids = list(ctx.session.scalars(select(AuditEvent.id).order_by(AuditEvent.id)))
    return ids[len(ids) // 2]


def test_an_intact_trail_is_said_to_be_intact(verify, runtime):
    result = verify()
    assert result.exit_code == 0, result.output
    assert "0 not sealed yet" in result.output
    assert "the audit trail is intact and protected" in result.output


def test_what_is_not_sealed_yet_is_counted_and_no_fault(verify, runtime):
    with runtime.writing(Actor.system("tests")) as ctx:
        audit.record(ctx, "test.do", "test", 1)
        audit.record(ctx, "test.do", "test", 2)
    result = verify()
    assert result.exit_code == 0
    assert "2 not sealed yet (the worker seals each minute)" in result.output


def test_sealing_again_continues_the_chain(verify, runtime):
    for number in range(3):
        with runtime.writing(Actor.system("tests")) as ctx:
            audit.record(ctx, "test.do", "test", number)
            assert audit.seal(ctx.session) == 1
    assert verify().exit_code == 0


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit_event SET actor = 'forged' WHERE id = {id}", "is not what was sealed"),
        ("UPDATE audit_event SET at = '2020-01-01' WHERE id = {id}", "is not what was sealed"),
        ("UPDATE audit_event SET reason = 'forged' WHERE id = {id}", "is not what was sealed"),
        ("DELETE FROM audit_seal WHERE audit_event_id = {id}", "follows"),
        (
            "UPDATE audit_seal SET digest = 'f' WHERE audit_event_id = {id}",
            "is not what was sealed",
        ),
    ],
)
def test_tampering_behind_the_triggers_is_found(verify, runtime, statement, told):
    behind_the_triggers(runtime, statement.format(id=middle(runtime)))
    result = verify()
    assert result.exit_code == 1
    assert told in result.output
    assert "Error: audit trail: not intact: " in result.output
    assert "Traceback" not in result.output


def test_a_removed_event_is_found(verify, runtime):
    seal_too = "DELETE FROM audit_event WHERE id = {id}"
    if runtime.database.is_sqlite:
        # Foreign keys would stop it; the owner of the file can switch them off.
        with runtime.database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys=0")
            connection.exec_driver_sql("DROP TRIGGER audit_event_no_delete")
            connection.exec_driver_sql(seal_too.format(id=middle(runtime)))
            connection.exec_driver_sql("PRAGMA foreign_keys=1")
            connection.exec_driver_sql("BEGIN")
    else:
        behind_the_triggers(runtime, seal_too.format(id=middle(runtime)))
    result = verify()
    assert result.exit_code == 1
    assert "sealed, but no longer there" in result.output


@pytest.mark.requirement("T3")
def test_a_missing_trigger_is_named(verify, runtime):
    drop = {
        True: "DROP TRIGGER response_no_update",
        False: "ALTER TABLE response DISABLE TRIGGER response_no_change",
    }[runtime.database.is_sqlite]
    with runtime.writing(Actor.system("tests")) as ctx:
        ctx.session.execute(text(drop))
    result = verify()
    assert result.exit_code == 1
    assert drop.split()[-1] in result.output
    assert "triggers missing" in result.output
