"""Estimators: from the data of a generation to the next model, one a file."""

from mcollapse.estimators.add_constant import AddConstant as AddConstant
from mcollapse.estimators.approximate_joint_ml import ApproximateJointML as ApproximateJointML
from mcollapse.estimators.base import AbstractEstimator as AbstractEstimator
from mcollapse.estimators.debiased import Debiased as Debiased
from mcollapse.estimators.expectation_maximisation import (
    ExpectationMaximisation as ExpectationMaximisation,
)
from mcollapse.estimators.maximum_likelihood import MaximumLikelihood as MaximumLikelihood
from mcollapse.estimators.minimum_norm import MinimumNorm as MinimumNorm
from mcollapse.estimators.real_only import RealOnly as RealOnly
from mcollapse.estimators.ridge import Ridge as Ridge
from mcollapse.estimators.unbiased import Unbiased as Unbiased
from mcollapse.estimators.weighted import Weighted as Weighted
from mcollapse.estimators.weighted import optimal_weight as optimal_weight
