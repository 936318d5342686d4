"""Clinical improvement of COVID-19 with and without mesenchymal stem cells.

Do mesenchymal stem cells help more patients with COVID-19 to improve?
Three randomised trials, patients who improved by each trial's own definition, risk ratio.
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

QUESTION = "Do mesenchymal stem cells help more patients with COVID-19 to improve?"
IMPORTANT = 1 / 0.7  # a risk ratio that would change practice; here higher is better


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "clinical_improvement.csv"),
        measure="RR",
        priors=bp.priors("RR", "weak"),
        benefit="higher",
        thresholds=[1, 1.1, 1.25],
        important=IMPORTANT,
        beside=bp.named_priors(
            "RR", IMPORTANT, "higher", rows=earlier_reviews("signs-symptoms-continuation")
        ),
        question=QUESTION,
        treatment=TREATMENT,
        event="patients who improved",
        absolute=30,  # per 1,000 patients
        limits=[
            "Each trial defines improvement in its own way, at day 14 or day 60.",
            UNCONFIRMED,
        ],
        alternatives=OTHER_READINGS,
        characteristics=CHARACTERISTICS,
        published=PUBLISHED,
        published_as=[
            "clinical_symptom_improvement",
            "clinical_symptom_improvement_rate",
            "clinical_improvement",
            "clinical_improvement_D28",
            "clinical_improvement_D60",
            "symptom_remission_rate",
        ],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
