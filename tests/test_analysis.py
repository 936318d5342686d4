import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayespool as bp
from bayespool.agreement import DisagreementError
from bayespool.analysis.checks import certified, largest_change, mirrored
from bayespool.analysis.classical import classical_parts, small_trials
from bayespool.analysis.sampled import gated, sampling_notes
from bayespool.cli import main
from bayespool.files import json_text, without_keys
from bayespool.prior import parse_prior
from bayespool.subsets import changed

COUNTS = pd.DataFrame(
    {
        "trial": ["a", "b", "c"],
        "events_treatment": [3, 1, 10],
        "n_treatment": [10, 20, 30],
        "events_control": [5, 4, 12],
        "n_control": [10, 21, 30],
    }
)
MEANS = pd.DataFrame({"trial": ["a", "b"], "estimate": [-0.2, 0.1], "se": [0.2, 0.3]})


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_writing_twice_writes_nothing_new(both, tmp_path):
    paths = both.write(tmp_path)
    first = contents(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in paths} == set(first)
    times = {path: path.stat().st_mtime_ns for path in paths}
    both.record["wall_seconds"]["total"] += 1
    both.write(tmp_path)
    assert contents(tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in paths} == times


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        bp.analyse(MEANS, "HR", benefit="lower", thresholds=[0.9], seed=7).write(folder)
    one, two = map(contents, folders)
    strip = without_keys("wall_seconds", "versions")
    records = [strip(each.pop("record.json").decode()) for each in (one, two)]
    assert records[0] == records[1]
    assert one == two


def test_the_tables_that_apply(both):
    assert set(both.tables) == {
        "summary", "trials", "prob_benefit", "engines", "frequentist", "diagnostics", "agreement",
        "phi_sensitivity", "other_measures", "other_priors", "alternatives", "absolute",
        "published", "classical_leave_one_out", "predictive", "psense", "operating_characteristics",
    }  # fmt: skip
    exact = bp.analyse(MEANS, "MD", bp.Priors("Flat()", "HalfNormal(1)"), engine="exact")
    assert set(exact.tables) == {"summary", "trials", "prob_benefit", "engines", "frequentist"}


def test_the_table_of_trials_has_what_a_forest_plot_needs(both):
    table = both.tables["trials"].set_index("trial")
    assert table.loc["bowdish_2023", "natural_estimate"] == pytest.approx((42 / 112) / (47 / 110))
    assert not table.loc["shi_2021", "used"]
    assert np.isnan(table.loc["shi_2021", "natural_estimate"])
    assert table["weight"].sum() == pytest.approx(100)
    assert (table["shrunken_lower"] < table["shrunken_upper"]).all()


def test_notes_say_what_was_done_to_which_trial(both):
    notes = "\n".join(both.notes)
    assert "shi_2021: no event in either arm" in notes
    assert "shu_2020, zhu_2021: 1/2 added to each cell" in notes
    assert "RR counts deaths: P(RR < 1) = 0.975." in notes
    assert "By the RR of its complement, not having it, P(RR > 1) = 0.9" in notes
    assert "Sensitivity to the baselines" in notes
    apart = both.record["notes_on"]
    assert set(apart) <= {"classical", "nuts"}
    assert [note.split(":")[0] for note in apart["classical"]] == ["shu_2020, zhu_2021", "shi_2021"]
    assert set(apart["classical"]) <= set(both.notes)


def test_phi_is_tried_at_sd_2_and_30_and_without_empty_trials(both):
    table = both.tables["phi_sensitivity"]
    assert list(table["phi"]) == ["Normal(0, 10)", "Normal(0, 2)", "Normal(0, 30)", "Normal(0, 10)"]
    assert list(table["trials"]) == [10, 10, 10, 9]
    at_2 = table.iloc[1]
    ends = [at_2[f"natural_{end}"] for end in ("median", "lower", "upper")]
    assert ends == pytest.approx([0.713, 0.472, 0.999], abs=5e-4)  # independent quadratures
    assert at_2["prob_benefit_1"] == pytest.approx(0.9754, abs=5e-5)


def test_the_complement_is_the_swapped_review(both, mortality):
    frame = mortality.frame.copy()
    for arm in ("treatment", "control"):
        frame[f"events_{arm}"] = frame[f"n_{arm}"] - frame[f"events_{arm}"]
    swapped = bp.surface(bp.read_trials(frame), "RR").posterior(bp.priors("RR"))
    found = both.record["complement"]["prob_benefit"]["1"]
    assert found == pytest.approx(float(swapped["mu"].sf(0.0)), abs=1e-9)


@pytest.mark.parametrize(
    "text",
    ["Normal(0.3, 1)", "StudentT(4, -1, 2)", "Uniform(-1, 3)", "Cauchy(1, 2)", "Logistic(1, 2)"],
)
def test_a_mirrored_prior_is_that_of_the_negative(text):
    prior = parse_prior(text, "mu")
    x = np.array([-2.0, -0.5, 0.0, 0.7, 2.0])
    assert mirrored(prior).cdf(-x) == pytest.approx(prior.sf(x), abs=1e-12)


def test_a_one_sided_prior_has_no_mirror():
    with pytest.raises(bp.PriorError, match="no mirror image"):
        mirrored(parse_prior("HalfNormal(1)", "mu"))


def test_the_grid_is_certified_against_twice_its_nodes(mortality):
    table = bp.surface(mortality, "RR")
    _, posterior, error = certified(table, bp.priors("RR"), {"1": 0.0})
    finer = table.refined().posterior(bp.priors("RR"))
    assert 0 < error < 1e-4
    assert error == largest_change(posterior, finer, {"1": 0.0})
    assert abs(posterior["mu"].cdf(0.0) - finer["mu"].cdf(0.0)) <= error


def test_a_disagreement_is_sampled_once_more_and_then_an_error():
    """The exact answer under another prior than that of the chains: both attempts must fail."""
    trials = bp.read_trials(MEANS)
    wrong = bp.surface(trials, "HR").posterior(bp.Priors("Normal(3, 0.1)", "HalfNormal(0.5)"))
    stages: list[str] = []
    with pytest.raises(DisagreementError, match="disagree, twice") as caught:
        gated(
            trials, "HR", bp.priors("HR"), "normal", "random", "drop", 2026, wrong, {"1": 0.0},
            stages.append,
        )  # fmt: skip
    assert "(seed 2027, 4000 draws a chain)" in str(caught.value)
    assert (caught.value.comparisons["z"].abs() > 4).any()
    assert len(stages) == 1


def test_nuts_alone(valid_record):
    found = bp.analyse(MEANS, "HR", benefit="lower", engine="nuts", seed=3)
    record = valid_record(found.record)
    assert "exact" not in record
    assert record["agreement"]["ok"] is None
    assert found.engine == "nuts"
    assert "DL" in {row["method"] for row in record["frequentist"]}


def test_crosscheck_puts_the_engines_side_by_side():
    table = bp.crosscheck(MEANS, "HR", seed=3).set_index("engine")
    assert table.loc["nuts", "verdict"].startswith("agrees: worst")
    assert abs(table.loc["nuts", "difference"]) < 0.05
    assert {"exact", "nuts", "common-IV", "REML-mHK"} <= set(table.index)
    assert "2 trials" in table.loc["DL", "verdict"]


def test_scripts_command_and_api_give_one_number(both, mortality):
    again = bp.analyse(mortality, "RR", benefit="lower", thresholds=[1, 0.9, 0.8], engine="exact")
    assert again.record["exact"] == both.record["exact"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "magic"}, "engine is one of exact, nuts, both; found 'magic'"),
        ({"benefit": "down"}, "lower or higher"),
        ({"benefit": "lower", "important": 1.4}, "no benefit where lower is better"),
        ({"thresholds": [0]}, "not a ratio"),
        ({"likelihood": "poisson"}, "binomial"),
        ({"effects": "fixed"}, "random, common, t"),
        ({"double_zero": "maybe"}, "drop"),
        ({"absolute": 0}, "absolute = 0 is not between 0 and 1000"),
        ({"absolute": 1000}, "per 1,000 patients"),
        ({"published": "some.csv"}, "give both or none"),
        ({"published_as": ["deaths"]}, "give both or none"),
        ({"also": {"RR": bp.priors("RR")}}, "beside the main one, which is RR"),
        ({"also": {"MD": bp.Priors("Flat()", "HalfNormal(1)")}}, "cannot be computed"),
        (
            {
                "likelihood": "normal",
                "priors": bp.Priors("Flat()", "HalfNormal(1)", "Normal(0, 2)"),
            },
            "phi is the baseline of the binomial likelihood",
        ),
    ],
)
def test_impossible_options_are_refused_with_words(options, message):
    with pytest.raises(bp.UsageError, match=message):
        bp.analyse(COUNTS, "RR", **({"engine": "exact"} | options))


def test_mean_differences_have_no_default_prior():
    with pytest.raises(bp.PriorError, match="Write it in that unit"):
        bp.analyse(MEANS, "MD", engine="exact")


def test_other_readings_of_the_data(mortality):
    rows = [
        {"change": "drop", "trial": "zarrabi_2023"},
        {"change": "replace", "trial": "lanzoni_2021", "events_treatment": "1"},
        {
            "change": "add", "trial": "new_2024", "events_treatment": "1", "n_treatment": "9",
            "events_control": "2", "n_control": "8",
        },
    ]  # fmt: skip
    found = changed(mortality, rows, "here").frame.set_index("trial")
    assert "zarrabi_2023" not in found.index
    assert found.loc["lanzoni_2021", "events_treatment"] == 1
    assert found.loc["lanzoni_2021", "n_treatment"] == 12
    assert found.loc["new_2024", "n_control"] == 8


def test_every_wrong_change_is_named(mortality):
    rows = [
        {"change": "drop", "trial": "nobody"},
        {"change": "add", "trial": "shi_2021"},
        {"change": "swap", "trial": "shi_2021"},
    ]
    with pytest.raises(bp.DataError) as caught:
        changed(mortality, rows, "here")
    assert len(caught.value.faults) == 3


def test_readings_that_sources_md_promises(both):
    table = both.tables["alternatives"].set_index("scenario")
    assert table.loc["without zarrabi and dilogo", "prob_benefit"] == pytest.approx(0.89, abs=0.005)
    assert table.loc["without zarrabi and dilogo", "trials"] == 8
    assert "alternatives" not in json_text(both.record)


def test_a_harm_with_few_trials_says_so_first():
    found = bp.analyse(COUNTS, "RR", benefit="lower", engine="exact", harm=True)
    assert found.notes[0].startswith("Too few trials to exclude harm: 3; the effect in a new trial")
    assert "Too few trials" in found.headline()[1]
    assert not any("Too few" in line for line in bp.analyse(
        COUNTS, "RR", benefit="lower", engine="exact").headline())  # fmt: skip


def test_a_trial_that_outweighs_all_others_is_named(mortality):
    found = bp.analyse(mortality, "RR", engine="exact", beside=())
    (note,) = [note for note in found.notes if "weighs more" in note]
    assert note.startswith("bowdish_2023 weighs more than all other trials together: 56 %")
    table = pd.DataFrame({"trial": list("abc"), "estimate": [0.1, 0.2, 0.3], "se": [0.2, 0.2, 0.3]})
    even = bp.analyse(table, "HR", engine="exact")
    assert not any("weighs more" in note for note in even.notes)


def test_a_heavy_trial_without_contrast_is_named():
    frame = pd.concat(
        [
            COUNTS,
            pd.DataFrame(
                {
                    "trial": ["zero"], "events_treatment": [0], "n_treatment": [65],
                    "events_control": [0], "n_control": [35],
                }
            ),
        ],
        ignore_index=True,
    )  # fmt: skip
    found = bp.analyse(frame, "RD", likelihood="normal", engine="exact")
    assert any("% of this model's inverse-variance weight" in note for note in found.notes)


def test_the_exact_engine_starts_without_pymc():
    code = (
        "import sys, bayespool as bp, pandas as pd\n"
        "frame = pd.DataFrame({'trial': ['a', 'b'], 'estimate': [-0.2, 0.1], 'se': [0.2, 0.3]})\n"
        "bp.analyse(frame, 'HR', benefit='lower', engine='exact').headline()\n"
        "print([m for m in ('pymc', 'arviz', 'matplotlib', 'numba') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_page_is_the_function_whoever_imports_its_room():
    code = "import bayespool.page, bayespool as bp; print(callable(bp.page), bp.page.__name__)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["True", "page"]


def test_every_public_name_is_there():
    for name in bp.__all__:
        assert getattr(bp, name) is not None
    with pytest.raises(AttributeError, match="nothing_here"):
        _ = bp.nothing_here


def with_trial(**cells) -> pd.DataFrame:
    row = {"trial": "last", "n_treatment": 40, "n_control": 40} | cells
    return pd.concat([COUNTS, pd.DataFrame([row])], ignore_index=True)


ONE_EMPTY = with_trial(events_treatment=0, events_control=0).iloc[1:]
ALL_EVENTS = with_trial(events_treatment=40, events_control=40)
FLAT = bp.Priors("Flat()", "Flat()")


@pytest.mark.long
def test_a_side_analysis_without_answer_leaves_the_main_one(valid_record, tmp_path):
    found = bp.analyse(ONE_EMPTY, "RD", FLAT, benefit="lower", engine="exact", beside=())
    rows = valid_record(found.record)["phi_sensitivity"]
    (lost,) = [row for row in rows if "reason" in row]
    assert lost["case"] == "without trials that have no event in either arm"
    assert lost["natural_median"] is None
    assert lost["largest_change"] is None
    assert lost["prob_benefit"] == {"0": None}
    assert all(row["largest_change"] is not None for row in rows if row is not lost)
    notes = "\n".join(found.notes)
    assert "without trials that have no event in either arm: no answer. " + lost["reason"] in notes
    assert "P(benefit) changes by at most" in notes
    found.write(tmp_path)


def test_a_reading_without_answer_says_why(tmp_path):
    path = tmp_path / "other.csv"
    change = {"outcome": "o", "scenario": "two left", "change": "drop", "trial": "c"}
    pd.DataFrame([change | {"reason": "doubt"}]).to_csv(path, index=False)
    found = bp.analyse(
        COUNTS, "RR", FLAT, benefit="lower", engine="exact", name="o", alternatives=path,
        beside=(), likelihood="normal",
    )  # fmt: skip
    row = found.tables["alternatives"].iloc[0]
    assert row["scenario"] == "two left"
    assert pd.isna(row["prob_benefit"])
    assert row["reason"].startswith("doubt; ")
    assert found.headline()


def test_trials_with_events_only_stay_in_the_sensitivity():
    found = bp.analyse(ALL_EVENTS, "RR", benefit="lower", engine="exact")
    cases = [row["case"] for row in found.record["phi_sensitivity"]]
    assert not any("no event" in case for case in cases)


def test_mantel_haenszel_counts_the_trials_with_events_only():
    found = bp.analyse(ALL_EVENTS, "RR", benefit="lower", engine="exact")
    rows = {row["method"]: row for row in found.record["frequentist"]}
    assert rows["MH"]["k"] == 4
    assert rows["common-IV"]["k"] == 3
    assert "1 trial with events only in both arms counted" in rows["MH"]["note"]
    (note,) = [note for note in found.notes if note.startswith("last:")]
    assert "Mantel–Haenszel and the binomial model take the counts as they are" in note
    odds = bp.analyse(ALL_EVENTS, "OR", benefit="lower", engine="exact")
    assert {row["method"]: row["k"] for row in odds.record["frequentist"]}["MH"] == 3


def test_tables_of_an_earlier_run_do_not_stay(tmp_path):
    bp.analyse(COUNTS, "RR", benefit="lower", engine="exact").write(tmp_path)
    assert (tmp_path / "tables" / "phi_sensitivity.csv").exists()
    (tmp_path / "tables" / "mine.csv").write_text("a\n1\n", encoding="utf-8")
    paths = bp.analyse(MEANS, "HR", benefit="lower", engine="exact").write(tmp_path)
    kept = {path.relative_to(tmp_path).as_posix() for path in paths} | {"tables/mine.csv"}
    assert set(contents(tmp_path)) == kept


def test_a_fit_that_took_more_says_so():
    how = {
        "seed": 2026, "draws": 4000, "tune": 2000, "chains": 4, "target_accept": 0.995,
        "attempts": 2,
    }  # fmt: skip
    assert sampling_notes(how | {"attempts": 1}, 2026) == []
    (note,) = sampling_notes(how, 2026)
    assert "attempt 2: seed 2026, 4000 draws a chain, target_accept 0.995" in note
    first, _ = sampling_notes(how | {"seed": 2027}, 2026)
    assert "of seed 2026, differed" in first
    assert "from seed 2027" in first


def test_risk_differences_with_and_without_the_trials_without_contrast():
    frame = with_trial(events_treatment=0, events_control=0)
    found = bp.analyse(frame, "RD", benefit="lower", engine="exact")
    table = found.tables["frequentist"]
    assert set(table["double_zero"]) == {"kept", "dropped"}
    assert set(table.loc[table["method"] == "DL", "k"]) == {3, 4}
    assert table["double_zero_weight"].between(0.1, 1).all()
    methods = [row["method"] for row in found.record["frequentist"]]
    assert len(methods) == len(set(methods))
    assert {row["k"] for row in found.record["frequentist"]} == {4}
    scales = found.tables["engines"].set_index("engine")["scale"]
    assert (scales["exact"], scales["DL"]) == ("atanh", "identity")


@pytest.mark.parametrize(
    "options",
    [
        {"beside": [bp.priors("HR", "vague")]},
        {"also": {"MD": bp.Priors("Flat()", "HalfNormal(1)")}},
        {"alternatives": "none.csv"},
        {"published": "none.csv", "published_as": ["x"]},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_needs_the_exact_engine_is_refused_without_it(options):
    with pytest.raises(bp.UsageError, match="answered by the exact engine"):
        bp.analyse(MEANS, "HR", engine="nuts", **options)


def test_without_a_declared_benefit_notes_name_the_side():
    notes = "\n".join(bp.analyse(COUNTS, "OR", engine="exact").notes)
    assert "P(OR < 1) changes by at most" in notes
    assert "P(benefit)" not in notes


def rows_by_prior(found: bp.Analysis) -> dict[str, dict]:
    return {row["prior"]: row for row in found.record["other_priors"]}


def test_every_named_set_that_applies_is_run_unless_told_otherwise():
    options = {"benefit": "lower", "important": 0.7, "engine": "exact"}
    names = ["weak", "vague", "sceptical", "enthusiastic", "pessimistic"]
    assert list(rows_by_prior(bp.analyse(COUNTS, "OR", **options))) == names
    assert "other_priors" not in bp.analyse(COUNTS, "OR", beside=(), **options).record
    main = bp.priors("OR", "sceptical", important=0.7, benefit="lower")
    first, *rest = rows_by_prior(bp.analyse(COUNTS, "OR", main, **options))
    assert (first, rest) == ("sceptical", ["weak", "vague", "enthusiastic", "pessimistic"])
    own = bp.Priors("Flat()", "HalfNormal(5)", name="flat")
    in_days = bp.analyse(MEANS, "MD", own, benefit="lower", important=-1, engine="exact")
    assert list(rows_by_prior(in_days))[:2] == ["flat", "sceptical with own tau"]
    assert {row["tau"] for row in in_days.record["other_priors"]} == {"HalfNormal(5)"}


def test_the_answer_under_a_named_prior_is_that_of_the_prior_alone():
    found = bp.analyse(COUNTS, "RR", benefit="lower", important=0.7, engine="exact")
    row = rows_by_prior(found)["enthusiastic"]
    alone = bp.surface(bp.read_trials(COUNTS), "RR").posterior(
        bp.priors("RR", "enthusiastic", important=0.7, benefit="lower")
    )
    assert row["natural_median"] == pytest.approx(np.exp(alone["mu"].quantile(0.5)), rel=1e-4)
    assert row["prob_benefit"] == pytest.approx(alone["mu"].cdf(0.0), abs=1e-4)
    assert row["prob_important"] == pytest.approx(alone["mu"].cdf(np.log(0.7)), abs=1e-4)
    assert row["prob_benefit_new"] == pytest.approx(alone["theta_new"].cdf(0.0), abs=1e-4)
    assert row["tau_median"] == pytest.approx(alone["tau"].quantile(0.5), abs=1e-3)
    assert "95 % to any benefit" in row["says"]


def test_without_a_declared_benefit_no_prior_is_asked_for_one():
    row = bp.analyse(COUNTS, "RR", important=0.7, engine="exact").record["other_priors"][1]
    assert (row["prior"], row["prob_important"], row["prob_benefit_new"]) == ("vague", None, None)
    assert row["prob_below"] + row["prob_above"] == pytest.approx(1)


def test_a_prior_without_posterior_says_why_and_leaves_the_rest():
    improper = bp.Priors("Flat()", "Flat()", name="flat")  # two trials cannot bound it
    found = bp.analyse(
        MEANS, "HR", benefit="lower", engine="exact", beside=[improper, bp.priors("HR", "vague")]
    )
    _, lost, kept = found.record["other_priors"]
    assert "flat prior on tau needs three informative trials" in lost["reason"]
    numbers = ("natural_median", "prob_benefit", "prob_important", "prob_benefit_new", "tau_median")
    assert all(lost[word] is None for word in numbers)
    assert list(lost) == list(kept)
    assert kept["reason"] == ""
    assert any(note.startswith("The prior flat has no answer: ") for note in found.notes)


def test_equal_priors_are_run_once_and_a_common_effect_has_no_tau():
    rows = ["turner2015:adverse-events/pharmacological-vs-placebo"]
    sets = bp.named_priors("OR", 0.7, "lower", rows=rows)
    options = {"benefit": "lower", "important": 0.7, "engine": "exact", "beside": sets + sets}
    assert len(bp.analyse(COUNTS, "OR", **options).record["other_priors"]) == 6
    common = bp.analyse(COUNTS, "OR", effects="common", **options).record["other_priors"]
    assert [row["prior"] for row in common][-1] == "pessimistic"  # Turner's mu is the weak one
    assert all(row["tau"] is None and "tau" not in row["says"] for row in common)


def test_slow_priors_are_announced(monkeypatch):
    monkeypatch.setattr("bayespool.analysis.named.SLOW", -1.0)
    stages: list[str] = []
    bp.analyse(MEANS, "HR", engine="exact", progress=stages.append)
    assert "prior 1 of 1: vague" in stages


def test_another_measure_stands_beside_medians_with_its_own_prior():
    trials = bp.read_trials("data/time_to_improvement.csv")
    days = bp.Priors("Normal(0, 10)", "HalfNormal(5)")
    options = {"benefit": "lower", "engine": "exact"}
    found = bp.analyse(trials, "ROM", also={"MD": days}, **options)
    ratio, difference = found.record["other_measures"]
    alone = bp.analyse(trials, "MD", days, **options).record["exact"]
    assert ratio["natural_median"] == found.record["exact"]["natural"]["mu"]["median"]
    assert difference["natural_median"] == pytest.approx(alone["natural"]["mu"]["median"], rel=1e-4)
    assert difference["prob_benefit"] == pytest.approx(alone["prob_benefit"]["0"], abs=1e-4)
    assert (difference["mu"], difference["tau"]) == ("Normal(0, 10)", "HalfNormal(5)")
    (note,) = [note for note in found.notes if note.startswith("MD beside it takes")]
    assert "zhu_2021: mean and SD from median and quartiles; the treatment arm failed" in note


def test_egger_waits_for_ten_trials():
    rng = np.random.default_rng(5)
    se = np.linspace(0.1, 0.6, 10)
    y = rng.normal(0.0, se)
    assert small_trials(y[1:], se[1:])["egger_p"] is None
    assert ": 9 trials with an estimate" in small_trials(y[1:], se[1:])["note"]
    line = stats.linregress(1 / se, y / se)  # Egger's own form: is the intercept 0?
    p = 2 * stats.t.sf(abs(line.intercept / line.intercept_stderr), 8)
    assert small_trials(y, se)["egger_p"] == pytest.approx(p, rel=1e-9)
    assert "standard errors that differ" in small_trials(y, np.full(10, 0.3))["note"]


def test_the_interval_of_tau_is_where_q_meets_chi_squared():
    frame = pd.DataFrame({"trial": list("abcd"), "estimate": [-1.2, 0.1, 0.9, -0.3], "se": 0.2})
    found = bp.analyse(frame, "HR", engine="exact").record["tau_interval"]
    for end, p in (("lower", 0.975), ("upper", 0.025)):
        v = 0.04 + found[end] ** 2
        y = frame["estimate"]
        assert ((y - y.mean()) ** 2).sum() / v == pytest.approx(stats.chi2.ppf(p, 3), rel=1e-6)
    for few, parts in ((2, {"small_trials", "tau_interval"}), (1, {"small_trials"})):
        assert set(classical_parts(bp.read_trials(frame.iloc[:few]), "HR", "drop")) == parts


def test_the_classical_leave_one_out_is_the_pool_of_the_rest(mortality):
    rows = classical_parts(mortality, "RR", "drop")["classical_leave_one_out"]
    row = next(row for row in rows if row["without"] == "bowdish_2023")
    rest = mortality.take(np.array([name != "bowdish_2023" for name in mortality.names]))
    pooled = bp.pool(rest, "RR", ["REML"]).iloc[0]
    assert len(rows) == 9  # shi_2021 has no estimate to leave out
    assert row["natural_estimate"] == pytest.approx(np.exp(pooled["estimate"]))
    assert row["tau"] == pytest.approx(np.sqrt(pooled["tau2"]), abs=1e-6)


def test_the_command_line_names_treatment_and_event(tmp_path, capsys):
    path = tmp_path / "counts.csv"
    COUNTS.to_csv(path, index=False)
    words = ["fit", str(path), "--measure", "RR", "--benefit", "lower", "--engine", "exact"]
    words += ["--important", "0.7", "--json", "-"]
    assert main([*words, "--treatment", "cells", "--event", "deaths", "--absolute", "20"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["treatment"], record["event"]) == ("cells", "deaths")
    assert [row["prior"] for row in record["other_priors"]][-1] == "pessimistic"
    assert main([*words, "--absolute", "0"]) == 2
    assert "between 0 and 1000" in capsys.readouterr().err


def test_ratios_that_nobody_took_the_log_of_are_pointed_out():
    frame = pd.DataFrame({"trial": list("abc"), "estimate": [0.78, 0.9, 1.05], "se": [0.1] * 3})
    found = bp.analyse(frame, "HR", benefit="lower", engine="exact", beside=())
    assert any("0.78 is read as HR 2.18" in note for note in found.notes)
    mixed = frame.assign(estimate=[-0.25, 0.1, -0.3])
    found = bp.analyse(mixed, "HR", benefit="lower", engine="exact", beside=())
    assert not any("natural log" in note for note in found.notes)
    assert not any(
        "natural log" in note
        for note in bp.analyse(frame, "generic", bp.priors("OR"), engine="exact").notes
    )


def test_an_answer_that_does_not_settle_is_refused(exact, mortality, monkeypatch):
    monkeypatch.setattr("bayespool.analysis.checks.largest_change", lambda a, b, at: 0.02)
    with pytest.raises(bp.PriorError, match=r"changes a probability by 0.02.*Choose a prior"):
        certified(bp.surface(mortality, "RR"), exact.priors, {"1": 0.0})


def test_a_prior_far_from_the_trials_has_its_answer():
    frame = pd.DataFrame(
        {"trial": list("abc"), "estimate": [-0.3, 0.1, -0.5], "se": [0.2, 0.3, 0.4]}
    )
    priors = bp.Priors("Normal(40, 0.5)", "HalfNormal(0.5)")
    found = bp.analyse(frame, "OR", priors=priors, benefit="lower", engine="exact").record["exact"]
    assert found["tau"]["median"] == pytest.approx(5.81, abs=0.01)  # by a plain sum
    assert found["grid_error"] < 1e-4
