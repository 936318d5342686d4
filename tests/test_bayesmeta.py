"""The exact engine against R's bayesmeta: every posterior of the normal model in the file."""

from collections import Counter

import numpy as np
import pytest
from peer_bayesmeta import bayesmeta_fits, bayesmeta_ledger, bayesmeta_ml, plain_mixture
from peers import reference

BAYESMETA = reference("bayesmeta")
NAMES = sorted(d["id"] for d in BAYESMETA["datasets"])


@pytest.mark.parametrize("name", NAMES)
def test_equals_bayesmeta(name):
    """Within the accuracy of bayesmeta's own delta; an SD beyond it is bayesmeta's, cut short.

    Of tau: 2e-5 SD, what bayesmeta states. Of mu, a new trial and the trials, bayesmeta sums
    normals over a grid in tau so fine that neighbours diverge by at most delta. A shift of d SD
    is a divergence of d^2, so it promises 3e-2 SD at delta 1e-3 and 1e-2 at 1e-4; asked here are
    7e-4 and 1e-4 (1e-3 for the trials, 6e-3 at 0.5 % and 99.5 %, where it has cut off the tail of
    tau). Marginal likelihoods and Bayes factors: 3e-8 in the log.
    """
    ledger = bayesmeta_ledger(name)
    assert [c for c in ledger.compared if not abs(c.gap) < c.limit] == []
    assert [label for *label, holds in ledger.excepted if not holds] == []


@pytest.mark.parametrize("name", NAMES)
def test_ours_is_the_plain_sum(name):
    """So where bayesmeta differs it is bayesmeta's grid: our quantiles hold the probability."""
    p = np.array(BAYESMETA["quantile_p"])
    for fit in bayesmeta_fits(name):
        plain = plain_mixture(fit)
        for quantity in ("mu", "theta_new"):
            found = plain.cdf(fit.ours[quantity].quantile(p), new=quantity == "theta_new")
            np.testing.assert_allclose(found, p, atol=1e-7, err_msg=f"{fit.label}, {quantity}")


@pytest.mark.parametrize("name", NAMES)
def test_the_joint_maximum_is_our_maximum_likelihood_estimate(name):
    """To 2e-3 standard errors: bayesmeta's two-dimensional search stops where it is flat."""
    assert [c for c in bayesmeta_ml(name) if not abs(c.gap) < c.limit] == []


def test_what_bayesmeta_refuses_has_an_answer():
    """R's integrate stops at three fits ("probably divergent"); their posteriors are proper.

    With three trials and both priors flat tau has no mean, and ours says so. Under Rhodes' prior
    and nine trials all moments exist.
    """
    p = np.array(BAYESMETA["quantile_p"])
    fits = [fit for name in NAMES for fit in bayesmeta_fits(name, refused=True)]
    assert [fit.label for fit in fits] == [
        "HinksEtAl2010, tau uniform, mu uniform",
        "dat.normand1999_SMD, tau rhodes, mu normal_0_4",
        "dat.normand1999_SMD, tau rhodes, mu uniform",
    ]
    for fit in fits:
        assert fit.theirs["error"] == "the integral is probably divergent"
        plain = plain_mixture(fit)
        for quantity in ("mu", "theta_new"):
            found = plain.cdf(fit.ours[quantity].quantile(p), new=quantity == "theta_new")
            np.testing.assert_allclose(found, p, atol=1e-7)
        mean = fit.ours["tau"].mean
        if fit.label.startswith("Hinks"):
            assert mean is None
        else:
            assert mean == pytest.approx(plain.p @ plain.tau, rel=1e-6)


def test_a_grid_ten_times_finer_brings_bayesmeta_closer_to_us():
    """The difference is bayesmeta's grid: delta bounds its divergence from the true posterior."""
    worst = {"1e-3": 0.0, "1e-4": 0.0}
    for name in NAMES:
        for c in bayesmeta_ledger(name).compared:
            for delta in worst:
                if c.kind.startswith("mu and a new trial: mean") and c.kind.endswith(delta):
                    worst[delta] = max(worst[delta], abs(c.gap))
    assert worst["1e-4"] < worst["1e-3"] / 5


def test_no_case_of_bayesmeta_is_lost():
    fits = BAYESMETA["fits"]
    assert len(NAMES) == BAYESMETA["about"]["n_datasets"] == 9
    assert len(fits) == BAYESMETA["about"]["n_fits"] == 142
    assert sum("error" in fit for fit in fits) == 3
    assert min(Counter(f["dataset"] for f in fits if "error" not in f).values()) >= 8
    assert len({fit["tau_prior"] for fit in fits}) == 14
    compared, excepted = Counter(), Counter()
    for name in NAMES:
        ledger = bayesmeta_ledger(name)
        compared += Counter(c.kind.partition(":")[0] for c in ledger.compared)
        excepted += Counter(kind for kind, *_ in ledger.excepted)
    assert compared == {
        "mu and a new trial": 4401, "tau": 2080, "trials' own effects": 5435,
        "log marginal likelihood": 49, "log Bayes factor": 98,
    }  # fmt: skip
    assert excepted == {
        "SD: R's is truncated": 38, "no SD: R gives a truncated one": 9, "no SD: R agrees": 5,
    }  # fmt: skip
    assert sum(len(bayesmeta_ml(name)) for name in NAMES) == 2 * 139
