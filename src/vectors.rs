//! Reads the vector files for the tests of what is not public. The others read them in `tests/vectors.rs`.

extern crate std;

use std::{string::String, vec::Vec};

/// The cases of a file: its lines without comments, cut at `|`.
pub(crate) fn cases(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cases: Vec<Vec<String>> = lines.map(|line| line.split('|').map(|cell| cell.trim().into()).collect()).collect();
    assert!(!cases.is_empty(), "a file without cases tests nothing");
    cases
}

/// Bytes in hex; `-` and the empty text are none.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits = text.trim_start_matches('-');
    assert!(digits.len().is_multiple_of(2));
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The same for a fixed number of bytes.
pub(crate) fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}
