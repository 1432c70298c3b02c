"""Handing claimed reminders over, many at once, with no transaction open meanwhile."""

import logging
import random
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlalchemy.exc import OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from qol_app.delivery.errors import TryAgainLater
from qol_app.delivery.message import Channel, HandedOver, Message
from qol_app.runtime import Runtime
from qol_app.services import outgoing
from qol_app.services.composing import House
from qol_app.services.context import Actor
from qol_app.services.lease import LIFE, Lease
from qol_app.services.outgoing import Outgoing

log = logging.getLogger(__name__)

ACTOR = Actor.system("worker")
THREADS = 24
AT_ONCE = 20_000
# A worker that was stopped for so long has lost its lease, and what it knew is old.
HELD_UP_AFTER = LIFE


@dataclass(frozen=True)
class Sender:
    """What it takes to send: the installation, its texts, its open channels."""

    runtime: Runtime
    house: House
    channels: Mapping[str, Channel]
    threads: int = THREADS
    rng: random.Random = field(default_factory=random.Random)

    def send_ready(self, lease: Lease) -> int:
        """Hand over every reminder whose attempt is due; return how many attempts were made."""
        with self.runtime.reading(ACTOR) as ctx:
            ids = outgoing.ready(ctx, lease, AT_ONCE)
        return self.send(lease, ids)

    def send(self, lease: Lease, reminder_ids: Iterable[int]) -> int:
        """Hand over these reminders, those that are still wanted, each by one thread."""
        ids = list(reminder_ids)
        threads = min(self.threads, len(ids))
        if threads <= 1:
            return sum(self._send_one(lease, id_) for id_ in ids)
        with ThreadPoolExecutor(threads, "send") as pool:
            return sum(pool.map(lambda id_: self._send_one(lease, id_), ids))

    def _send_one(self, lease: Lease, reminder_id: int) -> bool:
        """Make one attempt; False if none was made. Never raises: others wait behind it."""
        try:
            with self.runtime.writing(ACTOR) as ctx:
                prepared = outgoing.prepare(ctx, self.house, lease, self.channels, reminder_id)
        except Exception as error:
            # Not committed, so nothing was begun: the next tick tries again.
            log.error("reminder %s: not prepared: %s", reminder_id, type(error).__name__)
            return False
        if prepared is None:
            return False
        channel, name = self.channels[prepared.channel], f"delivery {prepared.delivery_id}"
        outcome = self._held_up(prepared) or self.hand_over(channel, prepared.message, name)
        self._conclude(prepared, outcome)
        return True

    def _held_up(self, prepared: Outgoing) -> TryAgainLater | None:
        """Return that nothing was sent, if this process was stopped since it asked whether to.

        It may have been night or death in between: the next attempt asks anew.
        """
        if self.runtime.clock() - prepared.begun_at <= HELD_UP_AFTER:
            return None
        return TryAgainLater("not handed over: this worker was held up after it had begun")

    @staticmethod
    def hand_over(channel: Channel, message: Message, name: str) -> HandedOver | Exception:
        """Call the provider once; return what it said, or what was raised."""
        try:
            return channel.send(message)
        except Exception as error:
            # The kind only: what the exception says may repeat an address.
            log.warning("%s: %s", name, type(error).__name__)
            return error

    def _conclude(self, prepared: Outgoing, outcome: HandedOver | Exception) -> None:
        try:
            for attempt in _patiently():
                with attempt, self.runtime.writing(ACTOR) as ctx:
                    outgoing.conclude(ctx, prepared, outcome, self.rng)
        except Exception as error:
            # It stays "started" and becomes uncertain, which is the truth.
            log.error("delivery %s: not concluded: %s", prepared.delivery_id, type(error).__name__)


def _patiently() -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(OperationalError),
        wait=wait_random_exponential(multiplier=0.2, max=5),
        stop=stop_after_attempt(5),
        reraise=True,
    )
