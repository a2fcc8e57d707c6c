//! What is staged while a batch is away, and the batch comes back: nothing that was said to be done may be lost. And calls that fail half-way.

mod common;

use std::{cell::Cell, rc::Rc};

use common::{
    AUDIENCE, BadRng, Env, Fault, FaultyStore, NOW, TestHost, TestRng, World, alice, bob, enter, forge, still,
};
use rand_core::{TryCryptoRng, TryRng};
use symbolon::{
    Access, AuditKey, CheckedRng, Config, Environment, Error, Event, Field, GrantTerms, Host, Item, Kind, MemoryStore,
    Parts, Principal, Purpose, Reason, Record, RecordKey, Rights, Store, Table, Terms, Time, Token, TokenBuf, Vault,
    View, reply_len,
};

fn service(name: &str) -> Principal {
    Principal::service("shop-17", name).unwrap()
}

fn row(host: &mut TestHost, table: Table, id: [u8; 16]) -> Option<Vec<u8>> {
    let mut value = [0; Record::MAX_LEN];
    let len = host.environment().store.memory.get(&RecordKey { table, id }, &mut value).unwrap()?;
    Some(value[..len].to_vec())
}

fn terms<'t>(grantee: &'t Principal, uses: Option<u32>) -> GrantTerms<'t> {
    GrantTerms {
        grantee,
        fields: &[Field::EMAIL],
        purpose: Purpose::SHIPPING,
        view: View::Full,
        record: None,
        not_before: NOW,
        expires: NOW.plus(60_000),
        uses,
    }
}

fn email(vault: &Vault, host: &mut TestHost) -> TokenBuf {
    let mut out = [0; Token::MAX_LEN];
    TokenBuf::new(&vault.tokenize(&alice(), Field::EMAIL, b"alice@example.com", &mut out, host).unwrap())
}

/// Her secret is on its way to the disk, an address is confirmed meanwhile, the disk fails, and then she is erased.
#[test]
fn an_erasure_behind_a_batch_that_came_back() {
    let mut world = World::new();
    let World { vault, host, rng, .. } = &mut world;
    let her = enter(vault, host, rng, &alice(), Rights::OWN);
    let desk = enter(vault, host, rng, &service("desk"), Rights::CONFIRM_ADDRESS);
    let sealer = her.erasable_sealer_held(&alice(), host).unwrap();
    let (_, ticket) = host.batch(vault).unwrap();
    let confirmed = desk.confirm_address_held(&alice(), Field::EMAIL, b"alice@example.com", host).unwrap();
    host.not_committed(ticket);
    let erased = her.erase_held(&alice(), host).unwrap();
    let receipt = host.commit(vault).unwrap();
    let sealer = sealer.release(&receipt).unwrap();
    confirmed.release(&receipt).unwrap();
    erased.release(&receipt).unwrap();
    let row = row(host, Table::Owner, vault.owner_tag(&alice())).unwrap();
    assert_eq!((row[1], &row[6..38]), (1, [0; 32].as_slice()), "the last word is the erasure");
    let (mut out, mut work) = ([0; Token::MAX_LEN], [0; Token::MAX_OPEN_LEN]);
    let mut rng = CheckedRng::new(TestRng(5));
    let token = sealer.tokenize(Field::EMAIL, b"alice@example.com", &mut out, &mut rng).unwrap();
    assert_eq!(her.detokenize(Field::EMAIL, &token, &mut work, host).unwrap_err(), Error::Denied);
}

/// Three uses are three, whatever became of the batches that counted them.
#[test]
fn uses_behind_a_batch_that_came_back() {
    let mut world = World::new();
    let World { vault, host, rng, .. } = &mut world;
    let (her, carrier) = (enter(vault, host, rng, &alice(), Rights::OWN), service("carrier"));
    let by = enter(vault, host, rng, &carrier, Rights::NONE);
    let token = email(vault, host);
    let held = her.grant_held(&terms(&carrier, Some(3)), host).unwrap();
    let grant = host.settle(vault, held).unwrap();
    let access = Access::new(Purpose::SHIPPING).under(&grant);
    let item = Item::of(token.as_token());
    let mut works = [[0; Token::MAX_OPEN_LEN]; 30];
    let (first, rest) = works.split_first_mut().unwrap();
    let (second, rest) = rest.split_first_mut().unwrap();
    let mut held = vec![by.detokenize_held(&access, &item, first, host).unwrap()];
    let (_, ticket) = host.batch(vault).unwrap();
    held.push(by.detokenize_held(&access, &item, second, host).unwrap());
    host.not_committed(ticket);
    for work in rest {
        held.push(by.detokenize_held(&access, &item, work, host).unwrap());
    }
    let receipt = host.commit(vault).unwrap();
    assert_eq!(held.into_iter().filter_map(|held| held.release(&receipt).ok()).count(), 3);
}

/// By a batch that was given up, too.
#[test]
fn a_revocation_behind_a_batch_that_was_abandoned() {
    let mut world = World::new();
    let World { vault, host, rng, .. } = &mut world;
    let (her, carrier) = (enter(vault, host, rng, &alice(), Rights::OWN), service("carrier"));
    let by = enter(vault, host, rng, &carrier, Rights::NONE);
    let desk = enter(vault, host, rng, &service("desk"), Rights::CONFIRM_ADDRESS);
    let token = email(vault, host);
    let held = her.grant_held(&terms(&carrier, None), host).unwrap();
    let grant = host.settle(vault, held).unwrap();
    let old = desk.confirm_address_held(&alice(), Field::EMAIL, b"old", host).unwrap();
    let (_, _lost) = host.batch(vault).unwrap();
    let new = desk.confirm_address_held(&alice(), Field::EMAIL, b"new", host).unwrap();
    host.abandon();
    let revoked = her.revoke_all_held(&alice(), host).unwrap();
    let receipt = host.commit(vault).unwrap();
    assert!(old.release(&receipt).is_ok() && new.release(&receipt).is_ok() && revoked.release(&receipt).is_ok());
    let access = Access::new(Purpose::SHIPPING).under(&grant);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let opened = by.detokenize_as(&access, &Item::of(token.as_token()), &mut work, host);
    assert_eq!(opened.unwrap_err(), Error::Denied);
}

/// What came back keeps all its rows, whatever else is staged meanwhile: two log-outs hold, and a third.
#[test]
fn rows_of_others_in_a_batch_that_came_back() {
    let mut world = World::new();
    let clients = [alice(), bob(), service("desk")].map(|who| {
        let terms = Terms { proof_required: false, ..Terms::default() };
        let rights = if who.kind() == Kind::Person { Rights::OWN } else { Rights::NONE };
        world.log_in_with(&who, &Terms { rights, ..terms })
    });
    let out = |world: &mut World, client: &common::Client| {
        let _held = world.vault.log_out_held(client.credential.session_unverified(), &mut world.host).unwrap();
    };
    let enters = |world: &mut World, client: &common::Client| {
        world.vault.authenticate_bearer(&client.credential, &mut world.host).is_ok()
    };
    assert!(clients.iter().all(|client| enters(&mut world, client)), "the control");
    out(&mut world, &clients[0]);
    out(&mut world, &clients[1]);
    let (_, ticket) = world.host.batch(&world.vault).unwrap();
    out(&mut world, &clients[2]);
    world.host.not_committed(ticket);
    world.host.commit(&world.vault).unwrap();
    assert!(!clients.iter().any(|client| enters(&mut world, client)));
}

/// A grant by a policy authority waits for its last entry, which says why.
#[test]
fn a_grant_waits_for_its_reason() {
    let mut world = World::new();
    let World { vault, host, audit, rng, .. } = &mut world;
    let policy = enter(vault, host, rng, &service("policy"), Rights::GRANT);
    let held = policy.grant_for_held(&alice(), &terms(&service("carrier"), None), "ticket 4711", host).unwrap();
    let waits_for = held.entry();
    host.settle(vault, held).unwrap();
    let last = common::trail(host, audit).pop().unwrap();
    assert_eq!((last.entry.event, last.sequence), (Event::GrantReason, waits_for));
}

/// Batches that come back again and again need no more room than one.
#[test]
fn a_small_store_goes_on() {
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let (mut host, _audit) = still::<16, 8, _>(&vault, MemoryStore::<64, 8>::new());
    let desk = enter(&vault, &mut host, &mut TestRng(77), &service("desk"), Rights::CONFIRM_ADDRESS);
    for name in ["one", "two", "three"] {
        let held = desk.confirm_address_held(&service(name), Field::EMAIL, b"x", &mut host).unwrap();
        host.settle(&vault, held).unwrap();
    }
    for _ in 0..3 {
        let _held = desk.confirm_address_held(&service("four"), Field::EMAIL, b"x", &mut host);
        let (_, ticket) = host.batch(&vault).unwrap();
        let _held = desk.confirm_address_held(&service("four"), Field::EMAIL, b"y", &mut host);
        host.not_committed(ticket);
    }
    host.commit(&vault).unwrap();
}

/// A generator that fails: nothing is counted, nothing is kept, and nobody gets a secret without an entry.
#[test]
fn nothing_is_kept_of_a_call_that_fails() {
    let mut world = World::new();
    let fault = world.fault.clone();
    let World { vault, host, rng, .. } = &mut world;
    let her = enter(vault, host, rng, &alice(), Rights::OWN);
    let heir = enter(vault, host, rng, &bob(), Rights::OWN);
    let to_bob = bob();
    let transfer = GrantTerms { purpose: Purpose::TRANSFER, view: View::Reseal, ..terms(&to_bob, Some(3)) };
    let held = her.grant_held(&transfer, host).unwrap();
    let grant = host.settle(vault, held).unwrap();
    let held = her.erasable_sealer_held(&alice(), host).unwrap();
    let sealer = host.settle(vault, held).unwrap();
    let mut out = [0; Token::MAX_LEN];
    let mut checked = CheckedRng::new(TestRng(5));
    let token = sealer.tokenize(Field::EMAIL, b"alice@example.com", &mut out, &mut checked).unwrap();
    let access = Access::new(Purpose::TRANSFER).under(&grant);
    let mut new = [0; Token::MAX_LEN];
    fault.set(Fault::Error);
    let mut request = heir.request(&access, 2, host).unwrap();
    assert_eq!(request.reown_held(&Item::of(token), &mut new, host).unwrap_err(), Error::RngFailed);
    assert_eq!(request.reown_held(&Item::of(token), &mut [0; 10], host).unwrap_err(), Error::BufferTooSmall);
    assert_eq!(heir.reown_held(&her, &Item::of(token), &mut new, host).unwrap_err(), Error::RngFailed);
    fault.set(Fault::None);
    host.commit(vault).unwrap();
    assert_eq!(row(host, Table::GrantUses, forge::grant_id(&grant)), None);
    assert_eq!(row(host, Table::Owner, vault.owner_tag(&bob())), None);
    // A refused one makes no secret either; the control does.
    let mallorys = Item::new(Field::PHONE, token);
    let refused = heir.reown_held(&her, &mallorys, &mut new, host).unwrap();
    assert_eq!(host.settle(vault, refused).unwrap_err(), Error::Denied);
    assert_eq!(row(host, Table::Owner, vault.owner_tag(&bob())), None);
    let done = heir.reown_held(&her, &Item::of(token), &mut new, host).unwrap();
    assert!(host.settle(vault, done).is_ok());
    assert!(row(host, Table::Owner, vault.owner_tag(&bob())).is_some());
}

/// A generator that breaks in between: nothing is resealed, whether the next number would have been a secret or only the same work.
#[test]
fn a_generator_that_breaks_in_between() {
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let mut store = MemoryStore::<64, 8>::new();
    let _audit_key = AuditKey::create(&vault, &mut store, &mut TestRng(3)).unwrap();
    let (left, clock) = (Rc::new(Cell::new(usize::MAX)), || Some(NOW));
    let rng = Lasting { good: TestRng(8), left: left.clone() };
    let mut host: Host<_, 16, 8> = Host::open(&vault, Parts { clock, rng, store }).unwrap();
    let [her, heir] = [alice(), bob()].map(|who| enter(&vault, &mut host, &mut TestRng(77), &who, Rights::OWN));
    let held = her.erasable_sealer_held(&alice(), &mut host).unwrap();
    let mut checked = CheckedRng::new(TestRng(5));
    let [mut out, mut erasable_out] = [[0; Token::MAX_LEN]; 2];
    let sealer = host.settle(&vault, held).unwrap();
    let erasable = sealer.tokenize(Field::EMAIL, b"alice@example.com", &mut erasable_out, &mut checked).unwrap();
    let plain = vault.tokenize(&alice(), Field::EMAIL, b"alice@example.com", &mut out, &mut host).unwrap();
    for (name, token) in [("plain", plain), ("erasable", erasable)] {
        // One for the nonce, three for the secret.
        for numbers in 0..=4 {
            left.set(numbers);
            let mut new = [0; Token::MAX_LEN];
            let reowned = heir.reown_held(&her, &Item::of(token), &mut new, &mut host).map(drop);
            assert_eq!(reowned, if numbers == 4 { Ok(()) } else { Err(Error::RngFailed) }, "{name}, {numbers}");
        }
        host.commit(&vault).unwrap();
    }
}

/// A generator that breaks when it has filled so many buffers.
struct Lasting {
    good: TestRng,
    left: Rc<Cell<usize>>,
}

impl TryRng for Lasting {
    type Error = common::RngBroken;

    fn try_next_u32(&mut self) -> Result<u32, common::RngBroken> {
        unreachable!("the core fills buffers")
    }

    fn try_next_u64(&mut self) -> Result<u64, common::RngBroken> {
        unreachable!("the core fills buffers")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), common::RngBroken> {
        self.left.set(self.left.get().checked_sub(1).ok_or(common::RngBroken)?);
        self.good.try_fill_bytes(out).map_err(|never| match never {})
    }
}

impl TryCryptoRng for Lasting {}

/// Above the newest epoch nothing would be sealed under a root, and who has the tag key alone could open it.
#[test]
fn floors_above_the_newest_epoch() {
    let config = Config::new(AUDIENCE);
    for (config, fits) in [
        (Config { token_floor: 1, ..config }, true),
        (Config { token_floor: 2, ..config }, false),
        (Config { credential_floor: Some(1), ..config }, true),
        (Config { credential_floor: Some(2), ..config }, false),
    ] {
        let made = Vault::new(common::keyring(), &config);
        assert_eq!(made.err(), (!fits).then_some(Error::InvalidTerms));
    }
}

/// Nobody fills the registry for longer than a year: a grant ends within 366 days, wherever its window begins.
#[test]
fn windows_that_begin_in_a_thousand_years() {
    let mut world = World::new();
    let World { vault, host, rng, .. } = &mut world;
    let (her, carrier) = (enter(vault, host, rng, &alice(), Rights::OWN), service("carrier"));
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let window = |not_before: Time, expires: Time| GrantTerms { not_before, expires, ..terms(&carrier, None) };
    let last = NOW.plus(366 * DAY);
    assert!(her.grant_held(&window(last.minus(1), last), host).is_ok());
    assert!(her.grant_held(&window(NOW.minus(900 * DAY), last), host).is_ok());
    for (not_before, expires) in [(NOW, last.plus(1)), (last, last.plus(500)), (last, Time::from_millis(u64::MAX))] {
        assert_eq!(her.grant_held(&window(not_before, expires), host).unwrap_err(), Error::InvalidTerms);
    }
}

/// An issuer is for today or tomorrow, and its entry tells which, and of what kind.
#[test]
fn issuers_of_another_day() {
    let mut world = World::new();
    let vault = &world.vault;
    let login = enter(vault, &mut world.host, &mut world.rng, &service("log-in"), Rights::ISSUE);
    let today = NOW.period();
    for (period, fits) in [(today - 1, false), (today, true), (today + 1, true), (today + 2, false)] {
        let held = login.issuer_held(Kind::Staff, period, &mut world.host);
        assert_eq!(held.is_ok(), fits, "{period}");
    }
    world.host.commit(vault).unwrap();
    let entries = world.trail();
    let told: Vec<_> =
        entries.iter().map(|recorded| &recorded.entry).filter(|entry| entry.event == Event::Issuer).collect();
    assert!(told.iter().all(|entry| (entry.reason, entry.view) == (Reason::Done, 2)));
    assert_eq!(told.iter().map(|entry| entry.count).collect::<Vec<_>>(), [today, today + 1]);
}

/// A host whose clock, generator or store panics, at its `left`th use.
struct Panicking {
    env: Env,
    left: Rc<Cell<usize>>,
}

impl Panicking {
    fn used(&mut self) -> &mut Env {
        self.left.set(self.left.get().checked_sub(1).unwrap());
        &mut self.env
    }
}

impl Environment for Panicking {
    type Rng = BadRng;
    type Store = FaultyStore;

    fn now(&mut self) -> Option<Time> {
        self.used().now()
    }

    fn rng(&mut self) -> &mut BadRng {
        self.used().rng()
    }

    fn store(&mut self) -> &mut FaultyStore {
        self.used().store()
    }
}

/// Whichever of the host's own functions panics, and where: who catches that finds nothing in the buffer.
#[test]
fn a_host_that_panics() {
    let World { vault, mut host, mut rng, .. } = World::new();
    let token = email(&vault, &mut host);
    let (left, env) = (Rc::new(Cell::new(usize::MAX)), host.environment());
    let env = Env { clock: env.clock.clone(), rng: env.rng.clone(), store: env.store.clone() };
    let mut host: Host<_, 32, 8> = Host::open(&vault, Panicking { env, left: left.clone() }).unwrap();
    let her = enter(&vault, &mut host, &mut rng, &alice(), Rights::OWN);
    let item = Item::of(token.as_token());
    let items = [item; 3];
    let guest = enter(&vault, &mut host, &mut rng, &bob(), Rights::OWN);
    let has_value = |buffer: &[u8]| buffer.windows(5).any(|window| window == b"alice");
    let has_token = |buffer: &[u8]| Token::from_bytes(&buffer[..item.token.as_bytes().len()]).is_ok();
    let mut tried = |what: &str, holds: &dyn Fn(&[u8]) -> bool, call: &dyn Fn(&mut [u8], &mut Host<_, 32, 8>)| {
        let mut buffer = vec![0xaa; Token::MAX_OPEN_LEN.max(reply_len(&items))];
        let panics = (0..).find(|uses| {
            left.set(*uses);
            let call = || call(&mut buffer, &mut host);
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
            left.set(usize::MAX);
            assert_eq!(holds(&buffer), ended.is_ok(), "{what}, {uses}");
            ended.is_ok()
        });
        assert!(panics.is_some_and(|panics| panics >= 5), "{what}: {panics:?}");
    };
    tried("a value", &has_value, &|work, host| {
        std::mem::forget(her.detokenize_as(&Access::OWN, &item, work, host).unwrap());
    });
    tried("a reply", &has_value, &|out, host| {
        her.reveal(&Access::OWN, &items, out, host).unwrap();
        // To anybody else it is noise; that it came is shown so.
        out[..5].copy_from_slice(b"alice");
    });
    tried("another's token", &has_token, &|out, host| {
        let held = guest.reown_held(&her, &item, out, host).unwrap();
        let _token = host.settle(&vault, held).unwrap().into_token();
    });
}
