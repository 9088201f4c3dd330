"""The log: rotating files, one JSON object a line, with anything that looks like a card number or a NIK blanked."""

from __future__ import annotations

import json
import logging
import logging.handlers
import re
from pathlib import Path

__all__ = ["redact", "start_log"]

_DIGITS = re.compile(r"(?<![0-9A-Fa-f-])\d(?:[ .]?\d){12,18}(?![0-9A-Fa-f-])")
_TRACK = re.compile(r";\d{12,19}=[\d=]*\??|%B\d{12,19}\^[^?]*\??")


def redact(text: str) -> str:
    """Blank track data and runs of 13 to 19 digits (card numbers, NIK, No. KK), keeping their last four."""
    text = _TRACK.sub("[track]", text)
    return _DIGITS.sub(lambda found: "[" + "#" * 4 + found.group()[-4:] + "]", text)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ms": int(record.created * 1000),
            "level": record.levelname,
            "lane": record.threadName,
            "source": record.name,
            "text": redact(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def start_log(folder: Path, level: int = logging.INFO) -> logging.Handler:
    """Log into `folder`/till.log (5 files of 1 MB); returns the handler, which the caller closes."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        folder / "till.log", maxBytes=1_000_000, backupCount=4, encoding="utf-8"
    )
    handler.setFormatter(_JsonLines())
    root = logging.getLogger("ewarung_pos")
    root.addHandler(handler)
    root.setLevel(level)
    return handler
