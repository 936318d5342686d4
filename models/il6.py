"""Interleukin-6 in COVID-19 with and without mesenchymal stem cells.

Do mesenchymal stem cells lower interleukin-6 in COVID-19?
No trial's own values could be read: the data are one published pooled mean difference (pg/mL).
A common effect with a flat prior says what that number alone says.
"""

from _script import DATA, PUBLISHED, TREATMENT, main

import bayespool as bp

QUESTION = "Do mesenchymal stem cells lower interleukin-6 in COVID-19?"
IMPORTANT = -10  # pg/mL
NO_TAU = "HalfNormal(1)"  # a common effect does not use it


def analyse(**options) -> bp.Analysis:
    """Analyse it; `options` are those of `bp.analyse`, such as ``engine="exact"``."""
    return bp.analyse(
        bp.read_trials(DATA / "il6.csv"),
        measure="MD",
        effects="common",
        priors=bp.Priors(mu="Flat()", tau=NO_TAU, name="flat"),
        benefit="lower",
        thresholds=[0, -5, -10],
        important=IMPORTANT,
        beside=bp.named_priors("MD", IMPORTANT, "lower", tau=NO_TAU),
        question=QUESTION,
        treatment=TREATMENT,
        limits=["The unit (pg/mL) is presumed: the abstract that prints the number does not."],
        published=PUBLISHED,
        published_as=["IL-6"],
        **options,
    )


if __name__ == "__main__":
    raise SystemExit(main(analyse))
