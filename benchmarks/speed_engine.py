"""The engine against vectorised numpy: every experiment whose speed the project answers for, in one run.

Gaussian replacement with moments and with whole trajectories, and multinomial replacement from K = 50 to
K = 20,000, all through `mcollapse.simulate`.

    python benchmarks/speed_engine.py --quick
"""

import argparse

import speed_categorical
import speed_gaussian
from harness import parse, show


def measure(arguments: argparse.Namespace) -> list[dict]:
    """All experiments, the multinomials with a twentieth of the generations."""
    gaussians = [speed_gaussian.measure(arguments, whole) for whole in (False, True)]
    fewer = argparse.Namespace(**vars(arguments) | {"generations": max(2, arguments.generations // 20)})
    return gaussians + [speed_categorical.measure(fewer, *case) for case in speed_categorical.CASES]


def main() -> None:
    arguments = parse(__doc__, replicates=10_000, generations=1000, quick=(1280, 200))
    show(measure(arguments), __file__, arguments)


if __name__ == "__main__":
    main()
