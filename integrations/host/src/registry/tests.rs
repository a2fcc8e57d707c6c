//! The store against restarts, torn writes, failing disks and a second process; erasure, index rows, scrubbing.

mod erasure;
mod faults;
mod indexes;

use std::{fs, io::Write, path::PathBuf};

use symbolon::{SealedEntry, Table};

use super::{rows::RowKey, *};

/// A store in a directory that goes away with it.
pub(super) fn begin() -> (tempfile::TempDir, PathBuf, DiskStore) {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    let store = DiskStore::create(&dir).unwrap();
    (place, dir, store)
}

/// An entry, told from others by its number.
pub(super) fn entry(number: u64) -> SealedEntry {
    let mut bytes = [0x5a; SealedEntry::LEN];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    SealedEntry::from_bytes(bytes)
}

pub(super) fn entries(numbers: std::ops::Range<u64>) -> Vec<SealedEntry> {
    numbers.map(entry).collect()
}

pub(super) fn row(table: Table, id: u8, value: &[u8]) -> Row<'_> {
    Row { key: row_key(table.code(), &[id; 16]), value, expires: u64::MAX, erases: false }
}

pub(super) fn get(store: &DiskStore, table: Table, id: u8) -> Option<Vec<u8>> {
    let mut out = [0; symbolon::Record::MAX_LEN];
    let len = store.get(&RecordKey { table, id: [id; 16] }, &mut out).unwrap();
    len.map(|len| out[..len].to_vec())
}

/// The numbers of all entries.
pub(super) fn numbers(store: &DiskStore) -> Vec<u64> {
    let mut numbers = Vec::new();
    let sink = &mut |entry: &SealedEntry| {
        numbers.push(entry.sequence());
        true
    };
    store.entries(sink).unwrap();
    numbers
}

/// What was put is there after a restart, and a record replaces an earlier one.
#[test]
fn remembers() {
    let (_place, dir, mut store) = begin();
    store.put(&[row(Table::ClockFloor, 0, b"one"), row(Table::GrantUses, 1, b"")], &entries(0..2), 5).unwrap();
    store.put(&[], &entries(2..4), 5).unwrap();
    store.put(&[row(Table::ClockFloor, 0, b"two")], &[], 5).unwrap();
    for _ in 0..2 {
        assert_eq!(get(&store, Table::ClockFloor, 0).unwrap(), b"two");
        assert_eq!(get(&store, Table::GrantUses, 1).unwrap(), b"");
        assert_eq!(get(&store, Table::GrantUses, 2), None);
        assert_eq!(get(&store, Table::LoggedOut, 0), None);
        assert_eq!(numbers(&store), [0, 1, 2, 3]);
        assert_eq!(store.last_entry().unwrap(), Some(entry(3)));
        drop(store);
        store = DiskStore::open(&dir).unwrap();
        assert_eq!(store.cut(), 0);
    }
}

/// The largest record fits, and comes back byte for byte.
#[test]
fn largest_record() {
    let (_place, _dir, mut store) = begin();
    let value: Vec<u8> = (0..128).collect();
    store.put(&[row(Table::Owner, 9, &value)], &[], 0).unwrap();
    assert_eq!(get(&store, Table::Owner, 9).unwrap(), value);
}

/// Expired records go in passing, some each time and the oldest first; one that was put again under a later time stays.
#[test]
fn expired_records_go() {
    let (_place, _dir, mut store) = begin();
    let ids: Vec<RowKey> = (0..200_u32).map(|n| rows::concat([&[3], &n.to_be_bytes()])).collect();
    let put = |keys: &[RowKey], expires, now, store: &mut DiskStore| {
        let rows: Vec<_> = keys.iter().map(|key| Row { key: *key, value: b"x", expires, erases: false }).collect();
        store.put(&rows, &[], now).unwrap();
    };
    put(&ids, 1_000, 0, &mut store);
    put(&ids[..1], 5_000, 0, &mut store);
    let count = |store: &DiskStore| {
        let has =
            |key: &&RowKey| store.rows().unwrap().get(key, &mut [0; symbolon::Record::MAX_LEN]).unwrap().is_some();
        ids.iter().filter(has).count()
    };
    store.put(&[row(Table::ClockFloor, 0, b"")], &[], 999).unwrap();
    assert_eq!(count(&store), 200);
    store.put(&[row(Table::ClockFloor, 0, b"")], &[], 1_000).unwrap();
    assert_eq!(count(&store), 136);
    for _ in 0..3 {
        store.put(&[row(Table::ClockFloor, 0, b"")], &[], 1_000).unwrap();
    }
    assert_eq!(count(&store), 1);
}

/// One process at a time; when the first has gone, the next gets it. And what is not there, or is there already, is told apart.
#[test]
fn one_at_a_time() {
    let (place, dir, store) = begin();
    assert!(matches!(DiskStore::open(&dir), Err(RegistryError::Locked)));
    assert!(matches!(DiskStore::create(&dir), Err(RegistryError::Exists)));
    drop(store);
    assert!(DiskStore::open(&dir).is_ok());
    assert!(matches!(DiskStore::open(place.path()), Err(RegistryError::Missing)));
    assert!(matches!(DiskStore::open(place.path().join("other")), Err(RegistryError::Missing)));
}

/// Nobody else can read the files.
#[cfg(unix)]
#[test]
fn private() {
    use std::os::unix::fs::PermissionsExt;
    let (_place, dir, mut store) = begin();
    store.scrub().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let names: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for path in names {
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

/// What an interrupted write left at the log's end is cut off, whatever its form; what is whole stays.
#[test]
fn a_torn_tail_is_cut_off() {
    let (_place, dir, mut store) = begin();
    store.put(&[], &entries(0..3), 0).unwrap();
    drop(store);
    let whole = 3 * SealedEntry::LEN;
    let mut half = *entry(3).as_bytes();
    half[60..].fill(0);
    // A page in the middle was not written, and the one behind it was.
    let hole = [&half[..], entry(4).as_bytes()].concat();
    let mut front = *entry(3).as_bytes();
    front[..20].fill(0);
    let tails = [vec![7; 1], vec![7; 109], vec![0; 110], vec![0; 500], half.to_vec(), hole, front.to_vec()];
    for tail in tails {
        fs::OpenOptions::new().append(true).open(dir.join(TRAIL)).unwrap().write_all(&tail).unwrap();
        let store = DiskStore::open(&dir).unwrap();
        assert_eq!(store.cut(), tail.len() as u64);
        assert_eq!(fs::metadata(dir.join(TRAIL)).unwrap().len(), whole as u64);
        assert_eq!(numbers(&store), [0, 1, 2]);
    }
    let mut store = DiskStore::open(&dir).unwrap();
    assert_eq!(store.cut(), 0);
    store.put(&[], &entries(3..4), 0).unwrap();
    assert_eq!(numbers(&store), [0, 1, 2, 3]);
}

/// A batch with records whose entries did not reach the log, or only in part, is made whole at the next start.
#[test]
fn the_log_catches_up() {
    for reached in 0..=3 * SealedEntry::LEN {
        if reached % 37 != 0 && reached % SealedEntry::LEN != 0 {
            continue;
        }
        let (_place, dir, mut store) = begin();
        store.put(&[], &entries(0..2), 0).unwrap();
        store.put(&[row(Table::GrantUses, 1, b"1")], &entries(2..5), 0).unwrap();
        drop(store);
        let log = fs::OpenOptions::new().write(true).open(dir.join(TRAIL)).unwrap();
        log.set_len((2 * SealedEntry::LEN + reached) as u64).unwrap();
        let mut store = DiskStore::open(&dir).unwrap();
        assert_eq!(numbers(&store), [0, 1, 2, 3, 4], "{reached}");
        assert_eq!(get(&store, Table::GrantUses, 1).unwrap(), b"1");
        store.put(&[], &entries(5..6), 0).unwrap();
        drop(store);
        assert_eq!(numbers(&DiskStore::open(&dir).unwrap()), [0, 1, 2, 3, 4, 5]);
    }
}

/// Files that are not what was written are told, and nothing goes on.
#[test]
fn damaged_files() {
    let (_place, dir, mut store) = begin();
    store.put(&[], &entries(0..2), 0).unwrap();
    store.put(&[row(Table::GrantUses, 1, b"1")], &entries(2..3), 0).unwrap();
    drop(store);
    let good = fs::read(dir.join(TRAIL)).unwrap();
    fs::write(dir.join(TRAIL), &good[..SealedEntry::LEN]).unwrap();
    assert!(matches!(DiskStore::open(&dir), Err(RegistryError::Damaged(_))));
    fs::write(dir.join(TRAIL), &good).unwrap();
    assert!(DiskStore::open(&dir).is_ok());

    let database = fs::read(dir.join(scrub::NAME)).unwrap();
    fs::write(dir.join(scrub::NAME), b"").unwrap();
    assert!(matches!(DiskStore::open(&dir), Err(RegistryError::Damaged(_))));
    fs::write(dir.join(scrub::NAME), b"something else").unwrap();
    assert!(DiskStore::open(&dir).is_err());
    fs::remove_file(dir.join(scrub::NAME)).unwrap();
    assert!(matches!(DiskStore::open(&dir), Err(RegistryError::Damaged(_))));
    fs::write(dir.join(scrub::NAME), &database).unwrap();
    assert!(DiskStore::open(&dir).is_ok());
    fs::remove_file(dir.join(TRAIL)).unwrap();
    assert!(matches!(DiskStore::open(&dir), Err(RegistryError::Missing)));
}

/// Nothing that is kept shows in what is printed.
#[test]
fn debug_is_silent() {
    let (_place, _dir, mut store) = begin();
    store.put(&[row(Table::Owner, 1, b"SECRETSECRET")], &entries(0..1), 0).unwrap();
    let text = format!("{store:?}");
    assert!(text.starts_with("DiskStore { dir:") && text.ends_with("entries: 1, .. }"), "{text}");
}
