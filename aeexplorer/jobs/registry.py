"""The registry: an index of the jobs and their queue, in one SQLite file beside the runs.

The folders are the truth. Every row says again what a folder says (`control/job.json`, `status.json`), so a lost or
damaged registry is made again from them: whoever meets the damage sets the file aside and fills a new one.

States: queued -> starting -> running -> done | failed | cancelled | interrupted. A transition is a compare-and-set: of
two that want to make the same one, one does and the other is told.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from aeexplorer.jobs.submission import Submission, submissions
from aeexplorer.runs.folders import Status, WorkFolder
from aeexplorer.store import Damaged, DiskFull, home

JobState = Literal["queued", "starting", "running", "done", "failed", "cancelled", "interrupted"]
ACTIVE: tuple[JobState, ...] = ("starting", "running")
ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled", "interrupted")
BUSY_SECONDS = 10.0
CALIBRATED_BY = 20  # finished jobs that say how this machine compares with the estimates

_PASSING = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM,
)  # fmt: skip

log = logging.getLogger(__name__)
T = TypeVar("T")

_SCHEMA = """
CREATE TABLE jobs (
    folder TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    place INTEGER NOT NULL, served INTEGER NOT NULL, interruptions INTEGER NOT NULL,
    estimated REAL NOT NULL, seconds REAL NOT NULL,
    pid INTEGER NOT NULL, process_started REAL NOT NULL, host TEXT NOT NULL, heartbeat REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX jobs_by_state ON jobs (state, owner);
CREATE TABLE askers (folder TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (folder, owner)) WITHOUT ROWID;
CREATE TABLE owners (owner TEXT PRIMARY KEY, served INTEGER NOT NULL) WITHOUT ROWID
"""

# owners take turns: whoever has the fewest jobs under way, then whoever was served the longest ago
_TURN = """
SELECT j.folder FROM jobs j
LEFT JOIN owners o ON o.owner = j.owner
LEFT JOIN (SELECT owner, count(*) AS n FROM jobs WHERE state IN ('starting', 'running') GROUP BY owner) busy
    ON busy.owner = j.owner
WHERE j.state = 'queued' AND coalesce(busy.n, 0) < ?
ORDER BY coalesce(busy.n, 0), coalesce(o.served, 0), j.place LIMIT 1
"""


@dataclass(frozen=True)
class Job:
    """One row.

    Attributes:
        folder: the work folder, relative to the home where it lies in it.
        place: order of arrival; kept by a job that goes back into the queue.
        served: order of the last start; 0 before the first.
        interruptions: how often its worker ended without a word.
        estimated: expected seconds of work before calibration, 0 if unknown; seconds: what it took.
        pid, process_started, host, heartbeat: the lease: who works on it, and when (Unix time) that was last seen.
    """

    folder: str
    kind: str
    owner: str
    state: JobState
    reason: str = ""
    place: int = 0
    served: int = 0
    interruptions: int = 0
    estimated: float = 0.0
    seconds: float = 0.0
    pid: int = 0
    process_started: float = 0.0
    host: str = ""
    heartbeat: float = 0.0

    @property
    def path(self) -> Path:
        return home() / self.folder


_COLUMNS = tuple(f.name for f in fields(Job))
_TYPES = {f.name: {"int": int, "float": float}.get(str(f.type), str) for f in fields(Job)}
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM jobs"
_INSERT = f"({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def _job(row: Sequence[Any]) -> Job:
    """A row as a job. SQLite has no check sums, so what a row says is looked at.

    Raises:
        sqlite3.DatabaseError: when it does not fit.
    """
    job = Job(*row)
    for name in _COLUMNS:
        value: Any = getattr(job, name)
        kind = _TYPES[name]
        if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
            raise sqlite3.DatabaseError(f"{name} of a job is {value!r}")
    if job.state not in get_args(JobState) or not 0 <= job.pid < 2**31 or "\0" in job.folder or not job.folder:
        raise sqlite3.DatabaseError(f"a job in {job.folder!r} is {job.state!r}")
    return job


def folder_key(path: Path) -> str:
    """The name of a work folder in the registry."""
    root = home().absolute()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


class Registry:
    """The registry of a home, for any number of threads and processes; every call is one short transaction.

    It lies in the home or where AEEXPLORER_REGISTRY says, because SQLite wants a local disk.

    Raises (from any call):
        OSError: when the file cannot be opened or written, or stays locked for more than 10 s.
        Damaged: when it was damaged, and again as soon as it had been made anew.
    """

    def __init__(self) -> None:
        self.path = Path(os.environ.get("AEEXPLORER_REGISTRY") or home() / "registry.sqlite")
        self._local = threading.local()
        self._mending = threading.Lock()

    # the file

    def _file(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):
            found = self.path.stat()
            return found.st_dev, found.st_ino
        return None

    def _connect(self) -> sqlite3.Connection:
        """This thread's connection; a new one when the file is another than it was."""
        held: _Held | None = getattr(self._local, "held", None)
        if held is not None and held.file == self._file():
            return held.connection
        self.close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # the last transactions are found again in the folders
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                self._create(connection)
        except BaseException:
            connection.close()
            raise
        self._local.held = _Held(connection, self._file())
        return connection

    def close(self) -> None:
        """Close this thread's connection."""
        held: _Held | None = self._local.__dict__.pop("held", None)
        if held is not None:
            held.connection.close()

    @staticmethod
    def _create(connection: sqlite3.Connection) -> None:
        with _transaction(connection):
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                _adopt(connection, submissions())
                connection.execute("PRAGMA user_version = 1")

    def _mended(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the file; after a damage once more with a new one."""
        try:
            return call(self._connect())
        except sqlite3.DatabaseError as error:
            if not self._means_damage(error):
                raise self._as_os_error(error) from error
            self.set_aside(str(error))
        except (UnicodeDecodeError, OverflowError) as error:
            self.set_aside(str(error))
        try:
            return call(self._connect())
        except sqlite3.DatabaseError as error:
            if self._means_damage(error):
                raise Damaged(f"registry.sqlite is damaged and could not be made again: {error}") from error
            raise self._as_os_error(error) from error

    def _write(self, call: Callable[[sqlite3.Connection], T]) -> T:
        def inside(connection: sqlite3.Connection) -> T:
            with _transaction(connection):
                return call(connection)

        return self._mended(inside)

    def _means_damage(self, error: sqlite3.DatabaseError) -> bool:
        """Whether the file is broken, rather than locked, out of reach, or on a full disk."""
        if not isinstance(error, sqlite3.OperationalError):  # "no such table" and "malformed schema" are one too
            return True
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_READONLY:  # a damaged header says so of a file that can be written to
            return os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)
        return code not in _PASSING

    def _as_os_error(self, error: sqlite3.DatabaseError) -> OSError:
        """What stopped SQLite, as other files would say it."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return DiskFull(errno.ENOSPC, f"the disk is full, {self.path.name} could not be saved: needs 0.1 MB")
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return OSError(errno.EROFS, f"{self.path.parent} cannot be written to")
        return OSError(errno.EBUSY, f"{self.path.name} cannot be used now: {error}")

    def set_aside(self, reason: str) -> None:
        """Rename the file; the next call fills a new one from the folders. Of several callers one does it."""
        held: _Held | None = getattr(self._local, "held", None)
        self.close()
        with self._mending:
            if held is not None and held.file != self._file():
                return
            kept = self.path.with_name(f"registry.damaged-{time.time_ns()}.sqlite")
            with contextlib.suppress(FileNotFoundError):
                os.replace(self.path, kept)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        log.error("registry set aside", extra={"reason": reason, "kept": kept.name})

    def rebuild(self) -> int:
        """Make the registry anew from the folders; returns the number of jobs in it."""
        self.close()
        with self._mending:
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return len(self.jobs())

    def fault(self) -> str:
        """What SQLite's own check finds wrong with the file, or "" if nothing; changes nothing."""
        if not self.path.exists():
            return ""
        connection = None
        try:
            connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            for row in connection.execute(_SELECT):
                _job(row)
            return "" if said == "ok" else said
        except (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError) as error:
            return str(error)
        finally:
            if connection is not None:
                connection.close()

    # what there is

    def jobs(self, *states: JobState) -> list[Job]:
        """Jobs in some states, or all, in the order of their arrival."""
        where = f" WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        return self._mended(
            lambda c: [_job(r) for r in c.execute(f"{_SELECT}{where} ORDER BY place", states).fetchall()]
        )

    def find(self, path: Path) -> Job | None:
        """The job of a work folder."""
        key = folder_key(path)
        found = self._mended(lambda c: [_job(r) for r in c.execute(f"{_SELECT} WHERE folder = ?", (key,)).fetchall()])
        return found[0] if found else None

    def queue(self) -> list[Job]:
        """The queued jobs in the order in which they would start if every job took the same time."""
        served: dict[str, int] = dict(self._mended(lambda c: c.execute("SELECT owner, served FROM owners").fetchall()))
        waiting, order = self.jobs("queued"), []
        clock = max(served.values(), default=0)
        while waiting:
            job = min(waiting, key=lambda j: (served.get(j.owner, 0), j.place))
            waiting.remove(job)
            clock += 1
            served[job.owner] = clock
            order.append(job)
        return order

    def calibration(self, kind: str = "train") -> float:
        """Seconds that jobs took on this machine per estimated second: the median of the last finished, else 1."""
        rows = self._mended(lambda c: c.execute(
            "SELECT seconds / estimated FROM jobs WHERE state = 'done' AND kind = ? AND estimated > 0 AND seconds > 0 "
            "ORDER BY served DESC LIMIT ?", (kind, CALIBRATED_BY)).fetchall())  # fmt: skip
        ratios = sorted(float(row[0]) for row in rows)
        return min(max(ratios[len(ratios) // 2], 0.05), 20.0) if ratios else 1.0

    def askers(self, path: Path) -> list[str]:
        """Who wants the result of a job."""
        key = folder_key(path)
        rows = self._mended(lambda c: c.execute("SELECT owner FROM askers WHERE folder = ?", (key,)).fetchall())
        return [str(row[0]) for row in rows]

    # what happens

    def submit(self, path: Path, submission: Submission) -> bool:
        """Put a job at the end of the queue. False when it waits or runs already."""
        key = folder_key(path)

        def call(connection: sqlite3.Connection) -> bool:
            connection.execute("INSERT OR IGNORE INTO askers VALUES (?, ?)", (key, submission.owner))
            row = connection.execute("SELECT state FROM jobs WHERE folder = ?", (key,)).fetchone()
            if row is not None and row[0] not in ENDED:
                return False
            job = Job(
                key,
                submission.kind,
                submission.owner,
                "queued",
                place=_next_place(connection),
                estimated=submission.estimated,
            )
            _insert(connection, job)
            return True

        return self._write(call)

    def join(self, path: Path, owner: str) -> None:
        """One more who wants the result of a job that another asked for."""
        self._write(lambda c: c.execute("INSERT OR IGNORE INTO askers VALUES (?, ?)", (folder_key(path), owner)))

    def leave(self, path: Path, owner: str) -> int:
        """One less; returns how many are left."""
        key = folder_key(path)

        def call(connection: sqlite3.Connection) -> int:
            connection.execute("DELETE FROM askers WHERE folder = ? AND owner = ?", (key, owner))
            return int(connection.execute("SELECT count(*) FROM askers WHERE folder = ?", (key,)).fetchone()[0])

        return self._write(call)

    def move(self, path: Path, expected: Sequence[JobState], state: JobState, **changes: str | float) -> bool:
        """Change the state of a job and other columns with it, if its state is one of those expected."""
        key, names = folder_key(path), ("state", *changes)
        query = (f"UPDATE jobs SET {', '.join(f'{n} = ?' for n in names)} "
                 f"WHERE folder = ? AND state IN ({', '.join('?' * len(expected))})")  # fmt: skip
        values = (state, *changes.values(), key, *expected)
        moved = self._write(lambda c: c.execute(query, values).rowcount) == 1
        if moved and state not in expected:
            log.info("job is %s", state, extra={"job": key, **changes})
        return moved

    def take(self, per_owner: int) -> Job | None:
        """The job whose turn it is, now "starting"; None when it is nobody's. An owner's jobs go in order of arrival."""

        def call(connection: sqlite3.Connection) -> Job | None:
            row = connection.execute(_TURN, (per_owner,)).fetchone()
            if row is None:
                return None
            served = connection.execute("SELECT coalesce(max(served), 0) + 1 FROM owners").fetchone()[0]
            connection.execute("UPDATE jobs SET state = 'starting', reason = '', served = ?, pid = 0, process_started = 0, host = '', "
                               "heartbeat = ? WHERE folder = ?", (served, time.time(), row[0]))  # fmt: skip
            job = _job(connection.execute(f"{_SELECT} WHERE folder = ?", row).fetchone())
            connection.execute("INSERT OR REPLACE INTO owners VALUES (?, ?)", (job.owner, served))
            return job

        return self._write(call)

    def forget(self, path: Path) -> None:
        """Drop the row of a folder that is gone."""
        key = (folder_key(path),)
        self._write(lambda c: [c.execute(f"DELETE FROM {t} WHERE folder = ?", key) for t in ("jobs", "askers")])

    def adopt_missing(self) -> int:
        """Take in submitted folders that the registry does not know, and drop rows whose folder is gone."""
        known = {job.folder for job in self.jobs()}
        missing = [(folder, said) for folder, said in submissions() if folder_key(folder.path) not in known]
        for key in known:
            if not (home() / key).is_dir():
                self.forget(home() / key)
        if missing:
            self._write(lambda c: _adopt(c, missing))
        return len(missing)


@dataclass
class _Held:
    """A thread's connection and the file it is to; closed with the thread."""

    connection: sqlite3.Connection
    file: tuple[int, int] | None

    def __del__(self) -> None:
        self.connection.close()


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _next_place(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(place), 0) + 1 FROM jobs").fetchone()[0])


def _insert(connection: sqlite3.Connection, job: Job) -> None:
    connection.execute(f"INSERT OR REPLACE INTO jobs {_INSERT}", tuple(getattr(job, name) for name in _COLUMNS))


def _adopt(connection: sqlite3.Connection, found: Iterable[tuple[WorkFolder, Submission]]) -> None:
    """Rows from what folders say."""
    for folder, said in found:
        try:
            status = folder.recorded_status
        except Damaged as error:
            status = Status(state="failed", reason=str(error))
        job = Job(
            folder_key(folder.path), said.kind, said.owner, status.state, status.reason, _next_place(connection), 0,
            said.interruptions, float(said.estimated), float(status.seconds), status.pid, float(status.process_started),
            status.host,
        )  # fmt: skip
        _insert(connection, job)
        connection.execute("INSERT OR IGNORE INTO askers VALUES (?, ?)", (job.folder, job.owner))
