"""SDTM and ADaM: rows that say what the facts say, files that their schemas accept."""

import json
from dataclasses import replace
from datetime import date, datetime

import pandas as pd
import pyreadstat
import pytest

from qol_app.definition.instrument import load_instruments
from qol_app.export.cdisc.ae import adverse_events, in_ascii
from qol_app.export.cdisc.parameters import event_parameter, score_parameters
from qol_app.export.cdisc.questions import question_codes, question_label, whole_label
from qol_app.export.cdisc.rules import Package, findings, report
from qol_app.export.cdisc.trial import Trial
from qol_app.export.cdisc.writer import CdiscWriter, cdisc_packages
from qol_app.export.transport import NAME
from qol_app.settings import ROOT
from tests.services.schemas import schema_errors


@pytest.fixture(scope="module")
def packages(whole_study):
    return cdisc_packages(whole_study.study, whole_study.frames)


@pytest.fixture(scope="module")
def data(packages):
    return {one.name: one.frame for what in packages.values() for one in what.datasets}


@pytest.fixture(scope="module")
def written(whole_study, tmp_path_factory):
    return whole_study.write(CdiscWriter, tmp_path_factory.mktemp("cdisc")) / "cdisc"


def subject(frame, number):
    return frame[frame["USUBJID"] == f"BRECLIM-2-UME-{number:03d}"]


def test_the_data_sets_asked_for_are_there(data):
    tabulations = {"DM", "AE", "SUPPAE", "DS", "SV", "QS", "SUPPQS"}
    assert set(data) == {*tabulations, "ADSL", "ADQS", "ADTTE"}


def test_our_own_rules_all_hold_and_the_engine_is_said_not_to_have_run(written):
    checks = pd.read_csv(written / "checks.csv", keep_default_na=False)
    assert checks[checks["outcome"] == "fail"].to_dict("records") == []
    assert len(checks) >= 15
    [engine] = checks[checks["outcome"] == "not run"].to_dict("records")
    assert "Python 3.12" in engine["wants"]


def test_demographics_have_one_row_each_and_say_what_is_not_known(data):
    dm = data["DM"]
    assert len(dm) == 8
    [first] = subject(dm, 1).to_dict("records")
    assert (first["RFSTDTC"], first["RFICDTC"]) == ("2026-03-02", "2026-02-20")
    assert (first["ARMCD"], first["ARM"]) == ("B", "Systemic treatment")
    assert (first["COUNTRY"], first["SEX"], first["AGE"]) == ("SWE", "U", None)
    [screened] = subject(dm, 0).to_dict("records")
    assert (screened["ARMCD"], screened["ARMNRS"]) == (None, "NOT ASSIGNED")
    [dead] = subject(dm, 6).to_dict("records")
    assert (dead["DTHDTC"], dead["DTHFL"], dead["RFPENDTC"]) == ("2026-07-01", "Y", "2026-07-01")


def test_disposition_tells_milestones_ends_and_the_course_of_disease(data):
    ds = subject(data["DS"], 7)
    assert ds["DSDECOD"].tolist() == [
        "INFORMED CONSENT OBTAINED",
        "RANDOMIZED",
        "WITHDRAWAL BY SUBJECT",
        "COMPLETED",
    ]
    assert ds["DSSEQ"].tolist() == [1, 2, 3, 4]
    # Ten days before randomisation is day -10; randomisation itself is day 1.
    assert ds["DSSTDY"].tolist()[:2] == [-10, 1]
    assert "PROGRESSION" in subject(data["DS"], 2)["DSTERM"].tolist()


def test_visits_answered_and_missed_both_have_a_row(data):
    sv = subject(data["SV"], 3).set_index("VISIT")
    assert sv.loc["W6", "SVOCCUR"] == "Y"
    missed = sv.loc["M3"]
    assert (missed["SVOCCUR"], missed["SVREASOC"], missed["SVSTDTC"]) == ("N", "TOO ILL", None)
    assert missed["VISITDY"] == 92
    assert sv.loc["T0", "VISITDY"] == 1


def test_a_question_answered_carries_its_code_and_standard_names(data):
    qs = subject(data["QS"], 1)
    [row] = qs[(qs["QSTESTCD"] == "EOR0101") & (qs["VISIT"] == "T0")].to_dict("records")
    assert row["QSCAT"] == "EORTC QLQ-C30 V3.0"
    assert row["QSORRES"] == row["QSSTRESC"] == f"{row['QSSTRESN']:g}"
    assert row["QSEVLINT"] is None
    assert row["QSLOBXFL"] == "Y"
    # Three days before randomisation, recorded 10:00:01 UTC, 11:00:01 in Stockholm.
    assert (row["QSDTC"], row["QSDY"]) == ("2026-02-27T11:00:01", -3)
    [later] = qs[(qs["QSTESTCD"] == "EOR0109") & (qs["VISIT"] == "M3")].to_dict("records")
    assert (later["QSEVLINT"], later["QSLOBXFL"]) == ("-P1W", None)


@pytest.mark.requirement("E4")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("BR2332", "SKIPPED BY SUBJECT"),
        ("BR2335", "CONDITIONAL BRANCHING"),
        ("BR2337", "NOT REACHED BY SUBJECT"),
    ],
)
def test_a_question_without_answer_says_which_kind_of_without(data, code, reason):
    qs = subject(data["QS"], 1)
    [row] = qs[(qs["QSTESTCD"] == code) & (qs["VISIT"] == "W6")].to_dict("records")
    assert (row["QSSTAT"], row["QSREASND"]) == ("NOT DONE", reason)
    assert row["QSORRES"] is None


def test_a_form_nobody_began_is_one_row_with_its_reason(data):
    qs = subject(data["QS"], 3)
    whole = qs[qs["QSTESTCD"] == "QSALL"]
    month_3 = whole[whole["VISIT"] == "M3"]
    assert len(month_3) == 4
    assert set(month_3["QSREASND"]) == {"TOO ILL"}
    assert set(month_3["QSSTAT"]) == {"NOT DONE"}


def test_qualifiers_hang_on_the_form(data):
    supp = subject(data["SUPPQS"], 4)
    late = supp[supp["QNAM"] == "QSOUTWIN"]
    assert len(late) == 3
    assert set(late["QVAL"]) == {"Y"}
    assert set(late["IDVARVAL"]) <= set(subject(data["QS"], 4)["QSGRPID"])
    assert set(supp[supp["QNAM"] == "QSLANG"]["QVAL"]) == {"sv"}


def test_adverse_events_have_term_and_grade(data):
    wanted = ["AETERM", "AETOXGR", "AESTDY", "AESEQ", "AEENDTC"]
    assert data["AE"][wanted].to_numpy().tolist() == [
        ["GALLLAECKAGE, BLOEDNING", "3", 8, 1, None],
        ["NAUSEA", "2", 31, 2, None],
    ]


def test_the_clavien_dindo_grade_hangs_on_its_event(data):
    [row] = data["SUPPAE"].to_dict("records")
    [event] = data["AE"][data["AE"]["AESEQ"] == int(row["IDVARVAL"])].to_dict("records")
    assert (row["RDOMAIN"], row["IDVAR"], row["QNAM"]) == ("AE", "AESEQ", "AECLAVDI")
    assert (row["QVAL"], row["USUBJID"]) == ("IIIa", event["USUBJID"])
    assert event["AETERM"].startswith("GALLL")


@pytest.mark.parametrize(
    ("term", "written"),
    [
        ("Illamående", "ILLAMAAENDE"),
        ("Hjärtsvikt", "HJAERTSVIKT"),
        ("Öroninflammation", "OERONINFLAMMATION"),
        ("née Guillain-Barré", "NEE GUILLAIN-BARRE"),
        ("Nausea", "NAUSEA"),
    ],
)
def test_terms_are_written_in_ascii_as_passports_write_names(term, written):
    assert in_ascii(term) == written


def test_an_end_that_is_known_is_written(whole_study):
    details = json.dumps({"term": "Nausea", "grade": "1", "until": "2026-04-05"})
    event = {"participant": "X", "kind": "adverse_event", "happened_on": date(2026, 4, 1)}
    trial = Trial(whole_study.study, {"X": date(2026, 3, 2)})
    [found] = adverse_events(trial, pd.DataFrame([{**event, "details": details}]))
    [row] = found.frame.to_dict("records")
    assert (row["AEENDTC"], row["AEENDY"]) == ("2026-04-05", 35)
    assert adverse_events(trial, pd.DataFrame(columns=["kind"])) == []


def test_subjects_of_the_analysis_are_those_randomised(data):
    adsl = data["ADSL"].set_index("SUBJID")
    assert adsl["ITTFL"].value_counts().to_dict() == {"Y": 7, "N": 1}
    assert adsl.loc["UME-006", "DTHDT"] == date(2026, 7, 1)
    assert adsl.loc["UME-006", "LSTALVDT"] == date(2026, 6, 1)
    assert pd.isna(adsl.loc["UME-000", "TRT01P"])


def test_scores_baseline_and_change_are_those_of_the_score_table(data, whole_study):
    scores = whole_study.frames["scores"]
    mine = scores[(scores["participant"] == "UME-001") & (scores["scale"] == "PF")]
    value = mine.set_index("timepoint")["value"]
    adqs = subject(data["ADQS"], 1)
    found = adqs[adqs["PARAMCD"] == "QS028PF2"].set_index("AVISIT")
    assert found["AVAL"].to_dict() == value.to_dict()
    assert set(found["BASE"]) == {value["T0"]}
    assert found.loc["M3", "CHG"] == value["M3"] - value["T0"]
    assert found["ABLFL"].to_dict() == {"T0": "Y", "W6": None, "M3": None}
    assert found.loc["T0", "CHG"] is None
    assert set(found["ANL01FL"]) == {"Y"}


def test_late_scores_are_kept_and_not_analysed(data):
    adqs = subject(data["ADQS"], 4)
    late = adqs[adqs["AVISIT"] == "M3"]
    assert len(late) > 20
    assert set(late["LATEFL"]) == {"Y"}
    assert set(late["ANL01FL"]) == {None}


def test_times_to_events_agree_with_the_dates(data):
    adtte = data["ADTTE"].set_index(["USUBJID", "PARAMCD"])
    death = adtte.loc[("BRECLIM-2-UME-006", "OS")]
    # 2 March to 1 July 2026: 29 + 30 + 31 + 30 + 1 days.
    assert (death["AVAL"], death["CNSR"], death["EVNTDESC"]) == (121, 0, "DEAD")
    alive = adtte.loc[("BRECLIM-2-UME-001", "OS")]
    assert (alive["CNSR"], alive["AVAL"]) == (1, 91)
    progressed = adtte.loc[("BRECLIM-2-UME-002", "PFS")]
    assert (progressed["AVAL"], progressed["CNSR"]) == (110, 0)
    assert {"TDFQL", "TDCQL", "TDLQL", "TD1QL", "TD2QL", "TD3QL"} <= set(data["ADTTE"]["PARAMCD"])


@pytest.mark.parametrize("folder", ["sdtm", "adam"])
def test_define_xml_is_valid_by_its_schema(written, folder):
    assert schema_errors("define", "2.1", written / folder / "define.xml") == []


@pytest.mark.parametrize("folder", ["sdtm", "adam"])
def test_transport_files_hold_what_dataset_json_holds(written, folder, packages):
    for one in packages[folder].datasets:
        frame, about = pyreadstat.read_xport(written / folder / f"{one.name.lower()}.xpt")
        content = json.loads((written / folder / f"{one.name.lower()}.json").read_text())
        assert list(frame.columns) == [column["name"] for column in content["columns"]]
        assert about.column_labels == [column["label"] for column in content["columns"]]
        assert len(frame) == content["records"] == len(content["rows"])
        assert _plain(frame) == [[_gap(cell) for cell in row] for row in content["rows"]]


def _plain(frame):
    return [[_gap(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]


def _gap(cell):
    if isinstance(cell, date):
        return cell.isoformat()
    if cell == "" or pd.isna(cell):
        return None
    return pytest.approx(cell, rel=1e-14) if isinstance(cell, float) else cell


def test_dataset_json_refers_to_variables_that_define_xml_describes(written):
    for folder in ("sdtm", "adam"):
        define = (written / folder / "define.xml").read_text()
        for path in sorted((written / folder).glob("*.json")):
            content = json.loads(path.read_text())
            assert content["datasetJSONVersion"] == "1.1.0"
            assert f'OID="{content["itemGroupOID"]}"' in define
            for column in content["columns"]:
                assert f'OID="{column["itemOID"]}"' in define
                assert column["dataType"] in {"string", "integer", "double", "date"}


def test_dataset_json_never_holds_what_json_has_no_word_for(written):
    for path in written.rglob("*.json"):
        text = path.read_text()
        assert "NaN" not in text
        assert "Infinity" not in text


def test_study_days_have_no_zero(whole_study):
    trial = Trial(whole_study.study, {"X": date(2026, 3, 2)})
    days = {on: trial.day("X", date(2026, 3, on)) for on in (1, 2, 3)}
    assert days == {1: -1, 2: 1, 3: 2}
    assert trial.day("unknown", date(2026, 3, 2)) is None


def test_visit_numbers_tell_repeated_visits_apart(whole_study):
    trial = Trial(whole_study.study, {})
    assert trial.visit_number("T0", 1) == 1
    assert trial.visit_number("PD", 2) == trial.visit_number("PD", 1) + 0.01
    assert trial.visit_name("PD", 2) == "PD 2"
    assert trial.planned_day("PD") is None


INSTRUMENTS = load_instruments(ROOT / "questionnaires" / "instruments")


def test_no_two_instruments_share_a_question_code():
    codes = [code for one in INSTRUMENTS.values() for code in question_codes(one).values()]
    shared = {code for code in codes if codes.count(code) > 1}
    # The modules BR23, BR42 and BR45 and the FACT family ask the same questions.
    families = {question for question in shared if not question.startswith(("BR", "FAC"))}
    assert families == set()


@pytest.mark.parametrize("code", INSTRUMENTS)
def test_every_instrument_has_question_codes_and_labels_that_fit(code):
    instrument = INSTRUMENTS[code]
    codes = question_codes(instrument)
    assert len(set(codes.values())) == len(instrument.items)
    assert all(NAME.fullmatch(one) for one in codes.values())
    labels = [question_label(instrument, item) for item in codes]
    assert len(set(labels)) == len(labels)
    assert all(one.isascii() and len(one) <= 40 for one in [*labels, whole_label(instrument)])


def test_every_score_of_every_instrument_has_a_parameter_of_its_own(whole_study):
    everything = {(one.code, one.sha256): one for one in INSTRUMENTS.values()}
    parameters = score_parameters(replace(whole_study.study, instruments=everything))
    codes = [one.code for one in parameters.values()]
    assert len(set(codes)) == len(codes)
    assert all(NAME.fullmatch(code) for code in codes)
    assert parameters["qlq-c30", "QL"].code == "QS028QL2"
    assert event_parameter("TTD", "LMCPN", "tudd1") == "TD1LMCPN"


def test_the_rules_can_fail(packages):
    what = packages["sdtm"]
    datasets = {one.name: one for one in what.datasets}
    qs = datasets["QS"]
    spoilt = qs.frame.copy()
    spoilt.loc[0, "QSSTAT"], spoilt.loc[0, "QSREASND"] = "NOT DONE", None
    spoilt.loc[0, "QSORRES"] = "1"
    spoilt.loc[1, "QSDTC"], spoilt.loc[2, "QSDY"] = "27/02/2026", 0
    spoilt.loc[3, "USUBJID"], spoilt.loc[4, "QSTESTCD"] = "BRECLIM-2-NOBODY", "NOSUCH"
    spoilt.loc[5, "QSCAT"] = None
    wrong = {**datasets, "QS": type(qs)(qs.spec, spoilt)}
    subjects = frozenset(datasets["DM"].frame["USUBJID"])
    found = findings(Package(wrong, what.codelists, subjects))
    broken = {one.rule for one in found}
    assert {"QOL003", "QOL006", "QOL007", "QOL008", "QOL009", "QOL010"} <= broken
    outcomes = report(found).set_index("rule")["outcome"]
    assert outcomes["QOL010"] == "fail"
    assert outcomes["QOL001"] == "pass"


def test_headers_carry_the_time_of_the_data(written, whole_study):
    _, about = pyreadstat.read_xport(written / "sdtm" / "dm.xpt")
    until = whole_study.study.data_until.replace(tzinfo=None, microsecond=0)
    assert isinstance(about.creation_time, datetime)
    assert about.creation_time == until
