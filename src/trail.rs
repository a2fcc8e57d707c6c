//! The audit trail: entries chained by their tags under a key that only moves forward. SPEC.md section 8.

mod chain;
#[cfg(test)]
mod cost;

use core::fmt;

use heapless::Deque;
use rand_core::TryCryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Checkpoint, Error, Record, RecordKey, Recorded, Store, Table, Time, Vault,
    aead::{open_once, seal_once},
    bytes::put,
    entry::{BODY_LEN, Entry, take},
    keyring::random_key,
    keys::TagKey,
    label::Label,
    prf::{Key, Part::Raw},
    token::TAG_LEN,
};
use chain::{Chain, after};

/// Bytes of an entry as it is stored: `LE64 sequence ‖ LE64 time ‖ sealed body 78 ‖ tag 16`.
pub(crate) const ENTRY_LEN: usize = 8 + 8 + BODY_LEN + TAG_LEN;

/// An entry as it is stored: whoever keeps the log sees its number and its time, and nobody's identity.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedEntry([u8; ENTRY_LEN]);

impl SealedEntry {
    /// Bytes of an entry as it is stored: `LE64 sequence ‖ LE64 time ‖ sealed body 78 ‖ tag 16`.
    pub const LEN: usize = ENTRY_LEN;

    /// Bytes that a store kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; ENTRY_LEN]) -> Self {
        Self(bytes)
    }

    /// Bytes for a store to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ENTRY_LEN] {
        &self.0
    }

    /// The sequence number.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        u64::from_le_bytes(self.0.first_chunk().copied().unwrap_or_default())
    }

    /// When it was made, by the vault's clock.
    #[must_use]
    pub fn time(&self) -> Time {
        let [_, _, _, _, _, _, _, _, rest @ ..] = &self.0;
        Time::from_le_bytes(rest.first_chunk().copied().unwrap_or_default())
    }

    fn tag(&self) -> [u8; TAG_LEN] {
        self.0.last_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Debug for SealedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedEntry").field("sequence", &self.sequence()).finish_non_exhaustive()
    }
}

/// Shows that the trail's entries up to some number are durable. Only the trail makes it, and only for a committed batch.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    trail: [u8; 8],
    committed: u64,
}

impl Receipt {
    /// True where the entry is among those that the receipt is for.
    pub(crate) fn covers(&self, staged: &Staged) -> bool {
        self.trail == staged.trail && staged.sequence < self.committed
    }
}

/// An entry that waits to be committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Staged {
    trail: [u8; 8],
    pub(crate) sequence: u64,
}

/// Up to `N` entries wait here to be committed together.
pub(crate) struct Trail<const N: usize> {
    node: u32,
    vault: [u8; 16],
    identity: [u8; 8],
    watch_salt: [u8; 8],
    /// It stands before the next entry.
    chain: Chain,
    next: u64,
    previous: [u8; TAG_LEN],
    /// Entries below this number may be made: the state that is stored begins here, and so would a restart.
    limit: u64,
    /// Where the state begins that is staged, or stored, last; and the key of the block there.
    ahead: u64,
    ahead_key: Key,
    staged: Deque<SealedEntry, N>,
    committed: u64,
}

impl<const N: usize> Trail<N> {
    /// Of how many blocks the first entry's key is stored ahead: those of twice what can be staged.
    const BLOCKS: u64 = {
        assert!(N >= 1 && N <= 1 << 16);
        #[expect(clippy::as_conversions, reason = "at most 2^16, by the line before")]
        let entries = 2 * N as u64;
        entries.div_ceil(chain::BLOCK)
    };
    /// How many numbers that are.
    const STRIDE: u64 = Self::BLOCKS * chain::BLOCK;

    /// No vault's: nothing can be staged.
    pub(crate) const fn asleep() -> Self {
        Self {
            node: 0,
            vault: [0; 16],
            identity: [0; 8],
            watch_salt: [0; 8],
            chain: Chain::NONE,
            next: 0,
            previous: [0; TAG_LEN],
            limit: 0,
            ahead: 0,
            ahead_key: Key::new([0; 32]),
            staged: Deque::new(),
            committed: 0,
        }
    }

    /// Forgets its vault and its keys.
    #[cfg(feature = "appliance")]
    pub(crate) fn sleep(&mut self) {
        self.vault = [0; 16];
        (self.chain, self.ahead_key) = (Chain::NONE, Key::new([0; 32]));
        self.staged.clear();
        (self.next, self.limit, self.ahead) = (0, 0, 0);
    }

    /// Goes on where the store says. What it stages first must be committed before any entry is made.
    pub(crate) fn wake(&mut self, vault: &Vault, store: &impl Store) -> Result<Record, Error> {
        let node = vault.node();
        let mut stored = [0; crate::store::MAX_RECORD_LEN];
        let len = store.get(&state_key(node), &mut stored).map_err(|_| Error::Unavailable)?;
        let stored = len.and_then(|len| stored.get(..len)).ok_or(Error::Unavailable)?;
        let (next, key) = open_state(vault.tag_key(), node, stored).ok_or(Error::Unavailable)?;
        let last = store.last_entry().map_err(|_| Error::Unavailable)?;
        self.node = node;
        self.vault = vault.id();
        self.identity = key.derive_short(Label::Identity, &[]);
        self.watch_salt = key.derive_short(Label::Identity, &[Raw(b"watch")]);
        (self.limit, self.ahead, self.next, self.committed) = (next, next, next, next);
        self.chain = Chain::begin(&key);
        self.ahead_key = key;
        self.previous = last.as_ref().map_or([0; TAG_LEN], SealedEntry::tag);
        self.staged.clear();
        self.state_ahead(vault.tag_key())
    }

    /// The state one stride on. Until it is durable no entry is made beyond the old one: no key ever seals two entries.
    fn state_ahead(&mut self, tag_key: &TagKey) -> Result<Record, Error> {
        let ahead = self.ahead.checked_add(Self::STRIDE).ok_or(Error::Unavailable)?;
        let key = after(&self.ahead_key, Self::BLOCKS);
        let record = seal_state(tag_key, self.node, ahead, &key)?;
        self.ahead = ahead;
        self.ahead_key = key;
        Ok(record)
    }

    /// The record to be committed with the next batch, where the limit comes near and none is on its way.
    pub(crate) fn state_if_due(&mut self, tag_key: &TagKey) -> Result<Option<Record>, Error> {
        let near = self.limit.saturating_sub(self.next) <= Self::STRIDE / 2;
        if near && self.ahead == self.limit { self.state_ahead(tag_key).map(Some) } else { Ok(None) }
    }

    /// The state that was staged last is durable.
    pub(crate) const fn state_committed(&mut self) {
        self.limit = self.ahead;
    }

    /// Seals an entry and stages it. The caller has made sure of the room.
    pub(crate) fn stage(&mut self, now: Time, entry: &Entry) -> Result<Staged, Error> {
        if self.staged.is_full() || self.next >= self.limit {
            return Err(Error::Unavailable);
        }
        let unfolded = self.chain.unfold();
        let sealed = seal_entry(&unfolded.entry, self.node, self.next, now, &self.previous, entry)?;
        let staged = Staged { trail: self.identity, sequence: self.next };
        self.previous = sealed.tag();
        self.staged.push_back(sealed).map_err(|_| Error::Unavailable)?;
        self.chain.advance(self.next, unfolded);
        self.next = self.next.saturating_add(1);
        Ok(staged)
    }

    pub(crate) const fn last_staged(&self) -> Staged {
        Staged { trail: self.identity, sequence: self.next.saturating_sub(1) }
    }

    /// The work of [`stage`](Self::stage) without its effect. Stands for the entry that will be staged next.
    pub(crate) fn spend(&self, now: Time, entry: &Entry) -> Staged {
        let mut chain = self.chain.duplicate();
        let unfolded = chain.unfold();
        let sealed = seal_entry(&unfolded.entry, self.node, self.next, now, &self.previous, entry);
        chain.advance(self.next, unfolded);
        let mut same_work = core::hint::black_box((sealed, chain));
        // Under the next entry's key: beside that entry it would tell of both.
        if let (Ok(sealed), _) = &mut same_work {
            sealed.0.zeroize();
        }
        Staged { trail: self.identity, sequence: self.next }
    }

    /// How far it has come, said under a key of where the next entry comes.
    pub(crate) fn checkpoint(&self, now: Time) -> Checkpoint {
        Checkpoint::new(&self.chain.checkpoint_key(), self.node, self.next, now, self.previous)
    }

    /// What tells this running trail from others.
    pub(crate) const fn identity(&self) -> [u8; 8] {
        self.identity
    }

    /// What nobody outside can know, for counting in a way that nobody can steer.
    pub(crate) const fn watch_salt(&self) -> [u8; 8] {
        self.watch_salt
    }

    /// The number that the next entry will have.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    pub(crate) const fn node(&self) -> u32 {
        self.node
    }

    pub(crate) const fn vault(&self) -> &[u8; 16] {
        &self.vault
    }

    /// How many more entries fit, where the store still takes `room`.
    pub(crate) fn room(&self, room: usize) -> usize {
        let numbers = usize::try_from(self.limit.saturating_sub(self.next)).unwrap_or(usize::MAX);
        N.min(room).saturating_sub(self.staged.len()).min(numbers)
    }

    /// The first `count` staged entries, in the two runs that the ring keeps them in.
    pub(crate) fn staged(&self, count: usize) -> (&[SealedEntry], &[SealedEntry]) {
        let (first, second) = self.staged.as_slices();
        let in_first = count.min(first.len());
        let in_second = count.saturating_sub(in_first).min(second.len());
        (first.get(..in_first).unwrap_or_default(), second.get(..in_second).unwrap_or_default())
    }

    pub(crate) fn staged_len(&self) -> usize {
        self.staged.len()
    }

    /// The first `count` staged entries are durable.
    pub(crate) fn committed(&mut self, count: usize) -> Receipt {
        for _ in 0..count {
            if self.staged.pop_front().is_some() {
                self.committed = self.committed.saturating_add(1);
            }
        }
        Receipt { trail: self.identity, committed: self.committed }
    }
}

/// What the auditor holds: the trail's first key, and the key that names people in it. Exported once, when the trail is made.
///
/// Whoever has it reads the whole trail of that node, and could write another one: it belongs to the auditor, not to the vault's host.
pub struct AuditKey {
    node: u32,
    first: Key,
    tag_key: TagKey,
}

/// Bytes of an audit key's secret form.
pub(crate) const AUDIT_KEY_LEN: usize = 1 + 4 + 32 + 32;

impl AuditKey {
    /// Bytes of the secret form.
    pub const LEN: usize = AUDIT_KEY_LEN;

    /// Makes the trail of this vault and node: draws its first key, stores it for the vault to begin with, and hands it out.
    ///
    /// # Errors
    /// [`Error::RngFailed`]; [`Error::Unavailable`] where the store failed, or has a trail already, of this node or another.
    pub fn create<R: TryCryptoRng>(vault: &Vault, store: &mut impl Store, rng: &mut R) -> Result<Self, Error> {
        let (key, record) = Self::begin(vault, store, random_key(rng)?)?;
        let batch = crate::Batch { records: &[record], entries: (&[], &[]), now: Time::default() };
        store.commit(&batch).map_err(|_| Error::Unavailable)?;
        Ok(key)
    }

    /// The key of a trail that begins with this one, and the record that makes the trail once it is durable.
    pub(crate) fn begin(vault: &Vault, store: &impl Store, first: Key) -> Result<(Self, Record), Error> {
        let node = vault.node();
        let mut stored = [0; crate::store::MAX_RECORD_LEN];
        let state = store.get(&state_key(node), &mut stored).map_err(|_| Error::Unavailable)?;
        // A store keeps one chain: entries of another node's would stand before this one's first.
        if state.is_some() || store.last_entry().map_err(|_| Error::Unavailable)?.is_some() {
            return Err(Error::Unavailable);
        }
        let record = seal_state(vault.tag_key(), node, 0, &first)?;
        Ok((Self { node, first, tag_key: TagKey(vault.tag_key().0.duplicate()) }, record))
    }

    /// A reader that begins with the trail's first entry.
    #[must_use]
    pub fn reader(&self) -> TrailReader {
        TrailReader { node: self.node, chain: Chain::begin(&self.first), next: 0, previous: [0; TAG_LEN] }
    }

    /// The node whose trail it reads.
    #[must_use]
    pub const fn node(&self) -> u32 {
        self.node
    }

    /// The tag that stands for this principal in the trail's entries.
    #[must_use]
    pub fn tag_of(&self, principal: &crate::Principal) -> [u8; 16] {
        self.tag_key.tag(principal)
    }

    /// The secret form: `1 ‖ LE32 node ‖ first key ‖ tag key`.
    #[must_use]
    pub fn write_secret(&self) -> Zeroizing<[u8; AUDIT_KEY_LEN]> {
        let mut out = Zeroizing::new([0; AUDIT_KEY_LEN]);
        let node = self.node.to_le_bytes();
        put(out.as_mut_slice(), &[&[1], &node, self.first.as_bytes(), self.tag_key.0.as_bytes()]);
        out
    }

    /// Reads the secret form.
    ///
    /// # Errors
    /// [`Error::Malformed`]
    pub fn read_secret(bytes: &[u8; AUDIT_KEY_LEN]) -> Result<Self, Error> {
        let mut rest = bytes.as_slice();
        let format = take(&mut rest);
        let (Some([1]), Some(node), Some(mut first), Some(mut tag_key)) =
            (format, take(&mut rest), take(&mut rest), take(&mut rest))
        else {
            return Err(Error::Malformed);
        };
        let key = Self { node: u32::from_le_bytes(node), first: Key::new(first), tag_key: TagKey(Key::new(tag_key)) };
        first.zeroize();
        tag_key.zeroize();
        Ok(key)
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditKey").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Reads a trail from its first entry on, and notices what doesn't belong.
pub struct TrailReader {
    node: u32,
    chain: Chain,
    next: u64,
    previous: [u8; TAG_LEN],
}

impl TrailReader {
    /// Opens the next entry. After a restart numbers may be skipped, and then the entry says that the trail started.
    ///
    /// # Errors
    /// [`Error::Denied`]: altered, out of order, or an entry before it is missing. The reader stays where it was.
    pub fn read(&mut self, sealed: &SealedEntry) -> Result<Recorded, Error> {
        let skipped = self.skipped_before(sealed.sequence())?;
        let mut chain = self.chain.duplicate();
        chain.seek(self.next, sealed.sequence());
        let unfolded = chain.unfold();
        let entry = open_entry(&unfolded.entry, self.node, &self.previous, sealed).ok_or(Error::Denied)?;
        // Numbers are skipped at a start only, which says how many.
        let told = if entry.event == crate::Event::Started { u64::from(entry.count) } else { 0 };
        if skipped != told {
            return Err(Error::Denied);
        }
        self.next = sealed.sequence().saturating_add(1);
        chain.advance(sealed.sequence(), unfolded);
        self.chain = chain;
        self.previous = sealed.tag();
        Ok(Recorded { sequence: sealed.sequence(), time: sealed.time(), entry })
    }
}

impl TrailReader {
    /// The number of the entry that it expects next; a restart may have skipped some.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// True where the checkpoint is this node's and says that its chain came to where this reader stands. (Behind an entry that was
    /// [passed](Self::pass) it says nothing of that entry.) To be asked of each checkpoint when the
    /// reader stands at [`Checkpoint::next`]; one that it never comes to is of a trail that was cut, or put back.
    #[must_use]
    pub fn confirms(&self, checkpoint: &Checkpoint) -> bool {
        checkpoint.is_of(&self.chain.checkpoint_key(), self.node, self.next, self.previous)
    }

    /// How far this reader has read: for the auditor to keep, and to ask the next reading for. What was cut off or put back in the
    /// meantime then shows.
    #[must_use]
    pub fn checkpoint(&self, now: Time) -> Checkpoint {
        Checkpoint::new(&self.chain.checkpoint_key(), self.node, self.next, now, self.previous)
    }

    /// Goes on behind an entry that could not be [`read`](Self::read): takes its tag as it stands, **unverified**, and this for its
    /// number. What follows can be read if that tag is right. For finding out what is whole behind a damage; the chain is broken all the same.
    ///
    /// # Errors
    /// [`Error::Denied`]: the number is before where the reader stands, or over 2^20 beyond.
    pub fn pass(&mut self, number: u64, damaged: &SealedEntry) -> Result<(), Error> {
        self.skipped_before(number)?;
        self.chain.seek(self.next, number);
        self.chain.advance(number, self.chain.unfold());
        self.next = number.saturating_add(1);
        self.previous = damaged.tag();
        Ok(())
    }

    /// How many numbers stand between, where it isn't too many.
    fn skipped_before(&self, number: u64) -> Result<u64, Error> {
        number.checked_sub(self.next).filter(|&skipped| skipped <= MAX_SKIP).ok_or(Error::Denied)
    }

    /// A second reader that stands where this one does, to try something with.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { node: self.node, chain: self.chain.duplicate(), next: self.next, previous: self.previous }
    }
}

impl fmt::Debug for TrailReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrailReader").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The most sequence numbers that a reader skips for one restart: eight times the largest stride.
const MAX_SKIP: u64 = 1 << 20;

/// Associated data: `LE32 node ‖ LE64 sequence ‖ LE64 time ‖ tag of the entry before`.
fn entry_aad(node: u32, sequence: u64, time: Time, previous: &[u8; TAG_LEN]) -> [u8; 36] {
    let mut aad = [0; 36];
    let (node, sequence, time) = (node.to_le_bytes(), sequence.to_le_bytes(), time.to_le_bytes());
    put(&mut aad, &[&node, &sequence, &time, previous]);
    aad
}

fn seal_entry(
    key: &Key,
    node: u32,
    sequence: u64,
    time: Time,
    previous: &[u8; TAG_LEN],
    entry: &Entry,
) -> Result<SealedEntry, Error> {
    let mut body = entry.to_bytes();
    let tag = seal_once(key, &entry_aad(node, sequence, time, previous), &mut body)?;
    let mut sealed = [0; ENTRY_LEN];
    let (sequence, time) = (sequence.to_le_bytes(), time.to_le_bytes());
    put(&mut sealed, &[&sequence, &time, &body, &tag]);
    Ok(SealedEntry(sealed))
}

fn open_entry(key: &Key, node: u32, previous: &[u8; TAG_LEN], sealed: &SealedEntry) -> Option<Entry> {
    let aad = entry_aad(node, sealed.sequence(), sealed.time(), previous);
    let (_, mut body) =
        sealed.0.split_first_chunk::<16>().and_then(|(head, rest)| Some((head, *rest.first_chunk()?)))?;
    if !open_once(key, &aad, &mut body, &sealed.tag()) {
        return None;
    }
    Entry::from_bytes(&body)
}

/// Where a node's trail state is kept.
fn state_key(node: u32) -> RecordKey {
    let mut id = [0; 16];
    put(&mut id, &[&node.to_le_bytes()]);
    RecordKey { table: Table::TrailState, id }
}

/// `F(K_tag, TRAIL_STATE, LE32 node ‖ LE64 sequence ‖ salt)`, the salt being the trail key's own: one key for one state, which is the
/// same whenever it is written, and another for a trail that is made anew.
fn state_seal_key(tag_key: &TagKey, node: u32, sequence: u64, salt: &[u8; 16]) -> Key {
    tag_key.0.derive(Label::TrailState, &[Raw(&node.to_le_bytes()), Raw(&sequence.to_le_bytes()), Raw(salt)])
}

/// `LE64 sequence ‖ salt 16 ‖ sealed block key 32 ‖ tag 16`, so that whoever keeps the log can't read on from here.
fn seal_state(tag_key: &TagKey, node: u32, sequence: u64, key: &Key) -> Result<Record, Error> {
    let mut sealed = Zeroizing::new(*key.as_bytes());
    let salt: [u8; 16] = key.derive_short(Label::Identity, &[]);
    let tag = seal_once(&state_seal_key(tag_key, node, sequence, &salt), &[], sealed.as_mut_slice())?;
    let mut value = heapless::Vec::new();
    for part in [sequence.to_le_bytes().as_slice(), &salt, sealed.as_slice(), &tag] {
        value.extend_from_slice(part).map_err(|_| Error::Unavailable)?;
    }
    Ok(Record { key: state_key(node), value, expires: Time::from_millis(u64::MAX) })
}

fn open_state(tag_key: &TagKey, node: u32, mut stored: &[u8]) -> Option<(u64, Key)> {
    let sequence = u64::from_le_bytes(take(&mut stored)?);
    let salt = take(&mut stored)?;
    let mut key = Zeroizing::new(take::<32>(&mut stored)?);
    let tag = take(&mut stored)?;
    let whole = stored.is_empty();
    (open_once(&state_seal_key(tag_key, node, sequence, &salt), &[], key.as_mut_slice(), &tag) && whole)
        .then(|| (sequence, Key::new(*key)))
}

/// The key of a trail's block and the stored state there, for vectors.
#[cfg(test)]
pub(crate) fn state_for_vectors(k_tag: [u8; 32], node: u32, k_0: [u8; 32], number: u64) -> (Key, Record) {
    let key = after(&Key::new(k_0), number / chain::BLOCK);
    let record = seal_state(&TagKey(Key::new(k_tag)), node, number, &key).unwrap();
    let (read, opened) = open_state(&TagKey(Key::new(k_tag)), node, record.value()).unwrap();
    assert_eq!((read, opened.as_bytes()), (number, key.as_bytes()));
    (key, record)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::{Config, Event, Keyring, MemoryStore, Reason};

    fn vault() -> Vault {
        let secret = [&[1, 1][..], &[9; 32], &1_u16.to_le_bytes(), &[4; 31], &[5]].concat();
        Vault::new(Keyring::read_secret(&secret).unwrap(), &Config::new(b"a")).unwrap()
    }

    /// A trail of this first key, as it is after a start.
    fn awake(vault: &Vault, first: u8) -> Trail<8> {
        let mut store = MemoryStore::<8, 8>::new();
        let (_, record) = AuditKey::begin(vault, &store, Key::new([first; 32])).unwrap();
        store.commit(&crate::Batch { records: &[record], entries: (&[], &[]), now: Time::default() }).unwrap();
        let mut trail = Trail::asleep();
        trail.wake(vault, &store).unwrap();
        trail.state_committed();
        trail
    }

    /// Receipts tell trails apart, and what a trail counts by is nobody else's.
    #[test]
    fn trails_have_names_of_their_own() {
        let vault = vault();
        let [one, other] = [awake(&vault, 7), awake(&vault, 8)];
        assert_ne!(one.identity(), other.identity());
        assert_ne!(one.watch_salt(), other.watch_salt());
        assert_ne!(one.watch_salt(), one.identity());
        assert_eq!(one.watch_salt(), awake(&vault, 7).watch_salt());
    }

    /// No entry is made where it has no place, nor with a number that a restart could use again.
    #[test]
    fn nothing_beyond_the_room_or_the_limit() {
        let (vault, entry) = (vault(), Entry::new(Event::Started, Reason::Done));
        let mut trail = awake(&vault, 7);
        for _ in 0..8 {
            trail.stage(Time::default(), &entry).unwrap();
        }
        assert_eq!(trail.stage(Time::default(), &entry).unwrap_err(), Error::Unavailable, "no place");
        trail.committed(8);
        trail.stage(Time::default(), &entry).unwrap();
        trail.limit = trail.next();
        assert_eq!(trail.stage(Time::default(), &entry).unwrap_err(), Error::Unavailable, "no number");
    }

    /// The state goes ahead once half a stride is left, and once only.
    #[test]
    fn the_state_goes_ahead_in_time() {
        assert_eq!([Trail::<8>::STRIDE, Trail::<32>::STRIDE, Trail::<33>::STRIDE], [64, 64, 128]);
        let (vault, entry) = (vault(), Entry::new(Event::Started, Reason::Done));
        let mut trail = awake(&vault, 7);
        let first = trail.limit;
        for _ in 0..first - Trail::<8>::STRIDE / 2 {
            assert!(trail.state_if_due(vault.tag_key()).unwrap().is_none(), "{} of {first}", trail.next());
            trail.stage(Time::default(), &entry).unwrap();
            trail.committed(1);
        }
        assert!(trail.state_if_due(vault.tag_key()).unwrap().is_some());
        assert!(trail.state_if_due(vault.tag_key()).unwrap().is_none(), "it is on its way");
        trail.state_committed();
        assert_eq!(trail.limit, first + Trail::<8>::STRIDE);
        assert!(trail.state_if_due(vault.tag_key()).unwrap().is_none());
    }

    /// Asleep it holds no key, and stages nothing.
    #[cfg(feature = "appliance")]
    #[test]
    fn asleep_it_knows_nothing() {
        let mut trail = awake(&vault(), 7);
        let entry = Entry::new(Event::Started, Reason::Done);
        trail.stage(Time::default(), &entry).unwrap();
        assert!(trail.chain.secrets().iter().all(|key| **key != [0; 32]), "the control");
        trail.sleep();
        assert_eq!((trail.chain.secrets(), trail.ahead_key.as_bytes()), ([&[0; 32]; 2], &[0; 32]));
        assert_eq!((trail.vault(), trail.staged_len()), (&[0; 16], 0));
        assert_eq!(trail.stage(Time::default(), &entry).unwrap_err(), Error::Unavailable);
    }

    #[test]
    fn debug_shows_the_number() {
        let mut trail = awake(&vault(), 7);
        trail.stage(Time::default(), &Entry::new(Event::Started, Reason::Done)).unwrap();
        assert_eq!(std::format!("{:?}", trail.staged(1).0[0]), "SealedEntry { sequence: 0, .. }");
    }
}
