"""The form of an event: its day, the details the program understands, the study's own fields."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from wtforms import RadioField, SelectField
from wtforms.validators import Optional, ValidationError

from qol_app.definition.event_fields import TEXT_MOST, accepts
from qol_app.definition.protocol import EventField, EventKind, FieldKind, Protocol
from qol_app.web.language import _
from qol_app.web.staff.forms import (
    DayField,
    LineField,
    ReasonForm,
    StaffForm,
    choices_of,
    listed,
    required,
)
from qol_app.web.staff.words import DETAIL_WORDS, N_, local


class EventForm(StaffForm):
    """When something happened; details as the protocol asks for them are added to it."""

    on = DayField(N_("Day"), [required(N_("Give the day as year-month-day."))])

    def details(self) -> dict[str, str]:
        """Return what was given beside the day, as text."""
        found = {
            name.removeprefix("detail_"): field.data
            for name, field in self._fields.items()
            if name.startswith("detail_") and field.data not in (None, "")
        }
        return {
            name: value.isoformat() if isinstance(value, date) else str(value)
            for name, value in found.items()
        }


def event_form(protocol: Protocol, kind: EventKind, *, correcting: bool = False) -> type[EventForm]:
    """Return the form of one kind of event, with the details and fields that kind has."""
    fields = {f"detail_{name}": _DETAILS.get(name, _words)(protocol, name) for name in kind.details}
    fields |= {f"detail_{one.code}": _FIELDS[one.kind](one) for one in kind.fields}
    bases = (EventForm, ReasonForm) if correcting else (EventForm,)
    return type("ThisEventForm", bases, fields)


def _arm(protocol: Protocol, name: str) -> Any:
    return RadioField(
        N_("Arm"),
        [required(N_("Choose the arm."))],
        choices=listed((arm.code, f"{arm.code}: {local(arm.titles)}") for arm in protocol.arms),
    )


def _until(protocol: Protocol, name: str) -> Any:
    return DayField(N_("Last day"), [Optional()])


def _hold_reason(protocol: Protocol, name: str) -> Any:
    return SelectField(
        N_("Reason"),
        [required(N_("Choose the reason."))],
        choices=choices_of(protocol.holds.reasons),
    )


def _words(protocol: Protocol, name: str) -> Any:
    return LineField(DETAIL_WORDS.get(name, name.replace("_", " ").capitalize()), most=200)


# How each detail an event may have is asked for; any other is a line of text.
_DETAILS: Mapping[str, Callable[[Protocol, str], Any]] = {
    "arm": _arm,
    "until": _until,
    "reason": _hold_reason,
}


def _asked(field: EventField) -> str:
    title = local(field.title)
    return title if field.required else _("%(what)s (if it applies)", what=title)


def _as_declared(field: EventField, text: str, **values: Any) -> list[Any]:
    """Return the checks of a field: the same as the service's, said in the reader's language."""

    def check(form: Any, given: Any) -> None:
        if not accepts(field, given.data or ""):
            raise ValidationError(_(text, **values))

    return [required() if field.required else Optional(), check]


def _text_field(field: EventField) -> Any:
    checks = _as_declared(field, N_("Write it as plain words on one line."))
    return LineField(_asked(field), checks, most=TEXT_MOST)


def _choice_field(field: EventField) -> Any:
    given = required(N_("Choose one of the list.")) if field.required else Optional()
    return SelectField(_asked(field), [given], choices=choices_of(field.choices))


def _whole_field(field: EventField) -> Any:
    """Return a field of few digits; a telephone shows its number keys where no minus is due."""
    span = {"least": field.least, "most": field.most}
    text = N_("Write a whole number from %(least)s to %(most)s.")
    keys = {"inputmode": "numeric"} if (field.least or 0) >= 0 else {}
    label = _("%(what)s, %(least)s to %(most)s", what=_asked(field), **span)
    return LineField(label, _as_declared(field, text, **span), most=20, render_kw=keys)


_FIELDS: Mapping[FieldKind, Callable[[EventField], Any]] = {
    FieldKind.TEXT: _text_field,
    FieldKind.CHOICE: _choice_field,
    FieldKind.WHOLE: _whole_field,
}
