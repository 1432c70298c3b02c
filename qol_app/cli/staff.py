"""``flask staff``: who may sign in. The first one is always added here; there is no default."""

import click
import segno

from qol_app import i18n
from qol_app.cli.current import reading, runtime, writing
from qol_app.services import staff as staff_service
from qol_app.services.factors import provisioning_uri


@click.group("staff")
def staff_group() -> None:
    """Add, list, deactivate and reactivate staff."""


@staff_group.command("add")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(staff_service.STAFF_ROLES))
@click.option("--site", "sites", multiple=True, help="Code of a site; repeat for several.")
@click.option("--name", default="", help="As colleagues should see it.")
@click.option("--language", default="sv", type=click.Choice(i18n.languages()), show_default=True)
@click.password_option(help="Asked for where left out; at least 12 characters.")
def add(
    email: str, role: str, sites: tuple[str, ...], name: str, language: str, password: str
) -> None:
    """Add somebody and print the code their authenticator app reads."""
    with writing() as ctx:
        row, secret = staff_service.add(ctx, email, name, role, sites, password, language=language)
        # Before the commit: nobody is added whose authenticator could not be shown.
        _show(row.email, secret)
    click.echo(f"{row.email}: added as {role}" + (f" at {', '.join(sites)}" if sites else ""))


def _show(email: str, secret: str) -> None:
    uri = provisioning_uri(secret, email, runtime().settings.base_url.split("//")[-1])
    click.echo("Scan this with an authenticator app; it is not shown again:")
    segno.make(uri).terminal(compact=True)
    click.echo(uri)


@staff_group.command("list")
def list_all() -> None:
    """List all staff with role, sites and whether they may sign in."""
    with reading() as ctx:
        found = staff_service.everybody(ctx)
    for one in found:
        state = "active" if one.active else "ended"
        click.echo("\t".join((one.email, one.role, ",".join(one.sites) or "-", state, one.name)))
    if not found:
        click.echo("nobody yet: flask staff add EMAIL --role coordinator --site CODE", err=True)


@staff_group.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """End somebody's access at once; what they did stays in the trail."""
    with writing() as ctx:
        staff_service.deactivate(ctx, staff_service.by_email(ctx, email))
    click.echo(f"{email}: access ended, open sessions too")


@staff_group.command("reactivate")
@click.argument("email")
def reactivate(email: str) -> None:
    """Let somebody sign in again, with the rights and factors they had."""
    with writing() as ctx:
        staff_service.reactivate(ctx, staff_service.by_email(ctx, email))
    click.echo(f"{email}: may sign in again")
