"""How each score of one form came about: item by item, with the rule and its source."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qol_app import __version__
from qol_app.assessment import is_asked
from qol_app.definition.instrument import Condition, Instrument
from qol_app.definition.parts import Flag
from qol_app.definition.scales import (
    ItemScale,
    MeanOfScales,
    ProratedSumScale,
    ScaleBase,
    TotalScale,
)
from qol_app.errors import DataFileError
from qol_app.scoring.answers import BadAnswer, without_out_of_range
from qol_app.scoring.score_file import Options, columns_of, pieces_of
from qol_app.scoring.scorer import score
from qol_app.scoring.tables import open_table

Answers = Mapping[str, int | None]
Scores = Mapping[str, float | str | None]


@dataclass(frozen=True)
class ItemUse:
    """One item of a scale: what was answered and what of it was used, or why nothing was."""

    item: str
    answered: int | None
    used: float | None
    why_not: str


@dataclass(frozen=True)
class Explanation:
    """One score: its value, the items behind it, the rule in words and numbers, the source."""

    column: str
    title: str
    value: float | str | None
    items: tuple[ItemUse, ...]
    rule: str
    how: str
    source: str
    flag: Flag
    note: str | None

    @property
    def n_answered(self) -> int:
        """Items that were used."""
        return sum(item.used is not None for item in self.items)


def explain(
    instrument: Instrument,
    answers: Answers,
    value_sets: Sequence[str] | None = None,
    language: str = "en",
) -> tuple[Explanation, ...]:
    """Return the explanation of every score of one form.

    ``answers`` maps items to codes; of a library, only the scales whose items all appear in
    it are explained. The values are those of ``score``, not computed anew.
    """
    frame = pd.DataFrame({code: [answers.get(code)] for code in answers}, dtype=object)
    row = score(instrument, frame, value_sets=value_sets).iloc[0]
    scores: dict[str, Any] = {
        str(name): None if pd.isna(value) else value for name, value in row.items()
    }
    sets = {f"INDEX_{one.code}": one for one in instrument.value_sets}
    found = []
    for scale in instrument.scales:
        for column in _columns(scale, scores):
            chosen = sets.get(column)
            found.append(
                Explanation(
                    column=column,
                    title=chosen.title if chosen else _title(scale, language),
                    value=scores[column],
                    items=_uses(instrument, scale, answers),
                    rule=scale.rule,
                    how=_how(instrument, scale, answers, scores, scores[column]),
                    source=chosen.source if chosen else scale.source,
                    flag=chosen.flag if chosen else scale.flag,
                    note=chosen.note if chosen else scale.note,
                )
            )
    return tuple(found)


def _columns(scale: ScaleBase, scores: Scores) -> list[str]:
    if scale.rule == "index":
        return [name for name in scores if name.startswith(f"{scale.code}_")]
    return [scale.code] if scale.code in scores else []


def _title(scale: ScaleBase, language: str) -> str:
    return scale.title.get(language) or next(iter(scale.title.values()))


def _uses(instrument: Instrument, scale: ScaleBase, answers: Answers) -> tuple[ItemUse, ...]:
    if not isinstance(scale, ItemScale):
        return ()
    return tuple(_use(instrument, scale, code, answers) for code in scale.items)


def _use(instrument: Instrument, scale: ItemScale, code: str, answers: Answers) -> ItemUse:
    item, answered = instrument.item(code), answers.get(code)
    if item.asked_if is not None and not is_asked(instrument, code, answers):
        return ItemUse(code, answered, None, _why_not_asked(item.asked_if, answered, answers))
    if answered is None or answered in instrument.missing_codes:
        return ItemUse(code, answered, None, "no answer")
    if item.recode is not None:
        return ItemUse(code, answered, instrument.recodes[item.recode][answered], "")
    if isinstance(scale, ProratedSumScale) and code in scale.reverse:
        return ItemUse(code, answered, float(item.first + item.last - answered), "")
    return ItemUse(code, answered, float(answered), "")


def _why_not_asked(condition: Condition, answered: int | None, answers: Answers) -> str:
    parent = answers.get(condition.item)
    kept = "" if answered is None else f"; the answer {answered} is kept and not used"
    if parent is None:
        return f"nobody knows whether it applies: {condition.item} is not answered{kept}"
    return f"not applicable: {condition.item} is {parent}, not over {condition.over}{kept}"


def _how(
    instrument: Instrument, scale: ScaleBase, answers: Answers, scores: Scores, value: object
) -> str:
    if isinstance(scale, MeanOfScales | TotalScale):
        return _how_of_scales(scale, scores)
    assert isinstance(scale, ItemScale)
    used = [use.used for use in _uses(instrument, scale, answers) if use.used is not None]
    enough = f"{len(used)} of {len(scale.items)} items used, {scale.needed} needed"
    if value is None:
        return f"{enough}: no score"
    return f"{enough}: {HOW[scale.rule](instrument, scale, used)}"


def _how_of_scales(scale: MeanOfScales | TotalScale, scores: Scores) -> str:
    lacking = [code for code in scale.scales if scores[code] is None]
    if lacking:
        return f"no score: {', '.join(lacking)} missing, and all are needed"
    if isinstance(scale, MeanOfScales):
        parts = [
            f"(100 - {code} {_short(scores[code])})"
            if code in scale.reversed
            else f"{code} {_short(scores[code])}"
            for code in scale.scales
        ]
        return f"mean of {' + '.join(parts)}"
    parts = [f"{code} {_short(scores[code])}" for code in scale.scales]
    share = f"more than {scale.more_than_share:.0%} of all their items must be answered"
    return f"{' + '.join(parts)}; {share}"


def _linear(instrument: Instrument, scale: Any, used: Sequence[float]) -> str:
    item = instrument.item(scale.items[0])
    raw, width = _short(sum(used) / len(used)), item.last - item.first
    stretched = f"({raw} - {item.first}) / {width} x 100"
    return f"mean {raw}; " + (f"100 - {stretched}" if scale.reverse else stretched)


def _sum(used: Sequence[float]) -> str:
    return " + ".join(_short(value) for value in used)


HOW: dict[str, Callable[[Instrument, Any, Sequence[float]], str]] = {
    "linear": _linear,
    "mean": lambda _, scale, used: f"mean of {', '.join(map(_short, used))}",
    "prorated_sum": lambda _, scale, used: f"({_sum(used)}) x {len(scale.items)} / {len(used)}",
    "sum": lambda _, scale, used: _sum(used),
    "table": lambda _, scale, used: f"table at raw sum {_short(sum(used))}",
    "copy": lambda _, scale, used: "as answered",
    "grade": lambda _, scale, used: f"table {scale.grades} at {'-'.join(map(_short, used))}",
    "index": lambda _, scale, used: f"value of {''.join(map(_short, used))}",
    "profile": lambda _, scale, used: "the answers side by side, 9 for a missing one",
}


def _short(value: object) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float | int) else str(value)


def explanation_lines(instrument: Instrument, explanations: Sequence[Explanation]) -> Iterator[str]:
    """Yield the explanations as lines of text."""
    yield (
        f"{instrument.title} {instrument.version}, definition {instrument.sha256}, "
        f"program {__version__}"
    )
    for one in explanations:
        yield ""
        value = "missing" if one.value is None else _short(one.value)
        yield f"{one.column} = {value}   {one.title}"
        for item in one.items:
            answer = "-" if item.answered is None else item.answered
            counts = item.why_not or f"counts {_short(item.used)}"
            yield f"    {item.item}: {answer}   {counts}"
        yield f"    rule {one.rule}: {one.how}"
        flag = "" if one.flag is Flag.VERIFIED else f" ({one.flag})"
        yield f"    source: {one.source}{flag}"
        if one.note:
            yield f"    note: {one.note}"


def explain_row(instrument: Instrument, source: Path, row: int, options: Options) -> Iterator[str]:
    """Yield the explanation of one form of a file, counted from 1.

    Raises
    ------
    DataFileError
        If the file has fewer rows, or the row holds what is no answer.
    """
    table = open_table(source)
    columns = columns_of(table, instrument, options)
    before = 0
    for piece, _ in pieces_of(table, instrument, columns):
        if row <= before + piece.num_rows:
            frame = piece.select(columns.items).slice(row - 1 - before, 1).to_pandas()
            yield from _row_lines(instrument, frame, f"{source.name}: row {row}", options)
            return
        before += piece.num_rows
    raise DataFileError(f"{source.name}: found {before} rows; wanted row {row}")


def _row_lines(
    instrument: Instrument, frame: pd.DataFrame, where: str, options: Options
) -> Iterator[str]:
    if options.out_of_range_missing:
        frame, outside = without_out_of_range(instrument, frame)
        if outside:
            yield f"{where}: out of range, taken as missing: {', '.join(outside)}"
    try:
        score(instrument, frame)
    except BadAnswer as error:
        raise DataFileError(str(error.at(where))) from error
    answers = {
        str(code): None if pd.isna(value) else int(value) for code, value in frame.iloc[0].items()
    }
    yield from explanation_lines(instrument, explain(instrument, answers, options.value_sets))
