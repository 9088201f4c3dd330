"""How large what travels may be: every number exact in any JSON reader, every name short enough to be a key.

RFC 8785 and RFC 7493 promise integers up to 2^53 - 1 and no further; a 64-bit column of a database holds the sums of
such numbers only as long as somebody checks the sums too (`EXACT`). msgspec checks these types when it decodes.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

__all__ = ["EXACT", "Code", "Count", "Whole"]

EXACT = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly; no total goes beyond it either way."""

Whole = Annotated[int, msgspec.Meta(ge=-EXACT, le=EXACT)]
"""An integer that may be a difference, an instant or an identity."""

Count = Annotated[int, msgspec.Meta(ge=0, le=EXACT)]
"""An integer of which there is never less than none: rupiah paid, packs, base units, places."""

Code = Annotated[str, msgspec.Meta(max_length=80)]
"""A name by which something is found: a family's key, a programme, a period, a commodity, a product, an entry."""
