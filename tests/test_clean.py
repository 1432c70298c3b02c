"""Text that people type, as it is stored."""

import pytest

from qol_app.clean import clean_line, clean_text
from qol_app.errors import NotAllowed


@pytest.mark.requirement("I2")
@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Åsa   Öberg ", "Åsa Öberg"),
        ("A\u030asa", "Åsa"),
        ("a\x00b\x07c", "abc"),
        ("a \x00 b", "a b"),
        ("gnp.\u202eexe", "gnp.exe"),
        ("a\ud800b", "ab"),
        ("two\r\nlines", "two lines"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("محمد", "محمد"),
    ],
)
def test_a_line_is_normalised_and_hides_nothing(typed, stored):
    assert clean_line(typed, 100) == stored


@pytest.mark.requirement("I2")
def test_line_ends_become_lf():
    assert clean_text("one\r\ntwo\rthree\n\n", 100) == "one\ntwo\nthree"


@pytest.mark.requirement("I6")
def test_nothing_is_cut_off_silently():
    assert clean_line("x" * 10, 10) == "x" * 10
    with pytest.raises(NotAllowed, match="found 11 characters; wanted at most 10"):
        clean_line("x" * 11, 10)
