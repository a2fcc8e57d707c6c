//! The keys of a trail's entries: from where a chain stands all that follow can be found, and none before. SPEC.md section 8.
//!
//! Two ratchets, the one over blocks of [`BLOCK`] entries, the other over a block's entries, so that what is far ahead is found without a step for
//! each entry in between: a vault stores its key ahead, and a reader skips what a restart skipped. Each is a forward-secure generator
//! (Bellare, Yee, CT-RSA 2003).

use zeroize::Zeroize;

use crate::{aead::key_stream, label::Label, prf::Key};

/// Entries of a block.
pub(super) const BLOCK: u64 = 64;

/// Where a chain stands: before one of its entries.
pub(super) struct Chain {
    link: Key,
    /// The next block's key.
    following: Key,
}

/// What comes of a link.
pub(super) struct Unfolded {
    next: Key,
    /// The key that seals the entry.
    pub(super) entry: Key,
}

impl Chain {
    /// No trail's.
    pub(super) const NONE: Self = Self { link: Key::new([0; 32]), following: Key::new([0; 32]) };

    /// Before the first entry of the block of this key: `s = F(K, ENTRY, "")`.
    pub(super) fn begin(block: &Key) -> Self {
        Self { link: block.derive(Label::Entry, &[]), following: block.derive(Label::Ratchet, &[]) }
    }

    /// A second one that stands where this one does.
    pub(super) fn duplicate(&self) -> Self {
        Self { link: self.link.duplicate(), following: self.following.duplicate() }
    }

    /// The keys that are made of this link: the beginning of its key stream.
    pub(super) fn unfold(&self) -> Unfolded {
        let [next, entry] = self.stream(&mut [[0; 64]]);
        Unfolded { next, entry }
    }

    /// The key that a checkpoint is signed with which is made here: what comes behind in the key stream.
    pub(super) fn checkpoint_key(&self) -> Key {
        let [_, _, key] = self.stream(&mut [[0; 64]; 2]);
        key
    }

    /// The keys that stand one behind the other at the beginning of the link's key stream, for which there is room in `stream`.
    fn stream<const N: usize>(&self, stream: &mut [[u8; 64]]) -> [Key; N] {
        key_stream(&self.link, stream);
        let (parts, _) = stream.as_flattened().as_chunks::<32>();
        let keys = core::array::from_fn(|at| Key::new(parts.get(at).copied().unwrap_or_default()));
        stream.as_flattened_mut().zeroize();
        keys
    }

    /// Goes on behind the entry of this number, before which it stood.
    pub(super) fn advance(&mut self, number: u64, unfolded: Unfolded) {
        if number % BLOCK == BLOCK - 1 {
            *self = Self::begin(&self.following);
        } else {
            self.link = unfolded.next;
        }
    }

    /// Goes on from before one number to before another that is not smaller.
    pub(super) fn seek(&mut self, from: u64, to: u64) {
        let mut at = from;
        if let Some(blocks) = (to / BLOCK).checked_sub(from / BLOCK).and_then(|blocks| blocks.checked_sub(1)) {
            *self = Self::begin(&after(&self.following, blocks));
            at = to.saturating_sub(to % BLOCK);
        }
        for _within_the_block in at..to {
            self.link = self.unfold().next;
        }
    }

    #[cfg(test)]
    pub(super) const fn secrets(&self) -> [&[u8; 32]; 2] {
        [self.link.as_bytes(), self.following.as_bytes()]
    }
}

/// So many blocks on: `K_{b+1} = F(K_b, RATCHET, "")`.
pub(super) fn after(block: &Key, blocks: u64) -> Key {
    (0..blocks).fold(block.duplicate(), |block, _| block.derive(Label::Ratchet, &[]))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// The entries' keys in their order, from a chain that goes on by one at a time.
    fn keys(count: u64) -> Vec<[u8; 32]> {
        let mut chain = Chain::begin(&Key::new([7; 32]));
        let mut keys = Vec::new();
        for number in 0..count {
            let unfolded = chain.unfold();
            keys.push(*unfolded.entry.as_bytes());
            chain.advance(number, unfolded);
        }
        keys
    }

    /// From anywhere to anywhere it comes to the same keys, and no two are alike.
    #[test]
    fn seeking_is_going_on() {
        let keys = keys(3 * BLOCK + 2);
        let places = [0, 1, 62, 63, 64, 65, 127, 128, 129, 191, 192, 193];
        for from in places {
            for to in places.into_iter().filter(|to| *to >= from) {
                let mut chain = Chain::begin(&Key::new([7; 32]));
                chain.seek(0, from);
                chain.seek(from, to);
                assert_eq!(*chain.unfold().entry.as_bytes(), keys[to as usize], "{from} to {to}");
            }
        }
        let mut distinct = keys.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len());
    }

    /// The attack: whoever takes what a running trail holds finds no key that sealed, or that leads to one that did.
    #[test]
    fn what_is_behind_is_not_held() {
        let block = |number: u64| *after(&Key::new([7; 32]), number / BLOCK).as_bytes();
        let mut chain = Chain::begin(&Key::new(block(0)));
        let mut behind = Vec::new();
        for number in 0..2 * BLOCK + 2 {
            behind.push(block(number));
            assert!(chain.secrets().iter().all(|held| !behind.contains(held)), "before entry {number}");
            let unfolded = chain.unfold();
            behind.extend([*chain.secrets()[0], *unfolded.entry.as_bytes(), *chain.checkpoint_key().as_bytes()]);
            chain.advance(number, unfolded);
        }
    }

    /// Whoever has a block's key has its first link.
    #[test]
    fn a_block_begins_by_its_key() {
        let mut chain = Chain::begin(&Key::new([7; 32]));
        chain.seek(0, 2 * BLOCK);
        assert_eq!(chain.secrets(), Chain::begin(&after(&Key::new([7; 32]), 2)).secrets());
    }

    /// What a link gives are parts of one key stream, the checkpoint's key the third of them.
    #[test]
    fn a_link_unfolds_to_its_key_stream() {
        let chain = Chain::begin(&Key::new([7; 32]));
        let mut stream = [[0; 64]; 2];
        key_stream(&chain.link, &mut stream);
        let Unfolded { next, entry } = chain.unfold();
        let keys = [next, entry, chain.checkpoint_key()].map(|key| *key.as_bytes());
        assert_eq!(keys.concat(), stream.as_flattened()[..96]);
    }
}
