//! Attacks on grants, views, destinations, erasure, resealing and indexes: a hostile grantee, policy authority or mail sender, a confused server, a store that
//! fails or lies. Each is refused, and the trail knows why. (Who may see what in general: `access_model.rs`.)

mod common;

use std::{
    cell::Cell,
    mem,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use common::{AUDIENCE, CONTEXT, NOW, TestHost, TestRng, World, alice, bob, enter, forge, still};
use symbolon::{
    Access, AuditKey, Batch, CheckedRng, Class, Config, Entry, Error, Event, Field, Grant, GrantTerms, Held, Host,
    Index, Item, Keyring, MemoryStore, Outcome, Parts, Principal, Purpose, Purposes, Reason, Record, RecordKey, Rights,
    SealedEntry, Session, SessionKey, Slot, Store, StoreError, Table, Terms, Time, Token, TokenBuf, TrailReader, Vault,
    View, reply_len,
};

const SECRET: &str = "secret of many letters";

/// A world taken apart, so that sessions can live while its host works.
struct Place<'w> {
    vault: &'w Vault,
    host: &'w mut TestHost,
    audit: &'w AuditKey,
    clock: &'w Cell<Option<Time>>,
    down: &'w Cell<bool>,
    rng: &'w mut TestRng,
    reader: TrailReader,
}

type Of<'w> = Session<&'w Vault>;

impl<'w> Place<'w> {
    fn of(world: &'w mut World) -> Self {
        let reader = world.audit.reader();
        Self::going_on(world, reader)
    }

    fn going_on(world: &'w mut World, reader: TrailReader) -> Self {
        let World { vault, host, audit, clock, down, rng, .. } = world;
        Self { vault, host, audit, clock, down, rng, reader }
    }

    fn enter(&mut self, who: &Principal, rights: Rights) -> Of<'w> {
        enter(self.vault, self.host, self.rng, who, rights)
    }

    fn own(&mut self, who: &Principal) -> Of<'w> {
        self.enter(who, Rights::OWN)
    }

    fn token<'s>(&mut self, owner: &Principal, slot: impl Into<Slot<'s>>, value: &str) -> TokenBuf {
        let mut out = [0; Token::MAX_LEN];
        TokenBuf::new(&self.vault.tokenize(owner, slot, value.as_bytes(), &mut out, self.host).unwrap())
    }

    fn erasable<'s>(&mut self, owner: &Principal, slot: impl Into<Slot<'s>>, value: &str) -> TokenBuf {
        let held = self.vault.erasable_sealer_held(owner, self.host);
        let sealer = self.settle(held).unwrap();
        let mut out = [0; Token::MAX_LEN];
        let mut rng = CheckedRng::new(self.rng.clone());
        use rand_core::TryRng;
        self.rng.try_next_u64().unwrap();
        TokenBuf::new(&sealer.tokenize(slot, value.as_bytes(), &mut out, &mut rng).unwrap())
    }

    fn settle<T: Outcome>(&mut self, held: Result<Held<T>, Error>) -> Result<T, Error> {
        self.host.settle(self.vault, held?)
    }

    /// Alice grants by way of this session of hers.
    fn grant(&mut self, session: &Of<'_>, terms: &GrantTerms<'_>) -> Grant {
        let held = session.grant_held(terms, self.host);
        self.settle(held).unwrap()
    }

    /// The value, or the mask.
    fn open<'s>(
        &mut self,
        by: &Of<'_>,
        access: &Access<'_>,
        slot: impl Into<Slot<'s>>,
        token: &'s TokenBuf,
    ) -> Result<String, Error> {
        let mut work = [0xaa; Token::MAX_OPEN_LEN];
        let used = token.as_token().as_bytes().len() - 38;
        let item = Item::new(slot, token.as_token());
        let opened = by.detokenize_as(access, &item, &mut work, self.host);
        let opened = opened.map(|value| String::from_utf8(value.expose().to_vec()).unwrap());
        assert!(work[..used].iter().all(|byte| *byte == 0) || work == [0xaa; Token::MAX_OPEN_LEN], "nothing stays");
        opened
    }

    /// All entries of the trail since the last time; the store forgets them.
    fn news(&mut self) -> Vec<Entry> {
        let (mut entries, mut last, reader) = (Vec::new(), 0, &mut self.reader);
        let store = &mut self.host.environment().store;
        let each = &mut |sealed: &SealedEntry| {
            last = sealed.sequence();
            entries.push(reader.read(sealed).unwrap().entry);
            true
        };
        store.entries(each).unwrap();
        store.acknowledge(last).unwrap();
        entries
    }

    fn reason(&mut self) -> Reason {
        self.news().pop().unwrap().reason
    }

    fn record(&mut self, table: Table, id: [u8; 16]) -> Option<Vec<u8>> {
        let mut value = [0; Record::MAX_LEN];
        let len = self.host.environment().store.memory.get(&RecordKey { table, id }, &mut value).unwrap()?;
        Some(value[..len].to_vec())
    }

    fn owner_record(&mut self, owner: &Principal) -> Vec<u8> {
        self.record(Table::Owner, self.vault.owner_tag(owner)).unwrap()
    }

    fn uses(&mut self, grant: &Grant) -> u32 {
        let count = self.record(Table::GrantUses, forge::grant_id(grant));
        count.map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
    }
}

fn carrier() -> Principal {
    Principal::service("shop-17", "carrier").unwrap()
}

fn authority() -> Principal {
    Principal::service("shop-17", "policy").unwrap()
}

fn clerk() -> Principal {
    Principal::staff("shop-17", "clerk").unwrap()
}

fn twin() -> Principal {
    Principal::person("shop-18", "alice").unwrap()
}

/// For shipping, the whole value of e-mail address and name, uncounted, for a minute.
fn terms(grantee: &Principal) -> GrantTerms<'_> {
    GrantTerms {
        grantee,
        fields: &[Field::EMAIL, Field::PERSON_NAME],
        purpose: Purpose::SHIPPING,
        view: View::Full,
        record: None,
        not_before: NOW,
        expires: NOW.plus(60_000),
        uses: None,
    }
}

fn reseal(grantee: &Principal, purpose: Purpose, uses: u32) -> GrantTerms<'_> {
    GrantTerms { purpose, view: View::Reseal, uses: (uses > 0).then_some(uses), ..terms(grantee) }
}

const EMAIL: &str = "alice@example.com";

fn shipping(grant: &Grant) -> Access<'_> {
    Access::new(Purpose::SHIPPING).under(grant)
}

// ---- The hostile grantee.

/// Each byte in three ways: it has no form any more, or the MAC doesn't verify.
#[test]
fn every_byte_of_a_grant() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&alice(), Field::EMAIL, EMAIL);
    let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::NONE));
    let grant = place.grant(&owner, &terms(&carrier()));
    assert_eq!(place.open(&service, &shipping(&grant), Field::EMAIL, &token).unwrap(), EMAIL, "the control");
    let (mut formless, mut denied) = (0, 0);
    for at in 0..Grant::LEN {
        for flip in [1, 2, 0x80, 0xff] {
            let mut bytes = *grant.as_bytes();
            bytes[at] ^= flip;
            let Ok(edited) = Grant::from_bytes(&bytes) else {
                formless += 1;
                continue;
            };
            // What it says it is for now, so that nothing but the MAC stands in the way of it.
            let access = Access::new(edited.purpose_unverified()).under(&edited);
            assert_eq!(place.open(&service, &access, Field::EMAIL, &token), Err(Error::Denied), "byte {at}");
            assert_eq!(place.reason(), Reason::BadGrant, "byte {at}");
            denied += 1;
        }
    }
    assert!(formless >= 150 && denied >= 400, "{formless} {denied}");
}

/// Parts of two genuine grants make no third one.
#[test]
fn grants_of_two_owners_mixed() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let bobs = place.token(&bob(), Field::EMAIL, "bob@example.com");
    let (a, b, service) = (place.own(&alice()), place.own(&bob()), place.enter(&carrier(), Rights::NONE));
    let mine = place.grant(&a, &GrantTerms { expires: NOW.plus(600_000), ..terms(&carrier()) });
    let theirs = place.grant(&b, &GrantTerms { view: View::Masked, ..terms(&carrier()) });
    assert_eq!(
        place.open(&service, &shipping(&theirs).masked(), Field::EMAIL, &bobs).unwrap(),
        "b●●@●●●",
        "the control"
    );
    // view, kind, purpose, epoch, grant epoch, times, uses, fields, grantee, grantor, record, id, subject, MAC
    let cuts = [0, 1, 2, 3, 4, 6, 10, 18, 26, 30, 46, 62, 78, 94, 110, 175, 191];
    let mut tried = 0;
    for from in 0..cuts.len() {
        for to in from + 1..cuts.len() {
            for (inner, outer) in [(&mine, &theirs), (&theirs, &mine)] {
                let mut bytes = *outer.as_bytes();
                bytes[cuts[from]..cuts[to]].copy_from_slice(&inner.as_bytes()[cuts[from]..cuts[to]]);
                if bytes == *mine.as_bytes() || bytes == *theirs.as_bytes() {
                    continue;
                }
                let mixed = Grant::from_bytes(&bytes).unwrap();
                assert_eq!(place.open(&service, &shipping(&mixed), Field::EMAIL, &bobs), Err(Error::Denied));
                assert_eq!(place.reason(), Reason::BadGrant);
                tried += 1;
            }
        }
    }
    assert!(tried >= 100, "{tried}");
    assert_eq!(place.open(&service, &shipping(&mine), Field::EMAIL, &bobs), Err(Error::Denied));
    assert_eq!(place.reason(), Reason::DoesNotOpen, "a genuine grant of Alice's opens nothing of Bob's");
}

/// Uses go on after a restart where they were.
#[test]
fn uses_across_a_restart() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&alice(), Field::EMAIL, EMAIL);
    let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::NONE));
    let grant = place.grant(&owner, &GrantTerms { uses: Some(3), ..terms(&carrier()) });
    for _ in 0..2 {
        assert!(place.open(&service, &shipping(&grant), Field::EMAIL, &token).is_ok());
    }
    let reader = place.reader;
    drop((owner, service));
    world.restart(NOW.plus(1)).unwrap();
    let mut place = Place::going_on(&mut world, reader);
    let service = place.enter(&carrier(), Rights::NONE);
    assert!(place.open(&service, &shipping(&grant), Field::EMAIL, &token).is_ok());
    for _ in 0..3 {
        assert_eq!(place.open(&service, &shipping(&grant), Field::EMAIL, &token), Err(Error::Denied));
    }
    assert_eq!((place.reason(), place.uses(&grant)), (Reason::GrantUsedUp, 3));
}

/// A commit that fails gives no value and costs a use; a batch that was never made durable costs none and gives none.
#[test]
fn uses_and_commits_that_fail() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&alice(), Field::EMAIL, EMAIL);
    let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::NONE));
    let grant = place.grant(&owner, &GrantTerms { uses: Some(3), ..terms(&carrier()) });
    let item = Item::of(token.as_token());
    let commits = place.host.environment().store.commits.clone();
    commits.set(0);
    assert_eq!(place.open(&service, &shipping(&grant), Field::EMAIL, &token), Err(Error::Unavailable));
    assert_eq!(place.uses(&grant), 0, "not yet durable");
    commits.set(usize::MAX);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let held = service.detokenize_held(&shipping(&grant), &item, &mut work, place.host).unwrap();
    let (_, ticket) = place.host.batch(place.vault).unwrap();
    place.host.not_committed(ticket);
    // The next batch has it all: the value is released with it, and both are counted.
    let receipt = place.host.commit(place.vault).unwrap();
    assert_eq!(held.release(&receipt).unwrap().expose(), EMAIL.as_bytes());
    assert_eq!(place.uses(&grant), 2);
    assert!(place.open(&service, &shipping(&grant), Field::EMAIL, &token).is_ok());
    assert_eq!(place.open(&service, &shipping(&grant), Field::EMAIL, &token), Err(Error::Denied));

    let grant = place.grant(&owner, &GrantTerms { uses: Some(1), ..terms(&carrier()) });
    let held = service.detokenize_held(&shipping(&grant), &item, &mut work, place.host).unwrap();
    let (_, ticket) = place.host.batch(place.vault).unwrap();
    place.host.not_committed(ticket);
    let reader = place.reader;
    drop((owner, service));
    // The machine stops here: the batch is lost, and nothing releases what waits for it.
    world.restart(NOW.plus(1)).unwrap();
    let mut place = Place::going_on(&mut world, reader);
    let receipt = place.host.commit(place.vault).unwrap();
    assert_eq!(held.release(&receipt).unwrap_err(), Error::Unavailable);
    assert!(!work.windows(5).any(|window| window == b"alice"));
    let service = place.enter(&carrier(), Rights::NONE);
    assert_eq!(place.uses(&grant), 0);
    assert!(place.open(&service, &shipping(&grant), Field::EMAIL, &token).is_ok());
    assert_eq!(place.open(&service, &shipping(&grant), Field::EMAIL, &token), Err(Error::Denied));
}

/// Forgetting what is held doesn't save a use; and within one batch, before anything is durable, uses are counted, too.
#[test]
fn held_outcomes_forgotten() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&alice(), Field::EMAIL, EMAIL);
    let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::NONE));
    let grant = place.grant(&owner, &GrantTerms { uses: Some(3), ..terms(&carrier()) });
    let item = Item::of(token.as_token());
    for _ in 0..3 {
        let mut work = [0; Token::MAX_OPEN_LEN];
        mem::forget(service.detokenize_held(&shipping(&grant), &item, &mut work, place.host).unwrap());
        assert!(!work.windows(5).any(|window| window == b"alice"));
    }
    let mut work = [0; Token::MAX_OPEN_LEN];
    let held = service.detokenize_held(&shipping(&grant), &item, &mut work, place.host);
    assert_eq!(place.settle(held).unwrap_err(), Error::Denied);
    assert_eq!((place.reason(), place.uses(&grant)), (Reason::GrantUsedUp, 3));

    // One reveal of four items: two are shown.
    let grant = place.grant(&owner, &GrantTerms { uses: Some(2), ..terms(&carrier()) });
    let client = log_in(place.vault, place.rng, &carrier());
    let proof = client.0.prove(&client.1, CONTEXT, NOW, place.rng).unwrap();
    let session = place.vault.authenticate(&client.1, &proof, CONTEXT, place.host).unwrap();
    let items = [item; 4];
    let mut out = vec![0; reply_len(&items)];
    let mut reply = session.reveal(&shipping(&grant), &items, &mut out, place.host).unwrap().as_bytes().to_vec();
    let reply = client.0.open_reply(&client.1, Some(&proof), &items, &mut reply).unwrap();
    let shown: Vec<bool> = reply.values().map(|value| value.is_some()).collect();
    assert_eq!(shown, [true, true, false, false]);
}

fn log_in(vault: &Vault, rng: &mut TestRng, who: &Principal) -> (SessionKey, symbolon::Credential) {
    let key = SessionKey::generate(rng).unwrap();
    let issuer = vault.issuer(who.tenant(), who.kind(), NOW.period()).unwrap();
    let terms = Terms { rights: Rights::NONE, purposes: Purposes::from_bits(u64::MAX), ..Terms::default() };
    let credential = issuer.issue(who, &key, &terms, NOW, rng).unwrap();
    (key, credential)
}

/// Eight threads, with sessions of their own, try 80 times; exactly 20 succeed, as the grant says.
#[test]
fn uses_from_eight_threads() {
    const USES: u32 = 20;
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let (mut host, _audit) = still::<64, 64, _>(&vault, MemoryStore::<256, 32>::new());
    let mut rng = TestRng(3);
    let owner = enter(&vault, &mut host, &mut rng, &alice(), Rights::OWN);
    let held = owner.grant_held(&GrantTerms { uses: Some(USES), ..terms(&carrier()) }, &mut host).unwrap();
    let grant = host.settle(&vault, held).unwrap();
    let mut bytes = [0; Token::MAX_LEN];
    let token = vault.tokenize(&alice(), Field::EMAIL, EMAIL.as_bytes(), &mut bytes, &mut host).unwrap();
    let sessions: Vec<_> = (0..8).map(|_| enter(&vault, &mut host, &mut rng, &carrier(), Rights::NONE)).collect();
    let (host, opened) = (Mutex::new(host), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for (number, session) in sessions.iter().enumerate() {
            let (host, opened, vault, grant) = (&host, &opened, &vault, &grant);
            scope.spawn(move || {
                for turn in 0..10 {
                    let mut work = [0; Token::MAX_OPEN_LEN];
                    let access = shipping(grant);
                    let outcome = if (number + turn) % 2 == 0 {
                        session.detokenize_as(&access, &Item::of(token), &mut work, &mut host.lock().unwrap())
                    } else {
                        // Staged under one lock, committed under another: others come in between.
                        let held =
                            session.detokenize_held(&access, &Item::of(token), &mut work, &mut host.lock().unwrap());
                        std::thread::yield_now();
                        let receipt = host.lock().unwrap().commit(vault).unwrap();
                        held.unwrap().release(&receipt)
                    };
                    match outcome {
                        Ok(value) => {
                            assert_eq!(value.expose(), EMAIL.as_bytes());
                            opened.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => assert_eq!(error, Error::Denied),
                    }
                }
            });
        }
    });
    assert_eq!(opened.into_inner(), USES);
}

/// A grant is no oracle for whose a token is, or where mail goes: what doesn't open is counted, too. But only its grantee's tries are.
#[test]
fn refusals_are_counted() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let (mine, theirs) =
        (place.token(&alice(), Field::EMAIL, EMAIL), place.token(&bob(), Field::EMAIL, "bob@example.com"));
    let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::NONE));
    let other = place.enter(&Principal::service("shop-17", "parcels").unwrap(), Rights::NONE);
    let service_name = carrier();
    let mail = GrantTerms { purpose: Purpose::MESSAGE, uses: Some(5), ..terms(&service_name) };
    for (terms, wrong_address) in [
        (GrantTerms { uses: Some(5), ..terms(&service_name) }, false),
        (GrantTerms { uses: Some(5), view: View::Masked, ..terms(&service_name) }, false),
        (reseal(&service_name, Purpose::MAINTENANCE, 5), false),
        (mail, true),
    ] {
        let grant = place.grant(&owner, &terms);
        let mut access = Access::new(terms.purpose).under(&grant);
        if terms.view == View::Masked {
            access = access.masked();
        }
        if wrong_address {
            access = access.to_address(Field::EMAIL, b"guess@example.com");
        }
        let attempt = |place: &mut Place<'_>, by: &Of<'_>, token: &TokenBuf| {
            if terms.view == View::Reseal {
                let mut out = [0; Token::MAX_LEN];
                by.rewrap(&access, &Item::of(token.as_token()), &mut out, place.host).map(drop)
            } else {
                place.open(by, &access, Field::EMAIL, token).map(drop)
            }
        };
        for _ in 0..10 {
            assert_eq!(attempt(&mut place, &other, &mine), Err(Error::Denied));
            assert_eq!(place.reason(), Reason::WrongGrantee);
            let elsewhere = Access::new(Purpose::SUPPORT).under(&grant);
            assert_eq!(place.open(&service, &elsewhere, Field::EMAIL, &mine), Err(Error::Denied));
        }
        assert_eq!(place.uses(&grant), 0, "tries that are none of the grant's");
        for used in 1..=5 {
            assert_eq!(attempt(&mut place, &service, &theirs), Err(Error::Denied));
            assert!([Reason::DoesNotOpen, Reason::WrongDestination, Reason::NotOlder].contains(&place.reason()));
            assert_eq!(place.uses(&grant), used);
        }
        assert_eq!(attempt(&mut place, &service, &mine), Err(Error::Denied));
        assert_eq!((place.reason(), place.uses(&grant)), (Reason::GrantUsedUp, 5));
    }
    // A grant that may be used without end, to tell by resealing whose a token is, can't be had.
    let unlimited = owner.grant_held(&reseal(&carrier(), Purpose::MAINTENANCE, 0), place.host);
    assert_eq!(unlimited.unwrap_err(), Error::InvalidTerms);
}

/// A revocation counts for what is staged behind it, in the same batch, and after a restart.
#[test]
fn revocation_while_a_batch_is_held() {
    for all in [false, true] {
        let mut world = World::new();
        let mut place = Place::of(&mut world);
        let token = place.token(&alice(), Field::EMAIL, EMAIL);
        let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::NONE));
        let grant = place.grant(&owner, &terms(&carrier()));
        let item = Item::of(token.as_token());
        let (mut before, mut behind) = ([0; Token::MAX_OPEN_LEN], [0; Token::MAX_OPEN_LEN]);
        let first = service.detokenize_held(&shipping(&grant), &item, &mut before, place.host).unwrap();
        let mut store = place.host.environment().store.clone();
        let (batch, ticket) = place.host.batch(place.vault).unwrap();
        store.commit(&batch).unwrap();
        place.host.environment().store = store;
        let revoked =
            if all { owner.revoke_all_held(&alice(), place.host) } else { owner.revoke_held(&grant, place.host) };
        let second = service.detokenize_held(&shipping(&grant), &item, &mut behind, place.host).unwrap();
        let receipt = place.host.committed(ticket).unwrap();
        let revoked = revoked.unwrap();
        assert!(!revoked.is_covered_by(&receipt), "not revoked before that is durable");
        assert!(first.release(&receipt).is_ok());
        let receipt = place.host.commit(place.vault).unwrap();
        assert_eq!((revoked.release(&receipt), second.release(&receipt).err()), (Ok(()), Some(Error::Denied)));
        assert_eq!(place.reason(), Reason::GrantRevoked);
        let reader = place.reader;
        drop((owner, service));
        world.restart(NOW.plus(1)).unwrap();
        let mut place = Place::going_on(&mut world, reader);
        let service = place.enter(&carrier(), Rights::NONE);
        assert_eq!(place.open(&service, &shipping(&grant), Field::EMAIL, &token), Err(Error::Denied));
        assert_eq!(place.reason(), Reason::GrantRevoked);
        // One by one is for that one; all is for what was minted before.
        let owner = place.own(&alice());
        let again = place.grant(&owner, &terms(&carrier()));
        assert!(place.open(&service, &shipping(&again), Field::EMAIL, &token).is_ok());
    }
}

/// Only the owner, the policy authority and who maintains revoke; a grant of another tenant can't be named.
#[test]
fn revocation_by_others() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&alice(), Field::EMAIL, EMAIL);
    let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::OWN));
    let grant = place.grant(&owner, &terms(&carrier()));
    let everything = Rights::MAINTAIN.and(Rights::GRANT);
    let far = place.enter(&Principal::staff("shop-18", "clerk").unwrap(), everything);
    let rightless = place.enter(&alice(), Rights::NONE);
    let others = [place.own(&bob()), place.enter(&clerk(), Rights::OWN.and(Rights::CONFIRM_ADDRESS)), rightless];
    for session in others.iter().chain([&service]) {
        let held = session.revoke_held(&grant, place.host);
        assert_eq!(place.settle(held), Err(Error::Denied));
        assert_eq!(place.reason(), Reason::NoRight);
        let held = session.revoke_all_held(&alice(), place.host);
        assert_eq!(place.settle(held), Err(Error::Denied));
        assert_eq!(place.reason(), Reason::NoRight);
    }
    let held = far.revoke_held(&grant, place.host);
    assert_eq!(place.settle(held), Err(Error::Denied));
    let entry = place.news().pop().unwrap();
    assert_eq!((entry.reason, entry.owner_or_commitment, entry.grant), (Reason::BadGrant, [0; 16], [0; 8]));
    let held = far.revoke_all_held(&alice(), place.host);
    assert_eq!(place.settle(held), Err(Error::Denied));
    assert_eq!(place.reason(), Reason::OtherTenant);
    // Of the same id, with another body: it revokes nothing.
    let mut bytes = *grant.as_bytes();
    bytes[26] ^= 1;
    let held = owner.revoke_held(&Grant::from_bytes(&bytes).unwrap(), place.host);
    assert_eq!(place.settle(held), Err(Error::Denied));
    assert_eq!(place.reason(), Reason::BadGrant);
    assert!(place.open(&service, &shipping(&grant), Field::EMAIL, &token).is_ok(), "it still holds");
    for rights in [Rights::MAINTAIN, Rights::GRANT] {
        let (one, other) = (place.grant(&owner, &terms(&carrier())), place.grant(&owner, &terms(&carrier())));
        let session = place.enter(&clerk(), rights);
        let held = session.revoke_held(&one, place.host);
        assert_eq!(place.settle(held), Ok(()));
        assert_eq!(place.open(&service, &shipping(&one), Field::EMAIL, &token), Err(Error::Denied));
        assert!(place.open(&service, &shipping(&other), Field::EMAIL, &token).is_ok());
        let held = session.revoke_all_held(&alice(), place.host);
        assert_eq!(place.settle(held), Ok(()));
        assert_eq!(place.open(&service, &shipping(&other), Field::EMAIL, &token), Err(Error::Denied));
    }
}

// ---- The hostile policy authority, and who would like to be one.

#[test]
fn what_a_policy_authority_cannot_mint() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let owner = place.own(&alice());
    let policy = place.enter(&authority(), Rights::GRANT.and(Rights::OWN));
    let rightless = place.enter(&authority(), Rights::OWN.and(Rights::MAINTAIN).and(Rights::TOKENIZE));
    let good = terms(&PLAIN);
    static PLAIN: std::sync::LazyLock<Principal> = std::sync::LazyLock::new(carrier);
    let mint = |place: &mut Place<'_>, by: &Of<'_>, owner: &Principal, terms: &GrantTerms<'_>, reason: &str| {
        let held = by.grant_for_held(owner, terms, reason, place.host);
        place.settle(held).map(drop)
    };
    let reason = "ticket 4711, asked for by phone...";
    assert_eq!(reason.len(), 34);
    assert_eq!(mint(&mut place, &policy, &alice(), &good, reason), Ok(()), "the control");
    let news = place.news();
    let [.., minted, scope, why] = &*news else { panic!("{news:?}") };
    assert_eq!((minted.event, scope.event, why.event), (Event::Grant, Event::GrantScope, Event::GrantReason));
    assert_eq!(why.reason_given().unwrap(), reason.as_bytes());
    assert_eq!(
        (minted.caller, minted.owner_or_commitment),
        (place.audit.tag_of(&authority()), place.audit.tag_of(&alice()))
    );

    // Without the right; the owner, in the policy authority's way, neither.
    for session in [&rightless, &owner] {
        assert_eq!(mint(&mut place, session, &bob(), &good, reason), Err(Error::Denied));
        assert!(place.news().iter().any(|entry| entry.event == Event::Grant && entry.reason == Reason::NoRight));
    }
    // For an owner of another tenant: to a grantee there, or here.
    let there = Principal::service("shop-18", "carrier").unwrap();
    assert_eq!(mint(&mut place, &policy, &twin(), &terms(&there), reason), Err(Error::Denied));
    assert!(place.news().iter().any(|entry| entry.event == Event::Grant && entry.reason == Reason::OtherTenant));
    assert_eq!(mint(&mut place, &policy, &twin(), &good, reason), Err(Error::InvalidTerms));
    assert_eq!(mint(&mut place, &policy, &alice(), &terms(&there), reason), Err(Error::InvalidTerms));
    // To oneself, to the owner.
    assert_eq!(mint(&mut place, &policy, &alice(), &terms(&authority()), reason), Err(Error::InvalidTerms));
    assert_eq!(mint(&mut place, &policy, &alice(), &terms(&alice()), reason), Err(Error::InvalidTerms));
    // Without a reason, or with too long a one.
    for reason in ["", "ticket 4711, asked for by phone....", "ticket\0"] {
        assert_eq!(mint(&mut place, &policy, &alice(), &good, reason), Err(Error::InvalidTerms), "{reason:?}");
    }
    // Giving tokens away is the owner's.
    let transfer = reseal(&PLAIN, Purpose::TRANSFER, 3);
    assert_eq!(mint(&mut place, &policy, &alice(), &transfer, reason), Err(Error::InvalidTerms));
    assert!(owner.grant_held(&transfer, place.host).is_ok());
    // Terms that nobody can have.
    const YEAR: u64 = 366 * 86_400_000;
    let order = Some(b"order-7".as_slice());
    for (wrong, error) in [
        (GrantTerms { expires: NOW.plus(YEAR + 1), ..good }, Error::InvalidTerms),
        (GrantTerms { expires: NOW, ..good }, Error::InvalidTerms),
        (GrantTerms { fields: &[], ..good }, Error::InvalidTerms),
        (GrantTerms { fields: &[Field::EMAIL, Field::EMAIL], ..good }, Error::InvalidTerms),
        (GrantTerms { view: View::Reseal, uses: Some(1), ..good }, Error::InvalidTerms),
        (GrantTerms { purpose: Purpose::MAINTENANCE, ..good }, Error::InvalidTerms),
        (GrantTerms { record: order, ..good }, Error::InvalidTerms),
        (GrantTerms { record: Some(b""), fields: &[Field::SHIPPING_ADDRESS], ..good }, Error::InvalidField),
        (GrantTerms { record: Some(&[b'x'; 65]), fields: &[Field::SHIPPING_ADDRESS], ..good }, Error::InvalidField),
    ] {
        assert_eq!(mint(&mut place, &policy, &alice(), &wrong, reason), Err(error), "{wrong:?}");
        assert_eq!(owner.grant_held(&wrong, place.host).unwrap_err(), error);
    }
    assert_eq!(mint(&mut place, &policy, &alice(), &GrantTerms { expires: NOW.plus(YEAR), ..good }, reason), Ok(()));
    assert_eq!(owner.grant_held(&terms(&alice()), place.host).unwrap_err(), Error::InvalidTerms);
    // A session of the owner's without the right own mints nothing.
    let without = place.enter(&alice(), Rights::NONE);
    let held = without.grant_held(&good, place.host);
    assert_eq!(place.settle(held).unwrap_err(), Error::Denied);
    assert_eq!(place.reason(), Reason::NoRight);
}

// ---- Views.

/// Looks for the value in a buffer that is not to have it: plain, under what the token was encrypted with, and under what the mask would show of that.
fn gives_away(buffer: &[u8], token: &TokenBuf, mask: &str) -> bool {
    let token = token.as_token();
    let sealed = &token.as_bytes()[22..];
    let contains =
        |bytes: &[u8]| bytes.windows(6).any(|window| SECRET.as_bytes().windows(6).any(|part| part == window));
    // With the ciphertext at every offset, and the mask taken off at every offset.
    (0..40).any(|shift| {
        let xored: Vec<u8> = buffer.iter().zip(&sealed[shift..]).map(|(a, b)| a ^ b).collect();
        (0..20).any(|at| {
            let mut xored = xored.clone();
            xored.iter_mut().skip(at).zip(mask.as_bytes()).for_each(|(byte, of_mask)| *byte ^= of_mask);
            contains(&xored)
        }) || contains(&xored)
    }) || contains(buffer)
}

/// The masked view: neither the whole value nor anything that gives it is in the buffer, held, forgotten, or sealed.
#[test]
fn masked_views_hold_no_whole_value() {
    for (field, mask) in [(Field::PERSON_NAME, "s●●"), (Field::ORDER_LINE, "●●●●")] {
        let mut world = World::new();
        let mut place = Place::of(&mut world);
        let token = place.token(&alice(), field, SECRET);
        let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::NONE));
        let grant = place.grant(&owner, &GrantTerms { view: View::Masked, fields: &[field], ..terms(&carrier()) });
        let item = Item::of(token.as_token());
        assert_eq!(place.open(&service, &shipping(&grant).masked(), field, &token).unwrap(), mask, "the control");
        assert_eq!(place.open(&service, &shipping(&grant), field, &token), Err(Error::Denied));
        for (session, access) in [(&service, shipping(&grant).masked()), (&owner, Access::OWN.masked())] {
            let mut work = [0; Token::MAX_OPEN_LEN];
            mem::forget(session.detokenize_as(&access, &item, &mut work, place.host).unwrap());
            assert!(
                work.starts_with(mask.as_bytes()) && work[mask.len()..].iter().all(|byte| *byte == 0),
                "the mask and nothing else"
            );
            let mut work = [0; Token::MAX_OPEN_LEN];
            mem::forget(session.detokenize_held(&access, &item, &mut work, place.host).unwrap());
            assert!(!gives_away(&work, &token, mask));
            assert!(
                !work.windows(3).any(|window| window == "●".as_bytes()),
                "not even the mask, before it is on the record"
            );
            let held = session.detokenize_held(&access, &item, &mut work, place.host);
            assert_eq!(place.settle(held).unwrap().expose(), mask.as_bytes());
            let mut out = vec![0; reply_len(&[item])];
            mem::forget(session.reveal_held(&access, &[item], &mut out, place.host).unwrap());
            assert!(!gives_away(&out, &token, mask));
            drop(place.news());
        }
        // The whole value, held, is ciphertext again: no more than the token shows anyway.
        let mut work = [0; Token::MAX_OPEN_LEN];
        mem::forget(owner.detokenize_held(&Access::OWN, &item, &mut work, place.host).unwrap());
        assert!(!work.windows(6).any(|window| SECRET.as_bytes().starts_with(window)));

        // What the client can open of a sealed reply is the mask and zeros.
        let client = log_in(place.vault, place.rng, &carrier());
        let proof = client.0.prove(&client.1, CONTEXT, NOW, place.rng).unwrap();
        let session = place.vault.authenticate(&client.1, &proof, CONTEXT, place.host).unwrap();
        let (items, mut out) = ([item; 2], vec![0; reply_len(&[item; 2])]);
        let access = shipping(&grant).masked();
        let mut reply = session.reveal(&access, &items, &mut out, place.host).unwrap().as_bytes().to_vec();
        let len = reply.len();
        let opened = client.0.open_reply(&client.1, Some(&proof), &items, &mut reply).unwrap();
        assert!(opened.values().all(|value| value == Some(mask.as_bytes())));
        assert!(opened.views().all(|view| view == Some(View::Masked)));
        mem::forget(opened);
        assert!(!gives_away(&reply, &token, mask));
        let answer = &reply[16..16 + (len - 32) / 2];
        assert_eq!((answer[0], usize::from(answer[1])), (2, mask.len()));
        assert!(answer[3 + mask.len()..].iter().all(|byte| *byte == 0), "zeros behind the mask");
    }
}

// ---- The hostile mail sender.

#[test]
fn a_stale_list_of_recipients() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&alice(), Field::PERSON_NAME, "Alice Liddell");
    let (owner, sender, desk) =
        (place.own(&alice()), place.enter(&carrier(), Rights::NONE), place.enter(&clerk(), Rights::CONFIRM_ADDRESS));
    let grant = place.grant(&owner, &GrantTerms { purpose: Purpose::MESSAGE, ..terms(&carrier()) });
    let parcels = place.grant(&owner, &terms(&carrier()));
    let confirm = |place: &mut Place<'_>, who: &Principal, field, address: &[u8]| {
        let held = desk.confirm_address_held(who, field, address, place.host);
        place.settle(held)
    };
    let sent = |place: &mut Place<'_>, field, address: &[u8]| {
        let access = Access::new(Purpose::MESSAGE).under(&grant).to_address(field, address);
        let opened = place.open(&sender, &access, Field::PERSON_NAME, &token);
        let reason = if opened.is_ok() { Reason::Done } else { Reason::WrongDestination };
        assert_eq!(place.reason(), reason);
        opened.is_ok()
    };
    let none = Access::new(Purpose::MESSAGE).under(&grant);
    assert!(!sent(&mut place, Field::EMAIL, b"alice@example.com"), "not yet confirmed");
    confirm(&mut place, &alice(), Field::EMAIL, b"alice@example.com").unwrap();
    confirm(&mut place, &bob(), Field::EMAIL, b"bob@example.com").unwrap();
    assert!(sent(&mut place, Field::EMAIL, b"alice@example.com"), "the control");
    for wrong in [b"bob@example.com".as_slice(), b"Alice@example.com", b"alice@example.com ", b"alice@example.co", b""]
    {
        assert!(!sent(&mut place, Field::EMAIL, wrong));
    }
    assert!(!sent(&mut place, Field::PHONE, b"alice@example.com"), "of another field");
    assert_eq!(place.open(&sender, &none, Field::PERSON_NAME, &token), Err(Error::Denied), "to nobody said");
    assert_eq!(place.reason(), Reason::WrongDestination);
    // With another purpose there is no destination, not even the right one.
    let parcel = shipping(&parcels).to_address(Field::EMAIL, b"alice@example.com");
    assert_eq!(place.open(&sender, &parcel, Field::PERSON_NAME, &token), Err(Error::Denied));
    assert_eq!(place.reason(), Reason::WrongDestination);
    // Replaced, it is stale; withdrawn, it is gone; confirmed again, it is back.
    confirm(&mut place, &alice(), Field::EMAIL, b"alice@new.example.com").unwrap();
    assert!(!sent(&mut place, Field::EMAIL, b"alice@example.com"));
    assert!(sent(&mut place, Field::EMAIL, b"alice@new.example.com"));
    confirm(&mut place, &alice(), Field::EMAIL, b"").unwrap();
    assert!(!sent(&mut place, Field::EMAIL, b"alice@new.example.com"));
    assert!(!sent(&mut place, Field::EMAIL, b""), "what withdraws an address is none");
    confirm(&mut place, &alice(), Field::EMAIL, b"alice@example.com").unwrap();
    assert!(sent(&mut place, Field::EMAIL, b"alice@example.com"));
    assert_eq!(confirm(&mut place, &alice(), Field::EMAIL, &[b'x'; 321]), Err(Error::TooLong));
    // Without the right, or in another tenant, nothing is confirmed.
    let far = place.enter(&Principal::staff("shop-18", "clerk").unwrap(), Rights::CONFIRM_ADDRESS);
    let rightless = place.enter(&clerk(), Rights::OWN.and(Rights::MAINTAIN).and(Rights::GRANT));
    for (session, reason) in [
        (&far, Reason::OtherTenant),
        (&sender, Reason::NoRight),
        (&owner, Reason::NoRight),
        (&rightless, Reason::NoRight),
    ] {
        let held = session.confirm_address_held(&alice(), Field::EMAIL, b"mallory@example.com", place.host);
        assert_eq!(place.settle(held), Err(Error::Denied));
        assert_eq!(place.reason(), reason);
    }
    assert!(sent(&mut place, Field::EMAIL, b"alice@example.com"));
    // Four fields have one; a fifth is refused and changes nothing.
    let custom = |number| Field::custom(number, Class::SMALLEST).unwrap();
    for number in 0..3 {
        confirm(&mut place, &alice(), custom(number), b"@alice").unwrap();
    }
    assert_eq!(confirm(&mut place, &alice(), custom(3), b"@alice"), Err(Error::Denied));
    assert!(!sent(&mut place, custom(3), b"@alice") && sent(&mut place, custom(2), b"@alice"));
}

/// An address that was verified under an older epoch still holds, and the first message to it moves it to the newest: it holds when the old root is gone.
#[test]
fn addresses_and_rotation() {
    let mut keyring = common::keyring();
    let mut world = World::with(forge::copy(&keyring), &Config::new(AUDIENCE));
    let mut place = Place::of(&mut world);
    let desk = place.enter(&clerk(), Rights::CONFIRM_ADDRESS);
    for (field, address) in [(Field::EMAIL, b"alice@example.com".as_slice()), (Field::PHONE, b"+81312345678")] {
        let held = desk.confirm_address_held(&alice(), field, address, place.host);
        place.settle(held).unwrap();
    }
    keyring.add_epoch(&mut TestRng(5)).unwrap();
    let both = Vault::new(forge::copy(&keyring), &Config::new(AUDIENCE)).unwrap();
    keyring.retire(1).unwrap();
    let newest_only = Vault::new(keyring, &Config::new(AUDIENCE)).unwrap();
    let mut bytes = [0; Token::MAX_LEN];
    let token =
        TokenBuf::new(&both.tokenize(&alice(), Field::PERSON_NAME, b"Alice Liddell", &mut bytes, place.host).unwrap());
    let to = |place: &mut Place<'_>, vault: &Vault, rights, field, address: &[u8]| {
        let session = enter(vault, place.host, place.rng, &alice(), rights);
        let access = Access::new(Purpose::MESSAGE).to_address(field, address);
        session.detokenize_as(&access, &Item::of(token.as_token()), &mut [0; Token::MAX_OPEN_LEN], place.host).map(drop)
    };
    // LE16 field, LE16 epoch, tag: the e-mail address is behind the telephone.
    let epochs = |place: &mut Place<'_>| {
        let record = place.owner_record(&alice());
        (record.len(), record[40], record[60])
    };
    assert_eq!(epochs(&mut place), (78, 1, 1));
    // Neither another address nor a session that is refused moves it.
    assert_eq!(to(&mut place, &both, Rights::OWN, Field::EMAIL, b"mallory@example.com"), Err(Error::Denied));
    assert_eq!(to(&mut place, &both, Rights::NONE, Field::EMAIL, b"alice@example.com"), Err(Error::Denied));
    assert_eq!(epochs(&mut place), (78, 1, 1));
    assert_eq!(to(&mut place, &both, Rights::OWN, Field::EMAIL, b"alice@example.com"), Ok(()));
    assert_eq!(epochs(&mut place), (78, 1, 2));
    assert_eq!(to(&mut place, &newest_only, Rights::OWN, Field::EMAIL, b"mallory@example.com"), Err(Error::Denied));
    assert_eq!(to(&mut place, &newest_only, Rights::OWN, Field::EMAIL, b"alice@example.com"), Ok(()));
    assert_eq!(
        to(&mut place, &newest_only, Rights::OWN, Field::PHONE, b"+81312345678"),
        Err(Error::Denied),
        "it was never used"
    );
    assert_eq!(place.reason(), Reason::WrongDestination);
}

// ---- Erasure.

/// What was derived for an erasable token, before its owner had a secret, is not what the next one is tried with.
#[test]
fn a_secret_that_comes_in_the_middle_of_a_request() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let owner = place.own(&alice());
    let bobs = place.erasable(&bob(), Field::EMAIL, EMAIL);
    let mut request = owner.request(&Access::OWN, 2, place.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let refused = request.detokenize(&Item::of(bobs.as_token()), &mut work, place.host);
    assert_eq!(refused.unwrap_err(), Error::Denied);
    let hers = place.erasable(&alice(), Field::EMAIL, EMAIL);
    let opened = request.detokenize(&Item::of(hers.as_token()), &mut work, place.host).unwrap();
    assert_eq!(opened.expose(), EMAIL.as_bytes());
}

#[test]
fn an_erased_owner() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let erasable = place.erasable(&alice(), Field::EMAIL, EMAIL);
    let plain = place.token(&alice(), Field::EMAIL, EMAIL);
    let bobs = [place.erasable(&bob(), Field::EMAIL, EMAIL), place.token(&bob(), Field::EMAIL, EMAIL)];
    let twins = place.erasable(&twin(), Field::EMAIL, EMAIL);
    let (owner, b, far) = (place.own(&alice()), place.own(&bob()), place.own(&twin()));
    let service = place.enter(&carrier(), Rights::NONE);
    let grant = place.grant(&owner, &terms(&carrier()));
    let bobs_grant = place.grant(&b, &terms(&carrier()));
    let desk = place.enter(&clerk(), Rights::CONFIRM_ADDRESS.and(Rights::GRANT).and(Rights::TOKENIZE));
    let held = desk.confirm_address_held(&alice(), Field::EMAIL, EMAIL.as_bytes(), place.host);
    place.settle(held).unwrap();
    let early_sealer = desk.erasable_sealer_held(&alice(), place.host);
    let early_sealer = place.settle(early_sealer).unwrap();
    for token in [&erasable, &plain] {
        assert!(place.open(&owner, &Access::OWN, Field::EMAIL, token).is_ok(), "the control");
        assert!(place.open(&service, &shipping(&grant), Field::EMAIL, token).is_ok(), "the control");
    }
    let before = place.host.environment().store.clone();
    let before_memory = before.memory.clone();
    let secret = place.owner_record(&alice())[6..38].to_vec();
    assert_ne!(secret, [0; 32]);

    // Who may not: other people, staff without the right, maintenance of another tenant, the owner without the right own.
    let far_desk = place.enter(&Principal::staff("shop-18", "clerk").unwrap(), Rights::MAINTAIN);
    let rightless = place.enter(&alice(), Rights::NONE);
    for (session, reason) in [
        (&b, Reason::NoRight),
        (&service, Reason::NoRight),
        (&desk, Reason::NoRight),
        (&rightless, Reason::NoRight),
        (&far_desk, Reason::OtherTenant),
        (&far, Reason::OtherTenant),
    ] {
        let held = session.erase_held(&alice(), place.host);
        assert_eq!(place.settle(held), Err(Error::Denied));
        let entry = place.news().pop().unwrap();
        assert_eq!(
            (entry.event, entry.reason, entry.owner_or_commitment),
            (Event::Erase, reason, place.audit.tag_of(&alice()))
        );
    }
    assert!(place.open(&owner, &Access::OWN, Field::EMAIL, &erasable).is_ok(), "still there");
    assert_eq!(place.vault.is_erased(&alice(), place.host), Ok(false));

    let held = owner.erase_held(&alice(), place.host);
    assert_eq!(place.vault.is_erased(&alice(), place.host), Ok(true));
    // What is staged says so, and the host is told.
    assert!(place.host.batch(place.vault).is_ok_and(|(batch, _)| batch.records().any(|record| record.erases_owner())));
    place.host.abandon();
    place.settle(held).unwrap();
    assert_eq!(place.owner_record(&alice()), [&[1, 1, 1, 0, 0, 0][..], &[0; 32]].concat());
    let gone = |place: &mut Place<'_>| {
        for token in [&erasable, &plain] {
            for access in [
                Access::OWN,
                Access::OWN.masked(),
                Access::new(Purpose::MESSAGE).to_address(Field::EMAIL, EMAIL.as_bytes()),
            ] {
                assert_eq!(place.open(&owner, &access, Field::EMAIL, token), Err(Error::Denied));
                assert!([Reason::Erased, Reason::WrongDestination].contains(&place.reason()));
            }
            assert_eq!(place.open(&service, &shipping(&grant), Field::EMAIL, token), Err(Error::Denied));
            assert_eq!(place.reason(), Reason::GrantRevoked);
            let mut out = [0; Token::MAX_LEN];
            let taken = b.reown_held(&owner, &Item::of(token.as_token()), &mut out, place.host);
            assert_eq!(place.settle(taken).err(), Some(Error::Denied));
            assert_eq!(place.reason(), Reason::Erased);
        }
        assert_eq!(place.owner_record(&alice())[..2], [1, 1], "still erased");
    };
    gone(&mut place);
    // Nothing erasable is sealed, by anybody; what is not erasable may be, and doesn't open either.
    let by_desk = desk.erasable_sealer_held(&alice(), place.host).unwrap();
    let by_owner = owner.erasable_sealer_held(&alice(), place.host).unwrap();
    let by_vault = place.vault.erasable_sealer_held(&alice(), place.host).unwrap();
    let receipt = place.host.commit(place.vault).unwrap();
    for held in [by_desk, by_owner, by_vault] {
        assert_eq!(held.release(&receipt).unwrap_err(), Error::Denied);
    }
    let after = place.token(&alice(), Field::EMAIL, EMAIL);
    let mut bytes = [0; Token::MAX_LEN];
    let late =
        early_sealer.tokenize(Field::EMAIL, EMAIL.as_bytes(), &mut bytes, &mut CheckedRng::new(TestRng(8))).unwrap();
    for token in [&after, &TokenBuf::new(&late)] {
        assert_eq!(place.open(&owner, &Access::OWN, Field::EMAIL, token), Err(Error::Denied));
    }
    // No grant, address, second erasure, re-owning or revocation brings anything back.
    let held = owner.grant_held(&terms(&carrier()), place.host);
    assert_eq!(place.settle(held).unwrap_err(), Error::Denied);
    assert_eq!(place.reason(), Reason::Erased);
    let held = desk.grant_for_held(&alice(), &terms(&carrier()), "ticket", place.host);
    assert_eq!(place.settle(held).unwrap_err(), Error::Denied);
    let held = desk.confirm_address_held(&alice(), Field::EMAIL, EMAIL.as_bytes(), place.host);
    assert_eq!(place.settle(held), Err(Error::Denied));
    assert_eq!(place.reason(), Reason::Erased);
    let maintainer = place.enter(&clerk(), Rights::MAINTAIN);
    for session in [&owner, &maintainer] {
        let held = session.erase_held(&alice(), place.host);
        assert_eq!(place.settle(held), Err(Error::Denied));
        assert_eq!(place.reason(), Reason::Erased);
    }
    let mut out = [0; Token::MAX_LEN];
    let taken = owner.reown_held(&b, &Item::of(bobs[0].as_token()), &mut out, place.host);
    assert_eq!(place.settle(taken).err(), Some(Error::Denied), "an erased owner takes nothing over");
    assert_eq!(place.reason(), Reason::Erased);
    let held = owner.revoke_all_held(&alice(), place.host);
    let _either = place.settle(held);
    gone(&mut place);
    // Others are untouched, of the same name too.
    for token in &bobs {
        assert!(place.open(&b, &Access::OWN, Field::EMAIL, token).is_ok());
        assert!(place.open(&service, &shipping(&bobs_grant), Field::EMAIL, token).is_ok());
    }
    assert!(place.open(&far, &Access::OWN, Field::EMAIL, &twins).is_ok());

    // With every root and a store that has no record of her, erasable tokens don't open; others do: for them it is a rule, not a key.
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let mut rng = TestRng(9);
    let mut opened = |store: MemoryStore<256, 32>, fresh: bool| {
        let mut store = store;
        if fresh {
            let _audit = AuditKey::create(&vault, &mut store, &mut rng).unwrap();
        }
        let mut host: Host<_, 8, 8> =
            Host::open(&vault, Parts { clock: || Some(NOW), rng: TestRng(10), store }).unwrap();
        let owner = enter(&vault, &mut host, &mut rng, &alice(), Rights::OWN);
        [&erasable, &plain].map(|token| {
            owner.detokenize(Field::EMAIL, &token.as_token(), &mut [0; Token::MAX_OPEN_LEN], &mut host).is_ok()
        })
    };
    assert_eq!(opened(MemoryStore::new(), true), [false, true]);
    assert_eq!(
        opened(before_memory, false),
        [true, true],
        "a copy of the store from before: what SECURITY.md says of backups"
    );
    let now = place.host.environment().store.memory.clone();
    assert_eq!(opened(now, false), [false, false]);
}

// ---- Re-owning and rewrapping.

fn reowned(place: &mut Place<'_>, to: &Of<'_>, from: &Of<'_>, item: &Item<'_>) -> Result<TokenBuf, (Error, Reason)> {
    let mut out = [0xaa; Token::MAX_LEN];
    let held = to.reown_held(from, item, &mut out, place.host);
    let settled = place.settle(held).map(|token| TokenBuf::new(&token.into_token()));
    settled.map_err(|error| {
        assert!(out[..item.token.as_bytes().len()].iter().all(|byte| *byte == 0), "{error}");
        (error, place.reason())
    })
}

#[test]
fn re_owning() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let order = Slot::in_record(Field::SHIPPING_ADDRESS, b"order-7").unwrap();
    let other_order = Slot::in_record(Field::SHIPPING_ADDRESS, b"order-8").unwrap();
    let guest = Principal::person("shop-17", "guest-4711").unwrap();
    let email = place.token(&guest, Field::EMAIL, EMAIL);
    let parcel = place.token(&guest, order, "1 Elm Street");
    let erasable = place.erasable(&guest, Field::EMAIL, EMAIL);
    let bobs = place.token(&bob(), Field::EMAIL, "bob@example.com");
    let (from, to, b, far) = (place.own(&guest), place.own(&alice()), place.own(&bob()), place.own(&twin()));
    let denied = |reason| Some((Error::Denied, reason));
    let item = Item::of(email.as_token());
    let new = reowned(&mut place, &to, &from, &item).unwrap();
    assert_eq!(
        place.news().pop().map(|entry| (entry.event, entry.caller, entry.owner_or_commitment, entry.view)),
        Some((Event::Reown, place.audit.tag_of(&alice()), place.audit.tag_of(&guest), 3))
    );
    assert_eq!(place.open(&to, &Access::OWN, Field::EMAIL, &new).unwrap(), EMAIL);
    assert_eq!(place.open(&from, &Access::OWN, Field::EMAIL, &new), Err(Error::Denied));
    assert_eq!(
        place.open(&from, &Access::OWN, Field::EMAIL, &email).unwrap(),
        EMAIL,
        "the old one goes on, as any copy would"
    );
    // Somebody else's, under the own or under the other's session; another tenant's, either way; as another field.
    assert_eq!(reowned(&mut place, &to, &from, &Item::of(bobs.as_token())).err(), denied(Reason::DoesNotOpen));
    assert_eq!(reowned(&mut place, &b, &from, &Item::of(bobs.as_token())).err(), denied(Reason::DoesNotOpen));
    assert_eq!(reowned(&mut place, &from, &to, &item).err(), denied(Reason::DoesNotOpen), "the wrong way round");
    assert_eq!(reowned(&mut place, &far, &from, &item).err(), denied(Reason::OtherTenant));
    assert_eq!(reowned(&mut place, &to, &far, &item).err().map(|(error, _)| error), Some(Error::Denied));
    assert_eq!(
        reowned(&mut place, &to, &from, &Item::new(Field::PHONE, email.as_token())).err(),
        denied(Reason::WrongField)
    );
    // Bound to its record before and after.
    assert_eq!(
        reowned(&mut place, &to, &from, &Item::new(other_order, parcel.as_token())).err(),
        denied(Reason::DoesNotOpen)
    );
    assert_eq!(reowned(&mut place, &to, &from, &Item::of(parcel.as_token())).err(), denied(Reason::DoesNotOpen));
    let mine = reowned(&mut place, &to, &from, &Item::new(order, parcel.as_token())).unwrap();
    assert_eq!(place.open(&to, &Access::OWN, order, &mine).unwrap(), "1 Elm Street");
    assert_eq!(place.open(&to, &Access::OWN, other_order, &mine), Err(Error::Denied));
    // Erasable: the new owner's secret is made with it, and is durable before the token is there.
    assert!(place.record(Table::Owner, place.vault.owner_tag(&alice())).is_none());
    let mut out = [0; Token::MAX_LEN];
    mem::forget(to.reown_held(&from, &Item::of(erasable.as_token()), &mut out, place.host).unwrap());
    let withheld = Token::from_bytes(&out[..erasable.as_token().as_bytes().len()]);
    assert!(withheld.is_err(), "what waits for its record is not a token");
    let commits = place.host.environment().store.commits.clone();
    commits.set(0);
    assert_eq!(
        reowned(&mut place, &to, &from, &Item::of(erasable.as_token())).err().map(|(error, _)| error),
        Some(Error::Unavailable)
    );
    commits.set(usize::MAX);
    assert!(place.record(Table::Owner, place.vault.owner_tag(&alice())).is_none());
    let mine = reowned(&mut place, &to, &from, &Item::of(erasable.as_token())).unwrap();
    assert!(mine.as_token().is_erasable());
    assert_eq!(place.owner_record(&alice())[1], 2);
    assert_ne!(place.owner_record(&alice())[6..38], place.owner_record(&guest)[6..38]);
    // Erasing the guest leaves the account its own; erasing the account ends that.
    let held = from.erase_held(&guest, place.host);
    place.settle(held).unwrap();
    assert_eq!(place.open(&from, &Access::OWN, Field::EMAIL, &erasable), Err(Error::Denied));
    assert_eq!(reowned(&mut place, &to, &from, &item).err(), denied(Reason::Erased));
    let reader = place.reader;
    drop((from, to, b, far));
    world.restart(NOW.plus(1)).unwrap();
    let mut place = Place::going_on(&mut world, reader);
    let to = place.own(&alice());
    assert_eq!(place.open(&to, &Access::OWN, Field::EMAIL, &mine).unwrap(), EMAIL, "after a restart");
    let held = to.erase_held(&alice(), place.host);
    place.settle(held).unwrap();
    assert_eq!(place.open(&to, &Access::OWN, Field::EMAIL, &mine), Err(Error::Denied));
    let b = place.own(&bob());
    assert_eq!(
        reowned(&mut place, &to, &b, &Item::of(bobs.as_token())).err(),
        denied(Reason::Erased),
        "the new owner is erased"
    );
}

/// One of the two sessions is over, has logged out, or lacks the right.
#[test]
fn re_owning_with_a_dead_session() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&bob(), Field::EMAIL, EMAIL);
    let item = Item::of(token.as_token());
    for dead in [0, 1] {
        let sessions = [place.own(&bob()), place.own(&alice())];
        assert!(reowned(&mut place, &sessions[1], &sessions[0], &item).is_ok(), "the control");
        place.vault.log_out(sessions[dead].id(), place.host).unwrap();
        assert_eq!(
            reowned(&mut place, &sessions[1], &sessions[0], &item).err(),
            Some((Error::Denied, Reason::LoggedOut))
        );
        let mut sessions = [place.own(&bob()), place.own(&alice())];
        sessions[dead] = place.enter(&[bob(), alice()][dead], Rights::NONE);
        assert_eq!(
            reowned(&mut place, &sessions[1], &sessions[0], &item).err(),
            Some((Error::Denied, Reason::NoRight))
        );
    }
    for dead in [0, 1] {
        let now = place.clock.get().unwrap();
        let short =
            Terms { life: 1_000, proof_required: false, purposes: Purposes::from_bits(u64::MAX), ..Terms::default() };
        let sessions = [bob(), alice()].map(|who| {
            let key = SessionKey::generate(place.rng).unwrap();
            let issuer = place.vault.issuer("shop-17", who.kind(), now.period()).unwrap();
            let terms = if who == [bob(), alice()][dead] { short } else { Terms { life: 60_000, ..short } };
            let credential = issuer.issue(&who, &key, &terms, now, place.rng).unwrap();
            place.vault.authenticate_bearer(&credential, place.host).unwrap()
        });
        place.clock.set(Some(now.plus(1_000)));
        assert_eq!(
            reowned(&mut place, &sessions[1], &sessions[0], &item).err(),
            Some((Error::Denied, Reason::SessionEnded))
        );
    }
}

#[test]
fn rewrapping() {
    let mut keyring = common::keyring();
    let mut world = World::with(forge::copy(&keyring), &Config::new(AUDIENCE));
    let mut place = Place::of(&mut world);
    let order = Slot::in_record(Field::SHIPPING_ADDRESS, b"order-7").unwrap();
    let other_order = Slot::in_record(Field::SHIPPING_ADDRESS, b"order-8").unwrap();
    let old = [
        (Slot::from(Field::EMAIL), place.token(&alice(), Field::EMAIL, EMAIL), EMAIL),
        (Slot::from(Field::EMAIL), place.erasable(&alice(), Field::EMAIL, EMAIL), EMAIL),
        (order, place.token(&alice(), order, "1 Elm Street"), "1 Elm Street"),
        (order, place.erasable(&alice(), order, "1 Elm Street"), "1 Elm Street"),
    ];
    let bobs = place.token(&bob(), Field::EMAIL, "bob@example.com");
    keyring.add_epoch(&mut TestRng(5)).unwrap();
    let vault = Vault::new(forge::copy(&keyring), &Config::new(AUDIENCE)).unwrap();
    keyring.retire(1).unwrap();
    let newest_only = Vault::new(keyring, &Config::new(AUDIENCE)).unwrap();
    let owner = enter(&vault, place.host, place.rng, &alice(), Rights::OWN);
    let service = enter(&vault, place.host, place.rng, &carrier(), Rights::NONE);
    let grants = [
        terms(&carrier()),
        GrantTerms { view: View::Masked, ..terms(&carrier()) },
        reseal(&carrier(), Purpose::TRANSFER, 9),
        reseal(&carrier(), Purpose::MAINTENANCE, 9),
    ]
    .map(|mut terms| {
        terms.fields = &[Field::EMAIL, Field::SHIPPING_ADDRESS];
        (terms.purpose, place.grant(&owner, &terms))
    });
    let rewrap = |place: &mut Place<'_>, by: &Of<'_>, access: &Access<'_>, item: &Item<'_>| {
        let mut out = [0xaa; Token::MAX_LEN];
        let room = &mut out[..item.token.as_bytes().len()];
        let done = by.rewrap(access, item, room, place.host).map(|token| TokenBuf::new(&token));
        let reason = place.reason();
        done.map_err(|error| {
            assert!(out[..item.token.as_bytes().len()].iter().all(|byte| *byte == 0), "wiped");
            (error, reason)
        })
    };
    let denied = |reason| Some((Error::Denied, reason));
    for (slot, token, value) in &old {
        let item = Item::new(*slot, token.as_token());
        for (purpose, grant) in &grants[..3] {
            let access = Access::new(*purpose).under(grant);
            assert_eq!(rewrap(&mut place, &service, &access, &item).err(), denied(Reason::NotInGrant), "{purpose}");
        }
        let access = Access::new(Purpose::MAINTENANCE).under(&grants[3].1);
        for (by, access) in [(&service, access), (&owner, Access::OWN), (&owner, Access::new(Purpose::MAINTENANCE))] {
            let new = rewrap(&mut place, by, &access, &item).unwrap();
            let (was, is) = (token.as_token(), new.as_token());
            assert_eq!(
                (is.field(), is.class(), is.is_erasable(), is.epoch()),
                (was.field(), was.class(), was.is_erasable(), 2)
            );
            let session = enter(&newest_only, place.host, place.rng, &alice(), Rights::OWN);
            let mut work = [0; Token::MAX_OPEN_LEN];
            assert_eq!(session.detokenize(*slot, &is, &mut work, place.host).unwrap().expose(), value.as_bytes());
            if slot.field().is_bound() {
                for wrong in [other_order, Field::SHIPPING_ADDRESS.into()] {
                    assert_eq!(session.detokenize(wrong, &is, &mut work, place.host).unwrap_err(), Error::Denied);
                }
            }
            // There is nothing more to do with it.
            let again = Item::new(*slot, is);
            assert_eq!(rewrap(&mut place, &owner, &Access::OWN, &again).err(), denied(Reason::NotOlder));
            drop(place.news());
        }
        // What is held is not yet a token, and shows nothing.
        let mut out = [0; Token::MAX_LEN];
        let mut request = owner.request(&Access::OWN, 1, place.host).unwrap();
        mem::forget(request.rewrap_held(&item, &mut out, place.host).unwrap());
        let len = token.as_token().as_bytes().len();
        assert!(Token::from_bytes(&out[..len]).is_err());
        assert!(!out.windows(5).any(|window| value.as_bytes().starts_with(window)));
    }
    let theirs = Item::of(bobs.as_token());
    assert_eq!(rewrap(&mut place, &owner, &Access::OWN, &theirs).err(), denied(Reason::DoesNotOpen));
    let access = Access::new(Purpose::MAINTENANCE).under(&grants[3].1);
    assert_eq!(rewrap(&mut place, &service, &access, &theirs).err().map(|(error, _)| error), Some(Error::Denied));
    assert_eq!(
        rewrap(&mut place, &service, &Access::new(Purpose::MAINTENANCE), &theirs).err(),
        denied(Reason::NoRight)
    );
    // A grant to reseal shows nothing.
    let (slot, token, _) = &old[0];
    for access in [access, access.masked()] {
        assert_eq!(place.open(&service, &access, *slot, token), Err(Error::Denied));
    }
}

// ---- Records.

/// What a request keeps from one token to the next is of one epoch, field and kind: tokens of all of them, every one before every one.
#[test]
fn keys_that_a_request_keeps() {
    let mut keyring = common::keyring();
    let mut world = World::with(forge::copy(&keyring), &Config::new(AUDIENCE));
    let mut place = Place::of(&mut world);
    let old = [(Field::EMAIL, false), (Field::PERSON_NAME, false), (Field::EMAIL, true)];
    let tokens = |place: &mut Place<'_>, vault: &Vault, owner: &Principal| {
        old.map(|(field, erasable)| {
            let mut out = [0; Token::MAX_LEN];
            if !erasable {
                return TokenBuf::new(&vault.tokenize(owner, field, EMAIL.as_bytes(), &mut out, place.host).unwrap());
            }
            let held = vault.erasable_sealer_held(owner, place.host).unwrap();
            let sealer = place.host.settle(vault, held).unwrap();
            let mut rng = CheckedRng::new(TestRng(u64::from(vault.newest_epoch())));
            TokenBuf::new(&sealer.tokenize(field, EMAIL.as_bytes(), &mut out, &mut rng).unwrap())
        })
    };
    let vault = place.vault;
    let mut all = tokens(&mut place, vault, &alice()).to_vec();
    keyring.add_epoch(&mut TestRng(5)).unwrap();
    let vault = Vault::new(keyring, &Config::new(AUDIENCE)).unwrap();
    all.extend(tokens(&mut place, &vault, &alice()));
    all.extend(tokens(&mut place, &vault, &bob()));
    let owner = enter(&vault, place.host, place.rng, &alice(), Rights::OWN);
    let service = enter(&vault, place.host, place.rng, &carrier(), Rights::NONE);
    let held = owner.grant_held(&terms(&carrier()), place.host).unwrap();
    let grant = place.host.settle(&vault, held).unwrap();
    for (by, access) in [(&owner, Access::OWN), (&service, shipping(&grant))] {
        for first in 0..all.len() {
            for second in 0..all.len() {
                let mut request = by.request(&access, 2, place.host).unwrap();
                for at in [first, second] {
                    let mut work = [0; Token::MAX_OPEN_LEN];
                    let item = Item::of(all[at].as_token());
                    let opened = request.detokenize(&item, &mut work, place.host);
                    assert_eq!(opened.map(|value| value.expose() == EMAIL.as_bytes()).ok(), (at < 6).then_some(true));
                }
                request.finish(place.host).unwrap();
                place.news();
            }
        }
    }
    // Who is erased meanwhile is gone for a request that is under way.
    let mut request = owner.request(&Access::OWN, 2, place.host).unwrap();
    let (mut work, item) = ([0; Token::MAX_OPEN_LEN], Item::of(all[5].as_token()));
    assert!(request.detokenize(&item, &mut work, place.host).is_ok(), "the control");
    let held = owner.erase_held(&alice(), place.host).unwrap();
    place.host.settle(&vault, held).unwrap();
    assert_eq!(request.detokenize(&item, &mut work, place.host).unwrap_err(), Error::Denied);
}

/// A bound token in the place of another order's, and a grant for one order.
#[test]
fn tokens_moved_to_another_record() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let slot = |record: &'static [u8]| Slot::in_record(Field::SHIPPING_ADDRESS, record).unwrap();
    let bound = Field::bound(1, Class::of_value(200).unwrap()).unwrap();
    let (seven, eight) = (
        place.token(&alice(), slot(b"order-7"), "1 Elm Street"),
        place.token(&alice(), slot(b"order-8"), "2 Elm Street"),
    );
    let (owner, service) = (place.own(&alice()), place.enter(&carrier(), Rights::NONE));
    assert_eq!(place.open(&owner, &Access::OWN, slot(b"order-7"), &seven).unwrap(), "1 Elm Street");
    let moved: [(Slot<'static>, Reason); 7] = [
        (slot(b"order-8"), Reason::DoesNotOpen),
        (slot(b"order-7 "), Reason::DoesNotOpen),
        (slot(b"order-"), Reason::DoesNotOpen),
        (slot(b"order-7\0"), Reason::DoesNotOpen),
        (Field::SHIPPING_ADDRESS.into(), Reason::DoesNotOpen),
        (Field::POSTAL_ADDRESS.into(), Reason::WrongField),
        (Slot::in_record(bound, b"order-7").unwrap(), Reason::WrongField),
    ];
    for (wrong, reason) in moved {
        assert_eq!(place.open(&owner, &Access::OWN, wrong, &seven), Err(Error::Denied));
        assert_eq!(place.reason(), reason);
    }
    assert_eq!(Slot::in_record(Field::EMAIL, b"order-7").unwrap_err(), Error::InvalidField);
    let fields: &[Field] = &[Field::SHIPPING_ADDRESS];
    let grant = place.grant(&owner, &GrantTerms { record: Some(b"order-7"), fields, ..terms(&carrier()) });
    assert!(place.open(&service, &shipping(&grant), slot(b"order-7"), &seven).is_ok());
    for (wrong, token) in
        [(slot(b"order-8"), &eight), (slot(b"order-8"), &seven), (Field::SHIPPING_ADDRESS.into(), &seven)]
    {
        assert_eq!(place.open(&service, &shipping(&grant), wrong, token), Err(Error::Denied));
        assert_eq!(place.reason(), Reason::NotInGrant);
    }
    assert_eq!(place.open(&service, &shipping(&grant), slot(b"order-7"), &eight), Err(Error::Denied));
    assert_eq!(place.reason(), Reason::DoesNotOpen);
}

// ---- Indexes.

#[test]
fn indexes() {
    let mut keyring = common::keyring();
    let mut world = World::with(forge::copy(&keyring), &Config::new(AUDIENCE));
    let mut place = Place::of(&mut world);
    let index = Index { field: Field::EMAIL, name: b"mail", version: 1 };
    let desk = place.enter(&clerk(), Rights::LOOKUP.and(Rights::TOKENIZE));
    let far = place.enter(&Principal::staff("shop-18", "clerk").unwrap(), Rights::LOOKUP);
    let without = place.enter(&clerk(), Rights::OWN.and(Rights::MAINTAIN).and(Rights::GRANT));
    let (seeker, maker) = (place.enter(&clerk(), Rights::LOOKUP), place.enter(&clerk(), Rights::TOKENIZE));
    let person = place.own(&alice());
    let look = |place: &mut Place<'_>, by: &Of<'_>, index: &Index<'_>, value: &[u8]| {
        let held = by.look_up_held(index, value, place.host);
        place.settle(held).map(|found| (found.newest, found.older))
    };
    let refused =
        [(&without, true), (&without, false), (&person, true), (&person, false), (&seeker, false), (&maker, true)];
    for (by, looks) in refused {
        if looks {
            assert_eq!(look(&mut place, by, &index, b"alice@example.com"), Err(Error::Denied));
        } else {
            let held = by.indexer_held(&index, 1, place.host);
            assert_eq!(place.settle(held).unwrap_err(), Error::Denied);
        }
        assert_eq!(place.reason(), Reason::NoRight);
    }
    let held = maker.indexer_held(&index, 2, place.host);
    let mut indexer = place.settle(held).unwrap();
    let entry = place.news().pop().unwrap();
    assert_eq!((entry.event, entry.count, entry.field), (Event::MakeIndex, 2, Field::EMAIL.code()));
    let first = indexer.value(b"alice@example.com").unwrap();
    assert_eq!(indexer.value(b""), Err(Error::InvalidValue), "which costs nothing");
    assert_eq!(indexer.value(&[b'x'; 1_023]), Err(Error::TooLong));
    assert!(indexer.value(b"bob@example.com").is_ok());
    for _ in 0..3 {
        assert_eq!(indexer.value(b"carol@example.com"), Err(Error::Denied), "as many as were asked for");
    }
    let held = maker.indexer_held(&index, 0, place.host);
    assert_eq!(place.settle(held).unwrap().value(b"x"), Err(Error::Denied));
    assert_eq!(look(&mut place, &seeker, &index, b"alice@example.com"), Ok((first, first)), "one epoch");
    let mut seen = vec![first];
    for other in [
        Index { field: Field::PHONE, ..index },
        Index { name: b"mail2", ..index },
        Index { name: b"mai", ..index },
        Index { version: 2, ..index },
        Index { version: 0x0100, ..index },
    ] {
        seen.push(look(&mut place, &desk, &other, b"alice@example.com").unwrap().0);
    }
    seen.push(look(&mut place, &desk, &index, b"alice@example.con").unwrap().0);
    seen.push(look(&mut place, &far, &index, b"alice@example.com").unwrap().0);
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count, "all differ");
    for name in [b"".as_slice(), &[b'x'; 65]] {
        assert_eq!(look(&mut place, &desk, &Index { name, ..index }, b"x"), Err(Error::InvalidTerms));
        assert_eq!(desk.indexer_held(&Index { name, ..index }, 1, place.host).unwrap_err(), Error::InvalidTerms);
    }
    // Each look-up is on the record.
    drop(place.news());
    look(&mut place, &desk, &index, b"alice@example.com").unwrap();
    let entry = place.news().pop().unwrap();
    assert_eq!((entry.event, entry.field, entry.count), (Event::LookUp, Field::EMAIL.code(), 1));
    // After a rotation: the newest, and the one before; after the next, the first is gone; below the floor there is none.
    let lookup = |place: &mut Place<'_>, keyring: &Keyring, floor| {
        let vault = Vault::new(forge::copy(keyring), &Config { token_floor: floor, ..Config::new(AUDIENCE) }).unwrap();
        let session = enter(&vault, place.host, place.rng, &clerk(), Rights::LOOKUP.and(Rights::TOKENIZE));
        let held = session.indexer_held(&index, 1, place.host);
        let made = place.settle(held).unwrap().value(b"alice@example.com").unwrap();
        let found = look(place, &session, &index, b"alice@example.com").unwrap();
        assert_eq!(found.0, made, "values are made under the newest");
        found
    };
    keyring.add_epoch(&mut TestRng(5)).unwrap();
    let second = lookup(&mut place, &keyring, 0);
    assert_eq!(second.1, first);
    assert_ne!(second.0, first);
    assert_eq!(lookup(&mut place, &keyring, 2), (second.0, second.0));
    keyring.add_epoch(&mut TestRng(6)).unwrap();
    let third = lookup(&mut place, &keyring, 0);
    assert_eq!(third.1, second.0);
    assert!(third.0 != first && third.0 != second.0);
}

// ---- The hostile store.

type Row = (RecordKey, Vec<u8>);

/// A store that answers with something else for one row.
struct Liar {
    memory: MemoryStore<256, 32>,
    about: std::rc::Rc<std::cell::RefCell<Option<Row>>>,
}

impl Store for Liar {
    fn room(&self) -> usize {
        self.memory.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.memory.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        match &*self.about.borrow() {
            Some((about, value)) if about == key => {
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

/// A record that is none makes everything about that owner unavailable: nothing opens as if there were no record.
#[test]
fn damaged_records() {
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let about = std::rc::Rc::default();
    let (mut host, _audit) =
        still::<16, 16, _>(&vault, Liar { memory: MemoryStore::new(), about: std::rc::Rc::clone(&about) });
    let mut rng = TestRng(3);
    let mut bytes = [0; Token::MAX_LEN];
    let token = vault.tokenize(&alice(), Field::EMAIL, EMAIL.as_bytes(), &mut bytes, &mut host).unwrap();
    let item = Item::of(token);
    let (owner, b) = (
        enter(&vault, &mut host, &mut rng, &alice(), Rights::OWN),
        enter(&vault, &mut host, &mut rng, &bob(), Rights::OWN),
    );
    let service = enter(&vault, &mut host, &mut rng, &carrier(), Rights::NONE);
    let held = owner.grant_held(&GrantTerms { uses: Some(100), ..terms(&carrier()) }, &mut host).unwrap();
    let grant = host.settle(&vault, held).unwrap();
    let key = RecordKey { table: Table::Owner, id: vault.owner_tag(&alice()) };
    let row = |parts: &[&[u8]]| parts.concat();
    let zeros = [0; 32].as_slice();
    let address = |field: u16| [&field.to_le_bytes()[..], &[1, 0], &[7; 16]].concat();
    let good: [Vec<u8>; 3] = [
        row(&[&[1, 0, 0, 0, 0, 0], zeros]),
        row(&[&[1, 2, 0, 0, 0, 0], &[7; 32]]),
        row(&[&[1, 0, 0, 0, 0, 0], zeros, &address(3), &address(4)]),
    ];
    let damaged: [(&str, Vec<u8>); 14] = [
        ("empty", vec![]),
        ("one byte", vec![1]),
        ("format", row(&[&[2, 0, 0, 0, 0, 0], zeros])),
        ("a flag", row(&[&[1, 4, 0, 0, 0, 0], zeros])),
        ("cut", row(&[&[1, 0, 0, 0, 0, 0], &zeros[1..]])),
        ("a byte behind", row(&[&[1, 0, 0, 0, 0, 0], zeros, &[0]])),
        ("a secret that isn't said", row(&[&[1, 0, 0, 0, 0, 0], &[7; 32]])),
        ("erased with a secret", row(&[&[1, 3, 1, 0, 0, 0], &[7; 32]])),
        ("erased with bytes of one", row(&[&[1, 1, 1, 0, 0, 0], &[7; 32]])),
        ("erased with an address", row(&[&[1, 1, 1, 0, 0, 0], zeros, &address(4)])),
        ("an address cut", row(&[&[1, 0, 0, 0, 0, 0], zeros, &address(4)[..19]])),
        ("a field that is none", row(&[&[1, 0, 0, 0, 0, 0], zeros, &address(0)])),
        ("fields that fall", row(&[&[1, 0, 0, 0, 0, 0], zeros, &address(4), &address(3)])),
        ("a field twice", row(&[&[1, 0, 0, 0, 0, 0], zeros, &address(4), &address(4)])),
    ];
    let mut work = [0; Token::MAX_OPEN_LEN];
    for value in good {
        *about.borrow_mut() = Some((key, value));
        assert!(owner.detokenize(Field::EMAIL, &token, &mut work, &mut host).is_ok(), "the control");
        assert!(service.detokenize_as(&shipping(&grant), &item, &mut work, &mut host).is_ok(), "the control");
    }
    let maintainer =
        enter(&vault, &mut host, &mut rng, &clerk(), Rights::MAINTAIN.and(Rights::CONFIRM_ADDRESS).and(Rights::GRANT));
    for (what, value) in damaged {
        *about.borrow_mut() = Some((key, value));
        work.fill(0xaa);
        assert_eq!(
            owner.detokenize(Field::EMAIL, &token, &mut work, &mut host).unwrap_err(),
            Error::Unavailable,
            "{what}"
        );
        let opened = service.detokenize_as(&shipping(&grant), &item, &mut work, &mut host);
        assert_eq!(opened.unwrap_err(), Error::Unavailable, "{what}");
        let (items, mut out) = ([item], vec![0xaa; reply_len(&[item])]);
        assert_eq!(owner.reveal(&Access::OWN, &items, &mut out, &mut host).unwrap_err(), Error::Unavailable);
        assert!(out.iter().all(|byte| *byte == 0));
        let mut out = [0xaa; Token::MAX_LEN];
        assert_eq!(b.reown_held(&owner, &item, &mut out, &mut host).unwrap_err(), Error::Unavailable);
        assert_eq!(owner.reown_held(&b, &item, &mut out, &mut host).unwrap_err(), Error::Unavailable);
        for buffer in [work.as_slice(), &out] {
            assert!(!buffer.windows(5).any(|window| window == b"alice"));
        }
        assert_eq!(owner.erasable_sealer_held(&alice(), &mut host).unwrap_err(), Error::Unavailable);
        assert_eq!(vault.erasable_sealer_held(&alice(), &mut host).unwrap_err(), Error::Unavailable);
        assert_eq!(owner.grant_held(&terms(&carrier()), &mut host).unwrap_err(), Error::Unavailable);
        assert_eq!(maintainer.erase_held(&alice(), &mut host).unwrap_err(), Error::Unavailable);
        assert_eq!(maintainer.revoke_all_held(&alice(), &mut host).unwrap_err(), Error::Unavailable);
        let confirmed = maintainer.confirm_address_held(&alice(), Field::EMAIL, b"a@example.com", &mut host);
        assert_eq!(confirmed.unwrap_err(), Error::Unavailable);
        host.commit(&vault).unwrap();
    }
    // The count of a grant's uses, too.
    for value in [vec![], vec![0; 3], vec![0; 5], vec![0; 8]] {
        *about.borrow_mut() = Some((RecordKey { table: Table::GrantUses, id: forge::grant_id(&grant) }, value));
        let opened = service.detokenize_as(&shipping(&grant), &item, &mut work, &mut host);
        assert_eq!(opened.unwrap_err(), Error::Unavailable);
    }
    *about.borrow_mut() = None;
    assert!(service.detokenize_as(&shipping(&grant), &item, &mut work, &mut host).is_ok());
    // Another owner's record in this one's place: its secret is of no use.
    let held = vault.erasable_sealer_held(&alice(), &mut host).unwrap();
    let sealer = host.settle(&vault, held).unwrap();
    let mut bytes = [0; Token::MAX_LEN];
    let erasable =
        sealer.tokenize(Field::EMAIL, EMAIL.as_bytes(), &mut bytes, &mut CheckedRng::new(TestRng(4))).unwrap();
    assert!(owner.detokenize(Field::EMAIL, &erasable, &mut work, &mut host).is_ok());
    *about.borrow_mut() = Some((key, row(&[&[1, 2, 0, 0, 0, 0], &[8; 32]])));
    assert_eq!(owner.detokenize(Field::EMAIL, &erasable, &mut work, &mut host).unwrap_err(), Error::Denied);
}

/// Without its store the vault does nothing, and leaves nothing in buffers.
#[test]
fn a_store_that_is_down() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&alice(), Field::EMAIL, EMAIL);
    let item = Item::of(token.as_token());
    let (owner, b, service) = (place.own(&alice()), place.own(&bob()), place.enter(&carrier(), Rights::NONE));
    let desk =
        place.enter(&clerk(), Rights::MAINTAIN.and(Rights::CONFIRM_ADDRESS).and(Rights::GRANT).and(Rights::LOOKUP));
    let grant = place.grant(&owner, &GrantTerms { uses: Some(2), ..terms(&carrier()) });
    place.down.set(true);
    let (mut work, mut out) = ([0xaa; Token::MAX_OPEN_LEN], [0xaa; Token::MAX_LEN]);
    let host = &mut *place.host;
    let down = Some(Error::Unavailable);
    for _ in 0..5 {
        assert_eq!(owner.detokenize(Field::EMAIL, &item.token, &mut work, host).err(), down);
        assert_eq!(service.detokenize_as(&shipping(&grant), &item, &mut work, host).err(), down);
        assert_eq!(service.detokenize_as(&shipping(&grant).masked(), &item, &mut work, host).err(), down);
        assert_eq!(owner.rewrap(&Access::OWN, &item, &mut out, host).err(), down);
        assert_eq!(b.reown_held(&owner, &item, &mut out, host).err(), down);
        assert_eq!(owner.grant_held(&terms(&carrier()), host).err(), down);
        assert_eq!(desk.grant_for_held(&alice(), &terms(&carrier()), "ticket", host).err(), down);
        assert_eq!(owner.revoke_held(&grant, host).err(), down);
        assert_eq!(desk.revoke_all_held(&alice(), host).err(), down);
        assert_eq!(desk.erase_held(&alice(), host).err(), down);
        assert_eq!(desk.confirm_address_held(&alice(), Field::EMAIL, b"a@b.c", host).err(), down);
        assert_eq!(owner.erasable_sealer_held(&alice(), host).err(), down);
        let index = Index { field: Field::EMAIL, name: b"mail", version: 1 };
        assert_eq!(desk.look_up_held(&index, b"x", host).err(), down);
    }
    for buffer in [work.as_slice(), &out] {
        assert!(!buffer.windows(5).any(|window| window == b"alice"));
    }
    place.down.set(false);
    assert!(place.open(&service, &shipping(&grant), Field::EMAIL, &token).is_ok());
    assert!(
        place.open(&service, &shipping(&grant), Field::EMAIL, &token).is_ok(),
        "what never came to a count took no use"
    );
    assert_eq!(place.open(&service, &shipping(&grant), Field::EMAIL, &token), Err(Error::Denied));
}

// ---- The confused server.

/// A grant says nothing to who isn't its grantee, whatever session presents it by mistake; nor does the owner open by a grant that she gave.
#[test]
fn grants_in_other_sessions() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let token = place.token(&alice(), Field::EMAIL, EMAIL);
    let (owner, b) = (place.own(&alice()), place.own(&bob()));
    let grant = place.grant(&owner, &terms(&carrier()));
    let person = place.own(&Principal::person("shop-17", "carrier").unwrap());
    let staff = place.own(&Principal::staff("shop-17", "carrier").unwrap());
    let policy = place.enter(&authority(), Rights::GRANT.and(Rights::MAINTAIN).and(Rights::OWN));
    for session in [&owner, &b, &person, &staff, &policy] {
        assert_eq!(place.open(session, &shipping(&grant), Field::EMAIL, &token), Err(Error::Denied));
        assert_eq!(place.reason(), Reason::WrongGrantee);
    }
    let far = place.own(&Principal::service("shop-18", "carrier").unwrap());
    assert_eq!(place.open(&far, &shipping(&grant), Field::EMAIL, &token), Err(Error::Denied));
    assert_eq!(place.reason(), Reason::BadGrant);
    // A policy authority opens nothing by its rights.
    assert_eq!(place.open(&policy, &Access::OWN, Field::EMAIL, &token), Err(Error::Denied));
    assert_eq!(place.reason(), Reason::DoesNotOpen);
}

/// What seals for others takes the right, and the tenant.
#[test]
fn sealing_for_others() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let importer = place.enter(&clerk(), Rights::TOKENIZE);
    let rightless = place.enter(&clerk(), Rights::OWN.and(Rights::MAINTAIN).and(Rights::GRANT).and(Rights::LOOKUP));
    let (b, nobody) = (place.own(&bob()), place.enter(&alice(), Rights::NONE));
    for erasable in [false, true] {
        for (by, whose, reason) in [
            (&rightless, alice(), Reason::NoRight),
            (&b, alice(), Reason::NoRight),
            (&nobody, alice(), Reason::NoRight),
            (&importer, twin(), Reason::OtherTenant),
        ] {
            let held =
                if erasable { by.erasable_sealer_held(&whose, place.host) } else { by.sealer_held(&whose, place.host) };
            assert_eq!(place.settle(held).err(), Some(Error::Denied));
            assert_eq!(place.reason(), reason);
        }
    }
    assert!(place.record(Table::Owner, place.vault.owner_tag(&alice())).is_none(), "no secret was made by who may not");
    let held = importer.erasable_sealer_held(&alice(), place.host);
    assert!(place.settle(held).is_ok());
    assert_eq!(place.owner_record(&alice())[1], 2);
}

/// The auditor has K_tag, and the vault derives from it what stands in for the root of an epoch that it doesn't have. Nothing made under that is good for anything.
#[test]
fn what_an_auditor_could_make() {
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let (tag_key, _) = forge::secrets(&common::keyring());
    let stand_in = forge::prf(&tag_key, 27, b"");
    let secret = [&[1, 1][..], &tag_key, &9_u16.to_le_bytes(), &stand_in].concat();
    let theirs = Vault::new(Keyring::read_secret(&secret).unwrap(), &Config::new(AUDIENCE)).unwrap();
    let about = std::rc::Rc::default();
    let (mut host, audit) =
        still::<16, 16, _>(&vault, Liar { memory: MemoryStore::new(), about: std::rc::Rc::clone(&about) });
    let mut rng = TestRng(3);
    let (mut bytes, mut work) = ([0; Token::MAX_LEN], [0; Token::MAX_OPEN_LEN]);
    let genuine =
        TokenBuf::new(&vault.tokenize(&alice(), Field::EMAIL, EMAIL.as_bytes(), &mut bytes, &mut host).unwrap());
    let forged =
        TokenBuf::new(&theirs.tokenize(&alice(), Field::EMAIL, EMAIL.as_bytes(), &mut bytes, &mut host).unwrap());
    let owner = enter(&vault, &mut host, &mut rng, &alice(), Rights::OWN);
    let service = enter(&vault, &mut host, &mut rng, &carrier(), Rights::NONE);
    let held = owner.grant_held(&terms(&carrier()), &mut host).unwrap();
    let grant = host.settle(&vault, held).unwrap();
    let forged_grant = forge::regrant(&grant, &stand_in, &alice(), &[(4, &9_u16.to_le_bytes())]);
    let field = Field::EMAIL.code().to_le_bytes();
    let tag = forge::prf(&forge::owner_key(&stand_in, &alice()), 32, &[&field[..], b"mallory@example.com"].concat());
    let record = [&[1, 0, 0, 0, 0, 0][..], &[0; 32], &field, &9_u16.to_le_bytes(), &tag[..16]].concat();
    let mail = Access::new(Purpose::MESSAGE).to_address(Field::EMAIL, b"mallory@example.com");
    *about.borrow_mut() = Some((RecordKey { table: Table::Owner, id: vault.owner_tag(&alice()) }, record));
    assert!(
        service.detokenize_as(&shipping(&grant), &Item::of(genuine.as_token()), &mut work, &mut host).is_ok(),
        "the control"
    );
    for (by, access, token) in
        [(&owner, Access::OWN, &forged), (&service, shipping(&forged_grant), &genuine), (&owner, mail, &genuine)]
    {
        let opened = by.detokenize_as(&access, &Item::of(token.as_token()), &mut work, &mut host);
        assert_eq!(opened.unwrap_err(), Error::Denied);
    }
    let (mut reader, mut reasons) = (audit.reader(), Vec::new());
    let each = &mut |sealed: &SealedEntry| {
        reasons.push(reader.read(sealed).unwrap().entry.reason);
        true
    };
    host.environment().store.entries(each).unwrap();
    assert!(reasons.ends_with(&[Reason::UnknownEpoch, Reason::BadGrant, Reason::WrongDestination]), "{reasons:?}");
}

/// An owner without a secret has no erasable tokens: a secret of zeros is none either.
#[test]
fn a_secret_of_zeros() {
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let about = std::rc::Rc::default();
    let (mut host, _audit) =
        still::<16, 16, _>(&vault, Liar { memory: MemoryStore::new(), about: std::rc::Rc::clone(&about) });
    let owner = enter(&vault, &mut host, &mut TestRng(3), &alice(), Rights::OWN);
    let key = RecordKey { table: Table::Owner, id: vault.owner_tag(&alice()) };
    *about.borrow_mut() = Some((key, [&[1, 2, 0, 0, 0, 0][..], &[0; 32]].concat()));
    let held = vault.erasable_sealer_held(&alice(), &mut host).unwrap();
    let sealer = host.settle(&vault, held).unwrap();
    let (mut bytes, mut work) = ([0; Token::MAX_LEN], [0; Token::MAX_OPEN_LEN]);
    let token = sealer.tokenize(Field::EMAIL, EMAIL.as_bytes(), &mut bytes, &mut CheckedRng::new(TestRng(4))).unwrap();
    assert!(owner.detokenize(Field::EMAIL, &token, &mut work, &mut host).is_ok(), "the control");
    for gone in [None, Some((key, [&[1, 0, 0, 0, 0, 0][..], &[0; 32]].concat()))] {
        *about.borrow_mut() = gone;
        assert_eq!(owner.detokenize(Field::EMAIL, &token, &mut work, &mut host).unwrap_err(), Error::Denied);
    }
}

/// An issuer is handed out with the right to issue, and for one's own tenant.
#[test]
fn issuers() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let everything_else =
        [Rights::OWN, Rights::TOKENIZE, Rights::LOOKUP, Rights::MAINTAIN, Rights::CONFIRM_ADDRESS, Rights::GRANT];
    let rightless = place.enter(&clerk(), everything_else.into_iter().fold(Rights::READ_TRAIL, Rights::and));
    for kind in [symbolon::Kind::Person, symbolon::Kind::Staff, symbolon::Kind::Service] {
        let held = rightless.issuer_held(kind, NOW.period(), place.host);
        assert_eq!(place.settle(held).err(), Some(Error::Denied));
        let entry = place.news().pop().unwrap();
        assert_eq!((entry.event, entry.reason), (Event::Issuer, Reason::NoRight));
    }
    let log_in = place.enter(&clerk(), Rights::ISSUE);
    let held = log_in.issuer_held(symbolon::Kind::Person, NOW.period(), place.host);
    let issuer = place.settle(held).unwrap();
    let key = SessionKey::generate(place.rng).unwrap();
    assert!(issuer.issue(&alice(), &key, &Terms::default(), NOW, place.rng).is_ok());
    assert_eq!(issuer.issue(&twin(), &key, &Terms::default(), NOW, place.rng).unwrap_err(), Error::InvalidTerms);
}

/// Who may not confirm an address is refused, and that is on the record, whatever the owner's record has: nobody learns whether an owner has four
/// addresses, or of which fields.
#[test]
fn a_fifth_address_by_who_may_not() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let desk = place.enter(&clerk(), Rights::CONFIRM_ADDRESS);
    let custom = |number| Field::custom(number, Class::SMALLEST).unwrap();
    for number in 0..4 {
        let held = desk.confirm_address_held(&alice(), custom(number), b"@alice", place.host);
        place.settle(held).unwrap();
    }
    for who in [bob(), twin(), Principal::staff("shop-18", "clerk").unwrap()] {
        let session = place.own(&who);
        drop(place.news());
        for field in [custom(3), custom(4)] {
            let held = session.confirm_address_held(&alice(), field, b"@mallory", place.host);
            assert_eq!(place.settle(held), Err(Error::Denied));
            assert_eq!(place.news().len(), 1);
        }
    }
}

/// SPEC.md 8, "each call has its entry, done or refused": also where erasable tokens were to be sealed for an erased owner.
#[test]
fn each_call_has_its_entry() {
    let mut world = World::new();
    let mut place = Place::of(&mut world);
    let desk = place.enter(&clerk(), Rights::MAINTAIN.and(Rights::TOKENIZE));
    let held = desk.erase_held(&alice(), place.host);
    place.settle(held).unwrap();
    drop(place.news());
    assert!(
        desk.erasable_sealer_held(&alice(), place.host).and_then(|held| place.host.settle(place.vault, held)).is_err()
    );
    place.host.commit(place.vault).unwrap();
    let entry = place.news().pop().expect("an entry");
    assert_eq!((entry.event, entry.reason), (Event::Tokenize, Reason::Erased));
}
