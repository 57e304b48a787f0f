"""Ratios of gamma functions, accurate where their logarithms are large and nearly equal."""

import numpy as np
from scipy import special

_SWITCH = 50.0


def log_gamma_ratio(argument, shift):
    r"""$\log \Gamma(z+w) - \log \Gamma(z) - w \log z$ for real z > 0 and real or complex w.

    Above z = 50 by Stirling's series, in which the large terms cancel before they are computed:
    $$ (z + w - \tfrac12)\log(1 + w/z) - w + c(z+w) - c(z),\qquad
       c(z) = \frac1{12z} - \frac1{360z^3} + \frac1{1260z^5} . $$
    The plain difference loses 9 digits at $z = 10^6$, as many as a fitted variance has to give away.

    Arguments:
        argument: z, any shape.
        shift: w, broadcastable, with Re(z + w) > 0.

    Returns:
        array of the broadcast shape, complex if w is.

    Source: Stirling's series, as in any handbook.
    """
    z, w = np.broadcast_arrays(np.asarray(argument, dtype=float), shift)
    large = np.maximum(z, _SWITCH)
    series = (large + w - 0.5) * special.log1p(w / large) - w + _correction(large + w) - _correction(large)
    small = np.minimum(z, _SWITCH)
    gamma = special.loggamma if np.iscomplexobj(w) else special.gammaln
    return np.where(z >= _SWITCH, series, gamma(small + w) - special.gammaln(small) - w * np.log(small))


def _correction(z):
    return 1 / (12 * z) - 1 / (360 * z**3) + 1 / (1260 * z**5)


def log_moment(degrees, order, divisor):
    r"""$\log E\,(\chi^2_\nu / d)^q = \log \Gamma(\nu/2+q) - \log \Gamma(\nu/2) + q \log(2/d)$.

    Arguments:
        degrees: nu, any shape.
        order: q, real or imaginary.
        divisor: d, broadcastable.

    Source: textbook moments of the chi-square law.
    """
    return log_gamma_ratio(np.asarray(degrees) / 2, order) + order * np.log(np.asarray(degrees) / divisor)
