//! A reveal endpoint in axum: `Arc<Vault>`, sessions that live for one request, no lock across an await.
//!
//! `cargo run -p symbolon-server --example axum` starts it on 127.0.0.1:8017 with a fresh keyring and prints a request to try.
//! (What logs people in and where the keyring comes from is the host's business; here both are made on the spot.)

use std::{error::Error, path::Path, sync::Arc};

use rand_core::SeedableRng;
use symbolon::{AuditKey, Config, Field, Keyring, Kind, Principal, SessionKey, Terms, Token, Vault};
use symbolon_server::{Desk, LogStore};

mod handler;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let mut rng = chacha20::ChaCha20Rng::from_seed(seed);
    let vault = Arc::new(Vault::new(Keyring::generate(&mut rng)?, &Config::new(b"order-pages"))?);
    let directory = tempfile::tempdir()?;
    let desk = open(&vault, &directory.path().join("trail"), &mut rng)?;

    let alice = Principal::person("shop-17", "alice")?;
    let mut out = [0; Token::MAX_LEN];
    let token =
        vault.tokenize(&alice, Field::PERSON_NAME, "山田 太郎".as_bytes(), &mut out, &mut desk.host())?.to_string();
    let now = symbolon::Environment::now(desk.host().environment()).ok_or("no clock")?;
    let key = SessionKey::generate(&mut rng)?;
    let issuer = vault.issuer("shop-17", Kind::Person, now.period())?;
    let credential = issuer.issue(&alice, &key, &Terms::default(), now, &mut rng)?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:8017").await?;
    println!("POST /reveal on http://{} with, within the next minute or so:", listener.local_addr()?);
    println!("{}", handler::request(&key, &credential, &[token], now.plus(3000), &mut rng)?);
    axum::serve(listener, handler::router(desk)).await?;
    Ok(())
}

/// Makes the trail where there is none, and opens the desk.
fn open(vault: &Arc<Vault>, path: &Path, rng: &mut chacha20::ChaCha20Rng) -> Result<Arc<Desk>, Box<dyn Error>> {
    let mut store = LogStore::open(path)?;
    let _for_the_auditor = AuditKey::create(vault, &mut store, rng)?;
    Ok(Desk::open(Arc::clone(vault), store)?)
}
