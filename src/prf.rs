//! The PRF: a cascade of HChaCha20 over a prefix-free encoding. SPEC.md section 2.
//!
//! A cascade of a PRF over prefix-free inputs is a PRF (Bellare, Canetti, Krawczyk 1996; Nandi, eprint 2021/097). Messages of more
//! than [`SHORT_MAX`] bytes go through the AEAD's authenticator under a derived key first: a universal hash whose output nobody sees, and a PRF
//! of it, are a PRF too (Wegman, Carter 1981), and a long message costs three permutations instead of one per 16 bytes.

use chacha20::R20;
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{aead, by_epoch::Blank, bytes::put, label::Label, reveal::Item};

/// A 256-bit secret. Wiped on drop; can't be copied, compared or printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key([u8; 32]);

impl Blank for Key {
    const BLANK: Self = Self::new([0; 32]);
}

impl Key {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// F(self, label, the parts one after the other).
    pub(crate) fn derive(&self, label: Label, parts: &[Part<'_>]) -> Self {
        let len = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        if len <= SHORT_MAX {
            return self.cascade(label.byte(), len, parts);
        }
        let digest_key = self.cascade(Label::Digest.byte(), 1, &[Part::Raw(&[label.byte()])]);
        let mut digest = digest(&digest_key, len, parts);
        let derived = self.cascade(label.byte() | LONG_FORM, digest.len(), &[Part::Raw(&digest)]);
        digest.zeroize();
        derived
    }

    /// The first `N` bytes of F, for values that are public or short: identifiers, nonces, MACs.
    pub(crate) fn derive_short<const N: usize>(&self, label: Label, parts: &[Part<'_>]) -> [u8; N] {
        const { assert!(N <= 32) };
        self.derive(label, parts).0.first_chunk().copied().unwrap_or([0; N])
    }

    /// A copy, where two holders each wipe their own.
    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0)
    }

    /// `B0 = d ‖ LE16(len) ‖ first 13 bytes`; then 16 bytes a block; the last one padded with zeros.
    fn cascade(&self, label: u8, len: usize, parts: &[Part<'_>]) -> Self {
        let [low, high] = u16::try_from(len).unwrap_or(u16::MAX).to_le_bytes();
        let mut blocks = Blocks::default();
        let mut state = self.duplicate();
        blocks.absorb(&[label, low, high], |block| state.step(block));
        for part in parts {
            part.visit(|bytes| blocks.absorb(bytes, |block| state.step(block)));
        }
        if blocks.pad() {
            state.step(&blocks.block);
        }
        state
    }

    fn step(&mut self, block: &[u8; BLOCK]) {
        let mut output = chacha20::hchacha::<R20>((&self.0).into(), block.into());
        self.0.copy_from_slice(&output);
        output.as_mut_slice().zeroize();
    }
}

/// A piece of a message. A message is a list of pieces, and the list has the same shape wherever one label is used.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    /// The bytes: of fixed length, or the last part.
    Raw(&'a [u8]),
    /// LE32 of the length, then the bytes.
    Framed(&'a [u8]),
    /// Each framed, one after the other; only as the last part.
    EachFramed(&'a [&'a [u8]]),
    /// Of each item, LE16 of the field and the framed token; only as the last part.
    Items(&'a [Item<'a>]),
}

impl Part<'_> {
    fn len(&self) -> usize {
        let mut len = 0_usize;
        self.visit(|bytes| len = len.saturating_add(bytes.len()));
        len
    }

    fn visit(&self, mut sink: impl FnMut(&[u8])) {
        match *self {
            Part::Raw(bytes) => sink(bytes),
            Part::Framed(bytes) => visit_framed(bytes, &mut sink),
            Part::EachFramed(list) => list.iter().for_each(|bytes| visit_framed(bytes, &mut sink)),
            Part::Items(items) => items.iter().for_each(|item| {
                sink(&item.slot.field().code().to_le_bytes());
                visit_framed(item.token.as_bytes(), &mut sink);
            }),
        }
    }
}

/// A component of 4 GiB or more can't be framed; it would take the length of the longest, and no host holds such a one in memory.
fn visit_framed(bytes: &[u8], sink: &mut impl FnMut(&[u8])) {
    sink(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    sink(bytes);
}

/// Cuts what it absorbs into 16-byte blocks.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct Blocks {
    block: [u8; BLOCK],
    filled: usize,
}

impl Blocks {
    fn absorb(&mut self, mut bytes: &[u8], mut full: impl FnMut(&[u8; BLOCK])) {
        while !bytes.is_empty() {
            let room = self.block.get_mut(self.filled..).unwrap_or_default();
            let (now, later) = bytes.split_at_checked(room.len()).unwrap_or((bytes, &[]));
            put(room, &[now]);
            self.filled = self.filled.saturating_add(now.len());
            bytes = later;
            if self.filled == BLOCK {
                full(&self.block);
                self.filled = 0;
            }
        }
    }

    /// Fills the rest with zeros; false where nothing is left to process.
    fn pad(&mut self) -> bool {
        self.block.get_mut(self.filled..).unwrap_or_default().fill(0);
        self.filled != 0
    }
}

/// The tag of the AEAD with a zero nonce over the parts one after the other as associated data, and no text.
fn digest(key: &Key, len: usize, parts: &[Part<'_>]) -> [u8; BLOCK] {
    #[cfg(feature = "ring")]
    if len <= GATHERED_MAX {
        return gathered(key, len, parts);
    }
    let one_time = aead::one_time_key(key);
    let mut hash = Poly1305::new(one_time.as_bytes().into());
    let mut blocks = Blocks::default();
    for part in parts {
        part.visit(|bytes| {
            // Whole blocks go to the hash straight from the input, the edges by way of the buffer.
            let edge = (BLOCK.saturating_sub(blocks.filled) % BLOCK).min(bytes.len());
            let (head, rest) = bytes.split_at_checked(edge).unwrap_or((bytes, &[]));
            let (middle, tail) = rest.as_chunks::<BLOCK>();
            blocks.absorb(head, |block| hash.update(&[(*block).into()]));
            hash.update(poly1305::Block::cast_slice_from_core(middle));
            blocks.absorb(tail, |block| hash.update(&[(*block).into()]));
        });
    }
    if blocks.pad() {
        hash.update(&[blocks.block.into()]);
    }
    let mut lengths = [0; BLOCK];
    put(&mut lengths, &[&u64::try_from(len).unwrap_or(u64::MAX).to_le_bytes()]);
    hash.update(&[lengths.into()]);
    hash.finalize().into()
}

/// The same by the AEAD itself, which takes its associated data in one piece: with ring that is the quicker way.
#[cfg(feature = "ring")]
fn gathered(key: &Key, len: usize, parts: &[Part<'_>]) -> [u8; BLOCK] {
    let mut message = [0; GATHERED_MAX];
    let mut rest = message.as_mut_slice();
    for part in parts {
        part.visit(|bytes| {
            let (place, behind) = core::mem::take(&mut rest).split_at_mut_checked(bytes.len()).unwrap_or_default();
            put(place, &[bytes]);
            rest = behind;
        });
    }
    let message = message.get_mut(..len).unwrap_or_default();
    // Of associated data it takes more than there is memory.
    let tag = aead::seal_once(key, message, &mut []).unwrap_or_default();
    message.zeroize();
    tag
}

/// The nonce's message of the longest value, with the longest record, and what a request's context mostly is.
#[cfg(feature = "ring")]
const GATHERED_MAX: usize = 1120;

/// Bytes per permutation.
const BLOCK: usize = 16;

/// The longest message that the cascade takes itself: 13 bytes in the first block and six blocks more.
pub(crate) const SHORT_MAX: usize = 109;

/// Set in the label byte where the message was hashed first.
const LONG_FORM: u8 = 0x80;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{collections::HashSet, vec, vec::Vec};

    fn counting() -> Key {
        Key::new(core::array::from_fn(|i| u8::try_from(i).unwrap()))
    }

    /// draft-irtf-cfrg-xchacha-03 section 2.2.1: the permutation under the PRF is HChaCha20.
    #[test]
    fn one_step_is_hchacha20() {
        let mut key = counting();
        key.step(&[0, 0, 0, 0x09, 0, 0, 0, 0x4a, 0, 0, 0, 0, 0x31, 0x41, 0x59, 0x27]);
        let expected = [
            0x82, 0x41, 0x3b, 0x42, 0x27, 0xb2, 0x7b, 0xfe, 0xd3, 0x0e, 0x42, 0x50, 0x8a, 0x87, 0x7d, 0x73, 0xa0, 0xf9,
            0xe4, 0xd5, 0x8a, 0x74, 0xa8, 0x53, 0xc1, 0x2e, 0xc4, 0x13, 0x26, 0xd3, 0xec, 0xdc,
        ];
        assert_eq!(key.as_bytes(), &expected);
    }

    /// The AEAD's tag, in one part and cut in two anywhere; around the edges of blocks, and beyond what is gathered.
    #[test]
    fn the_digest_is_the_tag_of_the_aead() {
        let message: Vec<u8> = (0..1300_u32).map(|at| (at * 7) as u8).collect();
        for len in [0, 1, 15, 16, 17, 110, 128, 1119, 1120, 1121, 1300] {
            let message = &message[..len];
            let expected = crate::aead::seal_once(&counting(), message, &mut []).unwrap();
            for cut in 0..=len {
                let (a, b) = message.split_at(cut);
                assert_eq!(digest(&counting(), len, &[Part::Raw(a), Part::Raw(b)]), expected, "{cut} of {len}");
            }
        }
    }

    /// The cuts between parts don't count, only the bytes; around every block boundary and around the long form.
    #[test]
    fn parts_are_concatenated() {
        let message: Vec<u8> = (0..=200).collect();
        for len in 0..message.len() {
            let whole = counting().derive(Label::Seal, &[Part::Raw(&message[..len])]);
            let cut =
                counting().derive(Label::Seal, &[Part::Raw(&message[..len / 3]), Part::Raw(&message[len / 3..len])]);
            assert_eq!(whole.as_bytes(), cut.as_bytes());
        }
    }

    /// No two of these messages share an output: lengths 0 to 300 of zeros, which differ in nothing but length, under two labels.
    #[test]
    fn length_and_label_separate() {
        let zeros = vec![0_u8; 300];
        let mut seen = HashSet::new();
        for label in [Label::Seal, Label::Nonce] {
            for len in 0..=zeros.len() {
                assert!(seen.insert(*counting().derive(label, &[Part::Raw(&zeros[..len])]).as_bytes()));
            }
        }
        assert_eq!(seen.len(), 602);
    }

    /// Framing tells ("ab", "c") from ("a", "bc").
    #[test]
    fn framing_is_injective() {
        let a = counting().derive(Label::Seal, &[Part::EachFramed(&[b"ab", b"c"])]);
        let b = counting().derive(Label::Seal, &[Part::EachFramed(&[b"a", b"bc"])]);
        let c = counting().derive(Label::Seal, &[Part::Framed(b"ab"), Part::Framed(b"c")]);
        assert_ne!(a.as_bytes(), b.as_bytes());
        assert_eq!(a.as_bytes(), c.as_bytes());
    }

    /// tests/vectors/prf.txt, made by the second implementation.
    #[test]
    fn vectors() {
        use crate::vectors::{array, cases, hex};
        let mut checked = 0;
        for case in cases(include_str!("../tests/vectors/prf.txt")) {
            let [key, label, message, output] = &case[..] else { panic!("{case:?}") };
            let Some(label) = Label::from_byte(label.parse().unwrap()) else { continue };
            let derived = Key::new(array(key)).derive(label, &[Part::Raw(&hex(message))]);
            assert_eq!(derived.as_bytes().as_slice(), hex(output), "{case:?}");
            checked += 1;
        }
        assert!(checked >= 40, "{checked}");
    }
}
