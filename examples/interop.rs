//! Speaks with another implementation: one command a line on standard input, one answer a line on standard output, bytes in hex
//! (`-` for none). The second implementation in `tests/second/` drives it. Keys come in as arguments: a tool for tests.
//!
//! ```text
//! tokenize   KEYRING TENANT KIND SUBJECT FIELD VALUE                          -> TOKEN
//! detokenize KEYRING TENANT KIND SUBJECT FIELD TOKEN                          -> VALUE | denied
//! issue      KEYRING AUDIENCE TENANT KIND SUBJECT SESSIONKEY NOW LIFE RIGHTS PROOF(0|1)   -> CREDENTIAL
//! prove      SESSIONKEY CREDENTIAL NOW PART,PART,...                          -> PROOF
//! reveal     KEYRING AUDIENCE CREDENTIAL PROOF NOW PART,PART,... FIELD:TOKEN,... VIEW   -> REPLY AUDITKEY ENTRY,ENTRY,... | denied
//! open-reply SESSIONKEY CREDENTIAL PROOF FIELD:TOKEN,... REPLY                -> VALUE,VALUE,... (! where refused) | denied
//! check      FIELD VALUE                                                      -> ok | invalid | forbidden | too-long
//! mask       FIELD VALUE                                                      -> MASK
//! text       TOKEN                                                            -> the text, not in hex
//! parse      TEXT (in hex)                                                    -> TOKEN | malformed
//! ```
//!
//! Of erasable tokens, bound fields, grants, addresses and indexes. OWNER is the owner's record, planted before and read behind; VIEW
//! and PURPOSE are numbers. What the API has no call for (a record id for a field that takes none) is `denied`.
//!
//! ```text
//! seal-as    KEYRING TENANT KIND SUBJECT OWNER FIELD VALUE RECORD ERASABLE(0|1)  -> TOKEN OWNER | denied
//! open-as    KEYRING TENANT KIND SUBJECT OWNER FIELD TOKEN RECORD FLOOR          -> VALUE | denied
//! rewrap     KEYRING TENANT KIND SUBJECT OWNER FIELD TOKEN RECORD                -> TOKEN | denied
//! reown      KEYRING TENANT KIND SUBJECT OWNER NEWKIND NEWSUBJECT NEWOWNER FIELD TOKEN RECORD   -> TOKEN NEWOWNER | denied
//! grant      KEYRING TENANT KIND SUBJECT OWNER GRANTEEKIND GRANTEESUBJECT VIEW PURPOSE NOW LIFE USES FIELD,... RECORD   -> GRANT | denied
//! grant-for  the same, but minted by a policy authority                          -> GRANT AUTHORITYKIND AUTHORITYSUBJECT | denied
//! open-under KEYRING TENANT CALLERKIND CALLERSUBJECT GRANT OWNER USED REVOKED(0|1) PURPOSE VIEW NOW FIELD TOKEN RECORD   -> VALUE USED | denied
//! reseal-under KEYRING TENANT CALLERKIND CALLERSUBJECT GRANT OWNER USED PURPOSE NOW FIELD TOKEN RECORD   -> TOKEN USED CALLEROWNER | denied
//! confirm    KEYRING TENANT KIND SUBJECT OWNER FIELD ADDRESS                     -> OWNER | denied
//! deliver    KEYRING TENANT KIND SUBJECT OWNER FIELD ADDRESS                     -> OWNER | denied
//! erase      KEYRING TENANT KIND SUBJECT OWNER                                   -> OWNER | denied
//! index      KEYRING TENANT FIELD NAME VERSION NORMALISED                        -> VALUE
//! look-up    KEYRING TENANT FIELD NAME VERSION NORMALISED                        -> NEWEST,OLDER
//! ```

use std::io::{BufRead, Write};

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use symbolon::{
    Access, AuditKey, Batch, CheckedRng, Config, Credential, Error, Field, Grant, GrantTerms, Host, Index, Item,
    Keyring, Kind, MemoryStore, Parts, Principal, Proof, Purpose, Purposes, Record, RecordKey, Rights, SealedEntry,
    Session, SessionKey, Slot, Store, StoreError, Table, Terms, Time, Token, Vault, View, reply_len,
};

type Answer = Result<String, Error>;
type Environment = Parts<Box<dyn FnMut() -> Option<Time>>, ChaCha20Rng, Planted>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.split_first() {
            Some((command, arguments)) => run(command, arguments),
            None => continue,
        };
        match answer {
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
        ("tokenize", [keyring, tenant, kind, subject, field, value]) => {
            let (vault, mut host) = open(keyring, b"interop", Time::from_secs(1_000))?.parts();
            let owner = principal(tenant, kind, subject)?;
            let mut out = [0; Token::MAX_LEN];
            let token = vault.tokenize(&owner, parse_field(field)?, &bytes(value)?, &mut out, &mut host)?;
            Ok(hex(token.as_bytes()))
        }
        ("detokenize", [keyring, tenant, kind, subject, field, token]) => {
            detokenize(keyring, tenant, kind, subject, field, token)
        }
        ("issue", [keyring, audience, tenant, kind, subject, key, now, life, rights, proof]) => {
            let vault = vault(keyring, &bytes(audience)?)?;
            let who = principal(tenant, kind, subject)?;
            let now = Time::from_millis(number(now)?);
            let issuer = vault.issuer(who.tenant(), who.kind(), now.period())?;
            let rights = if *rights == "1" { Rights::OWN } else { Rights::NONE };
            let terms = Terms { rights, life: number(life)?, proof_required: *proof == "1", ..Terms::default() };
            Ok(hex(issuer.issue(&who, &session_key(key)?, &terms, now, &mut rng())?.as_bytes()))
        }
        ("prove", [key, credential, now, context]) => {
            let credential = Credential::from_bytes(&bytes(credential)?)?;
            let context = list(context)?;
            let parts: Vec<&[u8]> = context.iter().map(Vec::as_slice).collect();
            let proof = session_key(key)?.prove(&credential, &parts, Time::from_millis(number(now)?), &mut rng())?;
            Ok(hex(&proof.to_bytes()))
        }
        ("reveal", [keyring, audience, credential, proof, now, context, items, view]) => {
            reveal(keyring, audience, credential, proof, now, context, items, view)
        }
        ("open-reply", [key, credential, proof, items, reply]) => open_reply(key, credential, proof, items, reply),
        ("check", [field, value]) => Ok(match parse_field(field)?.check(&bytes(value)?) {
            Ok(()) => "ok".into(),
            Err(Error::ForbiddenValue) => "forbidden".into(),
            Err(Error::TooLong) => "too-long".into(),
            Err(_) => "invalid".into(),
        }),
        ("mask", [field, value]) => {
            let mut out = [0; Field::MASK_LEN];
            Ok(hex(parse_field(field)?.mask(&bytes(value)?, &mut out)?.as_bytes()))
        }
        ("text", [token]) => Ok(Token::from_bytes(&bytes(token)?)?.to_string()),
        ("parse", [text]) => {
            let mut out = [0; Token::MAX_LEN];
            Ok(hex(Token::from_text(&bytes(text)?, &mut out)?.as_bytes()))
        }
        ("seal-as", [keyring, tenant, kind, subject, row, field, value, record, erasable]) => {
            let mut shop = Shop::open(keyring, DAY_OF_TESTS, 0)?;
            let owner = shop.owner(tenant, kind, subject, row)?;
            shop.seal_as(&owner, place(field, &bytes(record)?)?, &bytes(value)?, *erasable == "1")
        }
        ("open-as", [keyring, tenant, kind, subject, row, field, token, record, floor]) => {
            let mut shop = Shop::open(keyring, DAY_OF_TESTS, floor.parse().map_err(|_| Error::Malformed)?)?;
            let owner = shop.owner(tenant, kind, subject, row)?;
            let (token, record) = (bytes(token)?, bytes(record)?);
            let item = item(field, &token, &record)?;
            shop.open_as(&owner, &Access::OWN, &item)
        }
        ("rewrap", [keyring, tenant, kind, subject, row, field, token, record]) => {
            let mut shop = Shop::open(keyring, DAY_OF_TESTS, 0)?;
            let owner = shop.owner(tenant, kind, subject, row)?;
            let (token, record) = (bytes(token)?, bytes(record)?);
            shop.rewrap(&owner, &item(field, &token, &record)?)
        }
        ("reown", [keyring, tenant, kind, subject, row, new_kind, new_subject, new_row, field, token, record]) => {
            let mut shop = Shop::open(keyring, DAY_OF_TESTS, 0)?;
            let old = shop.owner(tenant, kind, subject, row)?;
            let new = shop.owner(tenant, new_kind, new_subject, new_row)?;
            let (token, record) = (bytes(token)?, bytes(record)?);
            shop.reown(&old, &new, &item(field, &token, &record)?)
        }
        ("grant" | "grant-for", [keyring, tenant, kind, subject, row, terms @ ..]) => {
            let [to_kind, to, view, purpose, now, life, uses, fields, record] = terms else {
                return Err(Error::Malformed);
            };
            let now = Time::from_millis(number(now)?);
            let mut shop = Shop::open(keyring, now, 0)?;
            let owner = shop.owner(tenant, kind, subject, row)?;
            let record = bytes(record)?;
            let terms = GrantTerms {
                grantee: &principal(tenant, to_kind, to)?,
                fields: &fields.split(',').map(parse_field).collect::<Result<Vec<_>, _>>()?,
                purpose: parse_purpose(purpose)?,
                view: parse_view(view)?,
                record: Some(record.as_slice()).filter(|record| !record.is_empty()),
                not_before: now,
                expires: now.plus(number(life)?),
                uses: Some(uses.parse().map_err(|_| Error::Malformed)?).filter(|uses| *uses > 0),
            };
            if command == "grant" { shop.grant(&owner, &terms) } else { shop.grant_for(&owner, &terms) }
        }
        ("open-under", [keyring, tenant, kind, subject, grant, row, used, revoked, asked @ ..]) => {
            let [purpose, view, now, field, token, record] = asked else { return Err(Error::Malformed) };
            let (token, record) = (bytes(token)?, bytes(record)?);
            let (token, grant) = (Token::from_bytes(&token)?, Grant::from_bytes(&bytes(grant)?)?);
            let mut shop = Shop::open(keyring, Time::from_millis(number(now)?), 0)?;
            let uses = shop.plant_grant(tenant, &grant, row, used, revoked)?;
            let caller = principal(tenant, kind, subject)?;
            let access = access(parse_purpose(purpose)?, view)?.under(&grant);
            let value = shop.open_as(&caller, &access, &Item::new(place(field, &record)?, token))?;
            Ok(format!("{value} {}", shop.row(uses)?))
        }
        ("reseal-under", [keyring, tenant, kind, subject, grant, row, used, asked @ ..]) => {
            let [purpose, now, field, token, record] = asked else { return Err(Error::Malformed) };
            let (token, record) = (bytes(token)?, bytes(record)?);
            let (token, grant) = (Token::from_bytes(&token)?, Grant::from_bytes(&bytes(grant)?)?);
            let mut shop = Shop::open(keyring, Time::from_millis(number(now)?), 0)?;
            let uses = shop.plant_grant(tenant, &grant, row, used, "0")?;
            let caller = principal(tenant, kind, subject)?;
            let access = Access::new(parse_purpose(purpose)?).under(&grant);
            let token = shop.reseal_under(&caller, &access, &Item::new(place(field, &record)?, token))?;
            Ok(format!("{token} {} {}", shop.row(uses)?, shop.row(shop.owner_key(&caller))?))
        }
        ("confirm", [keyring, tenant, kind, subject, row, field, address]) => {
            let mut shop = Shop::open(keyring, DAY_OF_TESTS, 0)?;
            let owner = shop.owner(tenant, kind, subject, row)?;
            shop.confirm(&owner, parse_field(field)?, &bytes(address)?)
        }
        ("deliver", [keyring, tenant, kind, subject, row, field, address]) => {
            let mut shop = Shop::open(keyring, DAY_OF_TESTS, 0)?;
            let owner = shop.owner(tenant, kind, subject, row)?;
            shop.deliver(&owner, parse_field(field)?, &bytes(address)?)
        }
        ("erase", [keyring, tenant, kind, subject, row]) => {
            let mut shop = Shop::open(keyring, DAY_OF_TESTS, 0)?;
            let owner = shop.owner(tenant, kind, subject, row)?;
            shop.erase(&owner)
        }
        ("index" | "look-up", [keyring, tenant, field, name, version, normalised]) => {
            let name = bytes(name)?;
            let version = version.parse().map_err(|_| Error::Malformed)?;
            let index = Index { field: parse_field(field)?, name: &name, version };
            let mut shop = Shop::open(keyring, DAY_OF_TESTS, 0)?;
            let service = Principal::service(bytes(tenant)?, "interop")?;
            let normalised = bytes(normalised)?;
            if command == "index" {
                shop.index(&service, &index, &normalised)
            } else {
                shop.look_up(&service, &index, &normalised)
            }
        }
        _ => Ok(format!("error: no command '{command}' with {} arguments", arguments.len())),
    }
}

fn detokenize(keyring: &str, tenant: &str, kind: &str, subject: &str, field: &str, token: &str) -> Answer {
    let now = Time::from_secs(1_000_000);
    let (vault, mut host) = open(keyring, b"interop", now)?.parts();
    let who = principal(tenant, kind, subject)?;
    let key = SessionKey::generate(&mut rng())?;
    let terms = Terms { proof_required: false, ..Terms::default() };
    let credential =
        vault.issuer(who.tenant(), who.kind(), now.period())?.issue(&who, &key, &terms, now, &mut rng())?;
    let session = vault.authenticate_bearer(&credential, &mut host)?;
    let mut work = [0; Token::MAX_OPEN_LEN];
    let token = bytes(token)?;
    let value = session.detokenize(parse_field(field)?, &Token::from_bytes(&token)?, &mut work, &mut host)?;
    Ok(hex(value.expose()))
}

#[expect(clippy::too_many_arguments, reason = "as many as the command has")]
fn reveal(
    keyring: &str,
    audience: &str,
    credential: &str,
    proof: &str,
    now: &str,
    context: &str,
    items: &str,
    view: &str,
) -> Answer {
    let opened = open(keyring, &bytes(audience)?, Time::from_millis(number(now)?))?;
    let audit = hex(opened.audit.write_secret().as_slice());
    let (vault, mut host) = opened.parts();
    let context = list(context)?;
    let context: Vec<&[u8]> = context.iter().map(Vec::as_slice).collect();
    let (credential, proof) = (Credential::from_bytes(&bytes(credential)?)?, Proof::from_bytes(&bytes(proof)?)?);
    let session = vault.authenticate(&credential, &proof, &context, &mut host)?;
    let tokens = parse_items(items)?;
    let items = items_of(&tokens)?;
    let mut out = vec![0; reply_len(&items)];
    let reply = hex(session.reveal(&access(Purpose::OWN_USE, view)?, &items, &mut out, &mut host)?.as_bytes());
    let mut entries = Vec::new();
    let collect = &mut |entry: &symbolon::SealedEntry| {
        entries.push(hex(entry.as_bytes()));
        true
    };
    host.environment().store.entries(collect).map_err(|_| Error::Unavailable)?;
    Ok(format!("{reply} {audit} {}", entries.join(",")))
}

fn open_reply(key: &str, credential: &str, proof: &str, items: &str, reply: &str) -> Answer {
    let (credential, proof) = (Credential::from_bytes(&bytes(credential)?)?, Proof::from_bytes(&bytes(proof)?)?);
    let tokens = parse_items(items)?;
    let items = items_of(&tokens)?;
    let mut reply = bytes(reply)?;
    let key = session_key(key)?;
    let opened = key.open_reply(&credential, Some(&proof), &items, &mut reply)?;
    let values: Vec<String> = opened.values().map(|value| value.map_or("!".into(), hex)).collect();
    Ok(values.join(","))
}

/// A vault with a fresh trail, whose replay window began long enough ago for the proofs to come.
struct Opened {
    vault: Vault,
    host: Host<Environment, 256, 8>,
    audit: AuditKey,
}

impl Opened {
    fn parts(self) -> (Vault, Host<Environment, 256, 8>) {
        (self.vault, self.host)
    }
}

fn open(keyring: &str, audience: &[u8], now: Time) -> Result<Opened, Error> {
    let vault = vault(keyring, audience)?;
    let (host, audit) = host(&vault, now)?;
    Ok(Opened { vault, host, audit })
}

fn host(vault: &Vault, now: Time) -> Result<(Host<Environment, 256, 8>, AuditKey), Error> {
    let mut store = Planted::default();
    let audit = AuditKey::create(vault, &mut store, &mut rng())?;
    let mut first = true;
    let clock = move || Some(if core::mem::take(&mut first) { now.minus(600_000) } else { now });
    let host = Host::open(vault, Parts { clock: Box::new(clock) as Box<_>, rng: rng(), store })?;
    Ok((host, audit))
}

/// A vault in which everybody is logged in, whose store has the rows that were planted.
struct Shop {
    vault: Vault,
    host: Host<Environment, 256, 8>,
    now: Time,
}

impl Shop {
    fn open(keyring: &str, now: Time, token_floor: u16) -> Result<Self, Error> {
        let keyring = Keyring::read_secret(&bytes(keyring)?)?;
        let vault = Vault::new(keyring, &Config { token_floor, ..Config::new(b"interop") })?;
        let (host, _) = host(&vault, now)?;
        Ok(Self { vault, host, now })
    }

    /// A principal whose owner record this is.
    fn owner(&mut self, tenant: &str, kind: &str, subject: &str, row: &str) -> Result<Principal, Error> {
        let owner = principal(tenant, kind, subject)?;
        self.plant(self.owner_key(&owner), bytes(row)?);
        Ok(owner)
    }

    fn owner_key(&self, owner: &Principal) -> RecordKey {
        RecordKey { table: Table::Owner, id: self.vault.owner_tag(owner) }
    }

    /// An empty row is none, but for a revoked grant's.
    fn plant(&mut self, key: RecordKey, value: Vec<u8>) {
        if !value.is_empty() || key.table == Table::RevokedGrant {
            self.host.environment().store.planted.push((key, value));
        }
    }

    /// What an opening under this grant finds in the store; and where its uses are counted.
    fn plant_grant(
        &mut self,
        tenant: &str,
        grant: &Grant,
        row: &str,
        used: &str,
        revoked: &str,
    ) -> Result<RecordKey, Error> {
        let body = grant.as_bytes();
        let subject = &body[111..111 + usize::from(body[110])];
        self.owner(tenant, &body[2].to_string(), &hex(subject), row)?;
        let id = body[94..110].try_into().map_err(|_| Error::Malformed)?;
        if revoked == "1" {
            self.plant(RecordKey { table: Table::RevokedGrant, id }, Vec::new());
        }
        let uses = RecordKey { table: Table::GrantUses, id };
        let used: u32 = used.parse().map_err(|_| Error::Malformed)?;
        self.plant(uses, if used > 0 { used.to_le_bytes().to_vec() } else { Vec::new() });
        Ok(uses)
    }

    fn row(&mut self, key: RecordKey) -> Answer {
        let mut value = [0; Record::MAX_LEN];
        let len = self.host.environment().store.get(&key, &mut value).map_err(|_| Error::Unavailable)?;
        Ok(hex(&value[..len.unwrap_or(0)]))
    }

    /// Lets `work` be done in a session of this principal's, and commits what it leaves.
    fn with_session<T>(
        &mut self,
        who: &Principal,
        purpose: Purpose,
        rights: Rights,
        work: impl FnOnce(&Session<&Vault>, &Vault, &mut Host<Environment, 256, 8>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let session = log_in(&self.vault, who, purpose, rights, self.now, &mut self.host)?;
        work(&session, &self.vault, &mut self.host)
    }

    fn seal_as(&mut self, owner: &Principal, slot: Slot<'_>, value: &[u8], erasable: bool) -> Answer {
        let sealer = self.with_session(owner, Purpose::OWN_USE, Rights::OWN, |session, vault, host| {
            let held =
                if erasable { session.erasable_sealer_held(owner, host)? } else { session.sealer_held(owner, host)? };
            host.settle(vault, held)
        })?;
        let mut out = [0; Token::MAX_LEN];
        let token = hex(sealer.tokenize(slot, value, &mut out, &mut CheckedRng::new(rng()))?.as_bytes());
        Ok(format!("{token} {}", self.row(self.owner_key(owner))?))
    }

    fn open_as(&mut self, caller: &Principal, access: &Access<'_>, item: &Item<'_>) -> Answer {
        self.with_session(caller, access.purpose(), Rights::OWN, |session, _, host| {
            let mut work = [0; Token::MAX_OPEN_LEN];
            Ok(hex(session.detokenize_as(access, item, &mut work, host)?.expose()))
        })
    }

    fn rewrap(&mut self, owner: &Principal, item: &Item<'_>) -> Answer {
        self.with_session(owner, Purpose::OWN_USE, Rights::OWN, |session, _, host| {
            let mut out = [0; Token::MAX_LEN];
            Ok(hex(session.rewrap(&Access::OWN, item, &mut out, host)?.as_bytes()))
        })
    }

    fn reown(&mut self, old: &Principal, new: &Principal, item: &Item<'_>) -> Answer {
        let now = self.now;
        let from = log_in(&self.vault, old, Purpose::OWN_USE, Rights::OWN, now, &mut self.host)?;
        let to = log_in(&self.vault, new, Purpose::OWN_USE, Rights::OWN, now, &mut self.host)?;
        let mut out = [0; Token::MAX_LEN];
        let held = to.reown_held(&from, item, &mut out, &mut self.host)?;
        let token = hex(self.host.settle(&self.vault, held)?.into_token().as_bytes());
        Ok(format!("{token} {}", self.row(self.owner_key(new))?))
    }

    /// With the purpose transfer it becomes the caller's, with another it stays its owner's.
    fn reseal_under(&mut self, caller: &Principal, access: &Access<'_>, item: &Item<'_>) -> Answer {
        self.with_session(caller, access.purpose(), Rights::OWN, |session, vault, host| {
            let mut out = [0; Token::MAX_LEN];
            let mut request = session.request(access, 1, host)?;
            let held = if access.purpose() == Purpose::TRANSFER {
                request.reown_held(item, &mut out, host)?
            } else {
                request.rewrap_held(item, &mut out, host)?
            };
            Ok(hex(host.settle(vault, held)?.into_token().as_bytes()))
        })
    }

    fn grant(&mut self, owner: &Principal, terms: &GrantTerms<'_>) -> Answer {
        self.with_session(owner, Purpose::OWN_USE, Rights::OWN, |session, vault, host| {
            let held = session.grant_held(terms, host)?;
            Ok(hex(host.settle(vault, held)?.as_bytes()))
        })
    }

    fn grant_for(&mut self, owner: &Principal, terms: &GrantTerms<'_>) -> Answer {
        let authority = Principal::service(owner.tenant(), "authority")?;
        let grant = self.with_session(&authority, Purpose::OWN_USE, Rights::GRANT, |session, vault, host| {
            let held = session.grant_for_held(owner, terms, "ticket 1", host)?;
            Ok(hex(host.settle(vault, held)?.as_bytes()))
        })?;
        Ok(format!("{grant} 3 {}", hex(authority.subject())))
    }

    fn confirm(&mut self, owner: &Principal, field: Field, address: &[u8]) -> Answer {
        let service = Principal::service(owner.tenant(), "interop")?;
        self.with_session(&service, Purpose::OWN_USE, Rights::CONFIRM_ADDRESS, |session, vault, host| {
            let held = session.confirm_address_held(owner, field, address, host)?;
            host.settle(vault, held)
        })?;
        self.row(self.owner_key(owner))
    }

    fn deliver(&mut self, owner: &Principal, field: Field, address: &[u8]) -> Answer {
        let mut out = [0; Token::MAX_LEN];
        let token = self.vault.tokenize(owner, Field::FREE_TEXT, b"a greeting", &mut out, &mut self.host)?;
        let access = Access::new(Purpose::MESSAGE).to_address(field, address);
        self.open_as(owner, &access, &Item::of(token))?;
        self.row(self.owner_key(owner))
    }

    fn erase(&mut self, owner: &Principal) -> Answer {
        self.with_session(owner, Purpose::OWN_USE, Rights::OWN, |session, vault, host| {
            let held = session.erase_held(owner, host)?;
            host.settle(vault, held)
        })?;
        self.row(self.owner_key(owner))
    }

    fn index(&mut self, who: &Principal, index: &Index<'_>, normalised: &[u8]) -> Answer {
        self.with_session(who, Purpose::OWN_USE, Rights::TOKENIZE, |session, vault, host| {
            let held = session.indexer_held(index, 1, host)?;
            Ok(hex(&host.settle(vault, held)?.value(normalised)?))
        })
    }

    fn look_up(&mut self, who: &Principal, index: &Index<'_>, normalised: &[u8]) -> Answer {
        self.with_session(who, Purpose::OWN_USE, Rights::LOOKUP, |session, vault, host| {
            let held = session.look_up_held(index, normalised, host)?;
            let lookup = host.settle(vault, held)?;
            Ok(format!("{},{}", hex(&lookup.newest), hex(&lookup.older)))
        })
    }
}

/// A session of this principal's, for this purpose.
fn log_in<'v>(
    vault: &'v Vault,
    who: &Principal,
    purpose: Purpose,
    rights: Rights,
    now: Time,
    host: &mut Host<Environment, 256, 8>,
) -> Result<Session<&'v Vault>, Error> {
    let key = SessionKey::generate(&mut rng())?;
    let terms = Terms { rights, purposes: Purposes::of(&[purpose]), proof_required: false, ..Terms::default() };
    let issuer = vault.issuer(who.tenant(), who.kind(), now.period())?;
    vault.authenticate_bearer(&issuer.issue(who, &key, &terms, now, &mut rng())?, host)
}

/// A store in memory that also has the rows which were planted in it, until others are put in their place.
#[derive(Default)]
struct Planted {
    store: MemoryStore<256, 16>,
    planted: Vec<(RecordKey, Vec<u8>)>,
}

impl Store for Planted {
    fn room(&self) -> usize {
        self.store.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.store.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        if let Some(len) = self.store.get(key, out)? {
            return Ok(Some(len));
        }
        let Some((_, value)) = self.planted.iter().find(|(planted, _)| planted == key) else { return Ok(None) };
        out.get_mut(..value.len()).ok_or(StoreError)?.copy_from_slice(value);
        Ok(Some(value.len()))
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.store.commit(batch)
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.store.entries(sink)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.store.last_entry()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.store.acknowledge(sequence)
    }
}

/// What is not about a time of its own happens then.
const DAY_OF_TESTS: Time = Time::from_secs(1_000_000);

fn vault(keyring: &str, audience: &[u8]) -> Result<Vault, Error> {
    Vault::new(Keyring::read_secret(&bytes(keyring)?)?, &Config::new(audience))
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

fn session_key(hex: &str) -> Result<SessionKey, Error> {
    let bytes: [u8; 32] = bytes(hex)?.try_into().map_err(|_| Error::Malformed)?;
    Ok(SessionKey::read_secret(&bytes))
}

fn parse_field(code: &str) -> Result<Field, Error> {
    Field::from_code(code.parse().map_err(|_| Error::InvalidField)?)
}

/// A token that is asked for as this field, in this record if there is one.
fn item<'t>(field: &str, token: &'t [u8], record: &'t [u8]) -> Result<Item<'t>, Error> {
    let token = Token::from_bytes(token)?;
    Ok(Item::new(place(field, record)?, token))
}

fn place<'r>(field: &str, record: &'r [u8]) -> Result<Slot<'r>, Error> {
    let field = parse_field(field)?;
    if record.is_empty() {
        return Ok(field.into());
    }
    Slot::in_record(field, record).map_err(|_| Error::Denied)
}

fn parse_purpose(code: &str) -> Result<Purpose, Error> {
    Purpose::from_code(code.parse().map_err(|_| Error::InvalidTerms)?)
}

fn parse_view(code: &str) -> Result<View, Error> {
    match code {
        "1" => Ok(View::Full),
        "2" => Ok(View::Masked),
        "3" => Ok(View::Reseal),
        _ => Err(Error::Malformed),
    }
}

fn access(purpose: Purpose, view: &str) -> Result<Access<'static>, Error> {
    Ok(match parse_view(view)? {
        View::Masked => Access::new(purpose).masked(),
        _ => Access::new(purpose),
    })
}

fn parse_items(items: &str) -> Result<Vec<(Field, Vec<u8>)>, Error> {
    items
        .split(',')
        .map(|item| {
            let (field, token) = item.split_once(':').ok_or(Error::Malformed)?;
            Ok((parse_field(field)?, bytes(token)?))
        })
        .collect()
}

fn items_of(tokens: &[(Field, Vec<u8>)]) -> Result<Vec<Item<'_>>, Error> {
    tokens.iter().map(|(field, token)| Ok(Item::new(*field, Token::from_bytes(token)?))).collect()
}

fn rng() -> ChaCha20Rng {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the operating system has random numbers");
    ChaCha20Rng::from_seed(seed)
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Malformed)
}

fn list(text: &str) -> Result<Vec<Vec<u8>>, Error> {
    text.split(',').map(bytes).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>, Error> {
    if hex == "-" {
        return Ok(Vec::new());
    }
    let digits = hex.as_bytes();
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
