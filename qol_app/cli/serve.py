"""``flask serve``: the pages, by waitress, in one process."""

from contextlib import closing
from importlib import import_module

import click

from qol_app.cli.current import runtime
from qol_app.cli.listening import listen


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 256))
def serve_command(host: str, port: int, threads: int) -> None:
    """Serve the pages until interrupted."""
    runtime().check()
    # Loaded before anybody asks: the first to open the rates shall not wait for pandas.
    import_module("qol_app.services.compliance")
    with closing(
        listen(
            host,
            port,
            "flask serve --port 8080",
            threads=threads,
            clear_untrusted_proxy_headers=True,
        )
    ) as server:
        click.echo(f"serving on http://{host}:{port}")
        server.run()
