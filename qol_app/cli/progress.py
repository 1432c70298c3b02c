"""A progress bar for what takes longer than two seconds, where somebody sees it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar

import click

Step = TypeVar("Step")
SHOWN_AFTER_S = 2.0
WIDTH = 1000


@contextmanager
def share_shown(
    label: str, *, clock: Callable[[], float] = monotonic
) -> Iterator[Callable[[float], None]]:
    """Give a function that takes the share done, from 0 to 1, and shows it on standard error."""
    started = clock()
    bar: Any = None

    def show(share: float) -> None:
        nonlocal bar
        if bar is None:
            if not sys.stderr.isatty() or clock() - started <= SHOWN_AFTER_S:
                return
            bar = click.progressbar(length=WIDTH, label=label, file=sys.stderr)
        bar.update(max(0, round(share * WIDTH) - bar.pos))

    try:
        yield show
    finally:
        if bar is not None:
            bar.render_finish()


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
    done = 0
    with share_shown(label, clock=clock) as show:
        for step in steps:
            # Taken before the step is handed on: whoever gets it may use it up.
            part = size(step)
            yield step
            done += part
            show(done / max(1, length))
