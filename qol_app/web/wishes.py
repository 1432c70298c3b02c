"""The form in which a participant, or staff on their behalf, says how to be written to."""

from collections.abc import Mapping
from typing import Any

from wtforms import BooleanField, DateField, Form, RadioField, SelectField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from qol_app.services.wishes import Choices, Wishes
from qol_app.web.language import _


def wishes_form(possible: Choices, wishes: Wishes, posted: Any = None) -> Form:
    """Return the form, filled in with what is posted or else with what was wished before."""

    def a_day_to_come(form: Form, field: DateField) -> None:
        if field.data == wishes.paused_until:
            return
        if not possible.first_day <= field.data <= possible.last_day:
            days = {"first": possible.first_day, "last": possible.last_day}
            raise ValidationError(_("Choose a day from %(first)s to %(last)s.", **days))

    names = {"email": _("E-mail"), "sms": _("Text message"), "push": _("Notice on the telephone")}
    ways = dict.fromkeys([*possible.channels, *filter(None, [wishes.channel])])
    hours = sorted({*possible.hours, *([wishes.hour] if wishes.hour is not None else [])})
    fields = {
        "messages": BooleanField(_("Send reminders")),
        "channel": RadioField(
            _("How we write"),
            choices=_listed(_("No special wish"), {one: names.get(one, one) for one in ways}),
        ),
        "hour": SelectField(
            _("At what hour"),
            choices=_listed(_("The usual hour"), {str(one): f"{one:02d}:00" for one in hours}),
        ),
        "paused_until": DateField(
            _("No reminders up to and including"), [Optional(), a_day_to_come]
        ),
    }
    kind = type("WishesForm", (Form,), fields)
    return kind(
        posted,
        messages=wishes.messages,
        channel=wishes.channel or "",
        hour="" if wishes.hour is None else str(wishes.hour),
        paused_until=wishes.paused_until,
    )


def _listed(none: str, labels: Mapping[str, str]) -> list[SelectChoice]:
    return [SelectChoice("", none), *(SelectChoice(*one) for one in labels.items())]


def wishes_in(form: Any) -> Wishes:
    """Return what a valid form says."""
    return Wishes(
        form.channel.data or None,
        int(form.hour.data) if form.hour.data else None,
        form.paused_until.data,
        form.messages.data,
    )
