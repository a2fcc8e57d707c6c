//! Bytes one behind the other.

use core::mem;

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
}
