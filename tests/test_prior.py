import math
import string
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from bayespool.errors import PriorError
from bayespool.prior import Prior, Priors, check_proper, describe, parse_prior, worth
from bayespool.prior.families import FAMILIES

# Several members of every family, with a role that admits it.
MEMBERS = [
    ("Normal(0, 1)", "mu"),
    ("Normal(-0.357, 0.217)", "phi"),
    ("StudentT(4, 0, 0.58)", "mu"),
    ("StudentT(1, 0.5, 0.034)", "mu"),
    ("StudentT(2.5, -1, 20)", "mu"),
    ("Cauchy(0, 1)", "mu"),
    ("Cauchy(-2, 0.3)", "mu"),
    ("Logistic(0, 1)", "mu"),
    ("Logistic(3, 0.2)", "mu"),
    ("Uniform(0, 2)", "tau"),
    ("Uniform(-10, 4)", "mu"),
    ("HalfNormal(0.5)", "tau"),
    ("HalfNormal(15)", "tau"),
    ("HalfCauchy(1)", "tau"),
    ("HalfCauchy(0.3)", "tau"),
    ("HalfStudentT(4, 0.5)", "tau"),
    ("HalfStudentT(1.5, 2)", "tau"),
    ("Exponential(2)", "tau"),
    ("Exponential(0.1)", "tau"),
    ("LogNormal(-1.975, 0.67)", "tau"),
    ("LogNormal(0.5, 2)", "tau"),
    ("Gamma(2, 3)", "tau"),
    ("Gamma(0.4, 0.1)", "tau"),
    ("InverseGamma(1.77, 0.55)", "tau"),
    ("InverseGamma(5, 20)", "tau"),
]
LOG_T = ("LogStudentT(5, -3.44, 2.59)", "tau")
LEVELS = np.array([0.001, 0.025, 0.25, 0.4, 0.5, 0.75, 0.975, 0.999])


@pytest.mark.parametrize(("text", "role"), MEMBERS)
def test_arithmetic_is_that_of_preliz(text, role):
    prior = parse_prior(text, role)
    x = prior.ppf(LEVELS)
    np.testing.assert_allclose(prior.dist.ppf(LEVELS), x, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(prior.dist.logpdf(x), prior.logpdf(x), rtol=0, atol=1e-10)
    np.testing.assert_allclose(prior.dist.cdf(x), prior.cdf(x), rtol=0, atol=1e-10)


def test_every_family_is_compared_with_preliz():
    compared = {text.partition("(")[0] for text, _ in MEMBERS}
    assert compared == set(FAMILIES) - {"LogStudentT"}


# mpmath, 60 digits.
@pytest.mark.parametrize(
    ("text", "method", "x", "expected"),
    [
        ("Normal(0, 1)", "sf", 37, 5.725571222524577e-300),
        ("Normal(0, 1)", "cdf", -37, 5.725571222524577e-300),
        ("Normal(2, 0.5)", "cdf", -8, 2.753624118606234e-89),
        ("HalfNormal(0.5)", "sf", 18, 8.365248131594567e-284),
        ("HalfNormal(0.5)", "cdf", 1e-200, 1.595769121605731e-200),
        ("StudentT(4, 0, 0.5)", "sf", 1e70, 1.875e-281),
        ("StudentT(4, 0, 0.5)", "cdf", -3, 0.001941268523480255),
        ("StudentT(2.5, 0, 2)", "cdf", 0.5, 0.5891596994373484),
        ("StudentT(1000, 0, 1)", "sf", 10, 8.335351479300033e-23),
        ("Cauchy(0, 2)", "sf", 1e200, 6.366197723675813e-201),
        ("Cauchy(0, 2)", "cdf", -1e200, 6.366197723675813e-201),
        ("HalfCauchy(0.5)", "sf", 1e250, 3.183098861837907e-251),
        ("HalfCauchy(0.5)", "cdf", 1e-250, 1.273239544735163e-250),
        ("HalfStudentT(3, 0.5)", "sf", 1e90, 2.75664447710896e-271),
        ("HalfStudentT(3, 0.5)", "cdf", 1e-100, 1.470210387791445e-100),
        ("Logistic(0, 0.5)", "sf", 345, 2.171738281389827e-300),
        ("Exponential(2)", "sf", 345, 2.171738281389827e-300),
        ("Exponential(2)", "cdf", 1e-250, 2.0e-250),
        ("LogNormal(-1.975, 0.67)", "sf", 1e10, 4.739278767792585e-305),
        ("LogNormal(-1.975, 0.67)", "cdf", 1e-10, 5.53530262004862e-217),
        ("Gamma(2, 3)", "sf", 200, 1.592888328355591e-258),
        ("Gamma(2, 3)", "cdf", 1e-100, 4.5e-200),
        ("InverseGamma(1.77, 0.55)", "cdf", 0.001, 1.919379864976566e-237),
        ("InverseGamma(1.77, 0.55)", "sf", 1e100, 2.122795072080755e-178),
        ("LogStudentT(5, -3.44, 2.59)", "sf", 1e6, 3.549723302988564e-5),
        ("LogStudentT(5, -3.44, 2.59)", "cdf", 1e-6, 1.184649600412101e-4),
    ],
)
def test_tails_keep_their_relative_accuracy(text, method, x, expected):
    role = "tau" if text.startswith("Log") and text[3] == "S" else "mu"
    # The argument's own rounding is magnified by the slope of the log probability, up to 1,400.
    assert getattr(parse_prior(text, role), method)(x) == pytest.approx(expected, rel=1e-12)


def test_log_student_t_is_a_student_t_of_log_tau_squared():
    prior = parse_prior(*LOG_T)
    t = stats.t(5, -3.44, 2.59)
    tau = np.array([1e-4, 0.01, 0.18, 1.0, 40.0])
    np.testing.assert_allclose(prior.cdf(tau), t.cdf(2 * np.log(tau)), rtol=1e-12)
    np.testing.assert_allclose(prior.sf(tau), t.sf(2 * np.log(tau)), rtol=1e-12)
    np.testing.assert_allclose(prior.ppf(LEVELS), np.exp(t.ppf(LEVELS) / 2), rtol=1e-12)
    area, _ = integrate.quad(lambda x: math.exp(prior.logpdf(x)), 0.1, 3, epsabs=1e-12)
    assert area == pytest.approx(prior.cdf(3) - prior.cdf(0.1), abs=1e-11)
    assert prior.logpdf(0.0) == math.inf
    assert "log(tau²)" in Prior.__doc__


@pytest.mark.parametrize(("text", "role"), [*MEMBERS, LOG_T])
def test_quantiles_invert_probabilities_in_both_tails(text, role):
    prior = parse_prior(text, role)
    q = np.array([1e-10, 1e-4, *LEVELS])
    q = np.concatenate([q, 1 - q])
    x = prior.ppf(q)
    # A quantile is rounded to a double, which moves its probability by density times spacing.
    rounding = 2 * np.exp(prior.logpdf(x)) * np.spacing(np.abs(x))
    assert (np.abs(prior.cdf(x) - q) <= 1e-12 * q + rounding).all()
    assert (np.abs(prior.sf(x) - (1 - q)) <= 1e-12 * (1 - q) + rounding).all()
    np.testing.assert_array_equal(np.isnan(prior.ppf([-0.1, 1.1, np.nan])), True)
    np.testing.assert_array_equal(prior.ppf([0.0, 1.0]), prior.support)


@pytest.mark.parametrize(("text", "role"), [*MEMBERS, LOG_T, ("Flat()", "mu"), ("Flat()", "tau")])
def test_outside_the_support_and_at_the_ends_of_the_number_line(text, role):
    prior = parse_prior(text, role)
    lower, upper = prior.support
    x = np.array([-np.inf, -1e300, -1.0, 0.0, 1e-300, 1.0, 1e300, np.inf])
    inside = (x >= lower) & (x <= upper)
    density = prior.logpdf(x)
    np.testing.assert_array_equal(density[~inside], -np.inf)
    assert not np.isnan(density).any()
    assert prior.logpdf(np.empty((0, 3))).shape == (0, 3)
    assert prior.logpdf(np.ones((2, 3))).shape == (2, 3)
    if prior.proper:
        assert not np.isnan(prior.cdf(x)).any()
        assert (prior.cdf(-np.inf), prior.cdf(np.inf)) == (0, 1)
        assert (prior.sf(-np.inf), prior.sf(np.inf)) == (1, 0)
        np.testing.assert_array_equal(density[np.isinf(x)], -np.inf)


@pytest.mark.parametrize(("text", "role"), [*MEMBERS, LOG_T, ("Flat()", "tau")])
def test_tail_exponent_is_the_slope_of_the_log_density(text, role):
    prior = parse_prior(text, role)
    if prior.family == "Uniform":
        assert prior.tail == math.inf
        return
    # Far out; a lognormal's slope grows without bound, but slowly, and the 1/x of LogStudentT
    # is divided by a power of log x.
    near, far = prior.logpdf([1e40, 1e42])
    slope = -(far - near) / math.log(100)
    if prior.tail == math.inf:
        assert slope > 20
    else:
        assert slope == pytest.approx(
            prior.tail, rel=0.1 if prior.family == "LogStudentT" else 1e-6
        )


def test_flat_is_improper_and_has_no_quantiles():
    mu, tau = parse_prior("Flat()", "mu"), parse_prior(" Flat( ) ", "tau")
    assert (mu.proper, mu.tail, mu.dist, mu.params) == (False, 0.0, None, {})
    assert (mu.support, tau.support) == ((-math.inf, math.inf), (0.0, math.inf))
    np.testing.assert_array_equal(tau.logpdf([-1.0, 0.0, 1e9]), [-np.inf, 0, 0])
    for method in (mu.cdf, mu.sf, mu.ppf):
        with pytest.raises(PriorError, match=r"prior on mu is Flat\(\)"):
            method(0.5)


NUMBERS = st.floats(-1e12, 1e12)
SIZES = st.floats(1e-12, 1e12)


@st.composite
def priors(draw):
    role = draw(st.sampled_from(["mu", "tau", "phi"]))
    family = draw(st.sampled_from([*FAMILIES, "Flat"]))
    if family == "Flat":
        names, positive = (), frozenset()
    else:
        names, positive = FAMILIES[family].parameters, FAMILIES[family].positive
    values = [draw(SIZES if name in positive else NUMBERS) for name in names]
    if family == "Uniform":
        values.sort()
    return family, tuple(values), role


@given(priors())
def test_canonical_text_parses_to_an_equal_prior(drawn):
    family, values, role = drawn
    try:
        prior = Prior(family, values, role)
    except PriorError:
        return
    again = parse_prior(prior.text, role)
    assert again == prior
    assert hash(again) == hash(prior)
    assert again.text == prior.text
    named = ", ".join(f"{name} = {value!r}" for name, value in reversed(prior.params.items()))
    assert parse_prior(f" {family}\t( {named} )\n", role) == prior


@given(
    st.text(alphabet=string.printable + "²µ−٣", max_size=250)
    | st.from_regex(r"[A-Z]\w*\([-+.,=\w ]*\)")
)
def test_any_text_is_a_prior_or_a_prior_error(text):
    for role in ("mu", "tau", "phi"):
        try:
            prior = parse_prior(text, role)
        except PriorError as error:
            message = str(error)
        else:
            message = f"prior on {role}: "
            assert parse_prior(prior.text, role) == prior
        assert message.startswith(f"prior on {role}: ")


@pytest.mark.parametrize(
    ("text", "family", "values"),
    [
        ("Normal(0,1)", "Normal", (0, 1)),
        ("  Normal ( +.5 , 1.E-1 ) ", "Normal", (0.5, 0.1)),
        ("Normal(sigma=2, mu=-1e-3)", "Normal", (-0.001, 2)),
        ("Normal(-0, sigma=2)", "Normal", (0, 2)),
        ("StudentT(4, 0, sigma=0.5)", "StudentT", (4, 0, 0.5)),
        ("Cauchy(alpha=0, beta=1)", "Cauchy", (0, 1)),
        ("Uniform(-1, 1)", "Uniform", (-1, 1)),
    ],
)
def test_what_can_be_written(text, family, values):
    prior = parse_prior(text, "mu")
    assert (prior.family, prior.values) == (family, values)
    assert math.copysign(1, prior.values[0]) == (-1 if values[0] < 0 else 1)


@pytest.mark.parametrize(
    ("text", "role", "pieces"),
    [
        (
            "HalfNorml(0.5)",
            "tau",
            ["'HalfNorml(0.5)'", "Did you mean HalfNormal?", "Gamma(alpha, beta)"],
        ),
        ("halfnormal(0.5)", "tau", ["no family halfnormal", "Did you mean HalfNormal?"]),
        ("InvGamma(1, 1)", "tau", ["Did you mean InverseGamma?"]),
        ("Zipf(2)", "mu", ["no family Zipf. The families for mu are Normal(mu, sigma)"]),
        ("Normal(0, 1)", "tau", ["cannot be negative", "Did you mean HalfNormal(sigma)?"]),
        (
            "Uniform(-1, 1)",
            "tau",
            ["Uniform(-1, 1)", "cannot be negative", "lower must be 0 or more"],
        ),
        ("LogStudentT(5, 0, 1)", "mu", ["a distribution of tau"]),
        ("HalfNormal(1)", "phi", ["any number", "Logistic(mu, s)"]),
        ("Uniform(-9, 9)", "phi", ["any number"]),
        ("Flat()", "phi", ["proper"]),
        ("Flat", "tau", ["such as Flat()"]),
        ("Flat(1)", "mu", ["too many numbers; expected Flat()"]),
        ("HalfNormal(-1)", "tau", ["sigma = -1 must be above 0"]),
        ("HalfNormal(0)", "tau", ["sigma = 0 must be above 0"]),
        ("StudentT(0, 0, 1)", "mu", ["nu = 0 must be above 0"]),
        ("Uniform(1, 1)", "mu", ["lower must be below upper"]),
        ("Uniform(2, 1)", "mu", ["lower must be below upper"]),
        ("Normal(nan, 1)", "mu", ["'nan' is not a number such as", "expected Normal(mu, sigma)"]),
        ("Normal(0, inf)", "mu", ["'inf' is not a number such as"]),
        ("Normal(0, 1e400)", "mu", ["1e400 is beyond what a computer can hold. Choose"]),
        ("Normal(0, 1e-13)", "mu", ["sigma = 1e-13 is outside 1e-12 to 1e+12 in size", "unit"]),
        ("Normal(1e13, 1)", "mu", ["mu = 10000000000000 is outside"]),
        ("Normal(0)", "mu", ["sigma missing; expected Normal(mu, sigma)"]),
        ("Normal()", "mu", ["mu and sigma missing"]),
        ("Normal(0, 1, 2)", "mu", ["too many numbers"]),
        ("Normal(0,, 1)", "mu", ["'' is not a number"]),
        ("Normal(0, 1_0)", "mu", ["'1_0' is not a number"]),
        ("Normal(0, ٣)", "mu", ["'٣' is not a number"]),
        ("Normal(0, 0x1)", "mu", ["'0x1' is not a number"]),
        ("Normal(0, 1/2)", "mu", ["'1/2' is not a number"]),
        ("Normal(0, sd=1)", "mu", ["no argument sd; expected Normal(mu, sigma)"]),
        ("Normal(mu=0, 1)", "mu", ["'1' follows a named argument"]),
        ("Normal(0, mu=1)", "mu", ["mu is given twice"]),
        ("Normal(0, 1", "mu", ["write a family and its numbers, such as Normal(0, 1)"]),
        ("0.5", "tau", ["such as HalfNormal(0.5)"]),
        ("", "mu", ["''"]),
        ("Normal(0, 1); Normal(0, 1)", "mu", ["not a number"]),
        ("__import__('os').getcwd()", "mu", ["no family __import__"]),
        ("Normal(0, " + "1" * 200 + ")", "mu", ["(211 characters)", "at most 200"]),
        (0.5, "mu", ["0.5 (float)", "a prior is text such as 'Normal(0, 1)'"]),
        (None, "tau", ["None (NoneType)", "'HalfNormal(0.5)'"]),
    ],
)
def test_what_cannot_be_written_says_why(text, role, pieces):
    with pytest.raises(PriorError) as caught:
        parse_prior(text, role)
    message = str(caught.value)
    assert message.startswith(f"prior on {role}: ")
    for piece in pieces:
        assert piece in message


def test_a_prior_is_for_a_known_parameter():
    for build in (
        lambda: parse_prior("Normal(0, 1)", "theta"),
        lambda: Prior("Normal", (0, 1), "x"),
    ):
        with pytest.raises(PriorError, match="mu, tau or phi, not for"):
            build()


def test_a_prior_built_from_numbers_is_checked_like_text():
    assert Prior("HalfNormal", (np.float64(0.5),), "tau") == parse_prior("HalfNormal(0.5)", "tau")
    for family, values in [("HalfNormal", (0.5, 1)), ("HalfNormal", (math.nan,)), ("Nix", ())]:
        with pytest.raises(PriorError):
            Prior(family, values, "tau")


def test_priors_take_text_or_priors():
    from_text = Priors(mu="Normal(0, 1)", tau="HalfNormal(0.5)", phi="Normal(0, 10)")
    tau = parse_prior("HalfNormal(0.5)", "mu")
    from_priors = Priors(parse_prior("Normal(0,1)", "phi"), tau, parse_prior("Normal(0,10)", "mu"))
    assert from_text == from_priors
    assert from_priors.tau.role == "tau"
    assert Priors("Flat()", "Flat()").phi is None
    assert eval(repr(from_text), {"Priors": Priors}) == from_text
    assert str(from_text.mu) == "Normal(0, 1)"
    with pytest.raises(PriorError, match="prior on tau"):
        Priors("Normal(0, 1)", parse_prior("Normal(0, 1)", "mu"))


@pytest.mark.parametrize(
    ("mu", "tau", "needed"),
    [
        ("Normal(0, 1)", "HalfNormal(0.5)", 0),
        ("Normal(0, 1)", "Flat()", 2),
        ("Flat()", "HalfNormal(0.5)", 1),
        ("Flat()", "Flat()", 3),
    ],
)
def test_flat_priors_need_informative_trials(mu, tau, needed):
    priors = Priors(mu, tau)
    for k in range(needed):
        with pytest.raises(PriorError, match=r"flat prior on .* needs .* informative trial"):
            check_proper(priors, k)
    check_proper(priors, needed)


def test_a_common_effect_does_not_mind_a_flat_tau():
    check_proper(Priors("Normal(0, 1)", "Flat()"), 0, random=False)
    with pytest.raises(PriorError, match="flat prior on mu"):
        check_proper(Priors("Flat()", "Flat()"), 0, random=False)


def test_pymc_draws_have_the_quantiles():
    import pymc as pm

    members = [parse_prior(*member) for member in [*MEMBERS, LOG_T]]
    with pm.Model():
        variables = [prior.to_pymc(f"x{i}", shape=4000) for i, prior in enumerate(members)]
    # NumPy draws in this mode: compiling 26 generators would take 20 s.
    draws = pm.draw(variables, random_seed=3, mode="FAST_COMPILE")
    for prior, sample in zip(members, draws, strict=True):
        # Kolmogorov's statistic passes 1.95 / sqrt(n) once in a thousand: 26 tests, fixed seed.
        assert stats.kstest(sample, prior.cdf).statistic < 1.95 / math.sqrt(4000), prior


def test_pymc_variables_without_draws_and_with_dims():
    import pymc as pm

    with pm.Model(coords={"trial": ["a", "b", "c"]}) as model:
        parse_prior("Flat()", "mu").to_pymc("mu")
        tau = parse_prior("Flat()", "tau").to_pymc("tau")
        spread = parse_prior(*LOG_T).to_pymc("spread")
        phi = parse_prior("Normal(0, 10)", "phi").to_pymc("phi", dims="trial")
    assert model.named_vars_to_dims["phi"] == ("trial",)
    assert pm.draw(phi, random_seed=1).shape == (3,)
    assert [v.name for v in model.deterministics] == ["spread"]
    assert spread is model["spread"]
    assert pm.logp(tau, np.array([-1.0, 0.5])).eval().tolist() == [-np.inf, 0]
    assert pm.logp(model["mu"], -1e9).eval() == 0


def test_arithmetic_does_not_wait_for_preliz():
    code = (
        "import sys; from bayespool.prior import parse_prior; "
        "parse_prior('Normal(0, 1)', 'mu').logpdf(0.0); sys.exit('preliz' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "role", "measure", "expected"),
    [
        (
            "Normal(0, 1)",
            "mu",
            "RR",
            "95 % of the prior on RR lies in 0.14 to 7.1, worth about 4 events",
        ),
        (
            "Normal(0, 0.217)",
            "mu",
            "OR",
            "95 % of the prior on OR lies in 0.65 to 1.5, worth about 85 events",
        ),
        (
            "Normal(0, 10)",
            "mu",
            "OR",
            "95 % of the prior on OR lies in 3.1e-9 to 3.3e8, worth about 0.04 events",
        ),
        (
            "Normal(0, 1)",
            "mu",
            "SMD",
            "95 % of the prior on SMD lies in -2 to 2, worth about 4 patients",
        ),
        ("Normal(0, 0.3)", "mu", "RD", "95 % of the prior on RD lies in -0.53 to 0.53"),
        ("Normal(0, 100)", "mu", "generic", "95 % of the prior on the effect lies in -200 to 200"),
        (
            "HalfNormal(0.5)",
            "tau",
            "RR",
            "95 % of the prior on tau lies in 0.016 to 1.1, half of it below 0.34",
        ),
        (
            "Normal(0, 2)",
            "phi",
            "RR",
            "95 % of the prior on a risk common to both arms lies in 0.019 to 0.98",
        ),
        (
            "Flat()",
            "mu",
            "RR",
            "flat on mu: no value is favoured on the analysis scale; worth no trial",
        ),
    ],
)
def test_describe(text, role, measure, expected):
    assert describe(parse_prior(text, role), measure) == expected


def test_worth_is_four_over_the_variance():
    assert worth(parse_prior("Normal(0.3, 0.25)", "mu"), "OR") == pytest.approx(64, rel=1e-12)
    assert worth(parse_prior("Flat()", "mu"), "OR") is None
    assert worth(parse_prior("Normal(0, 1)", "mu"), "MD") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("LogNormal(0, 1e-12)", "allows a single value alone"),
        ("LogNormal(-1e6, 1)", "allows a single value alone"),
        ("Gamma(1e-12, 1)", "allows a single value alone"),
        ("Gamma(1e12, 1)", "allows a single value alone"),
        ("LogNormal(1e6, 1)", "lies beyond any number"),
        ("InverseGamma(1e-12, 1)", "lies beyond any number"),
    ],
)
def test_a_prior_that_is_a_point_or_beyond_all_numbers_is_refused(text, said):
    with pytest.raises(PriorError, match=said):
        parse_prior(text, "tau")


@pytest.mark.parametrize(
    "text", ["InverseGamma(1e-3, 1e-3)", "Gamma(1e-3, 1e-3)", "HalfNormal(1e-12)"]
)
def test_a_vague_or_narrow_prior_is_no_slip(text):
    assert parse_prior(text, "tau").text
