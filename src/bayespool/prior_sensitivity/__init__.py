"""Whether the answer is the prior's: every prior at once, and the prior at which it tips."""

from bayespool.prior_sensitivity.atlas import prior_atlas
from bayespool.prior_sensitivity.learned import tau_learned
from bayespool.prior_sensitivity.scaling import power_scaling
from bayespool.prior_sensitivity.tipping import tipping_prior

__all__ = ["power_scaling", "prior_atlas", "tau_learned", "tipping_prior"]
