"""ODM-XML: valid by the standard's schema, every reference leads somewhere, no answer is lost."""

import xml.etree.ElementTree as ET

import pytest

from qol_app.export.odm import OdmWriter
from qol_app.export.xml import ODM
from tests.services.schemas import schema_errors


@pytest.fixture(scope="module")
def path(whole_study, tmp_path_factory):
    return whole_study.write(OdmWriter, tmp_path_factory.mktemp("odm")) / "odm" / "study.xml"


@pytest.fixture(scope="module")
def tree(path):
    return ET.parse(path).getroot()


def everywhere(tree, tag):
    return list(tree.iter(f"{{{ODM}}}{tag}"))


def test_the_file_is_valid_by_the_schema_of_odm_1_3_2(path):
    assert schema_errors("odm", "1.3.2", path) == []


def test_the_schema_would_find_a_fault(path, tmp_path):
    text = path.read_text().replace('Repeating="No"', 'Repeating="Perhaps"', 1)
    (tmp_path / "wrong.xml").write_text(text)
    assert schema_errors("odm", "1.3.2", tmp_path / "wrong.xml")


@pytest.mark.parametrize(
    ("reference", "definition"),
    [
        ("StudyEvent", "StudyEventDef"),
        ("Form", "FormDef"),
        ("ItemGroup", "ItemGroupDef"),
        ("Item", "ItemDef"),
        ("CodeList", "CodeList"),
        ("Location", "Location"),
    ],
)
def test_every_reference_leads_to_one_definition(tree, reference, definition):
    defined = [one.get("OID") for one in everywhere(tree, definition)]
    used = {one.get(f"{reference}OID") for one in tree.iter()} - {None}
    assert used
    assert used <= set(defined)
    assert len(defined) == len(set(defined))


@pytest.mark.requirement("E4")
def test_every_answer_and_every_kind_of_no_answer_is_there(tree, whole_study):
    items = whole_study.frames["items"]
    given = [one for one in everywhere(tree, "ItemData") if one.get("ItemOID").startswith("IT.FO.")]
    statuses = [one.get("Value") for one in given if one.get("ItemOID").endswith(".STATUS")]
    assert sorted(statuses) == sorted(items["status"])
    assert set(statuses) == {"ANSWERED", "SKIPPED", "NOT_APPLICABLE", "NOT_REACHED"}
    values = [float(one.get("Value")) for one in given if one.get("Value", "").isdigit()]
    assert sorted(values) == sorted(items["value"].dropna())
    missing = [one for one in given if one.get("IsNull") == "Yes"]
    assert len(missing) == items["value"].isna().sum()


def test_items_carry_their_code_of_the_nci_thesaurus(tree):
    aliases = {one.get("Name") for one in everywhere(tree, "Alias")}
    assert {"C161674", "C161703"} <= aliases
