"""What is said of copies of the ledger: when the last one was made, what a restore did, what the city holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ewarung_pos.domain.timeline import Instant
from ewarung_pos.domain.units import dotted
from ewarung_pos.ports import LedgerCopy

__all__ = ["ENROL_AGAIN", "SAME_DISK", "city_words", "copied_words", "restored_words"]

ENROL_AGAIN = "Minta kode baru dari kota, lalu: ewarung-pos enrol --city URL --code KODE."
"""The one next step after a restore."""

SAME_DISK = "Di disk yang sama dengan buku: pasang penyimpanan lain."


def copied_words(copy: LedgerCopy, now: Instant) -> str:
    """When the last copy was made, and where: `Salinan terakhir: kemarin 16.02, di /media/usb`."""
    at = Instant(copy.at_ms)
    ago = (date.fromisoformat(now.date().iso) - date.fromisoformat(at.date().iso)).days
    day = {0: "hari ini", 1: "kemarin"}.get(ago, at.date().long())
    return f"Salinan terakhir: {day} {at.clock()}, di {copy.folder}"


def city_words(sent: Mapping[str, Any]) -> list[str]:
    """What the city held of a copy's epoch and got from it (the fields of `sync.upload.Upload`)."""
    city, copy = sent["city_after"], sent["copy_seq"]
    said = []
    if sent["sent"]:
        said.append(f"{dotted(sent['sent'])} catatan dari salinan ini terkirim; kota memegang sampai catatan {city}.")
    if sent["missing"]:
        said.append(
            f"Kota sudah memegang sampai catatan {city}; salinan ini sampai {copy}: "
            f"{dotted(sent['missing'])} catatan ada di kota, tidak di sini."
        )
    if not sent["same_past"]:
        said.append("Catatan kota dan salinan ini berbeda. Keduanya disimpan; hubungi petugas kota.")
    elif sent["put_aside"]:
        said.append(f"Kota menyimpan kiriman ini tersendiri ({sent['put_aside']}). Hubungi petugas kota.")
    return said or [f"Kota memegang semua catatan salinan ini, sampai {copy}."]


def restored_words(done: Mapping[str, Any]) -> list[str]:
    """What a restore did (the fields of `ledger.restore.Restored`, and `city`, `city_error`)."""
    said = [f"Salinan dipulihkan: {done['device']}, masa {done['epoch']}, sampai catatan {done['entries']}."]
    if done["replaced"]:
        said.append(f"Buku sebelumnya disimpan di {done['replaced']}.")
        if done["replaced_serves"]:
            said.append("Buku itu tidak bisa ditandai sebagai salinan: jangan dipasang lagi untuk melayani.")
        fuller = (done["replaced_epoch"], done["replaced_entries"]) > (done["epoch"], done["entries"])
        if done["replaced_ok"] and fuller:
            said.append(
                f"Buku itu utuh dan lebih lengkap, sampai catatan {done['replaced_entries']}: "
                f"sebaiknya pulihkan yang itu, dengan ewarung-pos restore {done['replaced']}."
            )
    if done["log"]:
        said.append(
            f"Buku sebelumnya tidak ada, tetapi sisa catatannya ada dan disimpan di {done['log']}. Isinya mungkin "
            "penyaluran yang tidak ada di tempat lain: jangan dihapus, serahkan kepada petugas kota."
        )
    if done["in_doubt"]:
        said.append(f"{done['in_doubt']} penarikan EDC belum pasti di salinan ini: cocokkan dengan struk EDC.")
    if done["city"] is not None:
        said.extend(city_words(done["city"]))
    else:
        said.append("Kota belum ditanya; saat mendaftar lagi, isi salinan ini dikirim lebih dulu.")
    said.append("Salinan bisa lebih lama daripada yang sudah diserahkan, jadi kasir belum boleh melayani.")
    said.append(f"Lakukan sekarang: {ENROL_AGAIN}")
    return said
