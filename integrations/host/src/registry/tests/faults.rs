//! Disks that fail.

use std::cell::RefCell;

use super::*;
use crate::registry::log::Medium;

/// A disk in memory that fails after so many calls that change it, for so many calls.
#[derive(Default)]
struct Faulty {
    bytes: RefCell<Vec<u8>>,
    calls: u32,
    fails: std::ops::Range<u32>,
}

impl Faulty {
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.fails.contains(&(self.calls - 1)) { Err(io::Error::other("the disk failed")) } else { Ok(()) }
    }
}

impl Medium for &mut Faulty {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.borrow().len() as u64)
    }

    fn read(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        out.copy_from_slice(&self.bytes.borrow()[offset as usize..][..out.len()]);
        Ok(())
    }

    /// A failing write has written half.
    fn write(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let result = self.call();
        let written = if result.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        let mut all = self.bytes.borrow_mut();
        all.truncate(offset as usize);
        all.extend_from_slice(written);
        result
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.call()?;
        self.bytes.borrow_mut().truncate(len as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.call()
    }
}

/// Wherever the disk fails, and for however long: what was acknowledged is there, in order and once, and goes on when it works again.
#[test]
fn a_log_on_a_failing_disk() {
    for first in 0..12 {
        for length in 1..5 {
            let mut disk = Faulty { fails: first..first + length, ..Faulty::default() };
            let mut log = Log::of(&mut disk).unwrap();
            let mut next = 0;
            for _ in 0..12 {
                // What was not taken is offered again, as a host does.
                if log.append(&entries(next..next + 2)).is_ok() {
                    next += 2;
                }
                assert_eq!(log.count(), next);
                assert_eq!(log.last().cloned(), next.checked_sub(1).map(entry));
            }
            assert!(next >= 12, "{first} {length}");
            disk.fails = 0..0;
            let log = Log::of(&mut disk).unwrap();
            assert_eq!(log.newest(100).unwrap(), entries(0..next));
        }
    }
}

/// The log can't be written while its file is only readable: a batch of entries alone is refused whole, and one with records is kept by
/// the database and is in the log when that works again.
#[test]
fn a_log_that_fails() {
    let (_place, dir, mut store) = begin();
    store.put(&[], &entries(0..1), 0).unwrap();
    let good = break_log(&mut store, &dir);
    assert!(store.put(&[], &entries(1..2), 0).is_err());
    assert_eq!(numbers(&store), [0]);
    store.put(&[row(Table::GrantUses, 1, b"1")], &entries(1..3), 0).unwrap();
    assert_eq!(numbers(&store), [0, 1, 2]);
    assert_eq!(store.last_entry().unwrap(), Some(entry(2)));
    // The next batch waits for those before it.
    assert!(store.put(&[], &entries(3..4), 0).is_err());
    assert!(store.put(&[row(Table::GrantUses, 1, b"2")], &entries(3..4), 0).is_err());
    assert_eq!(get(&store, Table::GrantUses, 1).unwrap(), b"1");
    store.log = good;
    store.put(&[row(Table::GrantUses, 1, b"2")], &entries(3..4), 0).unwrap();
    assert_eq!(numbers(&store), [0, 1, 2, 3]);
    drop(store);
    let store = DiskStore::open(&dir).unwrap();
    assert_eq!(numbers(&store), [0, 1, 2, 3]);
    assert_eq!(get(&store, Table::GrantUses, 1).unwrap(), b"2");
}

/// The database fails: nothing is changed, and the next commit opens it again. What the host then puts once more is not kept twice.
#[test]
fn a_database_that_fails() {
    let (_place, dir, mut store) = begin();
    store.put(&[row(Table::GrantUses, 1, b"1")], &entries(0..2), 0).unwrap();
    store.rows = None;
    fs::rename(dir.join(scrub::NAME), dir.join("away")).unwrap();
    assert!(store.put(&[row(Table::GrantUses, 1, b"2")], &entries(2..3), 0).is_err());
    assert!(
        store.get(&RecordKey { table: Table::GrantUses, id: [1; 16] }, &mut [0; symbolon::Record::MAX_LEN]).is_err()
    );
    fs::rename(dir.join("away"), dir.join(scrub::NAME)).unwrap();
    store.put(&[row(Table::GrantUses, 1, b"2")], &entries(2..3), 0).unwrap();
    assert_eq!(numbers(&store), [0, 1, 2]);

    // A batch that was kept although its commit was answered with an error.
    store.put(&[row(Table::GrantUses, 1, b"3")], &entries(3..6), 0).unwrap();
    store.put(&[row(Table::GrantUses, 1, b"3")], &entries(3..7), 0).unwrap();
    store.put(&[], &entries(5..9), 0).unwrap();
    assert_eq!(numbers(&store), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

/// A database whose writes fail from some point on, wherever that is: all of a batch or nothing, and what is told is true.
#[test]
fn a_database_on_a_full_disk() {
    let (mut refused, mut kept) = (0, 0);
    for after in 0..40 {
        let (_place, dir, mut store) = begin();
        store.put(&[row(Table::GrantUses, 1, b"1")], &entries(0..2), 0).unwrap();
        drop(store.rows.take());
        let backend = backend::Failing::new(files::open(&dir.join(scrub::NAME)).unwrap(), after);
        let Ok(db) = redb::Database::builder().create_with_backend(backend) else { continue };
        store.rows = Some(Rows::of(db));
        let told = store.put(&[row(Table::GrantUses, 1, b"2")], &entries(2..5), 0);
        let whole = (get(&store, Table::GrantUses, 1).unwrap() == b"2", numbers(&store).len() == 5);
        assert_eq!(whole, (told.is_ok(), told.is_ok()), "{after}");
        drop(store);
        let mut store = DiskStore::open(&dir).unwrap();
        assert_eq!(numbers(&store).len() == 5, told.is_ok());
        if told.is_ok() {
            kept += 1
        } else {
            refused += 1
        }
        store.put(&[row(Table::GrantUses, 1, b"2")], &entries(2..6), 0).unwrap();
        assert_eq!(numbers(&store), [0, 1, 2, 3, 4, 5]);
    }
    assert!(refused > 3 && kept > 3, "{refused} refused, {kept} kept");
}

/// Gives the store a log that can't be written, and hands back the good one.
fn break_log(store: &mut DiskStore, dir: &Path) -> Log {
    let readable = Log::of(File::open(dir.join(TRAIL)).unwrap()).unwrap();
    std::mem::replace(&mut store.log, readable)
}

mod backend {
    //! A file whose writes fail from some point on.

    use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

    use super::*;

    #[derive(Debug)]
    pub(super) struct Failing(redb::backends::FileBackend, AtomicI32);

    impl Failing {
        pub(super) fn new(file: File, after: i32) -> Self {
            Self(redb::backends::FileBackend::new(file).unwrap(), AtomicI32::new(after))
        }

        fn call(&self) -> io::Result<()> {
            if self.1.fetch_sub(1, Relaxed) > 0 { Ok(()) } else { Err(io::Error::other("no room")) }
        }
    }

    impl redb::StorageBackend for Failing {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.0.read(offset, out)
        }

        fn set_len(&self, len: u64) -> io::Result<()> {
            self.call()?;
            self.0.set_len(len)
        }

        fn sync_data(&self) -> io::Result<()> {
            self.call()?;
            self.0.sync_data()
        }

        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.call()?;
            self.0.write(offset, data)
        }

        fn close(&self) -> io::Result<()> {
            self.0.close()
        }
    }
}
