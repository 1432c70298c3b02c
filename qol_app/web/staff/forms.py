"""Fields of staff forms: cleaned as they come in, with messages in the reader's language."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields import SelectChoice
from wtforms.i18n import get_translations
from wtforms.validators import Optional, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from qol_app import i18n
from qol_app.clean import clean_line
from qol_app.definition.protocol_parts import Choice
from qol_app.errors import NotAllowed
from qol_app.permissions import ALL_SITES
from qol_app.services.enrolment import STUDY_NUMBER
from qol_app.services.factors import PASSWORD_LEAST, PASSWORD_MOST
from qol_app.services.follow_up import CHANNELS
from qol_app.services.identity import clean_email, clean_phone
from qol_app.web.language import _, page_language
from qol_app.web.staff.words import (
    ATTEMPT_OUTCOMES,
    CHANNEL_WORDS,
    N_,
    ROLE_WORDS,
    local,
)

Checked = Callable[[Any, Any], None]


class _Words:
    """Messages of WTForms: our own catalogue first, then the one that comes with it."""

    def __init__(self, language: str) -> None:
        self._ours = i18n.translations(language)
        self._theirs = get_translations([language])

    def gettext(self, text: str) -> str:
        ours = self._ours.gettext(text)
        return ours if ours != text else self._theirs.gettext(text)

    def ngettext(self, one: str, many: str, n: int) -> str:
        return self._theirs.ngettext(one, many, n)


class StaffForm(FlaskForm):
    """A form whose labels and messages speak the language of the page."""

    class Meta(FlaskForm.Meta):
        def get_translations(self, form: Any) -> _Words:
            return _Words(page_language())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self:
            if field.type != "CSRFTokenField":
                field.label.text = _(field.label.text)


class LineField(StringField):
    """One line of text, normalised and without hidden characters; never cut off."""

    def __init__(self, label: str, validators: Any = (), most: int = 100, **kwargs: Any) -> None:
        super().__init__(label, validators, **kwargs)
        self.most = most

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.data = clean_line(valuelist[0][: self.most], self.most)
        try:
            self.data = clean_line(valuelist[0], self.most)
        except NotAllowed as error:
            raise ValueError(
                _("Please write at most %(most)s characters.", most=self.most)
            ) from error


class DayField(DateField):
    """A calendar day; what is no day comes back to the page without hidden characters."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.raw_data = valuelist = [clean_line(valuelist[0][:40], 40)]
        super().process_formdata(valuelist)


class SeveralField(SelectMultipleField):
    """Several of a few choices, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        known = {choice.value for choice in self.choices or ()}
        if not known.issuperset(self.data or ()):
            # What was sent is not repeated: it may hide characters.
            raise ValidationError(self.gettext("Not a valid choice."))


def required(message: str = N_("Please fill this in.")) -> Checked:
    """Return a check that something was given."""

    def check(form: Any, field: Any) -> None:
        given = field.data if isinstance(field.data, str) else "".join(field.raw_data or ())
        if not given.strip():
            field.errors = []
            raise StopValidation(_(message))
        if field.errors:
            raise StopValidation()

    check.field_flags = {"required": True}  # type: ignore[attr-defined]
    return check


def listed(words: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """Return codes with their words as the choices of a field."""
    return [SelectChoice(code, word) for code, word in words]


def _known_phone(form: Any, field: Any) -> None:
    try:
        clean_phone(field.data)
    except NotAllowed as error:
        raise ValidationError(
            _("This is not a telephone number. Write it like 070-174 06 05.")
        ) from error


def _known_email(form: Any, field: Any) -> None:
    try:
        clean_email(field.data)
    except NotAllowed as error:
        raise ValidationError(
            _("This is not one e-mail address. Write it like name@example.org.")
        ) from error


def _number_as_on_the_list(form: Any, field: Any) -> None:
    if not STUDY_NUMBER.fullmatch(field.data or ""):
        raise ValidationError(_("Use capital letters, digits and hyphens, as in UME-012."))


class SignInForm(StaffForm):
    email = LineField(N_("E-mail"), [required()], most=254)
    password = PasswordField(N_("Password"), [required()])
    code = LineField(N_("Code from your authenticator"), [required()], most=20)


class ConfirmForm(StaffForm):
    code = LineField(N_("Code from your authenticator"), [required()], most=20)


class ContactForm(StaffForm):
    """How a participant can be reached; at least one way."""

    name = LineField(N_("Name"), most=100)
    phone = LineField(N_("Mobile telephone"), [Optional(), _known_phone], most=40)
    email = LineField(N_("E-mail"), [Optional(), _known_email], most=254)

    def validate(self, extra_validators: Any = None) -> bool:
        right = super().validate(extra_validators)
        if not (self.phone.data or self.email.data or self.phone.errors or self.email.errors):
            self.phone.errors = [_("Give a telephone number, an e-mail address, or both.")]
            return False
        return right


class EnrolForm(ContactForm):
    study_number = LineField(N_("Study number"), [required(), _number_as_on_the_list], most=31)
    site = SelectField(N_("Site"), [required()])
    language = RadioField(N_("Language of the questionnaires"), [required()])
    consent_on = DayField(N_("Day of consent"), [required(N_("Give the day as year-month-day."))])

    def __init__(
        self, *args: Any, sites: Mapping[str, str], languages: Iterable[str], **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self.site.choices = listed(sites.items())
        self.language.choices = listed(
            (code, i18n.language_name(code).capitalize()) for code in languages
        )


class ReasonForm(StaffForm):
    """Why something recorded is changed."""

    reason = LineField(
        N_("Why is this changed?"), [required(N_("Say in a few words why."))], most=200
    )


def choices_of(choices: Iterable[Choice]) -> list[SelectChoice]:
    """Return the choices of a protocol for a list, nothing chosen beforehand."""
    return listed([("", _("Choose")), *((one.code, local(one.title)) for one in choices)])


class MissingForm(StaffForm):
    """Why a closed questionnaire is empty."""

    reason = SelectField(N_("Why is it empty?"), [required(N_("Choose the reason."))])

    def __init__(self, *args: Any, reasons: Iterable[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reason.choices = choices_of(reasons)


class AttemptForm(StaffForm):
    """A call, or another way in which somebody tried to reach a participant."""

    channel = SelectField(N_("How"), [required()])
    outcome = SelectField(N_("What came of it"), [required(N_("Choose what came of it."))])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.channel.choices = listed((code, _(CHANNEL_WORDS[code])) for code in CHANNELS)
        words = [(code, _(word)) for code, word in ATTEMPT_OUTCOMES.items()]
        self.outcome.choices = listed([("", _("Choose")), *words])


class TaskForm(StaffForm):
    outcome = LineField(
        N_("What was done"), [required(N_("Say in a few words what was done."))], most=200
    )


class PasswordForm(StaffForm):
    old = PasswordField(N_("Present password"), [required()])
    new = PasswordField(N_("New password"), [required()])
    again = PasswordField(N_("New password once more"), [required()])

    def validate_new(self, field: Any) -> None:
        if not PASSWORD_LEAST <= len(field.data or "") <= PASSWORD_MOST:
            raise ValidationError(
                _("Use at least %(least)s characters, such as four words.", least=PASSWORD_LEAST)
            )

    def validate_again(self, field: Any) -> None:
        if field.data != self.new.data:
            raise ValidationError(_("The two are not the same."))


class RightsForm(StaffForm):
    """What a colleague may do, and where."""

    role = SelectField(N_("Role"), [required()])
    sites = SeveralField(N_("Sites"))

    def __init__(self, *args: Any, sites: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = listed((code, _(word)) for code, word in ROLE_WORDS.items())
        self.sites.choices = listed(sites.items())

    def validate_sites(self, field: Any) -> None:
        across = self.role.data in ALL_SITES
        if across and field.data:
            raise ValidationError(_("This role works across all sites: leave them empty."))
        if not across and not field.data:
            raise ValidationError(_("Choose at least one site."))


class ColleagueForm(RightsForm):
    email = LineField(N_("E-mail"), [required(), _known_email], most=254)
    name = LineField(N_("Name"), [required()], most=100)


class YesForm(StaffForm):
    """A box to tick before something doubtful is saved."""

    confirmed = BooleanField(N_("Yes, this is right"))
