"""What HTTP answers of gateways mean for a message."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from qol_app.delivery.errors import TryAgainLater, Uncertain

TIMEOUT = httpx.Timeout(20.0, connect=10.0)
# Refused before anything was done, by definition of these codes.
NOT_TAKEN = (429, 503)


def new_client(timeout: httpx.Timeout | float = TIMEOUT) -> httpx.Client:
    """Return a client whose connections are shared by all sending threads."""
    return httpx.Client(
        timeout=timeout,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
    )


def post(client: httpx.Client, url: str, **request: object) -> httpx.Response:
    """Return a gateway's answer below 500, or raise what its silence or failure means.

    Raises
    ------
    TryAgainLater
        If the gateway was never reached, or said that it is busy.
    Uncertain
        If the connection broke after the request may have been read, or the gateway failed
        half-way (500, 502, 504): it may have taken the message all the same.
    """
    try:
        response = client.post(url, **request)  # type: ignore[arg-type]
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise TryAgainLater(f"gateway: {type(error).__name__}") from error
    except httpx.TransportError as error:
        raise Uncertain(f"gateway: {type(error).__name__} after the request") from error
    if response.status_code in NOT_TAKEN:
        raise TryAgainLater(f"gateway: {response.status_code}", _retry_after(response))
    if response.status_code >= 500:
        raise Uncertain(f"gateway: {response.status_code}")
    return response


def _retry_after(response: httpx.Response) -> float | None:
    """Return how many seconds a gateway asks us to wait; None if it does not say."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    # By the gateway's own clock, where it tells it: ours may go differently.
    now = _http_date(response.headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _http_date(text: str) -> datetime | None:
    """Return a date of a header (RFC 9110, 5.6.7); None if it is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
