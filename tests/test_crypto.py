"""Secrets at rest: what cannot be read, moved, guessed or timed."""

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from qol_app.crypto import Hasher, Vault, new_token, public_id, token_hash
from qol_app.errors import QolError
from tests.argon2_work import argon2_work

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
PLACE = ("contact", "phone", "ref-1")
PEPPER = bytes(range(100, 132))


def quick(pepper=PEPPER, cost=1):
    return Hasher(pepper, PasswordHasher(time_cost=cost, memory_cost=64, parallelism=1))


@pytest.mark.requirement("C2")
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_comes_back_from_its_own_place(text):
    vault = Vault({"k1": OLD})
    assert vault.open(vault.seal(text, *PLACE), *PLACE) == text


@pytest.mark.requirement("C2")
@pytest.mark.parametrize(
    "elsewhere",
    [("other", "phone", "ref-1"), ("contact", "email", "ref-1"), ("contact", "phone", "ref-2")],
)
def test_a_ciphertext_moved_to_another_table_column_or_row_is_refused(elsewhere):
    vault = Vault({"k1": OLD})
    envelope = vault.seal("+46701740605", *PLACE)
    with pytest.raises(QolError, match="was not sealed for this row"):
        vault.open(envelope, *elsewhere)


@pytest.mark.requirement("C2")
def test_a_changed_ciphertext_is_refused():
    vault = Vault({"k1": OLD})
    envelope = vault.seal("+46701740605", *PLACE)
    head, _, body = envelope.rpartition(".")
    for place in range(0, len(body) - 4, 5):
        other = "A" if body[place] != "A" else "B"
        with pytest.raises(QolError, match="was not sealed for this row"):
            vault.open(f"{head}.{body[:place]}{other}{body[place + 1 :]}", *PLACE)


@pytest.mark.requirement("C2")
def test_an_old_key_still_opens_and_the_new_one_seals():
    envelope = Vault({"k1": OLD}).seal("x", *PLACE)
    both = Vault({"k2": NEW, "k1": OLD})
    assert both.open(envelope, *PLACE) == "x"
    assert both.seal("x", *PLACE).startswith("v1.k2.")


@pytest.mark.requirement("C2")
@pytest.mark.parametrize("envelope", ["v1.k9.AAAA", "v2.k1.AAAA", "plain text", ""])
def test_an_envelope_of_an_unknown_key_names_the_key_wanted(envelope):
    with pytest.raises(QolError, match=r"contact\.phone: sealed with key .*; FIELD_KEYS has k1"):
        Vault({"k1": OLD}).open(envelope, *PLACE)


@pytest.mark.requirement("C2")
def test_an_envelope_shows_neither_text_nor_that_two_texts_are_the_same():
    vault = Vault({"k1": OLD})
    envelopes = {vault.seal("+46701740605", *PLACE) for _ in range(50)}
    assert len(envelopes) == 50
    assert not [one for one in envelopes if "4670" in one]


@pytest.mark.requirement("A1")
def test_tokens_hold_at_least_128_bits_and_are_stored_only_hashed():
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) * 6 >= 128 for token in tokens)
    token = tokens.pop()
    assert token not in token_hash(token)
    assert len(token_hash(token)) == 64


def test_names_of_rows_in_addresses_cannot_be_guessed():
    names = {public_id() for _ in range(1000)}
    assert len(names) == 1000
    assert all(len(name) * 6 >= 96 for name in names)


@pytest.mark.requirement("A9")
def test_a_secret_matches_its_own_hash_only():
    hasher = quick()
    stored = hasher.hash("493817")
    assert hasher.matches(stored, "493817")
    assert not hasher.matches(stored, "493818")
    assert stored.startswith("$argon2id$")
    assert hasher.hash("493817") != stored


def test_a_hash_is_worthless_without_the_pepper():
    stored = quick().hash("493817")
    assert not quick(bytes(range(1, 33))).matches(stored, "493817")


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$broken"])
def test_nothing_stored_matches_nothing(stored):
    assert not quick().matches(stored, "493817")


@pytest.mark.requirement("A8")
@pytest.mark.parametrize("stored", [True, False])
def test_where_nothing_is_stored_the_same_work_is_done(monkeypatch, stored):
    hasher = quick(cost=3)
    hashed = hasher.hash("493817") if stored else None
    worked = argon2_work(monkeypatch)
    assert not hasher.matches(hashed, "000000")
    assert worked == ["$argon2id$v=19$m=64,t=3,p=1"]
