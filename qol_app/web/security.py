"""Headers and limits that every response and request passes."""

import secrets

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from qol_app.settings import Settings

MAX_BODY_BYTES = 256 * 1024


def secure(app: Flask, settings: Settings) -> None:
    """Bind sessions, bodies and every response to the strictest rules the pages can bear."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-qol",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        MAX_FORM_PARTS=200,
        # The token lives as long as the session: a slow reader never loses a page.
        WTF_CSRF_TIME_LIMIT=None,
        # Browsers send no Referer here, by our own policy, so it cannot be demanded.
        WTF_CSRF_SSL_STRICT=False,
    )
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.before_request(_draw_nonce)
    app.after_request(_headers)


def _draw_nonce() -> None:
    g.nonce = secrets.token_urlsafe(16)


def _headers(response: Response) -> Response:
    nonce = f"'nonce-{g.get('nonce', '')}'"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src {nonce} 'strict-dynamic'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
        "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if request.endpoint not in ("static", "stamped") or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    return response
