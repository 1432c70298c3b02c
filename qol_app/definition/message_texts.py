"""Message texts per language: ``questionnaires/messages/<language>.yaml`` as frozen values."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Annotated

from pydantic import StringConstraints

from qol_app.definition.loader import load_yaml_model, shown_name
from qol_app.definition.message_lint import telling_words
from qol_app.definition.parts import Part
from qol_app.definition.protocol import Protocol
from qol_app.definition.protocol_timing import Problem
from qol_app.errors import DefinitionError

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
# A subject or text message is one line: a line break in a header would add another header.
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\r\n]+$")]

PLACEHOLDERS = ("link", "closes", "questions_left", "minutes_left", "site_phone")


class Wording(Part):
    """One message: subject and text for a letter, one line each for text message and notice.

    A notice stands on a locked screen under the subject; a tap on it opens the link.
    """

    subject: Line
    text: Text
    short: Line
    notice: Line


class Message(Wording):
    """A message and, where it differs, its wording for somebody who has begun."""

    code: str
    started: Wording | None = None


class Counted(Part):
    """A number with its noun, e.g. ``1 question`` and ``{n} questions``."""

    one: Line
    other: Line

    def say(self, number: int) -> str:
        """Return the number with its noun in the right form."""
        return (self.one if number == 1 else self.other).replace("{n}", str(number))


class Messages(Part):
    """All messages of one language; ``date_format`` is a CLDR pattern (Unicode TR 35)."""

    language: str
    date_format: Line
    questions: Counted
    minutes: Counted
    messages: tuple[Message, ...]

    def message(self, code: str) -> Message:
        """Return the message with this code; DefinitionError if the language has none."""
        for message in self.messages:
            if message.code == code:
                return message
        known = ", ".join(message.code for message in self.messages)
        raise DefinitionError(f"messages {self.language}: unknown {code!r}; known: {known}")


def load_messages(folder: Path, names: Collection[str] = ()) -> dict[str, Messages]:
    """Return the messages of every language in a folder (``en.yaml``, ``sv.yaml``).

    Parameters
    ----------
    folder : Path
    names : collection of str, optional
        Names that may not appear in any text: the trial's, its sites', its arms'.

    Raises
    ------
    DefinitionError
        Naming file, place, what was found and what is wanted: unknown placeholders, words
        that tell an onlooker too much, a file whose name is not its language.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        messages = load_yaml_model(path, Messages)
        problems = list(_problems(messages, path.stem, names))
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise DefinitionError(f"{shown_name(path)}: {problems[0]}{more}")
        found[messages.language] = messages
    return found


def message_problems(protocol: Protocol, languages: Mapping[str, Messages]) -> Iterator[Problem]:
    """Yield what a protocol needs of the messages and does not find."""
    for language in protocol.languages:
        if language not in languages:
            yield Problem("messages", f"no file for {language!r}", f"{language}.yaml")
            continue
        known = {message.code for message in languages[language].messages}
        for step in protocol.reminders:
            if step.message not in known:
                yield Problem(
                    f"reminders {step.code}: message",
                    f"unknown message {step.message!r} in {language}",
                    f"one of {', '.join(sorted(known))}",
                )
    names = own_names(protocol)
    for language, messages in languages.items():
        for place, text in _texts(messages):
            for word in telling_words(text, names):
                yield Problem(f"messages {language}: {place}", str(word), "a neutral word")


def own_names(protocol: Protocol) -> frozenset[str]:
    """Return the trial's names that no message may carry."""
    arms = [title for arm in protocol.arms for title in arm.titles.values()]
    sites = [site.name for site in protocol.sites]
    return frozenset({protocol.code, protocol.title, *arms, *sites})


def _texts(messages: Messages) -> Iterator[tuple[str, str]]:
    for message in messages.messages:
        for place, wording in (
            (message.code, message),
            (f"{message.code}: started", message.started),
        ):
            for field in Wording.model_fields if wording else ():
                yield f"messages {place}: {field}", getattr(wording, field)


def _problems(messages: Messages, stem: str, names: Collection[str]) -> Iterator[Problem]:
    if messages.language != stem:
        yield Problem("language", repr(messages.language), repr(stem))
    for place, text in _texts(messages):
        yield from _placeholder_problems(place, text)
        for word in telling_words(text, names):
            yield Problem(place, str(word), "a word that tells an onlooker nothing")
        if place.endswith(": notice") and "{link}" in text:
            yield Problem(place, "{link}, which would stand there to be read", "a tap opens it")


def _placeholder_problems(place: str, text: str) -> Iterator[Problem]:
    allowed = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    try:
        fields = [(name, spec, how) for _, name, spec, how in Formatter().parse(text)]
    except ValueError as error:
        yield Problem(place, f"a stray brace ({error})", f"placeholders such as {allowed}")
        return
    for name, spec, how in fields:
        if name is not None and (name not in PLACEHOLDERS or spec or how):
            yield Problem(place, f"unknown placeholder {{{name}}}", f"one of {allowed}")
