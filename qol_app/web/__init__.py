"""Pages. A route checks who is asking, calls one service and picks a template."""

from flask import Blueprint

from qol_app.web import (
    auth,
    callbacks,
    demo,
    exports,
    front,
    health,
    look,
    outbox,
    participant,
    staff,
    stopping,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    front.bp,
    participant.bp,
    auth.bp,
    staff.bp,
    exports.bp,
    look.bp,
    health.bp,
)
# Known by the signature in their address, not by a cookie, so no CSRF token protects them.
SIGNED_BLUEPRINTS: tuple[Blueprint, ...] = (stopping.bp, callbacks.bp)
DEMO_BLUEPRINTS: tuple[Blueprint, ...] = (demo.bp, outbox.bp)
