"""The program's log: log.jsonl in the home, one JSON object per line, rotated by size."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import time

from aeexplorer.store import home

FILE_BYTES = 2_000_000
FILES = 3
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats a record as time, level, logger, message and everything that was passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "from": record.name,
            "what": record.getMessage(),
            **{k: v for k, v in vars(record).items() if k not in _STANDARD_FIELDS},
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


class JsonLogHandler(logging.handlers.RotatingFileHandler):
    """Writes the files; a failure to write is silent, because on a full disk each record would fill the terminal."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def close_log() -> None:
    """Close the files."""
    logger = logging.getLogger("aeexplorer")
    for handler in [h for h in logger.handlers if isinstance(h, JsonLogHandler)]:
        logger.removeHandler(handler)
        with contextlib.suppress(OSError):
            handler.close()


def open_log() -> None:
    """Write what the program logs to log.jsonl in the home, once per process; do nothing where it cannot be written."""
    logger = logging.getLogger("aeexplorer")
    path = home() / "log.jsonl"
    if any(getattr(h, "baseFilename", None) == str(path.absolute()) for h in logger.handlers):
        return
    with contextlib.suppress(OSError):
        home().mkdir(parents=True, exist_ok=True)
        handler = JsonLogHandler(path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8", delay=True)
        handler.setFormatter(JsonLines())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
