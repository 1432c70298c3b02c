"""The ledger of contact: expected against sent day by day, and every line of it to take away."""

import io
from datetime import timedelta

from flask import Response
from flask.typing import ResponseReturnValue

from qol_app.delivery.channels import usable_channels
from qol_app.services import audit, ledger
from qol_app.services.balance import balance
from qol_app.web.guard import needs
from qol_app.web.staff.blueprint import MORE_PLACES, bp
from qol_app.web.staff.unit import fresh, page, reading, writing
from qol_app.web.staff.words import N_
from qol_app.web.visitor import runtime

MORE_PLACES.append(("staff.messages", "message:read", N_("Messages")))
SHOWN = timedelta(days=30)


@bp.get("/messages")
@needs("message:read")
def messages() -> ResponseReturnValue:
    with reading() as ctx:
        found = balance(ctx, usable_channels(runtime().settings))
        since = (ctx.now - SHOWN).date()
    return page("messages", found=found, days=[one for one in found.days if one.day >= since][::-1])


@bp.post("/messages.csv")
@needs("message:read")
@fresh
def messages_csv() -> ResponseReturnValue:
    # A POST, because it leaves a line on the trail.
    text = io.StringIO()
    with writing() as ctx:
        count = ledger.write_csv(ledger.ledger(ctx, usable_channels(runtime().settings)), text)
        audit.record(ctx, "export.ledger", "study", "ledger.csv", new={"lines": count})
        name = f"{runtime().settings.protocol}-ledger-{ctx.now:%Y-%m-%d}.csv"
    response = Response(text.getvalue(), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
