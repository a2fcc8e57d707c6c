//! The core's rows. This file is compiled twice, over each build of the core.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::BUILD;
use super::symbolon::{
    Access, AuditKey, CheckedRng, Config, Credential, Error, Field, Format, Host, Item, Keyring, Kind, Limits,
    MemoryStore, Parts, Principal, Proof, Purposes, Rewriter, Rights, Session, SessionKey, Store, Terms, Time, Token,
    TokenBuf, Vault, reply_len,
};
use crate::frame::{Row, timed};
use crate::{peers, text};

/// The main row's, and the field of all.
const FIELD: Field = Field::PERSON_NAME;
const TENANT: &str = "shop-17";
const NOW: Time = Time::from_secs(1_800_000_000);
const MINUTE: u64 = 60_000;
const DAY: u64 = 1_440 * MINUTE;
/// Tokens of a batch.
const BATCH: usize = 100;
/// Entries of the trail between two drainings, which are not measured.
const CHUNK: usize = 256;

type Clock = Box<dyn FnMut() -> Option<Time>>;
type OurHost = Host<Parts<Clock, ChaCha20Rng, MemoryStore<512, 64>>, 128, 2048>;
type OurSession = Rc<Session<&'static Vault>>;

/// A vault with a host of its own, and a clock to be set.
#[derive(Clone)]
struct World {
    vault: &'static Vault,
    host: Rc<RefCell<OurHost>>,
    clock: Rc<Cell<Time>>,
}

impl World {
    fn new(epochs: u16) -> Self {
        let vault: &'static Vault = Box::leak(Box::new(vault(epochs)));
        let mut store = MemoryStore::new();
        AuditKey::create(vault, &mut store, &mut rng(1)).expect("an empty store");
        let clock = Rc::new(Cell::new(NOW.minus(10 * MINUTE)));
        let shown = clock.clone();
        // A host reads its clock, so that is measured; what it shows is set.
        let read = move || {
            black_box(SystemTime::now());
            Some(shown.get())
        };
        let parts = Parts { clock: Box::new(read) as Clock, rng: rng(2), store };
        let host = Rc::new(RefCell::new(Host::open(vault, parts).expect("its own trail")));
        clock.set(NOW);
        Self { vault, host, clock }
    }

    fn session(&self, rights: Rights, life: u64) -> OurSession {
        let terms = Terms { rights, purposes: Purposes::OWN_USE, life, proof_required: false };
        let key = SessionKey::generate(&mut rng(3)).expect("a generator");
        let issuer = self.vault.issuer(TENANT, Kind::Person, NOW.period()).expect("a tenant");
        let credential = issuer.issue(&person("alice"), &key, &terms, NOW, &mut rng(life)).expect("valid terms");
        let session = self.vault.authenticate_bearer(&credential, &mut self.host.borrow_mut()).expect("genuine");
        Rc::new(session)
    }

    fn alice(&self) -> OurSession {
        self.session(Rights::OWN, DAY)
    }

    /// A row of something that leaves entries in the trail: so many an iteration, which are let go unmeasured.
    fn row<T>(
        &self,
        group: &'static str,
        name: impl Into<String>,
        entries: usize,
        mut one: impl FnMut(&mut OurHost) -> T + 'static,
    ) -> Row {
        let host = self.host.clone();
        Row::timed(group, name, BUILD, move |iterations| {
            let host = &mut *host.borrow_mut();
            in_chunks(iterations, CHUNK / entries, |chunk| {
                let spent = timed(chunk, || one(host));
                drain(host);
                spent
            })
        })
    }
}

fn in_chunks(mut left: u32, most: usize, mut of: impl FnMut(u32) -> Duration) -> Duration {
    let mut spent = Duration::ZERO;
    while left > 0 {
        let chunk = left.min(most as u32);
        spent += of(chunk);
        left -= chunk;
    }
    spent
}

fn drain(host: &mut OurHost) {
    host.environment().store.acknowledge(u64::MAX).expect("memory");
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn person(subject: &str) -> Principal {
    Principal::person(TENANT, subject).expect("a valid name")
}

/// The same roots for all, and for both builds.
fn vault(epochs: u16) -> Vault {
    let mut secret = vec![1, epochs as u8];
    secret.extend([7; 32]);
    for epoch in 1..=epochs {
        secret.extend(epoch.to_le_bytes());
        secret.extend([epoch as u8; 32]);
    }
    let keyring = Keyring::read_secret(&secret).expect("a keyring");
    let config = Config { max_life: DAY, limits: Limits::NONE, ..Config::new(b"bench") };
    Vault::new(keyring, &config).expect("a configuration")
}

fn token(vault: &Vault, owner: &Principal, size: usize, seed: u64) -> TokenBuf {
    let mut out = [0; Token::MAX_LEN];
    let mut rng = CheckedRng::new(rng(seed));
    TokenBuf::new(&vault.sealer(owner).tokenize(FIELD, &crate::value(size), &mut out, &mut rng).expect("a name"))
}

/// What a request has once: room for any token, its text, and its value.
struct Room {
    token: [u8; Token::MAX_LEN],
    text: [u8; Token::MAX_TEXT_LEN],
    work: [u8; Token::MAX_OPEN_LEN],
}

impl Room {
    const fn new() -> Self {
        Self { token: [0; Token::MAX_LEN], text: [0; Token::MAX_TEXT_LEN], work: [0; Token::MAX_OPEN_LEN] }
    }

    /// Parses and opens.
    fn open(&mut self, session: &Session<&'static Vault>, text: &[u8], host: &mut OurHost) -> usize {
        let token = Token::from_text(black_box(text), &mut self.token).expect("a token");
        session.detokenize(FIELD, &token, &mut self.work, host).expect("hers").expose().len()
    }
}

/// How many characters a value of this size becomes.
pub(crate) fn text_len(size: usize) -> usize {
    token(&vault(1), &person("alice"), size, 1).as_token().to_string().len()
}

/// The texts of so many of Alice's tokens, one behind the other.
pub(crate) fn texts(count: usize) -> Rc<[u8]> {
    let (vault, value) = (vault(1), crate::value(crate::NAME));
    let (sealer, mut rng) = (vault.sealer(&person("alice")), CheckedRng::new(rng(9)));
    let (mut out, mut text) = ([0; Token::MAX_LEN], [0; Token::MAX_TEXT_LEN]);
    let mut all = Vec::new();
    for _ in 0..count {
        let token = sealer.tokenize(FIELD, &value, &mut out, &mut rng).expect("a name");
        all.extend_from_slice(token.write_text(&mut text).expect("it fits").as_bytes());
    }
    all.into()
}

/// The rows of these sizes of the value; `texts` are what [`texts`] gave.
pub(crate) fn rows(sizes: &[usize], texts: &Rc<[u8]>) -> Vec<Row> {
    let world = World::new(1);
    let mut rows: Vec<Row> = sizes.iter().flat_map(|size| job(&world, *size)).collect();
    rows.extend([owner_derived(&world), owners_keys(&world), from_bytes(&world), authenticate("core")]);
    rows.push(authenticate(peers::CREDENTIALS));
    rows.extend([one_by_one(&world, texts), in_request(&world, texts), batch(&world, texts), reveal(&world, texts)]);
    rows.push(Row::new("core", "of which: reading the clock once", BUILD, SystemTime::now));
    rows.extend(refusals());
    rows.extend(rewriter(&world, texts));
    rows.extend(over_tokens(&world, texts));
    rows.extend((1..=8).map(over_epochs));
    rows.extend((0..=6).map(|power| over_principals(10_u64.pow(power))));
    rows
}

/// What the peers do, too.
fn job(world: &World, size: usize) -> [Row; 2] {
    let (sealer, mut rng) = (world.vault.sealer(&person("alice")), CheckedRng::new(rng(4)));
    let (value, mut room) = (crate::value(size), Room::new());
    let seal = move || {
        let token = sealer.tokenize(FIELD, black_box(&value), &mut room.token, &mut rng).expect("a name");
        token.write_text(&mut room.text).expect("it fits").len()
    };
    let (session, text) = (world.alice(), token(world.vault, &person("alice"), size, 5).as_token().to_string());
    let mut room = Room::new();
    [
        Row::new("job", format!("seal {size} B"), BUILD, seal),
        world.row("job", format!("open {size} B"), 1, move |host| room.open(&session, text.as_bytes(), host)),
    ]
}

fn owner_derived(world: &World) -> Row {
    let (vault, alice, value, mut room) = (world.vault, person("alice"), crate::value(crate::NAME), Room::new());
    world.row("core", "tokenize to text, the owner's keys derived", 1, move |host| {
        let token = vault.tokenize(&alice, FIELD, black_box(&value), &mut room.token, host).expect("a name");
        token.write_text(&mut room.text).expect("it fits").len()
    })
}

fn owners_keys(world: &World) -> Row {
    let (vault, alice) = (world.vault, person("alice"));
    Row::new("core", "an owner's keys", BUILD, move || vault.sealer(black_box(&alice)))
}

fn from_bytes(world: &World) -> Row {
    let (session, token) = (world.alice(), token(world.vault, &person("alice"), crate::NAME, 6));
    let mut room = Room::new();
    world.row("core", "detokenize from bytes", 1, move |host| {
        session.detokenize(FIELD, &token.as_token(), &mut room.work, host).expect("hers").expose().len()
    })
}

/// A credential and a proof from bytes, for a request of 256 bytes; time goes on between chunks, so that the replay window never fills.
fn authenticate(group: &'static str) -> Row {
    let (world, alice, mut rng) = (World::new(1), person("alice"), rng(7));
    let key = SessionKey::generate(&mut rng).expect("a generator");
    let context: [&[u8]; 3] = [b"POST", b"/reveal", &[b'x'; 256]];
    let name = if group == "core" { "authenticate, 256 bytes of context" } else { "verify" };
    Row::timed(group, name, BUILD, move |iterations| {
        in_chunks(iterations, 64, |chunk| {
            let (now, host) = (later(&world.clock), &mut *world.host.borrow_mut());
            let issuer = world.vault.issuer(TENANT, Kind::Person, now.period()).expect("a tenant");
            let credential = issuer.issue(&alice, &key, &Terms::default(), now, &mut rng).expect("valid terms");
            let mut proofs = (0..chunk)
                .map(|_| key.prove(&credential, &context, now, &mut rng).expect("a generator").to_bytes())
                .collect::<Vec<_>>()
                .into_iter();
            let spent = timed(chunk, || {
                let credential = Credential::from_bytes(black_box(credential.as_bytes())).expect("a credential");
                let proof = Proof::from_bytes(&proofs.next().expect("one for each")).expect("a proof");
                world.vault.authenticate(&credential, &proof, &context, host).expect("genuine")
            });
            drain(host);
            spent
        })
    })
}

fn later(clock: &Cell<Time>) -> Time {
    clock.set(clock.get().plus(2 * MINUTE));
    clock.get()
}

/// A hundred of the texts.
fn hundred(texts: &Rc<[u8]>) -> Vec<Vec<u8>> {
    let len = text_len(crate::NAME);
    texts.chunks_exact(len).cycle().take(BATCH).map(<[u8]>::to_vec).collect()
}

fn one_by_one(world: &World, texts: &Rc<[u8]>) -> Row {
    let (session, texts, mut room) = (world.alice(), hundred(texts), Room::new());
    let all = move |host: &mut OurHost| texts.iter().map(|text| room.open(&session, text, host)).sum::<usize>();
    world.row("core", "100 of a request, one by one, per token", BATCH, all).per(BATCH)
}

fn in_request(world: &World, texts: &Rc<[u8]>) -> Row {
    let (session, texts, mut room) = (world.alice(), hundred(texts), Room::new());
    let all = move |host: &mut OurHost| {
        let mut request = session.request(&Access::OWN, BATCH, host).expect("room");
        let mut open = |text: &Vec<u8>| {
            let token = Token::from_text(black_box(text), &mut room.token).expect("a token");
            request.detokenize(&Item::new(FIELD, token), &mut room.work, host).expect("hers").expose().len()
        };
        let sum = texts.iter().map(&mut open).sum::<usize>();
        request.finish(host).expect("room");
        sum
    };
    world.row("core", "100 of a request, a commit each, per token", BATCH, all).per(BATCH)
}

fn batch(world: &World, texts: &Rc<[u8]>) -> Row {
    let (vault, session, texts) = (world.vault, world.alice(), hundred(texts));
    let (mut bytes, mut work) = (vec![[0; 160]; BATCH], vec![[0; 160]; BATCH]);
    world
        .row("core", "100 of a request, one commit, per token", BATCH, move |host| {
            let mut request = session.request(&Access::OWN, BATCH, host).expect("room");
            let mut held = Vec::with_capacity(BATCH);
            for ((text, bytes), work) in texts.iter().zip(&mut bytes).zip(&mut work) {
                let token = Token::from_text(black_box(text), bytes).expect("a token");
                held.push(request.detokenize_held(&Item::new(FIELD, token), work, host).expect("room"));
            }
            request.finish(host).expect("room");
            let receipt = host.commit(vault).expect("memory");
            held.into_iter().map(|held| held.release(&receipt).expect("hers").expose().len()).sum::<usize>()
        })
        .per(BATCH)
}

fn reveal(world: &World, texts: &Rc<[u8]>) -> Row {
    let (session, texts) = (world.alice(), hundred(texts));
    let (mut reply, mut bytes) = (Vec::new(), vec![[0; 160]; BATCH]);
    world
        .row("core", "sealed reveal of 100, per token", BATCH, move |host| {
            let tokens = texts.iter().zip(&mut bytes).map(|(text, bytes)| Token::from_text(black_box(text), bytes));
            let items: Vec<_> = tokens.map(|token| Item::of(token.expect("a token"))).collect();
            reply.resize(reply_len(&items), 0);
            session.reveal(&Access::OWN, &items, &mut reply, host).expect("hers").as_bytes().len()
        })
        .per(BATCH)
}

/// One cause of a refusal each.
fn refusals() -> Vec<Row> {
    let world = World::new(3);
    let (alice, over) = (world.alice(), world.session(Rights::OWN, 1));
    let (gone, without) = (world.session(Rights::OWN, DAY - 1), world.session(Rights::NONE, DAY - 2));
    world.vault.log_out(gone.id(), &mut world.host.borrow_mut()).expect("a place");
    world.clock.set(NOW.plus(MINUTE));
    drain(&mut world.host.borrow_mut());
    let of = |owner: &Principal| token(world.vault, owner, crate::NAME, 8);
    let hers = of(&person("alice"));
    let (bobs, elsewhere) = (of(&person("bob")), of(&Principal::person("shop-18", "alice").expect("a name")));
    let mut out = [0; Token::MAX_LEN];
    let canary = world.vault.canary(TENANT, &hers.as_token(), b"export 7", &mut out, &mut CheckedRng::new(rng(9)));
    let canary = TokenBuf::new(&canary.expect("an export"));
    let last = hers.as_token().as_bytes().len() - 1;
    let cases = [
        ("somebody else's", &alice, bobs, FIELD),
        ("another tenant's", &alice, elsewhere, FIELD),
        ("a damaged tag", &alice, damaged(&hers, last, 1), FIELD),
        ("a damaged mark", &alice, damaged(&hers, 6, 1), FIELD),
        ("an unknown epoch", &alice, damaged(&hers, 4, 8), FIELD),
        ("asked for as another field", &alice, hers.clone(), Field::POSTAL_ADDRESS),
        ("a canary", &alice, canary, FIELD),
        ("the session is over", &over, hers.clone(), FIELD),
        ("logged out", &gone, hers.clone(), FIELD),
        ("no right", &without, hers.clone(), FIELD),
    ];
    let row = |(cause, session, token, field): (&str, &OurSession, TokenBuf, Field)| {
        let (session, mut room) = (session.clone(), Room::new());
        world.row("refusals", cause, 2, move |host| {
            let refused = session.detokenize(field, &token.as_token(), &mut room.work, host).expect_err("not hers");
            assert_eq!(refused, Error::Denied);
        })
    };
    cases.into_iter().map(row).collect()
}

fn damaged(token: &TokenBuf, at: usize, flip: u8) -> TokenBuf {
    let mut bytes = token.as_token().as_bytes().to_vec();
    bytes[at] ^= flip;
    TokenBuf::new(&Token::from_bytes(&bytes).expect("its shape is right"))
}

/// Bytes of text, with and without tokens in it.
fn rewriter(world: &World, texts: &Rc<[u8]>) -> Vec<Row> {
    let without = [
        ("CSV", Format::Csv { delimiter: b',' }, text::csv()),
        ("JSON", Format::Json, text::json()),
        ("HTML", Format::Html { marker: "m7Qx" }, text::html()),
        ("plain text", Format::AnywhereInPlainText, text::plain()),
    ];
    let mut rows = Vec::new();
    for (name, format, text) in without {
        rows.push(rewriting(world, format!("{name} without tokens"), format, text, 1));
    }
    let full = hundred(texts).join(&b"\n"[..]);
    rows.push(rewriting(world, "CSV full of tokens".into(), Format::Csv { delimiter: b',' }, full, BATCH));
    rows
}

fn rewriting(world: &World, name: String, format: Format<'static>, text: Vec<u8>, entries: usize) -> Row {
    let (session, len) = (world.alice(), text.len());
    let rewrite = move |host: &mut OurHost| {
        let mut written = 0;
        let mut count = |bytes: &[u8]| {
            written += black_box(bytes).len();
            Ok::<(), Infallible>(())
        };
        let mut rewriter = Rewriter::new(format, Access::OWN, &session, host);
        for chunk in text.chunks(1 << 16) {
            rewriter.feed(black_box(chunk), &mut count).expect("memory");
        }
        rewriter.finish(&mut count).expect("memory");
        // What opens is shorter than its token; everything else stays.
        assert_eq!(written < len, entries > 1);
    };
    world.row("rewriter", name, entries, rewrite).per(len)
}

/// Detokenize over so many of her tokens, in no order that a cache would like.
fn over_tokens(world: &World, texts: &Rc<[u8]>) -> Vec<Row> {
    let len = text_len(crate::NAME);
    let counts = (0..=6).map(|power| 10_usize.pow(power)).filter(|count| count * len <= texts.len());
    let row = |count: usize| {
        let (session, texts, mut at, mut room) = (world.alice(), texts.clone(), 0, Room::new());
        world.row("tokens", count.to_string(), 1, move |host| {
            at = (at + STRIDE) % count;
            room.open(&session, &texts[at * len..][..len], host)
        })
    };
    counts.map(row).collect()
}

/// Prime, and no power of ten is near a multiple.
const STRIDE: usize = 381_967;

/// Detokenize over tokens of every epoch in the keyring by turns.
fn over_epochs(epochs: u16) -> Row {
    let world = World::new(epochs);
    let of = |epoch| token(&vault(epoch), &person("alice"), crate::NAME, u64::from(epoch));
    let texts: Vec<_> = (1..=epochs).map(|epoch| of(epoch).as_token().to_string()).collect();
    let (session, mut at, mut room) = (world.alice(), 0, Room::new());
    world.row("epochs", epochs.to_string(), 1, move |host| {
        at = (at + 1) % texts.len();
        room.open(&session, texts[at].as_bytes(), host)
    })
}

/// A request of each of so many people: authenticated, and one token opened.
fn over_principals(count: u64) -> Row {
    let (world, mut rng, mut at, mut room) = (World::new(1), rng(11), 0, Room::new());
    let context: [&[u8]; 2] = [b"GET", b"/orders/7"];
    Row::timed("principals", count.to_string(), BUILD, move |iterations| {
        in_chunks(iterations, 64, |chunk| {
            let (now, host) = (later(&world.clock), &mut *world.host.borrow_mut());
            let issuer = world.vault.issuer(TENANT, Kind::Person, now.period()).expect("a tenant");
            let requests = (0..chunk).map(|_| {
                at = (at + STRIDE as u64) % count;
                let who = person(&format!("person-{at}"));
                let key = SessionKey::generate(&mut rng).expect("a generator");
                let credential = issuer.issue(&who, &key, &Terms::default(), now, &mut rng).expect("valid terms");
                let proof = key.prove(&credential, &context, now, &mut rng).expect("a generator");
                (credential, proof, token(world.vault, &who, crate::NAME, at).as_token().to_string())
            });
            let mut requests = requests.collect::<Vec<_>>().into_iter();
            let spent = timed(chunk, || {
                let (credential, proof, text) = requests.next().expect("one for each");
                let session = world.vault.authenticate(&credential, &proof, &context, host).expect("genuine");
                room.open(&session, text.as_bytes(), host)
            });
            drain(host);
            spent
        })
    })
}
