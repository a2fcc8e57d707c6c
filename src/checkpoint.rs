//! Checkpoints: how far a node's trail had come, said by the node itself, to be kept elsewhere. SPEC.md section 8.

use subtle::ConstantTimeEq;

use crate::{
    Error, Time,
    bytes::put,
    entry::take,
    label::Label,
    prf::{Key, Part::Raw},
    token::TAG_LEN,
};

/// Says that a node's trail had come to this entry. Kept where whoever keeps the trail can't reach it (another node's trail, a mailbox,
/// the auditor's machine), it shows that a tail was cut off or an old copy put back: nothing in a chain itself can.
///
/// Public bytes, with a MAC under a key of the place where the next entry comes: only the vault at that moment, and the auditor, can make it.
/// [`Host::checkpoint`](crate::Host::checkpoint) makes one, [`TrailReader::confirms`](crate::TrailReader::confirms) verifies it, and
/// [`Host::witness`](crate::Host::witness) puts another node's into this node's trail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Checkpoint {
    pub(crate) node: u32,
    pub(crate) next: u64,
    pub(crate) time: Time,
    pub(crate) last: [u8; TAG_LEN],
    pub(crate) mac: [u8; 16],
}

impl Checkpoint {
    /// Bytes of a checkpoint: `LE32 node ‖ LE64 next ‖ LE64 time ‖ tag of the entry before 16 ‖ MAC 16`.
    pub const LEN: usize = 4 + 8 + 8 + TAG_LEN + 16;

    /// `key` is the checkpoint key at the entry numbered `next`.
    pub(crate) fn new(key: &Key, node: u32, next: u64, time: Time, last: [u8; TAG_LEN]) -> Self {
        let (node_bytes, next_bytes, time_bytes) = (node.to_le_bytes(), next.to_le_bytes(), time.to_le_bytes());
        let parts = [Raw(&node_bytes), Raw(&next_bytes), Raw(&time_bytes), Raw(&last)];
        Self { node, next, time, last, mac: key.derive_short(Label::Checkpoint, &parts) }
    }

    /// True where this is what the chain, with this checkpoint key at the entry numbered `next` and this tag before it, would have said at that time.
    pub(crate) fn is_of(&self, key: &Key, node: u32, next: u64, last: [u8; TAG_LEN]) -> bool {
        let expected = Self::new(key, node, next, self.time, last);
        let same_place = (self.node, self.next, self.last) == (node, next, last);
        bool::from(expected.mac.ct_eq(&self.mac)) && same_place
    }

    /// Whose trail it is about.
    #[must_use]
    pub const fn node(&self) -> u32 {
        self.node
    }

    /// The number of the entry that came next: all below it had been committed, but for those that restarts skip.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// When it was made, by the vault's clock.
    #[must_use]
    pub const fn time(&self) -> Time {
        self.time
    }

    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let (node, next, time) = (self.node.to_le_bytes(), self.next.to_le_bytes(), self.time.to_le_bytes());
        put(&mut out, &[&node, &next, &time, &self.last, &self.mac]);
        out
    }

    /// Takes the bytes as they are: only a reader that stands there can say whether they are true.
    ///
    /// # Errors
    /// [`Error::Malformed`]: another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut rest = bytes;
        let mut read = || {
            Some(Self {
                node: u32::from_le_bytes(take(&mut rest)?),
                next: u64::from_le_bytes(take(&mut rest)?),
                time: Time::from_le_bytes(take(&mut rest)?),
                last: take(&mut rest)?,
                mac: take(&mut rest)?,
            })
        };
        read().filter(|_| bytes.len() == Self::LEN).ok_or(Error::Malformed)
    }
}
