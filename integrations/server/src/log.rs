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

/// A file of entries and records. A line of the journal is `0 ‖ entry` or `1 ‖ table and id 17 ‖ LE16 length ‖ value`.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<File>>);

impl Log {
    /// Appends what a batch consists of and returns when the disk has it.
    ///
    /// # Errors
    /// Of the operating system. What was written is cut off again.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = file.seek(SeekFrom::End(0))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        if written.is_err() {
            file.set_len(before)?;
        }
        written
    }

    /// The journal's bytes of a batch.
    #[must_use]
    pub fn encode(batch: &Batch<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
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
        bytes
    }
}

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
    /// Opens or makes the file. A torn end, which an interrupted write leaves, is cut off.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // One store, one host: a second process would seal the same numbers again.
        file.try_lock().map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "another process uses this trail"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let log = Log(Arc::new(Mutex::new(file)));
        let mut store = Self { log, records: HashMap::new(), last: None, entries: Vec::new() };
        let whole = store.apply(&bytes);
        store.log.0.lock().unwrap_or_else(PoisonError::into_inner).set_len(whole as u64)?;
        Ok(store)
    }

    /// A second handle to the file, for the task that commits.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Takes in what the journal says, and returns how many bytes of it were whole.
    pub fn apply(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some(after) = self.apply_one(rest) {
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
