"""The metadata of an ODM-XML file: events, forms, items and code lists of the protocol.

Source
------
CDISC Operational Data Model 1.3.2.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from qol_app.definition.instrument import Instrument, Item
from qol_app.definition.protocol import Protocol, Timepoint
from qol_app.export.columns import ITEM_STATUSES
from qol_app.export.study import Study
from qol_app.export.xml import element, translated, with_text

VISIT_ITEMS = {
    "IT.STATE": ("text", "State of the assessment"),
    "IT.SUBMITTED": ("datetime", "Submitted at"),
    "IT.OUT_OF_WINDOW": ("boolean", "Answered outside its window"),
    "IT.AFTER_ALLOCATION": ("boolean", "Answered after allocation was known"),
    "IT.REASON": ("text", "Confirmed reason for missing"),
}


def metadata(study: Study) -> ET.Element:
    """Return the Study element: events, forms, items and code lists of the protocol."""
    protocol = study.protocol
    instruments = sorted(study.instruments.values(), key=lambda one: (one.code, one.version))
    return element(
        "Study",
        {"OID": study_oid(study)},
        element(
            "GlobalVariables",
            None,
            with_text("StudyName", protocol.title),
            with_text("StudyDescription", f"{protocol.title}, protocol version {protocol.version}"),
            with_text("ProtocolName", protocol.code),
        ),
        element(
            "MetaDataVersion",
            {
                "OID": version_oid(study),
                "Name": f"{protocol.code} {protocol.version}",
                "Description": f"SHA-256 {protocol.sha256}",
            },
            _protocol(protocol),
            *(_event(study, protocol, one) for one in protocol.timepoints),
            _visit_form_def(),
            *(_form(one) for one in instruments),
            element(
                "ItemGroupDef",
                {"OID": "IG.VISIT", "Name": "Assessment", "Repeating": "No"},
                *(_item_ref(oid) for oid in VISIT_ITEMS),
            ),
            *(_group(one) for one in instruments),
            *(_visit_item(oid, kind, name) for oid, (kind, name) in VISIT_ITEMS.items()),
            *(item for one in instruments for item in _items(one)),
            _status_list(),
            *(
                _scale_list(one, item)
                for one in instruments
                for item in one.items
                if item.kind == "choice"
            ),
        ),
    )


def locations(study: Study) -> ET.Element:
    """Return the AdminData element: the sites that subjects refer to."""
    version = {
        "StudyOID": study_oid(study),
        "MetaDataVersionOID": version_oid(study),
        "EffectiveDate": study.data_until.date().isoformat(),
    }
    sites = (
        element(
            "Location",
            {"OID": f"LOC.{site.code}", "Name": site.name, "LocationType": "Site"},
            element("MetaDataVersionRef", version),
        )
        for site in study.protocol.sites
    )
    return element("AdminData", {"StudyOID": study_oid(study)}, *sites)


def _protocol(protocol: Protocol) -> ET.Element:
    refs = (
        element(
            "StudyEventRef",
            {"StudyEventOID": event_oid(one.code), "OrderNumber": place, "Mandatory": "No"},
        )
        for place, one in enumerate(protocol.timepoints, start=1)
    )
    return element("Protocol", None, *refs)


def _event(study: Study, protocol: Protocol, point: Timepoint) -> ET.Element:
    wanted = protocol.package(point.package).instruments
    forms = [one for one in study.instruments.values() if one.code in wanted]
    refs = (element("FormRef", {"FormOID": form_oid(one), "Mandatory": "No"}) for one in forms)
    return element(
        "StudyEventDef",
        {
            "OID": event_oid(point.code),
            "Name": point.code,
            "Repeating": "Yes" if point.each or point.repeat else "No",
            "Type": "Unscheduled" if point.each else "Scheduled",
        },
        translated("Description", sorted(point.title.items())),
        element("FormRef", {"FormOID": "FO.VISIT", "Mandatory": "Yes"}),
        *refs,
    )


def _visit_form_def() -> ET.Element:
    group = element("ItemGroupRef", {"ItemGroupOID": "IG.VISIT", "Mandatory": "Yes"})
    return element("FormDef", {"OID": "FO.VISIT", "Name": "Assessment", "Repeating": "No"}, group)


def _form(instrument: Instrument) -> ET.Element:
    oid = form_oid(instrument)
    return element(
        "FormDef",
        {"OID": oid, "Name": f"{instrument.title} {instrument.version}", "Repeating": "No"},
        element("ItemGroupRef", {"ItemGroupOID": f"IG.{oid}", "Mandatory": "Yes"}),
    )


def _group(instrument: Instrument) -> ET.Element:
    oid = form_oid(instrument)
    refs = (
        ref
        for item in instrument.items
        for ref in (_item_ref(f"IT.{oid}.{item.code}"), _item_ref(f"IT.{oid}.{item.code}.STATUS"))
    )
    return element(
        "ItemGroupDef", {"OID": f"IG.{oid}", "Name": instrument.title, "Repeating": "No"}, *refs
    )


def _item_ref(oid: str) -> ET.Element:
    return element("ItemRef", {"ItemOID": oid, "Mandatory": "No"})


def _visit_item(oid: str, kind: str, name: str) -> ET.Element:
    length = 40 if kind == "text" else None
    return element("ItemDef", {"OID": oid, "Name": name, "DataType": kind, "Length": length})


def _items(instrument: Instrument) -> Iterator[ET.Element]:
    form = form_oid(instrument)
    for item in instrument.items:
        oid = f"IT.{form}.{item.code}"
        name = f"{instrument.title} {item.code}"
        lists = element("CodeListRef", {"CodeListOID": f"CL.{form}.{item.code}"})
        yield element(
            "ItemDef",
            {"OID": oid, "Name": name, "DataType": "integer", "Length": len(str(item.last))},
            lists if item.kind == "choice" else None,
            _alias(item),
        )
        yield element(
            "ItemDef",
            {"OID": f"{oid}.STATUS", "Name": f"{name} status", "DataType": "text", "Length": 14},
            element("CodeListRef", {"CodeListOID": "CL.STATUS"}),
        )


def _alias(item: Item) -> ET.Element | None:
    if item.codes.ncit is None:
        return None
    return element("Alias", {"Context": "nci:ExtCodeID", "Name": item.codes.ncit})


def _status_list() -> ET.Element:
    codes = (element("EnumeratedItem", {"CodedValue": code}) for code in ITEM_STATUSES)
    return element(
        "CodeList", {"OID": "CL.STATUS", "Name": "Status of an item", "DataType": "text"}, *codes
    )


def _scale_list(instrument: Instrument, item: Item) -> ET.Element:
    # The labels of the codes are the owner's wording; the codes are not.
    codes = (element("EnumeratedItem", {"CodedValue": code}) for code in item.allowed)
    form = form_oid(instrument)
    return element(
        "CodeList",
        {"OID": f"CL.{form}.{item.code}", "Name": f"Codes of {item.code}", "DataType": "integer"},
        *codes,
    )


def study_oid(study: Study) -> str:
    """Return the identifier of the study."""
    return f"ST.{study.protocol.code}"


def version_oid(study: Study) -> str:
    """Return the identifier of the protocol version in force."""
    return f"MDV.{study.protocol.code}.{study.protocol.sha256[:12]}"


def event_oid(timepoint: str) -> str:
    """Return the identifier of a timepoint."""
    return f"SE.{timepoint}"


def form_oid(instrument: Instrument) -> str:
    """Return the identifier of one version of an instrument."""
    return f"FO.{instrument.code}.{instrument.sha256[:12]}"
