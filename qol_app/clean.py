"""Text that people type, as we store it: one form for what looks the same, nothing hidden in it.

Controls, surrogates and direction overrides change how a line is read by people or programs
without being seen; they are taken out. What is left is text, whatever it looks like: pages
escape it, exports quote it.
"""

import unicodedata

from qol_app.errors import NotAllowed

# Letters that turn the reading direction of what follows (Unicode TR 36, "bidi spoofing").
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Other, surrogate, private and unassigned code points; of the controls line ends and tabs stay.
UNWANTED = ("Cc", "Cs", "Co", "Cn")


def clean_text(text: str, most: int) -> str:
    """Return text of several lines in NFC, line ends as LF, without what cannot be seen.

    Parameters
    ----------
    text : str
    most : int
        Its greatest length in characters.

    Raises
    ------
    NotAllowed
        If it is longer; nothing is cut off silently.
    """
    kept = _visible(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(kept) > most:
        raise NotAllowed(f"text: found {len(kept)} characters; wanted at most {most}")
    return kept


def clean_line(text: str, most: int) -> str:
    """Return text of one line: as ``clean_text``, with every run of blanks as one space.

    Raises
    ------
    NotAllowed
        If it is longer than ``most`` characters.
    """
    return clean_text(" ".join(_visible(text).split()), most)


def _visible(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFC", text) if _is_text(one))


def _is_text(character: str) -> bool:
    if character in "\n\t":
        return True
    return character not in BIDI and unicodedata.category(character) not in UNWANTED
