//! What the store costs: `cargo run --release -p symbolon-host --example cost [directory]`.

use std::{env, path::PathBuf, time::Instant};

use getrandom::SysRng;
use symbolon::*;
use symbolon_host::registry::{DiskStore, Index, IndexRow, RegistryError};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir_in(env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from))?;
    let vault = Vault::new(Keyring::generate(&mut SysRng)?, &Config::new(b"cost"))?;
    let mut store = DiskStore::create(place.path().join("store"))?;
    AuditKey::create(&vault, &mut store, &mut SysRng)?;
    // No proof is taken that is not newer than the host's start by two seconds.
    let (mut clock, now) = (Time::from_secs(1_800_000_000), Time::from_secs(1_800_000_003));
    let clock = move || Some(std::mem::replace(&mut clock, now));
    let mut host: Host<_, 1_024> = Host::open(&vault, Parts { clock, rng: SysRng, store })?;

    // A session whose every opening is an entry alone.
    let alice = Principal::person("shop-17", "alice")?;
    let key = SessionKey::generate(&mut SysRng)?;
    let issuer = vault.issuer("shop-17", Kind::Person, now.period())?;
    let credential = issuer.issue(&alice, &key, &Terms::default(), now, &mut SysRng)?;
    let proof = key.prove(&credential, &[b"cost"], now, &mut SysRng)?;
    let session = vault.authenticate(&credential, &proof, &[b"cost"], &mut host)?;
    let mut out = [0; Token::MAX_LEN];
    let token = vault.tokenize(&alice, Field::PHONE, b"03-1234-5678", &mut out, &mut host)?;
    median("commit of an entry alone", || {
        let mut work = [0; Token::MAX_OPEN_LEN];
        session.detokenize(Field::PHONE, &token, &mut work, &mut host).map(|_| ())
    })?;
    let mut number = 0_u128;
    median("commit of an entry and a record", || {
        number += 1;
        vault.log_out(SessionId::from_bytes(number.to_be_bytes()), &mut host)
    })?;

    // A record of the size of an owner's for each of 100,000.
    let begun = Instant::now();
    for owner in 0..100_000_u64 {
        host.put_surrogate(*format!("{owner:016}").as_bytes().first_chunk().ok_or("16 digits")?, &[7; 110])?;
        if owner % 1_000 == 999 {
            let _receipt = host.commit(&vault)?;
        }
    }
    println!("{:<50} {:>10.2?}", "100,000 records, 1,000 a commit", begun.elapsed());
    timed("scrub with 100,000 records", || host.environment().store.scrub())?;

    let store = &mut host.environment().store;
    let index = Index::new(Field::EMAIL, b"by-address", 1)?;
    timed("1,000,000 index rows, 10,000 a transaction", || {
        (0..100_u64).try_for_each(|block| put_block(store, &index, block))
    })?;
    timed("find one of them", || store.find(&index, &value(123_456), 10).map(|found| assert_eq!(found.len(), 1)))?;
    timed("remove an owner's", || store.remove_owner(&owner(500_000)).map(|count| assert_eq!(count, 1)))?;
    timed("scrub with them", || store.scrub())?;
    for file in std::fs::read_dir(place.path().join("store"))? {
        let file = file?;
        println!("{:<50} {:>10} bytes", file.file_name().display(), file.metadata()?.len());
    }
    Ok(())
}

fn put_block(store: &mut DiskStore, index: &Index, block: u64) -> Result<(), RegistryError> {
    let references: Vec<[u8; 8]> = (block * 10_000..(block + 1) * 10_000).map(u64::to_be_bytes).collect();
    let row = |reference: &'_ [u8; 8]| {
        let number = u64::from_be_bytes(*reference);
        (value(number), owner(number))
    };
    let rows = references.iter().map(|reference| {
        let (value, owner) = row(reference);
        IndexRow { value, owner, reference }
    });
    store.put_rows(index, rows).map(|_| ())
}

/// As scattered as the real ones.
fn value(number: u64) -> [u8; 8] {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
}

fn owner(number: u64) -> [u8; 16] {
    u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

fn median<E>(what: &str, mut call: impl FnMut() -> Result<(), E>) -> Result<(), E> {
    let mut times = Vec::new();
    for _ in 0..500 {
        let begun = Instant::now();
        call()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("{what:<50} {:>10.2?} median, {:.2?} at 99 %", times[250], times[495]);
    Ok(())
}

fn timed<E>(what: &str, call: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    let begun = Instant::now();
    call()?;
    println!("{what:<50} {:>10.2?}", begun.elapsed());
    Ok(())
}
