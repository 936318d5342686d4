"""Named sets of priors, and what they say to a panel."""

import re

import numpy as np
import pytest
from scipy import stats

import bayespool as bp
from bayespool.prior import catalogue_table, named_priors, stated

GIVEN = re.compile(r"gives (.+) % to a benefit that matters .*, (.+) % to any benefit, (.+) % to")


def given(text: str) -> list[float]:
    """The three probabilities that a set states, in percent; "<0.1" is 0."""
    return [0.0 if "<" in number else float(number) for number in GIVEN.search(text).groups()]


def names(sets) -> list[str]:
    return [each.name for each in sets]


def test_the_sets_that_apply():
    general, opinions = ["weak", "vague"], ["sceptical", "enthusiastic", "pessimistic"]
    row = "turner2015:all-cause-mortality/pharmacological-vs-placebo"
    assert names(named_priors("RR")) == general
    assert names(named_priors("RR", 0.7, "lower", rows=[row])) == [*general, *opinions, row]
    assert named_priors("MD", -20, "lower") == []
    in_unit = named_priors("MD", -20, "lower", tau="HalfNormal(5)")
    assert names(in_unit) == [f"{name} with own tau" for name in opinions]
    assert {each.tau.text for each in in_unit} == {"HalfNormal(5)"}
    assert named_priors("OR", tau="HalfNormal(5)")[0].tau.text == "HalfNormal(0.5)"


@pytest.mark.parametrize(
    ("measure", "important", "benefit"),
    [("RR", 0.7, "lower"), ("OR", 1 / 0.7, "higher"), ("MD", -20, "lower"), ("RD", 0.1, "higher")],
)
def test_opinions_state_the_probabilities_that_define_them(measure, important, benefit):
    tau = "HalfNormal(5)" if measure == "MD" else None
    found = {
        each.name.split()[0]: each for each in named_priors(measure, important, benefit, tau=tau)
    }
    assert given(found["sceptical"].reason) == [5, 50, 5]
    assert given(found["enthusiastic"].reason) == [50, 95, 0]
    assert given(found["pessimistic"].reason) == [0, 5, 50]


def test_a_set_states_what_its_draws_do():
    rng = np.random.default_rng(11)
    mu = 0.27 * rng.standard_t(3, 400_000)
    (found,) = named_priors("RR", 0.8, "lower", rows=["bartos2023:acute-respiratory-infections"])[
        5:
    ]
    matters, benefit, harm = given(found.reason)
    assert 100 * np.mean(np.exp(mu) < 0.8) == pytest.approx(matters, abs=0.8)
    assert benefit == 50
    assert 100 * np.mean(np.exp(mu) > 1 / 0.8) == pytest.approx(harm, abs=0.8)
    tau = stats.invgamma(1.58, scale=0.25)
    middle, high = re.search(r"50 % above (\S+), 5 % above (\S+)\.", found.reason).groups()
    assert float(middle) == pytest.approx(tau.median(), rel=0.05)
    assert float(high) == pytest.approx(tau.isf(0.05), rel=0.05)


def test_a_risk_difference_is_stated_by_its_own_likelihood():
    (weak, _) = named_priors("RD", likelihood="binomial")
    text = stated(weak, "RD", "binomial", -0.2, "lower")
    expected = 100 * stats.norm.cdf(np.arctanh(-0.2) / 0.3)
    assert given(text)[0] == pytest.approx(expected, abs=0.5)
    assert given(stated(weak, "RD", "normal", -0.2, "lower"))[0] == pytest.approx(
        100 * stats.norm.cdf(-0.2 / 0.3), abs=0.5
    )


def test_both_readings_of_a_cell_are_turners_and_said_to_be_of_odds_ratios():
    rows = [
        "turner2015:all-cause-mortality/pharmacological-vs-placebo",
        "turner2015:all-cause-mortality/nonpharmacological-vs-placebo",
    ]
    drug, other = named_priors("RR", rows=rows)[2:]
    # table IV: log(tau²) ~ Normal(-3.95, 1.34²) and Normal(-4.17, 1.55²)
    for each, (mean, sd) in ((drug, (-3.95, 1.34)), (other, (-4.17, 1.55))):
        ends = np.exp(stats.norm(mean, sd).ppf([0.5, 0.95]) / 2)
        assert each.tau.ppf([0.5, 0.95]) == pytest.approx(ends)
        assert "estimated for log odds ratios; one for log risk ratios" in each.reason
        assert "conservative" not in each.reason  # it is narrower than the weak prior on tau
    assert drug.reason.startswith(
        "Heterogeneity of earlier meta-analyses: all-cause mortality / pharmacological vs placebo."
    )
    assert "50 % above 0.14, 5 % above 0.42" in drug.reason
    assert "log odds ratios" not in named_priors("OR", rows=rows)[2].reason


def test_without_a_side_or_a_size_a_set_states_its_range():
    weak = bp.priors("RR")
    assert "gives 95 % to RR between 0.14 and 7.1." in stated(weak, "RR")
    text = stated(weak, "RR", benefit="lower")
    assert "gives 50 % to any benefit (RR below 1), 95 % to RR between" in text


def test_an_own_prior_on_mu_is_not_described_by_the_set_it_replaces():
    said = stated(bp.priors("RR", "weak", mu="Normal(0.5, 0.2)"), "RR", None, 1.2, "higher")
    assert said.startswith("The prior on mu is the analyst's own.")
    assert "No direction favoured" not in said
    said = stated(bp.priors("RR", "weak", tau="HalfNormal(1)"), "RR", None, 1.2, "higher")
    assert said.startswith("No direction favoured")


def test_a_flat_prior_has_no_probability_and_a_common_effect_no_tau():
    flat = bp.Priors("Flat()", "HalfNormal(1)", name="flat")
    text = stated(flat, "MD", important=-20, benefit="lower", random=False)
    assert text == "Flat: it favours no value of MD, so it has no probability to state."
    assert "no value favoured" in stated(bp.Priors("Normal(0, 1)", "Flat()"), "RR")
    own = bp.Priors("Normal(0, 1)", "HalfNormal(1)", reason="The panel's own.")
    assert stated(own, "RR").startswith("The panel's own. Before the data")


def test_a_name_like_a_published_row_is_not_taken_for_one():
    fake = bp.Priors("Normal(0, 1)", "HalfNormal(1)", name="turner2015:nothing")
    assert "meta-analyses" not in stated(fake, "RR")


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "SMD", "HR"])
def test_every_row_of_the_catalogue_can_be_stated(measure):
    table = catalogue_table(measure)
    rows = [name for name in table["name"] if ":" in name]
    for each in named_priors(measure, rows=rows):
        assert each.reason.endswith((".", "agree."))
        assert not re.search(r"\bnan\b", each.reason)
        assert 60 < len(each.reason) < 420


def test_an_important_effect_on_the_wrong_side_is_refused():
    with pytest.raises(bp.UsageError, match="no benefit where lower is better"):
        named_priors("RR", 1.4, "lower")
    with pytest.raises(bp.UsageError, match="which side is better"):
        named_priors("RR", 0.7)
