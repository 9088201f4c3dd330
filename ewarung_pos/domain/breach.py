"""Whose data a lost or stolen device held: the list that a notice to those people is written from.

UU 27/2022 art. 46: within 3 x 24 hours, in writing, to the people and to the authority: which data, when and how, and
what is done about it. This paper gives the first; a person writes the rest.
"""

from __future__ import annotations

import re

import msgspec

from ewarung_pos.domain.documents import Align, Block, Columns, Document, Rule, Space, Table, Text
from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.units import dotted

__all__ = ["NOTICE_HOURS", "HeldFamily", "Inventory", "breach_csv", "breach_paper", "day_of_list", "file_stem"]

NOTICE_HOURS = 72
_HOUR_MS = 3_600_000
_LIST = re.compile(r"pdp-.+-(\d{4})(\d{2})(\d{2})-\d{4}\.(?:csv|pdf)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEADING = ("nama", "nik_disamarkan", "alamat", "kartu", "sejak", "kunci_keluarga")

_KINDS = (
    "nama pemegang kartu, NIK disamarkan (8 dari 16 angka), kelurahan, kecamatan, jumlah anggota, program",
    "kartu: empat angka terakhir dan kode HMAC; tanpa kunci kartu kota kode itu tidak bisa menjadi nomor",
    "jatah dan kredit saldo tiap bulan, dan apa yang diambil: barang, jumlah, tanggal, siapa yang hadir",
    "pengurus kios: nama dan hash PIN (Argon2id)",
)
_ABSENT = "NIK lengkap, No. KK, nomor kartu lengkap, PIN, alamat jalan, dan nomor telepon tidak disimpan di kios"


class HeldFamily(msgspec.Struct, frozen=True):
    """One family. `address` is where a notice reaches it, as well as the source knows; `since` a month, YYYY-MM.

    `last4` is empty when its card went to another family.
    """

    key: str
    name: str
    nik_masked: str
    address: str
    last4: str
    since: str

    @property
    def card(self) -> str:
        """The card as it is shown."""
        return f"**** {self.last4}" if self.last4 else "tanpa kartu"


class Inventory(msgspec.Struct, frozen=True):
    """What a device held, as far as whoever asks can know.

    Attributes:
        by_city: the city says what the device can have held at most; else the device itself says what it holds.
        key_tier: where the key of its ledger is kept; empty when that is not known.
        contact_ms: when the city last heard of it, or it of the city; 0 never.
        head_seq, head_hash: the end of the journal that is known to exist.
        people: names of those who may sign in.
        unread: copies that this kiosk's key opens and this program cannot read, and drafts of copies that are not
            whole: whom they name nobody knows.
        lists: earlier lists like this one that lie in the clear beside the ledger; `oldest_list` the day of the first.
    """

    device: str
    kiosk: str
    place: str
    at: Instant
    by_city: bool
    families: tuple[HeldFamily, ...]
    people: tuple[str, ...]
    key_tier: str
    contact_ms: int
    head_seq: int
    head_hash: str
    practice: bool = False
    unread: int = 0
    lists: int = 0
    oldest_list: str = ""

    @property
    def deadline(self) -> Instant:
        """Latest moment for the notice if the loss became known now."""
        return Instant(self.at.ms + NOTICE_HOURS * _HOUR_MS)


def file_stem(inventory: Inventory) -> str:
    """Name for the files, without extension."""
    return f"pdp-{inventory.device}-{inventory.at.local():%Y%m%d-%H%M}"


def day_of_list(name: str) -> str:
    """The day (`YYYY-MM-DD`) of a list that `file_stem` named, of either kind; empty for any other file."""
    named = _LIST.fullmatch(name)
    return "-".join(named.groups()) if named else ""


def breach_csv(inventory: Inventory) -> str:
    """One row a family, for a letter or a spreadsheet: every cell quoted, none that a spreadsheet would compute."""
    rows = [
        (family.name, family.nik_masked, family.address, family.card, family.since, family.key)
        for family in inventory.families
    ]
    lines = (",".join(_cell(cell) for cell in row) for row in (_HEADING, *rows))
    return "\ufeff" + "".join(f"{line}\r\n" for line in lines)


def _cell(text: str) -> str:
    guarded = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + guarded.replace('"', '""') + '"'


def breach_paper(inventory: Inventory) -> Document:
    """The same on paper, with the kinds of data, the state of the device and the time that is left."""
    deadline = inventory.deadline
    blocks: list[Block] = [
        Text("Data pribadi di perangkat kios", bold=True, big=True),
        Text(f"{inventory.device} {inventory.kiosk}, {inventory.place}", bold=True),
        Space(),
        Columns("Dibuat", _moment(inventory.at)),
        Columns("Keluarga", dotted(len(inventory.families))),
        Columns("Kunci buku catatan", _tier(inventory)),
        Columns("Kontak terakhir dengan kota", _moment(Instant(inventory.contact_ms)) if inventory.contact_ms else "-"),
        Columns("Catatan terakhir yang diketahui", f"{inventory.head_seq} {inventory.head_hash[:12]}".strip()),
        Space(),
        Text(
            f"UU 27/2022 pasal 46: pemberitahuan tertulis kepada keluarga dan lembaga paling lambat 3 x 24 jam, yaitu "
            f"{_moment(deadline)} bila kehilangan diketahui saat ini. Isinya: data apa, kapan dan bagaimana terungkap, "
            "dan apa yang dilakukan.",
            bold=True,
        ),
        Space(),
        Text("Jenis data", bold=True),
        *(Text(f"- {kind}") for kind in _KINDS),
        Text(f"- {_ABSENT}"),
        Text("Buku catatan terenkripsi (SQLCipher, AES-256). Salinan cadangan dan buku masa lalu juga terenkripsi."),
        Text(
            "Menurut kota: paling banyak keluarga ini. Kios menghapus sendiri nama yang sudah lewat masa simpannya."
            if inventory.by_city
            else "Menurut perangkat ini sendiri dan salinan yang terjangkau, saat ini."
        ),
        *_not_read(inventory.unread),
        *_earlier(inventory),
        Rule(),
        Text("Keluarga", bold=True),
    ]
    if inventory.families:
        rows = tuple(
            (f"{number}. {family.name}; {family.address}", family.nik_masked, family.card, family.since)
            for number, family in enumerate(inventory.families, start=1)
        )
        blocks.append(Table(("nama dan alamat", "NIK", "kartu", "sejak"), rows))
    else:
        blocks.append(Text("Tidak ada."))
    blocks += [Rule(), Text("Pengurus kios", bold=True), Text(", ".join(inventory.people) or "Tidak ada.")]
    blocks.append(Text("Berkas ini sendiri memuat data pribadi: simpan terkunci, hapus sesudah dipakai.", Align.CENTRE))
    return Document(
        file_stem(inventory),
        f"Data pribadi di {inventory.device}",
        tuple(blocks),
        "LATIHAN" if inventory.practice else "",
    )


def _not_read(copies: int) -> list[Block]:
    if not copies:
        return []
    words = f"{dotted(copies)} berkas salinan tidak terbaca: keluarga di dalamnya mungkin tidak ada di daftar ini."
    return [Text(words, bold=True)]


def _earlier(inventory: Inventory) -> list[Block]:
    if not inventory.lists:
        return []
    words = (
        f"{dotted(inventory.lists)} berkas daftar seperti ini, yang tertua {inventory.oldest_list}, masih ada di "
        "papers/ tanpa enkripsi: nama keluarga yang sudah dihapus mungkin masih tertulis di dalamnya. "
        "Hapus yang tidak dipakai lagi."
    )
    return [Text(words, bold=True)]


def _moment(at: Instant) -> str:
    return f"{at.date().long()} pukul {at.clock()} WIB"


def _tier(inventory: Inventory) -> str:
    return inventory.key_tier or "tidak dilaporkan kepada kota"
