"""Staff: who may sign in, what they may do at which sites, and how that ends.

Rights are read anew at every request, so a change or an end of access counts at once. Each
change enters the trail with the whole of the old and the new rights, so that what somebody
was allowed at any past moment can be read from it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from qol_app.clean import clean_line
from qol_app.crypto import is_public_id, public_id
from qol_app.db.tables import Site, Staff, StaffSite, WebSession
from qol_app.errors import NotAllowed, NotFound
from qol_app.permissions import ALL_SITES, ROLES
from qol_app.services import audit
from qol_app.services.context import Actor, Context
from qol_app.services.factors import check_password, new_secret, seal_secret
from qol_app.services.identity import clean_email

STAFF_ROLES = tuple(role for role in ROLES if role != "participant")
NAME_MOST = 100


@dataclass(frozen=True)
class Colleague:
    """A staff member as the page of staff shows them."""

    public_id: str
    email: str
    name: str
    role: str
    sites: tuple[str, ...]
    active: bool


def add(
    ctx: Context,
    email: str,
    name: str,
    role: str,
    site_codes: Collection[str],
    password: str,
    *,
    language: str = "sv",
) -> tuple[Staff, str]:
    """Return a new staff member, and the secret for their authenticator, shown only now.

    Parameters
    ----------
    role : str
        One of ``STAFF_ROLES``.
    site_codes : collection of str
        The sites they work with; none for roles that work across sites.
    password : str
        At least 12 characters.

    Raises
    ------
    NotAllowed
        If the address is taken, or role, sites and password are not as wanted.
    """
    email = clean_email(email).lower()
    if ctx.session.scalar(select(Staff.id).where(Staff.email == email)) is not None:
        raise NotAllowed(f"e-mail: {email} is a staff member already")
    sites = _sites(ctx, role, site_codes)
    check_password(password, email)
    secret, ref = new_secret(), public_id()
    row = Staff(
        public_id=ref,
        email=email,
        name=clean_line(name, NAME_MOST) or email,
        role=role,
        language=language,
        password_hash=ctx.hasher.hash(password),
        totp_secret=seal_secret(ctx, secret, ref),
        created_at=ctx.now,
    )
    ctx.session.add(row)
    ctx.session.flush()
    _set_sites(ctx, row, sites)
    audit.record(ctx, "staff.add", "staff", ref, new=_rights(row, [site.code for site in sites]))
    return row, secret


def change_rights(ctx: Context, staff: Staff, role: str, site_codes: Collection[str]) -> None:
    """Give a staff member another role or other sites, from their next request on.

    Raises
    ------
    NotAllowed
        If role and sites do not fit, or nobody would be left to manage staff.
    """
    sites = _sites(ctx, role, site_codes)
    old = _rights(staff, site_codes_of(ctx, staff))
    if role != "administrator":
        _keep_an_administrator(ctx, staff)
    staff.role = role
    _set_sites(ctx, staff, sites)
    new = _rights(staff, [site.code for site in sites])
    if new != old:
        audit.record(ctx, "staff.rights", "staff", staff.public_id, old=old, new=new)


def deactivate(ctx: Context, staff: Staff) -> None:
    """End somebody's access: no new sign-in, and every open session is over.

    Raises
    ------
    NotAllowed
        If nobody would be left to manage staff.
    """
    _keep_an_administrator(ctx, staff)
    _switch(ctx, staff, False)
    end_sessions(ctx, staff.id)


def reactivate(ctx: Context, staff: Staff) -> None:
    """Let somebody sign in again, with the rights they had."""
    _switch(ctx, staff, True)


def end_sessions(ctx: Context, staff_id: int, but: str | None = None) -> None:
    """End every open session of a staff member, except the one of this hash if given."""
    query = update(WebSession).where(WebSession.staff_id == staff_id, WebSession.ended_at.is_(None))
    if but is not None:
        query = query.where(WebSession.token_hash != but)
    ctx.session.execute(query.values(ended_at=ctx.now))


def choose_language(ctx: Context, staff: Staff, language: str) -> None:
    """Remember in which language somebody reads the pages."""
    staff.language = language


def actor_of(ctx: Context, staff: Staff) -> Actor:
    """Return a staff member as one who acts, with the sites they may see right now."""
    sites = None
    if staff.role not in ALL_SITES:
        sites = frozenset(
            ctx.session.scalars(select(StaffSite.site_id).where(StaffSite.staff_id == staff.id))
        )
    return Actor(f"staff:{staff.id}", staff.role, sites, staff.id)


def by_public_id(ctx: Context, ref: str) -> Staff:
    """Return one staff member.

    Raises
    ------
    NotFound
        If there is none of that name.
    """
    query = select(Staff).where(Staff.public_id == ref)
    row = ctx.session.scalars(query).one_or_none() if is_public_id(ref) else None
    if row is None:
        raise NotFound("staff: there is none of that name")
    return row


def by_email(ctx: Context, email: str) -> Staff:
    """Return the staff member with this address.

    Raises
    ------
    NotFound
        If there is none.
    """
    found = ctx.session.scalars(select(Staff).where(Staff.email == email.strip().lower()))
    row = found.one_or_none()
    if row is None:
        raise NotFound(
            f"staff: found nobody with the e-mail {email!r}; 'flask staff list' shows all"
        )
    return row


def everybody(ctx: Context) -> list[Colleague]:
    """Return all staff, active ones first, by name."""
    sites: dict[int, list[str]] = {}
    pairs = select(StaffSite.staff_id, Site.code).join(Site, Site.id == StaffSite.site_id)
    for staff_id, code in ctx.session.execute(pairs.order_by(Site.code)):
        sites.setdefault(staff_id, []).append(code)
    rows = ctx.session.scalars(select(Staff).order_by(Staff.active.desc(), Staff.name, Staff.id))
    return [
        Colleague(
            row.public_id,
            row.email,
            row.name,
            row.role,
            tuple(sites.get(row.id, ())),
            row.active,
        )
        for row in rows
    ]


def site_codes_of(ctx: Context, staff: Staff) -> list[str]:
    """Return the codes of the sites somebody was given."""
    query = (
        select(Site.code)
        .join(StaffSite, StaffSite.site_id == Site.id)
        .where(StaffSite.staff_id == staff.id)
        .order_by(Site.code)
    )
    return list(ctx.session.scalars(query))


def _switch(ctx: Context, staff: Staff, active: bool) -> None:
    codes = site_codes_of(ctx, staff)
    old = _rights(staff, codes)
    staff.active = active
    action = "staff.reactivate" if active else "staff.deactivate"
    audit.record(ctx, action, "staff", staff.public_id, old=old, new=_rights(staff, codes))


def _rights(staff: Staff, codes: Sequence[str]) -> dict[str, object]:
    active = True if staff.active is None else staff.active
    return {"role": staff.role, "sites": sorted(codes), "active": active}


def _sites(ctx: Context, role: str, codes: Collection[str]) -> list[Site]:
    if role not in STAFF_ROLES:
        raise NotAllowed(f"role: found {role!r}; wanted one of {', '.join(STAFF_ROLES)}")
    if role in ALL_SITES:
        if codes:
            raise NotAllowed(f"sites: found {', '.join(codes)}; a {role} works across all sites")
        return []
    known = {site.code: site for site in ctx.session.scalars(select(Site).order_by(Site.code))}
    wrong = sorted(set(codes) - set(known))
    if wrong or not codes:
        found = ", ".join(wrong) or "none"
        raise NotAllowed(f"sites: found {found}; wanted at least one of {', '.join(known)}")
    return [known[code] for code in sorted(set(codes))]


def _set_sites(ctx: Context, staff: Staff, sites: Sequence[Site]) -> None:
    present = ctx.session.scalars(select(StaffSite).where(StaffSite.staff_id == staff.id)).all()
    wanted = {site.id for site in sites}
    for row in present:
        if row.site_id not in wanted:
            ctx.session.delete(row)
    for site_id in wanted - {row.site_id for row in present}:
        ctx.session.add(StaffSite(staff_id=staff.id, site_id=site_id))
    ctx.session.flush()


def _keep_an_administrator(ctx: Context, leaving: Staff) -> None:
    others = select(Staff.id).where(
        Staff.role == "administrator", Staff.active, Staff.id != leaving.id
    )
    if (
        leaving.role == "administrator"
        and leaving.active
        and not ctx.session.scalars(others).first()
    ):
        raise NotAllowed(
            f"{leaving.email}: is the last active administrator; add another one first"
        )
