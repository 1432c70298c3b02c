"""Run every benchmark of this folder and print its ratios against their targets.

Each module offers ``run()``, which yields ``(name, figure, target)``: a ratio or a
figure with its unit in the name, and what is wanted of it, in words such as ``<= 2.0``.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator

import bench

NOT_BENCHMARKS = {"__main__", "validate"}


def modules(wanted: list[str]) -> Iterator[str]:
    """Yield the names of the benchmarks, or of those asked for."""
    for found in pkgutil.iter_modules(bench.__path__):
        if found.name not in NOT_BENCHMARKS and (not wanted or found.name in wanted):
            yield found.name


def main() -> None:
    """Print one line per figure as soon as it is known."""
    print(f"{'what':<72} {'figure':>10}  wanted")
    for name in modules(sys.argv[1:]):
        module = importlib.import_module(f"bench.{name}")
        if not hasattr(module, "run"):
            continue
        for what, figure, target in module.run():
            shown = f"{figure:10.2f}" if isinstance(figure, float | int) else f"{figure:>10}"
            print(f"{name + ': ' + what:<72} {shown}  {target}", flush=True)


if __name__ == "__main__":
    main()
