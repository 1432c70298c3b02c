"""``flask plan`` prints every assessment and reminder, and what the proof found."""

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from icalendar import Calendar

from qol_app.cli.plan import plan_command
from qol_app.errors import QolError
from qol_app.settings import ROOT

BRECLIM = ROOT / "questionnaires" / "protocols" / "breclim-2.yaml"
CONSENT, RANDOMISED = "--event=consent=2026-01-12", "--event=randomisation=2026-01-19"
USUAL = ("breclim-2", CONSENT, RANDOMISED, "--arm=A")


def run(*arguments):
    """Return what is printed, notes left out; an error raised on purpose is raised again."""
    result = CliRunner().invoke(plan_command, arguments)
    if isinstance(result.exception, QolError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(*arguments):
    return list(csv.DictReader(io.StringIO(run(*arguments, "--format=csv"))))


def test_every_assessment_is_printed_with_its_dates_and_package():
    found = [row for row in rows(*USUAL) if row["record"] == "assessment"]
    assert [row["timepoint"] for row in found] == [
        "T0", "W6", "M3", "M6", "M9", "M12", "M18", "M24", "M30", "M36",
    ]  # fmt: skip
    w6 = found[1]
    assert (w6["opens"], w6["target"], w6["closes"]) == ("2026-02-23", "2026-03-02", "2026-03-16")
    assert w6["instruments"] == "qlq-c30 qlq-lmc21 eq-5d-5l"


def test_every_reminder_is_printed_on_the_local_clock_and_in_utc():
    found = [row for row in rows(*USUAL) if row["timepoint"] == "M3" and row["step"]]
    assert [(row["record"], row["step"]) for row in found] == [
        ("message", "opening"), ("message", "day-3"), ("message", "day-7"), ("task", "call"),
        ("message", "last"),
    ]  # fmt: skip
    assert found[0]["local"] == "2026-04-06T10:00+02:00"
    assert found[0]["utc"] == "2026-04-06T08:00+00:00"


def test_json_says_the_same_as_csv():
    content = json.loads(run(*USUAL, "--format=json"))
    table = rows(*USUAL)
    assert [one["timepoint"] for one in content["assessments"]] == [
        row["timepoint"] for row in table if row["record"] == "assessment"
    ]
    utc = [r["utc"] for one in content["assessments"] for r in one["reminders"]]
    assert utc == [row["utc"] for row in table if row["utc"]]
    assert len(content["sha256"]) == 64


def test_an_event_and_a_hold_are_taken_with_their_details():
    text = run(
        *USUAL,
        "--event=progression=2026-04-10",
        "--event=hold=2026-06-20,until=2026-07-10,reason=travel",
    )
    assert "(counts for PD too)" in text
    assert "PD     2026-04-10 .. 2026-05-01, target 2026-04-10" in text
    assert "day-7      email    Sat 2026-07-11 10:00 +0200  2026-07-11 08:00 UTC" in text


def test_another_zone_keeps_the_local_hour():
    there = [row for row in rows(*USUAL, "--zone=Pacific/Auckland") if row["step"] == "opening"]
    assert {row["local"][11:16] for row in there} == {"10:00"}
    assert there[1]["utc"] == "2026-02-22T21:00+00:00"


def test_a_calendar_file_keeps_its_uids(tmp_path):
    first, second = tmp_path / "a.ics", tmp_path / "b.ics"
    moved = ("breclim-2", CONSENT, "--event=randomisation=2026-01-20", "--arm=A")
    run(*USUAL, "--format=ics", "--output", str(first))
    run(*moved, "--format=ics", "--output", str(second))
    uids = [
        {str(event["uid"]) for event in Calendar.from_ical(path.read_bytes()).walk("VEVENT")}
        for path in (first, second)
    ]
    assert uids[0] == uids[1]
    assert len(uids[0]) == 60


def test_before_randomisation_only_the_first_questionnaire_is_planned():
    text = run("breclim-2", CONSENT)
    assert "T0     2026-01-12 .. 2026-02-09" in text
    assert "until its own anchor is known" in text
    assert "W6" not in text


def test_an_odd_event_is_noted_and_planned_all_the_same():
    result = CliRunner().invoke(plan_command, ["breclim-2", RANDOMISED, "--format=json"])
    assert result.exit_code == 0
    assert "no consent is recorded" in result.stderr
    assert len(json.loads(result.stdout)["assessments"]) == 10


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("breclim-3", CONSENT), "found 'breclim-3'; wanted a YAML file or one of breclim-2"),
        (("breclim-2",), "--event: found none"),
        (("breclim-2", "--event=consent"), "--event: found 'consent'; wanted KIND=DATE"),
        (("breclim-2", "--event=consent=soon"), "--event consent: found 'soon'; wanted a date"),
        (("breclim-2", "--event=consent=9999-12-31"), "wanted a day from 1900-01-01 to 2199"),
        (("breclim-2", "--event=consent=0001-01-01"), "wanted a day from 1900-01-01 to 2199"),
        (("breclim-2", "--event=relapse=2026-01-05"), "unknown event; known: consent"),
        (("breclim-2", CONSENT, f"{RANDOMISED},arm=C"), "unknown arm 'C'; known: A, B"),
        (("breclim-2", CONSENT, "--arm=C"), "--arm: found 'C'; wanted one of A, B"),
        (("breclim-2", CONSENT, "--zone=Europe/Stokholm"), "--zone: found 'Europe/Stokholm'"),
        (("breclim-2", CONSENT, "--channel=pigeon"), "--channel: found 'pigeon'; wanted one of"),
        (("breclim-2", CONSENT, "--language=fi"), "--language: found 'fi'; wanted one of en, sv"),
        (("nowhere.yaml", CONSENT), "no such file"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_wanted(arguments, words):
    with pytest.raises(QolError) as caught:
        run(*arguments)
    assert words in str(caught.value)


@pytest.mark.slow
def test_the_proof_prints_what_it_checked():
    text = run("breclim-2", "--proof", "--years=1", "--first=2026-01-01")
    assert "Every starting day from 2026-01-01 to 2027-01-01" in text
    lines = [line for line in text.splitlines() if " checks  " in line]
    assert len(lines) == 17
    assert all(line.strip().startswith("holds") for line in lines)


@pytest.mark.slow
def test_a_proof_that_fails_ends_with_an_error(tmp_path: Path):
    content = yaml.safe_load(BRECLIM.read_text(encoding="utf-8"))
    content["contact"]["channels"] = {"sms": {"weekends": False, "holidays": False}}
    content["timepoints"][2] |= {"opens": 90, "day": 91, "closes": 91}
    content["reminders"] = [{"code": "opening", "when": {"opens": 0}}]
    path = tmp_path / "weekend.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    result = CliRunner().invoke(plan_command, [str(path), "--proof", "--years=1"])
    assert "FAILS" in result.stdout
    assert "against: M3#1" in result.stdout
    assert isinstance(result.exception, QolError)
    assert "1 of 17 claims fail" in str(result.exception)
