"""Taking a participant into the study."""

import re
from datetime import date

from sqlalchemy import select

from qol_app.crypto import public_id
from qol_app.db.tables import Definition, Participant, Site
from qol_app.definition.protocol import Protocol
from qol_app.errors import NotAllowed
from qol_app.schedule.history import Event, History
from qol_app.schedule.plausibility import Finding, check_event
from qol_app.services import audit, events, identity
from qol_app.services.context import Context
from qol_app.services.definitions import protocol_in_force
from qol_app.services.identity import Identity
from qol_app.services.library import newest
from qol_app.services.participants import visible_sites

STUDY_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9-]{1,30}")


def enrol(
    ctx: Context,
    protocol_code: str,
    study_number: str,
    site_code: str,
    language: str,
    person: Identity,
    *,
    consent_on: date,
) -> Participant:
    """Return a new participant, consented, with every assessment that can be planned.

    Parameters
    ----------
    study_number : str
        Capital letters, digits and hyphens, as on the screening list; unique in the study.
    site_code : str
        One of the actor's own sites.
    person : Identity
        Name (optional), telephone and/or e-mail; stored encrypted, apart.
    consent_on : date
        The day consent was signed.

    Raises
    ------
    NotAllowed
        If the number is taken or malformed, the site is not the actor's, the language
        has no wording, there is no way to reach the person, or consent cannot be.
    """
    protocol_id, protocol = protocol_in_force(ctx, protocol_code)
    site = _site(ctx, site_code)
    _check_number(ctx, study_number)
    _check_language(ctx, protocol, language)
    person = identity.reachable(person)
    row = Participant(
        public_id=public_id(),
        study_number=study_number,
        site_id=site.id,
        protocol_id=protocol_id,
        language=language,
        timezone=site.timezone,
        identity_ref=identity.store(ctx, person),
        enrolled_at=ctx.now,
        enrolled_by=ctx.actor.staff_id,
    )
    ctx.session.add(row)
    ctx.session.flush()
    audit.record(
        ctx,
        "participant.enrol",
        "participant",
        row.id,
        site=site.code,
        new={
            "study_number": study_number,
            "site": site.code,
            "language": language,
            "protocol": protocol.version,
        },
    )
    events.record(ctx, row, "consent", consent_on)
    return row


def is_taken(ctx: Context, study_number: str) -> bool:
    """Return whether somebody has this study number already."""
    query = select(Participant.id).where(Participant.study_number == study_number)
    return ctx.session.scalar(query) is not None


def consent_findings(ctx: Context, protocol_code: str, site_code: str, on: date) -> list[Finding]:
    """Return what speaks against a day of consent, for the person about to enrol."""
    protocol = protocol_in_force(ctx, protocol_code)[1]
    today = ctx.today(_site(ctx, site_code).timezone)
    return check_event(protocol, History(), Event("consent", on), today)


def _site(ctx: Context, code: str) -> Site:
    sites = {site.code: site for site in visible_sites(ctx)}
    if code not in sites:
        raise NotAllowed(f"site: found {code!r}; wanted one of yours: {', '.join(sites)}")
    return sites[code]


def _check_number(ctx: Context, study_number: str) -> None:
    if not STUDY_NUMBER.fullmatch(study_number):
        raise NotAllowed(
            f"study number: found {study_number!r}; wanted capital letters, digits and "
            "hyphens, such as UMU-012"
        )
    if is_taken(ctx, study_number):
        raise NotAllowed(f"study number: {study_number} is taken already")


def _check_language(ctx: Context, protocol: Protocol, language: str) -> None:
    if language not in protocol.languages:
        known = ", ".join(protocol.languages)
        raise NotAllowed(f"language: found {language!r}; the protocol has {known}")
    for code in sorted({code for package in protocol.packages for code in package.instruments}):
        wording: Definition = newest(ctx.session, "wording", code, language)
        if wording.stand_in and not protocol.stand_in_wording_allowed:
            raise NotAllowed(
                f"{code} {language}: only stand-in wording is loaded, and this study is live. "
                f"Load the licensed text: flask wording load {code} {language} FILE"
            )
