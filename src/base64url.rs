//! base64url without padding (RFC 4648 section 5), strict: one text for every string of bytes. SPEC.md section 5.

use crate::Error;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What [`DECODE`] holds for a byte outside the alphabet: more than any digit's value, alone and combined with others'.
const NOT_A_DIGIT: u8 = 0xff;

/// The value of every byte as a base64url digit. A token is public, so the table look-up need not be constant-time.
const DECODE: [u8; 256] = decode_table();

/// How many characters `bytes` bytes become.
pub(crate) const fn text_len(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// True for the 64 characters of the alphabet.
pub(crate) fn is_digit(character: u8) -> bool {
    value(character) != NOT_A_DIGIT
}

/// Hands the text of `bytes` to `sink`, up to 64 characters at a time.
pub(crate) fn encode<E>(bytes: &[u8], mut sink: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    for stretch in bytes.chunks(STRETCH) {
        let mut text = [[0_u8; 4]; STRETCH / 3];
        let (groups, rest) = stretch.as_chunks::<3>();
        let mut places = text.iter_mut();
        for (group, place) in groups.iter().zip(&mut places) {
            *place = digits_of(*group);
        }
        if let Some(place) = places.next().filter(|_| !rest.is_empty()) {
            *place = digits_of(pad(rest));
        }
        let shown = text.as_flattened().get(..text_len(stretch.len())).unwrap_or_default();
        sink(core::str::from_utf8(shown).unwrap_or_default())?;
    }
    Ok(())
}

/// Bytes that become text at a time.
const STRETCH: usize = 48;

fn digits_of([a, b, c]: [u8; 3]) -> [u8; 4] {
    let group = u32::from_be_bytes([0, a, b, c]);
    [group >> 18, group >> 12, group >> 6, group].map(digit)
}

/// Decodes `text` into the front of `out` and returns how many bytes it was.
///
/// # Errors
/// [`Error::Malformed`]: a byte outside the alphabet, an impossible length, or unused bits that are not zero;
/// [`Error::BufferTooSmall`].
pub(crate) fn decode(text: &[u8], out: &mut [u8]) -> Result<usize, Error> {
    let (groups, tail) = text.as_chunks::<4>();
    let len = groups.len().saturating_mul(3).saturating_add(tail.len().saturating_sub(1));
    if tail.len() == 1 {
        return Err(Error::Malformed);
    }
    let (whole, rest) = out.get_mut(..len).ok_or(Error::BufferTooSmall)?.as_chunks_mut::<3>();
    let mut all = 0;
    for (digits, bytes) in groups.iter().zip(whole) {
        let values = digits.map(value);
        all |= combined(values);
        *bytes = bytes_of(values);
    }
    if all > 63 {
        return Err(Error::Malformed);
    }
    if tail.is_empty() { Ok(len) } else { decode_group(tail, rest).map(|()| len) }
}

/// 2 or 3 digits become 1 or 2 bytes.
fn decode_group(digits: &[u8], bytes: &mut [u8]) -> Result<(), Error> {
    let mut values = [0_u8; 4];
    for (slot, &character) in values.iter_mut().zip(digits) {
        *slot = value(character);
    }
    if combined(values) > 63 {
        return Err(Error::Malformed);
    }
    let full = bytes_of(values);
    let (used, unused) = full.split_at_checked(bytes.len()).ok_or(Error::Malformed)?;
    if unused.first().is_some_and(|&bits| bits != 0) {
        return Err(Error::Malformed);
    }
    bytes.copy_from_slice(used);
    Ok(())
}

/// Above 63 where one of them is not a digit's.
fn combined([a, b, c, d]: [u8; 4]) -> u8 {
    a | b | c | d
}

/// The bytes of four digits' values.
fn bytes_of([a, b, c, d]: [u8; 4]) -> [u8; 3] {
    let [_, bytes @ ..] = (u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d)).to_be_bytes();
    bytes
}

fn pad(chunk: &[u8]) -> [u8; 3] {
    let mut padded = [0_u8; 3];
    for (slot, &byte) in padded.iter_mut().zip(chunk) {
        *slot = byte;
    }
    padded
}

/// The character of the lower six bits.
fn digit(value: u32) -> u8 {
    let [low, ..] = (value & 63).to_le_bytes();
    ALPHABET.get(usize::from(low)).copied().unwrap_or_default()
}

fn value(character: u8) -> u8 {
    DECODE.get(usize::from(character)).copied().unwrap_or(NOT_A_DIGIT)
}

#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "evaluated at compile time: an index out of bounds would fail the build"
)]
const fn decode_table() -> [u8; 256] {
    let mut table = [NOT_A_DIGIT; 256];
    let mut i = 0;
    while i < ALPHABET.len() {
        table[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    fn text_of(bytes: &[u8]) -> String {
        let mut text = String::new();
        encode(bytes, |part| {
            text.push_str(part);
            Ok::<(), ()>(())
        })
        .unwrap();
        text
    }

    /// RFC 4648 section 10, without the padding.
    #[test]
    fn rfc_4648_vectors() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(text_of(bytes.as_bytes()), text);
            let mut out = [0; 8];
            let len = decode(text.as_bytes(), &mut out).unwrap();
            assert_eq!(&out[..len], bytes.as_bytes());
        }
        assert_eq!(text_of(&[0xfb, 0xff]), "-_8");
    }

    /// Every two-character text: either it is refused, or it is the one text of its byte.
    #[test]
    fn one_text_per_byte() {
        let mut accepted = 0;
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let mut out = [0; 1];
                if decode(&[first, second], &mut out).is_ok() {
                    assert_eq!(text_of(&out).as_bytes(), &[first, second]);
                    accepted += 1;
                }
            }
        }
        assert_eq!(accepted, 256);
    }

    /// Wrong characters don't cancel: any two of four.
    #[test]
    fn two_wrong_characters() {
        for (first, second) in (0..4).flat_map(|first| (0..first).map(move |second| (first, second))) {
            for text in [b"AAAA".as_slice(), b"AAA", b"AAAAAAAA"] {
                let mut text = std::vec::Vec::from(text);
                if first < text.len() {
                    (text[first], text[second]) = (b'=', b'=');
                    assert_eq!(decode(&text, &mut [0; 8]), Err(Error::Malformed), "{first} and {second}");
                }
            }
        }
    }

    /// Texts of every length, over the edges of what is made at a time, come back; and one wrong character anywhere is refused.
    #[test]
    fn every_length_comes_back() {
        let bytes: std::vec::Vec<u8> = (0..200_u8).map(|at| at.wrapping_mul(89)).collect();
        for len in 0..=bytes.len() {
            let mut text = text_of(&bytes[..len]).into_bytes();
            assert_eq!(text.len(), text_len(len));
            let mut out = [0; 200];
            assert_eq!(decode(&text, &mut out), Ok(len));
            assert_eq!(out[..len], bytes[..len]);
            for at in 0..text.len() {
                let right = core::mem::replace(&mut text[at], b'=');
                assert_eq!(decode(&text, &mut out), Err(Error::Malformed), "{at} of {len}");
                text[at] = right;
            }
        }
    }

    /// Three characters: 65,536 texts for 65,536 pairs, and the two unused bits must be zero.
    #[test]
    fn unused_bits_are_refused() {
        let mut out = [0; 2];
        assert_eq!(decode(b"AAA", &mut out), Ok(2));
        for last in [b'B', b'C', b'D'] {
            assert_eq!(decode(&[b'A', b'A', last], &mut out), Err(Error::Malformed));
        }
        assert_eq!(decode(b"A", &mut out), Err(Error::Malformed));
        assert_eq!(decode(b"AAAAA", &mut [0; 8]), Err(Error::Malformed));
        assert_eq!(decode(b"AAA", &mut [0; 1]), Err(Error::BufferTooSmall));
        assert!(is_digit(b'_') && is_digit(b'-') && !is_digit(b'=') && !is_digit(b'+') && !is_digit(b'/'));
    }
}
