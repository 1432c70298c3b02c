"""Define-XML 2.1: what each data set and variable is, where it comes from, what it may hold.

Source
------
CDISC Define-XML Specification 2.1; checked against its schema in the tests.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from qol_app.export.cdisc.codelists import CT_VERSION
from qol_app.export.cdisc.model import CodeList, Dataset, Term, Variable
from qol_app.export.cdisc.trial import Trial
from qol_app.export.xml import element, translated, with_text, write_xml

ORIGIN_SOURCE = {
    "Collected": "Subject",
    "Derived": "Sponsor",
    "Assigned": "Sponsor",
    "Protocol": "Sponsor",
    "Predecessor": None,
    "Not Available": None,
}
DATA_TYPE = {"text": "text", "integer": "integer", "float": "float", "date": "integer"}
INVESTIGATOR = ("DM", "DS", "AE")


@dataclass(frozen=True)
class Standard:
    """The implementation guide a folder of data sets follows."""

    name: str
    version: str


SDTM = Standard("SDTMIG", "3.4")
ADAM = Standard("ADaMIG", "1.3")


@dataclass(frozen=True)
class Described:
    """Everything one define.xml speaks of."""

    trial: Trial
    standard: Standard
    datasets: tuple[Dataset, ...]
    codelists: Mapping[str, CodeList]
    methods: Mapping[str, str]


def write_define(path: Path, what: Described) -> None:
    """Write define.xml."""
    write_xml(path, define(what))


def define(what: Described) -> ET.Element:
    """Return the document of one folder of data sets."""
    study = what.trial.study
    name = f"{what.trial.id}.{what.standard.name}"
    return element(
        "ODM",
        {
            "FileType": "Snapshot",
            "FileOID": f"{name}.{study.data_until:%Y%m%dT%H%M%S}",
            "CreationDateTime": study.data_until.isoformat(),
            "AsOfDateTime": study.data_until.isoformat(),
            "ODMVersion": "1.3.2",
            "Originator": "qol-app",
            "SourceSystem": "qol-app",
            "SourceSystemVersion": study.program_version,
            "def:Context": "Other",
        },
        element(
            "Study",
            {"OID": f"STDY.{what.trial.id}"},
            element(
                "GlobalVariables",
                None,
                with_text("StudyName", what.trial.id),
                with_text("StudyDescription", what.trial.protocol.title),
                with_text("ProtocolName", what.trial.id),
            ),
            _metadata(what, name),
        ),
    )


def _metadata(what: Described, name: str) -> ET.Element:
    used = {one.codes for data in what.datasets for one in data.spec.variables if one.codes}
    methods = {one.method for data in what.datasets for one in data.spec.variables if one.method}
    return element(
        "MetaDataVersion",
        {
            "OID": f"MDV.{name}",
            "Name": f"{what.trial.id} {what.standard.name}",
            "Description": f"Data definitions of {what.trial.id}",
            "def:DefineVersion": "2.1.0",
        },
        _standards(what.standard),
        *(_group(what, data) for data in what.datasets),
        *(_item(data, one) for data in what.datasets for one in data.spec.variables),
        *(_codelist(what.codelists[one]) for one in sorted(used) if what.codelists[one].terms),
        *(_method(one, what.methods[one]) for one in sorted(methods)),
    )


def _standards(standard: Standard) -> ET.Element:
    package = "SDTM" if standard is SDTM else "ADaM"
    return element(
        "def:Standards",
        None,
        element(
            "def:Standard",
            {
                "OID": "STD.1",
                "Name": standard.name,
                "Type": "IG",
                "Version": standard.version,
                "Status": "Final",
            },
        ),
        element(
            "def:Standard",
            {
                "OID": "STD.2",
                "Name": "CDISC/NCI",
                "Type": "CT",
                "PublishingSet": package,
                "Version": CT_VERSION,
                "Status": "Final",
            },
        ),
    )


def _group(what: Described, data: Dataset) -> ET.Element:
    spec = data.spec
    file = f"{spec.name.lower()}.xpt"
    return element(
        "ItemGroupDef",
        {
            "OID": f"IG.{spec.name}",
            "Name": spec.name,
            "Domain": spec.name if what.standard is SDTM and "DOMAIN" in data.frame else None,
            "SASDatasetName": spec.name,
            "Repeating": "No" if spec.keys == ("STUDYID", "USUBJID") else "Yes",
            "IsReferenceData": "No",
            "Purpose": "Tabulation" if what.standard is SDTM else "Analysis",
            "def:Structure": spec.structure,
            "def:ArchiveLocationID": f"LF.{spec.name}",
            "def:StandardOID": "STD.1",
            "def:HasNoData": None if len(data.frame) else "Yes",
        },
        translated("Description", [("en", spec.label)]),
        *(_reference(data, place, one) for place, one in enumerate(spec.variables, start=1)),
        element("def:Class", {"Name": spec.kind}),
        element(
            "def:leaf",
            {"ID": f"LF.{spec.name}", "xlink:href": file},
            with_text("def:title", file),
        ),
    )


def _reference(data: Dataset, place: int, one: Variable) -> ET.Element:
    keys = data.spec.keys
    return element(
        "ItemRef",
        {
            "ItemOID": _oid(data, one),
            "OrderNumber": place,
            "Mandatory": "Yes" if one.core == "Req" and one.origin != "Not Available" else "No",
            "KeySequence": keys.index(one.name) + 1 if one.name in keys else None,
            "MethodOID": f"MT.{one.method}" if one.method else None,
        },
    )


def _oid(data: Dataset, one: Variable) -> str:
    return f"IT.{data.name}.{one.name}"


def _item(data: Dataset, one: Variable) -> ET.Element:
    values = data.frame[one.name].dropna()
    return element(
        "ItemDef",
        {
            "OID": _oid(data, one),
            "Name": one.name,
            "SASFieldName": one.name,
            "DataType": _data_type(one, values),
            "Length": _length(one, values),
            "SignificantDigits": _digits(values) if one.kind == "float" else None,
            "def:DisplayFormat": "E8601DA10." if one.kind == "date" else None,
        },
        translated("Description", [("en", one.label)]),
        element("CodeListRef", {"CodeListOID": f"CL.{one.codes}"}) if one.codes else None,
        _origin(data, one),
    )


def _data_type(one: Variable, values: pd.Series) -> str:
    if one.name.endswith("DTC"):
        return "datetime" if values.astype(str).str.contains("T").any() else "date"
    return DATA_TYPE[one.kind]


def _length(one: Variable, values: pd.Series) -> int | None:
    if one.name.endswith("DTC"):
        return None
    longest = max(
        (len(f"{value:g}" if one.kind == "float" else str(value)) for value in values), default=1
    )
    return max(1, longest) if one.kind != "date" else 8


def _digits(values: pd.Series) -> int:
    decimals = (f"{value:.10f}".rstrip("0").partition(".")[2] for value in values)
    return max((len(one) for one in decimals), default=0)


def _origin(data: Dataset, one: Variable) -> ET.Element:
    source = ORIGIN_SOURCE[one.origin]
    if one.origin == "Collected" and data.name in INVESTIGATOR:
        source = "Investigator"
    predecessor = None
    if one.origin == "Predecessor":
        domain = "DM" if data.name == "ADSL" else "ADSL"
        predecessor = translated("Description", [("en", f"{domain}.{one.name}")])
    return element("def:Origin", {"Type": one.origin, "Source": source}, predecessor)


def _codelist(found: CodeList) -> ET.Element:
    decoded = all(term.decode for term in found.terms)
    make = _decoded if decoded else _enumerated
    return element(
        "CodeList",
        {
            "OID": found.oid,
            "Name": found.name,
            "DataType": "text",
            "def:StandardOID": "STD.2" if found.ncit else None,
            "def:IsNonStandard": None if found.ncit else "Yes",
        },
        *(make(term) for term in found.terms),
        _alias(found.ncit),
    )


def _decoded(term: Term) -> ET.Element:
    decode = translated("Decode", [("en", term.decode)])
    return element("CodeListItem", {"CodedValue": term.value}, decode, _alias(term.ncit))


def _enumerated(term: Term) -> ET.Element:
    return element("EnumeratedItem", {"CodedValue": term.value}, _alias(term.ncit))


def _alias(ncit: str) -> ET.Element | None:
    return element("Alias", {"Name": ncit, "Context": "nci:ExtCodeID"}) if ncit else None


def _method(name: str, text: str) -> ET.Element:
    return element(
        "MethodDef",
        {"OID": f"MT.{name}", "Name": f"Algorithm of {name}", "Type": "Computation"},
        translated("Description", [("en", text)]),
    )


def item_oids(data: Dataset) -> Iterator[tuple[str, Variable]]:
    """Yield the OID of every variable with the variable; Dataset-JSON refers to them."""
    for one in data.spec.variables:
        yield _oid(data, one), one
