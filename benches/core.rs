//! What seal, open, authenticate, reveal and a trail entry cost, as ratios to the raw AEAD of the same run. `cargo bench`.
//!
//! Every operation runs in short turns, one after the other, many times over; the median of the turns stands in the table, so that
//! a noisy machine disturbs all rows alike. The reference is RustCrypto's ChaCha20-Poly1305, a 32-byte value under a fresh key.

use std::{hint::black_box, time::Instant};

use chacha20::ChaCha20Rng;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use rand_core::SeedableRng;
use symbolon::{
    Access, AuditKey, CheckedRng, Config, Environment, Field, Host, Item, Keyring, Kind, MemoryStore, Parts, Principal,
    SessionKey, Store, Terms, Time, Token, TokenBuf, Vault, reply_len,
};

type Env = Parts<Box<dyn FnMut() -> Option<Time>>, ChaCha20Rng, MemoryStore<512, 8>>;

const NOW: Time = Time::from_secs(1_800_000_000);
const TURNS: usize = 41;
const PER_TURN: u32 = 400;

/// A name to be measured and what to do.
struct Row<'a> {
    name: &'static str,
    per: u32,
    work: Box<dyn FnMut() + 'a>,
    turns: Vec<f64>,
}

fn row<'a>(name: &'static str, per: u32, work: impl FnMut() + 'a) -> Row<'a> {
    Row { name, per, work: Box::new(work), turns: Vec::new() }
}

fn main() {
    let mut bench = Bench::new();
    let mut sealing = bench.sealing_rows();
    measure(&mut sealing);
    let reference = report(&sealing, None);
    drop(sealing);
    bench.host_rows(reference);
}

struct Bench {
    vault: Vault,
    alice: Principal,
    rng: ChaCha20Rng,
}

impl Bench {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        let keyring = Keyring::generate(&mut rng).expect("a generator that works");
        let vault = Vault::new(keyring, &Config::new(b"bench")).expect("a valid configuration");
        Self { vault, alice: Principal::person("shop-17", "alice").expect("a valid name"), rng }
    }

    /// What needs no host: the reference, sealing, texts.
    fn sealing_rows(&mut self) -> Vec<Row<'_>> {
        let key = [9_u8; 32];
        let mut buffer = [1_u8; 32];
        let cipher = move |key: &[u8; 32]| ChaCha20Poly1305::new(&(*black_box(key)).into());
        let mut rows = vec![row("raw AEAD seal, 32 B (reference)", 1, move || {
            black_box(cipher(&key).encrypt_inout_detached(&[0; 12].into(), &[0; 22], buffer.as_mut_slice().into()))
                .expect("fits");
        })];
        for (name, len, field) in [
            ("tokenize 30 B, class 32, owner known", 30, Field::PHONE),
            ("tokenize 60 B, class 64, owner known", 60, Field::PERSON_NAME),
            ("tokenize 120 B, class 256, owner known", 120, Field::POSTAL_ADDRESS),
            ("tokenize 1000 B, class 1024, owner known", 1000, Field::FREE_TEXT),
        ] {
            let (sealer, mut rng) =
                (self.vault.sealer(&self.alice), CheckedRng::new(ChaCha20Rng::from_rng(&mut self.rng)));
            let value =
                if field == Field::PHONE { b"+81 3 0000 0000 ext 1234567   ".to_vec() } else { vec![b'a'; len] };
            let mut out = [0; Token::MAX_LEN];
            rows.push(row(name, 1, move || {
                black_box(sealer.tokenize(field, &value[..len.min(value.len())], &mut out, &mut rng).expect("valid"));
            }));
        }
        let (vault, alice) = (&self.vault, &self.alice);
        rows.push(row("an owner's keys", 1, move || {
            black_box(vault.sealer(alice));
        }));
        rows
    }

    /// What needs a host, each round with a fresh one, since trails fill up.
    fn host_rows(&mut self, reference: f64) {
        let token = self.token(30);
        let foreign = {
            let bob = Principal::person("shop-17", "bob").expect("a valid name");
            self.token_of(&bob)
        };
        let tokens: Vec<TokenBuf> = (0..100).map(|_| self.token(30)).collect();
        let items: Vec<Item<'_>> = tokens.iter().map(|token| Item::of(token.as_token())).collect();
        let mut reply = vec![0; reply_len(&items)];
        let text = token.as_token().to_string();
        let key = SessionKey::generate(&mut self.rng).expect("a generator that works");
        let issuer = self.vault.issuer("shop-17", Kind::Person, NOW.period()).expect("a valid name");
        let credential = issuer.issue(&self.alice, &key, &Terms::default(), NOW, &mut self.rng).expect("valid terms");
        let context: [&[u8]; 3] = [b"POST", b"/reveal", &[b'x'; 256]];
        let names = [
            "authenticate, 256 B of context",
            "detokenize, from text",
            "detokenize, refused",
            "reveal a batch of 100, per token",
        ];
        let mut turns: [Vec<f64>; 4] = Default::default();
        for _ in 0..TURNS * 3 {
            let mut host = self.host();
            let proofs: Vec<_> = (0..64)
                .map(|_| key.prove(&credential, &context, NOW, &mut self.rng).expect("a generator that works"))
                .collect();
            let start = Instant::now();
            let mut session = None;
            for proof in &proofs {
                session = Some(self.vault.authenticate(&credential, proof, &context, &mut host).expect("genuine"));
            }
            turns[0].push(start.elapsed().as_nanos() as f64 / proofs.len() as f64);
            let session = session.expect("there were proofs");
            let mut work = [0; Token::MAX_OPEN_LEN];
            let start = Instant::now();
            for _ in 0..100 {
                let mut bytes = [0; Token::MAX_LEN];
                let token = Token::from_text(black_box(text.as_bytes()), &mut bytes).expect("a token");
                black_box(session.detokenize(Field::PHONE, &token, &mut work, &mut host).expect("hers"));
            }
            turns[1].push(start.elapsed().as_nanos() as f64 / 100.0);
            let start = Instant::now();
            for _ in 0..100 {
                black_box(
                    session.detokenize(Field::PHONE, &foreign.as_token(), &mut work, &mut host).expect_err("not hers"),
                );
            }
            turns[2].push(start.elapsed().as_nanos() as f64 / 100.0);
            let start = Instant::now();
            black_box(session.reveal(&Access::OWN, &items, &mut reply, &mut host).expect("hers"));
            turns[3].push(start.elapsed().as_nanos() as f64 / 100.0);
        }
        for (name, turns) in names.into_iter().zip(&mut turns) {
            print_row(name, turns, reference);
        }
        println!("(with one trail entry each, committed to memory)");
    }

    fn host(&mut self) -> Host<Env, 128, 512> {
        let mut store = MemoryStore::new();
        AuditKey::create(&self.vault, &mut store, &mut self.rng).expect("an empty store");
        let mut starting = true;
        let clock = move || Some(if core::mem::take(&mut starting) { NOW.minus(10_000) } else { NOW });
        let environment = Parts {
            clock: Box::new(clock) as Box<dyn FnMut() -> Option<Time>>,
            rng: ChaCha20Rng::from_rng(&mut self.rng),
            store,
        };
        let mut host = Host::open(&self.vault, environment).expect("a trail");
        assert!(host.environment().store().room() > 400);
        host
    }

    fn token(&mut self, len: usize) -> TokenBuf {
        let alice = self.alice.clone();
        assert!(len <= 30);
        self.token_of(&alice)
    }

    fn token_of(&mut self, owner: &Principal) -> TokenBuf {
        let mut out = [0; Token::MAX_LEN];
        let mut rng = CheckedRng::new(ChaCha20Rng::from_rng(&mut self.rng));
        let token =
            self.vault.sealer(owner).tokenize(Field::PHONE, b"+81 3 0000 0000", &mut out, &mut rng).expect("valid");
        let mut text = [0; Token::MAX_TEXT_LEN];
        token.write_text(&mut text).expect("it fits");
        TokenBuf::new(&token)
    }
}

fn measure(rows: &mut [Row<'_>]) {
    for _ in 0..TURNS {
        for row in rows.iter_mut() {
            let start = Instant::now();
            for _ in 0..PER_TURN {
                (row.work)();
            }
            row.turns.push(start.elapsed().as_nanos() as f64 / f64::from(PER_TURN * row.per));
        }
    }
}

/// Prints the rows and returns the median of the first, the reference.
fn report(rows: &[Row<'_>], reference: Option<f64>) -> f64 {
    let reference = reference.unwrap_or_else(|| median(&mut rows[0].turns.clone()));
    println!("{:<46} {:>9} {:>9} {:>7}", "median of interleaved turns", "ns", "spread", "ratio");
    for row in rows {
        print_row(row.name, &mut row.turns.clone(), reference);
    }
    reference
}

fn print_row(name: &str, turns: &mut [f64], reference: f64) {
    let middle = median(turns);
    let spread = (turns[turns.len() * 3 / 4] - turns[turns.len() / 4]) / middle * 100.0;
    println!("{name:<46} {middle:>9.0} {spread:>8.0}% {:>7.2}", middle / reference);
}

fn median(turns: &mut [f64]) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns[turns.len() / 2]
}
