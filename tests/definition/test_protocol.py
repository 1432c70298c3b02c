"""The shipped protocol, and what a protocol that contradicts itself is told."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from qol_app.definition.protocol import load_protocol, load_protocol_versions, load_protocols
from qol_app.errors import DefinitionError

FOLDER = Path(__file__).parents[2] / "questionnaires" / "protocols"
BRECLIM = FOLDER / "breclim-2.yaml"


@pytest.fixture
def content():
    return yaml.safe_load(BRECLIM.read_text(encoding="utf-8"))


@pytest.fixture
def refused(tmp_path):
    """Return a function that loads changed content and gives the error's text."""

    def load(content, instruments=None):
        path = tmp_path / "changed.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        with pytest.raises(DefinitionError) as caught:
            load_protocol(path, instruments)
        assert str(caught.value).startswith(str(path))
        return str(caught.value)

    return load


def point(content, code):
    return next(one for one in content["timepoints"] if one["code"] == code)


@pytest.mark.parametrize(
    ("code", "opens", "day", "closes", "package"),
    [
        ("T0", -28, 0, 0, "full"),
        ("W6", 35, 42, 56, "core"),
        ("M3", 77, 91, 112, "full"),
        ("M6", 155, 183, 211, "full"),
        ("M9", 246, 274, 302, "core"),
        ("M12", 330, 365, 407, "full"),
        ("M18", 506, 548, 590, "core"),
        ("M24", 688, 730, 772, "full"),
        ("M30", 871, 913, 955, "core"),
        ("M36", 1054, 1096, 1156, "full"),
        ("PD", 0, 0, 21, "core-br23"),
        ("TX", 0, 0, 14, "core"),
        ("WD", 0, 0, 14, "core"),
        ("S30", 23, 30, 44, "lmc21"),
    ],
)
def test_breclim_has_the_timepoints_of_its_schedule(code, opens, day, closes, package):
    found = load_protocol(BRECLIM).timepoint(code)
    assert (found.opens, found.day, found.closes, found.package) == (opens, day, closes, package)
    assert found.enabled is (code != "S30")


def test_breclim_has_six_university_hospitals_with_telephone_numbers_kept_for_fiction():
    protocol = load_protocol(BRECLIM)
    fictitious = ("08-465 004 ", "031-390 06 ", "040-628 04 ")
    assert len(protocol.sites) == 6
    assert all(site.phone.startswith(fictitious) for site in protocol.sites)
    assert all(site.email.endswith("@example.org") for site in protocol.sites)


def test_the_order_of_instruments_ends_with_eq_5d_5l():
    protocol = load_protocol(BRECLIM)
    full = ("qlq-c30", "qlq-lmc21", "qlq-br23", "eq-5d-5l")
    assert protocol.package("full").instruments == full
    assert protocol.package("core").instruments == ("qlq-c30", "qlq-lmc21", "eq-5d-5l")


def test_layout_does_not_change_a_protocols_hash_and_content_does(tmp_path, content):
    path = tmp_path / "other-layout.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=True), encoding="utf-8")
    assert load_protocol(path).sha256 == load_protocol(BRECLIM).sha256
    point(content, "M9")["closes"] = 303
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert load_protocol(path).sha256 != load_protocol(BRECLIM).sha256


def change(path, value):
    def apply(content):
        for key in path[:-1]:
            content = point(content, key[1:]) if str(key).startswith("@") else content[key]
        content[path[-1]] = value

    return apply


# Where the shipped protocol declares what is asked for with an adverse event.
ADVERSE = ("events", 14, "fields")
WRONG = {
    "overlap": (change(["timepoints", 2, "opens"], 50), "W6 and M3", "overlapping windows 35..56"),
    "unknown event": (change(["timepoints", 2, "anchor"], "rando"), "M3: anchor", "'rando'"),
    "negative window": (change(["timepoints", 1, "opens"], 60), "W6", "a negative window"),
    "target outside": (change(["timepoints", 1, "day"], 60), "W6", "opens <= day <= closes"),
    "unknown zone": (change(["timezone"], "Europe/Stokholm"), "timezone", "'Europe/Stokholm'"),
    "unknown site zone": (change(["sites", 1, "timezone"], "Mars"), "sites GBG", "'Mars'"),
    "reminder after closing": (
        change(["reminders", 2, "when"], {"opens": 30}), "day-7 for timepoint T0", "after closing",
    ),
    "reminder before opening": (
        change(["reminders", 2, "when"], {"closes": -20}), "day-7", "before opening",
    ),
    "reminder never": (change(["reminders", 2, "when"], {}), "day-7: when", "nothing"),
    "unknown channel": (
        change(["reminders", 2, "channel"], "pigeon"), "day-7: channel", "one of console, email",
    ),
    "unknown package": (change(["timepoints", 3, "package"], "fulll"), "M6: package", "'fulll'"),
    "unknown arm": (change(["timepoints", 3, "arms"], ["C"]), "M6: arms", "one of A, B"),
    "arms differ": (
        change(["timepoints", 3, "arms"], ["A"]), "M6: arms", "a difference between arms",
    ),
    "missing language": (
        change(["timepoints", 3, "title"], {"en": "Month 6"}), "M6: title", "exactly en, sv",
    ),
    "telling title": (
        change(["timepoints", 3, "title", "sv"], "Din leveroperation"), "M6: title sv", "disease",
    ),
    "no way to withdraw": (
        lambda c: c["events"].pop(8), "events", "no event 'withdrawal_qol'",
    ),
    "repeat without end": (
        change(["timepoints", 10, "repeat"], {"every_days": 30}), "PD: repeat", "'times'",
    ),
    "each of what happens once": (
        change(["timepoints", 3, "each"], True), "M6: each", "happens once",
    ),
    "asked after a stop": (
        change(["timepoints", 12, "anchor"], "withdrawal_qol"), "WD: anchor", "nobody is asked",
    ),
    "asked before randomisation, after a stop": (
        change(["timepoints", 0, "provisional", 0, "anchor"], "death"),
        "T0: provisional",
        "'death', after which nobody is asked",
    ),
    "past the end": (
        change(["end_of_follow_up", "day"], 1000), "M36: day", "at most 1000",
    ),
    "send hour at night": (
        change(["contact", "send_hour"], 21), "contact: send_hour", "8..19",
    ),
    "unknown country": (
        change(["contact", "holiday_country"], "XX"), "holiday_country", "'XX'",
    ),
    "twice the same code": (
        change(["timepoints", 3, "code"], "M9"), "timepoints", "'M9'",
    ),
    "no provisional window before allocation": (
        change(["timepoints", 0, "provisional"], []), "T0", "nobody could answer in time",
    ),
    "effective too early": (
        change(["effective_on"], date(2019, 1, 1)), "effective_on", "2019-09-06 or later",
    ),
    "a field whose range is empty": (
        change([*ADVERSE, 1, "least"], 6), "adverse_event: fields grade: least", "at most 5",
    ),
    "a whole number without range": (
        change([*ADVERSE, 1, "most"], None), "fields grade: most", "found nothing",
    ),
    "a range on a text": (
        change([*ADVERSE, 0, "most"], 9), "fields term: most", "only on kind 'whole'",
    ),
    "a choice among nothing": (
        change([*ADVERSE, 2, "choices"], []), "fields clavien_dindo: choices", "needs it",
    ),
    "the same choice twice": (
        change([*ADVERSE, 2, "choices", 1, "code"], "I"), "clavien_dindo: choices", "'I'",
    ),
    "the same field twice": (
        change([*ADVERSE, 0, "code"], "grade"), "events adverse_event: fields", "'grade'",
    ),
    "a field that the schedule acts on": (
        change([*ADVERSE, 0, "code"], "arm"), "fields arm: code", "a code of its own",
    ),
    "a field without Swedish": (
        change([*ADVERSE, 0, "title"], {"en": "Term"}), "fields term: title", "exactly en, sv",
    ),
    "a choice without Swedish": (
        change([*ADVERSE, 2, "choices", 6, "title"], {"en": "V"}), "choices V: title", "en, sv",
    ),
    "a field of no known kind": (
        change([*ADVERSE, 1, "kind"], "number"), "events[14].fields[1].kind", "'whole'",
    ),
    "an unknown field": (change(["colour"], "red"), "colour", "unknown field"),
    "a text for a number": (change(["timepoints", 3, "day"], "183"), "timepoints[3].day", "183"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_contradiction_is_refused_with_its_place_and_what_is_wanted(name, content, refused):
    spoil, place, part = WRONG[name]
    spoil(content)
    text = refused(content)
    assert place in text
    assert part in text
    assert "found" in text
    assert "wanted" in text
    assert "\n" not in text


def test_circular_anchors_are_refused(content, refused):
    point(content, "M6")["anchor"] = "M9"
    point(content, "M9")["anchor"] = "M6"
    assert "leads in a circle" in refused(content)


def test_a_repeat_that_overlaps_itself_is_refused(content, refused):
    point(content, "M36")["repeat"] = {"every_days": 60, "times": 2}
    content["end_of_follow_up"]["day"] = 2000
    assert "M36#1 and M36#2" in refused(content)


def test_an_unknown_instrument_is_refused_when_the_instruments_are_known(refused, content):
    text = refused(content, instruments={"qlq-c30", "qlq-lmc21", "eq-5d-5l"})
    assert "unknown instrument 'qlq-br23'; wanted one of eq-5d-5l, qlq-c30, qlq-lmc21" in text
    assert "did you mean 'qlq-" in text


def test_instrument_folders_beside_the_protocols_are_the_known_instruments(tmp_path):
    (tmp_path / "instruments" / "qlq-c30").mkdir(parents=True)
    (tmp_path / "protocols").mkdir()
    path = tmp_path / "protocols" / "p.yaml"
    path.write_text(BRECLIM.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(DefinitionError, match="unknown instrument 'qlq-lmc21'"):
        load_protocol(path)


def test_the_version_in_effect_on_a_day_is_chosen(tmp_path, content):
    for version, effective in (("1.0", date(2020, 1, 1)), ("2.0", date(2026, 1, 1))):
        content |= {"version": version, "effective_on": effective}
        (tmp_path / f"v{version}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert load_protocols(tmp_path)["breclim-2"].version == "2.0"
    assert load_protocols(tmp_path, on=date(2025, 12, 31))["breclim-2"].version == "1.0"
    assert load_protocols(tmp_path, on=date(2026, 1, 1))["breclim-2"].version == "2.0"
    assert load_protocols(tmp_path, on=date(2019, 12, 31)) == {}
    assert [one.version for one in load_protocol_versions(tmp_path)["breclim-2"]] == ["1.0", "2.0"]


def test_two_files_of_one_version_are_refused(tmp_path, content):
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"b\.yaml: version: found '1\.0'"):
        load_protocols(tmp_path)


def test_looking_up_what_is_not_there_names_what_is():
    with pytest.raises(DefinitionError, match=r"unknown site 'NEW'; known: UME, GBG"):
        load_protocol(BRECLIM).site("NEW")


def test_a_site_without_a_zone_lies_in_the_trials():
    protocol = load_protocol(BRECLIM)
    assert protocol.zone_name("UME") == protocol.zone_name() == "Europe/Stockholm"


def test_an_arm_has_one_title_or_one_per_language(content, refused, tmp_path):
    found = load_protocol(BRECLIM).arms[1]
    assert found.titles == {"en": "Systemic treatment", "sv": "Systemisk behandling"}
    content["arms"][1]["title"] = "Systemic treatment"
    path = tmp_path / "one-title.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    assert load_protocol(path).arms[1].titles == {"en": "Systemic treatment"}
    content["arms"][1]["title"] = {"sv": "Systemisk behandling"}
    assert "arms B: title" in refused(content)
