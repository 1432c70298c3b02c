"""Identity stands apart, encrypted, each field bound to its own place."""

import base64

import pytest
from sqlalchemy import select, text, update

from qol_app.crypto import Vault
from qol_app.db.base import Base
from qol_app.db.tables import APPEND_ONLY, Contact, Participant
from qol_app.errors import QolError
from qol_app.services import identity
from qol_app.services.context import Actor
from qol_app.services.identity import Identity
from tests.conftest import KEY
from tests.db.facts import PERSON, fill_every_table

pytestmark = pytest.mark.requirement("D12")
OTHER = Identity(name="Annan Person", phone="070-174 06 06", email="b@example.org")
PLAIN = ("Testsson", "0701740605", "+46701740605", "701740605", "a@example.org")


@pytest.fixture
def filled(runtime):
    with runtime.writing(Actor.system("tests")) as ctx:
        fill_every_table(ctx)
        identity.store(ctx, OTHER, "other-reference")
    return runtime


def everything(database):
    """Return every row of every table as text."""
    with database.read() as session:
        return {
            table.name: "\n".join(repr(tuple(row)) for row in session.execute(select(table)))
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.requirement("C1")
def test_no_clinical_row_points_to_identity():
    for table in Base.metadata.sorted_tables:
        pointed_at = {key.column.table.name for key in table.foreign_keys}
        assert "contact" not in pointed_at, table.name
    assert not Base.metadata.tables["contact"].foreign_keys


@pytest.mark.requirement("C1", "C2")
def test_no_table_holds_a_name_a_number_or_an_address_in_the_clear(filled):
    for table, content in everything(filled.database).items():
        for word in PLAIN:
            assert word not in content, table


@pytest.mark.requirement("C5")
def test_no_table_holds_a_key(filled):
    settings = filled.settings
    secrets = [
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode(),
        KEY.hex(),
        settings.secret_key,
        settings.callback_key,
    ]
    for table, content in everything(filled.database).items():
        assert not [one for one in secrets if one in content], table


@pytest.mark.requirement("C2")
def test_identity_comes_back_for_the_row_it_was_stored_in(filled):
    with filled.reading(Actor.system("tests")) as ctx:
        ref = ctx.session.scalars(select(Participant.identity_ref)).one()
        found = identity.identity_of(ctx, ref)
    assert (found.name, found.phone, found.email) == (
        PERSON.name,
        "+46701740605",
        PERSON.email,
    )


@pytest.mark.requirement("C2")
@pytest.mark.parametrize(("source", "target"), [("phone", "phone"), ("email", "name")])
def test_a_ciphertext_moved_to_another_row_or_column_is_refused(filled, source, target):
    with filled.writing(Actor.system("tests")) as ctx:
        ref = ctx.session.scalars(select(Participant.identity_ref)).one()
        stolen = ctx.session.scalar(
            select(getattr(Contact, source)).where(Contact.identity_ref == ref)
        )
        ctx.session.execute(
            update(Contact)
            .where(Contact.identity_ref == "other-reference")
            .values({target: stolen})
        )
    with (
        filled.reading(Actor.system("tests")) as ctx,
        pytest.raises(QolError, match=f"contact.{target}: the content was not sealed for this row"),
    ):
        identity.identity_of(ctx, "other-reference")


@pytest.mark.requirement("C2")
def test_the_same_number_encrypts_to_something_else_each_time(filled):
    with filled.reading(Actor.system("tests")) as ctx:
        first = identity.sealed_fields(ctx, OTHER, "r")
        second = identity.sealed_fields(ctx, OTHER, "r")
    assert all(first[one] != second[one] for one in ("name", "phone", "email"))


@pytest.mark.requirement("C2")
def test_without_its_key_identity_cannot_be_read(filled):
    strangers = Vault({"k1": bytes(range(60, 92))})
    with filled.reading(Actor.system("tests")) as ctx:
        row = ctx.session.get_one(Contact, "other-reference")
    with pytest.raises(QolError, match="was not sealed for this row"):
        strangers.open(row.name, "contact", "name", "other-reference")


def test_erasing_a_person_leaves_the_clinical_rows_and_the_trail(filled):
    before = everything(filled.database)
    with filled.writing(Actor.system("tests")) as ctx:
        ref = ctx.session.scalars(select(Participant.identity_ref)).one()
        identity.erase(ctx, ref)
    after = everything(filled.database)
    assert ref in before["contact"]
    assert ref not in after["contact"]
    assert {name: after[name] for name in APPEND_ONLY} == {
        name: before[name] for name in APPEND_ONLY
    }
    with filled.reading(Actor.system("tests")) as ctx:
        assert identity.identity_of(ctx, ref) == Identity()


def test_contact_columns_take_ciphertext_of_any_length(filled):
    long = Identity(name="Å" * 2000)
    with filled.writing(Actor.system("tests")) as ctx:
        identity.store(ctx, long, "long")
    with filled.reading(Actor.system("tests")) as ctx:
        assert identity.identity_of(ctx, "long").name == long.name
        raw = ctx.session.execute(text("SELECT name FROM contact WHERE identity_ref = 'long'"))
        assert raw.scalar_one().startswith("v1.k1.")
