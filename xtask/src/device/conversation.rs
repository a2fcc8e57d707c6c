//! A conversation with the firmware: what it must do, and what may be done to it.

use std::path::Path;
use std::thread;
use std::time::Duration;

use getrandom::SysRng;
use symbolon::appliance::{Fault, Role, RoleKey, SELF_TEST};
use symbolon::{Credential, Field, Item, Principal, Purposes, Rights, SessionKey, TokenBuf, TrailReader};
use symbolon_device::{Device, Error, Initial, Issue, OWN, Value};

use super::damage;
use super::emulated::{Chip, Emulated};
use crate::Outcome;

/// Holds it, on a new chip.
pub(crate) fn hold(image: &Path, folder: &Path) -> Outcome {
    let chip = Chip::in_folder(folder)?;
    let board = Emulated::start_anywhere(image, &chip)?;
    let mut shop = Shop::set_up(board.connect()?)?;
    shop.values_are_their_owners()?;
    println!("    a value opens for its owner, sealed, and for nobody else");
    shop.a_full_trail_stops_it()?;
    println!("    a full trail stops it, and it goes on when the auditor has the entries");
    let mut shop = shop.through(|| {
        damage::frames(&board)?;
        damage::disconnects(&board)?;
        println!(
            "    damaged, cut, overlong and random frames are answered with faults, and a line that is cut is survived"
        );
        board.connect()
    })?;
    shop.guess(Role::Issuer, 7)?;
    let mut board = Some(board);
    for round in 0..POWER_CUTS {
        let attempts = 6 - round;
        shop = shop.through(|| {
            // What QEMU was told to write is on its way to the file.
            thread::sleep(Duration::from_millis(300));
            board.take().map_or(Ok(()), Emulated::cut_power)?;
            board.insert(Emulated::start_anywhere(image, &chip)?).connect()
        })?;
        shop.knows_what_it_knew(attempts + 1)?;
        shop.guess(Role::Issuer, attempts)?;
    }
    println!("    {POWER_CUTS} times without power: roots, tokens, trail and counted attempts are what they were");
    shop.ends_blank()
}

/// An appliance at work, and its people.
struct Shop {
    device: Device,
    reader: TrailReader,
    /// What was fetched so far.
    entries: u64,
    alice: Caller,
    bob: Caller,
    tokens: Vec<TokenBuf>,
}

/// Who has a session.
struct Caller {
    credential: Credential,
    key: SessionKey,
}

impl Shop {
    /// From blank to at work.
    fn set_up(mut device: Device) -> Outcome<Self> {
        let status = device.status()?;
        expect("a new appliance's stage", status.stage, 0)?;
        expect("its self-test", device.self_test()?, SELF_TEST)?;
        let [officer, issuer, auditor, transport] = KEYS;
        let initial = Initial {
            officer: &officer,
            issuer: &issuer,
            auditor: &auditor,
            transport: &transport,
            audience: b"shop-device",
            node: 3,
            max_life: LIFE,
        };
        device.officer(&RoleKey::BLANK)?.initialise(&initial)?;
        expect("the epoch of its first roots", device.officer(&officer)?.generate()?, 1)?;
        let reader = device.auditor(&auditor)?.audit_key()?.reader();
        device.auditor(&auditor)?.confirm_audit_key()?;
        let alice = Caller::issue(&mut device, &person("alice")?, Rights::OWN)?;
        let bob = Caller::issue(&mut device, &person("bob")?, Rights::OWN)?;
        let mut shop = Self { device, reader, entries: 0, alice, bob, tokens: Vec::new() };
        shop.fetch_trail()?;
        Ok(shop)
    }

    /// The same shop over a line that is opened anew by `between`, while nobody talks.
    fn through(self, between: impl FnOnce() -> Outcome<Device>) -> Outcome<Self> {
        let Self { device, reader, entries, alice, bob, tokens } = self;
        drop(device);
        Ok(Self { device: between()?, reader, entries, alice, bob, tokens })
    }

    fn values_are_their_owners(&mut self) -> Outcome {
        let writer = Principal::service(TENANT, "shop")?;
        let writer = Caller::issue(&mut self.device, &writer, Rights::TOKENIZE)?;
        let values: Vec<_> = VALUES.iter().map(|(field, value)| Value::of(*field, value.as_bytes())).collect();
        let mut session = self.device.in_session(&writer.credential, &writer.key);
        self.tokens = session.tokenize(&person("alice")?, false, &values)?;
        expect("tokens", self.tokens.len(), VALUES.len())?;
        self.fetch_trail()?;
        let [alices, bobs] = [self.alices_view()?, self.bobs_view()?];
        expect("what Alice sees", alices, VALUES.iter().map(|(_, value)| Some((*value).to_owned())).collect())?;
        expect("what Bob sees", bobs, vec![None; VALUES.len()])?;
        let items = items(&self.tokens);
        let first = *items.first().ok_or("no token")?;
        let refused = self.device.in_session(&writer.credential, &writer.key).detokenize(&OWN, &first);
        expect("what the shop sees", fault_of(refused.map(drop))?, Fault::Denied)
    }

    fn alices_view(&mut self) -> Outcome<Vec<Option<String>>> {
        let shown = view(&mut self.device, &self.alice, &self.tokens)?;
        self.fetch_trail()?;
        Ok(shown)
    }

    fn bobs_view(&mut self) -> Outcome<Vec<Option<String>>> {
        let shown = view(&mut self.device, &self.bob, &self.tokens)?;
        self.fetch_trail()?;
        Ok(shown)
    }

    /// Nothing opens that can't be recorded.
    fn a_full_trail_stops_it(&mut self) -> Outcome {
        let room = self.device.status()?.room;
        for round in 0.. {
            match view(&mut self.device, &self.alice, &self.tokens) {
                Ok(_) if round < room => {}
                Ok(_) => return Err("the trail has more room than the status says".into()),
                Err(error) if error.to_string().contains(&Fault::Unavailable.to_string()) => break,
                Err(error) => return Err(error),
            }
        }
        let fetched = self.fetch_trail()?;
        if fetched + 8 < u64::from(room) {
            return Err(format!("the trail was full with {fetched} entries, where it had room for {room}").into());
        }
        self.alices_view().map(drop)
    }

    /// Fetches, reads and acknowledges what the trail has: how many entries it was. The reader refuses a gap between two of them that a start
    /// does not tell of.
    fn fetch_trail(&mut self) -> Outcome<u64> {
        let [_, _, key, _] = KEYS;
        let mut auditor = self.device.auditor(&key)?;
        let before = self.entries;
        loop {
            let entries = auditor.read()?;
            let Some(last) = entries.last().map(symbolon::SealedEntry::sequence) else {
                return Ok(self.entries - before);
            };
            for entry in &entries {
                self.reader.read(entry).map_err(|error| format!("entry {}: {error}", entry.sequence()))?;
                self.entries += 1;
            }
            auditor.acknowledge(last)?;
        }
    }

    /// Tries a wrong key: so many attempts are left then.
    fn guess(&mut self, role: Role, left: u8) -> Outcome {
        let guessed = match role {
            Role::Issuer => self.device.issuer(&WRONG).map(drop),
            Role::Officer => self.device.officer(&WRONG).map(drop),
            Role::Auditor => self.device.auditor(&WRONG).map(drop),
        };
        expect("a wrong key", fault_of(guessed)?, Fault::Denied)?;
        let attempts = self.device.status()?.attempts;
        expect("attempts left", attempts.get(usize::from(role.code())).copied(), Some(left))
    }

    fn knows_what_it_knew(&mut self, attempts: u8) -> Outcome {
        let status = self.device.status()?;
        expect("healthy", status.healthy, true)?;
        expect("node and epoch", (status.node, status.epoch), (3, 1))?;
        expect("the issuer's attempts", status.attempts[1], attempts)?;
        expect("what Alice sees", self.alices_view()?.first().cloned().flatten().as_deref(), Some(VALUES[0].1))?;
        expect("what Bob sees", self.bobs_view()?, vec![None; VALUES.len()])
    }

    /// Zeroised, it keeps nothing.
    fn ends_blank(mut self) -> Outcome {
        let [officer, ..] = KEYS;
        self.device.officer(&officer)?.lock()?;
        expect("a backup when locked", fault_of(self.device.officer(&officer)?.backup().map(drop))?, Fault::Stage)?;
        self.device.officer(&officer)?.zeroise()?;
        let status = self.device.status()?;
        expect(
            "stage, lock and health of a zeroised one",
            (status.stage, status.locked, status.healthy),
            (0, false, true),
        )?;
        let opened = view(&mut self.device, &self.alice, &self.tokens);
        if opened.is_ok() { Err("a token opened after zeroising".into()) } else { Ok(()) }
    }
}

impl Caller {
    fn issue(device: &mut Device, who: &Principal, rights: Rights) -> Outcome<Self> {
        let key = SessionKey::generate(&mut SysRng)?;
        let [_, issuer, ..] = KEYS;
        let issue = Issue { who, rights, purposes: Purposes::OWN_USE, life: LIFE };
        Ok(Self { credential: device.issuer(&issuer)?.issue(&issue, &key)?, key })
    }
}

/// What somebody sees of these tokens.
fn view(device: &mut Device, caller: &Caller, tokens: &[TokenBuf]) -> Outcome<Vec<Option<String>>> {
    let values = device.in_session(&caller.credential, &caller.key).reveal(&OWN, &items(tokens))?;
    let text =
        |value: Option<zeroize::Zeroizing<Vec<u8>>>| value.map(|value| String::from_utf8_lossy(&value).into_owned());
    Ok(values.into_iter().map(text).collect())
}

fn items(tokens: &[TokenBuf]) -> Vec<Item<'_>> {
    tokens.iter().map(|token| Item::of(token.as_token())).collect()
}

fn person(name: &str) -> Outcome<Principal> {
    Ok(Principal::person(TENANT, name)?)
}

fn fault_of(refused: Result<(), Error>) -> Outcome<Fault> {
    match refused {
        Ok(()) => Err("it was not refused".into()),
        Err(error) => error.fault().ok_or_else(|| error.into()),
    }
}

/// Compares.
pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, not {expected:?}").into()) }
}

const TENANT: &str = "shop-17";
/// Of officer, issuer and auditor, and for transport.
const KEYS: [[u8; 32]; 4] = [[1; 32], [2; 32], [3; 32], [4; 32]];
const WRONG: [u8; 32] = [9; 32];
/// More than fit into one reveal of a small device.
const VALUES: [(Field, &str); 9] = [
    (Field::PERSON_NAME, "山田 花子"),
    (Field::EMAIL, "alice@example.com"),
    (Field::PHONE, "+81300000001"),
    (Field::POSTAL_ADDRESS, "〒000-0000 東京都葛飾区青戸九百九十九丁目 999-9999"),
    (Field::CARD_NUMBER, "4242424242424242"),
    (Field::CARD_EXPIRY, "12/31"),
    (Field::PERSON_NAME, "Alice B."),
    (Field::EMAIL, "alice@example.net"),
    (Field::PHONE, "+81300000002"),
];
const LIFE: u64 = 3_600_000;
const POWER_CUTS: u8 = 3;
