"""Examples for the fuzz tests: tables, priors, options and command lines, good and bad.

An example is a plain dict that can be printed and run again: `fuzz.outcome` takes it. Tables
are text as a user would save it. Every strategy mixes what is right, what is nearly right and
what is wild, so that both the answers and the messages are met.
"""

from __future__ import annotations

from fuzz_tables import NAMES, one_in, tables
from hypothesis import strategies as st

from bayespool.prior.families import FAMILIES
from bayespool.studies import STUDIES
from bayespool.trials import LAYOUTS

MEASURES_OF = {
    "binary": ("OR", "RR", "RD"),
    "continuous": ("MD", "SMD", "ROM"),
    "quartiles": ("MD", "SMD", "ROM"),
    "range": ("MD", "SMD", "ROM"),
    "five": ("MD", "SMD", "ROM"),
    "generic": ("OR", "RR", "RD", "MD", "SMD", "ROM", "HR", "generic"),
}
MEASURES = MEASURES_OF["generic"]


@st.composite
def table_examples(draw: st.DrawFn) -> dict[str, object]:
    """A table of any kind, as a file in any encoding; what can be read is analysed briefly."""
    layout = draw(st.sampled_from(tuple(LAYOUTS)))
    encoding = "utf-8"
    if one_in(draw, 25):
        encoding = draw(st.sampled_from(("utf-8-sig", "utf-16", "cp1252", "utf-16-be")))
    table = draw(tables(layout, broken=2, wild=2, most=3))
    measure = draw(st.sampled_from(MEASURES_OF[layout]))
    # Without other priors beside it and by the normal approximation, an answer takes 0.1 s.
    options = {"measure": measure, "beside": (), "likelihood": "normal"}
    if measure in ("MD", "generic"):
        options |= {"mu": "Normal(0, 10)", "tau": "HalfNormal(5)"}
    return {"kind": "table", "table": table, "encoding": encoding, "options": options}


# --- priors -----------------------------------------------------------------------------------

PLAUSIBLE = ("0", "1", "0.5", "2", "-1", "0.05", "10", "1e-3", "+3", ".5", "4.")
IMPLAUSIBLE = (
    "1e13", "1e-13", "1e6", "1e12", "1e-12", "1e-300", "1e308", "1e400", "-0", "0.0", "-1e13",
    "nan", "inf", "-inf", "1_0", "0x1", "1,5", "1e", "", " ", "one", "None", "1/2", "2**3", "１",
    "()", "sigma=1", "mu=0", "sigma=", "=1", "nu=4", "9" * 60, "lower=0", "__import__('os')",
)  # fmt: skip
USUAL = ("HalfNormal", "HalfCauchy", "HalfStudentT", "Exponential", "Gamma", "Uniform")
LIGHT = ("HalfNormal(0.5)", "Uniform(0, 2)", "Exponential(1)")
UNBOUNDED = ("Normal", "StudentT", "Cauchy", "Logistic", "Uniform", "LogStudentT", "Flat")
HOSTILE = (
    "__import__('os').system('x')", "Normal(0, 1); import os", "Normal(0, 1).__class__", "Flat",
    "Flat()", "", " ", "Normal", "Normal(", "Normal)0, 1(", "normal(0, 1)", "Normal(0 1)",
    "Normal(0; 1)", "N(0, 1)", "Normal(0, 1))", "Normal((0, 1))", "Normal(0,\n1)", "\0",
    "Normal(0, 1)" * 30, "lambda: 1", "{0}", "%s", "Beta(1, 1)", "dnorm(0, 1)", "exec('1')",
    "Normal(*[0, 1])", "Normal(0, sigma=1, mu=2)", "HalfNorml(1)", "Half-Normal(1)", "施(1)",
    "Normal(０, １)", "Normal(0, 1)\u202e", "HalfNormal (0.5)", "\ud800(1)",
)  # fmt: skip
SETS = (
    "weak", "vague", "sceptical", "enthusiastic", "pessimistic", "turner2012", "turner2015",
    "rhodes2015", "bartos2023", "weka", "", "turner2015:", "turner2015:all", "turner2015:x/y/z/w",
    "rhodes2015:respiratory", "bartos2023:acute-respiratory-infections", "bartos2023:a",
    "turner2015:all-cause-mortality/pharmacological-vs-placebo", "custom", "weak:x", "None",
)  # fmt: skip


@st.composite
def prior_texts(draw: st.DrawFn, role: str) -> str:
    """A prior as text: mostly a family that suits the parameter, with as many numbers."""
    if one_in(draw, 6):
        return draw(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)))
    if one_in(draw, 5):
        family = draw(st.sampled_from((*FAMILIES, "Flat")))
    else:
        family = draw(st.sampled_from(USUAL if role == "tau" else UNBOUNDED[:4]))
    count = len(FAMILIES[family].parameters) if family in FAMILIES else 0
    if one_in(draw, 8):
        count = draw(st.integers(0, 4))
    some = one_in(draw, 3)
    numbers = [
        draw(st.sampled_from(IMPLAUSIBLE if some and one_in(draw, 2) else PLAUSIBLE))
        for _ in range(count)
    ]
    return f"{family}({', '.join(numbers)})"


@st.composite
def prior_examples(draw: st.DrawFn) -> dict[str, object]:
    """Priors as text or by name, before one small review; mu alone, tau alone or both."""
    options: dict[str, object] = {"measure": draw(st.sampled_from(MEASURES)), "beside": ()}
    if one_in(draw, 3):
        options["priors"] = draw(st.sampled_from(SETS))
        if one_in(draw, 2):
            options |= draw(important())
    for role in ("mu", "tau"):
        if draw(st.booleans()):
            options[role] = draw(prior_texts(role))
    if options["measure"] in ("OR", "RR", "RD") and one_in(draw, 12):
        options["phi"] = draw(prior_texts("phi"))
    options["effects"] = "common" if one_in(draw, 4) else "random"
    table = draw(st.sampled_from(("a,-0.3,0.2\nb,0.1,0.3\nc,-0.5,0.4\n", "a,0.2,0.5\n")))
    if "phi" in options:
        table = "trial,events_treatment,n_treatment,events_control,n_control\na,3,40,6,41\n"
    else:
        table = "trial,estimate,se\n" + table
    return {"kind": "prior", "table": table, "encoding": "utf-8", "options": options}


# --- options ----------------------------------------------------------------------------------

EFFECTS_OF_INTEREST = (0.7, 0.9, 1 / 0.7, 1.2, -0.05, 0.1, -2.0, 5.0, 1.0, 0.0)
ODD_NUMBERS = (0.0, -1.0, 1e-300, 1e300, 1e400, float("nan"), 1.0, 1000.0, -1e9, 5e-324)


@st.composite
def important(draw: st.DrawFn) -> dict[str, object]:
    """The smallest effect that matters, and the side that is better."""
    number = draw(st.sampled_from(ODD_NUMBERS if one_in(draw, 5) else EFFECTS_OF_INTEREST))
    return {"important": number, "benefit": draw(st.sampled_from(("lower", "higher")))}


@st.composite
def options_for(draw: st.DrawFn, layout: str) -> dict[str, object]:
    """Options of `analyse`: right ones mostly, with one wrong here and there."""
    wrong = one_in(draw, 6)
    measure = draw(st.sampled_from(MEASURES if wrong else MEASURES_OF[layout]))
    options: dict[str, object] = {"measure": measure}
    if draw(st.booleans()):
        options["beside"] = ()
    if draw(st.booleans()):
        options["benefit"] = draw(st.sampled_from(("lower", "higher")))
    if one_in(draw, 3):
        options |= draw(important())
    if measure in ("MD", "generic") and not wrong:
        options |= {"mu": "Normal(0, 10)", "tau": "HalfNormal(5)"}
    for role in ("mu", "tau"):
        if one_in(draw, 4):
            options[role] = draw(prior_texts(role))
    if one_in(draw, 3):
        numbers = st.sampled_from(ODD_NUMBERS if one_in(draw, 4) else EFFECTS_OF_INTEREST)
        words = st.sampled_from(("0.9", "0.90", "1e-2", "low", "nan", "-inf", "", "1_0", "１"))
        given = st.one_of(numbers, words) if wrong else numbers
        options["thresholds"] = tuple(draw(st.lists(given, min_size=1, max_size=3)))
    if one_in(draw, 4):
        normal = ("normal", "arms") if layout == "continuous" else ("normal",)
        every = ("binomial", "normal", "arms", "poisson")
        options["likelihood"] = draw(st.sampled_from(every if wrong else normal))
    if one_in(draw, 4):
        options["effects"] = "fixed" if wrong else "common"
    if one_in(draw, 5):
        options["double_zero"] = "maybe" if wrong else draw(st.sampled_from(("keep", "drop")))
    if one_in(draw, 5):
        options["absolute"] = draw(st.sampled_from((*ODD_NUMBERS, 30.0, 999.0)))
    for word in ("question", "treatment", "event"):
        if one_in(draw, 6):
            options[word] = draw(st.sampled_from((*NAMES, "deaths", "Does it help?", "")))
    return options


@st.composite
def analysis_examples(draw: st.DrawFn, student: bool = False) -> dict[str, object]:
    """A table that is mostly right, with options that are mostly right: mostly an answer."""
    layout = draw(st.sampled_from(("binary", "binary", "binary", "generic", *LAYOUTS)))
    if not student:
        table = draw(tables(layout, broken=12, wild=4, most=4))
        options = draw(options_for(layout))
    else:
        # Extreme trials, or a heavy tail of tau, take these effects up to a minute: not tried here.
        table = draw(tables(layout, broken=12, wild=1, most=2))
        tau = {"mu": "Normal(0, 2)", "tau": draw(st.sampled_from(LIGHT))}
        options = draw(options_for(layout)) | tau | {"effects": "t", "beside": ()}
    return {"kind": "analysis", "table": table, "encoding": "utf-8", "options": options}


# --- command lines ----------------------------------------------------------------------------

GOOD_WORDS = {
    "--measure": MEASURES,
    "--benefit": ("lower", "higher"),
    "--likelihood": ("normal", "normal", "binomial", "arms"),
    "--effects": ("random", "common"),
    "--priors": SETS,
    "--important": ("0.7", "1.4", "-0.1", "0"),
    "--threshold": ("0.9", "0.8", "1.1", "-0.2"),
    "--double-zero": ("drop", "keep"),
    "--absolute": ("30", "0", "1000", "-1"),
    "--event": NAMES,
    "--treatment": NAMES,
    "--question": NAMES,
    "--seed": ("1", "0", "-1", "2.5", "9" * 30),
    "--json": ("-", "r.json", "no/such/r.json", ".", ""),
    "--doubt": ("risk_of_bias=high", "risk_of_bias", "=", "note=ok", "subgroup=a"),
    "--only": (*STUDIES, "tipping,leave-one-out", "", ",", "tiping"),
}
BAD_WORDS = ("nan", "inf", "", "-", "--", "RRR", "lower ", "１", "1_0", "x y", "\ud800", "0x1", "'")
BAD_OPTIONS = ("--mesure", "-m", "--measure=RR", "--threshold=", "--help", "--version", "-h", "---")
COMMAND_TABLES = st.sampled_from(("binary", "binary", "generic", "continuous")).flatmap(
    lambda layout: st.tuples(st.just(layout), tables(layout, broken=8, wild=8, most=3))
)


@st.composite
def command_examples(draw: st.DrawFn) -> dict[str, object]:
    """A verb with its options, some of them wrong, twice or left out. NUTS is never asked for."""
    layout, table = draw(COMMAND_TABLES)
    verb = draw(st.sampled_from(("check", "priors", *["fit"] * 6, "crosscheck", "sensitivity")))
    if one_in(draw, 40):
        verb = draw(st.sampled_from(("report", "chek", "", "--help", "help", "-")))
    words = [verb]
    if verb != "priors":
        words.append("t.csv" if not one_in(draw, 12) else draw(st.sampled_from((".", "no.csv"))))
    if verb in ("fit", "crosscheck", "sensitivity", "report"):
        words += ["--measure", draw(st.sampled_from(MEASURES_OF[layout]))]
        words += ["--benefit", draw(st.sampled_from(("lower", "higher")))]
        words += ["--engine", "exact"]
        if layout == "generic" or one_in(draw, 3):
            words += ["--mu", "Normal(0, 10)", "--tau", "HalfNormal(5)"]
        if draw(st.booleans()):
            words += ["--likelihood", "normal"]
    if verb == "sensitivity":
        words += ["--only", draw(st.sampled_from(("tipping", "leave-one-out", "tau-learned")))]
    if verb == "report":
        words += ["--out", "site"]
    for _ in range(draw(st.integers(0, 3))):
        words += draw(_option())
    if one_in(draw, 6):
        i = draw(st.integers(0, len(words) - 1))
        words[i : i + 1] = draw(st.sampled_from(([], [words[i]] * 2, [words[-1]], ["--"])))
    return {"kind": "command", "table": table, "encoding": "utf-8", "argv": [*words, *_last(verb)]}


@st.composite
def _option(draw: st.DrawFn) -> list[str]:
    if one_in(draw, 8):
        return [draw(st.sampled_from(BAD_OPTIONS))]
    if one_in(draw, 6):
        role = draw(st.sampled_from(("mu", "tau", "phi")))
        return [f"--{role}", draw(prior_texts(role))]
    name = draw(st.sampled_from(tuple(GOOD_WORDS)))
    return [name, draw(st.sampled_from(BAD_WORDS if one_in(draw, 6) else GOOD_WORDS[name]))]


def _last(verb: str) -> list[str]:
    """The last word on the engine, so that no spoilt line before it starts the sampler."""
    return ["--engine", "exact"] if verb in ("fit", "crosscheck", "report", "sensitivity") else []


STRATEGIES = {
    "tables": table_examples(),
    "priors": prior_examples(),
    "analyses": analysis_examples(),
    "student": analysis_examples(student=True),  # Student-t effects take seconds, so they are few
    "commands": command_examples(),
}
