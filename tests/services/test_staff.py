"""Who may sign in, by which factors, and how their access ends."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import func, select

from qol_app.db.tables import AuditEvent, Staff, StaffSite, WebSession
from qol_app.errors import NotAllowed, NotFound
from qol_app.permissions import ALL_SITES, ROLES
from qol_app.services import factors
from qol_app.services import staff as staff_service
from qol_app.services.context import Actor
from tests.staff_factories import PASSWORD, make_staff

SYSTEM = Actor.system("tests")


def try_in(runtime, email, password, code):
    """Sign in as the page does: charge, compare, admit."""
    with runtime.writing(SYSTEM) as ctx:
        attempt = factors.begin(ctx, email)
    right = factors.password_fits(runtime.hasher, attempt, password)
    with runtime.writing(SYSTEM) as ctx:
        return factors.admit(ctx, attempt, right, code)


@pytest.mark.requirement("A12")
def test_a_fresh_installation_knows_nobody_who_could_sign_in(ctx):
    assert ctx.session.scalar(select(func.count()).select_from(Staff)) == 0


@pytest.mark.requirement("A9")
def test_password_and_code_together_let_somebody_in(runtime, clock):
    known = make_staff(runtime)
    found = try_in(runtime, "  Coordinator.UME@example.org ", PASSWORD, known.code(clock()))
    assert found is not None
    assert found.id == known.staff.id


@pytest.mark.requirement("A9")
@pytest.mark.parametrize("wrong", ["password", "code", "email", "ended"])
def test_whatever_is_wrong_the_answer_is_the_same(runtime, clock, wrong):
    known = make_staff(runtime)
    make_staff(runtime, "administrator", ())
    if wrong == "ended":
        with runtime.writing(SYSTEM) as ctx:
            staff_service.deactivate(ctx, ctx.session.get_one(Staff, known.staff.id))
    email = "nobody@example.org" if wrong == "email" else known.staff.email
    password = "quite another one" if wrong == "password" else PASSWORD
    code = "000000" if wrong == "code" else known.code(clock())
    assert try_in(runtime, email, password, code) is None
    with runtime.reading(SYSTEM) as ctx:
        refused = ctx.session.scalars(
            select(AuditEvent.subject_id).where(AuditEvent.action == "sign-in.refused")
        ).all()
    assert refused == ["unknown" if wrong in ("email", "ended") else known.staff.public_id]


@pytest.mark.requirement("A9")
def test_the_password_is_kept_by_argon2id_and_the_secret_encrypted(runtime):
    known = make_staff(runtime)
    assert known.staff.password_hash.startswith("$argon2id$")
    assert known.secret not in known.staff.totp_secret
    assert known.staff.totp_secret.startswith("v1.k1.")


@pytest.mark.requirement("A10")
def test_a_code_works_once_and_no_earlier_one_after_it(runtime, clock):
    known = make_staff(runtime)
    code, earlier = known.code(clock()), known.code(clock() - timedelta(seconds=30))
    assert try_in(runtime, known.staff.email, PASSWORD, code)
    assert try_in(runtime, known.staff.email, PASSWORD, code) is None
    assert try_in(runtime, known.staff.email, PASSWORD, earlier) is None


@pytest.mark.requirement("A10")
def test_of_many_at_once_with_one_code_only_one_gets_in(runtime, clock):
    known = make_staff(runtime)
    code = known.code(clock())
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda _: try_in(runtime, known.staff.email, PASSWORD, code), range(4))
        )
    assert len([one for one in found if one]) == 1


@pytest.mark.parametrize(
    ("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_telephone_clock_may_be_wrong_by_one_step(runtime, clock, steps, fits):
    known = make_staff(runtime)
    code = known.code(clock() + timedelta(seconds=30 * steps))
    assert (try_in(runtime, known.staff.email, PASSWORD, code) is not None) is fits


@pytest.mark.requirement("A4")
def test_five_wrong_tries_are_evaluated_and_then_even_the_right_one_is_not(runtime, clock):
    known = make_staff(runtime)
    for _ in range(5):
        assert try_in(runtime, known.staff.email, "wrong password", "123456") is None
    assert try_in(runtime, known.staff.email, PASSWORD, known.code(clock())) is None
    clock.move(minutes=15)
    assert try_in(runtime, known.staff.email, PASSWORD, known.code(clock()))


@pytest.mark.requirement("A4")
def test_of_forty_tries_at_once_five_are_compared(runtime):
    known = make_staff(runtime)

    def begin(_):
        with runtime.writing(SYSTEM) as ctx:
            return factors.begin(ctx, known.staff.email)

    with ThreadPoolExecutor(8) as pool:
        attempts = list(pool.map(begin, range(40)))
    assert len([one for one in attempts if one.staff_id is not None]) == 5


@pytest.mark.requirement("A4")
def test_a_right_sign_in_costs_nothing(runtime, clock):
    known = make_staff(runtime)
    for _ in range(12):
        assert try_in(runtime, known.staff.email, PASSWORD, known.code(clock()))
        clock.move(seconds=60)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "found 5 characters"),
        ("x" * 257, "found 257 characters"),
        ("aaaaaaaaaaaaaaa", "easily guessed"),
        ("Coordinator.UME@example.org!", "easily guessed"),
    ],
)
def test_an_easy_password_is_refused_and_never_repeated(password, why):
    with pytest.raises(NotAllowed, match=why) as refused:
        factors.check_password(password, "coordinator.ume@example.org")
    assert password not in str(refused.value)


def test_a_new_password_takes_the_place_of_the_old(runtime, clock):
    known = make_staff(runtime)
    with runtime.writing(SYSTEM) as ctx:
        row = ctx.session.get_one(Staff, known.staff.id)
        factors.set_password(ctx, row, "another four words")
    assert try_in(runtime, known.staff.email, PASSWORD, known.code(clock())) is None
    assert try_in(runtime, known.staff.email, "another four words", known.code(clock()))


@pytest.mark.parametrize("role", [role for role in ROLES if role != "participant"])
def test_a_role_has_sites_of_its_own_or_works_across_all(runtime, role):
    sites = ("UME", "LUN")
    if role in ALL_SITES:
        with pytest.raises(NotAllowed, match="across all sites"), runtime.writing(SYSTEM) as ctx:
            staff_service.add(ctx, "a@example.org", "", role, sites, PASSWORD)
    else:
        with pytest.raises(NotAllowed, match="wanted at least one"), runtime.writing(SYSTEM) as ctx:
            staff_service.add(ctx, "a@example.org", "", role, (), PASSWORD)
    known = make_staff(runtime, role, sites)
    with runtime.reading(SYSTEM) as ctx:
        actor = staff_service.actor_of(ctx, known.staff)
    assert actor.site_ids is None if role in ALL_SITES else len(actor.site_ids) == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"email": "no address"}, "e-mail: found"),
        ({"email": "two@example.org, three@example.org"}, "e-mail: found"),
        ({"email": "coordinator.ume@example.org"}, "is a staff member already"),
        ({"role": "participant"}, "role: found 'participant'"),
        ({"role": "root"}, "role: found 'root'"),
        ({"site_codes": ("XXX",)}, "sites: found XXX"),
        ({"name": "n" * 101}, "found 101 characters"),
    ],
)
def test_wrong_staff_are_refused_by_name(runtime, change, why):
    make_staff(runtime)
    values = {
        "email": "new@example.org",
        "name": "New",
        "role": "coordinator",
        "site_codes": ("UME",),
        "password": PASSWORD,
    }
    with pytest.raises(NotAllowed, match=why), runtime.writing(SYSTEM) as ctx:
        staff_service.add(ctx, **{**values, **change})


@pytest.mark.requirement("A13", "T1")
def test_what_somebody_was_allowed_at_any_time_stands_in_the_trail(runtime, clock):
    known = make_staff(runtime, "coordinator", ("UME",))
    make_staff(runtime, "administrator", ())
    for change in ("rights", "deactivate", "reactivate"):
        clock.move(days=1)
        with runtime.writing(SYSTEM) as ctx:
            row = ctx.session.get_one(Staff, known.staff.id)
            if change == "rights":
                staff_service.change_rights(ctx, row, "investigator", ("LUN", "UME"))
            else:
                getattr(staff_service, change)(ctx, row)
    with runtime.reading(SYSTEM) as ctx:
        rows = ctx.session.execute(
            select(AuditEvent.old, AuditEvent.new)
            .where(AuditEvent.subject_id == known.staff.public_id)
            .order_by(AuditEvent.id)
        ).all()
    first = {"role": "coordinator", "sites": ["UME"], "active": True}
    second = {"role": "investigator", "sites": ["LUN", "UME"], "active": True}
    ended = {**second, "active": False}
    assert [tuple(row) for row in rows] == [
        (None, first),
        (first, second),
        (second, ended),
        (ended, second),
    ]


def test_changing_rights_replaces_the_sites(runtime):
    known = make_staff(runtime, "coordinator", ("UME", "LUN"))
    with runtime.writing(SYSTEM) as ctx:
        row = ctx.session.get_one(Staff, known.staff.id)
        staff_service.change_rights(ctx, row, "coordinator", ("LUN", "KAR"))
        assert staff_service.site_codes_of(ctx, row) == ["KAR", "LUN"]
        staff_service.change_rights(ctx, row, "statistician", ())
        assert ctx.session.scalars(select(StaffSite)).all() == []


def test_the_last_administrator_cannot_leave(runtime):
    known = make_staff(runtime, "administrator", ())
    for leave in (
        lambda ctx, row: staff_service.deactivate(ctx, row),
        lambda ctx, row: staff_service.change_rights(ctx, row, "inspector", ()),
    ):
        with (
            pytest.raises(NotAllowed, match="last active administrator"),
            runtime.writing(SYSTEM) as ctx,
        ):
            leave(ctx, ctx.session.get_one(Staff, known.staff.id))
    make_staff(runtime, "administrator", (), email="second@example.org")
    with runtime.writing(SYSTEM) as ctx:
        staff_service.deactivate(ctx, ctx.session.get_one(Staff, known.staff.id))


@pytest.mark.requirement("A13")
def test_ending_access_ends_every_open_session(runtime, clock):
    known = make_staff(runtime)
    with runtime.writing(SYSTEM) as ctx:
        for name in ("one", "two"):
            ctx.session.add(
                WebSession(
                    token_hash=name,
                    staff_id=known.staff.id,
                    created_at=ctx.now,
                    last_seen_at=ctx.now,
                    factor_at=ctx.now,
                )
            )
    with runtime.writing(SYSTEM) as ctx:
        staff_service.end_sessions(ctx, known.staff.id, but="two")
    with runtime.writing(SYSTEM) as ctx:
        ended = select(WebSession.token_hash).where(WebSession.ended_at.is_not(None))
        assert ctx.session.scalars(ended).all() == ["one"]
        staff_service.deactivate(ctx, ctx.session.get_one(Staff, known.staff.id))
        assert sorted(ctx.session.scalars(ended)) == ["one", "two"]


@pytest.mark.requirement("A11")
def test_a_fresh_code_renews_the_second_factor_of_one_session(runtime, clock):
    known = make_staff(runtime)
    with runtime.writing(SYSTEM) as ctx:
        ctx.session.add(
            WebSession(
                token_hash="one",
                staff_id=known.staff.id,
                created_at=ctx.now,
                last_seen_at=ctx.now,
                factor_at=ctx.now,
            )
        )
    clock.move(minutes=11)
    for code, fresh in (
        ("000000", False),
        (known.code(clock()), True),
        (known.code(clock()), False),
    ):
        with runtime.writing(SYSTEM) as ctx:
            attempt = factors.begin(ctx, known.staff.email)
        with runtime.writing(SYSTEM) as ctx:
            assert factors.confirm(ctx, attempt, "one", code) is fresh
    with runtime.reading(SYSTEM) as ctx:
        assert ctx.session.get_one(WebSession, "one").factor_at == clock()


def test_nobody_of_that_name_says_so(ctx):
    with pytest.raises(NotFound, match="found nobody"):
        staff_service.by_email(ctx, "x@example.org")
    with pytest.raises(NotFound, match="none of that name"):
        staff_service.by_public_id(ctx, "x")


def test_the_authenticator_reads_issuer_and_address():
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    uri = factors.provisioning_uri(secret, "a@example.org", "qol.example.org")
    read = pyotp.parse_uri(uri)
    assert (read.name, read.issuer, read.secret) == (
        "a@example.org",
        "qol.example.org",
        secret,
    )
