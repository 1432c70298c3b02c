"""The protocol language as a JSON Schema, so that editors complete and check while typing.

``python -m qol_app.definition.protocol_schema`` writes it beside the protocols; a test says
when that is due. It knows shapes and types; contradictions between parts only ``flask check``
finds.
"""

import json
from pathlib import Path

from qol_app.definition.protocol_parts import Protocol

SCHEMA = Path(__file__).parents[2] / "questionnaires" / "protocols" / "protocol.schema.json"


def protocol_schema() -> str:
    """Return the JSON Schema (draft 2020-12) of a protocol file, as text."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Protocol",
        **Protocol.model_json_schema(),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(protocol_schema(), encoding="utf-8")
