"""C-reactive protein in COVID-19 with and without mesenchymal stem cells.

Do mesenchymal stem cells lower C-reactive protein in COVID-19?
No trial's own values could be read: the data are one published pooled mean difference (mg/L).
A common effect with a flat prior says what that number alone says.
"""

from _script import DATA, OTHER_READINGS, PUBLISHED, TREATMENT, main

import bayespool as bp

QUESTION = "Do mesenchymal stem cells lower C-reactive protein in COVID-19?"
IMPORTANT = -20  # mg/L
NO_TAU = "HalfNormal(1)"  # a common effect does not use it


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "crp.csv"),
        measure="MD",
        effects="common",
        priors=bp.Priors(mu="Flat()", tau=NO_TAU, name="flat"),
        benefit="lower",
        thresholds=[0, -10, -20],
        important=IMPORTANT,
        beside=bp.named_priors("MD", IMPORTANT, "lower", tau=NO_TAU),
        question=QUESTION,
        treatment=TREATMENT,
        limits=["The unit (mg/L) is presumed: the abstract that prints the number does not."],
        alternatives=OTHER_READINGS,
        published=PUBLISHED,
        published_as=["CRP", "CRP_post_treatment (mg/L; unit not printed in abstract)"],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
