//! The store against restarts, torn writes and a second process.

use std::{fs, io::Write, path::Path};

use symbolon::{AuditKey, Keyring, Vault};

use super::*;
use crate::state::{self, State, state_dir};

/// A keyring's place in a fresh directory, and a trail beside it.
fn begin() -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>, AuditKey) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k");
    let keyring = Keyring::generate(&mut state::rng().unwrap()).unwrap();
    let mut secret = vec![0; symbolon::MAX_KEYRING_LEN];
    let len = keyring.write_secret(&mut secret).unwrap();
    secret.truncate(len);
    let mut store = FileStore::create(&state_dir(&path)).unwrap();
    let audit = AuditKey::create(&vault(&secret), &mut store, &mut state::rng().unwrap()).unwrap();
    (dir, path, secret, audit)
}

fn vault(secret: &[u8]) -> Vault {
    state::vault_of(Keyring::read_secret(secret).unwrap()).unwrap()
}

fn start(path: &Path, secret: &[u8]) -> Result<State> {
    State::resume(path, vault(secret))
}

/// The numbers of all entries, each opened with the audit key: the chain is whole.
fn numbers(path: &Path, audit: &AuditKey) -> Vec<u64> {
    let (mut reader, mut numbers) = (audit.reader(), Vec::new());
    let read = &mut |sealed: &SealedEntry| {
        numbers.push(reader.read(sealed).unwrap().sequence);
        true
    };
    FileStore::open(&state_dir(path)).unwrap().entries(read).unwrap();
    numbers
}

/// Every start goes on with numbers that were never used, in one chain.
#[test]
fn a_restart_goes_on() {
    let (_dir, path, secret, audit) = begin();
    for _ in 0..3 {
        drop(start(&path, &secret).unwrap());
    }
    let numbers = numbers(&path, &audit);
    assert_eq!(numbers.len(), 3);
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

/// What an interrupted write left is cut off, whatever its length, and the chain goes on.
#[test]
fn a_torn_tail_is_cut_off() {
    let (_dir, path, secret, audit) = begin();
    drop(start(&path, &secret).unwrap());
    let log = state_dir(&path).join("trail.log");
    let whole = fs::metadata(&log).unwrap().len();
    for tail in [vec![7; 1], vec![7; 109], vec![0; 110], vec![0; 500]] {
        fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(&tail).unwrap();
        let store = FileStore::open(&state_dir(&path)).unwrap();
        assert_eq!(store.log.cut(), tail.len() as u64);
        assert_eq!(fs::metadata(&log).unwrap().len(), whole);
    }
    drop(start(&path, &secret).unwrap());
    assert_eq!(numbers(&path, &audit).len(), 2);
}

/// A second process waits its turn; when the first has gone, it gets it.
#[test]
fn one_at_a_time() {
    let (_dir, path, secret, _audit) = begin();
    let first = start(&path, &secret).unwrap();
    let error = start(&path, &secret).err().unwrap();
    assert_eq!(crate::error::code(&error), 4);
    assert!(format!("{error:#}").contains("another symbolon is using"), "{error:#}");
    drop(first);
    assert!(start(&path, &secret).is_ok());
}

/// Nothing goes on without a trail, or with another keyring's, or with records that are damaged.
#[test]
fn what_is_missing_or_foreign_is_unavailable() {
    let (_dir, path, secret, _audit) = begin();
    let (_other_dir, other, other_secret, _other_audit) = begin();
    let foreign = start(&path, &other_secret).err().unwrap();
    assert_eq!(crate::error::code(&foreign), 4);
    drop(start(&other, &other_secret).unwrap());

    let records = state_dir(&path).join("records");
    let good = fs::read(&records).unwrap();
    for bad in [&good[..good.len() - 1], &[&good, b"x".as_slice()].concat(), b""] {
        fs::write(&records, bad).unwrap();
        assert!(start(&path, &secret).is_err());
    }
    fs::write(&records, good).unwrap();
    drop(start(&path, &secret).unwrap());

    fs::remove_dir_all(state_dir(&path)).unwrap();
    let missing = start(&path, &secret).err().unwrap();
    assert_eq!(crate::error::code(&missing), 4);
    assert!(format!("{missing:#}").contains("no audit trail"), "{missing:#}");
}

/// A commit that can't be written is an error, and the next one is tried afresh.
#[cfg(unix)]
#[test]
fn a_disk_that_fails_releases_nothing() {
    let (_dir, path, secret, audit) = begin();
    let mut state = start(&path, &secret).unwrap();
    let session = symbolon::SessionId::from_bytes([1; 16]);
    // Its records file can't be replaced while a directory has its name.
    let records = state_dir(&path).join("records");
    let kept = fs::read(&records).unwrap();
    fs::remove_file(&records).unwrap();
    fs::create_dir(&records).unwrap();
    assert_eq!(state.vault.log_out(session, &mut state.host), Err(symbolon::Error::Unavailable));
    fs::remove_dir(&records).unwrap();
    fs::write(&records, kept).unwrap();
    assert_eq!(state.vault.log_out(session, &mut state.host), Ok(()));
    drop(state);
    // Started, and both log-outs: what was staged is not forgotten.
    assert_eq!(numbers(&path, &audit).len(), 3);
}
