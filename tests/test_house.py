"""The house in order: who imports whom, and what a stranger's clone must not contain."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "src" / "bayespool"

# A room may import any before it and none after it.
ROOMS = [
    "errors",
    "names",
    "interrupt",
    "files",
    "parallel",
    "trials",
    "measures",
    "prior",
    "axes",
    "posterior",
    "exact",
    "nuts_models",
    "sampling",
    "refits",
    "predictive",
    "summaries",
    "decisions",
    "curves",
    "prior_sensitivity",
    "subsets",
    "comparison",
    "frequentist",
    "agreement",
    "simulate",
    "validation",
    "batches",
    "record",
    "figures",
    "mcmc_plots",
    "prose",
    "studies",
    "page",
    "analysis",
    "cli",
]
DOORS = ("__init__", "__main__")  # they open onto every room and hold no logic


def room_of(path: Path) -> str:
    """The module, or the package directly in the house, that a file belongs to."""
    first = path.relative_to(HOUSE).parts[0]
    return first.removesuffix(".py")


def imported_rooms(source: str, package: list[str]) -> set[str]:
    """First names below bayespool that a source imports; "" is the house itself."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            names = [base] if len(base) > 1 else [[*base, alias.name] for alias in node.names]
        else:
            continue
        found |= {(*name, "")[1] for name in names if name[0] == "bayespool"}
    return found


def package_of(path: Path) -> list[str]:
    return ["bayespool", *path.relative_to(HOUSE).parent.parts]


def wrong_imports(path: Path, source: str) -> list[str]:
    room = room_of(path)
    if room not in ROOMS:
        return [f"{room} is not in the list of rooms"]
    above = ROOMS[: ROOMS.index(room) + 1]
    return sorted(imported_rooms(source, package_of(path)) - set(above))


def sources() -> list[Path]:
    return [p for p in sorted(HOUSE.rglob("*.py")) if room_of(p) not in DOORS]


def tracked() -> list[Path]:
    """Every file git has, or would take, here; a tree without git is read as it lies."""
    if not (ROOT / ".git").exists():
        return [p for p in ROOT.rglob("*") if p.is_file() and ".venv" not in p.parts]
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("path", sources(), ids=lambda p: p.relative_to(HOUSE).as_posix())
def test_a_room_imports_only_rooms_above_it(path):
    assert wrong_imports(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("file", "source", "wrong"),
    [
        ("trials.py", "from bayespool.exact import surface", ["exact"]),
        ("trials.py", "def f():\n    from .cli import main", ["cli"]),
        ("trials.py", "from . import prior, errors", ["prior"]),
        ("trials.py", "from bayespool import measures", ["measures"]),
        ("trials.py", "import bayespool as bp", [""]),
        (
            "exact/grid.py",
            "from ..record import x\nfrom .axes import y\nfrom . import z",
            ["record"],
        ),
        ("exact/grid.py", "import bayespool.page, numpy", ["page"]),
        ("exact/grid.py", "from bayespool.prior import Prior\nimport scipy.stats", []),
        ("attic.py", "import numpy", ["attic is not in the list of rooms"]),
    ],
)
def test_the_reader_of_imports_sees_a_wrong_one(file, source, wrong):
    assert wrong_imports(HOUSE / file, source) == wrong


def test_no_tracked_text_names_a_registry_or_a_folder_of_one_machine():
    # Written in pieces, or this file would be the first to be found.
    hosts = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "deb." + "debian.org"]
    folders = "|".join(["work", "root", "farm", "home", "Users", "opt"])
    pattern = re.compile(
        "|".join(map(re.escape, hosts)) + rf"|(?<![\w.<~/-])/(?:{folders})/[\w.-]+", re.IGNORECASE
    )
    found = {
        path.relative_to(ROOT).as_posix(): sorted(set(pattern.findall(text)))
        for path in tracked()
        if (text := text_of(path)) is not None and pattern.search(text)
    }
    assert found == {}


def test_the_lock_has_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash=)", text, re.MULTILINE)
    pins = re.split(r"\n(?=[a-z])", text[text.index("\n", text.rindex("\n#") + 1) + 1 :])
    assert len(pins) > 50
    for pin in pins:
        assert re.match(r"[a-z0-9-]+==[\w.]+ ", pin), pin
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", pin), pin


def test_the_lock_holds_every_declared_dependency():
    """The build backend too: an installation is offline once the lock is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(d for extra in project["project"]["optional-dependencies"].values() for d in extra),
        *(d for group in project["dependency-groups"].values() for d in group),
    ]
    names = {re.split(r"[\[<>=~! ]", d, maxsplit=1)[0].lower() for d in declared}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert names <= set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))


def test_the_interpreter_is_named_by_its_minor_version():
    version = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
    assert re.fullmatch(r"3\.\d+", version)
