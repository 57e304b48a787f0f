"""How many points the next generation needs: proportions on the newest batch, random counts."""

import numpy as np


def improving_size(heterogeneity: float, risk: float, share: float) -> float:
    r"""Above which size the next risk is below this one: $(H/R - (1-a)^2)/(a(2-a))$.

    Infinite without real data: then no size helps.

    Arguments:
        heterogeneity: H = 1 - sum p^2.
        risk: R_{t-1}, the current E||p - p*||^2.
        share: a_t in [0, 1].

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531.
    """
    return np.inf if share == 0 else (heterogeneity / risk - (1 - share) ** 2) / (share * (2 - share))


def improves(heterogeneity: float, risk: float, size: float, share: float) -> bool:
    """Whether a batch of that size and real share lowers the risk; arguments as in `improving_size`."""
    return bool(size > improving_size(heterogeneity, risk, share))


def required_size(heterogeneity: float, risk: float, share: float, ratio: float) -> float:
    r"""The size at which $R_t = q R_{t-1}$: $n_t = (H/R_{t-1} - (1-a)^2)/(q - (1-a)^2)$, not rounded.

    Arguments:
        heterogeneity: H = 1 - sum p^2; plug in 1 - sum of squares of the fit where it is not known.
        risk: R_{t-1}.
        share: a_t in (0, 1].
        ratio: q, above (1-a)^2.

    Raises:
        ValueError: no size is large enough for that ratio.

    Source: derived, after Bakshi & Chakraborty, 2026, arXiv 2602.10531.
    """
    kept = (1 - share) ** 2
    if ratio <= kept:
        raise ValueError(f"a real share of {share} keeps {kept:.4g} of the risk at any size: ask for more")
    return (heterogeneity / risk - kept) / (ratio - kept)
