"""Tables of a city. Keys lead with the kiosk; no sequences, no foreign keys across kiosks (sync.md section 7).

`device` is the kiosk's id, `epoch` counts its enrolments. Rupiah and base units are integers. Times are ms UTC.

The program's queries are written against these; the tables themselves are made and changed by the revisions in
`migrations`, and a test holds the two together.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

__all__ = [
    "METADATA",
    "aside",
    "audit",
    "batch",
    "case",
    "case_step",
    "city",
    "code",
    "credit",
    "day",
    "entitlement",
    "entry",
    "epoch",
    "family",
    "family_list",
    "family_list_scope",
    "family_listing",
    "feed",
    "import_note",
    "kiosk",
    "lease",
    "list_price",
    "nonce",
    "officer",
    "operator",
    "price",
    "redemption",
    "redemption_line",
    "region",
    "stock",
]

METADATA = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"},
)


# Text is compared and ordered by its bytes on every engine, not by the rules of whoever made the database.
_WORD = String(80).with_variant(String(80, collation="C"), "postgresql")
_PROSE = Text().with_variant(Text(collation="C"), "postgresql")


def _key(name: str) -> Column[str]:
    return Column(name, _WORD, primary_key=True)


def _place(name: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, nullable=False, autoincrement=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, default=0)


def _text(name: str) -> Column[str]:
    return Column(name, _PROSE, nullable=False, default="")


def _device_epoch() -> tuple[Column[str], Column[int]]:
    return _key("device"), Column("epoch", Integer, primary_key=True, autoincrement=False)


# --- what the city decides ------------------------------------------------------------------------------------------

city = Table("city", METADATA, _key("name"), _text("value"))
"""Settings of the city: schema, catalogue, rations, purses, register date and source, recovery."""

region = Table("region", METADATA, _key("kelurahan_code"), _text("kelurahan"), _text("kecamatan"))

kiosk = Table(
    "kiosk",
    METADATA,
    _key("device"),
    _text("name"),
    _text("kelurahan_code"),
    Column("epoch", Integer, nullable=False, default=0),
    _number("cursor"),
)
"""`epoch` is the current one, 0 before the first enrolment; `cursor` is the version of the newest thing for it."""

operator = Table(
    "operator",
    METADATA,
    _key("device"),
    _key("code"),
    _text("name"),
    _text("role"),
    _text("pin_hash"),
    Column("active", Integer, nullable=False, default=1),
)

family = Table(
    "family",
    METADATA,
    _key("key"),
    _text("name"),
    _text("nik_masked"),
    _text("nik_token"),
    _text("kk_token"),
    Column("members", Integer, nullable=False, default=0),
    _text("address"),
    _text("kelurahan_code"),
    _text("programmes"),
    _text("home"),
    _text("token"),
    _text("last4"),
    _text("card_status"),
    _number("status_since"),
    _number("opening_credit"),
    Index(None, "nik_token"),
    Index(None, "kk_token"),
    Index(None, "token"),
    Index(None, "home"),
)

import_note = Table(
    "import_note",
    METADATA,
    _key("import_id"),
    Column("row", Integer, primary_key=True, autoincrement=False),
    _key("reason"),
    _text("severity"),
)
"""What was wrong with a row of an imported file; never the row's numbers."""

entitlement = Table(
    "entitlement",
    METADATA,
    _key("family"),
    _key("programme"),
    _key("period"),
    _key("commodity"),
    _text("unit"),
    _number("amount"),
    _number("charged"),
    _number("carried"),
    _number("version"),
)
"""E of sync.md section 1: `amount`, with what the month before `carried` over, less what this one carries on.

`charged` was handed out of a hardship pool and is not granted again. `version` counts what was granted: two that grant
of one right at once both move it, so that one of them has to look again.
"""

credit = Table("credit", METADATA, _key("family"), _key("programme"), _key("period"), _number("amount"))

lease = Table(
    "lease",
    METADATA,
    *_device_epoch(),
    _key("family"),
    _key("programme"),
    _key("period"),
    _key("commodity"),
    _text("unit"),
    _number("granted"),
    _number("claimed"),
    _number("surrendered"),
    _number("spent"),
    _number("returned"),
    _number("released"),
    Index(None, "family", "period"),
)
"""Totals that only grow. `claimed` is the most that the device said it was granted: a city restored from a backup knows
less. `released` is what two officers declared will never be spent after a kiosk was lost."""

grant_request = Table(
    "grant_request",
    METADATA,
    *_device_epoch(),
    _key("request"),
    _text("family"),
    _text("period"),
    _text("commodity"),
    _number("need"),
    Column("home", Integer, nullable=False, default=0),
    _text("state"),
    _number("serial"),
    _text("leases"),
    _number("asked_ms"),
    Index(None, "family"),
)
"""What kiosks asked for: open, granted or withdrawn; what was granted once is said again in the same words."""

recall = Table(
    "recall",
    METADATA,
    *_device_epoch(),
    _key("family"),
    _key("programme"),
    _key("period"),
    _key("commodity"),
    _text("unit"),
    _number("wanted"),
    _text("by_device"),
    Column("by_epoch", Integer, nullable=False, default=0),
    _text("request"),
    _number("asked_ms"),
)
"""What the city asks a kiosk to surrender, as a total S, and for whom; gone when it was given, or nobody waits.

`asked_ms` is when whoever waits last asked; 0 where nobody stands at a counter for it.
"""

feed = Table("feed", METADATA, _key("device"), _key("kind"), _key("key"), _place("version"))
"""What a kiosk should know, each thing under the version of its last change."""
Index("ix_feed_device_version", feed.c.device, feed.c.version)

code = Table(
    "code",
    METADATA,
    _key("code_id"),
    _text("device"),
    Column("secret", LargeBinary, nullable=False),
    _number("expires"),
    Column("tries", Integer, nullable=False, default=0),
    Column("auto", Integer, nullable=False, default=0),
    _text("state"),
    _text("device_key"),
    _text("wrap_key"),
    Column("epoch", Integer, nullable=False, default=0),
)
"""Enrolment codes: open, pending (a person looks), approved, used, dead."""

officer = Table(
    "officer",
    METADATA,
    _key("name"),
    _text("role"),
    _text("region"),
    _text("secret"),
    _text("state"),
    _number("tries"),
    _number("tried_ms"),
)
"""Who acts for the city: `region` is the part of it that is theirs (the beginning of kelurahan codes; empty for all of
it), `secret` the Argon2id hash of their passphrase, `tries` the wrong ones since the last right one."""

audit = Table(
    "audit",
    METADATA,
    _place("seq", primary_key=True),
    _text("officer"),
    _text("subject"),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Index(None, "officer"),
    Index(None, "subject"),
)
"""What officers did and looked at, chained and signed (`ewarung_city.audit`); nobody may change or remove it."""

# --- what the kiosks report -----------------------------------------------------------------------------------------

epoch = Table(
    "epoch",
    METADATA,
    *_device_epoch(),
    _text("device_key"),
    _text("state"),
    _text("mode"),
    _text("reason"),
    _number("acked_seq"),
    _text("acked_hash"),
    _number("claimed_seq"),
    _number("pulled"),
    _number("enrolled_ms"),
    _number("seen_ms"),
    _text("app_version"),
    _number("practice"),
    _text("last_id"),
    _number("said_seq"),
)
"""One enrolment of a kiosk: active or frozen; how far its journal is held, and how far state was given to it.

`claimed_seq` is the last entry that it proved the city to have acknowledged. `said_seq` is how far its journal goes by
its newest greeting, which proves nothing: it is shown to whoever watches, and nothing is decided by it.
`last_id` is the greatest id of its entries: an entry with a greater one is no second one.
"""

nonce = Table("nonce", METADATA, *_device_epoch(), _key("nonce"), _place("until_s"))
"""Messages that came, until (s UTC) one as old would be refused for its age; kept where several workers answer."""

entry = Table(
    "entry",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    _text("id"),
    _text("kind"),
    _text("date"),
    _number("instant"),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    _number("received_ms"),
)
"""On PostgreSQL partitioned by the month of `received_ms`, which is in the key there. What holds a place free of a
second entry is the watermark of its enrolment, which moves under the kiosk's lock."""
Index("ix_entry_device_id", entry.c.device, entry.c.id)

batch = Table(
    "batch",
    METADATA,
    *_device_epoch(),
    _place("last_seq", primary_key=True),
    _number("first_seq"),
    _text("head_hash"),
    Column("ack", LargeBinary, nullable=False),
)
"""The acknowledgement of each batch, to be said again in the same bytes."""

bundle = Table(
    "bundle",
    METADATA,
    *_device_epoch(),
    _key("digest"),
    _number("first_seq"),
    _number("last_seq"),
    _number("taken_ms"),
    Column("reply", LargeBinary, nullable=False),
)
"""Files that were carried here, by the SHA-256 of their bytes; `reply` is what the newest were answered, sealed to
their kiosk, to be given again in the same bytes; empty for older ones."""

aside = Table(
    "aside",
    METADATA,
    *_device_epoch(),
    _key("digest"),
    _text("reason"),
    _number("first_seq"),
    _number("last_seq"),
    Column("body", LargeBinary, nullable=False),
    _number("received_ms"),
)
"""Batches that were not taken, verbatim: nothing a kiosk sent is lost."""

case = Table(
    "case",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    _key("reason"),
    _text("detail"),
    _text("owner"),
    _text("state"),
    _number("opened_ms"),
)

case_step = Table(
    "case_step",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    _key("reason"),
    _place("step", primary_key=True),
    _text("did"),
    _text("officer"),
    _text("owner"),
    _text("why"),
    _number("at_ms"),
)
"""What was done with each case (`ewarung_city.cases`); nobody may change or remove it."""

redemption = Table(
    "redemption",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    _text("entry"),
    _text("original"),
    _text("family"),
    _text("date"),
    _text("presence"),
    _number("receipt"),
    _number("instant"),
    _number("ration_value"),
    _number("purse"),
    _number("cash"),
)
"""Redemptions and, with `original`, their reversals (figures negative)."""
_REVERSALS = redemption.c.original != ""
Index(
    "ix_redemption_device_original",
    redemption.c.device,
    redemption.c.original,
    postgresql_where=_REVERSALS,
    sqlite_where=_REVERSALS,
)

redemption_line = Table(
    "redemption_line",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    _text("date"),
    _text("product"),
    _text("commodity"),
    _text("unit"),
    _number("packs"),
    _number("amount"),
    _number("price"),
    _text("tender"),
    _text("programme"),
)
"""Lines, negative on reversals."""

hardship = Table(
    "hardship",
    METADATA,
    *_device_epoch(),
    _place("seq", primary_key=True),
    _key("commodity"),
    _text("said"),
    _text("named"),
    _text("reason"),
    _text("leader"),
    _text("period"),
    _text("unit"),
    _number("amount"),
    _text("family"),
    _text("programme"),
    _number("charged"),
    _number("returned"),
)
"""What a kiosk handed out of its pool: to whom by the journal (`said`), which family that is by the register, and the
entitlement that it was charged to. `returned` came back by a reversal."""

stock = Table("stock", METADATA, *_device_epoch(), _key("product"), _number("packs"))

price = Table("price", METADATA, _key("device"), _key("product"), _place("price", primary_key=True))
"""Every price that a kiosk's own PriceChanged said for a product."""

list_price = Table("list_price", METADATA, _key("product"), _place("price", primary_key=True))
"""Every price that the city ever said for a product."""

day = Table(
    "day",
    METADATA,
    *_device_epoch(),
    _key("date"),
    _number("first_seq"),
    _number("closed_seq"),
    _text("head"),
    _text("totals"),
    _text("differs"),
)
"""Business days; `closed_seq` 0 while open. `totals` are the city's own."""

# --- lists by name and address (ewarung_city.bnba) ------------------------------------------------------------------

family_list = Table(
    "family_list",
    METADATA,
    _key("list_id"),
    _text("file"),
    _text("digest"),
    _text("map_digest"),
    _text("source"),
    _text("snapshot"),
    _number("taken_ms"),
    _number("rows"),
    _number("taken"),
    _number("unchanged"),
    _number("refused"),
    _number("skipped"),
    _number("missing"),
)
"""A list that was imported: its file (name, SHA-256), who says it, of which day, and what became of its rows; what was
found in them is in `import_note` under the same id."""

family_list_scope = Table(
    "family_list_scope", METADATA, _key("kelurahan_code"), _key("programme"), _text("snapshot"), _text("list_id")
)
"""The newest list that spoke of a kelurahan and a programme: an older one adds nobody there."""

family_listing = Table(
    "family_listing",
    METADATA,
    _key("family"),
    _text("snapshot"),
    _text("list_id"),
    _text("missing"),
    _text("missing_list"),
)
"""The newest list that named a family, and (`missing`: its snapshot) the newest one that should have and did not."""
