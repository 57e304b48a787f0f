"""Exact laws, rates and bounds of recursive training, in numpy and scipy.

`predictions(setting)` gives every law that applies; the formulas behind it are public too. Nothing here is
imported from the engine: the two are compared in `mcollapse.verdicts` and nowhere else.
"""

from .branching import branching_exponents as branching_exponents
from .branching import branching_extinction as branching_extinction
from .branching import extinction_lower_bound as extinction_lower_bound
from .branching import survival_exponents as survival_exponents
from .catalogue import LAWS as LAWS
from .catalogue import predictions as predictions
from .categorical import risks as risks
from .collapse import collapse_bounds as collapse_bounds
from .collapse import expected_collapse_time as expected_collapse_time
from .coordinates import coordinate_moments as coordinate_moments
from .decoded import biased_moments as biased_moments
from .fresh_survival import accumulate_extinction as accumulate_extinction
from .fresh_survival import fresh_extinction as fresh_extinction
from .gaussian_fourth import gaussian_fourth_moments as gaussian_fourth_moments
from .gaussian_moments import gaussian_moments as gaussian_moments
from .improvement import improves as improves
from .improvement import improving_size as improving_size
from .improvement import required_size as required_size
from .law import Law as Law
from .law import Prediction as Prediction
from .least_squares import fit_error as fit_error
from .least_squares import passed_on as passed_on
from .multinomial import accumulate_risk as accumulate_risk
from .multinomial import fixed_counts_risk as fixed_counts_risk
from .multinomial import heterogeneity as heterogeneity
from .multinomial import mixture_risk as mixture_risk
from .multinomial import replacement_risk as replacement_risk
from .multivariate import log_determinant_moments as log_determinant_moments
from .multivariate import replacement_moments as replacement_moments
from .multivariate import weighted_moments as weighted_moments
from .past import past_models_moments as past_models_moments
from .past import window_risk as window_risk
from .poisson import poisson_risk as poisson_risk
from .poisson import poisson_survival as poisson_survival
from .provenance import debiased_risk as debiased_risk
from .provenance import filtered_risk as filtered_risk
from .rates import Decay as Decay
from .rates import LongRun as LongRun
from .rates import accumulate_decay as accumulate_decay
from .rates import accumulate_limit as accumulate_limit
from .rates import accumulate_ratio as accumulate_ratio
from .rates import plateau as plateau
from .rates import power_law_decay as power_law_decay
from .rates import power_law_fate as power_law_fate
from .rates import subsample_ratio as subsample_ratio
from .rates import vanishing_shares as vanishing_shares
from .replacement import log_variance_cumulants as log_variance_cumulants
from .replacement import power_moment as power_moment
from .replacement import walk_moments as walk_moments
from .setting import CHOICES as CHOICES
from .setting import Setting as Setting
from .survival import forgotten as forgotten
from .survival import median_forgetting_time as median_forgetting_time
from .tails import exponential_bound as exponential_bound
from .tails import markov_bound as markov_bound
from .tails import normal_tail as normal_tail
from .tails import tail_probability as tail_probability
from .wright_fisher import Bracket as Bracket
from .wright_fisher import extinction as extinction
from .wright_fisher import survival_probability as survival_probability
