"""Taking a participant into the study."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from qol_app.db.tables import Assessment, AuditEvent, Contact, Participant, ParticipantEvent, Site
from qol_app.errors import NotAllowed
from qol_app.services import enrolment, identity, library
from qol_app.services.context import Actor
from qol_app.services.identity import Identity
from tests.staff_factories import ANNA, PROTOCOL, TODAY


def enrol(ctx, **change):
    values = {
        "study_number": "UME-001",
        "site_code": "UME",
        "language": "sv",
        "person": ANNA,
        "consent_on": TODAY,
        **change,
    }
    consent_on = values.pop("consent_on")
    return enrolment.enrol(ctx, PROTOCOL, *values.values(), consent_on=consent_on)


def test_enrolling_records_consent_and_plans_what_can_be_planned(ctx):
    row = enrol(ctx)
    events = ctx.session.scalars(select(ParticipantEvent)).all()
    assert [(one.kind, one.happened_on) for one in events] == [("consent", TODAY)]
    planned = ctx.session.scalars(select(Assessment)).all()
    assert [(one.timepoint, one.provisional) for one in planned] == [("T0", True)]
    assert row.timezone == "Europe/Stockholm"
    assert row.protocol_id == library.newest(ctx.session, "protocol", PROTOCOL).id


@pytest.mark.requirement("C1", "C2")
def test_contact_details_are_encrypted_apart_and_bound_to_their_row(ctx):
    row, other = enrol(ctx), enrol(ctx, study_number="UME-002", person=Identity(email="b@b.se"))
    stored = ctx.session.get_one(Contact, row.identity_ref)
    assert stored.phone.startswith("v1.k1.")
    assert identity.identity_of(ctx, row.identity_ref) == replace(ANNA, phone="+46701740605")
    # The same ciphertext in another row opens nothing.
    ctx.session.get_one(Contact, other.identity_ref).phone = stored.phone
    with pytest.raises(Exception, match="not sealed for this row"):
        identity.identity_of(ctx, other.identity_ref)


@pytest.mark.requirement("T1", "T4")
def test_the_trail_says_who_was_enrolled_where_and_never_who_they_are(ctx):
    row = enrol(ctx)
    event = ctx.session.scalars(
        select(AuditEvent).where(AuditEvent.action == "participant.enrol")
    ).one()
    assert (event.site, event.subject_id, event.actor) == ("UME", str(row.id), "system:tests")
    assert event.new["study_number"] == "UME-001"
    everything = str(
        [(one.old, one.new, one.reason) for one in ctx.session.scalars(select(AuditEvent))]
    )
    for plain in ("Anna", "Exempel", "174", "anna@"):
        assert plain not in everything


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"study_number": "ume-1"}, "study number: found 'ume-1'; wanted capital letters"),
        ({"study_number": "U"}, "study number: found 'U'"),
        ({"study_number": "U" * 32}, "study number"),
        ({"study_number": "=1+1"}, "study number: found '=1[+]1'"),
        ({"site_code": "XXX"}, "site: found 'XXX'; wanted one of yours"),
        ({"language": "fi"}, "language: found 'fi'; the protocol has"),
        ({"person": Identity(name="Anna")}, "found neither telephone nor e-mail"),
        ({"person": Identity(phone="112x")}, "telephone: found"),
        ({"person": Identity(email="a@b@c")}, "e-mail: found"),
        ({"consent_on": TODAY + timedelta(days=1)}, "lies in the future"),
        ({"consent_on": TODAY.replace(year=2019, month=9, day=5)}, "before the study started"),
    ],
)
def test_a_wrong_enrolment_says_what_is_wanted(ctx, change, why):
    with pytest.raises(NotAllowed, match=why):
        enrol(ctx, **change)


def test_a_number_can_be_used_once_in_the_whole_study(ctx):
    enrol(ctx)
    with pytest.raises(NotAllowed, match="UME-001 is taken already"):
        enrol(ctx, site_code="LUN")


@pytest.mark.requirement("Z2")
def test_only_ones_own_sites_can_enrol(ctx):
    lund = ctx.session.scalar(select(Site.id).where(Site.code == "LUN"))
    mine = ctx.acting_as(Actor("staff:1", "coordinator", frozenset({lund})))
    with pytest.raises(NotAllowed, match=r"wanted one of yours: LUN$"):
        enrol(mine)
    assert enrol(mine, study_number="LUN-001", site_code="LUN").site_id == lund


def test_a_live_study_refuses_stand_in_wording(ctx, monkeypatch):
    live = ctx.library.protocol(ctx.session, library.newest(ctx.session, "protocol", PROTOCOL).id)
    live = live.model_copy(update={"stand_in_wording_allowed": False})
    monkeypatch.setattr(enrolment, "protocol_in_force", lambda ctx, code: (1, live))
    with pytest.raises(NotAllowed, match="only stand-in wording is loaded, and this study is live"):
        enrol(ctx)
    assert ctx.session.scalar(select(func.count()).select_from(Participant)) == 0


def test_a_refused_enrolment_leaves_nothing_behind(runtime):
    with pytest.raises(NotAllowed), runtime.writing(Actor.system("tests")) as ctx:
        enrol(ctx, consent_on=TODAY + timedelta(days=1))
    with runtime.reading(Actor.system("tests")) as ctx:
        for table in (Participant, Contact, ParticipantEvent):
            assert ctx.session.scalar(select(func.count()).select_from(table)) == 0


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("070-174 06 05", "+46701740605"), ("+44 20 7946 0000", "+442079460000")],
)
def test_telephone_numbers_are_stored_in_one_form(typed, stored):
    assert identity.clean_phone(typed) == stored


def test_changing_contact_details_keeps_the_way_to_notices_and_skips_no_change(ctx):
    row = enrol(ctx, person=replace(ANNA, push=None))
    stored = ctx.session.get_one(Contact, row.identity_ref)
    stored.push = ctx.vault.seal("{}", "contact", "push", row.identity_ref)
    identity.change(ctx, row, Identity(email="ny@example.org"))
    after = identity.identity_of(ctx, row.identity_ref)
    assert after == Identity(email="ny@example.org", push="{}")
    identity.change(ctx, row, Identity(email="ny@example.org"))
    actions = select(func.count()).select_from(AuditEvent)
    assert ctx.session.scalar(actions.where(AuditEvent.action == "identity.change")) == 1


def test_an_erased_person_has_no_details_and_the_participant_stays(ctx):
    row = enrol(ctx)
    identity.erase(ctx, row.identity_ref)
    assert identity.identity_of(ctx, row.identity_ref) == Identity()
    assert ctx.session.get(Participant, row.id) is not None
