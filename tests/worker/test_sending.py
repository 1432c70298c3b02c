"""Many messages wait for the provider at the same time, and no transaction waits with them."""

import threading
import time

from qol_app.delivery.message import HandedOver
from qol_app.worker.sending import THREADS
from tests.crowd import crowd
from tests.messaging import change, deliveries, enrol, make_worker, tick

DUE, DELAY_S = 48, 0.2


class Slow:
    """Takes 200 ms for each message, and remembers how many waited at once."""

    def __init__(self, meanwhile=lambda: None):
        self.now = self.peak = self.taken = 0
        self.lock, self.meanwhile = threading.Lock(), meanwhile

    def send(self, message):
        with self.lock:
            self.now += 1
            self.peak = max(self.peak, self.now)
        self.meanwhile()
        time.sleep(DELAY_S)
        with self.lock:
            self.now -= 1
            self.taken += 1
        return HandedOver(message.reference)


def test_slow_messages_wait_side_by_side(runtime):
    crowd(runtime, DUE)
    slow = Slow()
    worker = make_worker(runtime, threads=THREADS, email=slow)
    tick(worker)
    assert slow.taken == DUE
    assert slow.peak >= 4


def test_others_can_write_while_a_provider_is_slow(runtime):
    wrote = []

    def meanwhile():
        change(runtime, participant, contact_hour=11)
        wrote.append(True)

    participant = enrol(runtime)
    tick(make_worker(runtime, email=Slow(meanwhile)))
    assert wrote == [True]
    assert [one.status for one in deliveries(runtime)] == ["accepted"]
