"""Random draws without rejection: fast, accurate to a stated distance, independent from lane to lane."""

from .arguments import largest_count as largest_count
from .betas import log_beta as log_beta
from .betas import log_dirichlet as log_dirichlet
from .binomials import binomial as binomial
from .categoricals import categorical as categorical
from .chi_squares import log_chi_square as log_chi_square
from .chi_squares import normal_and_log_chi_square as normal_and_log_chi_square
from .chi_squares import normal_and_log_mean_square as normal_and_log_mean_square
from .exponentials import exponential as exponential
from .gammas import gamma as gamma
from .gammas import log_gamma as log_gamma
from .grams import gram_factor as gram_factor
from .hypergeometrics import hypergeometric as hypergeometric
from .hypergeometrics import multivariate_hypergeometric as multivariate_hypergeometric
from .integers import integers as integers
from .key import Key as Key
from .multinomials import multinomial as multinomial
from .multivariate_normals import multivariate_normal as multivariate_normal
from .normals import normal as normal
from .normals import normal_pair as normal_pair
from .poissons import poisson as poisson
from .subsets import subset as subset
from .uniforms import bernoulli as bernoulli
from .uniforms import bits as bits
from .uniforms import uniform as uniform
from .wisharts import wishart_factor as wishart_factor
