"""Other sets of trials: each row against a surface of its own, and the sums behind all of them."""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import bayespool as bp
from bayespool import figures, subsets
from bayespool.figures.cumulative import cumulative as draw_cumulative
from bayespool.figures.gosh import gosh as draw_gosh
from bayespool.figures.leave_one_out import leave_one_out as draw_left_out
from bayespool.figures.readings import readings as draw_readings
from bayespool.figures.trust import trust as draw_trust
from bayespool.prose.cumulative import cumulative as say_cumulative
from bayespool.prose.gosh import gosh as say_gosh
from bayespool.prose.leave_one_out import leave_one_out as say_left_out
from bayespool.prose.readings import readings as say_readings
from bayespool.prose.trust import trust as say_trust

DATA = Path(__file__).resolve().parents[1] / "data"
ENDS = np.array([0.025, 0.5, 0.975])
RECORD = {"measure": "RR", "benefit": "lower"}
NATURAL = ["natural_lower", "natural_median", "natural_upper"]
TAU = ["tau_lower", "tau_median", "tau_upper"]


def estimates(y, se, **columns) -> bp.Trials:
    names = [f"t{i}" for i in range(len(y))]
    return bp.read_trials(pd.DataFrame({"trial": names, "estimate": y, "se": se, **columns}))


@pytest.fixture(scope="module")
def weak() -> bp.Priors:
    return bp.priors("RR")


@pytest.fixture(scope="module")
def table(mortality) -> bp.Surface:
    return bp.surface(mortality, "RR")


@pytest.fixture(scope="module")
def left_out(table, weak) -> pd.DataFrame:
    return subsets.leave_one_out(table, weak, "lower")


@pytest.fixture(scope="module")
def every(table, weak) -> pd.DataFrame:
    return subsets.gosh(table, weak, "lower")


@pytest.fixture(scope="module")
def others() -> list[subsets.Scenario]:
    return subsets.scenarios(DATA / "alternatives.csv", "mortality")


@pytest.fixture(scope="module")
def read(table, weak, others) -> pd.DataFrame:
    return subsets.readings(table, weak, others, "lower")


def check(row, posterior, natural=np.exp) -> None:
    """A row of answers (lower is better, no effect) is what the posterior says."""
    assert row["prob_benefit"] == pytest.approx(posterior["mu"].cdf(0.0), abs=1e-5)
    found = row[NATURAL].to_numpy(dtype=float)
    assert found == pytest.approx(natural(posterior["mu"].quantile(ENDS)), abs=1e-5, rel=1e-5)
    if "tau" not in posterior:
        return
    found = row[TAU].to_numpy(dtype=float)
    assert found == pytest.approx(posterior["tau"].quantile(ENDS), abs=2e-5)
    if "natural_new_lower" not in row:
        return
    new = posterior["theta_new"]
    assert row["prob_benefit_new"] == pytest.approx(new.cdf(0.0), abs=1e-5)
    ends = np.array([row["natural_new_lower"], row["natural_new_upper"]], dtype=float)
    back = np.arctanh if natural is np.tanh else np.log
    assert new.cdf(back(ends)) == pytest.approx(ENDS[[0, 2]], abs=1e-5)


# --- left out, accumulated, by subgroup ------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "likelihood", "effects"),
    [
        ("RR", "binomial", "random"),
        ("OR", "normal", "random"),
        ("RD", "binomial", "common"),
        ("OR", "normal", "t"),
    ],
)
def test_each_row_is_the_posterior_without_that_trial(mortality, measure, likelihood, effects):
    table, priors = bp.surface(mortality, measure, likelihood, effects), bp.priors(measure)
    # A t effect in a new trial takes seconds.
    found = subsets.leave_one_out(table, priors, "lower", new=effects != "t")
    assert found["without"].tolist() == ["", *table.kept]
    natural = np.tanh if measure == "RD" else np.exp
    check(found.loc[0], table.posterior(priors), natural)
    for i in (1, 4):
        check(found.loc[i], table.posterior(priors, {table.kept[i - 1]: 0}), natural)
    assert ("tau_median" in found) == (effects != "common")
    assert found["change"].tolist() == (found["prob_benefit"] - found["prob_benefit"][0]).tolist()
    assert (found["k"] == [len(table.kept)] + [len(table.kept) - 1] * len(table.kept)).all()


def test_pairs_left_out_are_all_pairs(table, weak):
    found = subsets.leave_two_out(table, weak, "lower", new=False)
    pairs = list(zip(found["without_1"], found["without_2"], strict=True))
    assert pairs == [("", ""), *combinations(table.kept, 2)]
    row = found.loc[20]
    posterior = table.posterior(weak, {row["without_1"]: 0, row["without_2"]: 0})
    assert row["prob_benefit"] == pytest.approx(posterior["mu"].cdf(0.0), abs=1e-6)
    assert row["k"] == 8


def test_a_threshold_and_the_side_are_those_asked_for(table, weak, left_out):
    higher = subsets.leave_one_out(table, weak, "higher", 0.8, new=False)
    posterior = table.posterior(weak)
    assert higher["prob_benefit"][0] == pytest.approx(posterior["mu"].sf(np.log(0.8)), abs=1e-6)
    plain = subsets.leave_one_out(table, weak, new=False)
    assert plain["prob_below"].tolist() == left_out["prob_benefit"].tolist()
    assert "prob_benefit" not in plain
    assert (plain["prob_below"] + plain["prob_above"]).to_numpy() == pytest.approx(1)


def test_trials_accumulate_by_year_and_within_a_year_as_they_stand():
    y, se = [-0.5, -1.2, 0.3, -0.4], [0.4, 0.6, 0.3, 0.2]
    table = bp.surface(estimates(y, se, year=[2003, 2001, 2003, 2002]), "OR")
    priors = bp.Priors("Normal(0, 10)", "HalfCauchy(1)")
    found = subsets.cumulative(table, priors, "lower")
    assert found["trial"].tolist() == ["t1", "t3", "t0", "t2"]
    assert found["year"].tolist() == [2001, 2002, 2003, 2003]
    assert found["k"].tolist() == [1, 2, 3, 4]
    for i in range(4):
        own = table.trials.take(sorted([1, 3, 0, 2][: i + 1]))
        check(found.loc[i], bp.surface(own, "OR").posterior(priors))


def test_without_years_nothing_accumulates(weak):
    table = bp.surface(estimates([0.1, 0.2], [1, 1]), "OR")
    with pytest.raises(bp.DataError, match="no column year"):
        subsets.cumulative(table, weak)
    table = bp.surface(estimates([0.1, 0.2], [1, 1], year=[2001, None]), "OR")
    with pytest.raises(bp.DataError, match="no year for t1"):
        subsets.cumulative(table, weak)


def test_a_subgroup_has_the_posterior_of_its_trials_alone(mortality, table, weak):
    found = subsets.by_subgroup(table, weak, "confidence", "lower")
    assert found["subgroup"].tolist() == ["high", "medium"]
    for i, name in enumerate(found["subgroup"]):
        own = mortality.take((mortality.frame["confidence"] == name).to_numpy())
        assert found["k"][i] == len(own)
        check(found.loc[i], bp.surface(own, "RR").posterior(weak))
    with pytest.raises(bp.UsageError, match=r"no column blinding.*confidence"):
        subsets.by_subgroup(table, weak, "blinding")


def test_what_has_no_posterior_has_no_numbers():
    y, se = [-0.4, 0.2], [0.3, 0.4]
    table = bp.surface(estimates(y, se, group=["a", "b"]), "OR")
    flat = bp.Priors("Normal(0, 10)", "Flat()")  # proper from two trials on
    found = subsets.leave_one_out(table, flat, "lower", new=False)
    assert found["prob_benefit"].notna().tolist() == [True, False, False]
    own = table.posterior(flat)["mu"].cdf(0.0)
    assert found["prob_benefit"][0] == pytest.approx(own, abs=1e-5)
    assert subsets.gosh(table, flat)["prob_below"].notna().tolist() == [False, False, True]
    with pytest.raises(bp.PriorError, match="two informative trials"):
        subsets.by_subgroup(table, flat, "group", "lower")
    alone = bp.surface(estimates([-0.4], [0.3]), "OR")
    single = subsets.leave_one_out(alone, bp.priors("OR"), "lower")
    assert single["prob_benefit"].notna().tolist() == [True, False]


def test_a_uniform_prior_keeps_its_ends(mortality):
    table = bp.surface(mortality, "OR", "normal")
    priors = bp.Priors("Uniform(-2, 2)", "Uniform(0, 1)")
    found = subsets.leave_one_out(table, priors, "lower")
    check(found.loc[2], table.posterior(priors, {table.kept[1]: 0}))


# --- every subset ------------------------------------------------------------------------------


def test_every_subset_is_there_and_is_what_a_batch_says(table, weak, every):
    assert every["subset"].tolist() == list(range(1, 1024))
    held = subsets.members(every, table.kept)
    assert (held.sum(axis=1) == every["size"]).all()
    rows = np.random.default_rng(5).choice(1023, 60, replace=False)
    batch = table.batch(weak, held.iloc[rows].to_numpy(dtype=float))
    found = every.iloc[rows]
    assert found["prob_benefit"].to_numpy() == pytest.approx(batch.cdf("mu", [0.0])[:, 0], abs=1e-6)
    assert np.log(found["natural_mean"]).to_numpy() == pytest.approx(batch.mean("mu"), abs=1e-6)
    assert found["tau_mean"].to_numpy() == pytest.approx(batch.mean("tau"), abs=1e-6)


def test_a_subset_has_the_posterior_of_its_trials_alone(mortality, table, weak, every):
    for row in (every.iloc[1], every.iloc[300], every.iloc[1022]):
        mask = subsets.members(every.loc[[row.name]], table.kept).to_numpy()[0]
        own = bp.surface(mortality.take(mask), "RR").posterior(weak)
        assert row["prob_benefit"] == pytest.approx(own["mu"].cdf(0.0), abs=1e-5)
        assert np.log(row["natural_mean"]) == pytest.approx(own["mu"].mean, abs=1e-5)
        assert row["tau_mean"] == pytest.approx(own["tau"].mean, abs=1e-5)


@pytest.mark.parametrize("effects", ["common", "t"])
def test_other_effects_have_their_subsets_too(mortality, effects):
    table, priors = bp.surface(mortality.take(range(5)), "OR", effects=effects), bp.priors("OR")
    found = subsets.gosh(table, priors, "higher", 0.9)
    assert len(found) == 31
    assert ("tau_mean" in found) == (effects == "t")
    own = table.posterior(priors, {table.kept[1]: 0, table.kept[3]: 0})
    row = found[found["subset"] == 0b10101].iloc[0]
    assert row["prob_benefit"] == pytest.approx(own["mu"].sf(np.log(0.9)), abs=1e-5)


def test_trials_that_contradict_each_other_do_not_underflow():
    # Between the two pairs the likelihood is e^-250,000 of its best for either.
    y, se = np.array([-2.0, -2.01, 2.0, 2.02]), 0.004
    table = bp.surface(estimates(y, [se] * 4), "generic", effects="common")
    found = subsets.gosh(table, bp.Priors("Normal(0, 1)", "HalfNormal(1)"), "lower")
    for number, mean, p in found[["subset", "natural_mean", "prob_benefit"]].to_numpy():
        held = [bool(int(number) >> i & 1) for i in range(4)]
        precision = sum(held) / se**2 + 1
        centre = y[held].sum() / se**2 / precision
        assert mean == pytest.approx(centre, abs=1e-5)
        assert p == pytest.approx(ndtr(-centre * np.sqrt(precision)), abs=1e-5)


def test_what_is_lost_in_scaling_is_summed_in_logs(table, weak, every, monkeypatch):
    module = sys.modules["bayespool.subsets.gosh"]
    monkeypatch.setattr(module, "FLOOR", np.inf)
    found = subsets.gosh(table, weak, "lower")
    for column in ("prob_benefit", "natural_mean", "tau_mean"):
        assert found[column].to_numpy() == pytest.approx(every[column].to_numpy(), abs=1e-6)


def test_sampled_subsets_are_different_and_equal_to_the_whole(table, weak, every):
    some = subsets.gosh(table, weak, "lower", most=5, sample=200, seed=3)
    again = subsets.gosh(table, weak, "lower", most=5, sample=200, seed=3)
    assert some.equals(again)
    assert some["subset"].is_unique
    assert len(some) == 200
    assert some.attrs == {"trials": table.kept, "of": 1023, "seed": 3}
    same = every.set_index("subset").loc[some["subset"]]
    assert some["prob_benefit"].to_numpy() == pytest.approx(
        same["prob_benefit"].to_numpy(), abs=1e-9
    )
    assert some["tau_mean"].to_numpy() == pytest.approx(same["tau_mean"].to_numpy(), abs=1e-9)
    other = subsets.gosh(table, weak, "lower", most=5, sample=200, seed=4)
    assert set(other["subset"]) != set(some["subset"])


def test_a_review_of_seventy_trials_has_its_subsets_too(weak):
    random = np.random.default_rng(70)
    table = bp.surface(estimates(random.normal(-0.1, 0.2, 70), random.uniform(0.2, 0.4, 70)), "OR")
    found = subsets.gosh(table, weak, "lower", sample=40)
    assert found["subset"].is_unique
    assert found.attrs["of"] == 2**70 - 1
    held = subsets.members(found, table.kept).to_numpy()
    assert (held.sum(axis=1) == found["size"]).all()
    assert set(held.mean(axis=0) > 0) == {True}
    assert [sum(1 << int(i) for i in np.flatnonzero(row)) for row in held] == list(found["subset"])
    for i in (0, 39):
        alone = table.weighted(held[i].astype(float)).posterior(weak)
        assert found["prob_benefit"][i] == pytest.approx(alone["mu"].cdf(0.0), abs=1e-6)
    assert set(subsets.presence(found, table.kept)["trial"]) == set(table.kept)


def test_means_that_do_not_exist_are_not_given():
    table = bp.surface(estimates([-0.4, 0.2, 0.3], [0.3, 0.4, 0.2]), "OR")
    priors = bp.Priors("Normal(0, 1)", "Flat()")  # tau's tail falls as tau^-k
    found = subsets.gosh(table, priors, "lower").set_index("size")
    assert found["prob_benefit"].notna().groupby("size").all().tolist() == [False, True, True]
    assert found["tau_mean"].notna().groupby("size").all().tolist() == [False, False, True]


def test_presence_and_size_sum_the_subsets_up(table, every):
    found = subsets.presence(every, table.kept).set_index("trial")
    with_it = [i for i in range(1023) if every["subset"][i] >> 3 & 1]
    p = every["prob_benefit"].to_numpy()
    name = table.kept[3]
    assert found.loc[name, "with"] == pytest.approx(p[with_it].mean())
    assert found.loc[name, "without"] == pytest.approx(np.delete(p, with_it).mean())
    assert found["difference"].abs().is_monotonic_decreasing
    sizes = subsets.by_size(every)
    assert sizes["subsets"].tolist() == [10, 45, 120, 210, 252, 210, 120, 45, 10, 1]
    assert sizes["median"].iloc[8] == pytest.approx(np.median(p[every["size"] == 9]))


# --- the trust dial ------------------------------------------------------------------------------


def test_the_dial_runs_from_without_to_as_they_are_and_tips_where_it_says(table, weak):
    names = ["dilogo_2021", "lanzoni_2021"]
    found = subsets.trust_dial(table, weak, names, "lower", weights=[0, 0.5, 1])
    whole, without = table.posterior(weak), table.posterior(weak, dict.fromkeys(names, 0))
    first, last = found.iloc[0], found.iloc[-1]
    for column in ("prob_benefit", "prob_benefit_counts"):
        assert first[column] == pytest.approx(without["mu"].cdf(0.0), abs=1e-5)
        assert last[column] == pytest.approx(whole["mu"].cdf(0.0), abs=1e-5)
    half = table.posterior(weak, dict.fromkeys(names, 0.5))
    row = found[found["weight"] == 0.5].iloc[0]
    assert row["prob_benefit"] == pytest.approx(half["mu"].cdf(0.0), abs=1e-5)
    assert row[NATURAL].to_numpy(dtype=float) == pytest.approx(
        np.exp(half["mu"].quantile(ENDS)), abs=1e-5
    )
    tips = found[found["tips"].notna()]
    assert tips["tips"].tolist() == [0.9, 0.95]
    for weight, level in zip(tips["weight"], tips["tips"], strict=True):
        at = table.posterior(weak, dict.fromkeys(names, weight))
        assert at["mu"].cdf(0.0) == pytest.approx(level, abs=1e-5)


def test_half_the_counts_are_a_trial_of_half_the_size(mortality, weak):
    even = mortality.frame.copy()
    columns = ["events_treatment", "n_treatment", "events_control", "n_control"]
    even[columns] = 2 * np.ceil(even[columns] / 2)
    table = bp.surface(bp.read_trials(even), "RR")
    found = subsets.trust_dial(table, weak, ["zhu_2021", "shi_2021"], "lower", weights=[0.25, 0.5])
    halved = even.copy()
    rows = halved["trial"].isin(["zhu_2021", "shi_2021"])
    halved.loc[rows, columns] /= 2
    own = bp.surface(bp.read_trials(halved), "RR").posterior(weak)
    assert found["prob_benefit_counts"].iloc[1] == pytest.approx(own["mu"].cdf(0.0), abs=1e-5)
    assert abs(found["prob_benefit_counts"].iloc[1] - found["prob_benefit"].iloc[1]) > 1e-4


def test_a_smaller_estimate_has_a_larger_standard_error():
    y, se = [-0.5, -1.2, 0.3], np.array([0.4, 0.3, 0.3])
    priors = bp.priors("OR")
    table = bp.surface(estimates(y, se), "OR")
    found = subsets.trust_dial(table, priors, [False, True, False], "lower", weights=[0.25])
    wider = bp.surface(estimates(y, se / [1, 0.5, 1]), "OR").posterior(priors)
    assert found["prob_benefit_counts"][0] == pytest.approx(wider["mu"].cdf(0.0), abs=1e-5)
    assert found["discounted"][0] == "t1"


def test_flags_name_the_trials(table, mortality):
    frame = mortality.frame
    low = frame.loc[frame["confidence"] == "medium", "trial"].tolist()
    assert subsets.flagged(table, {"confidence": ["LOW", "medium"]}) == low
    assert subsets.flagged(table, (frame["confidence"] == "medium").to_numpy()) == low
    for which, said in [
        ({"blinding": "open-label"}, "no column blinding"),
        ({"confidence": "none"}, "there are high, medium"),
        (["nobody"], "no trial nobody"),
        ([], "at least one"),
    ]:
        with pytest.raises(bp.UsageError, match=said):
            subsets.flagged(table, which)
    with pytest.raises(bp.UsageError, match="between 0"):
        subsets.trust_dial(table, bp.priors("RR"), ["shi_2021"], weights=[0.5, 1.5])


# --- other readings ------------------------------------------------------------------------------


def test_each_reading_is_the_surface_of_the_changed_data(mortality, weak, others, read):
    assert len(read) == 64
    assert read["reading"].is_unique
    assert read["reading"][0] == ""
    named = {scenario.name: scenario for scenario in others}
    for i in (0, 3, 6, 40, 63):
        names = [name for name in named if read[f"applied: {name}"][i]]
        assert len(names) == read["changes"][i]
        changes = [change for name in names for change in named[name].changes]
        own = subsets.changed(mortality, changes, "here")
        assert len(own) == read["k"][i]
        check(read.loc[i], bp.surface(own, "RR").posterior(weak))


def test_scenarios_that_touch_the_same_trial_are_never_combined(read):
    zarrabi = [name for name in read if name.startswith("applied") and "zarrabi" in name]
    assert len(zarrabi) == 3
    assert read[zarrabi].sum(axis=1).max() == 1
    assert read[zarrabi].sum().tolist() == [16, 16, 16]


def test_beyond_64_combinations_they_are_taken_alone_and_in_pairs(weak):
    trials = estimates(np.linspace(-1, 0.5, 9), [0.4] * 9)
    drops = [subsets.Scenario(f"no {n}", ({"change": "drop", "trial": n},)) for n in trials.names]
    table = bp.surface(trials, "OR")
    found = subsets.readings(table, weak, drops, "lower")
    assert found["changes"].value_counts().to_dict() == {0: 1, 1: 9, 2: 36}
    pairs = subsets.leave_two_out(table, weak, "lower")
    assert found["prob_benefit"].iloc[10:].to_numpy() == pytest.approx(
        pairs["prob_benefit"].iloc[1:].to_numpy(), abs=1e-6
    )


def test_a_main_effect_is_the_mean_change_over_pairs_that_differ_in_it_alone(read):
    found = subsets.main_effects(read).set_index("scenario")
    column = "applied: lanzoni one death"
    rest = [name for name in read if name.startswith("applied") and name != column]
    pairs = read.pivot_table(index=rest, columns=column, values="prob_benefit")
    moved = pairs[True] - pairs[False]
    row = found.loc["lanzoni one death"]
    assert row["pairs"] == len(moved) == 32
    assert row["change"] == pytest.approx(moved.mean())
    assert (row["lowest"], row["highest"]) == pytest.approx((moved.min(), moved.max()))
    alone = read.loc[read["reading"] == "lanzoni one death", "prob_benefit"].iloc[0]
    assert row["alone"] == pytest.approx(alone - read["prob_benefit"][0])
    assert found["change"].abs().is_monotonic_decreasing


def test_faulty_scenarios_are_refused_all_at_once(table, weak):
    bad = [
        subsets.Scenario("a", ({"change": "drop", "trial": "nobody"},)),
        subsets.Scenario("b", ({"change": "add", "trial": "shi_2021"},)),
        subsets.Scenario("c", ({"change": "swap", "trial": "shi_2021"},)),
    ]
    with pytest.raises(bp.DataError) as error:
        subsets.readings(table, weak, bad)
    assert len(error.value.faults) == 3
    many = subsets.Scenario(
        "d", ({"change": "replace", "trial": "shi_2021", "events_treatment": "70"},)
    )
    with pytest.raises(bp.DataError, match=r"shi_2021.*70"):
        subsets.readings(table, weak, [many])
    with pytest.raises(bp.DataError, match="cannot be read"):
        subsets.scenarios(DATA / "none.csv", "mortality")


# --- pictures and words --------------------------------------------------------------------------


def test_every_study_can_be_drawn(table, weak, left_out, every, read):
    dial = subsets.trust_dial(table, weak, ["dilogo_2021"], "lower", weights=[0, 0.5, 1])
    drawn = {
        "left out": draw_left_out(left_out, RECORD),
        "cumulative": draw_cumulative(subsets.cumulative(table, weak, "lower"), RECORD),
        "gosh": draw_gosh(every, RECORD),
        "trust": draw_trust(dial, RECORD),
        "readings": draw_readings(read, RECORD),
    }
    for name, figure in drawn.items():
        text = figures.svg_text(figure)
        assert len(text) < 300_000, name
        assert text.count("<svg") == 1


def test_a_cloud_of_16383_points_is_light_and_the_same_twice():
    rng = np.random.default_rng(1)
    trials = estimates(rng.normal(-3, 4, 14), rng.uniform(1, 6, 14))
    table = bp.surface(trials, "MD")
    found = subsets.gosh(table, bp.Priors("Normal(0, 20)", "HalfNormal(5)"))
    record = {"measure": "MD", "benefit": None}
    first = figures.svg_text(draw_gosh(found, record, trial="t3"))
    assert len(first) < 300_000
    assert first == figures.svg_text(draw_gosh(found, record, trial="t3"))


@pytest.mark.parametrize("years", [[2020, 2021, 2021, 2022], [2021] * 4])
def test_the_order_of_rows_within_a_year_says_nothing(years):
    """Trial 2 alone takes the probability above 0.95, and trial 3 brings it back."""
    y, se = [0.0, -2.0, 1.5, 0.3], [0.5, 0.4, 0.4, 0.5]
    said = []
    for order in ([0, 1, 2, 3], [0, 2, 1, 3], [3, 2, 1, 0]):
        columns = {"trial": [f"t{i}" for i in order], "year": [years[i] for i in order]}
        frame = pd.DataFrame(
            columns | {"estimate": [y[i] for i in order], "se": [se[i] for i in order]}
        )
        table = bp.surface(bp.read_trials(frame), "MD")
        found = subsets.cumulative(
            table, bp.Priors("Normal(0, 2)", "HalfNormal(0.1)"), "lower", new=False
        )
        said.append(say_cumulative(found, {"measure": "MD", "benefit": "lower"}))
    assert said[0] == said[1] == said[2]


def test_since_when_the_probability_is_high_is_said_by_years():
    def say(*chances):
        table = pd.DataFrame(
            {"trial": list("abcd"), "year": [2020, 2021, 2021, 2022], "k": [1, 2, 3, 4]}
        )
        return say_cumulative(table.assign(prob_benefit=chances), RECORD)

    assert say(0.5, 0.99, 0.8, 0.9).endswith("above 0.95 at the end of none of these years.")
    assert say(0.5, 0.8, 0.99, 0.9).endswith("It was above 0.95 last at the end of 2021.")
    assert say(0.96, 0.8, 0.99, 0.97).endswith("above 0.95 at the end of each of these years.")
    assert say(0.5, 0.99, 0.8, 0.97).endswith("at the end of every year since 2022.")


def test_of_many_years_the_lowest_and_the_highest_are_told():
    def say(*chances):
        years = range(2016, 2016 + len(chances))
        table = pd.DataFrame({"year": years, "k": range(1, len(chances) + 1)})
        return say_cumulative(table.assign(prob_benefit=chances), RECORD)

    assert "In between" not in say(0.5, 0.4, 0.8, 0.9)  # each of four is told
    assert "In between" not in say(0.5, 0.6, 0.7, 0.8, 0.9)
    text = say(0.5, 0.4, 0.99, 0.8, 0.9)
    assert "as low as 0.400 at the end of 2017 and as high as 0.990 at the end of 2018." in text


def test_readings_that_all_say_the_same_do_not_run_from_it_to_itself(read):
    same = read.copy()
    same.attrs = read.attrs
    same["prob_benefit"] = 0.99999
    said = say_readings(same, RECORD)
    assert "runs from" not in said
    assert "the probability of benefit is >0.999, as for the primary one." in said
    same.loc[same["changes"] == 0, "prob_benefit"] = 0.9
    assert "is >0.999; it is 0.900 for the primary one." in say_readings(same, RECORD)


def test_the_sentences_carry_the_numbers(table, weak, left_out, every, read):
    rows = left_out.iloc[1:]
    most = rows.loc[rows["change"].abs().idxmax()]
    text = say_left_out(left_out, RECORD)
    assert f"{most['without']} moves it most, to {most['prob_benefit']:.3f}" in text
    assert f"between {rows['prob_benefit'].min():.3f} and {rows['prob_benefit'].max():.3f}" in text
    assert "0.975 with all 10" in text

    text = say_cumulative(subsets.cumulative(table, weak, "lower", new=False), RECORD)
    assert "0.763 at the end of 2020 (1 trial)" in text
    assert text.endswith("It has been above 0.95 at the end of every year since 2021.")

    share = round(100 * (every["prob_benefit"] > 0.95).mean())
    text = say_gosh(every, RECORD)
    assert f"{share} % put the probability of benefit above 0.95" in text
    assert str(subsets.presence(every, table.kept)["trial"][0]) in text

    names = ["dilogo_2021", "lanzoni_2021"]
    dial = subsets.trust_dial(table, weak, names, "lower", weights=[0, 0.5, 1])
    tip = dial.loc[dial["tips"] == 0.95, "weight"].iloc[0]
    text = say_trust(dial, RECORD, "these two trials")
    assert text.startswith("If these two trials count for less and less, the probability of")
    assert f"0.95 at weight {tip:.2f}" in text
    still = say_trust(
        subsets.trust_dial(table, weak, ["shi_2021"], "lower", weights=[0, 1]), RECORD
    )
    assert "no weight brings it to 0.95" in still

    effects = subsets.main_effects(read)
    text = say_readings(read, RECORD)
    assert f"The reading that matters most is “{effects['scenario'][0]}”" in text
    assert f"from {read['prob_benefit'].min():.3f}" in text


def test_without_a_declared_side_the_sentences_say_below(table, weak):
    record = {"measure": "RR", "benefit": None}
    text = say_left_out(subsets.leave_one_out(table, weak, new=False), record)
    assert "the probability that the risk ratio is below 1" in text
    assert "benefit" not in text
