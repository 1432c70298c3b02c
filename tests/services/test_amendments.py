"""A new protocol version: previewed, applied once, reversible until somebody answers under it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from qol_app.db.tables import Amendment, Assessment, AuditEvent, Participant
from qol_app.errors import NotAllowed, NotFound
from qol_app.services import amendments, definitions, enrolment, events
from qol_app.services.identity import Identity
from qol_app.services.planning import assessments_of
from qol_app.settings import ROOT


@pytest.fixture
def amended(ctx, tmp_path) -> Path:
    """A folder that also holds version 1.1: M9 opens later, M15 is new, M30 is gone."""
    folder = tmp_path / "questionnaires"
    (folder / "protocols").mkdir(parents=True)
    (folder / "instruments").symlink_to(ROOT / "questionnaires" / "instruments")
    original = (ROOT / "questionnaires" / "protocols" / "breclim-2.yaml").read_text()
    (folder / "protocols" / "breclim-2.yaml").write_text(original)
    new = yaml.safe_load(original)
    new["version"], new["amends"] = "1.1", {"version": "1.0"}
    new["effective_on"] = ctx.today("Europe/Stockholm")
    points = [one for one in new["timepoints"] if one["code"] != "M30"]
    m9 = next(one for one in points if one["code"] == "M9")
    m9.update(opens=253, closes=309, day=281)
    m15 = dict(m9, code="M15", day=456, opens=430, closes=480)
    m15["title"] = {"en": "Questionnaire, month 15", "sv": "Formulär, månad 15"}
    points.insert(points.index(m9) + 2, m15)
    new["timepoints"] = points
    (folder / "protocols" / "breclim-2-v1.1.yaml").write_text(
        yaml.safe_dump(new, allow_unicode=True, sort_keys=False)
    )
    return folder


def make_participant(ctx, days_in: int, number: str = "UME-001") -> Participant:
    """Return somebody randomised so many days ago."""
    today = ctx.today("Europe/Stockholm")
    randomised = today - timedelta(days=days_in)
    participant = enrolment.enrol(
        ctx,
        "breclim-2",
        number,
        "UME",
        "sv",
        Identity(email=f"{number}@example.org".lower()),
        consent_on=randomised - timedelta(days=7),
    )
    events.record(ctx, participant, "randomisation", randomised, {"arm": "A"})
    return participant


def windows(ctx, participant) -> dict[str, tuple]:
    return {
        row.timepoint: (row.opens_on, row.closes_on)
        for row in assessments_of(ctx, participant.id)
        if row.dropped_at is None
    }


def load(ctx, folder) -> None:
    list(definitions.load(ctx, folder, "breclim-2"))


def test_preview_tells_per_participant_and_changes_nothing(ctx, amended):
    early, late = make_participant(ctx, 10), make_participant(ctx, 600, "UME-002")
    before = windows(ctx, early), windows(ctx, late)
    load(ctx, amended)

    found = amendments.preview(ctx, "breclim-2", "1.1")

    by_number = {line.participant.study_number: line.preview.counts for line in found.lines}
    assert by_number["UME-001"] == {"kept": 8, "moved": 1, "added": 1, "dropped": 1}
    # M9 and M15 are over for the other one: nothing is rewritten, nothing missed is invented.
    assert by_number["UME-002"] == {"kept": 9, "moved": 0, "added": 0, "dropped": 1}
    assert (windows(ctx, early), windows(ctx, late)) == before


def test_apply_moves_adds_and_drops_and_leaves_the_past_alone(ctx, amended):
    early, late = make_participant(ctx, 10), make_participant(ctx, 600, "UME-002")
    past = windows(ctx, late)["M9"]
    load(ctx, amended)

    row = amendments.apply(ctx, "breclim-2", "1.1")

    assert row.counts == {"kept": 17, "moved": 1, "added": 1, "dropped": 2}
    assert "M15" in windows(ctx, early) and "M30" not in windows(ctx, early)
    assert windows(ctx, late)["M9"] == past and "M15" not in windows(ctx, late)
    actions = set(ctx.session.scalars(select(AuditEvent.action)))
    assert "amendment.apply" in actions


def test_a_later_correction_keeps_what_the_amendment_left_behind(ctx, amended):
    late = make_participant(ctx, 600)
    past = windows(ctx, late)["M9"]
    load(ctx, amended)
    amendments.apply(ctx, "breclim-2", "1.1")

    events.record(ctx, late, "progression", ctx.today("Europe/Stockholm"))

    assert windows(ctx, late)["M9"] == past
    assert "M15" not in windows(ctx, late) and "PD" in windows(ctx, late)


def test_an_amendment_applied_late_asks_nothing_that_was_over_by_then(ctx, amended):
    participant = make_participant(ctx, 470)
    load(ctx, amended)
    # M15 closes on day 480: in effect from day 470, the version is applied on day 500.
    ctx = replace(ctx, now=ctx.now + timedelta(days=30))
    amendments.apply(ctx, "breclim-2", "1.1")

    events.record(ctx, participant, "progression", ctx.today("Europe/Stockholm"))

    assert "M15" not in windows(ctx, participant)
    assert "PD" in windows(ctx, participant)


def test_reverse_brings_back_every_window(ctx, amended):
    early = make_participant(ctx, 10)
    before = windows(ctx, early)
    load(ctx, amended)
    row = amendments.apply(ctx, "breclim-2", "1.1")

    amendments.reverse(ctx, row.id)

    assert windows(ctx, early) == before
    with pytest.raises(NotAllowed, match="taken back already"):
        amendments.reverse(ctx, row.id)


def test_reverse_is_refused_after_the_first_answer(ctx, amended):
    early = make_participant(ctx, 10)
    load(ctx, amended)
    row = amendments.apply(ctx, "breclim-2", "1.1")
    ctx.session.scalars(
        select(Assessment).where(
            Assessment.participant_id == early.id, Assessment.timepoint == "W6"
        )
    ).one().started_at = ctx.now
    ctx.session.flush()

    with pytest.raises(NotAllowed, match="begun to answer"):
        amendments.reverse(ctx, row.id)
    assert ctx.session.get(Amendment, row.id).reversed_at is None


def test_an_unknown_version_is_named(ctx):
    with pytest.raises(NotFound, match=r"breclim-2 9\.9: found none; loaded: 1\.0"):
        amendments.preview(ctx, "breclim-2", "9.9")


def test_an_amendment_cannot_be_applied_twice_to_anybody(ctx, amended):
    early = make_participant(ctx, 10)
    load(ctx, amended)
    amendments.apply(ctx, "breclim-2", "1.1")
    after = windows(ctx, early)

    # A second amendment of nobody would stand in the way of taking the first one back.
    with pytest.raises(NotAllowed, match=r"nobody is planned by 1\.0 any more"):
        amendments.apply(ctx, "breclim-2", "1.1")
    assert windows(ctx, early) == after
