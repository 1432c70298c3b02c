"""The standards' own XML schemas, each made once: that takes longer than to look at a file."""

from functools import cache
from importlib import import_module
from typing import Any


@cache
def schema_of(standard: str, version: str) -> Any:
    """Return the schema of one version of ODM or of define.xml."""
    # Takes long to import, and every process of the tests reads the files that use it.
    parser = import_module("odmlib.odm_parser")
    return parser.ODMSchemaValidator(standard=standard, version=version).xsd


def schema_errors(standard: str, version: str, path: Any) -> list[Any]:
    """Return what in this file the schema does not accept."""
    return list(schema_of(standard, version).iter_errors(str(path)))
