"""A licensed wording takes the place of the stand-in, and every version stays."""

import csv
import io

import pytest
from sqlalchemy import select

from qol_app.db.tables import AuditEvent, Definition
from qol_app.definition.wording_packs import template
from qol_app.errors import DefinitionError, NotAllowed
from qol_app.services.library import newest
from qol_app.services.wording import load_pack


@pytest.fixture
def pack(ctx, tmp_path):
    """Return a filled pack for whichever instrument the study has first."""
    code = ctx.session.scalars(
        select(Definition.code).where(Definition.kind == "instrument").order_by(Definition.code)
    ).first()
    if code is None:
        pytest.skip("no instrument is here")
    instrument = ctx.library.instrument(ctx.session, newest(ctx.session, "instrument", code).id)
    rows = list(csv.DictReader(io.StringIO(template(instrument))))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows({**row, "text": f"Licensed {n}"} for n, row in enumerate(rows))
    path = tmp_path / "pack.csv"
    path.write_text(out.getvalue())
    return code, path


def test_licensed_wording_takes_the_place_of_the_stand_in(ctx, pack):
    code, path = pack
    assert newest(ctx.session, "wording", code, "sv").stand_in
    lines = list(load_pack(ctx, path, code, "sv", "Permission 7", "Certificate 8"))
    row = newest(ctx.session, "wording", code, "sv")
    assert lines == [f"wording {code} sv {row.sha256[:12]} {row.sha256[:12]}"]
    assert (row.stand_in, row.licence_reference, row.certificate) == (
        False,
        "Permission 7",
        "Certificate 8",
    )
    wording = ctx.library.wording(ctx.session, row.id)
    assert wording.checksum == row.sha256
    assert wording.title == "Licensed 0"
    trail = ctx.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert trail.action == "definition.load"


def test_the_same_texts_again_change_nothing(ctx, pack):
    code, path = pack
    list(load_pack(ctx, path, code, "sv", "Permission 7"))
    assert list(load_pack(ctx, path, code, "sv", "Permission 7")) == []
    path.write_text(path.read_text().replace("Licensed 3", "Better 3"))
    assert len(list(load_pack(ctx, path, code, "sv", "Permission 7"))) == 1
    assert newest(ctx.session, "wording", code, "sv").stand_in is False


def test_an_unknown_instrument_or_an_unfit_pack_stores_nothing(ctx, pack):
    code, path = pack
    with pytest.raises(NotAllowed, match="instrument nothing: found none loaded"):
        list(load_pack(ctx, path, "nothing", "sv", "Permission 7"))
    path.write_text(path.read_text().rsplit("\n", 2)[0] + "\n")
    with pytest.raises(DefinitionError, match="missing rows"):
        list(load_pack(ctx, path, code, "sv", "Permission 7"))
    assert newest(ctx.session, "wording", code, "sv").stand_in
