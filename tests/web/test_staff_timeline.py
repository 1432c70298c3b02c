"""What a coordinator sees of the future is what ``flask plan`` prints, before and after events."""

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import pytest
from click.testing import CliRunner

from qol_app.cli import plan as cli_plan
from qol_app.db.tables import Participant
from qol_app.definition.protocol import load_protocols
from qol_app.services import enrolment, events
from qol_app.services.context import Actor
from qol_app.services.demo import people
from qol_app.services.identity import Identity
from qol_app.services.participants import course
from qol_app.services.planning import assessments_of
from tests.conftest import Clock, make_runtime, make_settings
from tests.made_once import pages_of
from tests.staff_factories import (
    TODAY,
    answer,
    assessment_of,
    make_staff,
    new_browser,
    noon,
    sign_in,
)

SYSTEM = Actor.system("tests")
WAYS = {"E-mail": "email", "Text message": "sms", "Telephone": ""}
# What pages call the steps that the command names by their codes.
STEPS = {
    "opening": "Invitation",
    "day-3": "Reminder",
    "day-7": "Reminder",
    "last": "Last reminder",
    "call": "Call",
}
# One of each course the demo tells: nothing yet, procedure, progression with a new line,
# death, withdrawal, pause, contact lost, shortly after allocation.
NUMBERS = (1, 2, 5, 8, 10, 12, 16, 22)
WISHES = {2: {"contact_hour": 17}, 10: {"preferred_channel": "sms"}}


@dataclass(frozen=True)
class Step:
    """One reminder, as a page shows it and as the command prints it."""

    step: str
    channel: str
    utc: str
    local: str


@dataclass(frozen=True)
class Row:
    """One assessment with its reminders."""

    occasion: str
    opens: str
    target: str
    closes: str
    late_until: str
    package: str
    asked_with: str
    provisional: bool
    steps: tuple[Step, ...]


# --- as the command prints it ------------------------------------------------------------


def printed(person: Participant, happened) -> list[Row]:
    """Return what ``flask plan`` prints for these events and this person's wishes."""
    given = [arguments_of(event) for event in happened]
    liked = ["email", "sms"]
    if person.preferred_channel:
        liked.sort(key=lambda channel: channel != person.preferred_channel)
    arguments = [
        "breclim-2",
        *(f"--event={one}" for one in given),
        *(f"--channel={one}" for one in liked),
        f"--zone={person.timezone}",
        f"--language={person.language}",
        "--format=json",
    ]
    if person.contact_hour is not None:
        arguments.append(f"--hour={person.contact_hour}")
    result = CliRunner().invoke(cli_plan.plan_command, arguments)
    assert result.exit_code == 0, result.output
    return [row_of(one) for one in json.loads(result.stdout)["assessments"]]


def arguments_of(event) -> str:
    details = "".join(f",{name}={value}" for name, value in event.details.items())
    return f"{event.kind}={event.on}{details}"


def row_of(one: dict) -> Row:
    number = "" if one["occurrence"] == 1 else f"#{one['occurrence']}"
    return Row(
        one["timepoint"] + number,
        *(one[name] for name in ("opens", "target", "closes", "late_until", "package")),
        one["asked_with"],
        one["provisional"],
        tuple(
            Step(STEPS[each["step"]], each["channel"], each["utc"], shown(each["local"]))
            for each in one["reminders"]
        ),
    )


def shown(local: str) -> str:
    """Return an instant of the command as pages write it."""
    day, clock = local.split("T")
    return f"{day} {clock[:5]} {clock[5:].replace(':', '')}"


# --- as a page shows it --------------------------------------------------------------------

LINE = re.compile(
    r'<li><span class="foreseen-step">(?P<step>.*?)</span> <span class="foreseen-way">'
    r'(?P<way>.*?)</span> <time datetime="(?P<utc>.*?)" class="nowrap">(?P<local>.*?)</time>'
)


def cell(occasion: str, html: str) -> Row | None:
    """Return what stands in one cell, None for a dash."""
    days = re.findall(r'<time datetime="(\d{4}-\d\d-\d\d)"', html)
    if not days:
        assert html.strip() == "–"
        return None
    small = re.search(r'<span class="soft small">(.*?)</span>', html, re.DOTALL)[1]
    notes = small.split(" · ")
    asked_with = [one.removeprefix("asked with ") for one in notes if "asked with" in one]
    return Row(
        occasion,
        days[0],
        notes[0].removeprefix("target "),
        days[1],
        notes[1].removeprefix("late until "),
        notes[2],
        asked_with[0] if asked_with else "",
        "provisional" in notes,
        tuple(
            Step(found["step"], WAYS[found["way"]], found["utc"], found["local"])
            for found in LINE.finditer(html)
        ),
    )


def table_rows(html: str):
    """Yield each row's occasion, its cells and whether one of them stands for both."""
    for line in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL):
        occasion = re.search(r'<th scope="row">.*?<span class="soft">(.*?)</span></th>', line)
        if occasion:
            cells = re.findall(r"<td( colspan=\"2\")?>(.*?)</td>", line, re.DOTALL)
            yield occasion[1], [text for _, text in cells], any(wide for wide, _ in cells)


def shown_now(html: str) -> list[Row]:
    return [cell(occasion, cells[0]) for occasion, cells, _ in table_rows(html)]


def shown_change(html: str) -> tuple[list[Row], list[Row]]:
    """Return the timelines before and after that a preview shows."""
    before, after = [], []
    for occasion, cells, both in table_rows(html):
        found = [cell(occasion, text) for text in cells[1:]]
        before.append(found[0])
        after.append(found[0] if both else found[1])
    return [one for one in before if one], [one for one in after if one]


# --- the study -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(templates, tmp_path_factory):
    """The demo's people and what happened to them, and a coordinator of all their sites."""
    folder = tmp_path_factory.mktemp("timeline")
    settings = make_settings(
        templates.copy("sqlite", folder),
        folder,
        smtp_url="smtp://localhost",
        sms_url="46elks://user:password@localhost",
        sms_from="Qol",
    )
    runtime = make_runtime(settings, Clock())
    chosen = [one for one in people() if one.number in NUMBERS]
    with runtime.writing(SYSTEM) as ctx:
        rows = {one.number: live(ctx, one) for one in chosen}
    app = pages_of(runtime)
    app.config["WTF_CSRF_ENABLED"] = False
    client = new_browser(app)
    sites = sorted({one.site for one in chosen})
    assert sign_in(client, make_staff(runtime, sites=sites)).status_code == 302
    yield runtime, client, rows
    runtime.database.close()


def live(ctx, person) -> Participant:
    start = TODAY - timedelta(days=person.days_in)
    row = enrolment.enrol(
        ctx,
        "breclim-2",
        person.study_number,
        person.site,
        person.language,
        Identity(phone=f"+4670174{person.number:04d}", email=f"p{person.number}@example.org"),
        consent_on=min(start - timedelta(days=7), TODAY),
    )
    for name, value in WISHES.get(person.number, {}).items():
        setattr(row, name, value)
    told = [("randomisation", 0, {"arm": person.arm})] if person.arm else []
    for kind, day, details in [*told, *person.course]:
        events.record(ctx, row, kind, start + timedelta(days=day), details, confirmed=True)
    return row


@pytest.fixture(autouse=True)
def protocols_read_once(monkeypatch):
    """The command reads the protocols at each call; here they do not change in between."""
    monkeypatch.setattr(cli_plan, "load_protocols", cache(load_protocols))


def happened(runtime, row):
    with runtime.reading(SYSTEM) as ctx:
        return list(course(ctx, row.id).history().events)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_timeline_page_shows_what_flask_plan_prints(study, number):
    runtime, client, rows = study
    found = client.get(f"/staff/participants/{rows[number].public_id}/timeline")
    assert found.status_code == 200
    wanted = printed(rows[number], happened(runtime, rows[number]))
    assert shown_now(found.text) == wanted
    ended = number in (5, 8, 10, 12, 22)
    assert ended or sum(len(row.steps) for row in wanted) > 40


def day_of(events_, kind) -> date:
    return next(one.on for one in events_ if one.kind == kind)


@pytest.mark.parametrize("number", NUMBERS)
def test_before_and_after_a_new_event_stands_what_flask_plan_prints(study, number):
    runtime, client, rows = study
    row, so_far = rows[number], happened(runtime, rows[number])
    kinds = {one.kind for one in so_far}
    kind, details = ("progression", {}) if "randomisation" in kinds else ("randomisation", "A")
    if "death" in kinds:
        kind, details = "last_known_alive", {}
    on = TODAY if kind != "last_known_alive" else day_of(so_far, "death") - timedelta(days=30)
    data = {"on": str(on), **({"detail_arm": "A"} if details else {})}
    preview = client.post(f"/staff/participants/{row.public_id}/events/new/{kind}", data=data)
    assert preview.status_code == 200
    before, after = shown_change(preview.text)
    new = events.Event(kind, on, {"arm": "A"} if details else {})
    assert before == printed(row, so_far)
    assert after == printed(row, [*so_far, new])
    assert (before != after) == (kind != "last_known_alive" and not kinds & {"withdrawal_qol"})


@pytest.mark.parametrize("number", [one for one in NUMBERS if one != 8])
def test_before_and_after_a_correction_stands_what_flask_plan_prints(study, number):
    runtime, client, rows = study
    row, so_far = rows[number], happened(runtime, rows[number])
    with runtime.reading(SYSTEM) as ctx:
        old = next(one for one in course(ctx, row.id).standing if one.kind == "randomisation")
    later = old.happened_on + timedelta(days=2)
    where = f"/staff/participants/{row.public_id}/events/{old.id}/correct"
    data = {"on": str(later), "detail_arm": "B", "reason": "Typed the wrong day"}
    preview = client.post(where, data=data)
    assert preview.status_code == 200
    before, after = shown_change(preview.text)
    corrected = [
        events.Event(one.kind, later, {"arm": "B"}) if one.kind == "randomisation" else one
        for one in so_far
    ]
    assert before == printed(row, so_far)
    assert after == printed(row, corrected)
    assert before != after


def test_a_pause_that_moves_no_questionnaire_shows_which_reminders_it_moves(study):
    runtime, client, rows = study
    row, so_far = rows[16], happened(runtime, rows[16])
    until = TODAY + timedelta(days=40)
    data = {"on": str(TODAY), "detail_until": str(until), "detail_reason": "travel"}
    page = client.post(f"/staff/participants/{row.public_id}/events/new/hold", data=data).text
    before, after = shown_change(page)
    details = {"until": str(until), "reason": "travel"}
    assert before == printed(row, so_far)
    assert after == printed(row, [*so_far, events.Event("hold", TODAY, details)])
    assert "No questionnaire is added, moved or dropped." in page
    assert page.count(">other reminders<") == 1


def test_taking_an_event_back_shows_both_timelines_too(study):
    runtime, client, rows = study
    row, so_far = rows[1], happened(runtime, rows[1])
    with runtime.reading(SYSTEM) as ctx:
        old = next(one for one in course(ctx, row.id).standing if one.kind == "randomisation")
    page = client.get(f"/staff/participants/{row.public_id}/events/{old.id}/retract")
    before, after = shown_change(page.text)
    assert before == printed(row, so_far)
    assert after == printed(row, [one for one in so_far if one.kind != "randomisation"])


def test_what_was_begun_stands_as_it_is_on_both_sides(study):
    runtime, client, rows = study
    row = rows[16]
    with runtime.writing(SYSTEM) as ctx:
        begun = assessment_of(ctx, row, "T0")
        answer(ctx, begun, noon(begun.target_on))
        window = (str(begun.opens_on), str(begun.closes_on))
        old = next(one for one in course(ctx, row.id).standing if one.kind == "randomisation")
        assert len(assessments_of(ctx, row.id)) == 10
    where = f"/staff/participants/{row.public_id}/events/{old.id}/correct"
    later = old.happened_on + timedelta(days=1)
    data = {"on": str(later), "detail_arm": "B", "reason": "Typed the wrong day"}
    before, after = shown_change(client.post(where, data=data).text)
    moved = {one.occasion for one, other in zip(before, after, strict=True) if one != other}
    assert (before[0].opens, before[0].closes) == (after[0].opens, after[0].closes) == window
    assert moved == {one.occasion for one in before} - {"T0"}
