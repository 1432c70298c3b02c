"""The two factors of staff: a password (Argon2id), and a code that changes (TOTP, RFC 6238)."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
from sqlalchemy import select, update

from qol_app.crypto import Hasher, token_hash
from qol_app.db.tables import Staff, WebSession
from qol_app.errors import NotAllowed
from qol_app.services import access, audit
from qol_app.services.access import Budget
from qol_app.services.context import Context

PASSWORD_LEAST, PASSWORD_MOST = 12, 256
STEP_S = 30
# Telephones' clocks go wrong by a little: one step either way is accepted.
STEPS_AROUND = 1
# Read in place of the secret of somebody who does not exist, so that both take as long.
DECOY = pyotp.random_base32()


def budgets(now: datetime, email: str) -> list[Budget]:
    """Return what one failed sign-in is charged to; an unknown address is charged alike.

    None is shared by several people: a stranger who tries many addresses must not be able
    to keep the whole staff out.
    """
    quarter = f"{now:%Y-%m-%dT%H}:{now.minute // 15}"
    who = f"staff:{token_hash(_folded(email))[:32]}"
    return [
        Budget(who, quarter, 5),
        Budget(f"{who}:day", f"{now:%Y-%m-%d}", 50),
    ]


@dataclass(frozen=True)
class Attempt:
    """One sign-in, charged already, with what its two factors are compared to.

    Of an address nobody has, and where the tries are used up, nothing fits it.
    """

    charged: tuple[Budget, ...] = ()
    staff_id: int | None = None
    public_id: str = "unknown"
    password_hash: str | None = field(default=None, repr=False)


def begin(ctx: Context, email: str) -> Attempt:
    """Charge one try and return it; the edge commits this before anything is compared."""
    charged = budgets(ctx.now, email)
    if not access.reserve(ctx, charged):
        return Attempt()
    query = select(Staff).where(Staff.email == _folded(email), Staff.active)
    staff = ctx.session.scalars(query).one_or_none()
    if staff is None:
        return Attempt(tuple(charged))
    return Attempt(tuple(charged), staff.id, staff.public_id, staff.password_hash)


def password_fits(hasher: Hasher, attempt: Attempt, password: str) -> bool:
    """Return whether the password is right; slow on purpose, so no transaction is open."""
    return hasher.matches(attempt.password_hash, password)


def admit(ctx: Context, attempt: Attempt, password_right: bool, code: str) -> Staff | None:
    """Return who signs in with right password and fresh code; None whatever else is the case.

    Unknown address, ended access, wrong password, wrong or used code and used-up tries look
    the same and take the same. The try is given back when the person is who they say.
    """
    staff = ctx.session.get(Staff, attempt.staff_id) if attempt.staff_id is not None else None
    step = matching_step(ctx, staff, code)
    if not (staff and staff.active and password_right and step and _use_step(ctx, staff, step)):
        audit.record(ctx, "sign-in.refused", "staff", attempt.public_id)
        return None
    give_back(ctx, attempt)
    return staff


def give_back(ctx: Context, attempt: Attempt) -> None:
    """Give a charged try back, since what was given was right."""
    access.refund(ctx, list(attempt.charged))


def confirm(ctx: Context, attempt: Attempt, session_hash: str, code: str) -> bool:
    """Make a session's second factor fresh again; False if the code is wrong or used.

    Begun and charged like a sign-in.
    """
    staff = ctx.session.get(Staff, attempt.staff_id) if attempt.staff_id is not None else None
    step = matching_step(ctx, staff, code)
    if staff is None or step is None or not _use_step(ctx, staff, step):
        audit.record(ctx, "factor.refused", "staff", attempt.public_id)
        return False
    ctx.session.execute(
        update(WebSession).where(WebSession.token_hash == session_hash).values(factor_at=ctx.now)
    )
    give_back(ctx, attempt)
    audit.record(ctx, "factor.confirm", "staff", staff.public_id)
    return True


def matching_step(ctx: Context, staff: Staff | None, code: str) -> int | None:
    """Return the time step whose code this is, if it lies around now and was not used."""
    totp = pyotp.TOTP(_secret(ctx, staff) if staff else DECOY, interval=STEP_S)
    now = int(ctx.now.timestamp()) // STEP_S
    given = code.replace(" ", "").encode(errors="replace")
    found = None
    for step in range(now - STEPS_AROUND, now + STEPS_AROUND + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), given):
            found = step
    if staff is None or found is None or found <= staff.totp_last_step:
        return None
    return found


def _use_step(ctx: Context, staff: Staff, step: int) -> bool:
    # One statement: of two requests with the same code only one moves the step on.
    used = ctx.session.execute(
        update(Staff)
        .where(Staff.id == staff.id, Staff.totp_last_step < step)
        .values(totp_last_step=step)
    )
    return used.rowcount == 1  # type: ignore[attr-defined]


def set_password(ctx: Context, staff: Staff, password: str) -> None:
    """Put a new password in the place of the old one.

    Raises
    ------
    NotAllowed
        If it is too short, too long or the e-mail address.
    """
    check_password(password, staff.email)
    staff.password_hash = ctx.hasher.hash(password)
    audit.record(ctx, "password.change", "staff", staff.public_id)


def check_password(password: str, email: str) -> None:
    """Refuse a password that is too easy to guess or too long to hash.

    Length counts, composition does not (NIST SP 800-63B).

    Raises
    ------
    NotAllowed
        Saying what is wanted, never the password.
    """
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise NotAllowed(
            f"password: found {len(password)} characters; wanted {PASSWORD_LEAST} to "
            f"{PASSWORD_MOST}, such as four words"
        )
    if len(set(password)) < 5 or _folded(email) in password.lower():
        raise NotAllowed("password: found one that is easily guessed; wanted, say, four words")


def new_secret() -> str:
    """Return a fresh secret for an authenticator, 160 bits in base32."""
    return pyotp.random_base32()


def seal_secret(ctx: Context, secret: str, ref: str) -> str:
    """Return an authenticator's secret as it is stored: encrypted, bound to its owner."""
    return ctx.vault.seal(secret, "staff", "totp_secret", ref)


def provisioning_uri(secret: str, email: str, issuer: str) -> str:
    """Return the address an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=email, issuer_name=issuer)


def _secret(ctx: Context, staff: Staff) -> str:
    return ctx.vault.open(staff.totp_secret, "staff", "totp_secret", staff.public_id)


def _folded(email: str) -> str:
    return email.strip().lower()
