"""Dataset-JSON 1.1: one file per data set, gaps as null, never NaN.

Source
------
CDISC Dataset-JSON Specification 1.1.
"""

import json
import math
from datetime import date, datetime
from pathlib import Path
from typing import Any

from qol_app.export.cdisc.define import Standard, item_oids
from qol_app.export.cdisc.model import Dataset, Variable
from qol_app.export.cdisc.trial import Trial

VERSION = "1.1.0"
DATA_TYPE = {"text": "string", "integer": "integer", "float": "double", "date": "date"}


def write_dataset_json(path: Path, trial: Trial, standard: Standard, data: Dataset) -> None:
    """Write one data set."""
    content = dataset_json(trial, standard, data)
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def dataset_json(trial: Trial, standard: Standard, data: Dataset) -> dict[str, Any]:
    """Return one data set as Dataset-JSON holds it; attributes without a value are left out."""
    name = f"{trial.id}.{standard.name}"
    made_at = trial.study.data_until
    return {
        "datasetJSONCreationDateTime": _second(made_at),
        "datasetJSONVersion": VERSION,
        "fileOID": f"{name}.{data.name}",
        "dbLastModifiedDateTime": _second(made_at),
        "originator": "qol-app",
        "sourceSystem": {"name": "qol-app", "version": trial.study.program_version},
        "studyOID": f"STDY.{trial.id}",
        "metaDataVersionOID": f"MDV.{name}",
        "metaDataRef": "define.xml",
        "itemGroupOID": f"IG.{data.name}",
        "records": len(data.frame),
        "name": data.name,
        "label": data.spec.label,
        "columns": [_column(data, oid, one) for oid, one in item_oids(data)],
        "rows": [
            [_value(value, one) for value, one in zip(row, data.spec.variables, strict=True)]
            for row in data.frame.itertuples(index=False, name=None)
        ],
    }


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def _column(data: Dataset, oid: str, one: Variable) -> dict[str, Any]:
    keys = data.spec.keys
    column: dict[str, Any] = {
        "itemOID": oid,
        "name": one.name,
        "label": one.label,
        "dataType": DATA_TYPE[one.kind],
    }
    if one.kind == "date":
        column["targetDataType"] = "integer"
        column["displayFormat"] = "E8601DA10."
    if one.name in keys:
        column["keySequence"] = keys.index(one.name) + 1
    return column


def _value(value: Any, one: Variable) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "" if one.is_text else None
    if isinstance(value, date):
        return value.isoformat()
    return {"text": str, "integer": int, "float": float, "date": str}[one.kind](value)
