"""What comes from outside is read, never run: no source can, and no program was seen to."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from security_reviews import HOSTILE_PRIORS

import bayespool as bp
from bayespool.errors import PriorError

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "src" / "bayespool"

# --- the source --------------------------------------------------------------------------------

# Whatever runs text, loads objects or starts programs.
BUILTINS = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
MODULES = {
    "pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "yaml", "subprocess", "pty",
    "commands", "code", "codeop", "runpy", "jsonpickle", "socket", "urllib.request", "http",
    "requests", "ftplib", "smtplib", "webbrowser", "multiprocessing", "tarfile", "zipfile",
}  # fmt: skip
METHODS = {
    "system", "popen", "execv", "execve", "execvp", "spawnv", "spawnl", "startfile", "query",
    "eval", "read_pickle", "to_pickle", "read_hdf", "fromfile", "loadtxt", "genfromtxt", "memmap",
    "from_string", "load", "load_module", "import_module",
}  # fmt: skip
KEYWORDS = {"allow_pickle", "shell"}
# Where such a word is harmless, and why.
ALLOWED = {
    ("page/html.py", "from_string"): "Jinja2 sets the package's own template",
    ("__init__.py", "import_module"): "the package's own rooms, by a fixed table",
    ("interrupt.py", "socket"): "a pair within the process, by which a signal wakes a thread",
    ("parallel.py", "import_module"): "distributed, written out",
    ("studies.py", "import_module"): "the package's own rooms, by a fixed table",
    ("summaries.py", "import_module"): "arviz_stats, written out",
    ("predictive/scaling.py", "import_module"): "arviz_stats, written out",
    ("mcmc_plots.py", "import_module"): "matplotlib and arviz_plots, written out",
}


def dangers(source: str) -> list[str]:
    """Calls, imports and arguments that could run what a file or a text says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = []
        found += [name for name in names if name in MODULES or name.split(".")[0] in MODULES]
        found += [name.split(".")[-1] for name in names if name.split(".")[-1] in METHODS]
        if isinstance(node, ast.Name) and node.id in BUILTINS:
            found.append(node.id)
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            found.append(node.attr)
        if isinstance(node, ast.keyword) and node.arg in KEYWORDS:
            found.append(node.arg)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # Datasets are opened by the one reader that makes numbers and texts alone.
            engine = [word.value for word in node.keywords if word.arg == "engine"]
            known = [e.value for e in engine if isinstance(e, ast.Constant)]
            if node.func.attr.startswith("open_data") and known != ["h5netcdf"]:
                found.append(node.func.attr)
    return sorted(set(found))


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.py")), ids=lambda p: p.stem)
def test_no_source_runs_text_or_loads_objects(path):
    name = path.relative_to(HOUSE).as_posix()
    found = [each for each in dangers(path.read_text("utf-8")) if (name, each) not in ALLOWED]
    assert found == []


def test_every_exception_is_still_needed():
    for name, word in ALLOWED:
        assert word in dangers((HOUSE / name).read_text("utf-8")), (name, word)


def test_no_module_is_imported_by_a_name_from_data():
    """Each is named by a literal, or begins with the package's own name."""
    for name in {name for name, word in ALLOWED if word == "import_module"}:
        for node in ast.walk(ast.parse((HOUSE / name).read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module"):
                continue
            (given,) = node.args
            if isinstance(given, ast.JoinedStr):
                given = given.values[0]
                assert given.value.startswith("bayespool."), ast.unparse(node)
            assert isinstance(given, ast.Constant), ast.unparse(node)


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "f = exec",
        "import pickle",
        "from pickle import loads as x",
        "import os; os.system(text)",
        "from os import system",
        "from subprocess import run",
        "import urllib.request",
        "from urllib import request",
        "frame.query(text)",
        "pd.eval(text)",
        "np.load(path, allow_pickle=True)",
        "joblib.load(path)",
        "yaml.load(text)",
        "xr.open_dataset(path)",
        "xr.open_datatree(path, engine='zarr')",
        "importlib.import_module(name)",
    ],
)
def test_the_reader_of_sources_sees_it(source):
    assert dangers(source)


@pytest.mark.parametrize(
    "source",
    ["re.compile(text)", "xr.open_datatree(path, engine='h5netcdf')", "import urllib.parse"],
)
def test_the_reader_of_sources_lets_it_pass(source):
    assert dangers(source) == []


# --- text is parsed ----------------------------------------------------------------------------

# A new interpreter that writes down what it is asked to run, load, start or open for writing.
WATCH = """
import sys
seen, on = [], []
BAD = ("compile", "exec", "import", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen",
       "pickle.find_class", "os.remove", "os.rename", "os.mkdir", "shutil.rmtree", "ctypes.dlopen")
def hook(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if on and (event in BAD or event.startswith("socket.") or writes):
        seen.append((event, str(args)[:200]))
sys.addaudithook(hook)
"""


def watched(program: str, folder: Path, *arguments: str) -> list:
    """Run a program with that watch; what it saw."""
    text = WATCH + program + "\non.clear()\nimport json\nprint('SEEN', json.dumps(seen))"
    run = subprocess.run(
        [sys.executable, "-c", text, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.rpartition("SEEN ")[2])


@pytest.mark.parametrize("text", HOSTILE_PRIORS)
@pytest.mark.parametrize("role", ["mu", "tau", "phi"])
def test_a_prior_is_a_family_and_numbers_or_refused(text, role):
    given = {"mu": "Normal(0, 1)", "tau": "HalfNormal(1)", "phi": "Normal(0, 10)", role: text}
    with pytest.raises(PriorError):
        bp.Priors(**given)


def test_parsing_runs_and_opens_nothing(tmp_path):
    """Not even where a text would leave a mark if it were run."""
    program = """
import contextlib
import bayespool as bp
from bayespool.cli.verbs import _doubted
from bayespool.errors import BayespoolError
from bayespool.names import check_words, folder_name, printable
from security_reviews import HOSTILE_NAMES, HOSTILE_PRIORS, RUN, frame
def everything(priors, names):
    for text in priors:
        for role in ("mu", "tau", "phi"):
            with contextlib.suppress(BayespoolError):
                bp.Priors(**{"mu": "Normal(0, 1)", "tau": "HalfNormal(1)"} | {role: text})
    for table in (frame(names), frame(names).rename(columns={"source": names[0]})):
        with contextlib.suppress(BayespoolError):
            bp.read_trials(table)
    for name in names:
        with contextlib.suppress(BayespoolError):
            _doubted([f"{name}={name}"])
        with contextlib.suppress(BayespoolError):
            check_words(question=name, event=name)
        folder_name(name), printable(name)
everything(["Normal(0, 1)", "no prior"], ["a", "b\\x1b"])  # what is imported is imported by now
on.append(True)
everything([*HOSTILE_PRIORS, RUN], [*HOSTILE_NAMES, RUN])
"""
    assert watched(program, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_the_watch_sees_what_is_run(tmp_path):
    program = "on.append(True)\neval('1')\nopen('mark', 'w').close()"
    assert [event for event, _ in watched(program, tmp_path)] == ["compile", "exec", "open"]


def test_the_command_line_runs_nothing_of_what_it_is_given(tmp_path):
    """Typer evaluates the package's own annotations, so texts are looked for by a mark in them."""
    program = """
from security_reviews import RUN, frame
from bayespool.cli import main
frame([RUN, "south", "west"], **{RUN: [RUN, "x", ""]}).to_csv("hostile.csv", index=False)
options = ["--measure", "RR", "--benefit", "lower", "--engine", "exact", "--only", "trust"]
words = ["--doubt", f"{RUN}={RUN}", "--question", RUN, "--event", RUN, "--treatment", RUN]
on.append(True)
assert main(["sensitivity", "hostile.csv", *options, *words]) == 0
assert main(["fit", "hostile.csv", *options[:6], "--mu", RUN]) == 2
assert main(["fit", "hostile.csv", *options[:6], "--threshold", RUN]) == 2
assert main(["fit", "hostile.csv", *options[:6], "--priors", RUN]) == 2
"""
    seen = watched(program, tmp_path)
    assert [each for each in seen if "MARK" in str(each)] == []
    run = {event for event, _ in seen}
    assert not run & {"os.system", "subprocess.Popen", "pickle.find_class", "os.exec"}
    assert not {event for event in run if event.startswith("socket.")}
    assert [path.name for path in tmp_path.iterdir()] == ["hostile.csv"]


def test_the_exact_engine_loads_no_pickle_and_starts_nothing(tmp_path):
    """From the trials to the page, in a new interpreter."""
    program = """
import bayespool as bp
on.append(True)
found = bp.analyse(sys.argv[1], "RR", benefit="lower", important=0.7, engine="exact")
found.write("out")
bp.page([found], "out")
"""
    seen = watched(program, tmp_path, str(ROOT / "data" / "serious_adverse_events.csv"))
    events = {event for event, _ in seen}
    assert "open" in events  # it writes
    never = {"pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"}
    assert not events & never
    assert not {event for event in events if event.startswith("socket.")}
