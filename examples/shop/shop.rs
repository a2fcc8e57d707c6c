//! The shop's servers: how each step of the story is done.

use std::{cell::Cell, rc::Rc};

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use symbolon::*;

use crate::{
    Result,
    auditor::{Auditor, pad},
};

pub const DAY: u64 = 86_400_000;
pub const FIELDS: [Field; 5] =
    [Field::PERSON_NAME, Field::EMAIL, Field::PHONE, Field::CARD_NUMBER, Field::SHIPPING_ADDRESS];
/// A purpose of the shop's own.
pub const LOG_IN: Purpose = match Purpose::custom(0) {
    Ok(purpose) => purpose,
    Err(_) => unreachable!(),
};
const TENANT: &str = "shop-17";
const CONFIG: Config<'_> = Config::new(b"order-pages");
const BY_EMAIL: Index<'_> = Index { field: Field::EMAIL, name: b"log-in", version: 1 };

/// Somebody, and what the log-in service gives them.
pub struct Who {
    pub name: &'static str,
    pub principal: Principal,
    terms: Terms,
}

impl Who {
    pub fn new(kind: Kind, subject: &str, name: &'static str, rights: Rights, purpose: Purpose) -> Self {
        let principal = Principal::new(TENANT.as_bytes(), kind, subject.as_bytes()).expect("1 to 64 bytes each");
        Self { name, principal, terms: Terms { rights, purposes: Purposes::of(&[purpose]), ..Terms::default() } }
    }
}

/// One of the shop's own programs, with the one right that it needs.
fn back_office(rights: Rights) -> Who {
    Who::new(Kind::Service, "back-office", "the back office", rights, Purpose::OWN_USE)
}

/// An order in the database: tokens, in the order of [`FIELDS`].
#[derive(Clone)]
pub struct Row {
    order: &'static str,
    pub cells: Vec<TokenBuf>,
}

impl Row {
    /// A cell, asked for as what its place is for.
    fn item(&self, column: usize) -> Result<Item<'_>> {
        Ok(Item::new(slot(FIELDS[column], self.order)?, self.cells[column].as_token()))
    }
}

fn slot(field: Field, order: &str) -> Result<Slot<'_>> {
    if field.is_bound() { Slot::in_record(field, order) } else { Ok(field.into()) }
}

type MyStore = MemoryStore<128, 32>;
type MyHost = Host<Environment, 16, 64>;
type Login = Session<Rc<Vault>>;
type Environment = Parts<Box<dyn FnMut() -> Option<Time>>, ChaCha20Rng, MyStore>;

pub struct Shop {
    keyring: Vec<u8>,
    vault: Rc<Vault>,
    pub host: MyHost,
    pub clock: Rc<Cell<Time>>,
    pub table: Vec<Row>,
    index: Vec<[u8; 8]>,
    auditor: Auditor,
}

impl Shop {
    pub fn open(keyring: Keyring) -> Result<Self> {
        let secret = written(&keyring)?;
        let vault = Rc::new(Vault::new(keyring, &CONFIG)?);
        let mut store = MyStore::new();
        let auditor = Auditor::new(AuditKey::create(&vault, &mut store, &mut rng(2))?);
        let clock = Rc::new(Cell::new(Time::from_secs(1_800_259_200))); // a Monday in January 2027
        let host = Host::open(&vault, parts(&clock, store))?;
        Ok(Self { keyring: secret, vault, host, clock, table: Vec::new(), index: Vec::new(), auditor })
    }

    /// Goes on with another store.
    pub fn put_back(&mut self, store: MyStore) -> Result<()> {
        self.host = Host::open(&self.vault, parts(&self.clock, store))?;
        Ok(())
    }

    pub fn wait(&mut self, millis: u64) {
        self.clock.set(self.clock.get().plus(millis));
    }

    pub fn step(&mut self, title: &str) -> Result<()> {
        println!("\n{title}");
        self.auditor.read(&mut self.host.environment().store)?;
        self.auditor.told.push_str(&format!("\n{title}\n"));
        Ok(())
    }

    pub fn trail(&mut self) -> Result<&str> {
        self.auditor.read(&mut self.host.environment().store)?;
        Ok(&self.auditor.told)
    }

    /// The client makes a key, the log-in service a credential, the client a proof for its request, and the vault a session.
    fn log_in(&mut self, who: &Who) -> Result<Login> {
        self.wait(3000);
        self.auditor.knows(who);
        let (now, rng) = (self.clock.get(), &mut self.host.environment().rng);
        let request: &[&[u8]] = &[b"GET", b"/orders"];
        let key = SessionKey::generate(rng)?;
        let issuer = self.vault.issuer(TENANT, who.principal.kind(), now.period())?;
        let credential = issuer.issue(&who.principal, &key, &who.terms, now, rng)?;
        let proof = key.prove(&credential, request, now, rng)?;
        let held = Session::authenticate_held(self.vault.clone(), &credential, &proof, request, &mut self.host)?;
        self.host.settle(&self.vault, held)
    }

    /// One act in a session of its own; its outcome is there when its entry is durable.
    fn act<T: Outcome>(&mut self, who: &Who, what: impl FnOnce(&Login, &mut MyHost) -> Result<Held<T>>) -> Result<T> {
        let session = self.log_in(who)?;
        let held = what(&session, &mut self.host)?;
        self.host.settle(&self.vault, held)
    }

    /// The back office seals an order in erasable tokens, the address bound to it.
    pub fn order(&mut self, who: &Who, order: &'static str, values: [&str; 5]) -> Result<()> {
        let sealer = self.sealer(who)?;
        let mut row = Row { order, cells: Vec::new() };
        for (field, value) in FIELDS.into_iter().zip(values) {
            row.cells.push(self.seal(&sealer, slot(field, order)?, value)?);
        }
        self.table.push(row);
        Ok(())
    }

    fn sealer(&mut self, who: &Who) -> Result<Sealer> {
        self.act(&back_office(Rights::TOKENIZE), |session, host| session.erasable_sealer_held(&who.principal, host))
    }

    fn seal(&mut self, sealer: &Sealer, slot: Slot<'_>, value: &str) -> Result<TokenBuf> {
        let mut out = [0; Token::MAX_LEN];
        let mut rng = CheckedRng::new(&mut self.host.environment().rng);
        Ok(TokenBuf::new(&sealer.tokenize(slot, value.as_bytes(), &mut out, &mut rng)?))
    }

    /// Prints what this caller sees of a row, once that is what was expected.
    pub fn shows(&mut self, who: &Who, as_: &Access<'_>, row: usize, expected: [&str; 5]) -> Result<()> {
        let (session, row) = (self.log_in(who)?, self.table[row].clone());
        let mut seen = Vec::new();
        for column in 0..FIELDS.len() {
            seen.push(self.sees(&session, as_, &row.item(column)?)?);
        }
        assert_eq!(seen, expected, "{} looks at {}", who.name, row.order);
        let [name, email, phone, card, address] = expected;
        let cells = [(who.name, 15), (row.order, 8), (name, 14), (email, 19), (phone, 13), (card, 19), (address, 0)];
        println!("    {}", cells.map(|(text, width)| pad(text, width)).join("  "));
        Ok(())
    }

    /// The value or its mask, and the placeholder where it does not open.
    fn sees(&mut self, session: &Login, access: &Access<'_>, item: &Item<'_>) -> Result<String> {
        let mut work = [0; Token::MAX_OPEN_LEN];
        match session.detokenize_as(access, item, &mut work, &mut self.host) {
            Ok(value) => Ok(String::from_utf8_lossy(value.expose()).into()),
            Err(Error::Denied) => Ok(item.slot.field().placeholder().into()),
            Err(error) => Err(error),
        }
    }

    /// A grant of these fields, whole, for a day, as often as wanted.
    pub fn terms<'a>(&self, to: &'a Who, purpose: Purpose, fields: &'a [Field]) -> GrantTerms<'a> {
        let (grantee, not_before, expires) = (&to.principal, self.clock.get(), self.clock.get().plus(DAY));
        GrantTerms { grantee, fields, purpose, view: View::Full, record: None, not_before, expires, uses: None }
    }

    pub fn owner_grants(&mut self, owner: &Who, terms: &GrantTerms<'_>) -> Result<Grant> {
        self.act(owner, |session, host| session.grant_held(terms, host))
    }

    pub fn authority_grants(&mut self, owner: &Who, terms: &GrantTerms<'_>, why: &str) -> Result<Grant> {
        let authority = Who::new(Kind::Service, "policy", "the authority", Rights::GRANT, Purpose::OWN_USE);
        self.act(&authority, |session, host| session.grant_for_held(&owner.principal, terms, why, host))
    }

    /// The owner has answered a mail that was sent there.
    pub fn confirm(&mut self, who: &Who, address: &str) -> Result<()> {
        self.act(&back_office(Rights::CONFIRM_ADDRESS), |session, host| {
            session.confirm_address_held(&who.principal, Field::EMAIL, address.as_bytes(), host)
        })
    }

    pub fn change_email(&mut self, who: &Who, row: usize, email: &str) -> Result<()> {
        let sealer = self.sealer(who)?;
        self.table[row].cells[1] = self.seal(&sealer, Field::EMAIL.into(), email)?;
        self.confirm(who, email)
    }

    /// A column of index values beside the table, made while the values are at hand.
    pub fn make_index(&mut self, emails: &[&str; 3]) -> Result<()> {
        let mut indexer =
            self.act(&back_office(Rights::TOKENIZE), |session, host| session.indexer_held(&BY_EMAIL, 3, host))?;
        for email in emails {
            self.index.push(indexer.value(normalise(email).as_bytes())?);
        }
        Ok(())
    }

    /// The owners whose rows the index finds, each with whether the row's address, opened, is the one that was typed.
    pub fn find(&mut self, desk: &Who, typed: &str, owners: [&Who; 3]) -> Result<Vec<(&'static str, bool)>> {
        let wanted = normalise(typed);
        let lookup = self.act(desk, |session, host| session.look_up_held(&BY_EMAIL, wanted.as_bytes(), host))?;
        let terms = self.terms(desk, LOG_IN, &[Field::EMAIL]);
        let mut found = Vec::new();
        for (row, owner) in owners.into_iter().enumerate() {
            if [lookup.newest, lookup.older].contains(&self.index[row]) {
                let grant = self.authority_grants(owner, &terms, "log-in by e-mail")?;
                let (session, row) = (self.log_in(desk)?, self.table[row].clone());
                let email = self.sees(&session, &Access::new(LOG_IN).under(&grant), &row.item(1)?)?;
                let is_right = normalise(&email) == wanted;
                println!(
                    "    {wanted:<17}  {}  {}",
                    pad(owner.name, 14),
                    if is_right { "yes" } else { "no: now another" }
                );
                found.push((owner.name, is_right));
            }
        }
        Ok(found)
    }

    /// Both are logged in.
    pub fn reown(&mut self, from: &Who, to: &Who, row: usize) -> Result<()> {
        let (from, to) = (self.log_in(from)?, self.log_in(to)?);
        let row = &mut self.table[row];
        for column in 0..FIELDS.len() {
            let mut out = [0; Token::MAX_LEN];
            let held = to.reown_held(&from, &row.item(column)?, &mut out, &mut self.host)?;
            row.cells[column] = TokenBuf::new(&self.host.settle(&self.vault, held)?.into_token());
        }
        Ok(())
    }

    /// Adds a root, rewraps every row, retires the old root; gives both, as a thief might have them.
    pub fn rotate(&mut self, owners: [&Who; 3]) -> Result<Vec<u8>> {
        let mut keyring = Keyring::read_secret(&self.keyring)?;
        keyring.add_epoch(&mut self.host.environment().rng)?;
        let both_roots = written(&keyring)?;
        self.vault = Rc::new(Vault::new(keyring, &CONFIG)?);
        let service = Who::new(Kind::Service, "rewrapper", "maintenance", Rights::NONE, Purpose::MAINTENANCE);
        for (row, owner) in owners.into_iter().enumerate() {
            let terms = self.terms(&service, Purpose::MAINTENANCE, &FIELDS);
            let terms = GrantTerms { view: View::Reseal, uses: Some(5), ..terms };
            let grant = self.authority_grants(owner, &terms, "rotation 2027-01")?;
            let (session, row) = (self.log_in(&service)?, &mut self.table[row]);
            for column in 0..FIELDS.len() {
                let (access, mut out) = (Access::new(Purpose::MAINTENANCE).under(&grant), [0; Token::MAX_LEN]);
                let token = session.rewrap(&access, &row.item(column)?, &mut out, &mut self.host)?;
                row.cells[column] = TokenBuf::new(&token);
            }
        }
        let mut keyring = Keyring::read_secret(&both_roots)?;
        keyring.retire(1)?;
        self.vault = Rc::new(Vault::new(keyring, &CONFIG)?);
        Ok(both_roots)
    }

    pub fn erase(&mut self, who: &Who) -> Result<()> {
        self.act(who, |session, host| session.erase_held(&who.principal, host))
    }
}

fn parts(clock: &Rc<Cell<Time>>, store: MyStore) -> Environment {
    let clock = clock.clone();
    Parts { clock: Box::new(move || Some(clock.get())), rng: rng(3), store }
}

fn written(keyring: &Keyring) -> Result<Vec<u8>> {
    let mut secret = vec![0; Keyring::MAX_LEN];
    let len = keyring.write_secret(&mut secret)?;
    secret.truncate(len);
    Ok(secret)
}

fn normalise(email: &str) -> String {
    email.trim().to_lowercase()
}

/// **Not random**, so that every run is the same; a real host takes the operating system's generator.
pub fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}
