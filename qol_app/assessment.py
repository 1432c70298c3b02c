"""One sitting: which items are asked in which order, and whether an answer is one.

A response belongs to (instrument, item); two modules may both begin at item 31, so a bare
number never identifies one. Everything here is a pure function of definitions and answers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from numbers import Integral

from qol_app.definition.instrument import Instrument, Item
from qol_app.definition.wording import Wording
from qol_app.errors import DefinitionError, ResponseError

# Answers to one instrument: item code -> chosen code, None where there is none.
Answers = Mapping[str, int | None]


class ResponseStatus(StrEnum):
    """Why an item has a value or has none."""

    ANSWERED = "ANSWERED"
    SKIPPED = "SKIPPED"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_REACHED = "NOT_REACHED"


@dataclass(frozen=True)
class ItemKey:
    """Identifies a response: an item of one instrument."""

    instrument: str
    item: str


@dataclass(frozen=True)
class Screen:
    """One item as it is shown: nothing chosen, its recall period always in sight."""

    key: ItemKey
    item: Item
    recall: str | None
    prompt: str
    options: Mapping[int, str]
    low: str | None
    high: str | None
    stand_in: bool
    instrument_title: str
    instruction: str
    number: int
    of: int


@dataclass(frozen=True)
class Progress:
    """How far a sitting has come; skipped items count as done, items not asked not at all."""

    answered: int
    skipped: int
    asked: int
    minutes_left: int

    @property
    def items_left(self) -> int:
        """Asked items that are neither answered nor skipped."""
        return self.asked - self.answered - self.skipped


def screens(
    instruments: Sequence[Instrument], wordings: Mapping[str, Wording]
) -> tuple[Screen, ...]:
    """Return one screen per item, in the order of the package and of each form.

    ``wordings`` maps instrument codes to the wording in the language of this sitting. Items
    under a condition are included; ``is_asked`` tells whether to show one now.
    """
    shown: list[Screen] = []
    for instrument in instruments:
        if instrument.code not in wordings:
            raise DefinitionError(
                f"{instrument.code}: found no wording in this language; wanted one, "
                f"have {', '.join(wordings) or 'none'}"
            )
        shown += _screens_of(instrument, wordings[instrument.code])
    return tuple(shown)


def _screens_of(instrument: Instrument, wording: Wording) -> Iterable[Screen]:
    for number, item in enumerate(instrument.items, start=1):
        text = wording.text(item.code)
        yield Screen(
            key=ItemKey(instrument.code, item.code),
            item=item,
            recall=wording.recall.get(item.recall),
            prompt=text.prompt,
            options=text.options or {code: str(code) for code in _labelled(item)},
            low=text.low,
            high=text.high,
            stand_in=wording.stand_in,
            instrument_title=wording.title,
            instruction=wording.instruction,
            number=number,
            of=len(instrument.items),
        )


def _labelled(item: Item) -> Iterable[int]:
    return item.allowed if item.kind == "choice" else ()


def is_asked(instrument: Instrument, item_code: str, answers: Answers) -> bool:
    """Return whether an item is asked, given the answers so far.

    An item under a condition is asked only once its parent is asked itself and answered over
    the condition's code: a parent skipped or not yet reached does not open it.
    """
    condition = instrument.item(item_code).asked_if
    if condition is None:
        return True
    answer = answers.get(condition.item)
    over = answer is not None and answer > condition.over
    return over and is_asked(instrument, condition.item, answers)


def asked_items(instrument: Instrument, answers: Answers) -> tuple[str, ...]:
    """Return the codes of the items that are asked, in the order of the form."""
    return tuple(code for code in instrument.item_codes if is_asked(instrument, code, answers))


def not_applicable_items(instrument: Instrument, answers: Answers) -> tuple[str, ...]:
    """Return the codes of the items whose condition does not hold."""
    asked = set(asked_items(instrument, answers))
    return tuple(code for code in instrument.item_codes if code not in asked)


def voided_by(
    instrument: Instrument, item_code: str, old: Answers, new: Answers
) -> tuple[str, ...]:
    """Return the items that stop being asked when ``item_code`` changes from old to new.

    Their answers become NOT_APPLICABLE; what was answered stays in the trail.
    """
    instrument.item(item_code)
    before = set(asked_items(instrument, old))
    return tuple(code for code in not_applicable_items(instrument, new) if code in before)


def check_response(item: Item, raw: object) -> int:
    """Return the code an answer stands for.

    Accepted are whole numbers, and text of one to four ASCII digits as a form sends it. All
    else is refused rather than interpreted: ``True``, ``2.0``, ``"2.0"``, ``" 2"``, ``"+2"``,
    digits of other scripts, NUL, nothing.

    Raises
    ------
    ResponseError
        Naming item, value found and codes allowed.
    """
    code = _whole_number(raw)
    if code is None or code not in item.allowed:
        raise ResponseError(
            f"item {item.code}: found {_shown(raw)}; wanted a whole number "
            f"from {item.first} to {item.last}"
        )
    return code


def _whole_number(raw: object) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, Integral):
        return int(raw)
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) <= 4:
        return int(raw)
    return None


def _shown(raw: object) -> str:
    text = ascii(raw)
    return text if len(text) <= 40 else text[:37] + "..."


def status_of(
    instrument: Instrument, item_code: str, answers: Answers, skipped: Iterable[str] = ()
) -> ResponseStatus:
    """Return an item's status: what was answered, skipped, never asked or not yet reached."""
    if not is_asked(instrument, item_code, answers):
        return ResponseStatus.NOT_APPLICABLE
    if answers.get(item_code) is not None:
        return ResponseStatus.ANSWERED
    return ResponseStatus.SKIPPED if item_code in set(skipped) else ResponseStatus.NOT_REACHED


def progress(
    instruments: Sequence[Instrument],
    answers: Mapping[str, Answers],
    skipped: Mapping[str, Iterable[str]] | None = None,
) -> Progress:
    """Return how much of a sitting is done and about how many minutes are left.

    ``answers`` and ``skipped`` are keyed by instrument code. Minutes are each instrument's
    usual time shared equally by its items, rounded up.
    """
    counts = dict.fromkeys(ResponseStatus, 0)
    minutes = 0.0
    for instrument in instruments:
        given = answers.get(instrument.code, {})
        passed = set((skipped or {}).get(instrument.code, ()))
        for code in instrument.item_codes:
            status = status_of(instrument, code, given, passed)
            counts[status] += 1
            if status is ResponseStatus.NOT_REACHED:
                minutes += instrument.minutes / len(instrument.items)
    return Progress(
        answered=counts[ResponseStatus.ANSWERED],
        skipped=counts[ResponseStatus.SKIPPED],
        asked=sum(counts.values()) - counts[ResponseStatus.NOT_APPLICABLE],
        minutes_left=-int(-minutes // 1),
    )
