"""Replicate-generations per second on the machine's own backend, as the number of replicates grows.

For accelerators: while replicates do not fill the device, a generation takes as long as launching its kernels
takes, and the rate grows with the replicates. Printed too is how many kernels the program has, each loop
counted once.

    python benchmarks/throughput.py --replicates 1000000
"""

import argparse
import re
import statistics
import time

CASES = (("Gaussian, n = 100", None, 100), ("K = 50, n = 100", 50, 100), ("K = 1,000, n = 1,000", 1000, 1000))
"""Name, categories, points a generation."""


def experiment(categories: int | None, size: int):
    """A process and its truth."""
    import mcollapse as mc

    if categories is None:
        return mc.RecursiveTraining(
            family=mc.families.Gaussian(), sizes=size
        ), mc.families.Gaussian.Params.standard()
    return mc.RecursiveTraining(
        family=mc.families.Categorical(), sizes=size
    ), mc.families.Categorical.Params.zipf(categories)


def measure(case: tuple[str, int | None, int], replicates: int, arguments: argparse.Namespace) -> dict:
    """One case at one number of replicates, warm; the median of the rounds."""
    import jax

    import mcollapse as mc
    from mcollapse.compilation import PROGRAMS

    name, categories, size = case
    process, truth = experiment(categories, size)

    def call():
        return mc.simulate(
            process,
            truth,
            key=jax.random.key(0),
            generations=arguments.generations,
            replicates=replicates,
            record={"squared_error": mc.Record(mc.metrics.squared_error, at="log", reduce=mc.Moments())},
        )

    PROGRAMS.compiled.clear()
    first, seconds = call(), []
    for _ in range(arguments.rounds):
        since = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - since)
    compiled = next(iter(PROGRAMS.compiled.values()))
    text = compiled.program.as_text()
    median = statistics.median(seconds)
    return {
        "name": name,
        "replicates": replicates,
        "rate": replicates * arguments.generations / median,
        "compile": first.stats.compile_seconds,
        "kernels": len(re.findall(r"^ .* (?:fusion|custom-call|reduce|scatter|sort)\(", text, re.MULTILINE)),
        "chunks": first.stats.chunks,
    }


def main() -> None:
    import jax

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--replicates", type=int, default=100_000, help="the most (default 100000)")
    parser.add_argument("--generations", type=int, default=100, help="steps of each (default 100)")
    parser.add_argument("--rounds", type=int, default=5, help="calls whose median counts (default 5)")
    arguments = parser.parse_args()
    device = jax.devices()[0]
    print(f"{device.device_kind} ({device.platform}), {arguments.generations} generations")
    print(f"{'':24}{'replicates':>12}{'per second':>12}{'compiled, s':>12}{'kernels':>9}{'chunks':>8}")
    for case in CASES:
        for replicates in (arguments.replicates // 100, arguments.replicates // 10, arguments.replicates):
            row = measure(case, max(128, replicates), arguments)
            print(
                "{name:24}{replicates:12,}{rate:12.3g}{compile:12.1f}{kernels:9}{chunks:8}".format(**row),
                flush=True,
            )


if __name__ == "__main__":
    main()
