"""One executor for everything that repeats: processes, one thread each, or a Dask cluster."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from typing import Any

from threadpoolctl import threadpool_limits

from bayespool.errors import BayespoolError, UsageError

__all__ = ["each", "seeds", "stream"]

ADDRESS = re.compile(r"(tcp|tls|ucx|wss?)://.+:[0-9]{1,5}")
PATIENCE = 10  # seconds for a cluster to answer
AHEAD = 3  # jobs a worker of a cluster has waiting
ATTEMPTS = 5  # of a job whose worker dies
NOISY = ("distributed", "tornado", "asyncio")  # loggers


def each(
    function: Callable[..., Any],
    jobs: Sequence[Sequence[Any]],
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    scheduler: str | None = None,
) -> list[Any]:
    """Call a function once a job, and return the results in the jobs' order.

    Parameters
    ----------
    function : callable
        Importable, with arguments that can be pickled.
    jobs : sequence of argument lists
    workers : int, optional
        Processes; all cores by default. One runs in this process.
    progress : callable, optional
        Called with how many of how many jobs are done, after each.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``, whose workers do the jobs instead.

    Raises
    ------
    BayespoolError, UsageError
        See `stream`.

    Notes
    -----
    What a job draws at random must come from its own seed (`seeds`), so that the results do not
    depend on the number of workers.
    """
    say = progress or (lambda done, of: None)
    if scheduler is None and (workers == 1 or len(jobs) < 2):
        workers = 1
    found: dict[int, Any] = {}
    for i, result in stream(function, jobs, workers, scheduler):
        found[i] = result
        say(len(found), len(jobs))
    return [found[i] for i in range(len(jobs))]


def stream(
    function: Callable[..., Any],
    jobs: Iterable[Sequence[Any]],
    workers: int | None = None,
    scheduler: str | None = None,
) -> Iterator[tuple[int, Any]]:
    """Number and result of each job, as they are done; jobs are made only as they are needed.

    Raises
    ------
    BayespoolError
        The cluster was lost, or a job could not be done there.
    UsageError
        ``scheduler`` without dask.distributed, or an address that does not answer.
    """
    if scheduler is not None:
        yield from _on_cluster(function, jobs, scheduler)
    elif workers == 1:
        with threadpool_limits(limits=1):
            for i, job in enumerate(jobs):
                yield i, function(*job)
    else:
        from joblib import Parallel, delayed, parallel_config

        with parallel_config(backend="loky", inner_max_num_threads=1):
            pool = Parallel(
                n_jobs=workers or -1,
                return_as="generator_unordered",
                batch_size=1,
                pre_dispatch="3*n_jobs",
            )
            yield from pool(delayed(_numbered)(function, i, job) for i, job in enumerate(jobs))


def seeds(seed: int, count: int) -> list[Any]:
    """Independent seeds, one a job: the same for any number of workers."""
    import numpy as np

    return list(np.random.SeedSequence(seed).spawn(count))


def _numbered(function: Callable[..., Any], i: int, job: Sequence[Any]) -> tuple[int, Any]:
    return i, function(*job)


def _on_cluster(
    function: Callable[..., Any], jobs: Iterable[Sequence[Any]], address: str
) -> Iterator[tuple[int, Any]]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UsageError(
            "a scheduler needs dask.distributed, which is not installed: "
            "pip install 'bayespool[distributed]'."
        ) from None
    silent = UsageError(
        f"no Dask scheduler answers at {address}. Start one (dask scheduler) or correct the "
        "address: tcp://host:port."
    )
    if not ADDRESS.fullmatch(address):
        raise silent
    with _quiet():
        try:
            client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        except (MemoryError, OSError, ValueError) as error:
            raise silent from error
        try:
            with client:
                yield from _results(client, distributed.as_completed, function, jobs)
        except distributed.KilledWorker as error:
            raise BayespoolError(
                "a job ended the worker that ran it, and each worker that tried again: out of "
                "memory? Use smaller chunks."
            ) from error
        except (distributed.client.FutureCancelledError, OSError) as error:
            raise BayespoolError(
                f"the Dask scheduler at {address} was lost ({type(error).__name__}). Run the same "
                "command again: it goes on from what is done."
            ) from error


def _results(
    client: Any,
    as_completed: Callable[..., Any],
    function: Callable[..., Any],
    jobs: Iterable[Sequence[Any]],
) -> Iterator[tuple[int, Any]]:
    """Numbers and results, with some jobs a worker waiting and no more."""
    numbered = enumerate(jobs)
    ahead = AHEAD * max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)

    def submitted(count: int) -> list[Any]:
        return [
            client.submit(_numbered, function, i, job, pure=False, retries=ATTEMPTS)
            for i, job in islice(numbered, count)
        ]

    with client.as_current():
        waiting = as_completed(submitted(ahead))
    for future in waiting:
        yield future.result()
        future.release()
        waiting.update(submitted(1))


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong in a cluster is said once, as an error, not in distributed's own log too."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith(NOISY)]
    levels = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
