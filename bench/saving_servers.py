"""The two servers of ``bench.saving``, each a process of its own."""

import logging
import sys
import uuid
from typing import Any

from flask import Flask, jsonify, request
from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, insert
from waitress.server import create_server

from bench.saving import THREADS, _runtime
from qol_app.app import web_app
from qol_app.db.engine import Database
from qol_app.runtime import utc_now

TABLE = Table(
    "floor",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("event_id", String, unique=True),
    Column("item", String),
    Column("value", Integer),
    Column("recorded_at", DateTime(timezone=True)),
)


def ours(url: str) -> Flask:
    """Return the program as it is."""
    return web_app(_runtime(url))


def floor(url: str) -> Flask:
    """Return one view with one insert and one commit, as durable as ours."""
    database = Database(url)
    TABLE.create(database.engine, checkfirst=True)
    app = Flask("floor")

    @app.post("/")
    def save() -> Any:
        body = request.get_json()
        with database.write() as session:
            session.execute(
                insert(TABLE),
                {
                    "event_id": str(uuid.UUID(body["event_id"])),
                    "item": body["item"],
                    "value": body["value"],
                    "recorded_at": utc_now(),
                },
            )
        return jsonify(state="saved")

    return app


if __name__ == "__main__":
    # As many threads as connections: that one now and then waits is no news.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = create_server(
        {"ours": ours, "floor": floor}[sys.argv[1]](sys.argv[2]),
        host="127.0.0.1",
        port=0,
        threads=THREADS,
    )
    print(server.effective_port, flush=True)
    server.run()
