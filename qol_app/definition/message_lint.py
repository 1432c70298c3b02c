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

_DISEASE_EN = (
    "cancer tumour tumor metasta carcinom oncolog malign breast liver hepat nodul lesion"
    " disease illness symptom relapse progression palliat terminal hospice biops patholog"
)
_DISEASE_SV = (
    "cancer tumör metastas karcinom onkolog malign elakarta bröst lever hepat"
    " knöl sjukdom symtom symptom återfall palliat obotlig biops patolog"
)
_TREATMENT_EN = (
    "treatment therap chemo radiat radioth surg operat operation resect ablat hormon infus"
    " tablet medicin medicat drug dose cytotox immunoth transplant procedure"
)
_TREATMENT_SV = (
    "behandling terapi cytostatik kemo cellgift strål kirurg operation operera resekt ablat"
    " hormon infusion tablett medicin läkemedel dosering immunterapi ingrepp"
)
_TRIAL_EN = "trial study studies research randomis randomiz placebo protocol investigat sponsor"
_TRIAL_SV = "prövning studie studien forskning randomiser lottning lottad placebo protokoll sponsor"
_CLINIC_EN = (
    "clinic hospital ward department doctor nurse physician surgeon patient health quality-of-life"
    " university institute"
)
_CLINIC_SV = (
    "klinik sjukhus avdelning mottagning läkare sköterska patient vårdcentral hälsa livskvalitet"
    " universitet institut region"
)
_ARM_EN = "arm control-arm allocation allocated intervention"
_ARM_SV = "studiearm kontrollarm behandlingsarm kontrollgrupp interventions"

STEMS: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "disease": {"en": tuple(_DISEASE_EN.split()), "sv": tuple(_DISEASE_SV.split())},
        "treatment": {"en": tuple(_TREATMENT_EN.split()), "sv": tuple(_TREATMENT_SV.split())},
        "trial": {"en": tuple(_TRIAL_EN.split()), "sv": tuple(_TRIAL_SV.split())},
        "clinic": {"en": tuple(_CLINIC_EN.split()), "sv": tuple(_CLINIC_SV.split())},
        "arm": {"en": tuple(_ARM_EN.split()), "sv": tuple(_ARM_SV.split())},
    }
)

# Ordinary words in which a stem sits by accident.
INNOCENT = frozenset(
    {
        "army", "arms", "armchair", "delivered", "delivery", "deliver", "levererad", "levererat",
        "leverera", "leverans", "levererades", "leveransen", "elever", "elev", "dosis", "patience",
        "regions", "drugstore", "wardrobe", "doser", "medicine-free", "surge", "studied",
    }
)  # fmt: skip

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")


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
    plain = unicodedata.normalize("NFC", _PLACEHOLDER.sub(" ", text)).casefold()
    plain = plain.replace("\u00ad", "").replace("\u200b", "")
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
    if word in INNOCENT:
        return None
    for about, languages in STEMS.items():
        if about == "arm" and word == "arm":
            return about
        english = any(word.startswith(stem) for stem in languages["en"] if stem != "arm")
        if english or any(stem in word for stem in languages["sv"]):
            return about
    return None
