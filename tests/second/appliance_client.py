"""A client of the appliance that `examples/appliance_line.rs` runs: its line, its roles, its sessions (section 17)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from random import Random

import appliance
import sessions
from appliance import Channel
from sessions import Credential
from symbolon import Principal
from tally import Tally

FAMILY = "appliance"
BEGIN = 1_800_000_000_000
STEP = 200
"""By so many milliseconds the appliance's clock goes on with each frame; its first reading is of its start."""

Answer = tuple[str, tuple[object, ...]]


def fault(name: str) -> Answer:
    return "Fault", (appliance.NUMBERS[name],)


DENIED = fault("denied")
DONE: Answer = ("Done", ())


def shown(answer: Answer) -> str:
    name, values = answer
    return f"fault: {appliance.FAULTS.get(values[0], values[0])}" if name == "Fault" else f"{name} {values!r}"[:200]


class Line:
    """The process, a frame at a time."""

    def __init__(self, tally: Tally, seed: int, device: bytes, power: int = 0) -> None:
        self.tally, self.random, self.device = tally, Random(seed), device
        self.id, self.frames = 0xFF00, 0
        given = [str(seed), str(BEGIN), str(STEP), device.hex(), str(power)]
        command = ["cargo", "run", "--quiet", "--features", "appliance", "--example", "appliance_line", "--", *given]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.communicate(timeout=10)

    def end(self) -> tuple[dict[bytes, bytes], list[bytes]]:
        """What the store holds at the end: records by table and id, entries."""
        _, dump = self.process.communicate(timeout=10)
        records, entries = {}, []
        for line in dump.decode().splitlines():
            kind, *cells = line.split()
            if kind == "record":
                table, id_, value = cells
                records[bytes([int(table)]) + bytes.fromhex(id_)] = b"" if value == "-" else bytes.fromhex(value)
            elif kind == "entry":
                entries.append(bytes.fromhex(cells[0]))
        return records, entries

    @property
    def now(self) -> int:
        """As the appliance reads its clock when it answers the next frame."""
        return BEGIN + STEP * (self.frames + 1)

    def raw(self, frame: bytes) -> tuple[int, Answer]:
        """One frame there and one back: the id and the response."""
        self.process.stdin.write(frame)
        self.process.stdin.flush()
        self.frames += 1
        answer = bytearray()
        while not answer.endswith(b"\0"):
            byte = self.process.stdout.read(1)
            if not byte:
                raise RuntimeError(f"no answer: {self.process.stderr.read().decode()[-600:]}")
            answer += byte
        id_, message = appliance.open_frame(bytes(answer))
        return id_, appliance.read(appliance.RESPONSES, message)

    def message(self, message: bytes) -> Answer:
        self.id = (self.id + 1) & 0xFFFF
        id_, answer = self.raw(appliance.seal_frame(self.id, message))
        self.tally.equal(FAMILY, id_, self.id, "the answer's id")
        return answer

    def ask(self, name: str, *values: object) -> Answer:
        return self.message(appliance.write(appliance.REQUESTS, name, *values))

    def expect(self, answer: Answer, expected: Answer, detail: str) -> Answer:
        self.tally.check(FAMILY, answer == expected, f"{detail}: found {shown(answer)}, expected {shown(expected)}")
        return answer

    def status(self) -> dict[str, object]:
        name, values = self.ask("Status")
        if name != "Status":
            raise RuntimeError(f"status: {shown((name, values))}")
        names = ("stage", "locked", "stopped", "healthy", "time", "node", "epoch", "room", "next", "alarms")
        return dict(zip((*names, "attempts", "longest", "items"), values, strict=True))

    def challenge(self) -> bytes:
        name, values = self.ask("Challenge")
        self.tally.equal(FAMILY, name, "Challenge")
        return values[0]


@dataclass
class Role:
    """A role's log-ins, and the channel that the last of them opened."""

    line: Line
    role: int
    key: bytes
    channel: Channel | None = None

    def log_in(self, mac: bytes | None = None) -> Answer:
        challenge, nonce = self.line.challenge(), self.line.random.randbytes(16)
        right = appliance.log_in_mac(self.key, self.role, challenge, nonce)
        answer = self.line.ask("LogIn", self.role, nonce, right if mac is None else mac)
        if answer[0] != "Fault":
            self.channel = Channel.open(self.key, self.role, challenge, nonce)
        return answer

    def logged_in(self) -> Role:
        self.line.expect(self.log_in(), DONE, f"log-in of the {appliance.ROLES[self.role]}")
        return self

    def message(self, message: bytes) -> Answer:
        """A sealed act; a fault that comes without the channel is answered as it is."""
        name, values = self.line.ask("Act", self.channel.seal_act(message))
        if name != "Act":
            return name, values
        answer = self.channel.open_answer(values[0])
        if answer is None:
            raise RuntimeError("an answer that does not open")
        return appliance.read(appliance.RESPONSES, answer)

    def act(self, name: str, *values: object) -> Answer:
        return self.message(appliance.write(appliance.ROLE_ACTS[self.role], name, *values))

    def bytes_of(self, name: str, *values: object) -> bytes:
        kind, found = self.act(name, *values)
        if kind != "Bytes":
            raise RuntimeError(f"{name}: {shown((kind, found))}")
        return found[0]


@dataclass
class Caller:
    """A principal with a credential."""

    line: Line
    who: Principal
    credential: Credential
    session_key: bytes
    nonces: list[bytes] = field(default_factory=list)

    @property
    def k_s(self) -> bytes:
        return self.credential.bound_key(self.session_key)

    def prove(self, parts: list[bytes], time: int | None = None) -> bytes:
        self.nonces.append(self.line.random.randbytes(16))
        return sessions.prove(self.k_s, self.nonces[-1], self.line.now if time is None else time, parts)

    def message(self, act: bytes, challenged: bool = True) -> Answer:
        """With a challenge, unless told otherwise: the replay window has few places, and this clock goes slowly."""
        challenge = self.line.challenge() if challenged else None
        proof = self.prove(appliance.context(act, challenge))
        return self.line.ask("InSession", self.credential.raw, proof, challenged, act)

    def act(self, name: str, *values: object, challenged: bool = True) -> Answer:
        return self.message(appliance.write(appliance.SESSION_ACTS, name, *values), challenged)

    def bytes_of(self, name: str, *values: object, challenged: bool = True) -> bytes:
        kind, found = self.act(name, *values, challenged=challenged)
        if kind != "Bytes":
            raise RuntimeError(f"{name}: {shown((kind, found))}")
        return found[0]

    @property
    def named(self) -> tuple[int, bytes]:
        """As `who` is written."""
        return self.who.kind, self.who.subject

    def tokenize(self, owner: Principal, erasable: bool, items: list[tuple[int, bytes, bytes]]) -> list[bytes]:
        """Tokens, cut apart by the lengths that their headers tell."""
        tokens = self.bytes_of("Tokenize", owner.kind, owner.subject, erasable, written(items))
        found = []
        while tokens:
            length = 54 + (32 << (tokens[1] & 0x0F))
            found.append(tokens[:length])
            tokens = tokens[length:]
        return found

    def reveal(
        self, opening: tuple[object, ...], asked: list[tuple[int, bytes, bytes]]
    ) -> list[tuple[bytes, bytes | None]]:
        reply = self.bytes_of("Reveal", *opening, written(asked))
        items = [(code, token) for code, _, token in asked]
        return sessions.open_answers(self.k_s, self.nonces[-1], items, reply)


def written(items: list[tuple[int, bytes, bytes]]) -> bytes:
    """`sealing`s or `asked`s, one behind the other."""
    return b"".join(appliance.write_fields(appliance.ASKED, item) for item in items)


def opening(
    purpose: int = 0, masked: bool = False, grant: bytes = b"", address: tuple[int, bytes] = (0, b"")
) -> tuple[object, ...]:
    return purpose, masked, grant, *address
