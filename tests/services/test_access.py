"""A participant's way in: a link that only names, a factor that proves, tries that are counted."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Lock

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from qol_app.crypto import Hasher, token_hash
from qol_app.db.tables import (
    AccessLink,
    AccessPin,
    AttemptBudget,
    AuditEvent,
    Participant,
    WebSession,
)
from qol_app.errors import NotAllowed
from qol_app.services import access
from qol_app.services.access import FACTORS, Factor
from qol_app.services.context import Actor
from tests.conftest import ENGINES, KEY, make_runtime, make_settings
from tests.participants import enrolled

DOOR = Actor.system("tests")


class CountingHasher(Hasher):
    """Counts how many times a PIN that is really somebody's was compared."""

    def __init__(self, inner):
        self.inner, self.compared, self.lock = inner, 0, Lock()

    def matches(self, stored, secret):
        with self.lock:
            self.compared += stored is not None
        return self.inner.matches(stored, secret)


def attempt(runtime, token, pin, hasher=None):
    """Try once, as the page does; return whether it opened."""
    with runtime.writing(DOOR) as ctx:
        tried = access.begin(ctx, token_hash(token))
    if not access.is_right(hasher or runtime.hasher, tried, pin):
        return False
    with runtime.writing(DOOR) as ctx:
        access.admit(ctx, tried)
    return True


def budgets(runtime):
    with runtime.reading(DOOR) as ctx:
        return {
            re.sub(r":.+", "", row.scope): row.used
            for row in ctx.session.scalars(select(AttemptBudget))
            if not row.scope.endswith(":")
        }


@pytest.mark.requirement("A1")
def test_a_link_has_256_bits_and_is_stored_only_as_a_hash(runtime):
    person = enrolled(runtime)
    assert len(person.token) == 43  # 32 bytes in URL-safe base64
    with runtime.reading(DOOR) as ctx:
        link = ctx.session.scalars(select(AccessLink)).one()
        assert link.token_hash == token_hash(person.token)
        pin = ctx.session.scalars(select(AccessPin)).one()
        assert pin.pin_hash.startswith("$argon2id$")
        trail = [str(one.new) for one in ctx.session.scalars(select(AuditEvent))]
    assert not [line for line in trail if person.token in line or person.pin in line]


@pytest.mark.requirement("A1")
def test_an_expired_and_a_revoked_link_open_nothing(runtime, clock):
    person, other = enrolled(runtime), enrolled(runtime, "UME-002")
    with runtime.writing(DOOR) as ctx:
        link = ctx.session.scalars(
            select(AccessLink).where(AccessLink.participant_id == other.id)
        ).one()
        link.revoked_at = ctx.now
    assert not attempt(runtime, other.token, other.pin)
    assert attempt(runtime, person.token, person.pin)
    clock.move(days=401)
    assert not attempt(runtime, person.token, person.pin)


@pytest.mark.requirement("A2")
def test_the_link_alone_opens_nothing_and_another_participants_pin_does_not_fit(runtime):
    person, other = enrolled(runtime), enrolled(runtime, "UME-002")
    with runtime.writing(DOOR) as ctx:
        ctx.session.get_one(AccessPin, other.id).pin_hash = ctx.hasher.hash("111222")
    assert not attempt(runtime, person.token, "")
    assert not attempt(runtime, person.token, "111222")
    assert attempt(runtime, other.token, "111222")


@pytest.mark.requirement("A2")
def test_a_new_kind_of_second_factor_is_one_entry(runtime, monkeypatch):
    spoken = Factor(
        stored=lambda ctx, participant_id: f"word-{participant_id}",
        fits=lambda hasher, kept, given: kept == given,
    )
    monkeypatch.setitem(FACTORS, "word", spoken)
    person = enrolled(runtime)
    with runtime.writing(DOOR) as ctx:
        tried = access.begin(ctx, token_hash(person.token), "word")
    assert not access.is_right(runtime.hasher, tried, person.pin)
    assert access.is_right(runtime.hasher, tried, f"word-{person.id}")


@pytest.mark.requirement("A4")
@pytest.mark.parametrize("database_url", ENGINES, indirect=True)
def test_of_200_wrong_pins_at_once_five_are_evaluated(runtime):
    person = enrolled(runtime)
    hasher = CountingHasher(runtime.hasher)
    wrong = [f"{number:06d}" for number in range(200)]
    with ThreadPoolExecutor(50) as pool:
        opened = list(pool.map(lambda pin: attempt(runtime, person.token, pin, hasher), wrong))
    assert not any(opened)
    assert hasher.compared == 5
    assert not attempt(runtime, person.token, person.pin, hasher)
    assert hasher.compared == 5


@pytest.mark.requirement("A4")
def test_used_up_tries_survive_a_restart_and_come_back_the_next_day(
    runtime, clock, database_url, tmp_path
):
    person = enrolled(runtime)
    for _ in range(5):
        assert not attempt(runtime, person.token, "000000")
    runtime.database.close()
    again = make_runtime(make_settings(database_url, tmp_path), clock)
    assert not attempt(again, person.token, person.pin)
    clock.move(days=1)
    assert attempt(again, person.token, person.pin)
    again.database.close()


@pytest.mark.requirement("A4")
def test_tries_are_charged_to_link_person_site_and_study_and_given_back_when_right(runtime):
    person = enrolled(runtime)
    assert not attempt(runtime, person.token, "000000")
    charged = {"link": 1, "participant": 1, "site": 1, "study": 1}
    assert budgets(runtime) == charged
    assert attempt(runtime, person.token, person.pin)
    assert budgets(runtime) == charged


@pytest.mark.requirement("A4")
def test_twenty_wrong_tries_a_day_stop_a_person_over_all_links(runtime):
    person = enrolled(runtime)
    hasher = CountingHasher(runtime.hasher)
    with runtime.writing(DOOR) as ctx:
        participant = ctx.session.get_one(Participant, person.id)
        links = [access.issue_link(ctx, participant) for _ in range(6)]
    for token in links:
        for _ in range(5):
            attempt(runtime, token, "000000", hasher)
    assert hasher.compared == 20


@pytest.mark.requirement("A4")
def test_a_site_has_a_budget_too(runtime):
    person = enrolled(runtime)
    with runtime.writing(DOOR) as ctx:
        tried = access.begin(ctx, token_hash(person.token))
        scope = next(one for one in tried.charged if one.scope.startswith("site:"))
        row = ctx.session.get_one(AttemptBudget, (scope.scope, scope.period))
        row.used = scope.most
    assert not attempt(runtime, person.token, person.pin)


@pytest.mark.requirement("A4")
def test_a_try_is_counted_even_if_the_program_dies_before_looking_at_the_pin(runtime):
    person = enrolled(runtime)
    with runtime.writing(DOOR) as ctx:
        access.begin(ctx, token_hash(person.token))
    assert budgets(runtime)["link"] == 1


@pytest.mark.requirement("A8")
def test_links_that_name_nobody_compare_and_write_as_much_as_real_ones(runtime):
    person = enrolled(runtime)
    seen = []

    class Watching(CountingHasher):
        def matches(self, stored, secret):
            seen.append(stored is not None)
            return self.inner.matches(stored, secret)

    for token in (person.token, "nobody's"):
        assert not attempt(runtime, token, "000000", Watching(runtime.hasher))
    assert seen == [True, False]
    with runtime.reading(DOOR) as ctx:
        nobody = ctx.session.scalars(select(AttemptBudget).where(AttemptBudget.period == "-"))
        assert len(nobody.all()) == 4


def test_a_link_that_names_nobody_admits_nobody(ctx):
    tried = access.begin(ctx, token_hash("nobody's"))
    with pytest.raises(NotAllowed):
        access.admit(ctx, tried)


@pytest.mark.parametrize("pin", ["12345", "1234567", "12345a", "١٢٣٤٥٦"])
def test_a_pin_is_six_digits(ctx, pin):
    with pytest.raises(NotAllowed):
        access.set_pin(ctx, Participant(id=1), pin)


@pytest.mark.requirement("T1")
def test_tries_and_sign_ins_are_in_the_trail(runtime):
    person = enrolled(runtime)
    attempt(runtime, person.token, "000000")
    attempt(runtime, person.token, person.pin)
    with runtime.reading(DOOR) as ctx:
        query = select(AuditEvent.action).where(AuditEvent.subject == "access_link")
        actions = ctx.session.scalars(query.order_by(AuditEvent.id)).all()
    assert actions == ["link.issue", "link.try", "link.try", "participant.sign_in"]


def test_a_session_that_ran_out_leads_back_to_its_link_for_a_day(runtime, clock):
    person = enrolled(runtime)
    with runtime.writing(DOOR) as ctx:
        link = ctx.session.scalars(select(AccessLink)).one()
        for name, ended in (("idle", None), ("ended", ctx.now)):
            ctx.session.add(
                WebSession(
                    token_hash=name,
                    participant_id=person.id,
                    access_link_id=link.id,
                    created_at=ctx.now,
                    last_seen_at=ctx.now,
                    factor_at=ctx.now,
                    ended_at=ended,
                )
            )
    clock.move(hours=5)
    with runtime.reading(DOOR) as ctx:
        assert access.link_of_session(ctx, "idle") == token_hash(person.token)
        assert access.link_of_session(ctx, "ended") is None
        assert access.link_of_session(ctx, "unknown") is None
        later = replace(ctx, now=ctx.now + timedelta(days=1))
        assert access.link_of_session(later, "idle") is None


def test_the_pepper_is_part_of_every_hash():
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    stored = Hasher(KEY, quick).hash("270413")
    assert Hasher(KEY, quick).matches(stored, "270413")
    assert not Hasher(bytes(32), quick).matches(stored, "270413")
