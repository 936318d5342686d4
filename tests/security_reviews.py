"""Texts that try to be more than texts, and reviews that are full of them."""

from functools import cache

import numpy as np
import pandas as pd

import bayespool as bp

CSV = (
    "trial,events_treatment,n_treatment,events_control,n_control\n"
    "north,4,60,9,58\nsouth,11,120,15,118\nwest,7,90,14,92\n"
)
RUN = "__import__('os').system('touch MARK')"  # leaves a file if it is ever run

HOSTILE_PRIORS = [
    RUN,
    f"Normal({RUN}, 1)",
    f"Normal(0, sigma={RUN})",
    f"Normal(0, 1); {RUN}",
    f"Normal(0, 1)\n{RUN}",
    f"Normal(0, 1) if {RUN} else Normal(0, 2)",
    "Normal(0, open('MARK', 'w'))",
    "Normal(0, (lambda: 1)())",
    "Normal(0, 1).__class__",
    "Normal.__class__(0, 1)",
    "pm.Normal(0, 1)",
    "().__class__.__base__.__subclasses__()",
    "getattr(0, 1)",
    "eval(0, 1)",
    "exec(0, 1)",
    "__builtins__(0, 1)",
    "__import__(0, 1)",
    "Normal(*[0, 1])",
    "Normal(**{'mu': 0, 'sigma': 1})",
    "Normal(0, [1])",
    "Normal(0, 2**3)",
    "Normal(0, 1+1)",
    "Normal(0, 0x10)",
    "Normal(0, 1_0)",
    "Normal(0, 1j)",
    "Normal(0, True)",
    "Normal(0, nan)",
    "Normal(0, 1e999)",
    "Normal(0, {0.__class__})",
    "{0.__class__}",
    "%(x)s",
    "Ｎormal(0, 1)",
    "Normal(0, １)",
    "Normal(0, 1)\x00",
    "Normal(0, 1)\u202e",
    "Normal(0, 1)#",
    "'Normal(0, 1)'",
    "Normal(" * 20,
    "Normal(0, " + "(" * 150 + ")",
    "Normal(0, 1)" + " " * 500,
    "",
]

# What a file or a caller may call an outcome.
HOSTILE_NAMES = [
    ".",
    "..",
    "...",
    "-",
    " ",
    "~",
    "../up",
    "../../x",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:\\x",
    "a\x00b",
    "a\nb",
    "\x1b[31mred",
    "con",
    "index.html",
    ".git",
    "a\u2215b",
    "a\uff0fb",
    "x\u202ey",
    "l" * 300,
    "é" * 200,
    RUN,
]

TRIALS = [
    "=1+1",
    '=HYPERLINK("http://x.invalid","y")',
    "+1",
    "-1+1",
    "@SUM(1)",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "--><script>alert(1)</script>",
    "]]></text><script/>",
    "[x](javascript:alert(1))",
    "a|b",
    "`code` $x$",
    "../../x",
    "/etc/passwd",
    "turned\u202e89.0",
    "研究二〇二一",
]


def frame(names: list[str], **more: list[str]) -> pd.DataFrame:
    """Counts of trials with these names."""
    k = np.arange(len(names))
    return pd.DataFrame(
        {
            "trial": names,
            "events_treatment": 3 + k % 4,
            "n_treatment": 40 + k,
            "events_control": 6 + k % 3,
            "n_control": 41 + k,
            **more,
        }
    )


def full_of(names: list[str], text: str, link: str) -> bp.Analysis:
    """Every study of a review whose names, groups, columns and words are given."""
    some = [*names[:7], names[14]]
    trials = frame(
        some,
        year=[str(2001 + i) for i in range(len(some))],
        risk_of_bias=["low", "high"] * 4,
        confidence=["low", "high"] * 4,
        subgroup=[text, names[8]] * 4,
        source=[link] * 8,
        note=names[8:16],
        **{text: [text] * 8},
    )
    return bp.analyse(
        trials,
        "RR",
        benefit="lower",
        important=0.8,
        name=names[12],
        question=names[5],
        treatment=text,
        event=names[6],
        limits=[names[9], names[14]],
        doubted={"confidence": ["low"]},
        engine="exact",
        studies="all",
    )


@cache
def quick() -> bp.Analysis:
    """An analysis that takes no time."""
    trials = pd.DataFrame({"trial": ["a", "b"], "estimate": [-0.3, -0.1], "se": [0.2, 0.3]})
    return bp.analyse(trials, "OR", benefit="lower", effects="common", engine="exact", beside=[])
