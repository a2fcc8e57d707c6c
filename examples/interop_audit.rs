//! Speaks with another implementation, as `interop.rs` does, of what is watched: one command a line on standard input, one answer a line
//! on standard output, bytes in hex (`-` for none). `tests/second/interop_audit.py` drives it. Keys come in as arguments: a tool for tests.
//!
//! ```text
//! canary      KEYRING TENANT LIKE NAME                                   -> TOKEN
//! export      KEYRING TENANT TOKEN                                       -> NAME | none | malformed
//! scanner-key KEYRING TENANT                                             -> SCANNERKEY
//! recognises  SCANNERKEY TOKEN                                           -> yes | no | malformed
//! confirms    AUDITKEY ENTRY,... CHECKPOINT                              -> yes | no | denied | malformed: where these entries were read
//! checkpoint  AUDITKEY ENTRY,... NOW                                     -> CHECKPOINT of the reader's own | denied
//! held        AUDITKEY ENTRY,...                                         -> what the events hold, with commas | denied
//! attribute   KEYRING TENANT KIND SUBJECT OWNER AUDITKEY ENTRY,...       -> opened, refused or -, with commas | denied
//! stop        KEYRING ROW                                                -> yes | no: stopped; then ROW when stopped, ROW when released
//! day         OLDRING KEYRING NODE FLOOR CREDENTIALFLOOR TENANT SUBJECT NOW LIFE USES FIELD,... CANARY FIELD:TOKEN,... SEEN
//!                                                                        -> AUDITKEY ENTRY,... CHECKPOINT,CHECKPOINT,CHECKPOINT
//! ```
//!
//! What events hold: `epochs:EPOCH:...:TOKENFLOOR:CREDENTIALFLOOR`, `scope:NOTBEFORE:EXPIRY:FIELD:...`, the checkpoint that a witness has,
//! otherwise `-`. A `day` is the trail of a node: an owner presents tokens, mints a grant and may not do other things; a policy authority
//! mints one; an operator stops everything and releases it; another node's checkpoint is witnessed; the keyring and the floors change; a
//! canary is presented; the node starts anew. The checkpoints are those of each life and of the moment between.

use std::io::{BufRead, Write};

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use symbolon::{
    AuditKey, Batch, CheckedRng, Checkpoint, Config, Entry, Error, Event, Field, GrantTerms, Host, Keyring, Kind,
    MemoryStore, Parts, Principal, Purpose, Purposes, Record, RecordKey, Rights, ScannerKey, SealedEntry, Session,
    SessionKey, Store, StoreError, Table, Terms, Time, Token, TrailReader, Vault, View,
};

type Answer = Result<String, Error>;
type Clock = Box<dyn FnMut() -> Option<Time>>;
type NodeWith<S> = Host<Parts<Clock, ChaCha20Rng, S>, 64, 8>;
type Node = NodeWith<MemoryStore<256, 16>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((command, arguments)) = words.split_first() else { continue };
        match run(command, arguments) {
            Ok(text) => writeln!(output, "{text}")?,
            Err(Error::Denied) => writeln!(output, "denied")?,
            Err(Error::Malformed) => writeln!(output, "malformed")?,
            Err(error) => writeln!(output, "error: {error}")?,
        }
        output.flush()?;
    }
    Ok(())
}

fn run(command: &str, arguments: &[&str]) -> Answer {
    match (command, arguments) {
        ("canary", [keyring, tenant, like, name]) => {
            let (like, mut out) = (bytes(like)?, [0; Token::MAX_LEN]);
            let (like, mut rng) = (Token::from_bytes(&like)?, CheckedRng::new(rng()));
            let vault = vault(keyring, Config::new(AUDIENCE))?;
            Ok(hex(vault.canary(bytes(tenant)?, &like, &bytes(name)?, &mut out, &mut rng)?.as_bytes()))
        }
        ("export", [keyring, tenant, token]) => {
            let (token, mut work) = (bytes(token)?, [0; Token::MAX_OPEN_LEN]);
            let token = Token::from_bytes(&token)?;
            let vault = vault(keyring, Config::new(AUDIENCE))?;
            Ok(vault.canary_export(bytes(tenant)?, &token, &mut work).map_or("none".into(), hex))
        }
        ("scanner-key", [keyring, tenant]) => {
            let mut out = [0; ScannerKey::MAX_LEN];
            let key = vault(keyring, Config::new(AUDIENCE))?.scanner_key(bytes(tenant)?)?;
            let len = key.write_secret(&mut out)?;
            Ok(hex(&out[..len]))
        }
        ("recognises", [key, token]) => {
            let (key, token) = (ScannerKey::read_secret(&bytes(key)?)?, bytes(token)?);
            Ok(yes_or_no(key.recognises(&Token::from_bytes(&token)?)))
        }
        ("confirms", [audit, entries, checkpoint]) => {
            let checkpoint = Checkpoint::from_bytes(&bytes(checkpoint)?)?;
            Ok(yes_or_no(read(audit, entries)?.0.confirms(&checkpoint)))
        }
        ("checkpoint", [audit, entries, now]) => {
            Ok(hex(&read(audit, entries)?.0.checkpoint(Time::from_millis(number(now)?)).to_bytes()))
        }
        ("held", [audit, entries]) => Ok(read(audit, entries)?.1.iter().map(held_by).collect::<Vec<_>>().join(",")),
        ("attribute", [keyring, tenant, kind, subject, row, audit, entries]) => {
            let (vault, owner) = (vault(keyring, Config::new(AUDIENCE))?, principal(tenant, kind, subject)?);
            let key = RecordKey { table: Table::Owner, id: vault.owner_tag(&owner) };
            let store = OneRow { memory: MemoryStore::new(), key, value: bytes(row)? };
            let attribution = vault.attribution(&owner, &store)?;
            let verdict = |entry: &Entry| match (attribution.was_opened(entry), attribution.was_refused(entry)) {
                (false, false) => "-",
                (true, false) => "opened",
                (false, true) => "refused",
                (true, true) => "both",
            };
            Ok(read(audit, entries)?.1.iter().map(verdict).collect::<Vec<_>>().join(","))
        }
        ("day", [old, new, node, floors @ .., tenant, subject, now, life, uses, fields, canary, items, seen]) => {
            let [token_floor, credential_floor] = floors else { return Err(Error::Malformed) };
            let credential_floor = Some(small(credential_floor)?);
            let node = node.parse().map_err(|_| Error::Malformed)?;
            let newer = Config { node, token_floor: small(token_floor)?, credential_floor, ..Config::new(AUDIENCE) };
            let now = Time::from_millis(number(now)?);
            let day = Day {
                old: vault(old, Config { node, ..Config::new(AUDIENCE) })?,
                new: vault(new, newer)?,
                owner: Principal::person(bytes(tenant)?, bytes(subject)?)?,
                now,
                expires: now.plus(number(life)?),
                uses: Some(uses.parse().map_err(|_| Error::Malformed)?).filter(|uses| *uses > 0),
                fields: fields.split(',').map(field).collect::<Result<_, _>>()?,
                canary: one_item(canary)?,
                items: items.split(',').map(one_item).collect::<Result<_, _>>()?,
                seen: Checkpoint::from_bytes(&bytes(seen)?)?,
            };
            day.spend()
        }
        ("stop", [keyring, row]) => stop(keyring, row),
        _ => Ok(format!("error: no command '{command}' with {} arguments", arguments.len())),
    }
}

/// What happens at a node.
struct Day {
    old: Vault,
    new: Vault,
    owner: Principal,
    now: Time,
    expires: Time,
    uses: Option<u32>,
    fields: Vec<Field>,
    canary: (Field, Vec<u8>),
    items: Vec<(Field, Vec<u8>)>,
    seen: Checkpoint,
}

impl Day {
    fn spend(&self) -> Answer {
        let mut store = MemoryStore::new();
        let audit = AuditKey::create(&self.old, &mut store, &mut rng())?;
        let mut node = self.start(&self.old, store)?;
        self.under_the_old_keyring(&mut node)?;
        let before = node.checkpoint()?;
        self.under_the_new_one(&mut node)?;
        let between = node.checkpoint()?;
        let store = core::mem::replace(&mut node.environment().store, MemoryStore::new());
        let mut node = self.start(&self.new, store)?;
        let after = node.checkpoint()?;
        let mut entries = Vec::new();
        let collect = &mut |entry: &SealedEntry| {
            entries.push(hex(entry.as_bytes()));
            true
        };
        node.environment().store.entries(collect).map_err(|_| Error::Unavailable)?;
        let made = [before, between, after].map(|checkpoint| hex(&checkpoint.to_bytes()));
        Ok(format!("{} {} {}", hex(audit.write_secret().as_slice()), entries.join(","), made.join(",")))
    }

    fn start(&self, vault: &Vault, store: MemoryStore<256, 16>) -> Result<Node, Error> {
        let now = self.now;
        let clock = Box::new(move || Some(now)) as Clock;
        Host::open(vault, Parts { clock, rng: rng(), store })
    }

    fn under_the_old_keyring(&self, node: &mut Node) -> Result<(), Error> {
        let vault = &self.old;
        let owner = enter(vault, &self.owner, Rights::OWN, self.now, node)?;
        for (field, token) in &self.items {
            present(&owner, *field, token, node)?;
        }
        let packer = Principal::service(self.owner.tenant(), "packer")?;
        let terms = GrantTerms {
            grantee: &packer,
            fields: &self.fields,
            purpose: Purpose::SHIPPING,
            view: View::Masked,
            record: None,
            not_before: self.now,
            expires: self.expires,
            uses: self.uses,
        };
        let held = owner.grant_held(&terms, node)?;
        node.settle(vault, held)?;
        let authority =
            enter(vault, &Principal::staff(self.owner.tenant(), "authority")?, Rights::GRANT, self.now, node)?;
        let held = authority.grant_for_held(&self.owner, &terms, "ticket 1", node)?;
        node.settle(vault, held)?;
        let terms_of_packer = GrantTerms { grantee: &self.owner, ..terms };
        let held = enter(vault, &packer, Rights::NONE, self.now, node)?.grant_held(&terms_of_packer, node)?;
        refused(node.settle(vault, held))?;
        let operator = Principal::staff(self.owner.tenant(), "operator")?;
        let operator = enter(vault, &operator, Rights::OPERATE, self.now, node)?;
        let held = owner.stop_held(node)?;
        refused(node.settle(vault, held))?;
        let held = operator.stop_held(node)?;
        node.settle(vault, held)?;
        for (field, token) in self.items.iter().take(1) {
            present(&owner, *field, token, node)?;
        }
        let held = operator.release_held(node)?;
        node.settle(vault, held)?;
        node.witness(vault, &self.seen)?;
        node.commit(vault).map(|_| ())
    }

    /// Its first call finds that the keyring is another.
    fn under_the_new_one(&self, node: &mut Node) -> Result<(), Error> {
        let owner = enter(&self.new, &self.owner, Rights::OWN, self.now, node)?;
        let (field, canary) = &self.canary;
        present(&owner, *field, canary, node)?;
        while node.next_alarm().is_some() {}
        node.commit(&self.new).map(|_| ())
    }
}

/// A session of this principal's, for its own use.
fn enter<'v, S: Store>(
    vault: &'v Vault,
    who: &Principal,
    rights: Rights,
    now: Time,
    node: &mut NodeWith<S>,
) -> Result<Session<&'v Vault>, Error> {
    let key = SessionKey::generate(&mut rng())?;
    let purposes = Purposes::of(&[Purpose::OWN_USE]);
    let terms = Terms { rights, purposes, proof_required: false, ..Terms::default() };
    let issuer = vault.issuer(who.tenant(), who.kind(), now.period())?;
    vault.authenticate_bearer(&issuer.issue(who, &key, &terms, now, &mut rng())?, node)
}

/// It opens, or doesn't: the trail says so.
fn present(session: &Session<&Vault>, field: Field, token: &[u8], node: &mut Node) -> Result<(), Error> {
    let mut work = [0; Token::MAX_OPEN_LEN];
    match session.detokenize(field, &Token::from_bytes(token)?, &mut work, node) {
        Ok(_) | Err(Error::Denied) => Ok(()),
        Err(error) => Err(error),
    }
}

fn refused<T>(outcome: Result<T, Error>) -> Result<(), Error> {
    match outcome {
        Err(Error::Denied) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::InvalidTerms),
    }
}

/// A reader that has read these entries, and what it read.
fn read(audit: &str, entries: &str) -> Result<(TrailReader, Vec<Entry>), Error> {
    let audit: [u8; AuditKey::LEN] = bytes(audit)?.try_into().map_err(|_| Error::Malformed)?;
    let (mut reader, mut found) = (AuditKey::read_secret(&audit)?.reader(), Vec::new());
    for sealed in entries.split(',').filter(|sealed| *sealed != "-") {
        let sealed: [u8; SealedEntry::LEN] = bytes(sealed)?.try_into().map_err(|_| Error::Malformed)?;
        found.push(reader.read(&SealedEntry::from_bytes(sealed))?.entry);
    }
    Ok((reader, found))
}

fn held_by(entry: &Entry) -> String {
    let listed = |numbers: &[u16]| {
        numbers.iter().filter(|number| **number > 0).map(|number| format!(":{number}")).collect::<String>()
    };
    if let Some(epochs) = entry.epochs() {
        return format!("epochs{}:{}:{}", listed(&epochs), entry.field, entry.purpose);
    }
    if let Some((not_before, expires, fields)) = entry.grant_scope() {
        return format!("scope:{}:{}{}", not_before.as_millis(), expires.as_millis(), listed(&fields));
    }
    match entry.checkpoint() {
        Some(checkpoint) if entry.event == Event::Witness => hex(&checkpoint.to_bytes()),
        _ => "-".into(),
    }
}

/// A store in memory with one row that was planted, until another is put in its place.
struct OneRow {
    memory: MemoryStore<256, 16>,
    key: RecordKey,
    value: Vec<u8>,
}

impl Store for OneRow {
    fn room(&self) -> usize {
        self.memory.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.memory.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        if let Some(len) = self.memory.get(key, out)? {
            return Ok(Some(len));
        }
        if *key != self.key || self.value.is_empty() {
            return Ok(None);
        }
        out.get_mut(..self.value.len()).ok_or(StoreError)?.copy_from_slice(&self.value);
        Ok(Some(self.value.len()))
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

/// What a vault makes of this row of the stop, and what it writes there.
fn stop(keyring: &str, row: &str) -> Answer {
    let now = Time::from_secs(1_000_000);
    let vault = vault(keyring, Config::new(AUDIENCE))?;
    let key = RecordKey { table: Table::Stop, id: [0; 16] };
    let mut store = OneRow { memory: MemoryStore::new(), key, value: bytes(row)? };
    AuditKey::create(&vault, &mut store, &mut rng())?;
    let clock = Box::new(move || Some(now)) as Clock;
    let mut host: NodeWith<_> = Host::open(&vault, Parts { clock, rng: rng(), store })?;
    let was = yes_or_no(host.is_stopped());
    let operator = enter(&vault, &Principal::service("tenant", "operator")?, Rights::OPERATE, now, &mut host)?;
    let mut rows = Vec::new();
    for stops in [true, false] {
        let held = if stops { operator.stop_held(&mut host)? } else { operator.release_held(&mut host)? };
        host.settle(&vault, held)?;
        let mut value = [0; Record::MAX_LEN];
        let len = host.environment().store.get(&key, &mut value).map_err(|_| Error::Unavailable)?;
        rows.push(hex(&value[..len.unwrap_or(0)]));
    }
    Ok(format!("{was} {}", rows.join(" ")))
}

const AUDIENCE: &[u8] = b"interop";

fn vault(keyring: &str, config: Config<'_>) -> Result<Vault, Error> {
    Vault::new(Keyring::read_secret(&bytes(keyring)?)?, &config)
}

fn principal(tenant: &str, kind: &str, subject: &str) -> Result<Principal, Error> {
    let kind = match kind {
        "1" => Kind::Person,
        "2" => Kind::Staff,
        "3" => Kind::Service,
        _ => return Err(Error::InvalidPrincipal),
    };
    Principal::new(&bytes(tenant)?, kind, &bytes(subject)?)
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.into()
}

fn field(code: &str) -> Result<Field, Error> {
    Field::from_code(small(code)?)
}

fn one_item(item: &str) -> Result<(Field, Vec<u8>), Error> {
    let (code, token) = item.split_once(':').ok_or(Error::Malformed)?;
    Ok((field(code)?, bytes(token)?))
}

fn rng() -> ChaCha20Rng {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the operating system has random numbers");
    ChaCha20Rng::from_seed(seed)
}

fn small(text: &str) -> Result<u16, Error> {
    text.parse().map_err(|_| Error::Malformed)
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Malformed)
}

fn bytes(hex: &str) -> Result<Vec<u8>, Error> {
    let digits = if hex == "-" { "" } else { hex }.as_bytes();
    if !digits.len().is_multiple_of(2) || !hex.is_ascii() {
        return Err(Error::Malformed);
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| Error::Malformed))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".into() } else { bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}
