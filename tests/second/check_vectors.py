"""Checks every vector file against this implementation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fields
import make_vectors
import sessions
import symbolon
import trail
from symbolon import Denied, Keyring, Malformed, Principal
from tally import Tally

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


def unhex(cell: str) -> bytes:
    return b"" if cell == "-" else bytes.fromhex(cell)


def split_list(cell: str) -> list[bytes]:
    return [unhex(part) for part in cell.split(",")]


def rows(family: str) -> list[list[str]]:
    """The cases of a file, which must be there and hold one at least."""
    lines = (VECTORS / f"{family}.txt").read_text(encoding="utf-8").splitlines()
    found = [[cell.strip() for cell in line.split("|")] for line in lines if line.strip() and not line.startswith("#")]
    if not found:
        raise ValueError(f"{family}.txt holds no case")
    return found


def verdict_of(step: Callable[[], object]) -> str:
    try:
        step()
    except Denied:
        return "denied"
    except Malformed:
        return "malformed"
    return "accepted"


def principal(tenant: str, kind: str, subject: str) -> Principal:
    return Principal(unhex(tenant), int(kind), unhex(subject))


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
        symbolon.nonce_key(owner_key, field),
        keyring.mark_key(epoch, owner.tenant),
        keyring.canary_key(epoch, owner.tenant),
        keyring.tag_of(owner),
    )
    tally.equal(family, [key.hex() for key in found], expected)


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
    tally.equal(family, trail.ratchet(unhex(k_0), int(number)), unhex(k_i))
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
    "credential": check_credential_keys,
    "session": check_session_keys,
    "trail": check_trail_keys,
    "form": check_keyring_form,
}


def check_token(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, kind, subject, name, epoch, rng16, value, token = cells
    keyring, owner, field = Keyring.from_bytes(unhex(form)), principal(tenant, kind, subject), fields.code_of(name)
    tally.equal(family, fields.check(field, unhex(value)), "ok")
    tally.equal(family, symbolon.open_token(keyring, owner, field, unhex(token)), unhex(value))
    tally.equal(family, symbolon.seal(keyring, owner, field, unhex(value), unhex(rng16), int(epoch)), unhex(token))


def check_bad_token(tally: Tally, family: str, cells: list[str]) -> None:
    form, tenant, kind, subject, name, token, expected, why = cells
    keyring, owner = Keyring.from_bytes(unhex(form)), principal(tenant, kind, subject)
    found = verdict_of(lambda: symbolon.open_token(keyring, owner, fields.code_of(name), unhex(token)))
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
    answers = [
        b"\0" + bytes(symbolon.Token.parse(token).length) if value is None else b"\1" + symbolon.pad(field, value)
        for (field, token), value in zip(items, expected)
    ]
    made = sessions.seal_reply(k_s, int(node), int(sequence), unhex(nonce), items, answers)
    tally.equal(family, made, unhex(reply))


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
    "trail": check_trail,
    "trail-fail": check_bad_trail,
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
    """What no vector file covers: the permutation, and the names of fields."""
    key, block = bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927")
    expected = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
    tally.equal("own", symbolon.hchacha20(key, block).hex(), expected, "draft-irtf-cfrg-xchacha-03, 2.2.1")
    for name in make_vectors.REFUSED_NAMES + make_vectors.KEPT_NAMES:
        refused = name in make_vectors.REFUSED_NAMES
        tally.equal("own", fields.is_refused_name(name), refused, name)
    codes = [code for code in range(0x10000) if fields.is_code(code)]
    tally.equal("own", [fields.code_of(fields.name_of(code)) for code in codes], codes, "names of all codes")
    tally.equal("own", len(codes), 11 + 6 * 2048, "number of codes")
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
    ):
        tally.equal("own", fields.code_of(name), None, name)
