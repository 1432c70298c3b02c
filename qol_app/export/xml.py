"""Writing XML with namespaces in few words, the same bytes each time."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from pathlib import Path

ODM = "http://www.cdisc.org/ns/odm/v1.3"
DEF = "http://www.cdisc.org/ns/def/v2.1"
XLINK = "http://www.w3.org/1999/xlink"
_XML = "http://www.w3.org/XML/1998/namespace"
_PREFIXES = {"": ODM, "def": DEF, "xlink": XLINK, "xml": _XML}

for _prefix, _uri in {"def": DEF, "xlink": XLINK, "": ODM}.items():
    ET.register_namespace(_prefix, _uri)


def element(
    tag: str, attributes: Mapping[str, object] | None = None, *children: ET.Element | None
) -> ET.Element:
    """Return an element; ``def:leaf`` and plain names are told apart by their prefix.

    Attributes and children that are None are left out.
    """
    made = ET.Element(_qualified(tag))
    for name, value in (attributes or {}).items():
        if value is not None:
            made.set(_qualified(name) if ":" in name else name, str(value))
    made.extend(child for child in children if child is not None)
    return made


def with_text(tag: str, text: str, attributes: Mapping[str, object] | None = None) -> ET.Element:
    """Return an element that holds a text."""
    made = element(tag, attributes)
    made.text = text
    return made


def translated(tag: str, texts: Iterable[tuple[str, str]]) -> ET.Element:
    """Return an element with a text for each language, given as (language, text)."""
    return element(
        tag,
        None,
        *(with_text("TranslatedText", text, {"xml:lang": language}) for language, text in texts),
    )


def write_xml(path: Path, root: ET.Element) -> None:
    """Write a document, indented."""
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _qualified(name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{_PREFIXES[prefix]}}}{local}"
