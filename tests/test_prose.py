"""Sentences and the report: numbers of the record, words that fit them, and data kept as text."""

import copy
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt  # comes with Rich

import bayespool as bp
from bayespool.analysis import analyse
from bayespool.prose import escape, over_readings, report, sentences, table
from bayespool.prose.markdown import link

ROOT = Path(__file__).resolve().parents[1]
HOSTILE = ["<img src=x onerror=alert(1)>", "a|b", "[x](javascript:alert(1))", "*bold* `code` _i_"]
QUESTION = "Do mesenchymal stem cells lower mortality from COVID-19?"


def absolute(event_change=-79.3):
    def row(quantity, baseline, risk):
        return {
            "quantity": quantity,
            "baseline": baseline,
            "risk_control": risk,
            "risk_treatment": {"median": 0.19, "lower": 0.12, "upper": 0.27},
            "per_1000": {"median": event_change, "lower": -147.2, "upper": 0.2},
            "nnt": "NNTB 13 (NNTB 7 to ∞ to NNTH 5987)",
        }

    return {
        "measure": "RR",
        "reason": "",
        "clipped": {"mu": 0.0, "theta_new": 0.004},
        "important": 30,
        "baselines": {"median": 0.27, "low": 0.16, "high": 0.5, "crude": 0.28, "model": 0.25},
        "rows": [
            row("mu", "median", 0.27),
            row("mu", "spread", None),
            row("theta_new", "median", 0.27),
        ],
        "prob": {
            "mu": {"10": 0.95, "30": 0.9301, "50": 0.84, "100": 0.27},
            "theta_new": {"10": 0.85, "30": 0.7903, "50": 0.7, "100": 0.35},
        },
    }


def with_every_part(record):
    """Add the parts that need other rooms, in the record's form."""
    record = copy.deepcopy(record)
    names = list(record["exact"]["theta"])
    record |= {
        "treatment": "mesenchymal stem cells",
        "event": "deaths",
        "absolute": absolute(),
        "published": [
            {
                "review": "lu_2024",
                "outcome": "mortality",
                "k": None,
                "n": None,
                "measure": "RR",
                "estimate": 0.76,
                "lower": 0.6,
                "upper": 0.96,
                "model": "",
                "source": "https://review.example/1",
                "locator": "abstract",
                "why": "It pools other trials",
            }
        ],
        "leave_one_out": [
            {
                "without": name,
                "natural_median": 0.7,
                "natural_lower": 0.45,
                "natural_upper": 1.02,
                "prob_benefit": 0.93 + 0.005 * i,
                "prob_harm": 0.07 - 0.005 * i,
                "tau_median": 0.25,
            }
            for i, name in enumerate(names)
        ],
        "prior_atlas": {
            "mu_sd": [0.1, 0.5, 1.0],
            "tau_scale": [0.1, 1.0],
            "threshold": "1",
            "prob_benefit": [[0.61, 0.62], [0.71, 0.72], [0.81, 0.82]],
        },
        "predictive": [
            {
                "trial": name,
                "arm": "control",
                "observed": 5,
                "n": 20,
                "lower": 6 if i == 2 else 1,
                "median": 7,
                "upper": 9,
                "p": 0.011 if i == 2 else 0.4,
            }
            for i, name in enumerate(names)
        ],
        "psense": [
            {"quantity": "mu", "scaled": "prior on mu", "value": 0.031, "diagnosis": ""},
        ],
        "small_trials": {"egger_p": 0.43, "note": "Below ten trials the test has little power."},
        "tau_interval": {"lower": 0.0, "upper": 0.71},
    }
    return record


@pytest.fixture(scope="module")
def mortality_exact(mortality):
    beside = [
        bp.priors("RR", name, important=0.7, benefit="lower")
        for name in ("sceptical", "enthusiastic")
    ]
    return analyse(
        mortality,
        "RR",
        benefit="lower",
        thresholds=[1, 0.9, 0.8],
        important=0.7,
        beside=beside,
        engine="exact",
        question=QUESTION,
        event="deaths",
    )


@pytest.fixture(scope="module")
def full(mortality_exact):
    return with_every_part(mortality_exact.record)


@pytest.fixture(scope="module")
def full_text(full, mortality_exact):
    return report(full, mortality_exact.tables, ["forest", "effect_density.svg", "own picture"])


@pytest.fixture(scope="module")
def committed():
    """Read a committed report, whose record has NUTS too; empty texts come back as NaN."""
    folder = ROOT / "reports" / "mortality"
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    tables = {
        path.stem: pd.read_csv(path, dtype={"threshold": str})
        for path in (folder / "tables").glob("*.csv")
    }
    return record, tables


def headings(text):
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def html(text):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


# --- sentences ---------------------------------------------------------------------------


def test_the_main_sentence_has_the_pattern_and_the_numbers_of_the_record(full):
    p = full["exact"]["prob_benefit"]["1"]
    new = full["exact"]["prob_benefit_new"]["1"]
    assert sentences(full)[0] == (
        f"The probability that mesenchymal stem cells lower mortality from COVID-19 is {p:.3f}; "
        "that they avert at least 30 deaths per 1,000, 0.930; in a new trial like these the two "
        f"are {new:.3f} and 0.790."
    )


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({}, "The probability that mesenchymal stem cells lower mortality from COVID-19 is"),
        ({"question": ""}, "The probability that mesenchymal stem cells lower deaths is"),
        (
            {"question": "Do mesenchymal stem cells cause deaths?"},
            "The probability that mesenchymal stem cells lower deaths is",
        ),
        (
            {"question": "Do mesenchymal stem cells raise survival?"},
            "The probability that mesenchymal stem cells lower deaths is",
        ),
        ({"treatment": "the treatment"}, "The probability that the treatment lowers deaths is"),
        ({"treatment": None}, "The probability that the treatment lowers deaths is"),
        (
            {"treatment": "aspirin", "question": "Does aspirin reduce strokes?"},
            "The probability that aspirin reduces strokes is",
        ),
        (
            {"event": "patients with an adverse event", "question": ""},
            "The probability that mesenchymal stem cells lower the share of patients with an adv",
        ),
        (
            {"event": "", "question": "", "analysis": "hospital_stay"},
            "The probability that mesenchymal stem cells lower hospital stay is",
        ),
    ],
)
def test_what_a_benefit_is_comes_from_question_event_or_name(full, changes, start):
    assert sentences(full | changes)[0].startswith(start)


@pytest.mark.parametrize(
    ("event", "treatment", "said"),
    [
        ("deaths", "stem cells", "that they avert at least 30 deaths per 1,000, 0.930;"),
        ("deaths", "the treatment", "that it averts at least 30 deaths per 1,000, 0.930;"),
        ("patients who fell", "stem cells", "they leave at least 30 fewer patients who fell per"),
        ("", "stem cells", "that they avert at least 30 events per 1,000, 0.930;"),
    ],
)
def test_an_absolute_benefit_fits_what_is_counted(full, event, treatment, said):
    assert said in sentences(full | {"event": event, "treatment": treatment})[0]


def test_a_higher_is_better_outcome_brings_more(full):
    record = full | {
        "benefit": "higher",
        "event": "patients who improved",
        "question": "Do mesenchymal stem cells help more patients to improve?",
    }
    main = sentences(record)[0]
    assert "that mesenchymal stem cells help more patients to improve is" in main
    assert "that they bring at least 30 more patients who improved per 1,000, 0.930;" in main
    record |= {"question": ""}
    assert "raise the share of patients who improved" in sentences(record)[0]


def test_without_absolute_effects_the_threshold_that_matters_is_named(full):
    record = {key: value for key, value in full.items() if key != "absolute"}
    p = record["exact"]["prob_benefit"]
    assert f"that the risk ratio is below 0.8, {p['0.8']:.3f};" in sentences(record)[0]
    # 0.7 is no threshold of this analysis, so its probability has a sentence of its own.
    important = record["other_priors"][0]["prob_important"]
    assert any(f"below 0.7, is {important:.3f}" in sentence for sentence in sentences(record))
    record["important"] = 0.9
    assert f"that the risk ratio is below 0.9, {p['0.9']:.3f};" in sentences(record)[0]
    assert not any("an effect that matters" in sentence for sentence in sentences(record))


def test_a_threshold_on_the_worse_side_is_no_benefit_to_speak_of(full):
    record = copy.deepcopy({key: value for key, value in full.items() if key != "absolute"})
    record["exact"]["prob_benefit"] = {"1": 0.9, "1.25": 0.97}
    record["exact"]["prob_benefit_new"] = {"1": 0.8, "1.25": 0.9}
    assert sentences(record)[0].endswith("is 0.900; in a new trial like these, 0.800.")


def test_without_a_declared_benefit_both_sides_are_given(mortality):
    found = analyse(mortality, "RR", engine="exact")
    part = found.record["exact"]
    below, above = part["prob_below"]["1"], part["prob_above"]["1"]
    new = part["prob_below_new"]["1"], part["prob_above_new"]["1"]
    assert sentences(found.record)[0] == (
        f"The probability that the risk ratio is below 1 is {below:.3f}; that it is above, "
        f"{above:.3f}; in a new trial like these the two are {new[0]:.3f} and {new[1]:.3f}."
    )
    text = report(found.record, found.tables)
    assert "benefit" not in "\n".join(headings(text))
    assert "lower is better" not in text


def test_effect_and_absolute_effect_are_said_with_their_intervals(full):
    said = sentences(full)
    row = full["exact"]["natural"]["mu"]
    assert (
        f"The pooled risk ratio is {row['median']:.2f} (posterior median) and lies between "
        f"{row['lower']:.2f} and {row['upper']:.2f} with 95 % probability;" in said[1]
    )
    assert said[2] == (
        "At the median control risk of these trials, 270 per 1,000, this means 79 fewer deaths "
        "per 1,000 (95 % interval: 147 fewer to 0 more)."
    )


def by_odds(full):
    record = copy.deepcopy(full)
    record["absolute"] |= {"measure": "OR", "prob_benefit": {"mu": 0.961, "theta_new": 0.87}}
    return record


def test_where_the_odds_ratio_takes_over_the_sentences_say_so(full):
    """P(at least 30 fewer) may pass P(RR < 1), and never the P(OR < 1) that stands beside it."""
    record = by_odds(full)
    p, new = (full["exact"][word]["1"] for word in ("prob_benefit", "prob_benefit_new"))
    said = sentences(record)
    assert said[0] == (
        f"The probability that mesenchymal stem cells lower mortality from COVID-19 is {p:.3f}; by "
        "the odds ratio, P(OR < 1) is 0.961 and the probability that they avert at least 30 deaths "
        f"per 1,000, 0.930; in a new trial like these the three are {new:.3f}, 0.870 and 0.790."
    )
    assert said[2] == (
        "By the odds ratio, since the risk ratio would carry risks past 1, at the median control "
        "risk of these trials, 270 per 1,000, there would be 79 fewer deaths per 1,000 (95 % "
        "interval: 147 fewer to 0 more)."
    )


def test_where_the_odds_ratio_takes_over_the_tables_say_so(full, mortality_exact):
    text = report(by_odds(full), mortality_exact.tables)
    assert re.search(r"\| Any fewer \(OR < 1\) +\| +0.961 \| +0.870 \|", text)
    assert "| Deaths per 1,000, change, by the OR " in text
    assert "| Deaths per 1,000, change, by the OR, new trial " in text
    assert "by the OR" not in report(full, mortality_exact.tables)


def test_priors_and_left_out_trials_are_summed_up(full):
    said = " ".join(sentences(full))
    p = {row["prior"]: row["prob_benefit"] for row in full["other_priors"]}
    assert (
        "Between the sceptical and the enthusiastic prior the probability of benefit runs from "
        f"{p['sceptical']:.3f} to {p['enthusiastic']:.3f}." in said
    )
    names = list(full["exact"]["theta"])
    assert (
        f"ranges from 0.930 (without {names[0]}) to 0.975 (without {names[9]}); it is "
        f"{full['exact']['prob_benefit']['1']:.3f} with all of them, and leaving out {names[0]} "
        "moves it most." in said
    )


def test_without_any_one_the_answer_may_lie_elsewhere_than_with_all(full):
    """With two trials the answer without either lies on one side of that with both."""
    record = copy.deepcopy(full)
    record["exact"]["prob_benefit"]["1"] = 0.894
    record["leave_one_out"] = [
        {"without": name, "prob_benefit": p} for name, p in (("zhu", 0.715), ("shu", 0.813))
    ]
    said = " ".join(sentences(record))
    assert "stays" not in said
    assert "ranges from 0.715 (without zhu) to 0.813 (without shu); it is 0.894 with all" in said
    record["leave_one_out"] = record["leave_one_out"][:1]
    assert "Without zhu the probability of benefit is 0.715; it is 0.894 with all" in " ".join(
        sentences(record)
    )


def test_a_sentence_is_absent_where_its_part_is(full):
    bare = copy.deepcopy(full)
    for part in ("absolute", "other_priors", "leave_one_out", "frequentist"):
        bare[part] = [] if part == "frequentist" else None
    said = " ".join(sentences(bare))
    for word in ("per 1,000", "Between the", "leaving out", "matters", "classical", "None", "nan"):
        assert word not in said
        assert word in " ".join(sentences(full)) or word in ("None", "nan", "matters")


def test_too_few_trials_to_exclude_harm_is_said_right_after_the_answer(full):
    warning = "Too few trials to exclude harm: 3."
    assert sentences(full | {"notes": [warning, "other"]})[1] == warning


@pytest.fixture(scope="module")
def pooled_row():
    data = pd.DataFrame(
        {
            "trial": ["review_2023"],
            "estimate": [-0.75],
            "se": [3.579147],
            "trials_pooled": [4],
            "participants": [185],
        }
    )
    return analyse(
        data,
        "MD",
        effects="common",
        priors=bp.Priors(mu="Flat()", tau="HalfNormal(1)", name="flat"),
        benefit="lower",
        thresholds=[0, -5, -10],
        important=-10,
        engine="exact",
        name="il6",
    )


def test_a_pooled_row_has_no_new_trial_and_no_spread(pooled_row):
    main, effect, *_ = sentences(pooled_row.record)
    assert main == (
        "The probability that the treatment lowers il6 is 0.583; that the mean difference is below "
        "−10, 0.005."
    )
    assert effect == (
        "The mean difference is −0.8 (posterior median) and lies between −7.8 and 6.3 with 95 % "
        "probability."
    )
    text = report(pooled_row.record, pooled_row.tables)
    assert "1 published pooled estimate, 185 participants" in text
    assert not {"Prediction", "Absolute effect"} & set(headings(text))
    assert "theta = mu" in text
    assert "tau" not in text[: text.index("## Trials")]


def test_numbers_of_draws_stop_at_their_monte_carlo_error(full, committed):
    drawn = {key: value for key, value in committed[0].items() if key != "exact"}
    drawn["nuts"] = copy.deepcopy(drawn["nuts"])
    drawn["nuts"]["ess_bulk"]["mu"] = 100.0
    drawn["nuts"]["prob_benefit"]["1"] = 0.8765
    drawn |= {"question": "", "event": "", "treatment": "the treatment", "absolute": None}
    assert "lowers mortality is 0.88;" in sentences(drawn)[0]


def test_other_readings_are_named_or_run_from_the_lowest_to_the_highest(full):
    rows = [
        {"scenario": "a", "prob_benefit": 0.9},
        {"scenario": "b", "prob_benefit": 0.95},
        {"scenario": "no answer", "prob_benefit": math.nan},
    ]
    assert over_readings(full, rows) == (
        "Under other readings of the data the probability of benefit is: a 0.900, b 0.950."
    )
    many = [{"scenario": f"s{i}", "prob_benefit": 0.9 - 0.01 * i} for i in range(10)]
    assert over_readings(full, many) == (
        "Under 10 other readings of the data the probability of benefit runs from 0.810 (s9) to "
        "0.900 (s0)."
    )
    assert over_readings(full, rows[2:]) == ""
    high = [{"scenario": name, "prob_benefit": 0.99999} for name in "ab"]
    assert over_readings(full, high) == (
        "Under each of 2 other readings of the data the probability of benefit is >0.999."
    )


@pytest.mark.parametrize("p", [1.0, 0.99999, 0.0, 1e-9])
def test_a_probability_is_never_printed_as_certain(full, mortality_exact, p):
    record, tables = copy.deepcopy(full), dict(mortality_exact.tables)
    for word in ("prob_benefit", "prob_benefit_new"):
        record["exact"][word] = dict.fromkeys(record["exact"][word], p)
    for rows in (record["leave_one_out"], record["other_priors"]):
        for row in rows:
            row["prob_benefit"] = row["prob_important"] = p
    record["absolute"]["prob"] = {"mu": {"30": p}, "theta_new": {"30": p}}
    record["prior_atlas"]["prob_benefit"] = [[p]]
    record["prior_atlas"] |= {"mu_sd": [0.1], "tau_scale": [0.2]}
    chances = tables["prob_benefit"].copy()
    for word in chances.columns[2:-1]:
        chances[word] = p
    tables["prob_benefit"] = chances
    text = report(record, tables)
    assert ">0.999" in text or "<0.001" in text
    cells = {cell.strip() for line in text.splitlines() for cell in line.split("|")}
    assert not cells & {"1.000", "1.00", "0.000"}
    assert not re.search(r"\b[01]\.000\b", " ".join(sentences(record)))


def test_notes_about_methods_and_draws_stand_in_their_sections(committed):
    record = copy.deepcopy(committed[0])
    halves = "shu_2020, zhu_2021: 1/2 added to each cell. That is for the inverse-variance methods."
    again = "The chains converged at attempt 2: seed 2026."
    record["notes"] = ["Follow-up differs.", halves, again]
    record["notes_on"] = {"classical": [halves], "nuts": [again]}
    parts = dict(re.findall(r"^## (.+)\n([^#]*)", report(record, committed[1]), re.MULTILINE))
    assert halves in parts["Exact, NUTS and the classical methods"]
    assert again in parts["Diagnostics of NUTS"]
    assert parts["What the data cannot say"].strip() == "- Follow-up differs."


def test_one_estimate_has_nothing_to_misfit(full, pooled_row):
    record = pooled_row.record | {
        "predictive": [
            {"trial": "review_2023", "arm": "estimate", "observed": -0.75, "n": None,
             "lower": -10.0, "median": -0.7, "upper": 9.0, "p": 0.5}
        ]
    }  # fmt: skip
    text = report(record, pooled_row.tables)
    assert "0 of 1" not in text
    assert "There is one estimate, and nothing beside it that could show a misfit." in text
    assert re.search(r"Replicated from the posterior, 1 of \d+ arms", report(full, {
        key: table for key, table in pooled_row.tables.items() if key != "trials"}))  # fmt: skip


def test_degrees_of_freedom_and_far_ends_are_readable(full, mortality_exact):
    record = copy.deepcopy(full)
    for row in record["frequentist"]:
        if row["method"] == "REML":
            row |= {"prediction_df": 1.0, "estimate": 0.0, "prediction_lower": -15.0,
                    "prediction_upper": 15.0}  # fmt: skip
        if row["method"] == "common-IV":
            row["k"] = 2
    text = report(record, mortality_exact.tables)
    assert "(REML, 1 degree of freedom) is 1.00 [below 0.001, above 1,000]." in text
    assert "on 1 degree of freedom (p" in text
    assert "1 degrees" not in text
    assert "They are differences in log RR." in text


def test_the_column_of_subsets_is_explained_where_its_table_is(full, mortality_exact):
    tables = dict(mortality_exact.tables)
    assert "gosh.csv" not in report(full, tables)
    assert "In gosh.csv `subset` names" in report(full, tables | {"gosh": pd.DataFrame()})


# --- the report --------------------------------------------------------------------------


def test_a_clinician_has_the_answer_in_fifteen_lines(full_text, full):
    first = "\n".join(full_text.splitlines()[:15])
    assert first.startswith(f"# Mortality\n\n*{QUESTION}*\n\n**The probability that")
    for sentence in full["sentences"]:
        assert escape(sentence) in first


def test_sentences_of_the_record_head_the_report(full, mortality_exact):
    record = full | {"sentences": ["First of all.", "And then."]}
    assert "**First of all.**\n\n- And then.\n" in report(record, mortality_exact.tables)


SECTIONS = {
    "absolute": "Absolute effect",
    "other_priors": "Under other priors",
    "prior_atlas": "Prior atlas",
    "phi_sensitivity": "Under other priors on the baselines",
    "leave_one_out": "Leaving out one trial at a time",
    "published": "Beside published reviews",
    "predictive": "Does the model fit the trials?",
    "psense": "Power-scaling sensitivity",
}


def test_every_part_has_its_section(full_text):
    expected = [
        "Trials and their sources", "Model and priors", "Posterior", "Probability of benefit",
        "Absolute effect", "Prediction", "Under other priors", "Prior atlas",
        "Under other priors on the baselines", "By other measures",
        "Leaving out one trial at a time", "Beside published reviews",
        "Exact, NUTS and the classical methods", "Small trials and heterogeneity",
        "Does the model fit the trials?", "Power-scaling sensitivity", "Other figures",
        "What the data cannot say", "How it was made",
    ]  # fmt: skip
    assert headings(full_text) == expected


@pytest.mark.parametrize("part", SECTIONS)
@pytest.mark.parametrize("gone", [True, False])
def test_a_section_goes_with_its_part(full, mortality_exact, part, gone):
    record = {key: value for key, value in full.items() if key != part}
    if not gone:
        record[part] = None
    text = report(record, mortality_exact.tables)
    assert SECTIONS[part] not in headings(text)
    assert len(headings(text)) == 17


def test_a_section_goes_with_its_table(full, mortality_exact):
    text = report(full, {})
    missing = {"Trials and their sources", "Probability of benefit"}
    assert not missing & set(headings(text))
    tables = mortality_exact.tables | {
        "alternatives": pd.DataFrame(
            {
                "scenario": ["without one"],
                "trials": [9],
                "natural_median": [0.7],
                "natural_lower": [0.5],
                "natural_upper": [1.0],
                "prob_benefit": [0.961],
                "prob_harm": [0.039],
                "reason": [np.nan],
            }
        )
    }
    text = report(full, tables)
    assert "Under another reading of the data (without one) the probability of benefit" in text
    assert re.search(r"\| without one +\| +9 \| 0\.70 \[0\.50, 1\.00\] +\| +0\.961 \| – \|", text)


def test_nuts_brings_its_diagnostics_and_the_comparison(committed):
    record, tables = committed
    text = report(record, tables)
    assert "Diagnostics of NUTS" in headings(text)
    row = record["nuts"]["natural"]["mu"]
    assert re.search(rf"\| NUTS +\| {row['median']:.2f} \[{row['lower']:.2f}, ", text)
    p = record["exact"]["prob_benefit"]["0.9"]
    assert re.search(rf"\| mu: P\(below 0\.9\) +\| +{p:.3f} \|", text)


def test_figures_stand_where_they_belong(full_text):
    assert full_text.index("## Trials") < full_text.index("![Forest plot, mortality]"
        "(figures/forest.svg)") < full_text.index("## Model")  # fmt: skip
    assert full_text.index("## Posterior") < full_text.index(
        "(figures/effect_density.svg)"
    ) < full_text.index("## Probability")  # fmt: skip
    assert "![Own picture, mortality](figures/own%20picture.svg)" in full_text


def test_no_cell_is_empty_and_nothing_is_not_a_number(full_text, committed):
    for text in (full_text, report(*committed)):
        assert not re.search(r"\|[ \t]*\|", text)
        assert not re.search(r"\b(nan|NaN|None(?! of)|inf)\b", text)
        assert "–0" not in text
        assert not re.search(r"(?<=[ \[|])-\d", re.sub(r"`[^`]*`|\(http[^)]*\)", "", text))


def test_every_table_is_a_table(full_text):
    rendered = html(full_text)
    assert rendered.count("<table>") == sum(
        line.startswith(("| :--", "| --")) for line in full_text.splitlines()
    )
    assert "| " not in re.sub(r"<code>.*?</code>", "", rendered)


def test_every_probability_and_effect_is_of_the_record_or_its_tables(committed):
    record, tables = committed
    known, texts = [], []

    def gather(part):
        if isinstance(part, dict):
            for value in part.values():
                gather(value)
        elif isinstance(part, list):
            for value in part:
                gather(value)
        elif isinstance(part, int | float) and not isinstance(part, bool):
            known.append(float(part))
        elif isinstance(part, str):
            texts.append(part)

    gather(record)
    for found in tables.values():
        known += found.select_dtypes("number").to_numpy(dtype=float).ravel().tolist()
    values = np.array([x for x in known if math.isfinite(x)])
    with np.errstate(over="ignore"):
        ratios = np.exp(values)
    roots = np.sqrt(np.abs(values))  # tau from tau2
    values = np.concatenate([values, ratios, roots])
    for found in tables.values():
        texts += [x for row in found.to_numpy(dtype=object) for x in row if isinstance(x, str)]
    text = report(record, tables)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|target acceptance [\d.]+|lies in .*", "", text)
    text = text[: text.index("## How it was made")]
    texts = [escape(text) for text in texts if re.search("[a-z]{2}", text)]
    for given in sorted(texts, key=len, reverse=True):
        text = text.replace(given.replace("-", "−"), " ").replace(given, " ")
    numbers = {m[0] for m in re.finditer(r"(?<![\w.])−?\d+\.\d{2,}(?![\w.]*\d)", text)}
    assert len(numbers) > 100
    for shown in numbers:
        value, decimals = float(shown.replace("−", "-")), len(shown.partition(".")[2])
        assert np.abs(values - value).min() <= 0.51 * 10.0**-decimals, shown


# --- data stay text ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile_text():
    data = pd.DataFrame(
        {
            "trial": HOSTILE,
            "events_treatment": [3, 5, 8, 2],
            "n_treatment": [40, 50, 61, 30],
            "events_control": [6, 9, 9, 4],
            "n_control": [41, 49, 60, 31],
            "source": [
                "javascript:alert(1)",
                "https://a.example/x_(1)|b",
                "https://b.example; <b>c</b>",
                "",
            ],
            "locator": ["table 1", "](x)", "table 3", "table 4"],
        }
    )
    found = analyse(
        data, "RR", benefit="lower", engine="exact", name=HOSTILE[0], question=HOSTILE[2]
    )
    record = found.record | {"treatment": HOSTILE[0], "event": HOSTILE[1]}
    record["leave_one_out"] = [
        {
            "without": name,
            "natural_median": 0.7,
            "natural_lower": 0.5,
            "natural_upper": 1.0,
            "prob_benefit": 0.9 + 0.01 * i,
            "tau_median": 0.2,
        }
        for i, name in enumerate(HOSTILE)
    ]
    record["notes"] = [*record["notes"], *HOSTILE, "# not a heading\n\n<script>x</script>"]
    return report(record, found.tables, [HOSTILE[2]])


def test_hostile_text_is_shown_and_never_rendered(hostile_text):
    rendered = html(hostile_text)
    assert not re.search(r"<(script|b>|h[2-9]>not)", rendered)
    pictures = re.findall(r"<img.*?>", re.sub(r'"[^"]*"', '""', rendered))
    assert pictures == ['<img src="" alt="" />']
    links = re.findall(r'(?:href|src)="([^"]*)"', rendered)
    assert all(re.match(r"https://[ab]\.example|figures/", address) for address in links)
    for name in HOSTILE:
        shown = name.replace("<", "&lt;").replace(">", "&gt;")
        assert f'<td style="text-align:left">{shown}</td>' in rendered
        assert f"<li>{shown}</li>" in rendered


@pytest.mark.parametrize(
    "text",
    [
        *HOSTILE,
        "1. first",
        "- item",
        "+ item",
        "> quoted",
        "=====",
        "~~gone~~",
        "![x](y)",
        "&lt;b&gt;",
        "<https://x.example>",
        "a\\|b",
        "[x]: http://y",
        "[0](javascript:x)",
        "__init__",
        "bowdish_2023",
        "$x$",
        "<1@x.example>",
        "RR < 1 [0.5, 2.0], mu ~ Normal(0, 1), <0.001",
    ],
)
@pytest.mark.parametrize("where", ["paragraph", "cell"])
def test_escaped_text_reads_as_it_was_written(text, where):
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    source = escape(text) if where == "paragraph" else table(["a", "b"], [[escape(text), "1"]])
    tokens = [t for t in parser.parse(source) if t.type == "inline"]
    shown = tokens[0] if where == "paragraph" else tokens[2]
    assert len(tokens) == (1 if where == "paragraph" else 4)
    assert {child.type for child in shown.children} <= {"text", "text_special"}
    assert "".join(child.content for child in shown.children) == text


@pytest.mark.parametrize(
    "plain", ["bowdish_2023", "mu ~ Normal(0, 1)", "RR < 1", "0.71 [0.45, 1.00]", "<0.001", "-"]
)
def test_harmless_text_stays_readable_in_the_source(plain):
    assert escape(plain) == (plain if plain != "-" else "\\-")


def test_line_breaks_and_invisible_signs_are_taken_out():
    assert escape("a\n\n# b\u202ec\x00d") == "a \\# bc d"


def test_only_web_addresses_become_links():
    assert link("a|b", "https://x.example/a_(1)|2") == "[a\\|b](https://x.example/a_%281%29%7C2)"
    for address in ("javascript:alert(1)", "data:text/html,x", "//x.example", "https://a b"):
        assert link("a", address) == "a"


def test_a_table_is_aligned_in_its_source_too():
    assert table(["Trial", "n"], [["a", "10"], ["long name", ""]]) == (
        "| Trial     |   n |\n| :-------- | --: |\n| a         |  10 |\n| long name |   – |"
    )
    assert table(["a"], []) == ""


def test_leaving_out_one_of_few_trials_is_not_another_reading(full):
    rows = [
        {"without": name, "natural_median": 0.7, "prob_benefit": p}
        for name, p in (("a", 0.91), ("b", 0.88), ("c", 0.95))
    ]
    said = " ".join(sentences(full | {"leave_one_out": rows}))
    assert "Without any one of the trials" in said
    assert "0.880 (without b)" in said
    assert "other readings" not in said
