"""The pages of participants: coming in, finding what is due, answering, handing in."""

from qol_app.web.participant import offline, pages, questions, saving, sign_in, wishes
from qol_app.web.participant.blueprint import bp

__all__ = ["bp", "offline", "pages", "questions", "saving", "sign_in", "wishes"]
