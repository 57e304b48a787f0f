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


AXES = {
    "real share": "real share α",
    "real share exponent": "exponent of the real share",
    "real share scale": "scale of the real share α",
    "sizes": "sample size n (points)",
    "sizes scale": "scale of the sample size (points)",
    "sizes exponent": "exponent of the sample size",
    "weight": "weight w on real points",
}
"""What the numbers of a schedule are called on an axis, by their short names."""


def quantity(run: Trajectories, name: str) -> str:
    """What the vertical axis shows, with its unit."""
    record = run.records[name]
    metric, reducer = record.metric, record.reduce
    if isinstance(metric, Above):
        text = f"probability that {_described(metric.metric, name)} > {_number(metric.threshold)}"
    else:
        text = _described(metric, name)
    if isinstance(reducer, HittingTime) and getattr(metric, "__name__", "") != "alive":
        text = f"share not yet hit ({crossing(run, name)})"
    return f"difference in {text}" if "difference_of" in run.attributes else text


def crossing(run: Trajectories, name: str) -> str:
    """The event whose time was recorded: "log variance below −9"."""
    record = run.records[name]
    metric, reducer = getattr(record.metric, "__name__", ""), record.reduce
    assert isinstance(reducer, HittingTime)
    below = reducer.below is not None
    if metric in ("alive", "single_symbol"):  # indicators, of which a threshold says nothing
        return EVENTS[metric, below]
    threshold = reducer.below if below else reducer.above
    return f"{_described(record.metric, name)} {'below' if below else 'above'} {_number(threshold)}"


EVENTS = {
    ("alive", True): "category lost",
    ("alive", False): "category alive",
    ("single_symbol", True): "several symbols left",
    ("single_symbol", False): "a single symbol left",
}


def short_name(path: str) -> str:
    """A path of a sweep as words: "source.real_share.exponent" as "real share exponent"."""
    parts = path.split(".")
    if parts[-1] == "value" and len(parts) > 1:  # of a constant
        parts = parts[:-1]
    kept = parts[-2:] if parts[-1] in ("scale", "exponent", "shift", "ratio") else parts[-1:]
    return " ".join(kept).replace("_", " ")


def axis_label(path: str) -> str:
    """What a horizontal axis over the values of a sweep is called."""
    return AXES.get(short_name(path), short_name(path))


def number(value: float) -> str:
    """Short, with a true minus sign."""
    return f"{value:g}".replace("-", "−")


def _number(value: Any) -> str:
    return number(float(value))


def _described(metric: Any, name: str) -> str:
    return QUANTITIES.get(getattr(metric, "__name__", ""), name.replace("_", " "))
