"""A progress bar for what takes longer than two seconds, and none for what does not."""

import sys
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any, TypeVar

import click

Step = TypeVar("Step")
SHOWN_AFTER_S = 2.0


def watched(
    steps: Iterable[Step],
    length: int,
    label: str,
    size: Callable[[Step], int] = lambda _step: 1,
    *,
    clock: Callable[[], float] = monotonic,
) -> Iterator[Step]:
    """Yield each step, with a bar on standard error once two seconds have passed.

    Parameters
    ----------
    length : int
        What the sizes of all steps add up to.
    size : callable
        How much of the length one step is.
    """
    started, done = clock(), 0
    bar: Any = None
    for step in steps:
        # Taken before the step is handed on: whoever gets it may use it up.
        part = size(step)
        yield step
        done += part
        if bar is None and clock() - started > SHOWN_AFTER_S:
            bar = click.progressbar(length=length, label=label, file=sys.stderr)
            bar.update(done)
        elif bar is not None:
            bar.update(part)
    if bar is not None:
        bar.render_finish()
