"""The registry: an index of the jobs and their queue, in one SQLite file beside the runs.

The folders are the truth. Every row repeats what a folder says (`control/job.json`, `status.json`), so a lost or
damaged registry is rebuilt from them: the first caller who meets the damage sets the file aside and fills a new one.

States: queued -> starting -> running -> done | failed | cancelled | interrupted. A transition is a compare-and-set: of
two callers that attempt the same one, one succeeds.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aeexplorer.jobs.job import COLUMNS, ENDED, INSERT, LANE, SELECT, Job, JobState, Lane, folder_key, job_of
from aeexplorer.jobs.scheduling import NEXT
from aeexplorer.jobs.submission import Submission, submissions
from aeexplorer.runs.folders import Status, WorkFolder
from aeexplorer.store import Damaged, DiskFull, home

BUSY_SECONDS = 10.0
CALIBRATION_JOBS = 20  # finished jobs from which the pace of this machine is measured

_NOT_DAMAGE = tuple(
    getattr(sqlite3, f"SQLITE_{name}") for name in ("BUSY", "LOCKED", "CANTOPEN", "FULL", "IOERR", "PERM", "NOMEM")
)

log = logging.getLogger(__name__)
T = TypeVar("T")

VERSION = 2  # of the schema; a registry of another version is rebuilt
_SCHEMA = """
DROP TABLE IF EXISTS jobs;
DROP TABLE IF EXISTS requesters;
DROP TABLE IF EXISTS owners;
CREATE TABLE jobs (
    folder TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    address TEXT NOT NULL, arrival INTEGER NOT NULL, served INTEGER NOT NULL, interruptions INTEGER NOT NULL,
    estimated REAL NOT NULL, seconds REAL NOT NULL,
    pid INTEGER NOT NULL, process_started REAL NOT NULL, host TEXT NOT NULL, heartbeat REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX jobs_by_state ON jobs (state, owner);
CREATE TABLE requesters (folder TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (folder, owner)) WITHOUT ROWID;
CREATE TABLE owners (owner TEXT PRIMARY KEY, served INTEGER NOT NULL) WITHOUT ROWID
"""


def file_id(path: str | Path) -> tuple[int, int] | None:
    """Device and inode of a file, None when there is none."""
    with contextlib.suppress(OSError):
        found = Path(path).stat()
        return found.st_dev, found.st_ino
    return None


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log. While another connection writes, SQLite refuses this without waiting: wait here."""
    end = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


class Registry:
    """The registry of a home, for any number of threads and processes; every call is one short transaction.

    It lies in the home, or at AEEXPLORER_REGISTRY where the home is not on a local disk, which SQLite needs.

    Raises (from any call):
        OSError: when the file cannot be opened or written, or stays locked for more than 10 s.
        Damaged: when it was damaged, and damaged again as soon as it had been rebuilt.
    """

    def __init__(self) -> None:
        self.path = Path(os.environ.get("AEEXPLORER_REGISTRY") or home() / "registry.sqlite")
        self.changes = 0
        """Number of writes by this object, so that a copy of its content can be told to be old."""
        self._local = threading.local()
        self._repairing = threading.Lock()

    # the file

    def _connect(self) -> sqlite3.Connection:
        """This thread's connection; a new one when the file has been replaced."""
        known: _Connection | None = getattr(self._local, "connection", None)
        if known is not None and known.file_id == file_id(self.path):
            return known.connection
        self.close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _log_ahead(connection)
            connection.execute("PRAGMA synchronous = NORMAL")  # the folders keep what a power cut takes of it
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                self._create(connection)
        except BaseException:
            connection.close()
            raise
        self._local.connection = _Connection(connection, file_id(self.path))
        return connection

    def close(self) -> None:
        """Close this thread's connection."""
        known: _Connection | None = self._local.__dict__.pop("connection", None)
        if known is not None:
            known.connection.close()

    @staticmethod
    def _create(connection: sqlite3.Connection) -> None:
        with _transaction(connection):
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                _adopt(connection, submissions())
                connection.execute(f"PRAGMA user_version = {VERSION}")

    def _repaired(self, call: Callable[[sqlite3.Connection], T]) -> T:
        """Call with a connection; when the file turns out to be damaged, once more with a new one."""
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
                raise Damaged(f"registry.sqlite is damaged and could not be rebuilt: {error}") from error
            raise self._as_os_error(error) from error

    def _write(self, call: Callable[[sqlite3.Connection], T]) -> T:
        def inside(connection: sqlite3.Connection) -> T:
            with _transaction(connection):
                return call(connection)

        try:
            return self._repaired(inside)
        finally:
            self.changes += 1

    def _means_damage(self, error: sqlite3.DatabaseError) -> bool:
        """Whether the file is damaged, rather than locked, out of reach, or on a full disk."""
        if not isinstance(error, sqlite3.OperationalError):  # "no such table" and "malformed schema" are one too
            return True
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_READONLY:  # a damaged header causes this too, in a writable file
            return os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK)
        return code not in _NOT_DAMAGE

    def _as_os_error(self, error: sqlite3.DatabaseError) -> OSError:
        """An error of SQLite as the OSError that another file would raise."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return DiskFull(errno.ENOSPC, f"the disk is full, {self.path.name} could not be saved: needs 0.1 MB")
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            return OSError(errno.EROFS, f"{self.path.parent} cannot be written to")
        return OSError(errno.EBUSY, f"{self.path.name} cannot be used now: {error}")

    def set_aside(self, reason: str) -> None:
        """Rename the file; the next call fills a new one from the folders. Of several callers, the first does it."""
        known: _Connection | None = getattr(self._local, "connection", None)
        self.close()
        with self._repairing:
            if known is not None and known.file_id != file_id(self.path):
                return
            kept = self.path.with_name(f"registry.damaged-{time.time_ns()}.sqlite")
            with contextlib.suppress(FileNotFoundError):
                os.replace(self.path, kept)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        log.error("registry set aside", extra={"reason": reason, "kept": kept.name})

    def damaged_files(self) -> list[Path]:
        """The files that were set aside."""
        found = self.path.parent.glob("registry.damaged-*.sqlite")
        return sorted(path for path in found if path.stem.removeprefix("registry.damaged-").isdecimal())

    def rebuild(self) -> int:
        """Rebuild the registry from the folders; returns the number of jobs in it."""
        self.close()
        with self._repairing:
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return len(self.jobs())

    def fault(self) -> str:
        """The fault that SQLite's own check finds in the file, or "" if none; changes nothing."""
        if not self.path.exists():
            return ""
        connection = None
        try:
            connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)
            result = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                for row in connection.execute(SELECT):
                    job_of(row)
            return "" if result == "ok" else result
        except (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError) as error:
            return str(error)
        finally:
            if connection is not None:
                connection.close()

    # queries

    def jobs(self, *states: JobState) -> list[Job]:
        """Jobs in some states, or all, in the order of their arrival."""
        where = f" WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        return self._repaired(
            lambda c: [job_of(r) for r in c.execute(f"{SELECT}{where} ORDER BY arrival", states).fetchall()]
        )

    def find(self, path: Path) -> Job | None:
        """The job of a work folder."""
        key = folder_key(path)
        found = self._repaired(
            lambda c: [job_of(r) for r in c.execute(f"{SELECT} WHERE folder = ?", (key,)).fetchall()]
        )
        return found[0] if found else None

    def waiting(self) -> dict[tuple[str, Lane], int]:
        """Number of queued jobs by owner and lane."""
        query = f"SELECT owner, {LANE}, count(*) FROM jobs WHERE state = 'queued' GROUP BY 1, 2"
        return {(owner, lane): n for owner, lane, n in self._repaired(lambda c: c.execute(query).fetchall())}

    def waiting_for(self, owner: str, address: str) -> tuple[int, int, int]:
        """Number of queued jobs of an owner, from an address, and in all."""
        query = "SELECT sum(owner = ?), sum(address = ?), count(*) FROM jobs WHERE state = 'queued'"
        counts = self._repaired(lambda c: c.execute(query, (owner, address)).fetchone())
        return int(counts[0] or 0), int(counts[1] or 0), int(counts[2])

    def served(self) -> dict[str, int]:
        """Order of each owner's last start."""
        return dict(
            self._repaired(
                lambda c: c.execute("SELECT CAST(owner AS TEXT), CAST(served AS INTEGER) FROM owners").fetchall()
            )
        )

    def calibration(self, kind: str = "train", at_least: float = 0.0) -> float:
        """Seconds that jobs took on this machine per estimated second: the median of the last finished, 1 before them.

        Args:
            at_least: estimated seconds of the jobs that count.
        """
        query = (
            "SELECT seconds / estimated FROM jobs WHERE state = 'done' AND kind = ? AND estimated > 0 "
            "AND estimated >= ? AND seconds > 0 ORDER BY served DESC LIMIT ?"
        )
        rows = self._repaired(lambda c: c.execute(query, (kind, at_least, CALIBRATION_JOBS)).fetchall())
        ratios = sorted(float(row[0]) for row in rows)
        return min(max(ratios[len(ratios) // 2], 0.05), 20.0) if ratios else 1.0

    def requesters(self, path: Path) -> list[str]:
        """The owners who requested a job."""
        key = folder_key(path)
        rows = self._repaired(lambda c: c.execute("SELECT owner FROM requesters WHERE folder = ?", (key,)).fetchall())
        return [str(row[0]) for row in rows]

    # transitions

    def submit(self, path: Path, submission: Submission) -> bool:
        """Put a job at the end of the queue. False when it waits or runs already."""
        key = folder_key(path)

        def call(connection: sqlite3.Connection) -> bool:
            connection.execute("INSERT OR IGNORE INTO requesters VALUES (?, ?)", (key, submission.owner))
            row = connection.execute("SELECT state FROM jobs WHERE folder = ?", (key,)).fetchone()
            if row is not None and row[0] not in ENDED:
                return False
            job = Job(
                key,
                submission.kind,
                submission.owner,
                "queued",
                address=submission.address,
                arrival=_next_arrival(connection),
                estimated=submission.estimated,
            )
            _insert(connection, job)
            return True

        return self._write(call)

    def add_requester(self, path: Path, owner: str) -> None:
        """Add an owner to those who requested a job."""
        self._write(lambda c: c.execute("INSERT OR IGNORE INTO requesters VALUES (?, ?)", (folder_key(path), owner)))

    def remove_requester(self, path: Path, owner: str) -> int:
        """Remove an owner from those who requested a job; returns how many are left."""
        key = folder_key(path)

        def call(connection: sqlite3.Connection) -> int:
            connection.execute("DELETE FROM requesters WHERE folder = ? AND owner = ?", (key, owner))
            return int(connection.execute("SELECT count(*) FROM requesters WHERE folder = ?", (key,)).fetchone()[0])

        return self._write(call)

    def move(self, path: Path, expected: Sequence[JobState], state: JobState, **changes: str | float) -> bool:
        """Change the state of a job and other columns with it, if its state is one of those expected."""
        key, names = folder_key(path), ("state", *changes)
        columns, states = ", ".join(f"{n} = ?" for n in names), ", ".join("?" * len(expected))
        query = f"UPDATE jobs SET {columns} WHERE folder = ? AND state IN ({states})"
        values = (state, *changes.values(), key, *expected)
        moved = self._write(lambda c: c.execute(query, values).rowcount) == 1
        if moved and state not in expected:
            log.info("job is %s", state, extra={"job": key, **changes})
        return moved

    def take_next(self, per_owner: int, lanes: Sequence[Lane] = ("short", "long")) -> Job | None:
        """Move the next job of some lanes to "starting" and return it; None when no job may start.

        An owner's jobs in a lane keep their order.

        Args:
            per_owner: active jobs of one owner in one lane, at most.
        """

        def call(connection: sqlite3.Connection) -> Job | None:
            row = connection.execute(NEXT, (lanes[0], lanes[-1], per_owner)).fetchone()
            if row is None:
                return None
            served = connection.execute("SELECT coalesce(max(served), 0) + 1 FROM owners").fetchone()[0]
            connection.execute(
                "UPDATE jobs SET state = 'starting', reason = '', served = ?, pid = 0, process_started = 0, host = '', "
                "heartbeat = ? WHERE folder = ?",
                (served, time.time(), row[0]),
            )
            job = job_of(connection.execute(f"{SELECT} WHERE folder = ?", row).fetchone())
            connection.execute("INSERT OR REPLACE INTO owners VALUES (?, ?)", (job.owner, served))
            return job

        return self._write(call)

    def forget(self, path: Path) -> None:
        """Drop the row of a folder that is gone."""
        key = (folder_key(path),)
        self._write(lambda c: [c.execute(f"DELETE FROM {t} WHERE folder = ?", key) for t in ("jobs", "requesters")])

    def adopt_missing(self) -> int:
        """Add submitted folders that the registry does not know, and drop rows whose folder is gone; returns how
        many."""
        known = {job.folder for job in self.jobs()}
        missing = [(folder, submission) for folder, submission in submissions() if folder_key(folder.path) not in known]
        for key in known:
            if not (home() / key).is_dir():
                self.forget(home() / key)
        if missing:
            self._write(lambda c: _adopt(c, missing))
        return len(missing)


@dataclass
class _Connection:
    """A thread's connection and the device and inode of its file; closed when the thread ends."""

    connection: sqlite3.Connection
    file_id: tuple[int, int] | None

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


def _next_arrival(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(arrival), 0) + 1 FROM jobs").fetchone()[0])


def _insert(connection: sqlite3.Connection, job: Job) -> None:
    connection.execute(f"INSERT OR REPLACE INTO jobs {INSERT}", tuple(getattr(job, name) for name in COLUMNS))


def _adopt(connection: sqlite3.Connection, found: Iterable[tuple[WorkFolder, Submission]]) -> None:
    """Insert a row for each submitted folder."""
    for folder, submission in found:
        try:
            status = folder.recorded_status
        except Damaged as error:
            status = Status(state="failed", reason=str(error))
        job = Job(
            folder_key(folder.path),
            submission.kind,
            submission.owner,
            status.state,
            status.reason,
            address=submission.address,
            arrival=_next_arrival(connection),
            interruptions=submission.interruptions,
            estimated=float(submission.estimated),
            seconds=float(status.seconds),
            pid=status.pid,
            process_started=float(status.process_started),
            host=status.host,
        )
        _insert(connection, job)
        connection.execute("INSERT OR IGNORE INTO requesters VALUES (?, ?)", (job.folder, job.owner))


_registries: dict[Path, Registry] = {}


def registry() -> Registry:
    """This process's registry of the home."""
    return _registries.setdefault(home(), Registry())
