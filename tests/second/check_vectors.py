"""Checks every vector file against this implementation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import check_appliance
import check_audit
import fields
import grants
import make_vectors
import registry
import sessions
import symbolon
import trail
from cases import principal, split_list, unhex, verdict_of
from symbolon import Denied, Keyring
from tally import Tally

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


def rows(family: str) -> list[list[str]]:
    """The cases of a file, which must be there and hold one at least."""
    lines = (VECTORS / f"{family}.txt").read_text(encoding="utf-8").splitlines()
    found = [[cell.strip() for cell in line.split("|")] for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise ValueError(f"{family}.txt holds no case")
    return found


def items_of(cell: str) -> list[sessions.Item]:
    parts = (item.split(":") for item in cell.split(","))
    return [(fields.code_of(name), unhex(token)) for name, token in parts]


Check = Callable[[Tally, str, list[str]], None]


def check_prf(tally: Tally, family: str, cells: list[str]) -> None:
    key, label, message, output = cells
    tally.equal(family, symbolon.prf(unhex(key), int(label), unhex(message)), unhex(output))


def check_keys(tally: Tally, family: str, cells: list[str]) -> None:
    kind, *rest = cells
    KEY_CHECKS[kind](tally, f"{family}", rest)


def check_owner_keys(tally: Tally, family: str, cells: list[str]) -> None:
    form, epoch_, tenant, kind, subject, name, *expected = cells
    keyring, epoch, owner, field = (
        Keyring.from_bytes(unhex(form)),
        int(epoch_),
        principal(tenant, kind, subject),
        fields.code_of(name),
    )
    owner_key = keyring.owner_key(epoch, owner)
    found = (
        keyring.tenant_key(epoch, owner.tenant),
        owner_key,
        symbolon.seal_key(owner_key, field),
        keyring.mark_key(epoch, owner.tenant),
        keyring.canary_key(epoch, owner.tenant),
        keyring.tag_of(owner),
    )
    tally.equal(family, [key.hex() for key in found], expected)


def check_erasable_keys(tally: Tally, family: str, cells: list[str]) -> None:
    form, epoch, tenant, kind, subject, name, secret, *expected = cells
    field, owner = fields.code_of(name), principal(tenant, kind, subject)
    key = Keyring.from_bytes(unhex(form)).token_key(int(epoch), owner, unhex(secret))
    found = (key, symbolon.seal_key(key, field, erasable=True))
    tally.equal(family, [key.hex() for key in found], expected)


def check_grant_keys(tally: Tally, family: str, cells: list[str]) -> None:
    form, epoch, tenant, kind, subject, grant_epoch, expected = cells
    owner = principal(tenant, kind, subject)
    found = Keyring.from_bytes(unhex(form)).grant_key(int(epoch), owner, int(grant_epoch))
    tally.equal(family, found, unhex(expected))


def check_index_keys(tally: Tally, family: str, cells: list[str]) -> None:
    form, epoch, tenant, field, name, version, expected = cells
    keyring, code = Keyring.from_bytes(unhex(form)), fields.code_of(field)
    tally.equal(
        family, keyring.index_key(int(epoch), unhex(tenant), code, unhex(name), int(version)), unhex(expected)
    )


def check_credential_keys(tally: Tally, family: str, cells: list[str]) -> None:
    form, epoch, audience, tenant, kind, period, expected = cells
    found = Keyring.from_bytes(unhex(form)).issuer_key(
        int(epoch), unhex(audience), unhex(tenant), int(kind), int(period)
    )
    tally.equal(family, found, unhex(expected))


def check_session_keys(tally: Tally, family: str, cells: list[str]) -> None:
    key, serial, tag, expected = map(unhex, cells)
    tally.equal(family, symbolon.bound_key(key, serial, tag), expected)


def check_trail_keys(tally: Tally, family: str, cells: list[str]) -> None:
    k_tag, node, k_0, number, k_i, state = cells
    tally.equal(family, trail.block_key(unhex(k_0), int(number)), unhex(k_i))
    tally.equal(family, trail.open_state(unhex(k_tag), int(node), unhex(state)), (int(number), unhex(k_i)))
    tally.equal(family, trail.seal_state(unhex(k_tag), int(node), int(number), unhex(k_i)), unhex(state))


def check_keyring_form(tally: Tally, family: str, cells: list[str]) -> None:
    form, expected = cells
    found = verdict_of(lambda: Keyring.from_bytes(unhex(form)))
    tally.equal(family, found, "accepted" if expected == "ok" else expected, form)
    if expected == "ok":
        tally.equal(family, Keyring.from_bytes(unhex(form)).to_bytes(), unhex(form))


KEY_CHECKS: dict[str, Check] = {
    "owner": check_owner_keys,
    "erasable": check_erasable_keys,
    "grant": check_grant_keys,
    "index": check_index_keys,
    "credential": check_credential_keys,
    "session": check_session_keys,
    "trail": check_trail_keys,
    "form": check_keyring_form,
}


def check_token(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, kind, subject, name, epoch, rng16, value, token, record, secret = cells
    keyring, owner, field = Keyring.from_bytes(unhex(form)), principal(tenant, kind, subject), fields.code_of(name)
    marked = {"record": unhex(record), "secret": unhex(secret) or None}
    tally.equal(family, fields.check(field, unhex(value)), "ok")
    tally.equal(family, symbolon.open_token(keyring, owner, field, unhex(token), **marked), unhex(value))
    made = symbolon.seal(keyring, owner, field, unhex(value), unhex(rng16), int(epoch), **marked)
    tally.equal(family, made, unhex(token))


def check_bad_token(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, kind, subject, name, record, secret, token, expected, why = cells
    keyring, owner, field = Keyring.from_bytes(unhex(form)), principal(tenant, kind, subject), fields.code_of(name)
    known = (unhex(record), unhex(secret) or None)
    found = verdict_of(lambda: symbolon.open_token(keyring, owner, field, unhex(token), *known))
    tally.equal(family, found, expected, why)


def check_text(tally: Tally, family: str, cells: list[str]) -> None:
    token, text = cells
    tally.equal(family, symbolon.token_text(unhex(token)), text)
    tally.equal(family, symbolon.parse_text(text.encode()), unhex(token))


def check_bad_text(tally: Tally, family: str, cells: list[str]) -> None:
    text, why = cells
    tally.equal(family, verdict_of(lambda: symbolon.parse_text(unhex(text))), "malformed", why)


def check_credential(tally: Tally, family: str, cells: list[str]) -> None:
    form, epoch, audience, tenant, kind, subject, session_key, rng16, *numbers, session_id, issuer_form, now, raw = (
        cells
    )
    flags, rights, not_before, expiry, first_log_in, purposes = map(int, numbers)
    who, keyring = principal(tenant, kind, subject), Keyring.from_bytes(unhex(form))
    given = unhex(session_id) or sessions.NO_SESSION_ID
    claims = sessions.Claims(
        flags, rights, int(epoch), not_before, expiry, first_log_in, purposes, unhex(audience), who, given
    )
    issuer = sessions.Issuer.from_bytes(unhex(issuer_form))
    tally.equal(family, sessions.issue(issuer.k_cred, claims, unhex(session_key), unhex(rng16)), unhex(raw))
    tally.equal(
        family, sessions.issuer_of(keyring, int(epoch), unhex(audience), who.tenant, who.kind, claims.day), issuer
    )
    credential, k_s = sessions.Vault(keyring, unhex(audience)).accept(unhex(raw), int(now))
    tally.equal(family, credential.claims.principal, who)
    tally.equal(family, k_s, credential.bound_key(unhex(session_key)))


def check_bad_credential(tally: Tally, family: str, cells: list[str]) -> None:
    form, audience, now, raw, expected, why = cells
    vault = sessions.Vault(Keyring.from_bytes(unhex(form)), unhex(audience))
    tally.equal(family, verdict_of(lambda: vault.accept(unhex(raw), int(now))), expected, why)


def check_proof(tally: Tally, family: str, cells: list[str]) -> None:
    session_key, raw, nonce, time, parts_, start, now, proof, expected = cells
    k_s, parts = sessions.Credential.parse(unhex(raw)).bound_key(unhex(session_key)), split_list(parts_)
    if expected != "bad proof":
        tally.equal(family, sessions.prove(k_s, unhex(nonce), int(time), parts), unhex(proof))
    try:
        sessions.accept_proof(k_s, unhex(proof), parts, int(now), int(start))
        found = "accepted"
    except Denied as refusal:
        found = str(refusal)
    tally.equal(family, found, expected)


def check_reveal(tally: Tally, family: str, cells: list[str]) -> None:
    session_key, serial, tag, nonce, node, sequence, items_, values, reply = cells
    k_s, items = symbolon.bound_key(unhex(session_key), unhex(serial), unhex(tag)), items_of(items_)
    expected = [None if value == "!" else unhex(value) for value in values.split(",")]
    tally.equal(family, sessions.open_reply(k_s, unhex(nonce), items, unhex(reply)), expected)
    lengths = (symbolon.Token.parse(token).length for _, token in items)
    opened = sessions.open_answers(k_s, unhex(nonce), items, unhex(reply))
    answers = [
        status + (bytes(length) if value is None else sessions.sent(value, length))
        for length, (status, value) in zip(lengths, opened)
    ]
    made = sessions.seal_reply(k_s, int(node), int(sequence), unhex(nonce), items, answers)
    tally.equal(family, made, unhex(reply))


def check_grant(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, kind, subject, *others, names, record, rng16, raw = cells
    grantee_kind, grantee_subject, grantor_kind, grantor_subject, *numbers = others
    view, purpose, grant_epoch, not_before, expiry, uses = map(int, numbers)
    keyring, owner = Keyring.from_bytes(unhex(form)), principal(tenant, kind, subject)
    grantee, grantor = principal(tenant, grantee_kind, grantee_subject), principal(tenant, grantor_kind, grantor_subject)
    codes = tuple(map(fields.code_of, names.split(",")))
    terms = grants.Terms(view, purpose, not_before, expiry, uses, codes, unhex(record))
    tally.equal(
        family, grants.mint(keyring, owner, grantee, grantor, terms, unhex(rng16), grant_epoch), unhex(raw)
    )
    grant = grants.verify(keyring, unhex(tenant), unhex(raw))
    tally.equal(family, (grant.owner(unhex(tenant)), grant.epoch, grant.fields), (owner, keyring.newest, codes))
    tally.equal(family, grant.body(), unhex(raw)[:175])
    asked = grants.Asked(next(filter(fields.is_bound, codes), codes[0]), purpose, view, unhex(record))
    found = grants.accept(keyring, grantee, unhex(raw), not_before, asked, grants.Registry(grant_epoch))
    tally.equal(family, found, owner)
    for at in range(0, grants.LENGTH, 19):
        bad = make_vectors.flipped(unhex(raw), at, at % 8)
        found = verdict_of(lambda: grants.verify(keyring, unhex(tenant), bad))
        tally.check(family, found != "accepted", f"a bit of byte {at}")


def check_bad_grant(tally: Tally, family: str, cells: list[str]) -> None:
    raw, expected, why = cells
    found = verdict_of(lambda: grants.Grant.parse(unhex(raw)))
    tally.equal(family, found, "accepted" if expected == "ok" else expected, why)
    if expected == "ok":
        tally.equal(family, grants.Grant.parse(unhex(raw)).body(), unhex(raw)[:175], why)


def check_address(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, kind, subject, epoch, field, address, expected = cells
    keyring, owner, code = Keyring.from_bytes(unhex(form)), principal(tenant, kind, subject), fields.code_of(field)
    found = registry.address_tag(keyring, int(epoch), owner, code, unhex(address))
    tally.equal(family, found, unhex(expected))


def check_owner_record(tally: Tally, family: str, cells: list[str]) -> None:
    form, expected, erased, secret, grant_epoch, addresses = cells
    try:
        record = registry.OwnerRecord.from_bytes(unhex(form))
    except registry.Damaged as damage:
        tally.equal(family, "damaged", expected, f"{form}: {damage}")
        return
    parts = (part.split(":") for part in ([] if addresses == "-" else addresses.split(",")))
    known = tuple(registry.Address(fields.code_of(name), int(epoch), unhex(tag)) for name, epoch, tag in parts)
    tally.equal(family, "ok", expected, form)
    tally.equal(
        family, record, registry.OwnerRecord(erased == "1", int(grant_epoch), unhex(secret) or None, known), form
    )
    tally.equal(family, record.to_bytes(), unhex(form))


def check_index(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, field, name, version, normalised, epoch, expected = cells
    asked = (unhex(tenant), fields.code_of(field), unhex(name), int(version), unhex(normalised))
    keyring = Keyring.from_bytes(unhex(form))
    tally.equal(family, registry.index_value(keyring, int(epoch), *asked), unhex(expected))
    place = [keyring.newest, keyring.newest_but_one].index(int(epoch))
    tally.equal(family, registry.look_up(keyring, *asked)[place], unhex(expected))


def check_mask(tally: Tally, family: str, cells: list[str]) -> None:
    name, value, expected, *_ = cells
    tally.equal(family, fields.mask(fields.code_of(name), bytes.fromhex(value)).encode(), bytes.fromhex(expected), name)


def check_field(tally: Tally, family: str, cells: list[str]) -> None:
    name, value, expected, *_ = cells
    tally.equal(family, fields.check(fields.code_of(name), bytes.fromhex(value)), expected, name)


def check_column_name(tally: Tally, family: str, cells: list[str]) -> None:
    name, expected, *_ = cells
    found = "refused" if fields.is_refused_name(unhex(name).decode()) else "ok"
    tally.equal(family, found, expected, name)


CHECKS: dict[str, Check] = {
    "prf": check_prf,
    "keys": check_keys,
    "tokens": check_token,
    "tokens-fail": check_bad_token,
    "text": check_text,
    "text-fail": check_bad_text,
    "credential": check_credential,
    "credential-fail": check_bad_credential,
    "proof": check_proof,
    "reveal": check_reveal,
    **check_audit.CHECKS,
    **check_appliance.CHECKS,
    "grants": check_grant,
    "grants-fail": check_bad_grant,
    "addresses": check_address,
    "owner-records": check_owner_record,
    "index": check_index,
    "column-names": check_column_name,
    "masks": check_mask,
    "fields": check_field,
}


def check_all(tally: Tally) -> None:
    for family, check in CHECKS.items():
        name = f"vectors/{family}"

        def check_file() -> None:
            for number, cells in enumerate(rows(family), start=1):
                tally.attempt(name, f"case {number}", lambda: check(tally, name, cells))

        tally.attempt(name, "file", check_file)


def check_remade(tally: Tally) -> None:
    """The files are what make_vectors.py makes."""
    for family in make_vectors.FAMILIES:
        path = VECTORS / f"{family}.txt"

        def compare() -> None:
            tally.check("remade", path.read_bytes() == make_vectors.content_of(family).encode(), f"{path.name} differs")

        tally.attempt("remade", path.name, compare)


def check_own(tally: Tally) -> None:
    """What no vector file covers: the permutation, the names of fields, resealing, floors, grants and deliveries."""
    key, block = bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927")
    expected = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    tally.equal("own", symbolon.hchacha20(key, block).hex(), expected, "draft-irtf-cfrg-xchacha-03, 2.2.1")
    for name in make_vectors.REFUSED_NAMES + make_vectors.KEPT_NAMES:
        refused = name in make_vectors.REFUSED_NAMES
        tally.equal("own", fields.is_refused_name(name), refused, name)
    codes = [code for code in range(0x10000) if fields.is_code(code)]
    tally.equal("own", [fields.code_of(fields.name_of(code)) for code in codes], codes, "names of all codes")
    tally.equal("own", len(codes), 12 + 2 * 6 * 2048, "number of codes")
    tally.equal("own", sum(map(fields.is_bound, codes)), 1 + 6 * 2048, "number of bound fields")
    for name in (
        "custom-32-00",
        "custom-032-0",
        "custom-32-2048",
        "custom-33-0",
        "Custom-32-0",
        "custom-32-+1",
        "custom-32-",
        "PHONE",
        "",
        "custom-32-٣",
        "bound-32-2048",
        "bound-32-00",
        "Bound-32-0",
        "bound-32-",
        "bound-48-0",
    ):
        tally.equal("own", fields.code_of(name), None, name)
    steps = (check_resealing, check_floor, check_opening_under_grants, check_deliveries)
    for step in (*steps, *check_audit.OWN, *check_appliance.OWN):
        tally.attempt("own", step.__name__, lambda: step(tally))


def check_resealing(tally: Tally) -> None:
    """Section 4, "Resealing"."""
    ring, alice, bob = make_vectors.RING, make_vectors.ALICE, make_vectors.BOB
    name, shipping = make_vectors.NAME, make_vectors.SHIPPING
    secret, new_secret, rng16 = make_vectors.SECRET, make_vectors.some("bob's secret"), make_vectors.some("again", 16)
    for field, record in ((name, b""), (shipping, b"order")):
        for kept in (None, secret):
            old = symbolon.seal(ring, alice, field, b"Tokyo", make_vectors.some("old", 16), 1, record, kept)
            fresh = symbolon.rewrap(ring, alice, old, rng16, record, kept)
            tally.equal("own", fresh, symbolon.seal(ring, alice, field, b"Tokyo", rng16, 2, record, kept), "rewrap")
            tally.equal("own", symbolon.Token.parse(fresh).raw[:2], old[:2], "mode and class")
            found = verdict_of(lambda: symbolon.rewrap(ring, alice, fresh, rng16, record, kept))
            tally.equal("own", found, "denied", "rewrap of a new token")
            moved = symbolon.reown(ring, alice, bob, fresh, rng16, record, kept, new_secret)
            new_kept = new_secret if kept else None
            tally.equal("own", symbolon.open_token(ring, bob, field, moved, record, new_kept), b"Tokyo", "re-owned")
            found = verdict_of(lambda: symbolon.open_token(ring, alice, field, moved, record, kept))
            tally.equal("own", found, "denied", "re-owned, for the old owner")
            found = verdict_of(lambda: symbolon.rewrap(ring, bob, old, rng16, record, kept))
            tally.equal("own", found, "denied", "another's token")
    found = verdict_of(lambda: symbolon.reown(ring, alice, make_vectors.SERVICE, fresh, rng16, record, secret, secret))
    tally.equal("own", found, "denied", "another tenant")


def check_floor(tally: Tally) -> None:
    """Section 2: the token floor."""
    ring, alice, name = make_vectors.RING, make_vectors.ALICE, make_vectors.NAME
    raw = grants.mint(
        make_vectors.ring(1), alice, make_vectors.PACKER, alice, make_vectors.TERMS, make_vectors.some("grant", 16)
    )
    for epoch, floor, expected in ((1, 1, "accepted"), (1, 2, "denied"), (2, 2, "accepted"), (2, 3, "denied")):
        token = symbolon.seal(ring, alice, name, b"Alice", make_vectors.some("rng", 16), epoch)
        found = verdict_of(lambda: symbolon.open_token(ring, alice, name, token, floor=floor))
        tally.equal("own", found, expected, f"epoch {epoch}, floor {floor}")
    for floor, expected in ((1, "accepted"), (2, "denied")):
        tally.equal("own", verdict_of(lambda: grants.verify(ring, b"shop", raw, floor)), expected, f"grant, {floor}")


def check_opening_under_grants(tally: Tally) -> None:
    """Section 12, "Opening under a grant": one thing wrong at a time, and the order of section 9."""
    ring, alice, packer, now = make_vectors.RING, make_vectors.ALICE, make_vectors.PACKER, make_vectors.NOW
    shipping, order, life = make_vectors.SHIPPING, make_vectors.ORDER, make_vectors.TERMS.expiry - make_vectors.NOW
    terms = grants.Terms(grants.MASKED, grants.SHIPPING, now, now + life, 2, (make_vectors.NAME, shipping), order)
    raw = grants.mint(ring, alice, packer, alice, terms, make_vectors.some("grant", 16), grant_epoch=3)
    id_ = grants.Grant.parse(raw).id
    asked, known = grants.Asked(shipping, grants.SHIPPING, grants.MASKED, order), grants.Registry(3, used=1)

    def found(
        caller: Principal = packer, now: int = now, raw: bytes = raw, ring: Keyring = ring, **changes: object
    ) -> str:
        wanted = {key: changes.pop(key) for key in ("field", "purpose", "view", "record") if key in changes}
        try:
            grants.accept(ring, caller, raw, now, replace(asked, **wanted), replace(known, **changes))
        except Denied as refusal:
            return str(refusal)
        return "accepted"

    other_tenant = replace(packer, tenant=b"shoq")
    for answer, expected, why in (
        (found(), "accepted", "all right"),
        (found(now=now - 2_000), "accepted", "2,000 ms early"),
        (found(now=now - 2_001), "grant not in its time", "2,001 ms early"),
        (found(now=now + life - 1), "accepted", "its last millisecond"),
        (found(now=now + life), "grant not in its time", "expired"),
        (found(alice), "wrong grantee", "the owner"),
        (found(make_vectors.BOB), "wrong grantee", "somebody else"),
        (found(replace(packer, kind=2)), "wrong grantee", "another kind"),
        (found(other_tenant), "bad grant", "another tenant"),
        (found(raw=make_vectors.flipped(raw, 190)), "bad grant", "a bit of the MAC"),
        (found(raw=make_vectors.flipped(raw, 6)), "bad grant", "another grant epoch"),
        (found(ring=make_vectors.ring(1)), "bad grant", "the epoch is not in the keyring"),
        (found(floor=3), "bad grant", "below the floor"),
        (found(grant_epoch=4), "grant revoked", "all revoked"),
        (found(grant_epoch=0), "grant revoked", "without a record"),
        (found(revoked=frozenset([id_])), "grant revoked", "revoked"),
        (found(used=2), "grant used up", "used up"),
        (found(used=2, revoked=frozenset([id_])), "grant revoked", "revoked and used up"),
        (found(used=2, purpose=grants.PAYMENT), "grant used up", "used up, another purpose"),
        (found(purpose=grants.PAYMENT), "not in grant", "another purpose"),
        (found(view=grants.FULL), "not in grant", "the whole value"),
        (found(view=grants.RESEAL), "not in grant", "resealing"),
        (found(field=2), "not in grant", "another field"),
        (found(field=make_vectors.NAME), "not in grant", "a field that is not bound"),
        (found(record=b"order 4712"), "not in grant", "another record"),
        (found(record=b""), "not in grant", "no record"),
    ):
        tally.equal("own", answer, expected, f"grant: {why}")
    for who, why in ((alice, "the owner"), (make_vectors.POLICY, "the grantor")):
        found_ = verdict_of(lambda: grants.mint(ring, alice, who, make_vectors.POLICY, terms, bytes(16)))
        tally.equal("own", found_, "denied", f"grantee is {why}")
    long = replace(terms, expiry=now + grants.LONGEST_LIFE + 1)
    tally.equal("own", verdict_of(lambda: grants.mint(ring, alice, packer, alice, long, bytes(16), now=now)), "denied", "life")


def check_deliveries(tally: Tally) -> None:
    """Section 12, "Deliveries", and the erasure of section 13."""
    ring, alice, email, phone = make_vectors.RING, make_vectors.ALICE, 4, 3
    none = registry.OwnerRecord(secret=make_vectors.SECRET)
    old = registry.confirm(make_vectors.ring(1), alice, none, email, b"a@example.com")
    both = registry.confirm(ring, alice, old, phone, b"+81 3")
    tally.equal("own", [(a.field, a.epoch) for a in both.addresses], [(phone, 2), (email, 1)], "addresses rise")
    newer = registry.deliver(ring, alice, both, email, b"a@example.com")
    tally.equal("own", [(a.field, a.epoch) for a in newer.addresses], [(phone, 2), (email, 2)], "the newest tag")
    tally.equal("own", registry.deliver(ring, alice, newer, email, b"a@example.com"), newer, "again")
    other = registry.confirm(ring, alice, newer, email, b"b@example.com")
    withdrawn = registry.confirm(ring, alice, other, email, b"")
    for record, owner, field, address, why in (
        (none, alice, email, b"a@example.com", "nothing verified"),
        (other, alice, email, b"a@example.com", "the address before"),
        (withdrawn, alice, email, b"b@example.com", "withdrawn"),
        (newer, alice, email, b"A@example.com", "another spelling"),
        (newer, alice, phone, b"a@example.com", "another field"),
        (newer, make_vectors.BOB, email, b"a@example.com", "another owner"),
    ):
        found = verdict_of(lambda: registry.deliver(ring, owner, record, field, address))
        tally.equal("own", found, "denied", f"delivery: {why}")
    erased = newer.erase()
    tally.equal("own", erased, registry.OwnerRecord(erased=True, grant_epoch=1), "erased")
    tally.equal("own", len(erased.to_bytes()), 38, "erased")
    found = verdict_of(lambda: registry.confirm(ring, alice, erased, email, b"a@example.com"))
    tally.equal("own", found, "denied", "an address of an erased owner")
