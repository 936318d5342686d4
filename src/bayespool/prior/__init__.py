"""Priors: text that is parsed, never evaluated; their arithmetic; named and published sets."""

from __future__ import annotations

from bayespool.prior.catalogue import SETS, catalogue_table, priors
from bayespool.prior.distribution import DEFAULT_PHI, Prior, Priors, check_proper, parse_prior
from bayespool.prior.panel import named_priors, stated
from bayespool.prior.words import describe, worth

__all__ = [
    "DEFAULT_PHI",
    "SETS",
    "Prior",
    "Priors",
    "catalogue_table",
    "check_proper",
    "describe",
    "named_priors",
    "parse_prior",
    "priors",
    "stated",
    "worth",
]
