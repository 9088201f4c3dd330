"""The commands about files that are carried by hand between kiosks without a line and the city."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ewarung_city.accounts import Right
from ewarung_city.acting import Claim, acting, by_officer, file_named
from ewarung_city.place import FILE, JSON, located, now_ms, place_of, say

__all__ = ["bundle"]


@click.group()
def bundle() -> None:
    """Files that kiosks without a line send by hand (docs/usb-bundle.md)."""


@bundle.command("import")
@located
@by_officer
@JSON
@click.option(
    "--reply",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory for the reply that goes back to the kiosk; beside FILE if none.",
)
@click.argument("file", type=FILE)
def import_bundle(
    *, data_dir: str, database: str, claim: Claim, as_json: bool, folder: Path | None, file: Path
) -> None:
    """Take a kiosk's FILE, as if it had come over the line, and write the reply that it takes home.

    The same FILE again changes nothing, and gets the same reply. Exit code 1: refused whole and nothing was changed, or
    (with a reply) entries that were put aside for a person to look at.
    """
    from ewarung_city.bundles import take_bundle
    from ewarung_pos.sync.bundle import look
    from ewarung_pos.sync.bundle_file import keep, take

    place = folder or file.resolve().parent
    data = take(file.resolve())
    with acting(place_of(data_dir, database), claim, "bundle import", Right.ACT, file_named(file)) as desk:
        with desk.store.read() as tx:
            desk.must_cover(tx, look(data).device)
        done = take_bundle(desk.store, desk.keys, data, now_ms())
        desk.subject = f"kiosk:{done.header.device}"
    reply = place / done.name
    keep(reply, done.reply)
    header = done.header
    said = {
        "device": header.device,
        "epoch": header.epoch,
        "first_seq": header.first_seq,
        "last_seq": header.last_seq,
        "entries": done.entries,
        "acked_seq": done.acked_seq,
        "flagged": done.flagged,
        "aside": done.aside,
        "again": done.again,
        "reply": str(reply),
    }
    what = "came before, nothing changed" if done.again else f"{done.entries} new entries, held up to {done.acked_seq}"
    aside = f"; put aside: {', '.join(done.aside)}" if done.aside else ""
    say(said, f"{header.device}/{header.epoch}: {what}{aside}\nreply: {reply}", as_json=as_json)
    sys.exit(1 if done.aside else 0)


@bundle.command("state")
@located
@by_officer
@JSON
@click.option(
    "--out", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", show_default=True
)
@click.argument("kiosk")
def write_state(*, data_dir: str, database: str, claim: Claim, as_json: bool, folder: Path, kiosk: str) -> None:
    """Write a file with everything that a KIOSK should know now: its families, rights, goods, prices, people.

    For a till that did not send a file first. It is for a journal that holds all that the city holds of it.
    """
    from ewarung_city.bundles import state_bundle
    from ewarung_pos.sync.bundle_file import file_name, keep

    with acting(place_of(data_dir, database), claim, "bundle state", Right.ACT, f"kiosk:{kiosk}") as desk:
        header, data = state_bundle(desk.store, desk.keys, kiosk, now_ms())
    path = folder / file_name(header)
    keep(path, data)
    said = {"device": kiosk, "epoch": header.epoch, "acked_seq": header.last_seq, "file": str(path), "size": len(data)}
    say(said, f"{kiosk}/{header.epoch}: {path}", as_json=as_json)


@bundle.command("forward")
@JSON
@click.option("--url", required=True, help="Of the city, https://...; http:// only on this machine.")
@click.option("--ca", default="", help="PEM file of its authority, if it is not the system's.")
@click.option(
    "--reply",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory for the reply that goes back to the kiosk; beside FILE if none.",
)
@click.argument("file", type=FILE)
def forward_bundle(*, as_json: bool, url: str, ca: str, folder: Path | None, file: Path) -> None:
    """Pass a kiosk's FILE on to its city, and fetch the reply: for an office without the city's keys and database.

    Both are sealed, and are read by nobody on the way. The same FILE again gets the same reply. Exit code 1: the city
    did not take it and nothing was changed; 3: no answer, so try again.
    """
    from ewarung_pos.sync.bundle_file import file_name, keep, take
    from ewarung_pos.sync.forward import forward

    header, data = forward(take(file.resolve()), url, ca)
    reply = (folder or file.resolve().parent) / file_name(header)
    keep(reply, data)
    said = {
        "device": header.device,
        "epoch": header.epoch,
        "first_seq": header.first_seq,
        "last_seq": header.last_seq,
        "reply": str(reply),
    }
    say(said, f"{header.device}/{header.epoch}: the city has answered\nreply: {reply}", as_json=as_json)
