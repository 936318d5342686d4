"""Mortality from COVID-19 with and without mesenchymal stem cells.

Do mesenchymal stem cells lower mortality from COVID-19?
Ten randomised trials, deaths from any cause by the end of each trial's follow-up, risk ratio.
Exact binomial likelihood, normal random effects, weak priors.
"""

from _script import DATA, OTHER_READINGS, UNCONFIRMED, main

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
        beside=[
            bp.priors("RR", "vague"),
            bp.priors("RR", "sceptical", important=IMPORTANT, benefit="lower"),
            bp.priors("RR", "enthusiastic", important=IMPORTANT, benefit="lower"),
        ],
        question=QUESTION,
        event="deaths",
        limits=[UNCONFIRMED, "Follow-up differs between trials, and some do not print it."],
        alternatives=OTHER_READINGS,
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
