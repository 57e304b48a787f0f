"""What a recorded quantity is called on an axis."""

from typing import Any

from mcollapse.metrics import Above
from mcollapse.recording import HittingTime
from mcollapse.trajectories import Trajectories

QUANTITIES = {
    "squared_error": "squared error of the estimate",
    "chi_square": "χ² divergence from the truth",
    "total_variation": "total variation distance from the truth",
    "hellinger": "Hellinger distance from the truth",
    "kl_divergence": "KL divergence from the truth (nats)",
    "wasserstein2_squared": "squared Wasserstein-2 distance from the truth",
    "entropy": "entropy (nats)",
    "concentration": "concentration Σp²",
    "probabilities": "probability of the category",
    "alive": "share of replicates with the category alive",
    "support": "categories alive",
    "single_symbol": "share of replicates with a single symbol left",
    "log_variance": "log variance",
    "variance": "variance",
    "standard_deviation": "standard deviation",
    "mean": "mean of the model",
    "test_error": "test error",
    "squared_norm": "squared norm of the estimate",
    "trace": "total variance",
    "log_determinant": "log determinant of the covariance",
    "frobenius_squared": "squared Frobenius distance of the covariance",
    "cramer_von_mises": "Cramér–von Mises distance from the truth",
    "integrated_squared_error": "integrated squared error of the density",
    "matched_squared_error": "squared error of matched components",
    "mode_coverage": "share of modes covered",
    "distinct_words": "share of words still known",
    "class_errors": "squared error of the mean image",
    "class_traces": "total variance of the images",
    "unsolved": "share of prompts unsolved",
}


def quantity(run: Trajectories, name: str) -> str:
    """What the vertical axis shows, with its unit."""
    record = run.records[name]
    metric, reducer = record.metric, record.reduce
    if isinstance(metric, Above):
        text = f"probability that {_described(metric.metric, name)} > {_number(metric.threshold)}"
    else:
        text = _described(metric, name)
    if isinstance(reducer, HittingTime) and getattr(metric, "__name__", "") != "alive":
        side, threshold = ("below", reducer.below) if reducer.above is None else ("above", reducer.above)
        text = f"share not yet hit ({text} {side} {_number(threshold)})"
    return f"difference in {text}" if "difference_of" in run.attributes else text


def _number(value: Any) -> str:
    return f"{float(value):g}".replace("-", "−")


def _described(metric: Any, name: str) -> str:
    return QUANTITIES.get(getattr(metric, "__name__", ""), name.replace("_", " "))
