"""Keeps a log readable while somebody provokes the same error again and again."""

from __future__ import annotations

import logging
import time

SECONDS = 60.0
MESSAGES_KNOWN = 200


class OncePerMinute(logging.Filter):
    """Lets each message pass once a minute."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message, now = record.getMessage(), time.monotonic()
        if now - self.passed.get(message, -SECONDS) < SECONDS:
            return False
        if len(self.passed) >= MESSAGES_KNOWN:
            self.passed.clear()
        self.passed[message] = now
        return True
