"""Folders that change as a whole: a kill leaves the old results or the new, never a mixture.

The new folder is made aside, its unchanged files as hard links to the old ones, and takes the old
one's place in one step. That step is an exchange of two names, which Linux and macOS can do; other
systems rename twice, and a kill between the two is mended by the next run. Where a folder cannot be
exchanged its files are put in place one by one, each whole.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bayespool.errors import BayespoolError
from bayespool.files.exchange import exchange, only_plain
from bayespool.files.locks import held, in_turn, let_go
from bayespool.files.signals import uninterrupted
from bayespool.files.single import NewFile, atomic_write, cannot_write

__all__ = ["Making", "Replacement", "give_up", "replacing"]

_making: list[Making] = []  # in this process, at this moment


class Replacement:
    """A folder on its way to be replaced.

    Attributes
    ----------
    folder : Path
        As it was named.
    stage : Path
        Where to write. It starts with the old files that match ``like``.
    """

    def __init__(self, folder: str | os.PathLike[str], like: Sequence[str]) -> None:
        self.folder = Path(folder)
        self._mine: set[str] | None = None
        self._written: set[str] = set()
        self._was_exchanged = False
        self._lock: int | None = None
        try:
            # Through a symbolic link the folder behind it is replaced, and the link stays.
            self.real = Path(os.path.realpath(folder))
            self.real.parent.mkdir(parents=True, exist_ok=True)
            if self.real.exists() and not self.real.is_dir():
                raise NotADirectoryError(20, "a file is in its place")
            self._beside = True
            self.stage = self._new_stage()
        except OSError as error:
            raise BayespoolError(cannot_write(self.folder, error)) from error
        try:
            for pattern in like:
                for old in self.real.glob(pattern):
                    if old.is_file():
                        new = self.stage / old.relative_to(self.real)
                        new.parent.mkdir(parents=True, exist_ok=True)
                        _link_or_copy(old, new)
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError):
                raise BayespoolError(cannot_write(self.folder, error)) from error
            raise

    def _new_stage(self) -> Path:
        while True:
            name = f".{self.real.name[:80]}.bayespool-{secrets.token_hex(4)}.tmp"
            stage = self.real.with_name(name)
            try:
                stage.mkdir()  # with the group and the rights that a new folder has here
            except OSError:
                if not (self.real.is_dir() and os.access(self.real, os.W_OK)):
                    raise
                self._beside = False
                return Path(tempfile.mkdtemp(prefix="bayespool-"))
            with suppress(FileNotFoundError):  # swept away by another run, before it was locked
                self._lock = held(stage)
                if stage.exists():
                    return stage
                let_go(self._lock)

    def finish(self, written: Iterable[str], known: Iterable[str] = ()) -> None:
        """Say what was written, and what an earlier run may have: that is removed.

        Names are as in ``tables/engines.csv``. All other files stay as they are at the last moment.
        """
        self._written = set(written)
        self._mine = self._written.union(known)
        for name in self._mine - self._written:
            (self.stage / name).unlink(missing_ok=True)

    def place(self) -> None:
        """Put the new folder in the old one's place, unless nothing has changed."""
        if self._mine is None:
            raise RuntimeError(f"{self.folder} was not finished.")
        if lost := sorted(name for name in self._written if not (self.stage / name).is_file()):
            raise BayespoolError(
                f"{self.folder} was not written: {lost[0]} has been removed meanwhile from "
                f"{self.stage}. Run again."
            )
        try:
            if not self._changed(self._mine):
                return
            if not (self._beside and self._exchanged(self._mine)):
                self._written_in_place(self._mine)
        except OSError as error:
            raise BayespoolError(cannot_write(self.folder, error)) from error

    def undo(self) -> None:
        """Take back what `place` did, where the folder was exchanged."""
        if self._was_exchanged:
            exchange(self.stage, self.real)
            self._was_exchanged = False

    def discard(self) -> None:
        """Remove what stands aside: the old folder, or a new one that was not put in place."""
        if self._was_exchanged and self._mine is not None:
            _rescue(self.stage, self.real, self._mine)
        shutil.rmtree(self.stage, ignore_errors=True)
        let_go(self._lock)
        self._lock = None

    def _exchanged(self, mine: set[str]) -> bool:
        """Exchange the folders; False, with nothing done, where that cannot be."""
        try:
            if not self.real.exists():
                self.stage.rename(self.real)
                return True
            if not only_plain(self.real):
                return False
            _dress(self.stage, self.real)
            for file in _files(self.stage):
                if file not in mine:
                    (self.stage / file).unlink()
            for file in _files(self.real):
                if file not in mine:
                    os.link(self.real / file, self.stage / file)  # a copy would be another file
            exchange(self.stage, self.real)
        except OSError:
            return False
        self._was_exchanged = True
        return True

    def _written_in_place(self, mine: set[str]) -> None:
        for name in sorted(mine):
            old, new = self.real / name, self.stage / name
            if name in self._written:
                if not _same(old, new):
                    atomic_write(old, new.read_bytes())
            else:
                old.unlink(missing_ok=True)

    def _changed(self, mine: set[str]) -> bool:
        there = {name for name in mine if (self.real / name).is_file()}
        return there != self._written or not all(
            _same(self.real / name, self.stage / name) for name in there
        )


class Making:
    """Folders and files that are made aside and put in place together.

    Attributes
    ----------
    folders : list of Replacement
    """

    def __init__(self, folders: Sequence[str | os.PathLike[str]], like: Sequence[str]) -> None:
        self.folders: list[Replacement] = []
        self._files: list[NewFile] = []
        _making.append(self)
        try:
            for folder in folders:
                self.folders.append(Replacement(folder, like))
        except BaseException:
            self.discard()
            raise

    def add_file(self, path: str | os.PathLike[str], content: bytes | str) -> None:
        """A file that is to come with the folders."""
        self._files.append(NewFile(path, content))

    def place(self) -> None:
        """Put everything in place; if a part cannot be, what was exchanged is taken back."""
        done: list[Replacement] = []
        with uninterrupted(), in_turn(_common(self.folders)):
            for folder in self.folders:
                mend(folder.real)
            try:
                for folder in self.folders:
                    done.append(folder)
                    folder.place()
                for file in self._files:
                    file.place()
            except BaseException:
                for folder in reversed(done):
                    folder.undo()
                raise

    def discard(self) -> None:
        for folder in self.folders:
            folder.discard()
        for file in self._files:
            file.discard()
        with suppress(ValueError):
            _making.remove(self)

    def named(self, words: str) -> str:
        """Words with the names that the user knows in place of the stages'."""
        for each in self.folders:
            words = words.replace(str(each.stage), str(each.folder))
        return words


@contextmanager
def replacing(
    *folders: str | os.PathLike[str], like: Sequence[str] = ("**/*",)
) -> Iterator[Making]:
    """Make folders anew, aside, and put all of them in place at the end, if no error came.

    Parameters
    ----------
    folders : paths
    like : glob patterns
        Of the old files with which the new folders start.

    Raises
    ------
    BayespoolError
        A folder or a file in it cannot be written.
    """
    making = Making(folders, like)
    try:
        yield making
        making.place()
    except BayespoolError as error:
        raise BayespoolError(making.named(str(error))) from error
    finally:
        making.discard()


def give_up() -> None:
    """Remove all that this process has standing aside: it is about to end."""
    for making in _making.copy():
        making.discard()


def mend(real: Path) -> None:
    """Undo what killed runs left: remove what stood aside, put back what had no successor."""
    pattern = re.compile(re.escape(f".{real.name[:80]}.bayespool-") + r"[0-9a-f]{8}\.(tmp|old)")
    if not os.access(real.parent, os.R_OK | os.W_OK):
        return
    for entry in sorted(real.parent.iterdir()):
        match = pattern.fullmatch(entry.name)
        if match is None or entry.is_symlink() or not entry.is_dir():
            continue
        if match[1] == "old" and not real.exists():
            entry.rename(real)
            continue
        with suppress(OSError):
            handle = held(entry)  # None: another run is making it; -1: nobody can tell
            if handle is not None and handle >= 0:
                shutil.rmtree(entry, ignore_errors=True)
                let_go(handle)


def _common(folders: Sequence[Replacement]) -> Path:
    return Path(os.path.commonpath([each.real.parent for each in folders]))


def _dress(new: Path, old: Path) -> None:
    """Give a folder and those in it the owner, group and rights of the old ones."""
    for folder in (old, *(path for path in old.rglob("*") if path.is_dir())):
        made = new / folder.relative_to(old)
        made.mkdir(exist_ok=True)
        was, now = folder.stat(), made.stat()
        if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
            os.chown(made, was.st_uid, was.st_gid)
        shutil.copystat(folder, made)


def _rescue(old: Path, new: Path, mine: set[str]) -> None:
    """Move what was put into the old folder in the very moment of the exchange."""
    for name in _files(old):
        if name not in mine and not (new / name).exists():
            with suppress(OSError):
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                (old / name).rename(new / name)


def _files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _link_or_copy(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # a file system without hard links, another's file, another file system
        with suppress(PermissionError):
            shutil.copy2(old, new)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other) or one.read_bytes() == other.read_bytes()
    except OSError:
        return False
