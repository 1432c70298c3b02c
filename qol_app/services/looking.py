"""One statement that reads, on a connection of its own; see ``Database.look``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row

Look = Callable[[Executable, Mapping[str, Any]], Sequence[Row[Any]]]
