"""Laws of loops without sampling error: what a generation does to a law that is known exactly."""

import numpy as np


def tempered(law: np.ndarray, temperature: float) -> np.ndarray:
    r"""$p_i^{1/\tau}/Z$: what is drawn from a table at a sampling temperature. Zeros stay zeros.

    Source: Marchi et al., 2024, arXiv 2404.02325.
    """
    table = np.asarray(law, dtype=float)
    if not temperature > 0:
        raise ValueError(f"a temperature is above 0, got {temperature}")
    with np.errstate(divide="ignore"):
        powers = np.exp((np.log(table) - np.log(table.max())) / temperature)
    return powers / powers.sum()


def tempered_path(truth: np.ndarray, temperature: float, generations: int, share: float = 0.0) -> np.ndarray:
    r"""$p_{t+1} = \alpha p_* + (1-\alpha)\, p_t^{1/\tau}/Z$ from $p_0 = p_*$, [T+1, K].

    Without real data $p_t \propto p_*^{\tau^{-t}}$: below 1 all mass goes to the likeliest symbol, above 1 to
    the uniform law of the support. Source: Marchi et al., 2024, arXiv 2404.02325.
    """
    rows = [np.asarray(truth, dtype=float)]
    for _ in range(generations):
        rows.append(share * rows[0] + (1 - share) * tempered(rows[-1], temperature))
    return np.array(rows)


def tempered_fixed_point(truth: np.ndarray, temperature: float, share: float) -> np.ndarray:
    """Where that path ends, for a positive real share, [K].

    Raises `ValueError` where it has not ended after a hundred thousand generations.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a fixed point other than total collapse needs a real share in (0, 1], got {share}")
    start = law = np.asarray(truth, dtype=float)
    for _ in range(100_000):
        before, law = law, share * start + (1 - share) * tempered(law, temperature)
        if np.max(np.abs(law - before)) < 1e-15:
            return law
    raise ValueError("the path had not ended after 100,000 generations: the real share is too small")


def mixed_distances(truth: np.ndarray, model: np.ndarray, share: float) -> tuple[float, float]:
    r"""$\chi^2$ and total variation of $\alpha p_* + (1-\alpha)\hat p$ to the truth.

    $(1-\alpha)^2 \chi^2(\hat p \| p_*)$ and $(1-\alpha)\,\mathrm{TV}(\hat p, p_*)$. Source: error propagation
    in diffusion models, 2026, arXiv 2602.16601.
    """
    p, q = np.asarray(model, dtype=float), np.asarray(truth, dtype=float)
    if np.any((q == 0) & (p > 0)):
        return np.inf, float((1 - share) * np.abs(p - q).sum() / 2)
    ratio = np.divide((p - q) ** 2, q, out=np.zeros_like(q), where=q > 0)
    return float((1 - share) ** 2 * ratio.sum()), float((1 - share) * np.abs(p - q).sum() / 2)


def memorised_error(truth: np.ndarray, drawn: np.ndarray, size: int) -> float:
    r"""$\sum_i p_i (1-q_i)^T$: chance that a symbol of p is not among T draws of q.

    The test error of a memorised table; q is p without its tail, say. Source: Dohmatob et al., 2024, arXiv
    2402.07043.
    """
    q = np.asarray(drawn, dtype=float)
    with np.errstate(divide="ignore"):
        unseen = np.exp(size * np.log1p(-q))
    return float(np.dot(np.asarray(truth, dtype=float), unseen))


def propagated(errors: np.ndarray, share: float) -> np.ndarray:
    r"""$\sum_{s \le t} (1-\alpha)^{2(t-s)} \epsilon_s$: what is left of each generation's errors, [T+1].

    An error m generations old counts $(1-\alpha)^{2m}$: a loop remembers about $1/\alpha$ generations. In
    print a positive constant bias stands beside the divergence on the left alone, which cannot hold where
    errors vanish: it belongs to both sides, or this is an upper bound.
    Source: error propagation in diffusion models, 2026, arXiv 2602.16601, Theorem 4.2.
    """
    kept, rows = 0.0, []
    for error in np.asarray(errors, dtype=float):
        kept = (1 - share) ** 2 * kept + error
        rows.append(kept)
    return np.array(rows)


def unsolved(strength: float, rounds: np.ndarray) -> np.ndarray:
    r"""$(1-\beta)^t$: prompts still unsolved when a $\beta$-weak labeler tries those that fail.

    With a filter that makes no mistakes and independent labels. Source: Amin et al., 2025, arXiv 2502.08924.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"the strength of a labeler lies in [0, 1], got {strength}")
    return (1.0 - strength) ** np.asarray(rounds)


def retraining_factor(synthetic: float) -> float:
    r"""$\lambda/(1+\lambda)$: what a fit to data plus $\lambda$ synthetic likelihood keeps of an error.

    Of the mean of an exponential family, in the population. Source: Bertrand et al., 2023, arXiv
    2310.00429; derived.
    """
    if synthetic < 0:
        raise ValueError(f"a weight of synthetic data is not negative, got {synthetic}")
    return synthetic / (1.0 + synthetic)


def retraining_bound(synthetic: float, convexity: float, smoothness: float, error: float) -> float:
    r"""How much of a small error retraining keeps at most.

    $$ \frac{\lambda(\alpha + L\epsilon)}{\alpha - \lambda(\alpha + L\epsilon)}, $$
    an upper bound on the norm of the Jacobian of
    $\theta \mapsto \arg\max_{\theta'} E_{data} \log p_{\theta'} + \lambda E_{p_\theta} \log p_{\theta'}$.
    Below 1, the loop is stable, where $\lambda(1 + L\epsilon/\alpha) < \frac12$: a synthetic share below
    1/3. Sufficient and not necessary: `retraining_factor` is below 1 for every $\lambda$.

    Arguments:
        synthetic: $\lambda$, weight of the synthetic likelihood beside the data's.
        convexity: $\alpha$, of the log-likelihood at the optimum.
        smoothness: L, a Lipschitz constant of its Hessian in the point.
        error: $\epsilon$, distance between the data's law and the optimum's.

    Returns:
        the bound, infinite where there is none.

    Raises:
        ValueError: a number is negative, or the convexity not positive.

    Source: Bertrand et al., 2023, arXiv 2310.00429 (unverified).
    """
    if min(synthetic, smoothness, error) < 0 or not convexity > 0:
        raise ValueError("a weight, a smoothness and an error are not negative, and a convexity is positive")
    pushed = synthetic * (convexity + smoothness * error)
    return pushed / (convexity - pushed) if pushed < convexity else np.inf
