"""Pages. A route checks who is asking, calls one service and picks a template."""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
