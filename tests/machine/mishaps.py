"""What happens seldom and matters most: disks and databases put back, kiosks lost and enrolled again, and sticks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress

from ewarung_city import leases, officers
from ewarung_city.bundles import take_bundle
from ewarung_city.recovery import OWES
from ewarung_city.store import schema
from ewarung_city.store.database import Row
from ewarung_pos.errors import BundleRefused, PosError
from ewarung_pos.ledger.backup import back_up
from ewarung_pos.ledger.database import LEDGER_FILE
from ewarung_pos.ledger.restore import LedgerFile, restore, retire
from ewarung_pos.sync.stick import fetch_bundle, outgoing_bundle
from ewarung_pos.sync.upload import upload
from tests.machine.city import HOMES, KIOSKS
from tests.machine.kiosk import Kiosk
from tests.machine.line import Fault
from tests.machine.mirror import Branch, Broken
from tests.machine.world import World
from tests.new_ledger import new_ledger

__all__ = ["RULES"]

_STICKS = 4
FAMILIES = len(HOMES)


# --- the city's office -----------------------------------------------------------------------------------------------


def grant(world: World, ahead: int) -> None:
    """The month's leases, this month's or the next one's."""
    month = world.month()
    period = (month.following() if ahead else month).iso
    with suppress(PosError), world.city.store.write() as tx:
        leases.grant(tx, period)
        world.first = min(world.first, period)
    world.city.touched = True


def relist(world: World, f: int, k: int) -> None:
    """A family gets another home by the register; its rights follow it there."""
    with suppress(PosError):
        world.city.relist(f, k)
        world.counted["homes changed by a list"] += 1


def freeze(world: World, k: int) -> None:
    """A kiosk is missing: it gets nothing from now on."""
    with suppress(PosError), world.city.store.write() as tx:
        officers.freeze(tx, world.kiosks[k].device)
    world.city.touched = True


def lose(world: World, k: int) -> None:
    """Two officers sign that an enrolment which is frozen will never spend again."""
    device = world.kiosks[k].device
    with world.city.store.write() as tx:
        rows = tx.all(schema.epoch, "epoch", device=device, state="frozen")
        frozen = [row for row in rows if not leases.is_lost(tx, device, int(row["epoch"]))]
        if frozen:
            leases.declare_lost(tx, device, int(frozen[0]["epoch"]), ["Ratna", "Heru"])
            world.lost.setdefault((device, int(frozen[0]["epoch"])), int(frozen[0]["acked_seq"]))
            world.counted["enrolments declared lost"] += 1
    world.city.touched = True


def copy_city(world: World) -> None:
    """A backup of the city's database."""
    world.city_copies = [*world.city_copies[-1:], (world.city.copy(), frozenset(world.epochs()))]


def restore_city(world: World, which: int, silent: int) -> None:
    """One of the last backups takes the place of the database, and its office says so, or forgets to.

    Not one from before an enrolment: a kiosk that the city does not know must be enrolled once more anyway.
    """
    if not world.city_copies:
        return
    url, known = world.city_copies[which % len(world.city_copies)]
    held = world.epochs()
    if known != frozenset(held):
        return
    world.city.put_back(url, recover=silent > 0)
    world.granted = None
    after = world.epochs()
    for whose, row in after.items():
        seq, digest = int(held[whose]["acked_seq"]), bytes.fromhex(held[whose]["acked_hash"])
        if int(row["acked_seq"]) < seq:
            world.lacks[whose] = max(world.lacks.get(whose, (0, b"")), (seq, digest))
    _forgotten(world)
    with world.city.store.read() as tx:
        world.unsigned |= {whose for whose in world.lost if not leases.is_lost(tx, *whose)}
    world.counted["cities restored"] += 1
    if silent == 0:
        _found_out(world, after)


def _forgotten(world: World) -> None:
    """Note whom the city, which was put back, cannot hear everything of any more that it once held."""
    for whose, row in world.epochs().items():
        seq, digest = world.lacks.get(whose, (0, b""))
        if int(row["acked_seq"]) >= seq:
            world.lacks.pop(whose, None)
        elif not any(branch.whose == whose and branch.begins_with(seq, digest) for branch in world.now):
            world.forgotten.add(whose)


def _found_out(world: World, epochs: Mapping[tuple[str, int], Row]) -> None:
    """I12 without the office's word: the first that can prove more than the copy knows tells the city by its greeting.

    What would be granted before that could be granted twice (docs/city-database.md); so that is what comes first here.
    Where nobody can prove anything, the office has to remember it.
    """
    city = world.city
    proves = [
        kiosk
        for kiosk, branch in zip(world.kiosks, world.now, strict=True)
        if epochs[branch.whose]["state"] == "active"
        and branch.acked[0] > int(epochs[branch.whose]["acked_seq"])
        and _waited_no_more(world, branch)
    ]
    if not proves:
        with city.store.write() as tx:
            leases.restored(tx)
        return
    kiosk = proves[0]
    kiosk.wire.plan.clear()
    kiosk.doom = kiosk.clock.ahead_ms = city.ahead_ms = 0
    kiosk.stop()
    kiosk.start()
    with city.store.read() as tx:
        life = tx.setting("life")
    kiosk.wire.plan.extend((Fault.WELL, Fault.WELL, Fault.REQUEST_LOST, Fault.REQUEST_LOST))
    kiosk.engine.step()
    kiosk.wire.plan.clear()
    with city.store.read() as tx:
        if tx.setting("life") == life and not leases.recovering(tx):
            raise Broken(f"I12: {kiosk.device} proved that the city was put back, and it goes on granting")
    world.counted["restores found out by a greeting"] += 1


def _waited_no_more(world: World, branch: Branch) -> bool:
    """Whether a copy that waits for a kiosk must see by its greeting that the database which is gone did not any more.

    As long as that one waited it granted nothing either, and the copy may go on where it was.
    """
    with world.city.store.read() as tx:
        said = tx.setting(f"{OWES}{branch.device}|{branch.epoch}")
    _, _, head = said.partition(" ")
    return not said or (bool(head) and branch.acked[0] >= int(head))


def restart_city(world: World) -> None:
    """The city's program starts anew."""
    world.city.restart()


# --- disks -----------------------------------------------------------------------------------------------------------


def image(world: World, k: int) -> None:
    """Somebody copies a till's disk."""
    if k in world.images:
        shutil.rmtree(world.images.pop(k)[0])
    to = world.path(f"image-{k}")
    world.kiosks[k].copy_disk(to)
    world.look()
    world.images[k] = (to, world.now[k], len(world.now[k].hashes))


def roll_back(world: World, k: int) -> None:
    """... and puts it back later: what was written since is gone, and the till does not know it."""
    if k not in world.images:
        return
    folder, branch, until = world.images[k]
    if branch.whose != world.now[k].whose:
        return
    world.kiosks[k].put_back(folder)
    _on_to(world, k, Branch(branch.device, branch.epoch, branch.public, old=True))
    assert len(world.now[k].hashes) == until
    world.now[k].granted_at_image = sum(world.now[k].got.values())
    world.underway[k] = {*world.sticks_out.get(k, ()), *world.sticks_in.get(k, ())}
    _forgotten(world)
    world.counted["disks put back"] += 1


def copy_ledger(world: World, k: int) -> None:
    """A backup on a stick, by the program."""
    kiosk = world.kiosks[k]
    to = world.path(f"stick-{k}")
    to.mkdir()
    made = back_up(kiosk.folder / LEDGER_FILE, None, to)
    if k in world.copies:
        shutil.rmtree(world.copies[k][0].parent)
    world.copies[k] = (to / made.path.rpartition("/")[2], world.now[k].epoch)


def begin_again(world: World, k: int, fresh: int) -> None:
    """The ledger is restored from the newest backup, sent to the city, and the kiosk enrolled again; or there was none.

    Where the line or the machine fails on the way nothing has happened, and the old ledger is in place.
    """
    kiosk = world.kiosks[k]
    copy = world.copies.get(k)
    if kiosk.wire.plan or kiosk.doom:
        return
    if fresh == 0:
        kiosk.wipe()
        world.begin_ledger(kiosk)
        kiosk.start()
    elif copy is None or copy[1] != world.now[k].epoch:
        return
    else:
        _restored(world, kiosk)
    _on_to(world, k, None)
    world.counted["enrolled again"] += 1


def _restored(world: World, kiosk: Kiosk) -> None:
    copy = world.copies.pop(kiosk.number)[0]
    kiosk.stop()
    restore(copy, kiosk.folder, None, older=True)
    with LedgerFile(kiosk.folder / LEDGER_FILE, None) as held, suppress(PosError):
        upload(held, kiosk.clock, kiosk.url)
    draft = world.path("draft")
    draft.mkdir()
    new_ledger(draft, bytes(32), encrypted=False)
    world.record_in(kiosk, draft, world.enrolled(kiosk, kiosk.device), "restored")
    retire(kiosk.folder, None, draft / LEDGER_FILE)
    kiosk.start()


def _on_to(world: World, k: int, branch: Branch | None) -> None:
    """Another journal is on the disk now."""
    world.older.add(world.now[k].whose)
    world.now[k].held = False
    world.before.append(world.now[k])
    kiosk = world.kiosks[k]
    if branch is None:
        world.now[k] = kiosk.begin()
        for held in (world.sticks_in, world.sticks_out, world.notes):
            held.pop(k, None)
    else:
        world.now[k] = branch
        kiosk.follow(branch)
    kiosk.wire.past.clear()
    for name in [name for name in world.wishes if name[0] == k]:
        del world.wishes[name]
    world.city.touched = True


# --- sticks ----------------------------------------------------------------------------------------------------------


def stick_out(world: World, k: int) -> None:
    """All that waits is written to a file."""
    kiosk = world.kiosks[k]
    with world.alive(kiosk):
        out = outgoing_bundle(kiosk.ledger.read(), kiosk.clock, world.notes.get(k))
        world.sticks_out[k] = [*world.sticks_out.get(k, [])[1 - _STICKS :], out.data]


def stick_city(world: World, k: int, which: int, whole: int) -> None:
    """One of those files comes to the city, whichever, again or half."""
    held = world.sticks_out.get(k, [])
    if not held:
        return
    data = held[which % len(held)]
    city = world.city
    try:
        carried = take_bundle(city.store, city.keys, data if whole else data[: len(data) // 2], city.now_ms())
    except BundleRefused:
        world.counted["files refused"] += 1
        return
    world.counted["files taken by the city"] += 1
    if data in world.underway.get(k, ()):
        world.underway[k].add(carried.reply)
    world.sticks_in[k] = [*world.sticks_in.get(k, [])[1 - _STICKS :], carried.reply]
    city.touched = True


def stick_in(world: World, k: int, which: int, whole: int) -> None:
    """One of its replies comes back, whichever, again or half."""
    held = world.sticks_in.get(k, [])
    if not held:
        return
    kiosk, data = world.kiosks[k], held[which % len(held)]
    with world.alive(kiosk):
        _, notes = fetch_bundle(kiosk.ledger, kiosk.clock, data if whole else data[: len(data) // 2])
        world.notes[k] = notes
        world.counted["files taken by a till"] += 1
    if data in world.underway.get(k, ()) and world.now[k].old:  # the city made it, or was asked for it, before
        world.look()
        world.now[k].granted_at_image = sum(world.now[k].got.values())
        world.city.touched = True  # whatever it brought is looked at


RULES: dict[str, tuple[int, tuple[int, ...], Callable[..., None]]] = {
    "grant": (6, (2,), grant),
    "relist": (2, (FAMILIES, KIOSKS), relist),
    "freeze": (1, (KIOSKS,), freeze),
    "lose": (2, (KIOSKS,), lose),
    "copy_city": (2, (), copy_city),
    "restore_city": (2, (2, 3), restore_city),
    "restart_city": (1, (), restart_city),
    "image": (2, (KIOSKS,), image),
    "roll_back": (1, (KIOSKS,), roll_back),
    "copy_ledger": (1, (KIOSKS,), copy_ledger),
    "begin_again": (1, (KIOSKS, 4), begin_again),
    "stick_out": (3, (KIOSKS,), stick_out),
    "stick_city": (3, (KIOSKS, _STICKS, 6), stick_city),
    "stick_in": (3, (KIOSKS, _STICKS, 6), stick_in),
}
