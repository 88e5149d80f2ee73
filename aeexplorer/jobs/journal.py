"""The structured log: one JSON object a line in the home, a few files kept."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import time

from aeexplorer.store import home

FILE_BYTES = 2_000_000
FILES = 3
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Time, level, where, what, and whatever was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(), "from": record.name, "what": record.getMessage(),
            **{k: v for k, v in vars(record).items() if k not in _PLAIN},
        }  # fmt: skip
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


class Journal(logging.handlers.RotatingFileHandler):
    """The files; what cannot be written is not said, because a full disk would then fill the terminal."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def close_journal() -> None:
    """Let go of the files."""
    logger = logging.getLogger("aeexplorer")
    for handler in [h for h in logger.handlers if isinstance(h, Journal)]:
        logger.removeHandler(handler)
        with contextlib.suppress(OSError):
            handler.close()


def keep_journal() -> None:
    """Write what the program logs to log.jsonl in the home, once per process; not at all where it cannot be written."""
    logger = logging.getLogger("aeexplorer")
    path = home() / "log.jsonl"
    if any(getattr(h, "baseFilename", None) == str(path.absolute()) for h in logger.handlers):
        return
    with contextlib.suppress(OSError):
        home().mkdir(parents=True, exist_ok=True)
        handler = Journal(path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8", delay=True)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
