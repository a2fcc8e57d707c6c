//! Searches that look at many bytes at a time: most of a text is of no interest.

/// Where the first `wanted` is. It is often near: the first words are looked at one by one.
#[inline]
pub(super) fn find_byte(input: &[u8], wanted: u8) -> Option<usize> {
    let pattern = u64::from_le_bytes([wanted; WORD]);
    let words = input.as_chunks::<WORD>().0;
    for (at, word) in (0..NEAR).step_by(WORD).zip(words) {
        // The lowest byte that is zero here is the first that is wanted; borrows only reach the bytes above it.
        let differs = u64::from_le_bytes(*word) ^ pattern;
        let zeros = differs.wrapping_sub(0x0101_0101_0101_0101) & !differs & 0x8080_8080_8080_8080;
        if zeros != 0 {
            return usize::try_from(zeros.trailing_zeros() >> 3).ok().map(|offset| offset.saturating_add(at));
        }
    }
    let near = words.len().saturating_mul(WORD).min(NEAR);
    find(input.get(near..)?, |byte| byte == wanted).map(|offset| near.saturating_add(offset))
}

/// Where the first byte is that `wanted` accepts.
#[inline]
pub(super) fn find(input: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = 0_usize;
    for block in input.as_chunks::<BLOCK>().0 {
        if block.iter().fold(false, |any, &byte| any | wanted(byte)) {
            break;
        }
        at = at.saturating_add(BLOCK);
    }
    let rest = input.get(at..)?;
    rest.iter().position(|&byte| wanted(byte)).map(|offset| at.saturating_add(offset))
}

/// Where the first two neighbours are of which `first` accepts the one and `second` the other.
#[inline]
pub(super) fn find_pair(input: &[u8], first: impl Fn(u8) -> bool, second: impl Fn(u8) -> bool) -> Option<usize> {
    let wanted = |(&one, &other): (&u8, &u8)| first(one) & second(other);
    let mut at = 0_usize;
    let next = input.get(1..)?;
    for (ones, others) in input.as_chunks::<BLOCK>().0.iter().zip(next.as_chunks::<BLOCK>().0) {
        if ones.iter().zip(others).fold(false, |any, pair| any | wanted(pair)) {
            break;
        }
        at = at.saturating_add(BLOCK);
    }
    let (ones, others) = (input.get(at..)?, next.get(at..)?);
    ones.iter().zip(others).position(wanted).map(|offset| at.saturating_add(offset))
}

/// Bytes that are looked at together: the loops over a block have no branch, so the compiler makes vector instructions of them.
const BLOCK: usize = 32;
const WORD: usize = 8;
const NEAR: usize = 64;
