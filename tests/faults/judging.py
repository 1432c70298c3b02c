"""What every fault test asks in the end: was anything sent twice, or lost without a word?"""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from qol_app.db.tables import Delivery, Reminder
from tests.messaging import TESTS

TEN = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Europe/Stockholm"))


def count(runtime, column):
    """Return how many rows have each value of a column."""
    with runtime.reading(TESTS) as ctx:
        return dict(ctx.session.execute(select(column, func.count()).group_by(column)).all())


def judge(runtime, taken, people):
    """Hold the database against what the provider took; return how many are uncertain."""
    twice = {thread: n for thread, n in taken.items() if n > 1}
    assert not twice, f"sent more than once: {twice}"
    found = count(runtime, Reminder.status)
    assert sum(found.values()) == people, f"silently lost: {people - sum(found.values())}"
    assert set(found) <= {"handed_over", "uncertain"}, found
    with runtime.reading(TESTS) as ctx:
        query = select(Delivery.reference, Delivery.status)
        final = {}
        for reference, status in ctx.session.execute(query):
            final.setdefault(reference.partition(".")[0], []).append(status)
    for thread, statuses in final.items():
        if "accepted" in statuses:
            assert taken[thread] == 1, f"{thread}: said handed over, never arrived"
        if taken[thread]:
            assert {"accepted", "uncertain"} & set(statuses), f"{thread}: arrived, not shown"
    return found.get("uncertain", 0)


def wait_until(true, within_s=300):
    """Wait for something to become true; fail if it takes too long even for a slow machine."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def finished(runtime):
    """Return how many reminders have come to an end."""
    found = count(runtime, Reminder.status)
    return found.get("handed_over", 0) + found.get("uncertain", 0)
