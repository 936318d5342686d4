import csv
import io
import json
import math
from collections import defaultdict
from statistics import median

import numpy as np
import pytest

from bayespool.errors import PriorError, UsageError
from bayespool.measures import MEASURES, from_natural
from bayespool.prior import SETS, catalogue_table, parse_prior, priors
from bayespool.prior.empirical import LEVELS, RHODES_OFF_PATTERN, find, rows, slug, table

RATIOS = ("OR", "RR", "ROM", "HR")


def records(name):
    return list(csv.DictReader(io.StringIO(table(name))))


@pytest.mark.parametrize(
    ("name", "ratio", "difference"),
    [
        ("weak", ("Normal(0, 1)", "HalfNormal(0.5)"), ("Normal(0, 0.3)", "HalfNormal(0.15)")),
        ("vague", ("Normal(0, 10)", "HalfCauchy(1)"), ("Normal(0, 1)", "HalfCauchy(0.3)")),
    ],
)
def test_general_sets(name, ratio, difference):
    for measure in (*RATIOS, "SMD"):
        found = priors(measure, name)
        assert (found.mu.text, found.tau.text, found.phi, found.name) == (*ratio, None, name)
    for likelihood in (None, "normal", "binomial"):
        found = priors("RD", name, likelihood)
        assert (found.mu.text, found.tau.text) == difference
    assert priors("RR") == priors("RR", "weak")


@pytest.mark.parametrize("name", ["weak", "vague"])
@pytest.mark.parametrize("measure", ["MD", "generic"])
def test_measures_with_units_have_no_general_set(measure, name):
    with pytest.raises(PriorError) as caught:
        priors(measure, name)
    for piece in (measure, name, "unit", 'mu="Normal(0, 10)" and tau="HalfNormal(5)"'):
        assert piece in str(caught.value)
    own = priors(measure, name, mu="Normal(0, 10)", tau="HalfNormal(5)")
    assert (own.mu.text, own.tau.text, own.name) == ("Normal(0, 10)", "HalfNormal(5)", "custom")


CASES = [
    ("RR", "binomial", 0.7, "lower"),
    ("OR", "normal", 1 / 0.7, "higher"),
    ("HR", "normal", 0.85, "lower"),
    ("RD", "binomial", -0.05, "lower"),
    ("RD", "normal", 0.2, "higher"),
    ("RD", "binomial", 0.9, "higher"),
    ("SMD", "normal", 0.3, "higher"),
    ("MD", "normal", -5.0, "lower"),
]


@pytest.mark.parametrize(("measure", "likelihood", "important", "benefit"), CASES)
def test_opinions_hold_their_probabilities(measure, likelihood, important, benefit):
    scale = {"RD": "atanh" if likelihood == "binomial" else "identity"}.get(
        measure, "log" if measure in RATIOS else "identity"
    )
    x = from_natural(important, scale)
    tau = "HalfNormal(2)" if measure == "MD" else None

    def opinion(name):
        return priors(measure, name, likelihood, important, benefit, tau=tau)

    def p_better(prior, at):
        return prior.cdf(at) if benefit == "lower" else prior.sf(at)

    sceptical, enthusiastic, pessimistic = map(
        opinion, ("sceptical", "enthusiastic", "pessimistic")
    )
    assert p_better(sceptical.mu, x) == pytest.approx(0.05, abs=1e-12)
    assert p_better(sceptical.mu, 0) == 0.5
    assert p_better(enthusiastic.mu, x) == 0.5
    assert p_better(enthusiastic.mu, 0) == pytest.approx(0.95, abs=1e-12)
    assert p_better(pessimistic.mu, 0) == pytest.approx(0.05, abs=1e-12)
    mirror = parse_prior(enthusiastic.mu, "mu").params | {"mu": -enthusiastic.mu.params["mu"]}
    assert pessimistic.mu.params == mirror
    weak = tau or priors(measure, "weak", likelihood).tau.text
    for found in (sceptical, enthusiastic, pessimistic):
        assert found.tau.text == weak
        assert "= 5 %" in found.reason


def test_opinions_say_their_probability_in_natural_units():
    def reason(name, *about):
        return priors(about[0], name, None, *about[1:]).reason

    assert "P(RR < 0.7) = 5 %" in reason("sceptical", "RR", 0.7, "lower")
    assert "Centred on RR 0.7: P(RR > 1) = 5 %" in reason("enthusiastic", "RR", 0.7, "lower")
    assert "Centred on RR 1.4" in reason("pessimistic", "RR", 0.7, "lower")
    assert "P(RR < 1) = 5 %" in reason("pessimistic", "RR", 0.7, "lower")
    assert "P(RD > 0.1) = 5 %" in reason("sceptical", "RD", 0.1, "higher")
    assert "P(RD < 0) = 5 %" in reason("enthusiastic", "RD", 0.1, "higher")


@pytest.mark.parametrize(
    ("measure", "important", "benefit", "pieces"),
    [
        ("RR", None, "lower", ["needs important", "benefit"]),
        ("RR", 0.7, None, ["lower or higher, not None"]),
        ("RR", 0.7, "low", ["lower or higher, not 'low'"]),
        ("RR", 1.4, "lower", ["must lie below 1 (risk ratio)", "Did you mean 0.71?"]),
        ("RR", 0.7, "higher", ["must lie above 1", "Did you mean 1.4?"]),
        ("MD", 5, "lower", ["must lie below 0 (mean difference)", "Did you mean -5?"]),
        ("RD", -0.05, "higher", ["Did you mean 0.05?"]),
        ("RR", 1, "lower", ["important = 1 is no benefit"]),
        ("RR", -5, "lower", ["-5 is not a ratio"]),
        ("RR", math.nan, "lower", ["nan"]),
        ("RD", 5, "higher", ["between -1 and 1"]),
    ],
)
@pytest.mark.parametrize("likelihood", [None, "normal"])
def test_impossible_opinions(measure, important, benefit, pieces, likelihood):
    for name in ("sceptical", "enthusiastic", "pessimistic"):
        with pytest.raises(UsageError) as caught:
            priors(measure, name, likelihood, important, benefit)
        for piece in pieces:
            assert piece in str(caught.value)


def test_an_opinion_on_a_measure_with_a_unit_needs_tau():
    with pytest.raises(
        PriorError, match=r"MD has no sceptical prior on tau.*tau=\"HalfNormal\(5\)"
    ):
        priors("MD", "sceptical", important=-5, benefit="lower")


def test_own_priors_take_the_place_of_the_set():
    found = priors("RR", "weak", tau="HalfNormal(1)", phi="Normal(0, 2)")
    assert (found.mu.text, found.tau.text) == ("Normal(0, 1)", "HalfNormal(1)")
    assert found.phi is not None
    assert found.phi.text == "Normal(0, 2)"
    assert found.name == "weak with own tau"
    assert "tau is the analyst's own" in found.reason
    assert priors("RR", "turner2015", mu="Flat()").name == "turner2015:any with own mu"
    for own in ({"mu": ""}, {"tau": ""}, {"mu": "", "tau": ""}):
        with pytest.raises(PriorError):
            priors("RR", **own)


# Median and 95 % range of tau, computed elsewhere from the published mean and SD.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("turner2012:all-cause-mortality/pharmacological-vs-placebo", (0.131, 0.032, 0.544)),
        ("turner2012:semi-objective/pharmacological-vs-placebo", (0.221, 0.036, 1.35)),
        ("turner2012:subjective/pharmacological-vs-placebo", (0.345, 0.073, 1.62)),
        ("turner2012:all-cause-mortality/nonpharmacological-vs-any", (0.140, 0.032, 0.616)),
    ],
)
def test_implied_tau_of_turner_2012(name, expected):
    tau = priors("OR", name).tau.ppf([0.5, 0.025, 0.975])
    assert tuple(round(v, 3 if v < 1 else 2) for v in tau) == expected


@pytest.mark.parametrize(
    ("name", "mean", "sd"),
    [
        ("turner2015:all-cause-mortality/pharmacological-vs-placebo", -3.95, 1.34),
        ("turner2015:all-cause-mortality/nonpharmacological-vs-placebo", -4.17, 1.55),
        ("turner2015:adverse events/pharmacological vs placebo", -1.87, 1.52),
        ("turner2015", -2.56, 1.74),
        ("turner2012:all-cause-mortality/pharmacological-vs-placebo", -4.06, 1.45),
        ("turner2012:all-cause-mortality/nonpharmacological-vs-any", -3.93, 1.51),
    ],
)
def test_turner_cells(name, mean, sd):
    for measure in ("OR", "RR"):
        found = priors(measure, name)
        assert found.tau.text == f"LogNormal({mean / 2}, {sd / 2})"
        assert found.mu == priors(measure).mu
        assert f"log(tau²) ~ Normal({mean}, {sd})" in found.reason
        assert ("would be narrower" in found.reason) == (measure == "RR")


@pytest.mark.parametrize(
    ("name", "location", "scale"),
    [
        ("rhodes2015:respiratory/resource/pharmacological-vs-placebo", -4.46, 2.74),
        ("rhodes2015:respiratory/general/pharmacological-vs-pharmacological", -5.34, 2.45),
        ("rhodes2015:other/signs/nonpharmacological-vs-any", -2.86, 2.33),
        ("rhodes2015", -3.44, 2.59),
    ],
)
def test_rhodes_cells(name, location, scale):
    found = priors("SMD", name)
    assert found.tau.text == f"LogStudentT(5, {location}, {scale})"
    assert found.tau.ppf(0.5) == pytest.approx(math.exp(location / 2), rel=1e-12)
    assert "misprint" not in found.reason


@pytest.mark.parametrize(
    ("measure", "name", "mu", "tau"),
    [
        ("SMD", "bartos2023", "StudentT(5, 0, 0.43)", "InverseGamma(1.71, 0.4)"),
        ("OR", "bartos2023:cochrane", "StudentT(4, 0, 0.58)", "InverseGamma(1.77, 0.55)"),
        ("RR", "bartos2023", "StudentT(3, 0, 0.32)", "InverseGamma(1.51, 0.23)"),
        ("RD", "bartos2023", "StudentT(1, 0, 0.034)", "HalfNormal(0.099)"),
        ("HR", "bartos2023", "StudentT(2, 0, 0.13)", "InverseGamma(2.42, 0.3)"),
        ("RR", "bartos2023:acute", "StudentT(3, 0, 0.27)", "InverseGamma(1.58, 0.25)"),
        ("RR", "bartos2023:emergency", "StudentT(2, 0, 0.19)", "InverseGamma(1.65, 0.25)"),
        (
            "OR",
            "bartos2023:infectious-diseases",
            "StudentT(3, 0, 0.66)",
            "InverseGamma(2.08, 0.86)",
        ),
    ],
)
def test_bartos_cells(measure, name, mu, tau):
    found = priors(measure, name)
    assert (found.mu.text, found.tau.text) == (mu, tau)
    assert ("forces" in found.reason) == (measure != "RD")
    assert "arXiv 2306.11468" in found.source


def test_every_published_row_is_in_the_catalogue():
    assert len(rows("turner2012", "OR")) == len(records("turner2012_log_or.csv")) == 9
    assert len(rows("turner2015", "OR")) == len(records("turner2015_log_or.csv")) == 81
    assert len(rows("rhodes2015", "SMD")) == len(records("rhodes2015_smd.csv")) == 73
    bartos = json.loads(table("bartos2023.json"))
    for measure, key in (("SMD", "smd"), ("OR", "logor"), ("RR", "logrr"), ("RD", "rd")):
        fields = {row.path[0] for row in rows("bartos2023", measure)}
        assert fields == set(bartos[key]["heterogeneity"]), measure
    assert set(bartos["logor"]["effect"]) - set(bartos["logor"]["heterogeneity"]) == {
        "Childhood Cancer"
    }


def test_every_row_is_found_by_its_own_name():
    for collection in LEVELS:
        for measure in MEASURES:
            for row in rows(collection, measure):
                name, _, keys = row.name.partition(":")
                assert find(name, measure, keys.split("/")) is row
                assert priors(measure, row.name).name == row.name


def test_rows_by_keyword_by_name_and_by_a_piece_of_it_are_one():
    full = priors("OR", "turner2015:all-cause-mortality/pharmacological-vs-placebo")
    assert full == priors("OR", "turner2015:all-cause/Pharmacological_vs_Placebo")
    assert full == priors(
        "OR", "turner2015", outcome="all-cause mortality", comparison="pharmacological_vs_placebo"
    )
    rhodes = priors("SMD", "rhodes2015:respiratory/biomarker/nonpharmacological-vs-any")
    assert rhodes == priors(
        "SMD", "rhodes2015", field="respiratory", outcome="biomarker", comparison="nonpharm"
    )
    assert priors("RR", "bartos2023", field="HIV/AIDS").name == "bartos2023:hiv-aids"
    assert priors("RR", "bartos2023:heart").name == "bartos2023:heart"
    assert slug("Bone, Joint and Muscle Trauma") == "bone-joint-and-muscle-trauma"


@pytest.mark.parametrize(
    ("measure", "name", "parts", "pieces"),
    [
        ("RR", "scepticl", {}, ["no prior set 'scepticl'", "Did you mean sceptical?", "vague"]),
        ("RR", "weak:mortality", {}, ["no prior set 'weak:mortality'"]),
        ("RR", "", {}, ["no prior set ''"]),
        ("RR", "turner2012", {}, ["needs its outcome too", "semi-objective"]),
        ("RR", "turner2015:all-cause-mortality", {}, ["needs its comparison too", "nonpharm"]),
        ("RR", "turner2015:mortality/x", {}, ["fits more than one outcome", "cause-specific"]),
        ("RR", "turner2015:mortalty", {}, ["no outcome 'mortalty'"]),
        ("RR", "turner2015:pain/pharmacological-vs-placebo/x", {}, ["OUTCOME/COMPARISON at most"]),
        ("RR", "bartos2023:infectius-diseases", {}, ["Did you mean infectious-diseases?"]),
        ("RR", "bartos2023:childhood-cancer", {}, ["no field 'childhood-cancer'"]),
        ("RR", "bartos2023:???", {}, ["no field '???'"]),
        ("SMD", "turner2015", {}, ["about OR and RR, not SMD", "rhodes2015 and bartos2023"]),
        ("MD", "rhodes2015", {}, ["about SMD, not MD"]),
        ("RR", "bartos2023", {"outcome": "pain"}, ["bartos2023 has no outcome", "field"]),
        ("RR", "weak", {"field": "heart"}, ["the weak prior has no field"]),
        ("RR", "turner2015:pain", {"comparison": "x"}, ["leave out comparison"]),
        ("XX", "weak", {}, ["no measure 'XX'"]),
    ],
)
def test_what_the_catalogue_does_not_have(measure, name, parts, pieces):
    with pytest.raises(UsageError) as caught:
        priors(measure, name, **parts)
    for piece in pieces:
        assert piece in str(caught.value)


def rhodes_departures():
    """Cells that break Rhodes' own pattern by more than the rounding of two decimals.

    Locations are a sum of area, outcome and comparison; scales are not, but those of other and
    respiratory agree to 0.02. Each effect is a median, which one wrong cell does not move.
    """
    names = {"general": "general health/AE/pain/QoL", "signs": "signs/infection"}
    location, scale = {}, {}
    for record in records("rhodes2015_smd.csv"):
        if record["area"] != "any":
            outcome = names.get(record["outcome"], record["outcome"])
            path = (record["area"], outcome, record["comparison"])
            location[path] = float(record["location_log_tau2"])
            scale[path] = float(record["scale_log_tau2"])
    residual = dict(location)
    for _ in range(3):
        for axis in range(3):
            groups = defaultdict(list)
            for path, value in residual.items():
                groups[path[axis]].append(value)
            residual = {p: v - median(groups[p[axis]]) for p, v in residual.items()}
    found = {
        p: ("location", location[p], round(location[p] - r, 2))
        for p, r in residual.items()
        if abs(r) > 0.03
    }
    for path, value in scale.items():
        expected = scale[("respiratory", *path[1:])]
        if path[0] == "other" and abs(value - expected) > 0.025:
            found[path] = ("scale", value, expected)
    return found


def test_three_rhodes_cells_break_the_pattern_and_say_so():
    found = rhodes_departures()
    assert set(found) == set(RHODES_OFF_PATTERN)
    for path, (what, printed, pattern) in RHODES_OFF_PATTERN.items():
        assert found[path][:2] == (what, printed)
        assert found[path][2] == pytest.approx(pattern, abs=0.015)
        reason = priors("SMD", "rhodes2015:" + "/".join(map(slug, path))).reason
        assert f"published {what}, {printed}" in reason
        assert "kept as published" in reason
    others = [row for row in rows("rhodes2015", "SMD") if row.path not in RHODES_OFF_PATTERN]
    assert not any(row.mind for row in others)


def test_the_table_is_what_priors_gives():
    frame = catalogue_table("RR", important=0.7, benefit="lower")
    assert frame["name"].is_unique
    assert set(frame["set"]) == set(SETS) - {"rhodes2015"}
    for row in frame.itertuples():
        found = priors("RR", row.name, important=0.7, benefit="lower")
        assert (row.mu, row.tau, row.reason, row.source) == (
            found.mu.text, found.tau.text, found.reason, found.source
        )  # fmt: skip
        assert row.mu_lower == pytest.approx(math.exp(found.mu.ppf(0.025)), rel=1e-12)
        assert row.mu_upper == pytest.approx(math.exp(found.mu.ppf(0.975)), rel=1e-12)
        assert row.tau_median == found.tau.ppf(0.5)
        assert row.tau_lower < row.tau_median < row.tau_upper
        assert row.worth > 0
        assert row.worth_in == "events"
        assert "%" in row.reason
    assert frame.loc[frame["name"] == "weak", "worth"].item() == pytest.approx(4, rel=1e-12)


def test_the_whole_table():
    frame = catalogue_table()
    assert set(frame["measure"]) == set(MEASURES)
    assert not frame.duplicated(["measure", "name"]).any()
    assert (frame["reason"] != "").all()
    opinions = frame["set"].isin(["sceptical", "enthusiastic", "pessimistic"])
    assert (frame.loc[opinions, "mu"] == "").all()
    assert frame.loc[opinions, "mu_lower"].isna().all()
    units = frame["measure"].isin(["MD", "generic"])
    assert (frame.loc[units, ["mu", "tau"]] == "").all(axis=None)
    assert (frame.loc[~units, "tau"] != "").all()
    assert np.isfinite(frame.loc[~units, "tau_upper"]).all()
    assert list(catalogue_table("MD", sets=["turner2015"]).columns) == list(frame.columns)


def test_the_table_refuses_what_it_cannot_show():
    for about in ({"important": 0.7}, {"measure": "XX"}, {"measure": "RR", "sets": ["strong"]}):
        with pytest.raises(UsageError):
            catalogue_table(**about)
