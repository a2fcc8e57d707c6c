//! What the log consists of: items. FORMAT.md, "Items".

use crc::{CRC_32_ISO_HDLC, Crc, Digest, NoTable};
use symbolon::{Record, RecordKey, SealedEntry, Table, Time};

/// What an item is.
///
/// Each code has four bits set, so that none comes of another by a write that was torn.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Record = 0x5a,
    Entry = 0xa5,
    Marker = 0x3c,
}

impl Kind {
    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x5a => Self::Record,
            0xa5 => Self::Entry,
            0x3c => Self::Marker,
            _ => return None,
        })
    }

    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    const fn code(self) -> u8 {
        self as u8
    }
}

/// `kind ‖ length ‖ !length ‖ state ‖ LE32 CRC of kind, length and body`, before each body.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) len: u8,
    pub(crate) state: u8,
    pub(crate) crc: u32,
}

impl Header {
    /// The header of a new item with this body, which comes in two parts.
    pub(crate) fn new(kind: Kind, first: &[u8], second: &[u8]) -> Option<Self> {
        let len = u8::try_from(first.len().checked_add(second.len())?).ok()?;
        let mut digest = Self::digest(kind, len);
        digest.update(first);
        digest.update(second);
        Some(Self { kind, len, state: LIVE, crc: digest.finalize() })
    }

    /// `None` where the bytes are no header: it takes one torn bit to make `length` and `!length` disagree.
    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        let [code, len, complement, state, crc @ ..] = bytes;
        let Some(kind) = Kind::from_code(code) else { return None };
        if complement != !len {
            return None;
        }
        Some(Self { kind, len, state, crc: u32::from_le_bytes(crc) })
    }

    pub(crate) const fn to_bytes(self) -> [u8; 8] {
        let [a, b, c, d] = self.crc.to_le_bytes();
        [self.kind.code(), self.len, !self.len, self.state, a, b, c, d]
    }

    /// The same with the state that says: its body is being destroyed.
    pub(crate) const fn dying(self) -> Self {
        Self { state: 0, ..self }
    }

    /// True where its body is being destroyed, or is already. A single bit that flipped doesn't say so.
    pub(crate) const fn is_dying(self) -> bool {
        self.state.count_zeros() >= 4
    }

    /// Bytes of the whole item on a flash with this alignment.
    pub(crate) fn size(self, align: u32) -> u32 {
        padded(HEADER_LEN.saturating_add(u32::from(self.len)), align)
    }

    /// What the CRC is computed with, up to the body.
    pub(crate) fn digest(kind: Kind, len: u8) -> Digest<'static, u32, NoTable> {
        let mut digest = crc();
        digest.update(&[kind.code(), len]);
        digest
    }
}

/// `LE64 now ‖ LE64 first entry that is kept`: ends a batch, which counts only with it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marker {
    /// The latest time that a batch came with.
    pub(crate) now: u64,
    /// Entries below this number were acknowledged.
    pub(crate) kept_from: u64,
}

impl Marker {
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let u64_at = |bytes: Option<&[u8; 8]>| u64::from_le_bytes(bytes.copied().unwrap_or_default());
        Self { now: u64_at(bytes.first_chunk()), kept_from: u64_at(bytes.last_chunk()) }
    }

    pub(crate) const fn parts(self) -> ([u8; 8], [u8; 8]) {
        (self.now.to_le_bytes(), self.kept_from.to_le_bytes())
    }
}

/// `table ‖ id 16 ‖ LE64 expires`: what a record's body begins with, before the value.
pub(crate) fn record_head(key: &RecordKey, expires: Time) -> [u8; RECORD_HEAD_LEN] {
    let mut head = [0; RECORD_HEAD_LEN];
    let expires = expires.as_millis().to_le_bytes();
    for (slot, byte) in head.iter_mut().zip([key.table.code()].iter().chain(&key.id).chain(&expires)) {
        *slot = *byte;
    }
    head
}

/// Key and expiry of a record.
pub(crate) fn read_record_head(head: &[u8; RECORD_HEAD_LEN]) -> Option<(RecordKey, u64)> {
    let [code, rest @ ..] = head;
    let (id, expires): (&[u8; 16], _) = (rest.first_chunk()?, rest.last_chunk()?);
    Some((RecordKey { table: Table::from_code(*code)?, id: *id }, u64::from_le_bytes(*expires)))
}

/// True where an earlier value must not stay readable.
pub(crate) const fn is_secret(table: Table) -> bool {
    matches!(table, Table::Owner | Table::TrailState | Table::Device)
}

/// Sixteen bits that stand for a key in the index.
pub(crate) fn key_hash(key: &RecordKey) -> u16 {
    let mut digest = crc();
    digest.update(&[key.table.code()]);
    digest.update(&key.id);
    let [low, high, ..] = digest.finalize().to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// A checksum of nothing yet.
pub(crate) fn crc() -> Digest<'static, u32, NoTable> {
    CRC.digest()
}

/// `len` rounded up to `align`, a power of two.
pub(crate) const fn padded(len: u32, align: u32) -> u32 {
    let mask = align.saturating_sub(1);
    len.saturating_add(mask) & !mask
}

static CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

const LIVE: u8 = 0xff;
pub(crate) const HEADER_LEN: u32 = 8;
pub(crate) const RECORD_HEAD_LEN: usize = 1 + 16 + 8;
pub(crate) const MARKER_LEN: u32 = HEADER_LEN + 16;
#[expect(clippy::as_conversions, reason = "small constants")]
pub(crate) const MAX_RECORD_LEN: u32 = HEADER_LEN + (RECORD_HEAD_LEN + Record::MAX_LEN) as u32;
#[expect(clippy::as_conversions, reason = "a small constant")]
pub(crate) const ENTRY_LEN: u32 = HEADER_LEN + SealedEntry::LEN as u32;
const _: () = assert!(MAX_RECORD_LEN > ENTRY_LEN && MAX_RECORD_LEN - HEADER_LEN <= 255);

#[cfg(test)]
mod tests {
    use super::*;

    /// What must not stay readable when it is replaced, and the two kinds of rows that need not care.
    #[test]
    fn tables_that_hold_secrets() {
        let secret: heapless::Vec<u8, 16> =
            (0..=u8::MAX).filter_map(Table::from_code).filter(|table| is_secret(*table)).map(Table::code).collect();
        assert_eq!(secret, [Table::TrailState.code(), Table::Owner.code(), Table::Device.code()]);
    }

    /// No header is another one that was torn: whatever bits are missing, it isn't taken for one with another kind or length.
    #[test]
    fn torn_headers() {
        for (kind, len) in [(Kind::Record, 25), (Kind::Record, 153), (Kind::Entry, 110), (Kind::Marker, 16)] {
            let whole = Header { kind, len, state: LIVE, crc: 0 }.to_bytes();
            let missing = |bits: u32| {
                let [a, b, c, ..] = bits.to_le_bytes();
                [whole[0] | a, whole[1] | b, whole[2] | c, LIVE, 0, 0, 0, 0]
            };
            for bits in 0..1 << 24 {
                let torn = missing(bits);
                assert!(torn == whole || Header::from_bytes(torn).is_none());
            }
            assert!(Header::from_bytes(missing(0)).is_some(), "the control");
        }
    }
}
