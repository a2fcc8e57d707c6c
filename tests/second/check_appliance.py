"""Checks of the appliance's frames, messages, roles, wrapped keyrings and records (SPEC.md section 17)."""

from __future__ import annotations

import appliance
from cases import split_list, unhex, verdict_of
from symbolon import Keyring
from tally import Tally


def check_frame(tally: Tally, family: str, cells: list[str]) -> None:
    verdict, id_, *rest = cells
    if verdict == "ok":
        message, frame = map(unhex, rest)
        tally.equal(family, appliance.seal_frame(int(id_), message), frame)
        tally.equal(family, appliance.open_frame(frame), (int(id_), message))
        tally.equal(family, frame.index(0), len(frame) - 1, "one zero, at its end")
        return
    frame, why = unhex(rest[0]), rest[1]
    try:
        found: object = appliance.open_frame(frame)
    except appliance.Fault as fault:
        found = (fault.name, fault.id)
    tally.equal(family, found, (verdict, int(id_)), why)
    tally.equal(family, frame.index(0), len(frame) - 1, f"{why}: one zero, at its end")


def value_of(type_: appliance.Type, cell: str) -> object:
    if type_ in (appliance.U8, appliance.U16, appliance.U32, appliance.U64, appliance.ROLE):
        return int(cell)
    if type_ is appliance.BOOL:
        return cell == "1"
    if type_ is appliance.OPTION_U64:
        return None if cell == "none" else int(cell)
    return unhex(cell).decode() if type_ is appliance.STR else unhex(cell)


def check_message(tally: Tally, family: str, cells: list[str]) -> None:
    verdict, which, *rest = cells
    variants = appliance.LISTS[which]
    if verdict == "malformed":
        message, why = rest
        tally.equal(family, verdict_of(lambda: appliance.read(variants, unhex(message))), "malformed", why)
        return
    name, shown, message = rest
    types, parts = variants[name], shown.split(",") if variants[name] else []
    values = tuple(value_of(type_, part) for type_, part in zip(types, parts, strict=True))
    tally.equal(family, appliance.read(variants, unhex(message)), (name, values))
    tally.equal(family, appliance.write(variants, name, *values), unhex(message))
    if types:
        found = verdict_of(lambda: appliance.read(variants, unhex(message)[:-1]))
        tally.equal(family, found, "malformed", f"{name}: a byte less")


def check_role(tally: Tally, family: str, cells: list[str]) -> None:
    key, role_, challenge, nonce, mac = unhex(cells[0]), int(cells[1]), *map(unhex, cells[2:5])
    tally.check(family, appliance.verifies(key, role_, challenge, nonce, mac), "MAC")
    for other in {0, 1, 2} - {role_}:
        tally.check(family, not appliance.verifies(key, other, challenge, nonce, mac), "another role's MAC")
    client, device = (appliance.Channel.open(key, role_, challenge, nonce) for _ in range(2))
    for act, sealed, answer, sealed_answer in zip(*map(split_list, cells[5:]), strict=True):
        tally.equal(family, client.seal_act(act), sealed)
        for wrong in (sealed_answer, sealed[:-1], sealed + b"\0", b"", sealed[:15]):
            tally.equal(family, device.open_act(wrong), None, "no act")
        tally.equal(family, device.open_act(sealed), act)
        tally.equal(family, device.seal_answer(answer), sealed_answer)
        tally.equal(family, device.open_act(sealed), None, "the act a second time")
        tally.equal(family, client.open_answer(sealed_answer), answer)
        tally.equal(family, client.open_answer(sealed_answer), None, "the answer a second time")


def unwrapped(transport: bytes, wrapped: bytes) -> object:
    try:
        return appliance.unwrap(transport, wrapped)
    except appliance.Fault as fault:
        return fault.name


def check_wrapped(tally: Tally, family: str, cells: list[str]) -> None:
    if cells[0] != "ok":
        expected, transport, wrapped, why = cells
        tally.equal(family, unwrapped(unhex(transport), unhex(wrapped)), expected, why)
        return
    transport, salt, form, wrapped = map(unhex, cells[1:])
    keyring = Keyring.from_bytes(form)
    tally.equal(family, appliance.wrap(transport, salt, keyring), wrapped)
    tally.equal(family, unwrapped(transport, wrapped), keyring)


def check_kept(tally: Tally, family: str, cells: list[str]) -> None:
    kind, *rest = cells
    if kind == "record":
        device, name, salt, instance, value, record = map(unhex, rest)
        tally.equal(family, appliance.seal_record(device, name, salt, value, instance), record)
        tally.equal(family, appliance.open_record(device, name, record, instance), value)
    elif kind == "settings":
        locked, node, life, *forms = rest
        instance, audience, form = map(unhex, forms)
        settings = appliance.Settings(locked == "1", int(node), int(life), instance, audience)
        tally.equal(family, settings.to_bytes(), form)
        tally.equal(family, appliance.Settings.from_bytes(form), settings)
    elif kind == "keyring":
        form, pieces = unhex(rest[0]), split_list(rest[1])
        tally.equal(family, appliance.pieces(Keyring.from_bytes(form)), pieces)
        tally.equal(family, b"".join(pieces), form)
    else:
        device, name, instance, record = map(unhex, rest[:4])
        try:
            found: object = appliance.open_record(device, name, record, instance)
        except appliance.Fault as fault:
            found = fault.name
        tally.equal(family, found, "unhealthy", rest[4])


def check_forms(tally: Tally) -> None:
    """What no vector file has: CRC-32's known answer, room, frames without an end, other settings, lists of items."""
    tally.equal("own", appliance.check_of(b"123456789"), bytes.fromhex("2639f4cb"), "CRC-32")
    for coded, decoded in (("01", ""), ("0101", "00"), ("0211", "11"), ("02110222", "110022"), ("010101", "0000")):
        tally.equal("own", appliance.uncobs(bytes.fromhex(coded)), bytes.fromhex(decoded), coded)
        tally.equal("own", appliance.cobs(bytes.fromhex(decoded)), bytes.fromhex(coded), coded)
    full = b"\x7f" * 254
    tally.equal("own", appliance.cobs(full), b"\xff" + full + b"\1", "a full block")
    tally.equal("own", appliance.uncobs(b"\xff" + full), full, "without the empty block behind it")
    frame = appliance.seal_frame(7, bytes(100))
    room = len(frame) - 1
    tally.equal("own", appliance.open_frame(frame, room), (7, bytes(100)), "as long as there is room")
    tally.equal("own", fault_of(lambda: appliance.open_frame(frame, room - 1)), ("too long", 0))
    tally.equal("own", appliance.open_frame(frame[:-1]), (7, bytes(100)), "without its 00")
    good = appliance.Settings(True, 7, 900_000, bytes(16), b"a").to_bytes()
    for form in (b"", good[:-1], b"\2" + good[1:], good + bytes(64)):
        tally.equal("own", fault_of(lambda: appliance.Settings.from_bytes(form)), ("unhealthy", 0), form.hex())
    for content in (b"", b"\1", b"\1\0", b"\1\0\1", b"\1\0\0" * 3 + b"\1"):
        found = verdict_of(lambda: appliance.read_several(appliance.ASKED, content))
        tally.equal("own", found, "malformed", f"items {content.hex()}")
    tally.equal("own", appliance.read_several(appliance.ASKED, b"\1\0\0" * 3), [(1, b"", b"")] * 3, "items")


def fault_of(step: object) -> object:
    try:
        return step()
    except appliance.Fault as fault:
        return fault.name, fault.id


CHECKS = {
    "appliance-frames": check_frame,
    "appliance-messages": check_message,
    "appliance-roles": check_role,
    "appliance-wrapped": check_wrapped,
    "appliance-kept": check_kept,
}
OWN = (check_forms,)
