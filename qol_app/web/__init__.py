"""Pages. A route checks who is asking, calls one service and picks a template."""

from flask import Blueprint

from qol_app.web import auth, staff

BLUEPRINTS: tuple[Blueprint, ...] = (auth.bp, staff.bp)
