"""The FHIR bundle: accepted by FHIR's models, whole, and every reference leads somewhere."""

import json

import pandas as pd
import pytest
from fhir.resources.R4B.bundle import Bundle

from qol_app.export.fhir_questionnaire_checks import questionnaire_problems
from qol_app.export.fhir_study import FhirWriter


@pytest.fixture(scope="module")
def bundle(whole_study, tmp_path_factory):
    folder = whole_study.write(FhirWriter, tmp_path_factory.mktemp("fhir"))
    return json.loads((folder / "fhir" / "bundle.json").read_text())


def of_kind(bundle, kind):
    resources = [entry["resource"] for entry in bundle["entry"]]
    return [one for one in resources if one["resourceType"] == kind]


def references(value):
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict):
        if "reference" in value:
            yield value["reference"]
        for one in value.values():
            yield from references(one)


def test_fhirs_own_models_accept_every_resource(bundle):
    Bundle.model_validate_json(json.dumps(bundle))


def test_every_reference_leads_to_a_resource_and_no_address_is_used_twice(bundle):
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(addresses) == len(set(addresses))
    wanted = {one for one in references(bundle) if not one.startswith("#")}
    assert wanted <= set(addresses)
    forms = {f"{one['url']}|{one['version']}" for one in of_kind(bundle, "Questionnaire")}
    assert {one["questionnaire"] for one in of_kind(bundle, "QuestionnaireResponse")} <= forms


def test_questionnaires_are_sound_and_hold_codes_in_the_place_of_texts(bundle):
    for one in of_kind(bundle, "Questionnaire"):
        assert questionnaire_problems(one) == []
        questions = [item for page in one["item"] for item in page.get("item", ())]
        assert all(item["text"] == item["linkId"] for item in questions)


def test_everybody_takes_part_and_the_dead_are_off_study(bundle, whole_study):
    subjects = {one["identifier"][0]["value"]: one for one in of_kind(bundle, "ResearchSubject")}
    assert set(subjects) == set(whole_study.frames["participants"]["participant"])
    assert subjects["UME-000"]["status"] == "screening"
    assert subjects["UME-001"] | {"status": "on-study", "assignedArm": "B"} == subjects["UME-001"]
    assert subjects["UME-006"]["status"] == "off-study"
    assert subjects["UME-006"]["period"]["end"] == "2026-07-01"


def answers_of(response):
    return [item for page in response["item"] for item in page["item"]]


@pytest.mark.requirement("E4")
def test_answers_and_the_three_kinds_of_no_answer_are_all_there(bundle, whole_study):
    items = whole_study.frames["items"]
    rows = [row for one in of_kind(bundle, "QuestionnaireResponse") for row in answers_of(one)]
    assert len(rows) == len(items)
    kinds = pd.Series([one["extension"][0]["valueCode"] for one in rows if "extension" in one])
    wanted = {"SKIPPED": "asked-declined", "NOT_APPLICABLE": "not-applicable"}
    wanted |= {"NOT_REACHED": "not-asked"}
    counts = items["status"].map(wanted).dropna().value_counts()
    assert kinds.value_counts().to_dict() == counts.to_dict()
    assert set(kinds) == set(wanted.values())


def test_scores_are_observations_with_their_code_or_the_reason_for_none(bundle, whole_study):
    scores = whole_study.frames["scores"]
    found = of_kind(bundle, "Observation")
    assert len(found) == len(scores)
    numbers = sorted(one["valueQuantity"]["value"] for one in found if "valueQuantity" in one)
    assert numbers == sorted(scores.loc[scores["value_text"].isna(), "value"].dropna())
    without = [one for one in found if "dataAbsentReason" in one]
    assert len(without) == (scores["value"].isna() & scores["value_text"].isna()).sum()
    codes = {one["code"]["coding"][0]["code"] for one in found}
    assert {"C181142", "C181143"} <= codes
