"""Replicate-generations per second on the machine's own backend, as the number of replicates grows.

For accelerators: while replicates do not fill the device, a generation takes as long as launching its kernels
takes, and the rate grows with the replicates. Printed too is how many kernels the program has, each loop
counted once.

    python benchmarks/throughput.py --replicates 1000000
"""

import argparse

from harness import race, simulated

CASES = (
    ("Gaussian, n = 100", "Gaussian", None, 100),
    ("K = 50, n = 100", "Categorical", 50, 100),
    ("K = 1,000, n = 1,000", "Categorical", 1000, 1000),
    ("regression, d = 10, n = 100", "LinearRegression", 10, 100),
)
"""Name, family, categories or dimension, points a generation."""


def measure(case: tuple[str, str, int | None, int], replicates: int, arguments: argparse.Namespace) -> dict:
    """One case at one number of replicates, warm; the median of the rounds."""
    import jax

    import mcollapse as mc

    name, chosen, parameter, size = case
    family = getattr(mc.families, chosen)()
    truth = family.Params.zipf(parameter) if chosen == "Categorical" else family.Params.standard()
    process = mc.RecursiveTraining(family=family, sizes=size)
    record = {"squared_error": mc.Record(mc.metrics.squared_error, at="log", reduce=mc.Moments())}
    first, about = simulated(process, truth, record, jax.random.key(0), arguments.generations, replicates)
    rate = race(first, [], arguments.rounds)["contestants"][0]["rate"]
    return {"name": name, "replicates": replicates, "rate": rate, **about()}


def main() -> None:
    import jax

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--replicates", type=int, default=100_000, help="the most (default 100000)")
    parser.add_argument("--generations", type=int, default=100, help="steps of each (default 100)")
    parser.add_argument("--rounds", type=int, default=5, help="calls whose median counts (default 5)")
    arguments = parser.parse_args()
    device = jax.devices()[0]
    print(f"{device.device_kind} ({device.platform}), {arguments.generations} generations")
    print(f"{'':28}{'replicates':>12}{'per second':>12}{'compiled, s':>12}{'kernels':>9}{'chunks':>8}")
    for case in CASES:
        for replicates in sorted({max(128, arguments.replicates // part) for part in (100, 10, 1)}):
            row = measure(case, replicates, arguments)
            print(
                "{name:28}{replicates:12,}{rate:12.3g}{compile_seconds:12.1f}{kernels:9}{chunks:8}".format(
                    **row
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
