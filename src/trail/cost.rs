//! What the trail costs: an opening with its entry, and the same opening without one, which nothing outside the core can make.
//!
//! `cargo test --release --lib cost_of_the_trail -- --ignored --nocapture`

extern crate std;

use core::hint::black_box;
use std::{eprintln, time::Instant, vec::Vec};

use super::*;
use crate::{
    Access, Config, Environment, Field, Host, Item, Keyring, Kind, Limits, MemoryStore, Parts, Principal, SessionKey,
    Terms, View, access::Asked, entry::Event, seal, session::Derived, token::MAX_TOKEN_LEN,
};
use chacha20::{ChaCha20Rng, rand_core::SeedableRng};

const NOW: Time = Time::from_secs(1_800_000_000);
const TURNS: usize = 201;
const PER_TURN: usize = 200;

fn median(mut turns: Vec<f64>) -> f64 {
    turns.sort_by(f64::total_cmp);
    turns[turns.len() / 2]
}

/// Nanoseconds of each, in turns, so that a noisy machine disturbs all alike.
#[test]
#[ignore = "a measurement"]
fn cost_of_the_trail() {
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let config = Config { limits: Limits::NONE, ..Config::new(b"cost") };
    let vault = Vault::new(Keyring::generate(&mut rng).unwrap(), &config).unwrap();
    let mut store = MemoryStore::<512, 8>::new();
    let _audit = AuditKey::create(&vault, &mut store, &mut rng).unwrap();
    let parts = Parts { clock: || Some(NOW), rng: ChaCha20Rng::from_seed([6; 32]), store };
    let mut host: Host<_, 16, 64> = Host::open(&vault, parts).unwrap();
    let alice = Principal::person("shop", "alice").unwrap();
    let key = SessionKey::generate(&mut rng).unwrap();
    let terms = Terms { proof_required: false, ..Terms::default() };
    let issuer = vault.issuer("shop", Kind::Person, NOW.period()).unwrap();
    let credential = issuer.issue(&alice, &key, &terms, NOW, &mut rng).unwrap();
    let session = vault.authenticate_bearer(&credential, &mut host).unwrap();
    let mut bytes = [0; MAX_TOKEN_LEN];
    let token = vault.tokenize(&alice, Field::PHONE, b"+81 3 1234 5678", &mut bytes, &mut host).unwrap();
    let mut work = [0; crate::MAX_OPEN_LEN];
    let mut derived = Derived::default();
    let [mut raw, mut with, mut without, mut entry] = [(); 4].map(|()| Vec::new());
    let item = Item::of(token);
    for _ in 0..TURNS {
        let mut timed = |into: &mut Vec<f64>, one: &mut dyn FnMut(&mut Host<_, 16, 64>)| {
            let start = Instant::now();
            for _ in 0..PER_TURN {
                one(&mut host);
            }
            into.push(start.elapsed().as_nanos() as f64 / PER_TURN as f64);
            host.environment().store().acknowledge(u64::MAX).unwrap();
        };
        let mut value = [7; 32];
        timed(&mut raw, &mut |_| {
            black_box(seal_once(black_box(&Key::new([9; 32])), &[0; 22], &mut value).unwrap());
        });
        timed(&mut with, &mut |host| {
            black_box(session.detokenize(Field::PHONE, &token, &mut work, host).unwrap());
        });
        timed(&mut without, &mut |host| {
            let authority = session.authority(&Access::OWN, Asked::Show(View::Full), item.slot, host).unwrap();
            let open = |key: &_| Ok(seal::open(key, &item.token, item.slot, &mut work));
            assert!(black_box(session.open_with(&authority, &item, &mut derived, open).unwrap()).is_ok());
        });
        let fact = session.entry(Event::Detokenize, crate::Reason::Done);
        timed(&mut entry, &mut |host| {
            let staged = host.stage(NOW, &fact).unwrap();
            assert!(host.commit(&vault).unwrap().covers(&staged));
        });
    }
    let raw = median(raw);
    eprintln!("raw AEAD seal of 32 B (reference)  {raw:7.0} ns");
    for (name, turns) in [("detokenize", with), ("  without the trail", without), ("an entry, committed", entry)] {
        let ns = median(turns);
        eprintln!("{name:33}  {ns:7.0} ns  {:5.2}", ns / raw);
    }
    eprintln!("an entry has {ENTRY_LEN} bytes");
}
