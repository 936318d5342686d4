"""Mortality from COVID-19 with and without mesenchymal stem cells.

Do mesenchymal stem cells lower mortality from COVID-19?
Ten randomised trials, deaths from any cause by the end of each trial's follow-up, risk ratio.
Exact binomial likelihood, normal random effects, weak priors.
"""

from _script import (
    CHARACTERISTICS,
    DATA,
    OTHER_READINGS,
    PUBLISHED,
    TREATMENT,
    UNCONFIRMED,
    earlier_reviews,
    main,
)

import bayespool as bp

QUESTION = "Do mesenchymal stem cells lower mortality from COVID-19?"
IMPORTANT = 0.7  # a risk ratio that would change practice


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "mortality.csv"),
        measure="RR",
        priors=bp.priors("RR", "weak"),
        benefit="lower",
        thresholds=[1, 0.9, 0.8],
        important=IMPORTANT,
        beside=bp.named_priors(
            "RR", IMPORTANT, "lower", rows=earlier_reviews("all-cause-mortality")
        ),
        question=QUESTION,
        treatment=TREATMENT,
        event="deaths",
        absolute=30,  # per 1,000 patients
        limits=[UNCONFIRMED, "Follow-up differs between trials, and some do not print it."],
        alternatives=OTHER_READINGS,
        characteristics=CHARACTERISTICS,
        published=PUBLISHED,
        published_as=[
            "mortality",
            "all_cause_mortality",
            "mortality_28d",
            "28d_mortality",
            "mortality_60d",
            "mortality_90d",
            "mortality_endpoint",
            "mortality (ARDS incl. non-COVID)",
        ],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
