//! Bytes one behind the other.

use core::{cell::Cell, mem, ops::Range};

use zeroize::Zeroize;

/// Writes the parts one behind the other to the front of `out`, as many bytes as there is room for; the rest of `out` stays.
pub(crate) fn put(mut out: &mut [u8], parts: &[&[u8]]) {
    for part in parts {
        let len = part.len().min(out.len());
        let (place, rest) = mem::take(&mut out).split_at_mut_checked(len).unwrap_or_default();
        for (slot, byte) in place.iter_mut().zip(*part) {
            *slot = *byte;
        }
        out = rest;
    }
}

/// Moves bytes of `bytes` to a place nearer its front. Where there are no such bytes nothing is moved.
pub(crate) fn shift(bytes: &mut [u8], from: Range<usize>, to: usize) {
    // Not `copy_within`, which panics, in a linked firmware too.
    let cells = Cell::from_mut(bytes).as_slice_of_cells();
    if let (Some(from), Some(to)) = (cells.get(from), cells.get(to..)) {
        to.iter().zip(from).for_each(|(to, from)| to.set(from.get()));
    }
}

/// A buffer that is being filled with what nobody may see yet. It is wiped on drop, should the host's store, clock or generator panic too,
/// unless it is left.
pub(crate) struct Filling<'b>(&'b mut [u8]);

impl<'b> Filling<'b> {
    pub(crate) const fn new(buffer: &'b mut [u8]) -> Self {
        Self(buffer)
    }

    pub(crate) const fn bytes(&mut self) -> &mut [u8] {
        self.0
    }

    /// What it was filled with, for whoever looks after it from now on.
    pub(crate) fn leave(mut self) -> &'b mut [u8] {
        mem::take(&mut self.0)
    }
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_one_behind_the_other() {
        let cases: [(&[&[u8]], [u8; 4]); 6] = [
            (&[], [9, 9, 9, 9]),
            (&[&[], &[1]], [1, 9, 9, 9]),
            (&[&[1], &[2, 3]], [1, 2, 3, 9]),
            (&[&[1, 2], &[], &[3, 4]], [1, 2, 3, 4]),
            (&[&[1, 2], &[3, 4, 5], &[6]], [1, 2, 3, 4]),
            (&[&[1, 2, 3, 4, 5]], [1, 2, 3, 4]),
        ];
        for (parts, expected) in cases {
            let mut out = [9; 4];
            put(&mut out, parts);
            assert_eq!(out, expected, "{parts:?}");
        }
    }

    #[test]
    fn bytes_are_moved_to_the_front() {
        for (from, to, expected) in
            [(1..3, 0, [2, 3, 3, 4]), (1..4, 0, [2, 3, 4, 4]), (2..4, 2, [1, 2, 3, 4]), (1..5, 0, [1, 2, 3, 4])]
        {
            let mut bytes = [1, 2, 3, 4];
            shift(&mut bytes, from, to);
            assert_eq!(bytes, expected);
        }
    }
}
