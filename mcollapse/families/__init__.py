"""Families: one law a file. `base` holds the contract, `Bernoulli` is the shortest example."""

from mcollapse.families.base import AbstractFamily as AbstractFamily
from mcollapse.families.base import Truth as Truth
from mcollapse.families.bernoulli import Bernoulli as Bernoulli
from mcollapse.families.categorical import Categorical as Categorical
from mcollapse.families.empirical import Empirical as Empirical
from mcollapse.families.features import Covariance as Covariance
from mcollapse.families.gaussian import Gaussian as Gaussian
from mcollapse.families.gaussian_mixture import GaussianMixture as GaussianMixture
from mcollapse.families.kernel_density import KernelDensity as KernelDensity
from mcollapse.families.labelled_gaussians import LabelledGaussians as LabelledGaussians
from mcollapse.families.linear_regression import LinearRegression as LinearRegression
from mcollapse.families.location import Location as Location
from mcollapse.families.logistic_regression import LogisticRegression as LogisticRegression
from mcollapse.families.markov_text import MarkovText as MarkovText
from mcollapse.families.multivariate_gaussian import MultivariateGaussian as MultivariateGaussian
from mcollapse.families.next_token import NextToken as NextToken
from mcollapse.families.poisson import Poisson as Poisson
from mcollapse.families.poisson_regression import PoissonRegression as PoissonRegression
from mcollapse.families.symmetric_mixture import SymmetricMixture as SymmetricMixture
