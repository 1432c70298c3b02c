"""Pages. A route checks who is asking, calls one service and picks a template."""

from flask import Blueprint

from qol_app.web import auth, demo, front, participant, staff

BLUEPRINTS: tuple[Blueprint, ...] = (front.bp, participant.bp, auth.bp, staff.bp, demo.bp)
