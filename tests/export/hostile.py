"""Texts that break readers and run in spreadsheets, drawn from a seed."""

import random

PIECES = (
    *"=+-@\t\r\n,;\"'|\\ %",
    "\r\n",
    '""',
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://example.org")',
    "+46701740605",
    "-2+3",
    "@SUM(1)",
    "＝1+1",
    "NA",
    "NULL",
    "nan",
    "1e5",
    "007",
    "åäö",
    "日本語",
    "😀",
    "\u200b",
    "\u2028",
    "\x0b",
    "\x0c",
    "\x1b[31m",
    "\ufeff",
    "<script>alert(1)</script>",
    "x",
)


def hostile_texts(n: int, seed: int) -> list[str]:
    """Return n texts of one to six such pieces, none holding NUL."""
    chance = random.Random(seed)
    return ["".join(chance.choices(PIECES, k=chance.randint(1, 6))) for _ in range(n)]
