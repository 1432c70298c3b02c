"""Many messages wait for the provider at the same time, and no transaction waits with them."""

import threading

from qol_app.delivery.message import HandedOver
from qol_app.worker.sending import THREADS
from tests.crowd import crowd
from tests.messaging import change, deliveries, enrol, make_worker, tick

DUE = 2 * THREADS
PATIENCE_S = 60


class Slow:
    """Takes a message only while something else is done."""

    def __init__(self, meanwhile):
        self.meanwhile = meanwhile

    def send(self, message):
        self.meanwhile()
        return HandedOver(message.reference)


def test_slow_messages_wait_side_by_side(runtime):
    crowd(runtime, DUE)
    # Nobody is answered until as many wait as there are threads; twice, since all come back.
    together = threading.Barrier(THREADS, timeout=PATIENCE_S)
    tick(make_worker(runtime, threads=THREADS, email=Slow(together.wait)))
    assert not together.broken
    assert [one.status for one in deliveries(runtime)] == ["accepted"] * DUE


def test_others_can_write_while_a_provider_is_slow(runtime):
    wrote = []

    def meanwhile():
        change(runtime, participant, contact_hour=11)
        wrote.append(True)

    participant = enrol(runtime)
    tick(make_worker(runtime, email=Slow(meanwhile)))
    assert wrote == [True]
    assert [one.status for one in deliveries(runtime)] == ["accepted"]
