"""A list against the register: what each family becomes, what stays as it is, what is refused, and who is missing.

Nothing here writes. Rows are judged together: a card or family card that changes hands inside one list is taken, and
one that would be held twice afterwards is not, in whatever order the rows stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from ewarung_city.bnba.columns import word
from ewarung_city.bnba.findings import Finding, Outcome, Severity, finding
from ewarung_city.bnba.remarks import STATUS_WORD, remarks_on
from ewarung_city.bnba.rows import Listed
from ewarung_city.bnba.twice import Family, families_of
from ewarung_city.keys import CityKeys
from ewarung_city.register import family_key
from ewarung_city.store import schema
from ewarung_city.store.database import Row, Tx
from ewarung_city.succession import GONE, holders_of_cards
from ewarung_pos.domain.family import CardStatus, mask_nik

__all__ = ["Held", "Judge", "Judgement", "Missing", "held_register"]


class Held(msgspec.Struct, frozen=True):
    """The register as it stands.

    Attributes:
        by_kk, by_card: keys of families by the token of their family card, their card.
        kiosks: ids by kelurahan code.
        newest: snapshot of the newest list by (kelurahan code, programme).
    """

    families: Mapping[str, Row]
    by_kk: Mapping[str, str]
    by_card: Mapping[str, str]
    listings: Mapping[str, Row]
    kiosks: Mapping[str, tuple[str, ...]]
    newest: Mapping[tuple[str, str], str]


class Missing(msgspec.Struct, frozen=True):
    """A registered family that this list should have named. `new`: no list before this one lacked it."""

    key: str
    name: str
    nik_masked: str
    last4: str
    kelurahan_code: str
    home: str
    listed: str
    new: bool


class Judgement(msgspec.Struct, frozen=True):
    """What a list comes to.

    Attributes:
        outcomes: of each row.
        families: rows of the register, new or changed.
        listings: rows of `family_listing`, new or changed.
        scope: (kelurahan code, programme) that the list speaks of.
    """

    outcomes: dict[int, Outcome]
    findings: tuple[Finding, ...]
    families: tuple[dict[str, Any], ...]
    listings: tuple[dict[str, str], ...]
    missing: tuple[Missing, ...]
    scope: tuple[tuple[str, str], ...]


class _Proposal(msgspec.Struct, frozen=True):
    family: Family
    key: str
    row: dict[str, Any]
    remarks: tuple[Finding, ...]


def held_register(tx: Tx) -> Held:
    """The register, as far as a list is judged by it."""
    families = {str(row["key"]): row for row in tx.all(schema.family)}
    kiosks: dict[str, tuple[str, ...]] = {}
    for row in tx.all(schema.kiosk, "device"):
        kiosks[row["kelurahan_code"]] = (*kiosks.get(row["kelurahan_code"], ()), row["device"])
    return Held(
        families=families,
        by_kk=holders_of_cards(families.values()),
        by_card={row["token"]: key for key, row in families.items()},
        listings={str(row["family"]): row for row in tx.all(schema.family_listing)},
        kiosks=kiosks,
        newest={(row["kelurahan_code"], row["programme"]): row["snapshot"] for row in tx.all(schema.family_list_scope)},
    )


class Judge:
    """Judges one list.

    Args:
        held: the register.
        keys: of the city; numbers become tokens here and go no further.
        snapshot: the list's day, ISO 8601.
        list_id: how it is known in the database.
        homes: kiosks by kelurahan code, as the column map says.
        now_ms: since when a changed card status counts.
    """

    def __init__(
        self, held: Held, keys: CityKeys, snapshot: str, list_id: str, homes: Mapping[str, str], now_ms: int
    ) -> None:
        self._held = held
        self._keys = keys
        self._snapshot = snapshot
        self._list_id = list_id
        self._homes = homes
        self._now_ms = now_ms

    def judge(self, rows: Iterable[Listed]) -> Judgement:
        """Every row gets one outcome; see the module for the order in which they count."""
        every = list(rows)
        families, told = families_of(every)
        outcomes = {row.row: Outcome.SKIPPED if row.passed and not row.refused else Outcome.REFUSED for row in every}
        told = [*(found for row in every for found in row.findings), *told]
        spoken = frozenset(code for row in every for code in row.programmes)
        proposals: list[_Proposal] = []
        for family in families:
            proposal, remarks = self._propose(family, spoken)
            told.extend(remarks)
            told.extend(_repeated(remarks, family))
            if proposal is not None:
                proposals.append(proposal)
            elif not any(found.severity is Severity.REFUSE for found in remarks):
                outcomes |= dict.fromkeys(_rows(family), Outcome.SKIPPED)
        kept, refusals = self._without_clashes(proposals)
        told.extend(refusals)
        changed: list[dict[str, Any]] = []
        by_key = {proposal.key: proposal for proposal in kept}
        for proposal in kept:
            told.extend([*proposal.remarks, *self._successor(proposal, by_key)])
            same = self._held.families.get(proposal.key) == proposal.row
            outcome = Outcome.UNCHANGED if same else Outcome.TAKEN
            outcomes |= dict.fromkeys(_rows(proposal.family), outcome)
            outcomes |= dict.fromkeys(proposal.family.again, Outcome.SKIPPED)
            if not same:
                changed.append(proposal.row)
        missing = self._missing(every, spoken)
        return Judgement(
            outcomes=outcomes,
            findings=tuple(sorted(told, key=lambda found: found.row)),
            families=tuple(changed),
            listings=(*self._named(kept), *self._marked(missing)),
            missing=missing,
            scope=tuple(sorted({(row.kelurahan_code, code) for row in every if row.kelurahan_code for code in spoken})),
        )

    # -- one family --------------------------------------------------------------------------------------------------

    def _propose(self, family: Family, spoken: frozenset[str]) -> tuple[_Proposal | None, list[Finding]]:
        """What the register would say of the family, or why it cannot."""
        said = family.listed
        key = family_key(self._keys.token("nik", said.nik))
        before = self._held.families.get(key)
        if newer := self._newer(said, key):
            return None, [finding(row, "", "older_list", date=newer) for row in _rows(family)]
        home, why = self._home(said, before)
        told = [] if why is None else [why]
        if before is None and not said.card:
            told.append(finding(said.row, "card_number", "card_missing"))
        programmes = _programmes(said, before, spoken)
        if not programmes:
            told.append(finding(said.row, "programmes", "programme_missing"))
        if told:
            return None, told
        row = self._row(said, key, before, home, programmes)
        return _Proposal(family, key, row, tuple(remarks_on(said, before, row))), []

    def _newer(self, said: Listed, key: str) -> str:
        """The snapshot of a newer list that knows better of this family; empty if there is none."""
        listing = self._held.listings.get(key)
        if listing is not None and listing["snapshot"] > self._snapshot:
            return str(listing["snapshot"])
        if key in self._held.families:
            return ""
        lists = [self._held.newest.get((said.kelurahan_code, code), "") for code in said.programmes]
        newest = max(lists, default="")
        return newest if newest > self._snapshot else ""

    def _home(self, said: Listed, before: Row | None) -> tuple[str, Finding | None]:
        """The kiosk that holds the family's rights: by the list, as before, by the map, or the kelurahan's only one."""
        if said.home:
            return said.home, None
        if before is not None:
            return str(before["home"]), None
        mapped = self._homes.get(said.kelurahan_code, "")
        kiosks = self._held.kiosks.get(said.kelurahan_code, ())
        if mapped:
            known = any(mapped in devices for devices in self._held.kiosks.values())
            return mapped, None if known else finding(said.row, "home_kiosk", "home_unknown", said=mapped)
        if len(kiosks) == 1:
            return kiosks[0], None
        return "", finding(said.row, "home_kiosk", "home_missing", count=len(kiosks))

    def _row(
        self, said: Listed, key: str, before: Row | None, home: str, programmes: tuple[str, ...]
    ) -> dict[str, Any]:
        nik = self._keys.token("nik", said.nik)
        old: Mapping[str, Any] = before or {
            "members": 0,
            "address": "",
            "opening_credit": 0,
            "card_status": "",
            "status_since": 0,
            "token": "",
        }
        card = self._keys.card_ref(said.card) if said.card else None
        token, last4 = (card.token, card.last4) if card is not None else (old["token"], old["last4"])
        status = _status(said.status, str(old["card_status"]), replaced=token != old["token"])
        return {
            "key": key,
            "name": said.name,
            "nik_masked": mask_nik(said.nik),
            "nik_token": nik,
            "kk_token": self._keys.token("kk", said.kk),
            "members": old["members"] if said.members is None else said.members,
            "address": said.address or old["address"],
            "kelurahan_code": said.kelurahan_code,
            "programmes": ";".join(programmes),
            "home": home,
            "token": token,
            "last4": last4,
            "card_status": status,
            "status_since": old["status_since"] if status == old["card_status"] else self._now_ms,
            "opening_credit": old["opening_credit"] if said.balance is None else said.balance,
        }

    def _successor(self, proposal: _Proposal, kept: Mapping[str, _Proposal]) -> Iterable[Finding]:
        """A person who has the family card of somebody who is dead or moved away, from this list on."""
        row = proposal.row
        owner = self._held.by_kk.get(row["kk_token"], proposal.key)
        new = proposal.key not in self._held.families and row["card_status"] not in GONE
        if new and owner != proposal.key and self._left(owner, kept):
            held = kept[owner].row if owner in kept else self._held.families[owner]
            words = {"held": held["nik_masked"], "said": STATUS_WORD[CardStatus(held["card_status"])]}
            yield finding(proposal.family.listed.row, "kk", "kk_taken_over", **words)

    # -- all of them -------------------------------------------------------------------------------------------------

    def _without_clashes(self, proposals: list[_Proposal]) -> tuple[list[_Proposal], list[Finding]]:
        """Those after which nothing is held by two; the others refused, until nothing more has to be.

        A family card or card may be taken over from a family that gives it up in the same list, as long as that row
        itself is not refused. A whole column that slipped by a row is a chain as long as the list, so only whoever
        wanted something of a row that is refused is looked at again.
        """
        kept = {proposal.key: proposal for proposal in proposals}
        told: list[Finding] = []
        wanted: dict[str, set[str]] = {}
        for proposal in proposals:
            for column, _, by in self._held_by:
                wanted.setdefault(by.get(proposal.row[column], ""), set()).add(proposal.key)
        again = list(kept)
        while clashing := [clash for key in again if key in kept for clash in self._clash(kept[key], kept)]:
            again = []
            for key, found in clashing:
                family = kept.pop(key).family
                told.append(found)
                told.extend(_repeated([found], family))
                again.extend(wanted.get(key, ()))
            again = sorted(set(again))
        return list(kept.values()), told

    @property
    def _held_by(self) -> tuple[tuple[str, str, Mapping[str, str]], ...]:
        """(column of the register, field of the list, who holds which) of what only one family may hold."""
        return ("kk_token", "kk", self._held.by_kk), ("token", "card_number", self._held.by_card)

    def _clash(self, proposal: _Proposal, kept: Mapping[str, _Proposal]) -> Iterator[tuple[str, Finding]]:
        """The first thing of the proposal that another family keeps holding."""
        for column, field, by in self._held_by:
            value = proposal.row[column]
            owner = by.get(value, proposal.key)
            if owner == proposal.key or (owner in kept and kept[owner].row[column] != value):
                continue
            held = self._held.families[owner]
            if field == "kk" and (proposal.row["card_status"] in GONE or self._left(owner, kept)):
                continue
            code = "card_held"
            if field == "kk":
                code = "kk_person_held" if word(held["name"]) == word(proposal.row["name"]) else "kk_held"
            # With a word between them: one right behind the other they would be hidden as a long number.
            words = {"held": f"{held['nik_masked']} di {held['kelurahan_code']}"}
            yield proposal.key, finding(proposal.family.listed.row, field, code, **words)
            return

    def _left(self, key: str, kept: Mapping[str, _Proposal]) -> bool:
        """Whether that family is recorded as dead or moved away, after this list too."""
        row = kept[key].row if key in kept else self._held.families[key]
        return row["card_status"] in GONE

    def _named(self, kept: Iterable[_Proposal]) -> Iterable[dict[str, str]]:
        for proposal in kept:
            before = self._held.listings.get(proposal.key)
            after = {"family": proposal.key, "snapshot": self._snapshot, "list_id": self._list_id}
            lacked = before is not None and before["missing"] > self._snapshot
            after |= {name: str(before[name]) if lacked and before else "" for name in ("missing", "missing_list")}
            same_day = before is not None and before["snapshot"] == self._snapshot
            if not same_day or (before is not None and before["missing"] != after["missing"]):
                yield after

    def _missing(self, rows: list[Listed], spoken: frozenset[str]) -> tuple[Missing, ...]:
        """Families of the list's kelurahan and programmes that no row of it names, not even one that is refused."""
        places = {row.kelurahan_code for row in rows if row.kelurahan_code}
        named = {family_key(self._keys.token("nik", row.nik)) for row in rows if row.nik}
        named |= {self._held.by_kk.get(self._keys.token("kk", row.kk), "") for row in rows if row.kk}
        named |= {self._held.by_card.get(self._keys.card_ref(row.card).token, "") for row in rows if row.card}
        found = []
        for key, family in self._held.families.items():
            listing = self._held.listings.get(key)
            listed = str(listing["snapshot"]) if listing is not None else ""
            concerned = (
                family["kelurahan_code"] in places
                and spoken & set(family["programmes"].split(";"))
                and family["card_status"] not in GONE
            )
            if key in named or not concerned or listed >= self._snapshot:
                continue
            found.append(
                Missing(
                    key=key,
                    name=family["name"],
                    nik_masked=family["nik_masked"],
                    last4=family["last4"],
                    kelurahan_code=family["kelurahan_code"],
                    home=family["home"],
                    listed=listed,
                    new=listing is None or not listing["missing"] or listing["missing_list"] == self._list_id,
                )
            )
        return tuple(sorted(found, key=lambda family: (family.kelurahan_code, family.name, family.key)))

    def _marked(self, missing: Iterable[Missing]) -> Iterable[dict[str, str]]:
        for family in missing:
            before = self._held.listings.get(family.key)
            if before is not None and before["missing"] >= self._snapshot:
                continue
            yield {
                "family": family.key,
                "snapshot": family.listed,
                "list_id": str(before["list_id"]) if before is not None else "",
                "missing": self._snapshot,
                "missing_list": self._list_id,
            }


def _repeated(remarks: Iterable[Finding], family: Family) -> list[Finding]:
    """What refuses a family's first row refuses its other rows."""
    others = (*family.merged, *family.again)
    refusing = [found for found in remarks if found.severity is Severity.REFUSE]
    return [msgspec.structs.replace(found, row=row) for found in refusing for row in others]


def _rows(family: Family) -> tuple[int, ...]:
    return (family.listed.row, *family.merged, *family.again)


def _programmes(said: Listed, before: Row | None, spoken: frozenset[str]) -> tuple[str, ...]:
    """A list speaks of the programmes that it names; of the others the family keeps what it has."""
    held = tuple(filter(None, before["programmes"].split(";"))) if before is not None else ()
    kept = tuple(code for code in held if code not in spoken or code in said.programmes)
    return kept + tuple(code for code in said.programmes if code not in kept)


def _status(said: CardStatus | None, held: str, *, replaced: bool) -> str:
    """A list may stop a card; it does not let one go again, unless a blocked card was replaced."""
    if said is not None and said is not CardStatus.ACTIVE:
        return said.value
    if held and not (held == CardStatus.BLOCKED and replaced):
        return held
    return CardStatus.ACTIVE.value
