"""Tests beside programs of others: where these programs must be, their absence is no reason to be green.

A test without its peer is skipped and says why. `EWARUNG_EVERY_PEER=1` (`.ci/run` sets it) makes that a failure, but
for the reasons below: what `scripts/setup full` does not bring, and what a container or another Python may lack.
Whatever it brings (PostgreSQL, pcscd with its virtual reader, CUPS with its printers, socat, espeak-ng, faketime,
strace, libfiu, the locked Python packages) must be there.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

__all__ = ["MAY_LACK", "pytest_make_collect_report", "pytest_runtest_makereport"]

_EVERY = "EWARUNG_EVERY_PEER"
_Report = TypeVar("_Report", pytest.TestReport, pytest.CollectReport)

MAY_LACK = (
    # Hardware, and what the kernel allows in there.
    "this kernel has no uinput",
    "no IPv6 here",
    "namespaces are not allowed here",
    "this machine allows no mounts",
    "this machine lets nobody trace a program",
    # An account that is not root.
    "a folder over /run needs root",
    "cupsd needs root to become the users that its queues run as",
    "mounting a small disk needs root",
    "mounting needs root",
    "only root may mount a disk of its own",
    "only root may mount a small disk",
    # From npm, which is used where it is.
    "node is not installed",
    "receiptline is not installed; scripts/setup full does that where npm is",
    # No peer at all: it is the other of two databases, or another Python.
    "several workers need PostgreSQL",
    "atheris has no wheel for this Python",
    "None is immortal by itself",
)
"""Beginnings of reasons."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped, or a fixture of it."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that is skipped whole."""
    return _judged((yield))


def _judged(report: _Report) -> _Report:
    if os.environ.get(_EVERY, "") in {"", "0"} or not report.skipped or hasattr(report, "wasxfail"):
        return report
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = told.removeprefix("Skipped: ")
    if not reason.startswith(MAY_LACK):
        report.outcome = "failed"
        report.longrepr = f"{reason}: {_EVERY} lets no test be skipped for that (tests/peers.py)"
    return report
