"""Reviews of counts taken together: each trial's likelihood, the shared nodes, and what is left."""

import numpy as np
import pandas as pd
import pytest

import bayespool as bp
from bayespool.batches import chunk
from bayespool.batches.counts import likelihoods
from bayespool.exact.surface import rough_effects
from bayespool.exact.trial import counts_likelihoods
from bayespool.prior import parse_prior

NUMBERS = ["mu_median", "mu_lower", "mu_upper", "tau_median", "theta_new_lower", "mu_sd"]


def made(reviews, seed=1, smallest=30, rare=False):
    """Reviews of 2 to 8 trials, none of whose arms has nearly all or none of the events."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 9, reviews)
    rows = sizes.sum()
    n = rng.integers(smallest, 200, (2, rows))
    risk = rng.uniform(0.005, 0.02, rows) if rare else rng.uniform(0.3, 0.7, rows)
    events = rng.binomial(n, np.array([risk * rng.uniform(0.6, 1.0, rows), risk]))
    return pd.DataFrame(
        {
            "review": np.repeat([f"r{i}" for i in range(reviews)], sizes),
            "trial": [f"t{j}" for size in sizes for j in range(size)],
            "events_treatment": events[0], "n_treatment": n[0],
            "events_control": events[1], "n_control": n[1],
        }
    )  # fmt: skip


@pytest.fixture
def alone(monkeypatch):
    """Names of the reviews that were not analysed together."""
    names = []
    plain = chunk._alone

    def counted(review, sets, asked):
        names.append(review.name)
        return plain(review, sets, asked)

    monkeypatch.setattr(chunk, "_alone", counted)
    return names


def apart(monkeypatch, frame, **asked):
    """The same reviews by their surfaces."""
    with monkeypatch.context() as patch:
        patch.setattr(chunk, "suits", lambda *about: False)
        return bp.batch(frame, **asked)


def same(found, expected, limit, chance=1e-6):
    spread = expected["mu_sd"].to_numpy()[:, None]
    numbers = [name for name in NUMBERS if expected[name].notna().any()]
    gap = (found[numbers] - expected[numbers]).abs().to_numpy() / spread
    # What both say of themselves is an error in probability; where 2.5 % lie beyond, the density
    # is 0.058 a standard deviation.
    own = (found["grid_error"] + expected["grid_error"]).to_numpy()
    assert (gap.max(axis=1) < limit + own / 0.058).all()
    # The surface of one review errs by 1e-5 of an SD itself in the effect of a new trial.
    chances = [name for name in found if name.startswith("prob_")]
    assert ((found[chances] - expected[chances]).abs().max(axis=1) < chance + own).all()


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_log_likelihoods_are_those_of_one_trial_at_a_time(measure):
    arms = np.array([[10, 50, 12, 55], [8, 400, 20, 380], [100, 300, 90, 310]], dtype=float)
    if measure == "OR":
        arms = np.vstack([arms, [[0, 40, 3, 45], [0, 30, 0, 60], [1, 33, 30, 180]]])
    phi = parse_prior("Normal(0, 10)", "phi")
    rough = rough_effects(measure, arms)
    found = likelihoods(measure, arms, *rough, phi)
    finer = counts_likelihoods(measure, arms, *rough, phi, 2.0)
    theta = rough[0][:, None] + rough[1][:, None] * np.linspace(-5, 5, 41)
    expected = np.array([term.log(at) for term, at in zip(finer, theta, strict=True)])
    near = expected > expected.max(axis=1, keepdims=True) - 12
    gap = np.abs(found.at(theta, np.arange(len(arms))) - expected)
    assert gap[near].max() < 2e-6
    assert found.error.max() < 1e-4


@pytest.mark.parametrize(
    ("measure", "effects", "more"),
    [
        ("OR", "random", {}),
        ("OR", "common", {}),
        ("RR", "random", {"phi": "Normal(0, 2)"}),
        ("RD", "random", {}),
        ("OR", "random", {"mu": "StudentT(4, 0, 1)", "tau": "HalfCauchy(0.5)"}),
    ],
)
def test_reviews_together_have_the_numbers_of_each_alone(
    measure, effects, more, alone, monkeypatch
):
    frame = made(4, seed=2)
    asked = {"measure": measure, "effects": effects, "benefit": "lower", **more}
    found = bp.batch(frame, **asked)
    assert alone == []
    same(found, apart(monkeypatch, frame, **asked), 2e-5)


def test_order_and_company_move_no_digit_that_is_printed():
    frame = made(8, seed=3)
    one = bp.batch(frame, measure="OR").set_index("review")
    turned = pd.concat([own for _, own in reversed(list(frame.groupby("review", sort=False)))])
    for other in (bp.batch(turned, measure="OR"), bp.batch(frame, measure="OR", size=3)):
        same(other.set_index("review").loc[one.index], one, 1e-6)


def test_what_no_shared_nodes_suit_is_taken_alone(alone):
    frame = made(2, seed=4)
    bent = frame.assign(events_control=frame["n_control"] - 1)
    for measure, table, more in (
        ("RR", bent, {}),
        ("RD", bent, {}),
        ("OR", frame, {"effects": "t"}),
        ("OR", frame, {"tau": "Uniform(0, 2)"}),
    ):
        alone.clear()
        found = bp.batch(table[table["review"] == "r0"], measure=measure, **more)
        assert (found["error"] == "").all()
        assert alone == ["r0"]


@pytest.mark.long
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("priors", ["weak", "vague"])
@pytest.mark.parametrize("rare", [False, True])
def test_a_hundred_made_up_reviews(measure, priors, rare, monkeypatch):
    frame = made(100, seed=5, smallest=5, rare=rare)
    asked = {"measure": measure, "priors": priors, "benefit": "lower"}
    same(bp.batch(frame, **asked), apart(monkeypatch, frame, **asked), 1e-4)
