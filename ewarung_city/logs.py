"""The city's log: one JSON object a line on standard error, of fields that are chosen here and nowhere else.

What others' code would say in words of its own is cut to its kind: a sentence may quote whom it was about.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import sys
import traceback
from pathlib import Path

import msgspec

__all__ = ["event", "start", "whereabouts"]

_LOG = logging.getLogger("ewarung_city")
_NUMBER = re.compile(r"\d(?:[ .-]?\d){5,}")
_WORDS = 200


def event(name: str, level: int = logging.INFO, /, **fields: str | int) -> None:
    """Write one line; fields that are empty or 0 are left out."""
    if _LOG.isEnabledFor(level):
        said = {field: value for field, value in fields.items() if value}
        words = " ".join(f"{field}={value}" for field, value in said.items())
        _LOG.log(level, "%s %s", name, words, extra={"event": name, "fields": said})


def start(level: int) -> None:
    """Send this process's log to standard error, from that level on."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_JsonLines())
    logging.basicConfig(handlers=[lines], level=max(level, logging.WARNING), force=True)
    _LOG.setLevel(level)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One line; of other people's records their template, without what they would put into it."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        said: dict[str, str | int] = {"time": at.replace("+00:00", "Z"), "level": record.levelname.lower()}
        fields: dict[str, str | int] | None = getattr(record, "fields", None)
        if fields is not None:
            said |= {"event": getattr(record, "event", "")} | fields
        else:
            said |= {"event": "log", "logger": record.name, "text": _NUMBER.sub("#", str(record.msg))[:_WORDS].strip()}
        if record.exc_info and record.exc_info[1] is not None:
            said["fault"] = whereabouts(record.exc_info[1])
        return msgspec.json.encode(said | {"worker": os.getpid()}).decode()


def whereabouts(error: BaseException) -> str:
    """What failed and where, for the log: kinds and lines of the program, nothing of what it was working on."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return f"{type(error).__name__} at " + " < ".join(
        f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)
    )
