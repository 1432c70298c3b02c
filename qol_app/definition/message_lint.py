"""Words that would tell an onlooker why somebody gets a message, in Swedish and English.

A message lights up on a locked screen beside a colleague or a child. So text, sender and
title may not name a disease, a treatment, a trial, a clinic or an arm. The lists hold stems;
a stem matches at the start of a word and, in Swedish, where compounds are written together,
anywhere inside one.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Stems of English words, matched where a word begins.
_ENGLISH = {
    "disease": "cancer tumour tumor metasta carcinom oncolog malign breast liver hepat lesion"
    " disease illness symptom relapse palliat terminal hospice biops patholog",
    "treatment": "treatment therap chemo radiat radioth surger surgic surgeon operat resect ablat"
    " hormon infus medicin medicat cytotox immunoth transplant",
    "trial": "trial study studies research randomis randomiz placebo protocol investigat sponsor",
    "clinic": "clinic hospital department doctor nurse physician patient health university"
    " institute quality-of-life",
    "arm": "allocat intervention",
}
# English words too short to be stems.
_ENGLISH_WHOLE = {
    "treatment": "drug drugs dose doses tablet tablets procedure procedures",
    "clinic": "ward wards",
    "arm": "arm arms",
}
# Stems of Swedish words, matched anywhere in a word because compounds are written together.
_SWEDISH = {
    "disease": "cancer tumör metasta karcinom onkolog malign elakarta bröst lever hepat knöl"
    " sjukdom symtom symptom återfall palliat obotlig biops patolog hospis",
    "treatment": "behandling terapi cytostatik kemo cellgift strål kirurg operation operera"
    " resekt ablat hormon infusion tablett medicin läkemedel dosering ingrepp",
    "trial": "prövning studie studien forskning randomiser lottning lottad placebo protokoll"
    " sponsor",
    "clinic": "klinik sjukhus avdelning mottagning läkare sköterska patient vårdcentral hälsa"
    " livskvalitet universitet institut",
    "arm": "studiearm kontrollarm behandlingsarm kontrollgrupp",
}

# Ordinary words in which a stem sits by accident.
_INNOCENT = re.compile(r"leverer|leverans|elever|deliver|clever|leverag|hälsar|hälsning")


def _split(words: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({about: tuple(text.split()) for about, text in words.items()})


ENGLISH_STEMS = _split(_ENGLISH)
ENGLISH_WORDS = _split(_ENGLISH_WHOLE)
SWEDISH_STEMS = _split(_SWEDISH)

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
# Soft hyphens and zero-width characters would hide a word from the lists and not from a reader.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


@dataclass(frozen=True)
class TellingWord:
    """A word that gives something away, and what it gives away."""

    word: str
    about: str

    def __str__(self) -> str:
        return f"{self.word!r} (tells of {self.about})"


def telling_words(text: str, also: Collection[str] = ()) -> tuple[TellingWord, ...]:
    """Return the words of a text that tell of disease, treatment, trial, clinic or arm.

    Parameters
    ----------
    text : str
        A message, subject, sender or title; ``{placeholders}`` are not looked at. Both
        languages' lists apply whatever the text's language.
    also : collection of str
        Further names that may not appear: protocol code and title, sites, arms.
    """
    plain = _INVISIBLE.sub("", _PLACEHOLDER.sub(" ", text))
    plain = unicodedata.normalize("NFKC", plain).casefold()
    found = [
        TellingWord(word, about)
        for word in dict.fromkeys(_WORD.findall(plain))
        if (about := _about(word)) is not None
    ]
    names = [
        TellingWord(name, "the trial's own names")
        for name in also
        if re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", plain)
    ]
    return tuple(found + names)


def _about(word: str) -> str | None:
    rest = _INNOCENT.sub("", word)
    parts = (rest, *rest.split("-"))
    for about in SWEDISH_STEMS:
        english = any(part.startswith(ENGLISH_STEMS[about]) for part in parts)
        whole = any(part in ENGLISH_WORDS.get(about, ()) for part in parts)
        if english or whole or any(stem in rest for stem in SWEDISH_STEMS[about]):
            return about
    return None
