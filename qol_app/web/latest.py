"""The last few things made, kept for those who ask for the same again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Latest(Generic[Made]):
    """At most so many values by key; one is made once, however many ask for it at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[Hashable, Made] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._made)

    def of(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made for this key, or make it now and forget the oldest."""
        # Making waits its turn: it is the heavy part, and two of a kind would be made twice.
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
                while len(self._made) > self._most:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]
