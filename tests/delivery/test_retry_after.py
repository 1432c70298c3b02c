"""How long a busy gateway asks us to wait: in seconds or as a date, never without bound."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from qol_app.delivery.errors import TryAgainLater
from qol_app.delivery.web import post
from qol_app.services.outgoing import LONGEST_WAIT, wait_before

DATE = "Mon, 23 Nov 2026 09:00:00 GMT"


def asked(**headers):
    """Return the wait that a gateway's answer asks for."""
    answer = httpx.Response(503, headers={name.replace("_", "-"): v for name, v in headers.items()})
    transport = httpx.MockTransport(lambda request: answer)
    with httpx.Client(transport=transport) as client, pytest.raises(TryAgainLater) as caught:
        post(client, "https://gateway.example.org")
    return caught.value.after_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("0", 0.0),
        ("Mon, 23 Nov 2026 09:01:30 GMT", 90.0),
        ("Monday, 23-Nov-26 09:01:30 GMT", 90.0),  # RFC 9110 still wants this one understood,
        ("Mon Nov 23 09:01:30 2026", 90.0),  # and this one
        ("Mon, 23 Nov 2026 10:01:30 +0100", 90.0),
        ("Mon, 23 Nov 2026 08:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Mon, 99 Nov 2026 09:01:30 GMT", None),
        ("Mon, 23 Nov 99999 09:01:30 GMT", None),
        ("", None),
    ],
)
def test_seconds_and_dates_are_understood_and_nonsense_is_not(text, seconds):
    assert asked(Retry_After=text, Date=DATE) == seconds


def test_a_date_counts_from_now_where_the_gateway_tells_no_time():
    until = datetime.now(UTC) + timedelta(minutes=30)
    # Given in whole seconds, and read a moment later.
    assert 1200 < asked(Retry_After=format_datetime(until, usegmt=True)) <= 1800


@pytest.mark.parametrize("text", ["9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_whatever_is_asked_for_the_next_try_is_within_an_hour(text):
    wait = wait_before(1, random.Random(1), asked(Retry_After=text, Date=DATE))
    assert wait == LONGEST_WAIT
