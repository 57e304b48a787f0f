"""How errors of score models and of density estimates pass from generation to generation: bounds and rates.

Distances here are of laws, and what a learner adds in one generation is given. Constants and the numbering of
theorems are as the papers are quoted, not compared with every version in print.
"""

import numpy as np


def total_variation_bound(errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    r"""$D_t \le \epsilon_t + \sum_{j<t} b_{tj} D_j$: bounds on the total variation to the truth, [T+1].

    Generation t is trained on a share $b_{tj}$ of points of model j and on real points otherwise. By the
    triangle inequality, since mixing multiplies total variation by the share.

    Arguments:
        errors: $\epsilon_t$, total variation between what generation t learns and what it is trained on,
        [T+1]. weights: b, [T+1, T+1], of which row t is read up to column t - 1.

    Returns:
        bounds, at most 1.

    Raises:
        ValueError: shapes do not agree, or the shares of a generation are negative or above 1 together.

    Source: derived, after Fu et al., 2024, arXiv 2402.11778.
    """
    errors, weights = np.asarray(errors, dtype=float), np.asarray(weights, dtype=float)
    if weights.shape != (len(errors), len(errors)):
        raise ValueError(f"{len(errors)} generations need as many rows of shares, got shape {weights.shape}")
    before = np.tril(weights, -1)
    if np.any(before < 0) or np.any(before.sum(axis=1) > 1 + 1e-12):
        raise ValueError("shares of past models are not negative, and at most 1 together")
    found = np.zeros(len(errors))
    for t, error in enumerate(errors):
        found[t] = error + before[t] @ found
    return np.minimum(found, 1.0)


def learning_rate(size: float, dimension: int, kernel: bool = False, doubt: float = 0.05) -> float:
    r"""Up to a constant, what one generation adds: $n^{-1/4}\sqrt d\,\log(dn/\delta)$, or $n^{-2/(4+d)}$.

    The first of a diffusion model whose score is a random-feature network, with probability $1 - \delta$; the
    second of a kernel density estimate. Unverified: constants and logarithms.

    Arguments:
        size: n in points.
        dimension: d.
        kernel: whether a kernel density estimate learns.
        doubt: $\delta$.

    Source: Fu et al., 2024, arXiv 2402.11778.
    """
    if kernel:
        return float(size ** (-2 / (4 + dimension)))
    return float(size**-0.25 * np.sqrt(dimension) * np.log(dimension * size / doubt))


def augmentation_bound(real: float, synthetic: float, generation: int, exponent: float = 0.25) -> float:
    r"""$B(m) = (n+m)^{-\gamma}\,\frac{1-(1-a)^{t+1}}a$ with n fresh real points, m of the last model.

    Here $a = n/(n+m)$. Up to the constant of the learner's error $N^{-\gamma}$. In m it first rises, since
    more of each batch is a model's, and falls at last, since it is large: a phase transition.

    Arguments:
        real: n in points, above 0.
        synthetic: m in points.
        generation: t, from the fit to real points on.
        exponent: $\gamma$.

    Source: derived, after Fu et al., 2024, arXiv 2402.11778.
    """
    share = real / (real + synthetic)
    return float((real + synthetic) ** -exponent * -np.expm1((generation + 1) * _log_rest(share)) / share)


def bounded_growth(exponent: float) -> float:
    r"""$1/\gamma$: sizes that grow faster than $j^{1/\gamma}$ keep total variation bounded without real data.

    $\sum_j n_j^{-\gamma}$ then converges: $j^{4}$ for $\gamma = 1/4$.

    Source: derived, after Fu et al., 2024, arXiv 2402.11778.
    """
    return 1 / exponent


def score_error_divergence(error: float) -> float:
    r"""$\mathrm{KL}(p_{i+1}\|q_i) \le \epsilon_i^2/2$: an upper bound on what a generation adds.

    $\epsilon_i^2 = E\int \|\hat s - s\|^2\,dt$ along the learned path of the reversed Ornstein-Uhlenbeck
    process $dX = -\frac12 X\,dt + dB$ started where the forward one ends.

    Arguments:
        error: $\epsilon_i^2$.

    Source: error propagation in diffusion models, 2026, arXiv 2602.16601, Proposition 3.1 (unverified).
    """
    return error / 2


def score_error_chi_square(error: float, observable: float) -> tuple[float, float]:
    r"""$\frac{\eta_i}4\epsilon_i^2 \le \chi^2(p_{i+1}\|q_i) \le 4\epsilon_i^2$, up to $O(\epsilon_i^4)$.

    $\eta_i = \mathrm{Var}(E[M_T \mid Y_{t_0}])/\epsilon_i^2$ is the share of the score's error that is seen
    in the law at the end, of the martingale $M_T = \int (\hat s - s)\,dB$.

    Arguments:
        error: $\epsilon_i^2$.
        observable: $\eta_i$ in [0, 1].

    Returns:
        (lower, upper).

    Source: error propagation in diffusion models, 2026, arXiv 2602.16601, Theorems 3.4 and 3.5 (unverified).
    """
    return observable * error / 4, 4 * error


def divergence_floor(share: float, error: float, observable: float) -> float:
    r"""$\limsup_i D_i \ge \frac{a\,\eta\,\epsilon^2}{16\,(1 + (1-a)^2)}$: what is left for good.

    Where $\epsilon_i^2 \ge \epsilon^2$ and $\eta_i \ge \eta$ from some generation on, and
    $D_i = \chi^2(p_i \| p_{data})$. If errors of all generations together are infinite, so are divergences.

    Arguments:
        share: a, of real points.
        error: $\epsilon^2$.
        observable: $\eta$.

    Source: error propagation in diffusion models, 2026, arXiv 2602.16601, Proposition 4.1 (unverified).
    """
    return share * observable * error / (16 * (1 + (1 - share) ** 2))


def _log_rest(share: float) -> float:
    return -np.inf if share == 1 else float(np.log1p(-share))
