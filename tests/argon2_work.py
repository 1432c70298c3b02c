"""What checking a secret costs, counted instead of timed."""

import pytest
from argon2 import PasswordHasher


def argon2_work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that from now on gets the parameters of every hash that is verified."""
    done: list[str] = []
    verify = PasswordHasher.verify

    def counted(hasher: PasswordHasher, stored: str, secret: str) -> bool:
        done.append(stored.rsplit("$", 2)[0])
        return verify(hasher, stored, secret)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    return done
