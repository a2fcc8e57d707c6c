//! The trail as a file that only grows, written in two ways: at once while the server starts, by the desk's task afterwards.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use symbolon::{Batch, Environment, Record, RecordKey, SealedEntry, Store, StoreError, Time};

/// A file of batches. Each is `LE32 length ‖ LE32 CRC-32 of the lines ‖ lines`, a line `0 ‖ entry` or `1 ‖ table and id 17 ‖ LE16 length ‖ value`.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<Journal>>);

#[derive(Debug)]
struct Journal {
    file: File,
    /// Bytes of whole batches.
    len: u64,
    /// Behind them stands what could not be cut off.
    uncut: bool,
}

impl Log {
    /// Appends a batch and returns when the disk has it.
    ///
    /// # Errors
    /// Of the operating system. What was written is cut off again, at the latest before the next batch.
    pub fn append(&self, batch: &[u8]) -> io::Result<()> {
        let mut journal = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Journal { file, len, uncut } = &mut *journal;
        if *uncut {
            file.set_len(*len)?;
            *uncut = false;
        }
        let begun = file.seek(SeekFrom::Start(*len));
        let written = begun.and_then(|_| file.write_all(batch)).and_then(|()| file.sync_data());
        match written {
            Ok(()) => *len += batch.len() as u64,
            Err(_) => *uncut = file.set_len(*len).is_err(),
        }
        written
    }

    /// The journal's bytes of a batch, none where there is nothing in it.
    #[must_use]
    pub fn encode(batch: &Batch<'_>) -> Vec<u8> {
        let mut bytes = vec![0; HEAD];
        for record in batch.records() {
            bytes.push(RECORD);
            bytes.push(record.key().table as u8);
            bytes.extend(record.key().id);
            bytes.extend((record.value().len() as u16).to_le_bytes());
            bytes.extend(record.value());
        }
        for entry in batch.entries() {
            bytes.push(ENTRY);
            bytes.extend(entry.as_bytes());
        }
        if bytes.len() == HEAD {
            return Vec::new();
        }
        let (head, lines) = bytes.split_at_mut(HEAD);
        let (len, check) = head.split_at_mut(4);
        len.copy_from_slice(&(lines.len() as u32).to_le_bytes());
        check.copy_from_slice(&crc32fast::hash(lines).to_le_bytes());
        bytes
    }
}

/// Bytes before a batch's lines.
const HEAD: usize = 8;
const ENTRY: u8 = 0;
const RECORD: u8 = 1;

/// The log, with its records and the last entry in memory.
#[derive(Debug)]
pub struct LogStore {
    log: Log,
    records: HashMap<(u8, [u8; 16]), Vec<u8>>,
    last: Option<SealedEntry>,
    entries: Vec<SealedEntry>,
}

impl LogStore {
    /// Opens or makes the file. A torn end, which an interrupted write leaves, is cut off: a batch is there whole or not at all.
    ///
    /// # Errors
    /// Of the operating system; [`io::ErrorKind::InvalidData`] where it is damaged before its end, which no interrupted write does. The file
    /// stays as it is then: going on without what is behind the damage could use keys of the trail twice.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // One store, one host: a second process would seal the same numbers again.
        file.try_lock().map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "another process uses this trail"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let log = Log(Arc::new(Mutex::new(Journal { file, len: 0, uncut: true })));
        let mut store = Self { log, records: HashMap::new(), last: None, entries: Vec::new() };
        let whole = store.apply(&bytes);
        if !is_torn(bytes.get(whole..).unwrap_or_default()) {
            let damage = format!(
                "the trail is damaged at byte {whole} of {}: keep the file for the auditor, and begin a new trail",
                bytes.len()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, damage));
        }
        store.log.0.lock().unwrap_or_else(PoisonError::into_inner).len = whole as u64;
        Ok(store)
    }

    /// A second handle to the file, for the task that commits.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Takes in what the journal says, batch by batch, and returns how many bytes of it were whole.
    pub fn apply(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some((lines, after)) = whole_batch(rest) {
            let mut lines = lines;
            while let Some(behind) = self.apply_one(lines) {
                lines = behind;
            }
            rest = after;
        }
        bytes.len() - rest.len()
    }

    fn apply_one<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        match bytes.split_first()? {
            (&ENTRY, rest) => {
                let (entry, rest) = rest.split_first_chunk::<{ SealedEntry::LEN }>()?;
                let entry = SealedEntry::from_bytes(*entry);
                self.entries.push(entry.clone());
                self.last = Some(entry);
                Some(rest)
            }
            (&RECORD, rest) => {
                let (&table, rest) = rest.split_first()?;
                let (id, rest) = rest.split_first_chunk::<16>()?;
                let (len, rest) = rest.split_first_chunk::<2>()?;
                let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
                self.records.insert((table, *id), value.to_vec());
                Some(rest)
            }
            _ => None,
        }
    }
}

/// The lines of the batch that stands at the front, and what is behind it.
fn whole_batch(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    let (check, rest) = rest.split_first_chunk()?;
    let (lines, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    (!lines.is_empty() && crc32fast::hash(lines) == u32::from_le_bytes(*check)).then_some((lines, rest))
}

/// Whether what is no whole batch is a write that was interrupted: what was written of it, up to zeros that stand for what wasn't, is not more
/// than the batch's length.
fn is_torn(bytes: &[u8]) -> bool {
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let len = bytes.first_chunk().map_or(0, |len| u32::from_le_bytes(*len) as usize);
    written <= HEAD || written - HEAD <= len
}

impl Store for LogStore {
    fn room(&self) -> usize {
        usize::MAX
    }

    fn record_room(&self, _now: Time) -> usize {
        usize::MAX
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        let Some(value) = self.records.get(&(key.table as u8, key.id)) else { return Ok(None) };
        out.get_mut(..value.len()).ok_or(StoreError)?.copy_from_slice(value);
        Ok(Some(value.len()))
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let bytes = Log::encode(batch);
        self.log.append(&bytes).map_err(|_| StoreError)?;
        self.apply(&bytes);
        Ok(())
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        let _all = self.entries.iter().all(sink);
        Ok(())
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        Ok(self.last.clone())
    }

    /// Lets go of what is in memory; the file keeps it.
    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.entries.retain(|entry| entry.sequence() > sequence);
        Ok(())
    }
}

/// A server's environment: the system's clock, a seeded generator, the log.
#[derive(Debug)]
pub struct Server {
    rng: ChaCha20Rng,
    store: LogStore,
}

impl Server {
    /// With this store.
    ///
    /// # Errors
    /// Where the operating system has no random numbers.
    pub fn new(store: LogStore) -> io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| io::Error::other("no random numbers"))?;
        Ok(Self { rng: ChaCha20Rng::from_seed(seed), store })
    }
}

impl Environment for Server {
    type Rng = ChaCha20Rng;
    type Store = LogStore;

    fn now(&mut self) -> Option<Time> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        u64::try_from(since.as_millis()).ok().map(Time::from_millis)
    }

    fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.rng
    }

    fn store(&mut self) -> &mut LogStore {
        &mut self.store
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use symbolon::{AuditKey, Config, Field, Host, Keyring, Principal, Vault};

    /// A trail in which an owner was given a secret and a value was sealed: batches of records and entries, and where each ends.
    fn journal(path: &Path) -> (Vec<u8>, Vec<usize>) {
        let vault =
            Vault::new(Keyring::generate(&mut ChaCha20Rng::from_seed([3; 32])).unwrap(), &Config::new(b"a")).unwrap();
        let mut store = LogStore::open(path).unwrap();
        let _audit = AuditKey::create(&vault, &mut store, &mut ChaCha20Rng::from_seed([4; 32])).unwrap();
        let mut host: Host<_, 16, 16> = Host::open(&vault, Server::new(store).unwrap()).unwrap();
        let alice = Principal::person("shop", "alice").unwrap();
        let held = vault.erasable_sealer_held(&alice, &mut host).unwrap();
        let sealer = host.settle(&vault, held).unwrap();
        let mut rng = symbolon::CheckedRng::new(ChaCha20Rng::from_seed([5; 32]));
        sealer.tokenize(Field::EMAIL, b"a@example.com", &mut [0; symbolon::Token::MAX_LEN], &mut rng).unwrap();
        drop(host);
        let (bytes, mut ends) = (fs::read(path).unwrap(), vec![0]);
        while let Some((_, rest)) = whole_batch(&bytes[*ends.last().unwrap()..]) {
            ends.push(bytes.len() - rest.len());
        }
        (bytes, ends)
    }

    /// Cut anywhere, with or without room behind it, it is what it was after its last whole batch: no record is there without its entry.
    #[test]
    fn a_batch_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail");
        let (bytes, ends) = journal(&path);
        assert!(ends.len() >= 5 && ends.last() == Some(&bytes.len()), "{ends:?}");
        for cut in 0..bytes.len() {
            for room in [0, 100] {
                let torn = [&bytes[..cut], &vec![0; room]].concat();
                fs::write(&path, &torn).unwrap();
                let store = LogStore::open(&path).unwrap();
                // The room may happen to be what was missing.
                let whole = ends.iter().rev().find(|end| torn.starts_with(&bytes[..**end])).unwrap();
                let mut expected = LogStore::open(&folder.path().join("expected")).unwrap();
                expected.apply(&bytes[..*whole]);
                assert_eq!((&store.records, &store.entries), (&expected.records, &expected.entries), "{cut}");
                // What is written next stands behind it.
                store.log().append(&bytes[..ends[1]]).unwrap();
                assert_eq!(fs::read(&path).unwrap(), [&bytes[..*whole], &bytes[..ends[1]]].concat(), "{cut}");
            }
        }
    }

    /// A damage before the last batch is none that a cut leaves: nothing is opened, and nothing is cut off.
    #[test]
    fn a_damage_in_the_middle_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trail");
        let (bytes, ends) = journal(&path);
        let last = ends[ends.len() - 2];
        for at in (0..last).filter(|at| !ends.iter().any(|end| (*end..end + 4).contains(at))) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let error = LogStore::open(&path).unwrap_err();
            let begin = ends.iter().rev().find(|end| **end <= at).unwrap();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{at}");
            assert!(error.to_string().contains(&format!("byte {begin} of {}", bytes.len())), "{error}");
            assert_eq!(fs::read(&path).unwrap(), damaged, "{at}");
        }
    }
}
