import numpy as np
import pytest
from scipy.special import ndtr

import bayespool as bp
from bayespool.decisions import Question, mcse_of, prob_benefit, question_of, thresholds_of
from bayespool.posterior import Draws, NormalMixture


def test_the_flagship_at_its_thresholds(exact):
    table = prob_benefit(exact, benefit="lower", below=[1, 0.9, 0.8])
    assert list(table["threshold"]) == [1, 0.9, 0.8]
    assert table["prob_benefit"].iloc[0] == pytest.approx(0.975, abs=5e-4)
    assert table["prob_benefit"].is_monotonic_decreasing
    assert (table["prob_benefit"] + table["prob_harm"]).to_numpy() == pytest.approx(1, abs=1e-12)
    assert (table["mcse"] == 0).all()


def test_higher_is_the_mirror_of_lower(exact):
    lower = prob_benefit(exact, benefit="lower", below=[0.8])
    higher = prob_benefit(exact, benefit="higher", above=[0.8])
    assert list(lower["prob_benefit"]) == list(higher["prob_harm"])


def test_a_new_trial_is_less_certain(exact):
    mean = prob_benefit(exact, benefit="lower", below=1)
    new = prob_benefit(exact, benefit="lower", below=1, new=True)
    assert new["prob_benefit"].item() < mean["prob_benefit"].item()
    assert new["prob_benefit"].item() == pytest.approx(float(exact["theta_new"].cdf(0.0)))


def test_without_benefit_both_sides_of_no_effect(exact):
    table = prob_benefit(exact)
    assert list(table.columns) == ["threshold", "prob_below", "prob_above", "mcse"]
    assert table["prob_below"].item() == pytest.approx(0.975, abs=5e-4)


def test_a_tail_keeps_its_relative_accuracy():
    import pandas as pd

    trials = bp.read_trials(pd.DataFrame({"trial": ["a"], "estimate": [-9.0], "se": [1.0]}))
    found = bp.surface(trials, "MD", effects="common").posterior(
        bp.Priors("Flat()", "HalfNormal(1)")
    )
    table = prob_benefit(found, benefit="lower")
    assert table["prob_harm"].item() == pytest.approx(ndtr(-9.0), rel=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"benefit": "lower", "above": [1.2]}, "below="),
        ({"benefit": "higher", "below": [0.9]}, "above="),
        ({"benefit": "down"}, "lower or higher, not 'down'"),
        ({"below": [0.9]}, "which side is better"),
        ({"benefit": "lower", "below": [float("nan")]}, "finite"),
        ({"benefit": "lower", "below": [0]}, "not a ratio"),
        ({"benefit": "lower", "below": [-1]}, "not a ratio"),
        ({"benefit": "lower", "below": ["many"]}, "a threshold is a number, not 'many'"),
        ({"benefit": "lower", "below": ["1_0"]}, "a threshold is a number, not '1_0'"),
        ({"benefit": "lower", "below": ["nan"]}, "nan is not an effect"),
    ],
)
def test_the_wrong_word_is_an_error(exact, options, message):
    with pytest.raises(bp.UsageError, match=message):
        prob_benefit(exact, **options)


def test_a_common_effect_has_no_new_trial(mortality):
    found = bp.surface(mortality, "RR", effects="common").posterior(bp.priors("RR"))
    with pytest.raises(bp.UsageError, match="same in a new trial"):
        prob_benefit(found, benefit="lower", new=True)


def test_thresholds_keep_the_number_as_given_and_no_effect_is_among_them():
    assert list(thresholds_of("RR", "log", [0.9, "0.80", 0.9])) == ["1", "0.9", "0.80"]
    assert thresholds_of("RR", "log", [0.9, "1.0"]) == {"1": 0.0, "0.9": np.log(0.9), "1.0": 0.0}
    two = thresholds_of("RR", "log", ["0.9", " 0.90"])
    assert list(two) == ["1", "0.9", "0.90"]
    assert two["0.9"] == two["0.90"]
    assert thresholds_of("MD", "identity", [0, -10.5]) == {"0": 0.0, "-10.5": -10.5}
    assert thresholds_of("RD", "atanh", -0.05)["-0.05"] == pytest.approx(np.arctanh(-0.05))
    assert thresholds_of("RR", "log", None) == {"1": 0.0}


def test_a_risk_difference_beyond_one_is_impossible_on_either_scale():
    for scale in ("atanh", "identity"):
        with pytest.raises(bp.UsageError, match="between -1 and 1"):
            thresholds_of("RD", scale, [1.5])


def test_the_monte_carlo_error_of_a_probability_is_never_zero():
    draws = Draws(np.random.default_rng(2).normal(size=(4, 1000)))
    ess = 4000
    assert mcse_of(draws, 99.0) == pytest.approx(1 / ess, rel=0.2)
    assert mcse_of(draws, 0.0) == pytest.approx(0.5 / ess**0.5, rel=0.2)
    # With the exact probability the error is its own, not that of the draws.
    assert mcse_of(draws, 99.0, p=0.99) == pytest.approx((0.99 * 0.01 / ess) ** 0.5, rel=0.2)


def test_draws_are_taken_as_they_come(both):
    sampled = prob_benefit(both.fit, benefit="lower", below=[1, 0.9, 0.8])
    exact = prob_benefit(both.exact, benefit="lower", below=[1, 0.9, 0.8])
    gap = (sampled["prob_benefit"] - exact["prob_benefit"]).abs()
    assert (gap < 4 * sampled["mcse"]).all()
    assert (sampled["mcse"] > 0).all()


# --- the question ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("benefit", "new", "word", "other", "answer"),
    [
        ("lower", False, "prob_benefit", "prob_harm", 0.3),
        ("higher", False, "prob_benefit", "prob_harm", 0.7),
        (None, False, "prob_below", "prob_above", 0.3),
        ("higher", True, "prob_benefit_new", "prob_harm_new", 0.7),
        (None, True, "prob_below_new", "prob_above_new", 0.3),
    ],
)
def test_a_question_names_its_columns_and_takes_its_side(benefit, new, word, other, answer):
    asked = Question("1", 0.0, benefit, new)
    assert (asked.word, asked.other) == (word, other)
    assert asked.better(0.3) == pytest.approx(answer)
    assert asked.better(np.array([[0.3], [0.5]])) == pytest.approx(np.array([[answer], [0.5]]))


def test_a_question_has_the_answer_of_the_table(exact):
    for benefit, sides in (("lower", {"below": 0.8}), ("higher", {"above": 0.8})):
        for new in (False, True):
            asked = Question("0.8", np.log(0.8), benefit, new)
            table = prob_benefit(exact, benefit, **sides, new=new).set_index("threshold")
            found = asked.chance(exact["theta_new" if new else "mu"])
            assert found == table["prob_benefit"][0.8]
    # Out in a tail 1 - cdf would be 0.
    far = NormalMixture(np.ones(1), np.array([-10.0]), np.ones(1))
    assert Question("0", 0.0, "higher").chance(far) == pytest.approx(ndtr(-10.0), rel=1e-12)


def test_a_question_is_read_in_natural_units(mortality):
    ratio, difference = bp.surface(mortality, "RR"), bp.surface(mortality, "RD")
    assert question_of(ratio, "lower", None) == Question("1", 0.0, "lower")
    assert question_of(ratio, "lower", 1) == Question("1", 0.0, "lower")
    assert question_of(ratio, None, "0.90", True) == Question("0.90", np.log(0.9), None, True)
    assert question_of(ratio, "higher", 1.25) == Question("1.25", np.log(1.25), "higher")
    assert question_of(difference, "lower", -0.05).at == pytest.approx(np.arctanh(-0.05))
    for benefit, threshold, words in (
        ("down", None, "lower or higher"),
        ("lower", 0, "ratios are above 0"),
        ("lower", "some", "a threshold is a number"),
    ):
        with pytest.raises(bp.UsageError, match=words):
            question_of(ratio, benefit, threshold)
    with pytest.raises(bp.UsageError, match="between -1 and 1"):
        question_of(bp.surface(mortality, "RD", "normal"), "lower", 1.5)
