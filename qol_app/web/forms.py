"""Forms of participants: one item at a time, and the PIN. Staff forms have files of their own."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, StringField, ValidationError

from qol_app.assessment import Screen, check_response
from qol_app.errors import ResponseError
from qol_app.services.access import PIN_DIGITS
from qol_app.web.language import _

# Clocks of phones are wrong by hours, not by centuries; beyond this it is no clock.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# Rows of numbers as long as this are shown as rows to touch, longer ones as a box to write in.
MOST_ROWS = 12


def options_of(screen: Screen) -> dict[int, str]:
    """Return what is shown for each code of an item that is answered by choosing a row."""
    if screen.options:
        labels = dict(screen.options)
    else:
        labels = {code: str(code) for code in screen.item.allowed}
    ends = {screen.item.first: screen.low, screen.item.last: screen.high}
    return {
        code: f"{label} – {ends[code]}" if ends.get(code) and label == str(code) else label
        for code, label in labels.items()
    }


def label_of(screen: Screen, value: int) -> str:
    """Return a code in the words of its item."""
    return options_of(screen).get(value, str(value)) if is_rows(screen) else str(value)


def is_rows(screen: Screen) -> bool:
    """Whether an item is answered by touching one of several rows."""
    return FIELDS[screen.item.kind](screen).field_class is RowsField


class RowsField(StringField):
    """One of several codes, each shown as a row to touch; the template writes the rows."""

    def __init__(self, *args: Any, rows: Mapping[int, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = [(str(code), label) for code, label in rows.items()]


def _choice(screen: Screen) -> Field:
    return RowsField(screen.prompt, rows=options_of(screen))


def _written(screen: Screen) -> Field:
    return StringField(screen.prompt, filters=[_stripped])


def _number(screen: Screen) -> Field:
    return _choice(screen) if len(screen.item.allowed) <= MOST_ROWS else _written(screen)


# How an item of each kind is asked.
FIELDS: Mapping[str, Callable[[Screen], Field]] = {
    "choice": _choice,
    "vas": _written,
    "number": _number,
}


def _stripped(text: object) -> object:
    return text.strip() if isinstance(text, str) else text


def item_form(screen: Screen, posted: Any = None, value: int | None = None) -> Form:
    """Return the form of one item; its only field is ``answer``.

    Parameters
    ----------
    screen : Screen
        The item as it is shown.
    posted : MultiDict, optional
        What the browser sent.
    value : int, optional
        What is answered already; nothing is chosen where there is none.
    """

    def allowed(form: Form, field: Field) -> None:
        try:
            check_response(screen.item, field.data)
        except ResponseError as error:
            raise ValidationError(_wanted(screen)) from error

    field = FIELDS[screen.item.kind](screen)
    field.kwargs["validators"] = [allowed]
    made = type("ItemForm", (Form,), {"answer": field})
    return made(posted, answer=None if value is None else str(value))


def as_posted(answer: str) -> MultiDict[str, str]:
    """Return one answer as if a browser had just sent it."""
    return MultiDict({"answer": answer})


def _wanted(screen: Screen) -> str:
    first, last = screen.item.first, screen.item.last
    if screen.options:
        return _("Please choose one of the answers below.")
    return _("Please give a whole number from %(first)s to %(last)s.", first=first, last=last)


def _digits(text: str) -> str:
    """Return a PIN without spaces, its digits as ASCII, whatever keyboard they came from."""
    return "".join(str(int(one)) if one.isdecimal() else one for one in text if not one.isspace())


class PinForm(Form):
    """The second factor of a participant."""

    pin = StringField(filters=[lambda text: _digits(text or "")])

    def __init__(self, posted: Any = None) -> None:
        super().__init__(posted)
        self.pin.label.text = _("PIN")

    def validate_pin(self, field: Field) -> None:
        """Ask for six digits; whether they are right is not for a form to say.

        What cannot be a PIN, a digit short, is not one of the few tries there are.
        """
        if len(field.data) != PIN_DIGITS or not field.data.isdecimal():
            raise ValidationError(_("Please write your six-digit PIN."))


def event_id(text: object) -> str | None:
    """Return a UUID in its usual writing, or None if it is none."""
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def counter(value: object) -> int | None:
    """Return a counter as a whole number, or None if it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 6:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 10**6:
        return None
    return value


def instant(text: object) -> datetime | None:
    """Return an aware instant as a browser writes it, or None if it is none or absurd."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo and EARLIEST <= found <= LATEST else None
    except (ValueError, OverflowError):
        return None
