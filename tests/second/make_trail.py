"""The cases of trail.txt, trail-fail.txt, checkpoint.txt and checkpoint-fail.txt (SPEC.md section 8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import symbolon
import trail
from cases import (
    ALICE,
    BOB,
    NAME,
    NOW,
    ORDER,
    PACKER,
    POLICY,
    RING,
    SECRET,
    SHIPPING,
    flipped,
    listed,
    row,
    some,
)
from symbolon import Principal, le64

AUDIT_KEY = trail.AuditKey(7, some("trail key 7"), RING.k_tag)
FLOORS = (0, RING.newest_but_one)
"""Of tokens, where none was told; of credentials."""


def started(number: int, time: int, count: int = 0) -> trail.Entry:
    return trail.started(number, time, RING.epochs, FLOORS, count=count)


def day_of_entries() -> list[trail.Entry]:
    """A chain with two restarts, one of which skipped numbers."""
    token = symbolon.Token.parse(symbolon.seal(RING, ALICE, NAME, b"Alice", some("rng", 16)))
    caller, session = RING.tag_of(ALICE), some("session id", 8)
    common = {"caller": caller, "kind": ALICE.kind, "session": session, "count": 1}
    opened = {**common, "field": NAME, "header": token.header, "nonce": token.nonce}
    return [
        started(0, NOW),
        trail.Entry(1, NOW + 1, event=2, **common),
        trail.Entry(2, NOW + 2, event=4, view=1, owner=caller, **opened),
        trail.Entry(3, NOW + 3, event=4, reason=1, owner=token.commitment, **opened),
        trail.Entry(4, NOW + 3, event=6, reason=2, **{**common, "count": 1020}),
        started(64, NOW + 9, count=59),
        trail.Entry(65, NOW + 9, event=2, reason=16, count=1),
        started(66, NOW + 10),
        trail.Entry(
            67,
            NOW + 11,
            event=7,
            reason=30,
            field=0xFFFF,
            purpose=0xFFFF,
            view=1,
            count=2**32 - 1,
            caller=b"\xff" * 16,
            header=b"\xff" * 6,
            nonce=b"\xff" * 12,
            owner=b"\xff" * 16,
            session=b"\xff" * 8,
            grant=b"\xff" * 8,
            kind=3,
        ),
    ]


def by_whom(who: Principal) -> dict[str, object]:
    return {"caller": RING.tag_of(who), "kind": who.kind, "session": some("session id", 8), "count": 1}


def day_of_grants() -> list[trail.Entry]:
    """The events of sections 12 to 14, done and refused."""
    owner, grantee, policy = (RING.tag_of(who) for who in (ALICE, PACKER, POLICY))
    token = symbolon.Token.parse(
        symbolon.seal(RING, ALICE, SHIPPING, b"Tokyo", some("rng", 16), record=ORDER, secret=SECRET)
    )
    grant = some("grant id", 8)
    by = {name: by_whom(who) for name, who in (
        ("owner", ALICE), ("policy", POLICY), ("grantee", PACKER), ("new", BOB)
    )}  # fmt: skip
    reason = symbolon.padded(b"chargeback 2026-11", 34)
    minted = {"field": NAME, "header": grantee[:6], "nonce": grantee[6:] + bytes(2), "owner": owner, "grant": grant}
    said = {"header": reason[:6], "nonce": reason[6:18], "owner": reason[18:], "grant": grant}
    scope = {**trail.scope(NOW, NOW + 86_400_000, (NAME, 2, SHIPPING)), "grant": grant}
    widest = {**trail.scope(0, 2**64 - 1, (1, 4, 11, SHIPPING, 0x8000, 0x8800, 0xD7FF, 0xDFFF)), "grant": grant}
    opened = {"field": SHIPPING, "header": token.header, "nonce": token.nonce, "owner": owner}
    refused = {**opened, "owner": token.commitment}
    under = {**by["grantee"], "grant": grant}
    lines: list[tuple[int, int, dict[str, object]]] = [
        (1, 0, dict(field=FLOORS[0], purpose=FLOORS[1], owner=started(0, NOW).owner)),
        (18, 0, {**by["policy"], "field": SHIPPING, "owner": owner}),
        (18, 11, {**by["policy"], "field": SHIPPING, "owner": owner}),
        (8, 0, {**by["owner"], **minted, "purpose": 1, "view": 1, "count": 3}),
        (26, 0, {**by["owner"], **scope}),
        (8, 0, {**by["policy"], **minted, "purpose": 63, "view": 2, "count": 2**32 - 1}),
        (26, 0, {**by["policy"], **widest}),
        (9, 0, {**by["policy"], **said}),
        (8, 8, {**by["grantee"], **minted, "purpose": 1, "view": 1, "grant": bytes(8)}),
        (26, 8, {**by["grantee"], **scope, "grant": bytes(8)}),
        (4, 0, {**under, **opened, "purpose": 1, "view": 1}),
        (3, 0, {**under, **opened, "purpose": 1, "view": 2}),
        *((4, number, {**by["grantee"], **refused, "purpose": 1}) for number in (10, 12)),
        *((4, number, {**under, **refused, "purpose": 1}) for number in (11, 13, 14, 15, 31, 32)),
        (3, 33, {**by["owner"], **refused, "purpose": 3}),
        (12, 0, {**under, **opened, "purpose": 8, "view": 3}),
        (12, 34, {**under, **refused, "purpose": 8}),
        (13, 0, {**by["new"], **opened, "purpose": 9, "view": 3, "grant": grant}),
        (13, 35, {**by["new"], **refused, "purpose": 9}),
        (15, 0, {**by["policy"], "field": 4, "owner": owner}),
        (16, 0, {**by["policy"], "field": 4}),
        (16, 8, {**by["owner"], "field": 4}),
        (17, 0, {**by["policy"], "field": 4, "count": 1_000_000}),
        (19, 0, by["policy"]),
        (10, 0, {**by["owner"], "owner": owner, "grant": grant}),
        (10, 12, {**by["policy"]}),
        (11, 0, {**by["policy"], "owner": owner}),
        (14, 0, {**by["owner"], "owner": owner}),
        (14, 11, {**by["policy"], "owner": owner}),
    ]
    return [
        trail.Entry(number, NOW + number, event, reason, **given)
        for number, (event, reason, given) in enumerate(lines)
    ]


def day_of_watching() -> list[trail.Entry]:
    """The events and reasons of section 16, keyrings and floors, checkpoints of other nodes."""
    operator = replace(POLICY, subject=b"operator")
    token = symbolon.Token.parse(symbolon.seal(RING, ALICE, NAME, b"Alice", some("rng", 16)))
    refused = {"field": NAME, "header": token.header, "nonce": token.nonce, "owner": token.commitment}
    caused = {"caller": RING.tag_of(ALICE), "kind": ALICE.kind, "session": some("session id", 8)}
    entries = [started(0, NOW)]

    def add(event: int, reason: int = 0, **given: object) -> None:
        entries.append(trail.Entry(len(entries), NOW + len(entries), event, reason, **{"count": 1, **given}))

    def add_keyring(epochs: list[int], *floors: int) -> None:
        number = len(entries)
        entries.append(trail.started(number, NOW + number, epochs, floors, event=trail.KEYRING, count=1))

    add_keyring([1, 2, 3], 0, 2)
    add_keyring([1, 2, 3], 3, 3)
    add_keyring(list(range(65_528, 65_536)), 65_535, 65_535)
    add_keyring([1], 65_535, 1)
    for reason in (37, 38):
        add(4, reason, **caused, **refused)
        add(16, reason, **caused, field=4)
    add(4, 3, **caused, **refused)
    for cause in range(1, 10):
        who = caused if cause in (1, 2, 4, 5) else {}
        add(22, **who, view=cause, count=cause)
    add(22, **caused, view=2, count=2**32 - 1)
    add(23)
    add(23, **by_whom(operator))
    add(23, 8, **by_whom(PACKER))
    add(24, 8, **by_whom(ALICE))
    add(24, **by_whom(operator))
    for count in (1, 2**32 - 1):
        add(21, count=count)
    for node in (0, 8, 2**32 - 1):
        entries.append(trail.witness(len(entries), NOW + len(entries), other_checkpoint(node)))
    add(26, 8, **by_whom(PACKER), **trail.scope(0, 1, (1,)))
    return entries


def other_checkpoint(node: int) -> trail.Checkpoint:
    """Of another node, on which nobody looks here but for its bytes."""
    number = node * 2**20
    return trail.Checkpoint.make(node, number, NOW - 1, some(f"last {node}", 16), some(f"trail key {node}"))


def trail_row(audit_key: trail.AuditKey, entries: list[trail.Entry]) -> str:
    decoded = ",".join(entry.columns() for entry in entries)
    return row(audit_key.to_bytes(), listed(trail.write(audit_key, entries)), decoded)


def trail_rows() -> Iterable[str]:
    yield trail_row(AUDIT_KEY, day_of_entries())
    yield trail_row(trail.AuditKey(0, bytes(32), bytes(32)), day_of_entries()[:1])
    yield trail_row(trail.AuditKey(2**32 - 1, some("k"), some("t")), day_of_entries()[:5])
    gap_at_first = replace(day_of_entries()[5], count=64)
    yield trail_row(AUDIT_KEY, [gap_at_first, *day_of_entries()[6:8]])
    yield trail_row(AUDIT_KEY, day_of_grants())
    yield trail_row(AUDIT_KEY, day_of_watching())
    yield trail_row(AUDIT_KEY, day_of_roles())
    yield trail_row(AUDIT_KEY, [replace(entry, number=at) for at, entry in enumerate(day_of_kinds())])
    yield trail_row(AUDIT_KEY, blocks())


def blocks() -> list[trail.Entry]:
    """From one block into the next, and over two of them."""
    log_outs = [trail.Entry(number, NOW, event=5, session=some("session id", 8), count=1) for number in range(1, 66)]
    return [started(0, NOW), *log_outs, started(256, NOW + 1, count=190), replace(log_outs[0], number=257)]


def day_of_kinds() -> list[trail.Entry]:
    """Each kind of caller, and none."""
    callers = [replace(ALICE, kind=kind) for kind in (1, 2, 3)]
    return [started(0, NOW), *(trail.Entry(0, NOW, event=2, **by_whom(who)) for who in callers), started(0, NOW + 1)]


def day_of_roles() -> list[trail.Entry]:
    """Log-ins of each role, done and refused, and each act that is recorded."""
    issued = {"owner": RING.tag_of(ALICE), "session": some("session id", 8)}
    said = [(trail.ROLES_LOG_IN, reason, {"view": role}) for role in range(3) for reason in (0, 25)]
    said += [(trail.ROLES_ACT, 0, {"view": 0, "field": number}) for number in range(9)]
    said += [(trail.ROLES_ACT, 0, {"view": 1, "field": 0, **issued}), (trail.ROLES_ACT, 0, {"view": 2, "field": 0})]
    entries = [started(0, NOW)]
    for number, (event, reason, given) in enumerate(said, start=1):
        entries.append(trail.Entry(number, NOW + number, event, reason, count=1, **given))
    return entries


def trail_fail_rows() -> Iterable[str]:
    for chain, position, why in broken_chains():
        yield row(AUDIT_KEY.to_bytes(), listed(chain), position, why)
    other_node = replace(AUDIT_KEY, node=8)
    yield row(other_node.to_bytes(), listed(trail.write(AUDIT_KEY, day_of_entries()[:2])), 0, "the key of another node")
    yield row(
        replace(AUDIT_KEY, k_0=bytes(32)).to_bytes(),
        listed(trail.write(AUDIT_KEY, day_of_entries()[:2])),
        0,
        "another K_0",
    )


def broken_chains() -> Iterable[tuple[list[bytes], int, str]]:
    entries = day_of_entries()
    chain = trail.write(AUDIT_KEY, entries)[:4]
    for at, region in ((0, "number"), (8, "time"), (16, "body"), (93, "body's end"), (94, "tag"), (109, "tag's end")):
        yield [chain[0], flipped(chain[1], at), *chain[2:]], 1, f"altered: {region}"
    yield [chain[0], chain[2], chain[1], chain[3]], 1, "swapped"
    yield chain[1:], 0, "missing: the first"
    yield [chain[0], *chain[2:]], 1, "missing: the second"
    yield [*chain[:2], chain[3]], 2, "missing: the third"
    yield [*chain[:2], chain[1], *chain[2:]], 2, "twice"
    yield [*chain[:2], chain[2][:-1]], 2, "a byte less"
    yield [*chain[:2], chain[2] + b"\0"], 2, "a byte more"
    yield [*chain[:1], chain[1][:16] + chain[2][16:]], 1, "another entry's content"
    yield [le64(1) + chain[0][8:]], 0, "the first, renumbered"
    for changed, position, why in badly_continued(entries):
        yield trail.write(AUDIT_KEY, changed), position, why
    start_again = trail.write(AUDIT_KEY, [replace(entry, number=entry.number) for entry in entries[1:2]])
    yield [chain[0], *start_again], 1, "continues nothing: 16 zero bytes for the entry before"


def badly_continued(entries: list[trail.Entry]) -> Iterable[tuple[list[trail.Entry], int, str]]:
    """All of these verify."""
    for count in (0, 58, 60):
        yield [*entries[:5], replace(entries[5], count=count)], 5, f"a gap of 59, {count} of them owned to"
    yield [*entries[:2], replace(entries[5], number=2, count=3)], 2, "no gap, and 3 numbers owned to"
    yield [replace(entries[0], count=1)], 0, "no gap before the first, and a number owned to"
    yield [*entries[:5], replace(entries[5], event=2)], 5, "a gap before an entry that is not started"
    yield [*entries[:5], replace(entries[6], number=6)], 5, "a gap of one"
    yield [*entries[:3], entries[2]], 3, "a number twice"
    yield [*entries[:3], entries[1]], 3, "a number below"
    for event in (0, 29, 128, 255):
        yield [*entries[:2], replace(entries[2], event=event)], 2, f"event {event}"
    for reason in (39, 128, 255):
        yield [*entries[:2], replace(entries[2], reason=reason)], 2, f"reason {reason}"
    for kind in (4, 128, 255):
        yield [*entries[:2], replace(entries[2], kind=kind)], 2, f"the caller's kind is {kind}"
    yield [replace(entries[0], kind=4), *entries[1:3]], 0, "the caller's kind is 4, and there is no caller"
    yield [*entries[:5], replace(entries[5], event=trail.KEYRING)], 5, "a gap of 59 before a keyring"


# --- Checkpoints ------------------------------------------------------------------------------------------------------


def read_so_far(chain: list[bytes], audit_key: trail.AuditKey = AUDIT_KEY) -> trail.Reader:
    reader = trail.Reader(audit_key)
    for raw in chain:
        reader.read(raw)
    return reader


def some_chains() -> Iterable[tuple[trail.AuditKey, list[trail.Entry]]]:
    entries = day_of_entries()
    for length in (1, 2, 5, 6, 8, 9):
        yield AUDIT_KEY, entries[:length]
    yield AUDIT_KEY, day_of_watching()
    for node in (0, 2**32 - 1):
        yield trail.AuditKey(node, some(f"trail key {node}"), RING.k_tag), entries[:3]


def checkpoint_rows() -> Iterable[str]:
    for audit_key, entries in some_chains():
        chain = trail.write(audit_key, entries)
        for time in (NOW + 100, 0, 2**64 - 1):
            yield checkpoint_row(audit_key, chain, read_so_far(chain, audit_key).checkpoint(time))


def checkpoint_row(audit_key: trail.AuditKey, chain: list[bytes], made: trail.Checkpoint) -> str:
    said = (made.node, made.next, made.time, made.last, made.mac)
    return row(audit_key.to_bytes(), listed(chain), made.to_bytes(), *said)


CHECKPOINT_PARTS = ((0, "node"), (4, "next"), (12, "time"), (20, "last"), (36, "MAC"), (52, ""))


def checkpoint_fail_rows() -> Iterable[str]:
    for chain, form, verdict, why in bad_checkpoints():
        yield row(AUDIT_KEY.to_bytes(), listed(chain) or "-", form, verdict, why)


def bad_checkpoints() -> Iterable[tuple[list[bytes], bytes, str, str]]:
    """Each is not confirmed where these entries were read."""
    entries = day_of_entries()
    chain = trail.write(AUDIT_KEY, entries)
    made = read_so_far(chain[:4]).checkpoint(NOW + 100)
    good = made.to_bytes()
    for (start, part), (end, _) in zip(CHECKPOINT_PARTS, CHECKPOINT_PARTS[1:]):
        yield chain[:4], flipped(good, start), "refused", f"altered: {part}"
        yield chain[:4], flipped(good, end - 1, 7), "refused", f"altered: {part}'s end"
    for form, why in ((b"", "empty"), (good[:-1], "a byte less"), (good + b"\0", "a byte more"), (good * 2, "twice")):
        yield chain[:4], form, "malformed", why
    for length in (1, 2, 3):
        yield chain[:length], good, "refused", f"cut: {length} of 4 entries"
    late = read_so_far(chain).checkpoint(NOW + 100).to_bytes()
    yield chain[:4], late, "refused", "cut: 4 of 9 entries"
    yield chain[:8], late, "refused", "cut: the last entry"
    yield [], good, "refused", "cut: all entries"
    for length in (5, 6, 9):
        yield chain[:length], good, "refused", f"gone by: {length} entries, and it was made behind 4"
    for node in (8, 0):
        other = replace(AUDIT_KEY, node=node)
        yield chain[:4], moved(made, node).to_bytes(), "refused", f"node {node} in its place, the MAC made for that"
        seen = read_so_far(trail.write(other, entries[:4]), other).checkpoint(NOW + 100)
        yield chain[:4], seen.to_bytes(), "refused", f"of node {node}, whose K_0 is the same"
    for step in (-1, 1):
        number = made.next + step
        _, key = trail.keys(AUDIT_KEY.k_0, 0, number)
        wrong = trail.Checkpoint.make(made.node, number, made.time, made.last, key)
        yield chain[:4], wrong.to_bytes(), "refused", f"next is {number}, with that entry's key"
        wrong = trail.Checkpoint.make(made.node, made.next, made.time, made.last, key)
        yield chain[:4], wrong.to_bytes(), "refused", f"the key of entry {number}"
    again = trail.write(AUDIT_KEY, [*entries[:3], replace(entries[3], time=NOW + 4)])
    yield again, good, "refused", "another last entry: the trail was put back and went on"
    yield chain[:4], replace(made, mac=bytes(16)).to_bytes(), "refused", "a MAC of zeros"
    yield chain[:4], bytes(52), "refused", "zeros"
    gap = trail.write(AUDIT_KEY, entries[:6])
    for number in (5, 63, 64):
        _, key = trail.keys(AUDIT_KEY.k_0, 0, number)
        inside = trail.Checkpoint.make(AUDIT_KEY.node, number, NOW, gap[4][-16:], key).to_bytes()
        if number != 5:
            yield gap[:5], inside, "refused", f"next is {number}, which a gap skips or ends, read to before it"
        yield gap, inside, "refused", f"next is {number}, which a gap skips or ends, read to behind it"


def moved(made: trail.Checkpoint, node: int) -> trail.Checkpoint:
    _, key = trail.keys(AUDIT_KEY.k_0, 0, made.next)
    return trail.Checkpoint.make(node, made.next, made.time, made.last, key)
