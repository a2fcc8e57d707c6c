//! The vector files against the public API: what must open opens, what must fail fails, and sealing gives the same bytes. What is not
//! public (the PRF, the key schedule, the reveal's inside) is checked against its files in `src/`. A missing file fails; none is ever remade by a test.

mod common;

use std::{cell::Cell, rc::Rc};

use common::TestRng;
use rand_core::{TryCryptoRng, TryRng};
use symbolon::{
    AuditKey, Batch, CheckedRng, Checkpoint, Config, Credential, Error, Field, Host, Issuer, Keyring, Kind,
    MemoryStore, Parts, Principal, Proof, Purposes, Record, RecordKey, Rights, ScannerKey, SealedEntry, SessionKey,
    Slot, Store, StoreError, Table, Terms, Time, Token, TrailReader, Vault,
};

/// Gives the same bytes at every call: what a vector says.
struct Fixed(Vec<u8>);

impl TryRng for Fixed {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("only bytes are asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("only bytes are asked for")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

fn cases(file: &str) -> Vec<Vec<String>> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cases: Vec<Vec<String>> =
        lines.map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect()).collect();
    assert!(!cases.is_empty(), "{file} has no cases");
    cases
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.trim_start_matches('-');
    assert!(digits.len().is_multiple_of(2), "{text}");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn principal(tenant: &str, kind: &str, subject: &str) -> Principal {
    let kind = match kind {
        "1" => Kind::Person,
        "2" => Kind::Staff,
        "3" => Kind::Service,
        _ => panic!("{kind}"),
    };
    Principal::new(&hex(tenant), kind, &hex(subject)).unwrap()
}

type Clock = Rc<Cell<Time>>;
type VectorHost = Host<Parts<Box<dyn FnMut() -> Option<Time>>, TestRng, Planted>, 16, 8>;

/// A store with one owner's secret in it, as SPEC.md section 13 draws the record.
#[derive(Clone)]
struct Planted {
    memory: MemoryStore<64, 8>,
    owner: Option<([u8; 16], Vec<u8>)>,
}

impl Store for Planted {
    fn room(&self) -> usize {
        self.memory.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.memory.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        match &self.owner {
            Some((tag, value)) if *key == (RecordKey { table: Table::Owner, id: *tag }) => {
                out[..value.len()].copy_from_slice(value);
                Ok(Some(value.len()))
            }
            _ => self.memory.get(key, out),
        }
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.memory.commit(batch)
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.memory.entries(sink)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.memory.last_entry()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.memory.acknowledge(sequence)
    }
}

/// A vault whose window began at `start`, with the clock at `now`; a start of 0 is the first life of the trail.
fn vault(keyring: &str, audience: &[u8], start: Time, now: Time) -> (Vault, VectorHost) {
    let vault = Vault::new(Keyring::read_secret(&hex(keyring)).unwrap(), &Config::new(audience)).unwrap();
    let mut store = Planted { memory: MemoryStore::new(), owner: None };
    AuditKey::create(&vault, &mut store, &mut TestRng(5)).unwrap();
    let clock: Clock = Rc::new(Cell::new(start));
    let open = |store: Planted| {
        let clock = clock.clone();
        let clock = Box::new(move || Some(clock.get())) as Box<dyn FnMut() -> Option<Time>>;
        Host::open(&vault, Parts { clock, rng: TestRng(6), store }).unwrap()
    };
    let mut host: VectorHost = open(store);
    if start != Time::default() {
        // Its second life: from then on it is careful about what the first may have accepted.
        let store = host.environment().store.clone();
        host = open(store);
    }
    clock.set(now);
    (vault, host)
}

/// A slot as the columns field and record say it.
fn slot<'r>(field: &str, record: &'r [u8]) -> Result<Slot<'r>, Error> {
    let field = Field::from_name(field).unwrap();
    if record.is_empty() { Ok(field.into()) } else { Slot::in_record(field, record) }
}

/// Puts the owner's secret where the store has it.
fn plant(vault: &Vault, host: &mut VectorHost, owner: &Principal, secret: &str) {
    let secret = hex(secret);
    if !secret.is_empty() {
        let value = [&[1, 2, 0, 0, 0, 0], secret.as_slice()].concat();
        host.environment().store.owner = Some((vault.owner_tag(owner), value));
    }
}

/// Opens a token as a principal, by a bearer credential.
fn open(keyring: &str, who: &Principal, slot: Slot<'_>, secret: &str, token: &Token<'_>) -> Result<Vec<u8>, Error> {
    let now = Time::from_secs(1_800_000_000);
    let (vault, mut host) = vault(keyring, b"vectors", Time::default(), now);
    plant(&vault, &mut host, who, secret);
    let key = SessionKey::generate(&mut TestRng(8)).unwrap();
    let terms = Terms { proof_required: false, ..Terms::default() };
    let issuer = vault.issuer(who.tenant(), who.kind(), now.period()).unwrap();
    let credential = issuer.issue(who, &key, &terms, now, &mut TestRng(9)).unwrap();
    let session = vault.authenticate_bearer(&credential, &mut host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    session.detokenize(slot, token, &mut work, &mut host).map(|value| value.expose().to_vec())
}

#[test]
fn tokens_that_open() {
    let (mut sealed, mut erasable, mut bound) = (0, 0, 0);
    for case in cases("tokens.txt") {
        let [keyring, tenant, kind, subject, field, epoch, random, value, token, record, secret] = &case[..] else {
            panic!("{case:?}")
        };
        let (who, record) = (principal(tenant, kind, subject), hex(record));
        let slot = slot(field, &record).unwrap();
        let (value, token) = (hex(value), hex(token));
        let read = Token::from_bytes(&token).unwrap();
        assert_eq!((read.field(), read.epoch()), (slot.field(), epoch.parse().unwrap()));
        assert_eq!(open(keyring, &who, slot, secret, &read).unwrap(), value, "{case:?}");
        let newest = Keyring::read_secret(&hex(keyring)).unwrap();
        if newest.newest() == read.epoch() && slot.field().check(&value).is_ok() {
            let now = Time::from_secs(1_800_000_000);
            let (vault, mut host) = vault(keyring, b"vectors", Time::default(), now);
            plant(&vault, &mut host, &who, secret);
            let mut out = [0; Token::MAX_LEN];
            let mut rng = CheckedRng::new(Fixed(hex(random)));
            let sealer = if read.is_erasable() {
                let held = vault.erasable_sealer_held(&who, &mut host).unwrap();
                host.settle(&vault, held).unwrap()
            } else {
                vault.sealer(&who)
            };
            let made = sealer.tokenize(slot, &value, &mut out, &mut rng).unwrap();
            assert_eq!(made.as_bytes(), token, "{case:?}");
            sealed += 1;
            erasable += usize::from(read.is_erasable());
            bound += usize::from(slot.field().is_bound());
        }
    }
    assert!(sealed >= 10 && erasable >= 3 && bound >= 3, "{sealed} {erasable} {bound}");
}

#[test]
fn tokens_that_must_not_open() {
    let (mut denied, mut malformed) = (0, 0);
    for case in cases("tokens-fail.txt") {
        let [keyring, tenant, kind, subject, field, record, secret, token, verdict, ..] = &case[..] else {
            panic!("{case:?}")
        };
        let record = hex(record);
        let token = hex(token);
        match (Token::from_bytes(&token), verdict.as_str()) {
            (Err(error), "malformed") => {
                assert_eq!(error, Error::Malformed);
                malformed += 1;
            }
            (Ok(read), "denied") => {
                // A record that the field can't have, or that is too long, can't even be asked for.
                match slot(field, &record) {
                    Ok(slot) => {
                        let outcome = open(keyring, &principal(tenant, kind, subject), slot, secret, &read);
                        assert_eq!(outcome.unwrap_err(), Error::Denied, "{case:?}");
                    }
                    Err(error) => assert_eq!(error, Error::InvalidField),
                }
                denied += 1;
            }
            _ => panic!("{case:?}"),
        }
    }
    assert!(denied >= 10 && malformed >= 5, "{denied} {malformed}");
}

#[test]
fn texts() {
    let mut out = [0; Token::MAX_LEN];
    for case in cases("text.txt") {
        let token = hex(&case[0]);
        assert_eq!(Token::from_bytes(&token).unwrap().to_string(), case[1]);
        assert_eq!(Token::from_text(case[1].as_bytes(), &mut out).unwrap().as_bytes(), token);
    }
    for case in cases("text-fail.txt") {
        assert_eq!(Token::from_text(&hex(&case[0]), &mut out).unwrap_err(), Error::Malformed, "{case:?}");
    }
}

#[test]
fn credentials_that_are_accepted() {
    let mut made = 0;
    for case in cases("credential.txt") {
        let [
            keyring,
            epoch,
            audience,
            tenant,
            kind,
            subject,
            key,
            random,
            flags,
            rights,
            from,
            until,
            login,
            purposes,
            session,
            issuer_form,
            now,
            bytes,
        ] = &case[..]
        else {
            panic!("{case:?}")
        };
        let credential = Credential::from_bytes(&hex(bytes)).unwrap();
        let now = Time::from_millis(number(now));
        let (vault, mut host) = vault(keyring, &hex(audience), Time::default(), now);
        let key = SessionKey::read_secret(&hex(key).try_into().unwrap());
        let accepted = if flags == "1" {
            let proof = key.prove(&credential, &[b"x"], now, &mut TestRng(1)).unwrap();
            vault.authenticate(&credential, &proof, &[b"x"], &mut host).map(drop)
        } else {
            vault.authenticate_bearer(&credential, &mut host).map(drop)
        };
        assert_eq!(accepted, Ok(()), "{case:?}");
        let issuer = Issuer::read_secret(&hex(issuer_form)).unwrap();
        let mut form = [0; Issuer::MAX_LEN];
        let len = issuer.write_secret(&mut form).unwrap();
        assert_eq!(form[..len], hex(issuer_form));
        let at_log_in = session == "-" && login == from && rights == "1";
        if at_log_in && vault_epoch(keyring) == epoch.parse::<u16>().unwrap() {
            let from_vault = vault.issuer(
                hex(tenant),
                principal(tenant, kind, subject).kind(),
                Time::from_millis(number(from)).period(),
            );
            let len = from_vault.unwrap().write_secret(&mut form).unwrap();
            assert_eq!(form[..len], hex(issuer_form));
            let terms = Terms {
                rights: Rights::OWN,
                purposes: Purposes::from_bits(number(purposes)),
                life: number(until) - number(from),
                proof_required: flags == "1",
            };
            let who = principal(tenant, kind, subject);
            let issued =
                issuer.issue(&who, &key, &terms, Time::from_millis(number(from)), &mut Fixed(hex(random))).unwrap();
            assert_eq!(issued.as_bytes(), hex(bytes), "{case:?}");
            made += 1;
        }
    }
    assert!(made >= 3, "{made}");
}

fn vault_epoch(keyring: &str) -> u16 {
    Keyring::read_secret(&hex(keyring)).unwrap().newest()
}

#[test]
fn credentials_that_are_refused() {
    let (mut denied, mut malformed) = (0, 0);
    for case in cases("credential-fail.txt") {
        let [keyring, audience, now, bytes, verdict, ..] = &case[..] else { panic!("{case:?}") };
        match (Credential::from_bytes(&hex(bytes)), verdict.as_str()) {
            (Err(error), "malformed") => {
                assert_eq!(error, Error::Malformed);
                malformed += 1;
            }
            (Ok(credential), "denied") => {
                // As bearer, so that what is wrong is the credential's own; and with the flag off where it is on, that it isn't just that.
                let (vault, mut host) = vault(keyring, &hex(audience), Time::default(), Time::from_millis(number(now)));
                let outcome = vault.authenticate_bearer(&credential, &mut host);
                assert_eq!(outcome.unwrap_err(), Error::Denied, "{case:?}");
                let key = SessionKey::read_secret(&[1; 32]);
                let proof = key.prove(&credential, &[], Time::from_millis(number(now)), &mut TestRng(1)).unwrap();
                assert_eq!(vault.authenticate(&credential, &proof, &[], &mut host).unwrap_err(), Error::Denied);
                denied += 1;
            }
            _ => panic!("{case:?}"),
        }
    }
    assert!(denied >= 10 && malformed >= 5, "{denied} {malformed}");
}

#[test]
fn proofs() {
    let (mut accepted, mut refused, mut made) = (0, 0, 0);
    for case in cases("proof.txt") {
        let [key, credential, nonce, time, parts, _start, _now, proof, verdict, ..] = &case[..] else {
            panic!("{case:?}")
        };
        let key = SessionKey::read_secret(&hex(key).try_into().unwrap());
        let credential = Credential::from_bytes(&hex(credential)).unwrap();
        let parts: Vec<Vec<u8>> = parts.split(',').map(|part| hex(part.trim())).collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let mine = key.prove(&credential, &parts, Time::from_millis(number(time)), &mut Fixed(hex(nonce))).unwrap();
        let theirs = Proof::from_bytes(&hex(proof)).unwrap();
        if verdict == "bad proof" {
            refused += 1;
        } else {
            assert_eq!(mine, theirs, "{case:?}");
            made += 1;
        }
        accepted += usize::from(verdict == "accepted");
    }
    assert!(accepted >= 5 && refused >= 3 && made >= 10, "{accepted} {refused} {made}");
}

#[test]
fn trails() {
    let (mut entries_read, mut kinds) = (0, [0; 4]);
    for case in cases("trail.txt") {
        let audit = AuditKey::read_secret(&hex(&case[0]).try_into().unwrap()).unwrap();
        let mut reader = audit.reader();
        for (sealed, decoded) in case[1].split(',').zip(case[2].split(',')) {
            let recorded = reader.read(&SealedEntry::from_bytes(hex(sealed.trim()).try_into().unwrap())).unwrap();
            let words: Vec<&str> = decoded.split_whitespace().collect();
            assert_eq!(recorded.sequence, number(words[0]));
            assert_eq!(recorded.time.as_millis(), number(words[1]));
            let entry = recorded.entry;
            let (event, reason) = (entry.event.code(), entry.reason.code());
            assert_eq!((u64::from(event), u64::from(reason)), (number(words[2]), number(words[3])));
            assert_eq!(u64::from(entry.field), number(words[4]));
            assert_eq!((u64::from(entry.purpose), u64::from(entry.view)), (number(words[5]), number(words[6])));
            assert_eq!((u64::from(entry.caller_kind), u64::from(entry.count)), (number(words[7]), number(words[8])));
            kinds[usize::from(entry.caller_kind)] += 1;
            let bytes: [&[u8]; 6] = [
                &entry.caller,
                &entry.token.header,
                &entry.token.nonce,
                &entry.owner_or_commitment,
                &entry.session,
                &entry.grant,
            ];
            for (bytes, word) in bytes.into_iter().zip(&words[9..]) {
                assert_eq!(bytes, hex(word));
            }
            entries_read += 1;
        }
    }
    assert!(entries_read >= 5 && kinds.iter().all(|kind| *kind >= 2), "{entries_read} {kinds:?}");
    for case in cases("trail-fail.txt") {
        let audit = AuditKey::read_secret(&hex(&case[0]).try_into().unwrap()).unwrap();
        let mut reader = audit.reader();
        let bad: usize = case[2].parse().unwrap();
        for (index, sealed) in case[1].split(',').enumerate() {
            let Ok(bytes) = hex(sealed.trim()).try_into() else {
                assert_eq!(index, bad, "{case:?}");
                break;
            };
            let outcome = reader.read(&SealedEntry::from_bytes(bytes));
            assert_eq!(outcome.is_ok(), index < bad, "{case:?} at {index}");
            if index == bad {
                break;
            }
        }
    }
}

/// A reader that has read these entries; `-` is none.
fn read_so_far(audit: &str, entries: &str) -> TrailReader {
    let mut reader = AuditKey::read_secret(&hex(audit).try_into().unwrap()).unwrap().reader();
    for sealed in entries.split(',').filter(|sealed| *sealed != "-") {
        reader.read(&SealedEntry::from_bytes(hex(sealed).try_into().unwrap())).unwrap();
    }
    reader
}

#[test]
fn checkpoints() {
    for case in cases("checkpoint.txt") {
        let [audit, entries, bytes, node, next, time, _last, _mac] = &case[..] else { panic!("{case:?}") };
        let checkpoint = Checkpoint::from_bytes(&hex(bytes)).unwrap();
        assert_eq!(checkpoint.to_bytes(), *hex(bytes));
        assert_eq!((u64::from(checkpoint.node()), checkpoint.next()), (number(node), number(next)));
        assert_eq!(checkpoint.time().as_millis(), number(time));
        let reader = read_so_far(audit, entries);
        assert!(reader.confirms(&checkpoint), "{case:?}");
        assert_eq!(reader.checkpoint(Time::from_millis(number(time))), checkpoint, "{case:?}");
        let cut = entries.rsplit_once(',').map_or("-", |(before, _)| before);
        assert!(!read_so_far(audit, cut).confirms(&checkpoint), "{case:?}");
    }
    let (mut refused, mut malformed) = (0, 0);
    for case in cases("checkpoint-fail.txt") {
        let [audit, entries, bytes, verdict, ..] = &case[..] else { panic!("{case:?}") };
        match (Checkpoint::from_bytes(&hex(bytes)), verdict.as_str()) {
            (Err(error), "malformed") => {
                assert_eq!(error, Error::Malformed);
                malformed += 1;
            }
            (Ok(checkpoint), "refused") => {
                assert!(!read_so_far(audit, entries).confirms(&checkpoint), "{case:?}");
                refused += 1;
            }
            _ => panic!("{case:?}"),
        }
    }
    assert!(refused >= 20 && malformed >= 3, "{refused} {malformed}");
}

/// A vault at the time of the tests that need none of their own.
fn vault_of(keyring: &str) -> (Vault, VectorHost) {
    vault(keyring, b"vectors", Time::default(), Time::from_secs(1_800_000_000))
}

#[test]
fn canaries() {
    let mut work = [0; Token::MAX_OPEN_LEN];
    for case in cases("canary.txt") {
        let [keyring, tenant, like, name, random, canary] = &case[..] else { panic!("{case:?}") };
        let (vault, _) = vault_of(keyring);
        let (like, canary, mut out) = (hex(like), hex(canary), [0; Token::MAX_LEN]);
        let like = Token::from_bytes(&like).unwrap();
        let mut rng = CheckedRng::new(Fixed(hex(random)));
        let made = vault.canary(hex(tenant), &like, &hex(name), &mut out, &mut rng).unwrap();
        assert_eq!(made.as_bytes(), canary, "{case:?}");
        assert_eq!(vault.canary_export(hex(tenant), &made, &mut work), Some(hex(name).as_slice()), "{case:?}");
        for kind in ["1", "2", "3"] {
            let who = principal(tenant, kind, "616c696365");
            let record: &[u8] = if made.field().is_bound() { b"order 4711" } else { b"" };
            let slot =
                if record.is_empty() { made.field().into() } else { Slot::in_record(made.field(), record).unwrap() };
            let secret = if made.is_erasable() { "11".repeat(32) } else { "-".to_owned() };
            assert_eq!(open(keyring, &who, slot, &secret, &made).unwrap_err(), Error::Denied, "{case:?}");
        }
    }
    let (mut denied, mut malformed) = (0, 0);
    for case in cases("canary-fail.txt") {
        let [keyring, tenant, token, verdict, ..] = &case[..] else { panic!("{case:?}") };
        let token = hex(token);
        match (Token::from_bytes(&token), verdict.as_str()) {
            (Err(error), "malformed") => {
                assert_eq!(error, Error::Malformed);
                malformed += 1;
            }
            (Ok(token), "denied") => {
                assert_eq!(vault_of(keyring).0.canary_export(hex(tenant), &token, &mut work), None, "{case:?}");
                denied += 1;
            }
            _ => panic!("{case:?}"),
        }
    }
    assert!(denied >= 10 && malformed >= 2, "{denied} {malformed}");
}

#[test]
fn scanner_keys() {
    let (mut recognised, mut others) = (0, 0);
    for case in cases("scanner-key.txt") {
        let [keyring, tenant, form, token, verdict, ..] = &case[..] else { panic!("{case:?}") };
        let (form, token, mut out) = (hex(form), hex(token), [0; ScannerKey::MAX_LEN]);
        let of_vault = vault_of(keyring).0.scanner_key(hex(tenant)).unwrap();
        let len = of_vault.write_secret(&mut out).unwrap();
        assert_eq!(out[..len], form, "{case:?}");
        let key = ScannerKey::read_secret(&form).unwrap();
        let len = key.write_secret(&mut out).unwrap();
        assert_eq!((&out[..len], key.tenant()), (form.as_slice(), hex(tenant).as_slice()));
        assert_eq!(key.write_secret(&mut out[..len - 1]), Err(Error::BufferTooSmall));
        let token = Token::from_bytes(&token).unwrap();
        for key in [&key, &of_vault] {
            assert_eq!(key.recognises(&token), verdict == "yes", "{case:?}");
        }
        *if verdict == "yes" { &mut recognised } else { &mut others } += 1;
    }
    assert!(recognised >= 20 && others >= 20, "{recognised} {others}");
    for case in cases("scanner-key-fail.txt") {
        assert_eq!(ScannerKey::read_secret(&hex(&case[0])).unwrap_err(), Error::Malformed, "{case:?}");
    }
}

#[test]
fn attributions() {
    let (mut opened, mut refused, mut others) = (0, 0, 0);
    for case in cases("attribution.txt") {
        let [keyring, tenant, kind, subject, secret, audit, entries, verdicts] = &case[..] else { panic!("{case:?}") };
        let (vault, mut host) = vault_of(keyring);
        let owner = principal(tenant, kind, subject);
        plant(&vault, &mut host, &owner, secret);
        let attribution = vault.attribution(&owner, &host.environment().store).unwrap();
        let mut reader = AuditKey::read_secret(&hex(audit).try_into().unwrap()).unwrap().reader();
        for (sealed, verdict) in entries.split(',').zip(verdicts.split(',')) {
            let entry = reader.read(&SealedEntry::from_bytes(hex(sealed).try_into().unwrap())).unwrap().entry;
            let found = (attribution.was_opened(&entry), attribution.was_refused(&entry));
            assert_eq!(found, (verdict == "opened", verdict == "refused"), "{entry:?} of {owner:?}");
            match verdict {
                "opened" => opened += 1,
                "refused" => refused += 1,
                _ => others += 1,
            }
        }
        assert_eq!(entries.split(',').count(), verdicts.split(',').count());
    }
    assert!(opened >= 5 && refused >= 20 && others >= 100, "{opened} {refused} {others}");
}

#[test]
fn column_names() {
    let (mut refused, mut kept) = (0, 0);
    for case in cases("column-names.txt") {
        let name = String::from_utf8(hex(&case[0])).unwrap();
        assert_eq!(symbolon::names_security_code(&name), case[1] == "refused", "{name}");
        *if case[1] == "refused" { &mut refused } else { &mut kept } += 1;
    }
    assert!(refused >= 30 && kept >= 30, "{refused} {kept}");
}
