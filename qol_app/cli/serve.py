"""``flask serve``: the pages, by waitress, in one process."""

import click
from flask import current_app

from qol_app.cli.current import runtime


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=int)
@click.option("--threads", default=8, show_default=True, type=int)
def serve_command(host: str, port: int, threads: int) -> None:
    """Serve the pages until interrupted."""
    import waitress

    runtime().check()
    click.echo(f"serving on http://{host}:{port}")
    waitress.serve(
        current_app._get_current_object(),  # type: ignore[attr-defined]
        host=host,
        port=port,
        threads=threads,
        ident=None,
        clear_untrusted_proxy_headers=True,
    )
