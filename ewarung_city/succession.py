"""Who follows whom in a family: the card's holder is dead or moved away, and another person of the same family card.

The one who went keeps her row, and what was granted to her; a month is never granted to both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_pos.domain.family import CardStatus

__all__ = ["GONE", "followed", "holders_of_cards"]

GONE = (CardStatus.DECEASED, CardStatus.MOVED)


def holders_of_cards(families: Iterable[Row]) -> dict[str, str]:
    """Family by the token of its family card; of several the one who is there."""
    held: dict[str, str] = {}
    here: dict[str, str] = {}
    for row in families:
        (held if row["card_status"] in GONE else here)[row["kk_token"]] = row["key"]
    return held | here


def followed(tx: Tx) -> Mapping[str, frozenset[str]]:
    """By whoever follows somebody: whom. One for each family card at most."""
    counts = tx.tally(schema.family, "kk_token")
    several = [token for (token,), count in counts.items() if count > 1 and token]
    groups: dict[str, list[Row]] = {}
    for row in tx.within(schema.family, "kk_token", several):
        groups.setdefault(row["kk_token"], []).append(row)
    found = {}
    for rows in groups.values():
        here = [row["key"] for row in rows if row["card_status"] not in GONE]
        gone = frozenset(str(row["key"]) for row in rows if row["card_status"] in GONE)
        if len(here) == 1 and gone:
            found[str(here[0])] = gone
    return found
