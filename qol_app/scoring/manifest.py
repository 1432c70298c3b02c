"""What must be kept with a file of scores so that anyone can make it again and trust it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from qol_app import __version__
from qol_app.definition.instrument import Instrument
from qol_app.definition.parts import Flag
from qol_app.scoring.score_file import Options, Summary

PIECE = 1 << 20


def manifest_text(
    instrument: Instrument,
    source: Path,
    target: Path,
    summary: Summary,
    options: Options,
    made_at: datetime,
) -> str:
    """Return the manifest of a file of scores as JSON.

    It names both files with their SHA-256, the definition's and the program's version, every
    score column with its source and how far that was checked, and what was counted.
    """
    assert summary.columns is not None
    content = {
        "instrument": instrument.code,
        "title": instrument.title,
        "version": instrument.version,
        "definition_sha256": instrument.sha256,
        "program_version": __version__,
        "made_at": made_at.isoformat(timespec="seconds"),
        "responses": {"file": source.name, "sha256": file_sha256(source)},
        "scores": {"file": target.name, "sha256": file_sha256(target)},
        "n_forms": summary.n_forms,
        "id_columns": list(summary.columns.ids),
        "out_of_range": "missing" if options.out_of_range_missing else "refuse",
        "out_of_range_taken_as_missing": dict(sorted(summary.out_of_range.items())),
        "columns": [
            {**column, "n_scored": summary.scored[str(column["name"])]}
            for column in score_descriptions(instrument, summary.columns.scores)
        ],
        "notes": list(flagged(instrument, options.value_sets)),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def score_descriptions(
    instrument: Instrument, columns: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Yield for each score column its title, direction, bounds, rule, source and flag."""
    sets = {f"INDEX_{one.code}": one for one in instrument.value_sets}
    scales = {scale.code: scale for scale in instrument.scales}
    index = next((scale for scale in instrument.scales if scale.rule == "index"), None)
    for column in columns:
        scale = scales.get(column) or index
        assert scale is not None
        value_set = sets.get(column)
        yield {
            "name": column,
            "title": value_set.title if value_set else scale.title.get("en", scale.code),
            "rule": scale.rule,
            "direction": str(scale.direction),
            "low": scale.low,
            "high": scale.high,
            "source": value_set.source if value_set else scale.source,
            "flag": str(value_set.flag if value_set else scale.flag),
        }


def flagged(instrument: Instrument, value_sets: Sequence[str] | None = None) -> Iterator[str]:
    """Yield sentences on all that was not followed to its source, and on what we chose."""
    for flag in Flag:
        if flag is Flag.VERIFIED:
            continue
        parts = [scale.code for scale in instrument.scales if scale.flag is flag]
        parts += [
            f"value set {one.code}"
            for one in instrument.value_sets
            if one.flag is flag and (value_sets is None or one.code in value_sets)
        ]
        sources = [one for one in instrument.sources if one.flag is flag]
        # What was decided here has no source to be followed to: we are the source.
        ours = flag is Flag.OWN_CHOICE
        parts += [
            f"{one.what} ({one.citation})" if ours else f"source of the {one.what}"
            for one in sources
        ]
        if parts:
            how = "" if ours else ", not followed to its source"
            yield f"{instrument.title}: {flag}{how}: {', '.join(parts)}"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
