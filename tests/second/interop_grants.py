"""What `interop.py` asks the Rust implementation about sections 12 to 14, erasable tokens and bound fields.

Operations, arguments and answers as in `examples/interop.rs`; OWNER is the owner's record in hex, `-` where there is no
row, and the record that the operation leaves is part of its answer. VIEW and PURPOSE are numbers.

    seal-as    KEYRING TENANT KIND SUBJECT OWNER FIELD VALUE RECORD ERASABLE(0|1)  -> TOKEN OWNER | denied
    open-as    KEYRING TENANT KIND SUBJECT OWNER FIELD TOKEN RECORD FLOOR          -> VALUE | denied | malformed
    rewrap     KEYRING TENANT KIND SUBJECT OWNER FIELD TOKEN RECORD                -> TOKEN | denied | malformed
    reown      KEYRING TENANT KIND SUBJECT OWNER NEWKIND NEWSUBJECT NEWOWNER FIELD TOKEN RECORD
                                                                                   -> TOKEN NEWOWNER | denied | malformed
    grant      KEYRING TENANT KIND SUBJECT OWNER GRANTEEKIND GRANTEESUBJECT VIEW PURPOSE NOW LIFE USES FIELD,... RECORD
                                                                                   -> GRANT | denied | error
    grant-for  the same, but minted by a policy authority                          -> GRANT KIND SUBJECT | denied | error
    open-under KEYRING TENANT CALLERKIND CALLERSUBJECT GRANT OWNER USED REVOKED(0|1) PURPOSE VIEW NOW FIELD TOKEN RECORD
                                                                                   -> VALUE USED | denied | malformed
    reseal-under KEYRING TENANT CALLERKIND CALLERSUBJECT GRANT OWNER USED PURPOSE NOW FIELD TOKEN RECORD
                                                                    -> TOKEN USED CALLEROWNER | denied | malformed
    confirm    KEYRING TENANT KIND SUBJECT OWNER FIELD ADDRESS                     -> OWNER | denied
    deliver    KEYRING TENANT KIND SUBJECT OWNER FIELD ADDRESS                     -> OWNER | denied
    erase      KEYRING TENANT KIND SUBJECT OWNER                                   -> OWNER | denied
    index      KEYRING TENANT FIELD NAME VERSION NORMALISED                        -> VALUE
    look-up    KEYRING TENANT FIELD NAME VERSION NORMALISED                        -> NEWEST,BEFORE

`open-under` has OWNER in the row of the grant's owner, USED as the count of its uses and its id in the deny list if
REVOKED; what it leaves as the count is in its answer as the row has it, LE32, `-` where there is no row. `deliver`
opens a token of the owner's own, with the purpose message and this destination. `error` is what nobody should ask for,
told by the words behind it: a grant for one record with fields that are not bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

import check_vectors
import fields
import generate
import grants
import make_vectors
import registry
import symbolon
from check_vectors import unhex
from registry import OwnerRecord
from symbolon import Denied, Keyring, Malformed, Principal, Token, le32

if TYPE_CHECKING:
    from interop import World

TOKENS = 80
GRANTS = 80
ADDRESSES = 30
INDEXES = 40
NOW = 1_800_000_000_000


def row_of(record: OwnerRecord | None) -> bytes:
    return b"" if record is None else record.to_bytes()


def record_in(answer: str) -> OwnerRecord:
    """What an operation left; no row is as good as an empty one."""
    return OwnerRecord.from_bytes(unhex(answer)) if answer != "-" else OwnerRecord()


def answer_of(step: Callable[[], bytes]) -> str:
    """A value in hex, or how it was refused."""
    try:
        return step().hex() or "-"
    except Denied:
        return "denied"
    except Malformed:
        return "malformed"


def error_of(world: World, command: str, *given: bytes | int | str) -> str:
    """The words of an error; "" where there was none."""
    try:
        world.rust.ask(command, *given)
    except RuntimeError as error:
        return str(error).removeprefix(f"{command}: error: ")
    return ""


TERMS = "a credential or a grant can't have these terms"


def who(principal: Principal) -> tuple[bytes, int, bytes]:
    return principal.tenant, principal.kind, principal.subject


def other_of_tenant(random: Random, principal: Principal) -> Principal:
    return Principal(principal.tenant, random.randint(1, 3), principal.subject[:32] + random.randbytes(8))


@dataclass(frozen=True)
class Sealed:
    """A token with all that opens it."""

    keyring: Keyring
    owner: Principal
    known: OwnerRecord | None
    field: int
    value: bytes
    record: bytes
    token: bytes

    def opened(self, floor: int = 0) -> bytes:
        if self.known is not None and self.known.erased:
            raise Denied("erased")
        secret = self.known.secret if self.known else None
        return symbolon.open_token(self.keyring, self.owner, self.field, self.token, self.record, secret, floor)


def new_sealed(world: World) -> Sealed:
    random, keyring, owner = world.random, world.some_keyring(), world.some_principal()
    bound, erasable = random.randint(0, 1), random.randint(0, 1)
    field = (generate.bound_field if bound else generate.any_field)(random)
    record = random.randbytes(random.choice([1, 8, 13, 14, 64])) if bound else b""
    secret = random.randbytes(32)
    known = OwnerRecord(grant_epoch=random.choice([0, 0, 1, 2**31]), secret=secret)
    if not erasable:
        known = random.choice([None, OwnerRecord(), known])
    value, epoch = generate.good_value(random, field), random.choice(keyring.epochs)
    kept = secret if erasable else None
    token = symbolon.seal(keyring, owner, field, value, random.randbytes(16), epoch, record, kept)
    return Sealed(keyring, owner, known, field, value, record, token)


def spoiled(world: World, case: Sealed) -> tuple[Sealed, int]:
    """One thing changed, or nothing, and a floor."""
    random = world.random
    match random.randint(0, 7):
        case 0:
            return replace(case, record=random.choice([b"", case.record + b"\0", random.randbytes(9)])), 0
        case 1:
            return replace(case, known=random.choice([None, OwnerRecord(), OwnerRecord(secret=random.randbytes(32))])), 0
        case 2:
            return replace(case, known=(case.known or OwnerRecord()).erase()), 0
        case 3:
            return replace(case, owner=other_of_tenant(random, case.owner)), 0
        case 4:
            at, bit = random.randrange(6), random.randrange(8)
            return replace(case, token=make_vectors.flipped(case.token, at, bit)), 0
        case 5:
            return replace(case, field=random.choice([case.field ^ 0x800 if case.field & 0x8000 else 2, case.field])), 0
        case 6:
            return case, random.choice(case.keyring.epochs)
    return case, 0


# --- Erasable tokens, bound fields, resealing -------------------------------------------------------------------------


def check_marked_tokens(world: World) -> None:
    for number in range(TOKENS):
        case = new_sealed(world)
        for step in (token_from_rust, token_to_rust, resealed_by_rust):
            world.tally.attempt("marked tokens", f"{step.__name__} {number}", lambda: step(world, case))
    for cells in check_vectors.rows("tokens-fail"):
        form, tenant, kind, subject, name, record, secret, token, verdict, why = cells
        known = OwnerRecord(secret=unhex(secret)) if secret != "-" else None
        given = (form, tenant, kind, subject, row_of(known), fields.code_of(name), token, record, 0)

        def compare() -> None:
            world.tally.equal("marked tokens", world.rust.ask("open-as", *given), verdict, why)

        world.tally.attempt("marked tokens", why, compare)


def token_from_rust(world: World, case: Sealed) -> None:
    erasable = Token.parse(case.token).erasable
    given = (*who(case.owner), row_of(case.known), case.field, case.value, case.record, int(erasable))
    raw, left = world.rust.ask("seal-as", case.keyring.to_bytes(), *given).split()
    made = replace(case, token=unhex(raw), known=record_in(left))
    world.tally.equal("marked tokens", made.opened(), case.value, "made by Rust")
    world.tally.equal("marked tokens", Token.parse(made.token).erasable, erasable, "made by Rust")
    if case.known is not None and case.known.secret:
        world.tally.equal("marked tokens", made.known, case.known, "the owner's record stays")


def token_to_rust(world: World, case: Sealed) -> None:
    for tried, floor in ((case, 0), spoiled(world, case)):
        given = (*who(tried.owner), row_of(tried.known), tried.field, tried.token, tried.record, floor)
        answer = world.rust.ask("open-as", tried.keyring.to_bytes(), *given)
        world.tally.equal("marked tokens", answer, answer_of(lambda: tried.opened(floor)), "made by Python")


def resealed_by_rust(world: World, case: Sealed) -> None:
    form, token = case.keyring.to_bytes(), Token.parse(case.token)
    given = (*who(case.owner), row_of(case.known), case.field, case.token, case.record)
    answer = world.rust.ask("rewrap", form, *given)
    if token.epoch == case.keyring.newest:
        world.tally.equal("resealed", answer, "denied", "not older")
    else:
        fresh = replace(case, token=unhex(answer))
        world.tally.equal("resealed", fresh.opened(floor=case.keyring.newest), case.value, "rewrap")
        world.tally.equal("resealed", fresh.token[:4], case.token[:4], "the header but for the epoch")
    new = other_of_tenant(world.random, case.owner)
    given = (*who(case.owner), row_of(case.known), new.kind, new.subject, b"", case.field, case.token, case.record)
    raw, left = world.rust.ask("reown", form, *given).split()
    moved = replace(case, owner=new, known=record_in(left), token=unhex(raw))
    world.tally.equal("resealed", moved.opened(floor=case.keyring.newest), case.value, "reown")
    world.tally.equal("resealed", moved.token[:4], case.token[:4], "the header but for the epoch")


# --- Grants -----------------------------------------------------------------------------------------------------------


def check_grants(world: World) -> None:
    for number in range(GRANTS):
        case = new_sealed(world)
        world.tally.attempt("grants", f"made by Rust {number}", lambda: grant_from_rust(world, case))
        world.tally.attempt("grants", f"made by Python {number}", lambda: grant_to_rust(world, case))
        world.tally.attempt("resealed", f"under a grant {number}", lambda: resealed_under_grant(world, case))


def new_terms(world: World, case: Sealed) -> grants.Terms:
    random = world.random
    purpose = random.choice([number for number in (*range(8), 32, 63) if number != grants.MESSAGE])
    codes = {case.field} | {generate.any_field(random) for _ in range(random.randint(0, 7))}
    record = case.record if random.randint(0, 1) else b""
    life = random.choice([1_000, 60_000, grants.LONGEST_LIFE])
    view = random.choice([grants.FULL, grants.MASKED])
    return grants.Terms(view, purpose, NOW, NOW + life, random.choice([0, 1, 5]), tuple(sorted(codes)), record)


def grant_from_rust(world: World, case: Sealed) -> None:
    grantee, terms = other_of_tenant(world.random, case.owner), new_terms(world, case)
    life, codes = terms.expiry - NOW, ",".join(map(str, terms.fields))
    given = (*who(case.owner), row_of(case.known), grantee.kind, grantee.subject, terms.view, terms.purpose)
    given = (case.keyring.to_bytes(), *given, NOW, life, terms.uses, codes, terms.record)
    if terms.record and not all(map(fields.is_bound, terms.fields)):
        world.tally.equal("grants", error_of(world, "grant", *given), TERMS, "a record, and a field that is not bound")
        terms, given = replace(terms, record=b""), (*given[:-1], b"")
    grantor, answer = case.owner, world.rust.ask("grant", *given)
    if world.random.randint(0, 1):
        answer, kind, subject = world.rust.ask("grant-for", *given).split()
        grantor = Principal(case.owner.tenant, int(kind), unhex(subject))
    raw = unhex(answer)
    grant = grants.verify(case.keyring, case.owner.tenant, raw)
    key = case.keyring.grant_key(grant.epoch, case.owner, grant.grant_epoch)
    expected = grants.Grant(
        case.owner.kind,
        case.owner.subject,
        case.keyring.tag_of(grantee),
        case.keyring.tag_of(grantor),
        terms.view,
        terms.purpose,
        case.keyring.newest,
        case.known.grant_epoch if case.known else 0,
        NOW,
        terms.expiry,
        terms.uses,
        terms.fields,
        grants.record_tag(key, terms.record) if terms.record else grants.NO_TAG,
        grant.id,
    )
    world.tally.equal("grants", grant, expected, "made by Rust")


def grant_to_rust(world: World, case: Sealed) -> None:
    """One thing wrong, or nothing."""
    random, grantee, terms = world.random, other_of_tenant(world.random, case.owner), new_terms(world, case)
    grant_epoch = case.known.grant_epoch if case.known else 0
    raw = grants.mint(case.keyring, case.owner, grantee, case.owner, terms, random.randbytes(16), grant_epoch)
    caller, now, used, revoked = grantee, NOW + random.choice([-2_000, 0, 999]), 0, False
    asked = grants.Asked(case.field, terms.purpose, terms.view, case.record)
    match random.randint(0, 13):
        case 0:
            caller = random.choice([case.owner, other_of_tenant(random, case.owner)])
        case 1:
            now = random.choice([NOW - 2_001, terms.expiry, terms.expiry - 1])
        case 2:
            used = random.choice([1, 4, 5])
        case 3:
            revoked = True
        case 4:
            case = replace(case, known=(case.known or OwnerRecord()).revoke_all())
        case 5:
            asked = replace(asked, purpose=random.choice([0, 1, 33]))
        case 6:
            asked = replace(asked, view=random.choice([grants.FULL, grants.MASKED]))
        case 7:
            raw = make_vectors.flipped(raw, random.randrange(len(raw)), random.randrange(8))
        case 8:
            case, _ = spoiled(world, case)
            asked = replace(asked, field=case.field, record=case.record)
    given = (*who(caller), raw, row_of(case.known), used, int(revoked), asked.purpose, asked.view, now)
    answer = world.rust.ask("open-under", case.keyring.to_bytes(), *given, asked.field, case.token, asked.record)
    expected = answer_of(lambda: opened_under(case, caller, raw, now, asked, used, revoked))
    if expected not in ("denied", "malformed"):
        uses = grants.Grant.parse(raw).uses
        count = le32(used + 1) if uses else le32(used) if used else b""
        expected += f" {count.hex() or '-'}"
    world.tally.equal("grants", answer, expected, "made by Python")


def opened_under(
    case: Sealed, caller: Principal, raw: bytes, now: int, asked: grants.Asked, used: int, revoked: bool
) -> bytes:
    Token.parse(case.token)
    denied = frozenset([grants.Grant.parse(raw).id]) if revoked else frozenset()
    known = grants.Registry(case.known.grant_epoch if case.known else 0, denied, used)
    owner = grants.accept(case.keyring, caller, raw, now, asked, known)
    value = replace(case, owner=owner).opened()
    return fields.mask(case.field, value).encode() if asked.view == grants.MASKED else value


def resealed_under_grant(world: World, case: Sealed) -> None:
    """For maintenance or transfer; one thing wrong, or nothing. The owner is the grant's, whoever the row says it is."""
    random, owner, caller, used = world.random, case.owner, other_of_tenant(world.random, case.owner), 0
    purpose = random.choice([grants.MAINTENANCE, grants.TRANSFER])
    record = case.record if random.randint(0, 1) else b""
    terms = grants.Terms(grants.RESEAL, purpose, NOW, NOW + 1_000, random.choice([1, 5]), (case.field,), record)
    grant_epoch = case.known.grant_epoch if case.known else 0
    raw = grants.mint(case.keyring, case.owner, caller, case.owner, terms, random.randbytes(16), grant_epoch)
    match random.randint(0, 7):
        case 0:
            caller = other_of_tenant(random, case.owner)
        case 1:
            used = random.choice([1, 4, 5])
        case 2:
            purpose = random.choice([grants.MAINTENANCE, grants.TRANSFER, grants.LEGAL])
        case 3:
            case, _ = spoiled(world, case)
    asked = grants.Asked(case.field, purpose, grants.RESEAL, case.record)
    given = (*who(caller), raw, row_of(case.known), used, purpose, NOW, asked.field, case.token, asked.record)
    answer = world.rust.ask("reseal-under", case.keyring.to_bytes(), *given)
    expected = answer_of(lambda: opened_under(case, caller, raw, NOW, asked, used, False))
    if expected not in ("denied", "malformed") and purpose == grants.MAINTENANCE:
        expected = expected if Token.parse(case.token).epoch < case.keyring.newest else "denied"
    if expected in ("denied", "malformed") or answer in ("denied", "malformed"):
        world.tally.equal("resealed", answer, expected, f"under a grant, purpose {purpose}")
        return
    token, count, left = answer.split()
    fresh = replace(case, owner=owner, token=unhex(token))
    if purpose == grants.TRANSFER:
        fresh = replace(fresh, owner=caller, known=record_in(left))
    world.tally.equal("resealed", fresh.opened(floor=case.keyring.newest), unhex(expected), "under a grant")
    world.tally.equal("resealed", fresh.token[:4], case.token[:4], "the header but for the epoch")
    world.tally.equal("resealed", unhex(count), le32(used + 1), "uses")


# --- Addresses, erasure, indexes --------------------------------------------------------------------------------------


def check_addresses(world: World) -> None:
    for number in range(ADDRESSES):
        world.tally.attempt("addresses", f"{number}", lambda: addresses_of_one(world))


def addresses_of_one(world: World) -> None:
    random, keyring, owner = world.random, world.some_keyring(), world.some_principal()
    old_ring, form = Keyring(keyring.k_tag, keyring.roots[:1]), keyring.to_bytes()
    email, phone = (random.randbytes(random.choice([1, 20, 107, 108, 320])) for _ in range(2))
    known = registry.confirm(old_ring, owner, OwnerRecord(secret=random.randbytes(32)), 4, email)
    for field, address in ((3, phone), (4, phone), (4, b"")):
        answer = world.rust.ask("confirm", form, *who(owner), row_of(known), field, address)
        world.tally.equal("addresses", record_in(answer), registry.confirm(keyring, owner, known, field, address))
    check_fifth_address(world, keyring, owner, known)
    for field, address in ((4, email), (4, email[:319] + b"\0"), (3, email), (4, random.randbytes(20))):
        answer = world.rust.ask("deliver", form, *who(owner), row_of(known), field, address)
        expected = answer_of(lambda: registry.deliver(keyring, owner, known, field, address).to_bytes())
        world.tally.equal("addresses", answer, expected, "delivery")
    answer = world.rust.ask("erase", form, *who(owner), row_of(known))
    world.tally.equal("addresses", record_in(answer), known.erase(), "erased")


def check_fifth_address(world: World, keyring: Keyring, owner: Principal, known: OwnerRecord) -> None:
    """Four fields, another address of one of them, a fifth field; and an owner who was erased, for good."""
    form, address = keyring.to_bytes(), world.random.randbytes(9)
    for field in (2, 3, 0x8001, 3):
        answer = world.rust.ask("confirm", form, *who(owner), row_of(known), field, address)
        known = registry.confirm(keyring, owner, known, field, address)
        world.tally.equal("addresses", record_in(answer), known, f"{len(known.addresses)} fields")
    answer = world.rust.ask("confirm", form, *who(owner), row_of(known), 1, address)
    world.tally.equal("addresses", answer, "denied", "a fifth field")
    for command, given in (("confirm", (4, address)), ("deliver", (4, address)), ("erase", ())):
        answer = world.rust.ask(command, form, *who(owner), row_of(known.erase()), *given)
        world.tally.equal("addresses", answer, "denied", f"{command} after erasure")


def check_indexes(world: World) -> None:
    for number in range(INDEXES):
        world.tally.attempt("indexes", f"{number}", lambda: index_of_one(world))


def index_of_one(world: World) -> None:
    random, keyring = world.random, world.some_keyring()
    field = random.choice([generate.any_field, generate.bound_field])(random)
    name, normalised = random.randbytes(random.choice([1, 9, 64])), random.randbytes(random.choice([1, 17, 110, 1022]))
    asked = (world.some_principal().tenant, field, name, random.randrange(65536), normalised)
    expected = registry.look_up(keyring, *asked)
    world.tally.equal("indexes", unhex(world.rust.ask("index", keyring.to_bytes(), *asked)), expected[0])
    answer = world.rust.ask("look-up", keyring.to_bytes(), *asked)
    world.tally.equal("indexes", check_vectors.split_list(answer), expected)


STEPS = (check_marked_tokens, check_grants, check_addresses, check_indexes)
