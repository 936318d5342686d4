"""A folder of results is the old one or the new one, whatever happens while it is written."""

import fcntl
import multiprocessing
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest
from folder_writer import NAMES, fill, fill_report, write_for_ever, write_reports

from bayespool import files
from bayespool.errors import BayespoolError
from bayespool.files import NewFile, folder, replacing, write_if_changed


def texts(path: Path) -> dict[str, str]:
    return {
        file.relative_to(path).as_posix(): file.read_text()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def whole(path: Path) -> str:
    """What every file of the folder says; a failure where they differ or one is missing."""
    found = texts(path)
    assert set(found) == set(NAMES)
    (said,) = set(found.values())
    return said


def test_a_folder_is_made_and_replaced(tmp_path):
    place = tmp_path / "new" / "mortality"
    fill(place, "one")
    assert whole(place) == "one"
    fill(place, "two")
    assert whole(place) == "two"
    assert [path.name for path in place.parent.iterdir()] == ["mortality"]


def test_nothing_is_touched_where_nothing_changes(tmp_path):
    fill(tmp_path / "a", "one")
    before = {path: path.stat() for path in (tmp_path / "a", *(tmp_path / "a").rglob("*"))}
    fill(tmp_path / "a", "one")
    after = {path: path.stat() for path in before}
    assert [s.st_ino for s in before.values()] == [s.st_ino for s in after.values()]
    assert [s.st_mtime_ns for s in before.values()] == [s.st_mtime_ns for s in after.values()]


def test_unchanged_files_stay_and_stale_ones_go(tmp_path):
    place = tmp_path / "a"
    fill(place, "one")
    kept = (place / "record.json").stat().st_ino
    with replacing(place) as made:
        (new,) = made.folders
        write_if_changed(new.stage / "record.json", "one")
        write_if_changed(new.stage / "report.md", "two")
        new.finish(["record.json", "report.md"], NAMES)
    assert texts(place) == {"record.json": "one", "report.md": "two"}
    assert (place / "record.json").stat().st_ino == kept


def test_others_files_stay_even_those_that_come_at_the_last_moment(tmp_path):
    place = tmp_path / "a"
    fill(place, "one")
    (place / "notes.txt").write_text("first")
    (place / "tables" / "own").mkdir()
    (place / "tables" / "own" / "x.csv").write_text("x")
    (place / "empty").mkdir(mode=0o700)
    with replacing(place) as made:
        (new,) = made.folders
        for name in NAMES:
            write_if_changed(new.stage / name, "two")
        new.finish(NAMES)
        (place / "notes.txt").write_text("second")  # the file itself
        (place / "late.txt").write_text("late")
        (place / "tables" / "own" / "x.csv").unlink()
        (place / "record.json").write_text("by hand")
    found = texts(place)
    assert {name: found.pop(name) for name in ("notes.txt", "late.txt")} == {
        "notes.txt": "second",
        "late.txt": "late",
    }
    assert set(found) == set(NAMES)
    assert set(found.values()) == {"two"}
    assert (place / "empty").stat().st_mode & 0o777 == 0o700


def test_an_error_or_an_interruption_leaves_the_old_folder(tmp_path):
    place = tmp_path / "a"
    fill(place, "one")

    def fail(error: type[BaseException]) -> None:
        with replacing(place) as made:
            write_if_changed(made.folders[0].stage / "record.json", "two")
            raise error

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
    with pytest.raises(RuntimeError, match="not finished"), replacing(place):
        pass
    assert whole(place) == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def said_by(folder: Path) -> set[str]:
    names = ("a/record.json", "b/record.json", "index.html")
    return {(folder / name).read_text() for name in names}


def test_several_folders_and_a_file_come_together_or_not_at_all(tmp_path):
    fill_report(tmp_path, "one")
    assert said_by(tmp_path) == {"one"}

    def fail() -> None:
        with replacing(tmp_path / "a", tmp_path / "b") as made:
            for new in made.folders:
                write_if_changed(new.stage / "record.json", "two")
                new.finish(["record.json"])
            made.add_file(tmp_path / "index.html", "two")
            raise BayespoolError(f"{made.folders[0].stage / 'record.json'} is wrong.")

    with pytest.raises(BayespoolError) as caught:
        fail()
    assert str(caught.value) == f"{tmp_path / 'a' / 'record.json'} is wrong."
    assert said_by(tmp_path) == {"one"}
    fill_report(tmp_path, "two")
    assert said_by(tmp_path) == {"two"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "index.html"]


def test_a_part_that_cannot_be_placed_takes_the_others_back(tmp_path, monkeypatch):
    fill_report(tmp_path, "one")
    (tmp_path / "b" / "notes.txt").write_text("mine")

    placed = NewFile.place

    def refuse(self) -> None:
        if self.path.name == "index.html":
            raise BayespoolError("no")
        placed(self)

    monkeypatch.setattr(NewFile, "place", refuse)
    with pytest.raises(BayespoolError, match="no"):
        fill_report(tmp_path, "two")
    assert said_by(tmp_path) == {"one"}
    assert (tmp_path / "b" / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "index.html"]


def test_a_page_that_is_a_folder_changes_nothing(tmp_path):
    fill_report(tmp_path, "one")
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").mkdir()
    with pytest.raises(BayespoolError, match=r"index\.html cannot be written: Is a directory"):
        fill_report(tmp_path, "two")
    assert (tmp_path / "a" / "record.json").read_text() == "one"


def test_what_is_lost_from_the_stage_is_not_put_in_place(tmp_path):
    place = tmp_path / "a"
    fill(place, "one")

    def swept() -> None:
        with replacing(place) as made:
            (new,) = made.folders
            for name in NAMES:
                write_if_changed(new.stage / name, "two")
            new.finish(NAMES)
            (new.stage / "report.md").unlink()

    with pytest.raises(BayespoolError, match="has been removed meanwhile"):
        swept()
    assert whole(place) == "one"


def test_ctrl_c_waits_until_all_is_in_place(tmp_path, monkeypatch):
    fill_report(tmp_path, "one")
    placed = folder.Replacement.place

    def interrupted(self) -> None:
        signal.raise_signal(signal.SIGINT)
        placed(self)

    monkeypatch.setattr(folder.Replacement, "place", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fill_report(tmp_path, "two")
    assert said_by(tmp_path) == {"two"}


def test_an_interruption_while_the_stage_is_made_leaves_nothing(tmp_path, monkeypatch):
    fill(tmp_path / "a", "one")

    def interrupted(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "_link_or_copy", interrupted)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# --- folders that cannot be exchanged -------------------------------------------------------


def test_the_folder_one_stands_in_is_written_file_by_file(tmp_path, monkeypatch):
    fill(tmp_path / "a", "one")
    inside = tmp_path / "a" / "tables"
    inode = inside.stat().st_ino
    monkeypatch.chdir(inside)
    fill(tmp_path / "a", "two")
    assert whole(tmp_path / "a") == "two"
    assert Path.cwd().stat().st_ino == inside.stat().st_ino == inode
    monkeypatch.chdir(tmp_path / "a")
    fill(Path(), "three")
    assert whole(tmp_path / "a") == "three"


def test_a_link_to_a_folder_stays_and_so_do_links_in_it(tmp_path):
    fill(tmp_path / "real", "one")
    (tmp_path / "link").symlink_to("real")
    fill(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink()
    assert whole(tmp_path / "real") == "two"
    (tmp_path / "elsewhere.md").write_text("")
    (tmp_path / "real" / "report.md").unlink()
    (tmp_path / "real" / "report.md").symlink_to("../elsewhere.md")
    fill(tmp_path / "link", "three")
    assert (tmp_path / "real" / "report.md").is_symlink()
    assert (tmp_path / "elsewhere.md").read_text() == "three"
    assert whole(tmp_path / "real") == "three"


def test_a_folder_of_many_other_files_is_written_in_place(tmp_path):
    for i in range(files.exchange.MANY + 1):
        (tmp_path / f"{i}.txt").write_text("")
    inode = tmp_path.stat().st_ino
    fill(tmp_path, "one")
    assert tmp_path.stat().st_ino == inode
    assert (tmp_path / "record.json").read_text() == "one"


def test_without_an_exchange_of_names_folders_are_renamed(tmp_path, monkeypatch):
    def no_library(*_, **__):
        raise OSError

    monkeypatch.setattr(files.exchange.ctypes, "CDLL", no_library)
    fill(tmp_path / "a", "one")
    fill(tmp_path / "a", "two")
    assert whole(tmp_path / "a") == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_without_hard_links_others_files_stay_the_files_they_are(tmp_path, monkeypatch):
    def no_links(*_, **__):
        raise PermissionError

    monkeypatch.setattr(folder.os, "link", no_links)
    fill(tmp_path / "a", "one")
    notes = tmp_path / "a" / "notes.txt"
    notes.write_text("mine")
    inode = notes.stat().st_ino
    fill(tmp_path / "a", "two")
    assert notes.stat().st_ino == inode
    assert (tmp_path / "a" / "record.json").read_text() == "two"


def test_where_folders_cannot_trade_names_files_are_written_one_by_one(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(18, "Invalid cross-device link")

    fill(tmp_path / "a", "one")
    inode = (tmp_path / "a").stat().st_ino
    monkeypatch.setattr(folder, "exchange", refused)
    fill(tmp_path / "a", "two", NAMES[:5])
    assert set(texts(tmp_path / "a").values()) == {"two"}
    assert set(texts(tmp_path / "a")) == set(NAMES[:5])
    assert (tmp_path / "a").stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_rename_that_fails_leaves_the_old_folder(tmp_path, monkeypatch):
    fill(tmp_path / "a", "one")
    (tmp_path / "b").mkdir()

    def no_library(*_, **__):
        raise OSError

    rename = Path.rename

    def half(self, target):
        if self.name == "b":
            raise PermissionError
        return rename(self, target)

    monkeypatch.setattr(files.exchange.ctypes, "CDLL", no_library)
    monkeypatch.setattr(Path, "rename", half)
    with pytest.raises(PermissionError):
        files.exchange.exchange(tmp_path / "b", tmp_path / "a")
    assert whole(tmp_path / "a") == "one"


def test_links_that_come_while_the_report_is_made_stay(tmp_path):
    place = tmp_path / "a"
    fill(place, "one")
    (tmp_path / "elsewhere").mkdir()
    with replacing(place) as made:
        (new,) = made.folders
        write_if_changed(new.stage / "record.json", "two")
        new.finish(NAMES)
        (place / "link").symlink_to("../elsewhere")
        (place / "broken").symlink_to("nowhere")
    assert (place / "link").is_symlink()
    assert (place / "broken").is_symlink()
    assert (place / "record.json").read_text() == "two"


def test_the_group_and_the_rights_of_a_folder_stay(tmp_path):
    place = tmp_path / "a"
    fill(place, "one")
    if os.geteuid() == 0:
        os.chown(place, 0, 1234)
    place.chmod(0o2770)
    (place / "tables").chmod(0o700)
    fill(place, "two")
    assert whole(place) == "two"
    assert place.stat().st_mode & 0o7777 == 0o2770
    assert (place / "tables").stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        assert place.stat().st_gid == 1234


def test_a_new_folder_has_the_group_of_its_parent(tmp_path):
    tmp_path.chmod(0o2775)
    fill(tmp_path / "a", "one")
    assert (tmp_path / "a").stat().st_mode & 0o2000


# --- what the dead leave -----------------------------------------------------------------------


def test_what_killed_runs_left_is_put_right(tmp_path):
    fill(tmp_path / "a", "one")
    (tmp_path / ".a.bayespool-0123abcd.tmp" / "tables").mkdir(parents=True)
    (tmp_path / ".a.bayespool-0123abcd.old").mkdir()
    kept = [".b.bayespool-0123abcd.tmp", ".a.2024.backup.old", ".a.bayespool-x.tmp", ".a.tmp"]
    for name in kept:
        (tmp_path / name).mkdir()
    fill(tmp_path / "a", "one")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "a"])


def test_the_stage_of_another_run_is_left_alone(tmp_path):
    with replacing(tmp_path / "a") as other:
        write_if_changed(other.folders[0].stage / "record.json", "other")
        fill(tmp_path / "a", "one")
        other.folders[0].finish(["record.json"], NAMES)
    assert texts(tmp_path / "a") == {"record.json": "other"}


def test_a_kill_between_two_renames_is_mended_by_the_next_run(tmp_path):
    fill(tmp_path / "a", "one")
    (tmp_path / "a" / "notes.txt").write_text("mine")
    (tmp_path / "a").rename(tmp_path / ".a.bayespool-0123abcd.old")
    fill(tmp_path / "a", "two")
    assert texts(tmp_path / "a").pop("notes.txt") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_lock_of_whoever_started_the_run_does_not_stop_it(tmp_path):
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    fill(tmp_path / "a", "one")
    os.close(handle)
    assert whole(tmp_path / "a") == "one"


@pytest.fixture(scope="module")
def forks():
    """Processes that start within milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bayespool.files"])
    return context


def writer(forks, place: Path, *texts: str):
    ready = forks.Event()
    process = forks.Process(target=write_for_ever, args=(place, texts, ready))
    process.start()
    assert ready.wait(60)
    return process


def kill(process) -> None:
    process.kill()
    process.join()
    process.close()


def test_fifty_kills_leave_a_whole_folder(forks, tmp_path):
    place = tmp_path / "a"
    began = time.monotonic()
    fill(place, "zero")
    once = time.monotonic() - began
    rng = random.Random(2026)
    seen = set()
    kills = 0
    while kills < 50 or len(seen) < 2:  # on a busy machine none of fifty may have written
        assert kills < 500
        kills += 1
        process = writer(forks, place, "one", "two")
        time.sleep(rng.uniform(0, 3 * once))
        kill(process)
        seen.add(whole(place))
    fill(place, "last")
    assert whole(place) == "last"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_two_runs_at_once_do_not_mix(forks, tmp_path):
    place = tmp_path / "a"
    fill(place, "zero")
    processes = [writer(forks, place, "one", "two"), writer(forks, place, "three", "four")]
    seen = set()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        handle = os.open(place, os.O_RDONLY)  # this very folder, whatever takes its name meanwhile
        try:
            files = [f"/proc/self/fd/{handle}/{name}" for name in NAMES]
            seen.add(frozenset(Path(file).read_text() for file in files))
        except FileNotFoundError:
            pass  # it was replaced and is being removed
        finally:
            os.close(handle)
    for process in processes:
        kill(process)
    assert all(len(said) == 1 for said in seen), seen
    assert len(seen) > 2
    assert whole(place) in {"one", "two", "three", "four"}


def test_two_reports_at_once_do_not_mix(forks, tmp_path):
    processes = []
    for texts_of_one in (("one", "two"), ("three", "four")):
        ready = forks.Event()
        arguments = (tmp_path, texts_of_one, ready, 40)
        process = forks.Process(target=write_reports, args=arguments)
        process.start()
        assert ready.wait(60)
        processes.append(process)
    for process in processes:
        process.join()
        assert process.exitcode == 0
        process.close()
    assert len(said_by(tmp_path)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "index.html"]


def test_threads_of_one_process_do_not_mix(tmp_path):
    place = tmp_path / "a"
    threads = [
        threading.Thread(target=lambda text=text: [fill(place, text) for _ in range(20)])
        for text in ("one", "two", "three")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert whole(place) in {"one", "two", "three"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


# --- where nothing can be written ---------------------------------------------------------------


def test_places_that_cannot_be_written_are_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(BayespoolError) as caught:
            fill(place, "one")
        assert str(caught.value).startswith(f"{place}")
        assert "cannot be written" in str(caught.value)
        assert ".tmp" not in str(caught.value)
        assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
