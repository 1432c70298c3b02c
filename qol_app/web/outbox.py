"""The outbox of a demo: every message its mail server was given. A live study has none."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from qol_app.delivery import sink
from qol_app.web.guard import needs
from qol_app.web.visitor import runtime

bp = Blueprint("outbox", __name__, url_prefix="/demo/outbox")


@bp.get("")
@needs("public")
def messages() -> ResponseReturnValue:
    instance = runtime().settings.instance
    found = [(name, sink.kept_message(instance, name)) for name in sink.kept(instance, most=50)]
    return render_template("outbox/messages.html", messages=found)


@bp.get("/<name>")
@needs("public")
def message(name: str) -> ResponseReturnValue:
    mail = sink.kept_message(runtime().settings.instance, name)
    body = mail.get_body(("plain",))
    files = [part.get_filename() for part in mail.iter_attachments()]
    text = body.get_content() if body else ""
    return render_template("outbox/message.html", mail=mail, text=text, files=files)
