"""The version, in one place that the build reads without importing jax."""

__version__ = "0.1.0"
