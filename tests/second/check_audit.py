"""Checks of the trail, checkpoints, canaries, scanner keys and attributions (SPEC.md sections 8 and 16)."""

from __future__ import annotations

from dataclasses import replace

import cases
import fields
import make_trail
import make_watching
import symbolon
import trail
import watching
from cases import principal, split_list, unhex, verdict_of
from symbolon import Keyring, Principal, Token
from tally import Tally


# --- The trail and checkpoints ----------------------------------------------------------------------------------------


def check_trail(tally: Tally, family: str, cells: list[str]) -> None:
    key, chain, decoded = cells
    audit_key = trail.AuditKey.from_bytes(unhex(key))
    entries = list(trail.read(audit_key, split_list(chain)))
    tally.equal(family, ",".join(entry.columns() for entry in entries), decoded)
    tally.equal(family, trail.write(audit_key, entries), split_list(chain))


def check_bad_trail(tally: Tally, family: str, cells: list[str]) -> None:
    key, chain, position, why = cells
    found: object = "accepted"
    try:
        list(trail.read(trail.AuditKey.from_bytes(unhex(key)), split_list(chain)))
    except trail.BrokenChain as broken:
        found = broken.position
    tally.equal(family, found, int(position), why)


def chain_of(cell: str) -> list[bytes]:
    """Entries of which there may be none."""
    return [] if cell == "-" else split_list(cell)


def check_checkpoint(tally: Tally, family: str, cells: list[str]) -> None:
    key, chain, raw, node, number, time, last, mac = cells
    audit_key, made = trail.AuditKey.from_bytes(unhex(key)), trail.Checkpoint.from_bytes(unhex(raw))
    said = trail.Checkpoint(int(node), int(number), int(time), unhex(last), unhex(mac))
    tally.equal(family, made, said)
    tally.equal(family, made.to_bytes(), unhex(raw))
    tally.check(family, trail.confirms(audit_key, chain_of(chain), made), "confirmed")
    reader = make_trail.read_so_far(chain_of(chain), audit_key)
    tally.equal(family, reader.checkpoint(int(time)), made, "a reader's own")
    for length in range(len(chain_of(chain))):
        cut = make_trail.read_so_far(chain_of(chain)[:length], audit_key)
        tally.check(family, not cut.confirms(made), f"{length} entries")


def check_bad_checkpoint(tally: Tally, family: str, cells: list[str]) -> None:
    key, chain, raw, expected, why = cells
    found = verdict_of(lambda: trail.Checkpoint.from_bytes(unhex(raw)))
    if found == "accepted":
        reader = make_trail.read_so_far(chain_of(chain), trail.AuditKey.from_bytes(unhex(key)))
        found = "confirmed" if reader.confirms(trail.Checkpoint.from_bytes(unhex(raw))) else "refused"
    tally.equal(family, found, expected, why)


def check_events(tally: Tally) -> None:
    """What events hold in the places of a token and its owner, there and back."""
    entries = make_trail.day_of_watching() + make_trail.day_of_grants()
    found = {entry.event: entry for entry in entries}
    tally.equal("own", trail.epochs_of(entries[0]), ([1, 2], (0, 1)), "started")
    tally.equal("own", trail.epochs_of(found[trail.KEYRING]), ([1], (65_535, 1)), "keyring")
    for entry in entries:
        if entry.event == trail.WITNESS:
            seen = trail.witnessed(entry)
            tally.equal("own", seen, make_trail.other_checkpoint(seen.node), "witness")
            tally.equal("own", trail.witness(entry.number, entry.time, seen), entry, "witness")
        if entry.event == trail.GRANTS_SCOPE:
            not_before, expiry, codes = trail.scope_of(entry)
            tally.equal("own", replace(entry, **trail.scope(not_before, expiry, tuple(codes))), entry, "scope")
    for owner in (bytes(2) + b"\1" + bytes(13), b"\2\0\1" + bytes(13), b"\1\0\1" + bytes(13)):
        entry = replace(entries[0], owner=owner)
        tally.equal("own", verdict_of(lambda: trail.epochs_of(entry)), "malformed", owner.hex())
    unread = replace(found[trail.WITNESS], nonce=bytes(11) + b"\1")
    tally.equal("own", verdict_of(lambda: trail.witnessed(unread)), "malformed", "a byte behind the time")


# --- Canaries ---------------------------------------------------------------------------------------------------------


def check_canary(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant_, like, name, rng16, raw = cells
    keyring, tenant = Keyring.from_bytes(unhex(form)), unhex(tenant_)
    made = watching.seal_canary(keyring, tenant, unhex(like), unhex(name), unhex(rng16))
    tally.equal(family, made, unhex(raw))
    tally.equal(family, watching.canary_name(keyring, tenant, made), unhex(name))
    token = Token.parse(made)
    tally.equal(family, (made[:6], len(made)), (unhex(like)[:6], len(unhex(like))), "its look")
    tally.check(family, watching.scanner_key(keyring, tenant).recognises(made), "its mark")
    for kind in (1, 2, 3):
        caller = Principal(tenant, kind, b"alice")
        for record in (b"", cases.ORDER):
            for secret in (None, cases.SECRET):
                asked = (keyring, caller, token.field, made, record, secret)
                tally.equal(family, verdict_of(lambda: symbolon.open_token(*asked)), "denied", f"kind {kind}")
        for field in (token.field, 9):
            reason = symbolon.refusal_reason(keyring, caller, field, token)
            tally.equal(family, reason, "canary", fields.name_of(field))
    stranger = Principal(b"another", 1, b"alice")
    reason = symbolon.refusal_reason(keyring, stranger, token.field, token)
    tally.equal(family, reason, "foreign token", "another tenant")


def check_no_canary(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, raw, expected, why = cells
    found = verdict_of(lambda: watching.canary_name(Keyring.from_bytes(unhex(form)), unhex(tenant), unhex(raw)))
    tally.equal(family, found, expected, why)


def check_canary_names(tally: Tally) -> None:
    """Names and looks that no canary has, and how many zeros there are."""
    ring, tenant, like = cases.RING, cases.ALICE.tenant, make_watching.look("custom-32-7", 5)
    for name in (b"", b"n" * 31, b"\0", b"shop\0", b"\0shop", b"sh\0op"):
        found = verdict_of(lambda: watching.seal_canary(ring, tenant, like, name, bytes(16)))
        tally.equal("own", found, "malformed", f"name {name!r}")
    for raw, why in make_watching.odd_canaries():
        token = Token.parse(raw)
        tally.equal("own", verdict_of(lambda: watching.canary_name(ring, tenant, raw)), "denied", why)
        reason = symbolon.refusal_reason(ring, cases.ALICE, token.field, token)
        tally.equal("own", reason, "canary", f"{why}, presented")
    for field, index, length in ((0x8007, 0, 4), (0x8007, 1, 31), (0x8007, 5, 511), (1, 1, 4), (2, 3, 4), (2, 4, 255)):
        tally.equal("own", watching.canary_value(field, b"shop", index), b"shop" + bytes(length - 4), f"class {index}")
    for field, index in ((1, 0), (2, 2), (0xD000, 4)):
        found = verdict_of(lambda: watching.canary_value(field, b"shop", index))
        tally.equal("own", found, "malformed", f"field {field}, class {index}")


# --- Scanner keys -----------------------------------------------------------------------------------------------------


def check_scanner_key(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, raw, token, expected, why = cells
    key = watching.scanner_key(Keyring.from_bytes(unhex(form)), unhex(tenant))
    tally.equal(family, key.to_bytes(), unhex(raw))
    tally.equal(family, watching.ScannerKey.from_bytes(unhex(raw)), key)
    tally.equal(family, "yes" if key.recognises(unhex(token)) else "no", expected, why)


def check_bad_scanner_key(tally: Tally, family: str, cells: list[str]) -> None:
    raw, why = cells
    tally.equal(family, verdict_of(lambda: watching.ScannerKey.from_bytes(unhex(raw))), "malformed", why)


# --- Whose it was -----------------------------------------------------------------------------------------------------


def check_attribution(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, kind, subject, secret, key, chain, expected = cells
    keyring, owner = Keyring.from_bytes(unhex(form)), principal(tenant, kind, subject)
    entries = trail.read(trail.AuditKey.from_bytes(unhex(key)), split_list(chain))
    found = [watching.attribution(keyring, owner, unhex(secret) or None, entry) for entry in entries]
    tally.equal(family, found, expected.split(","))


def check_attribution_by_hand(tally: Tally) -> None:
    """The verdicts on what was put into the trail on purpose."""
    entries, alice, bob = make_watching.trail_of_openings(), cases.ALICE, cases.BOB
    secrets = {alice: cases.SECRET, bob: cases.some("bob's secret")}
    tokens = {Token.parse(raw).nonce: owner for owner, raw in make_watching.tokens_of_two()}
    for entry in entries[: make_watching.ABOUT_TOKENS + 1]:
        for owner, secret in secrets.items():
            sealed_for = tokens.get(entry.nonce) == owner
            expected = ("opened" if entry.reason == 0 else "refused") if sealed_for else "-"
            found = watching.attribution(cases.RING, owner, secret, entry)
            tally.equal("own", found, expected, f"entry {entry.number}")
            erasable = entry.header[1] & symbolon.ERASABLE_FLAG != 0
            lost = "-" if erasable and expected == "refused" else expected
            found = watching.attribution(cases.RING, owner, None, entry)
            tally.equal("own", found, lost, f"entry {entry.number}, without the secret")
    for entry, expected in zip(entries[make_watching.ABOUT_TOKENS + 1 :], make_watching.LAST_VERDICTS, strict=True):
        found = watching.attribution(cases.RING, alice, cases.SECRET, entry)
        tally.equal("own", found, expected, f"entry {entry.number}, event {entry.event}")


CHECKS = {
    "trail": check_trail,
    "trail-fail": check_bad_trail,
    "checkpoint": check_checkpoint,
    "checkpoint-fail": check_bad_checkpoint,
    "canary": check_canary,
    "canary-fail": check_no_canary,
    "scanner-key": check_scanner_key,
    "scanner-key-fail": check_bad_scanner_key,
    "attribution": check_attribution,
}
OWN = (check_events, check_canary_names, check_attribution_by_hand)
