"""What the printers' tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.printers.print_service import PrintService, missing, print_service


@pytest.fixture(scope="session")
def cups() -> Iterator[PrintService]:
    """A CUPS with a queue of 58 and 80 mm that makes PDF; one for each test process."""
    if lacks := missing():
        pytest.skip(lacks)
    with print_service() as service:
        service.add_pdf_queue("STRUK", policy="abort-job")
        yield service
