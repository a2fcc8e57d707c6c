//! Long runs of the characters that encoded text is made of.

use std::ops::Range;

/// Runs of at least `least` such characters, lines apart: what can hold ASCII text of that length without spaces, in any coding.
///
/// A line of it has [`SEED`] of them at a stretch, and so a whole block, wherever blocks begin. Of ordinary text nearly every block
/// has a space or a byte beyond ASCII in it, which one comparison of the whole block shows.
pub(crate) fn candidates(bytes: &[u8], least: usize) -> Vec<Range<usize>> {
    let (mut found, mut at, mut floor) = (Vec::new(), 0, 0);
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        if !is_dense(block) || !block.iter().all(|byte| IN_RUN[usize::from(*byte)]) {
            at += BLOCK;
            continue;
        }
        let (start, end) = (stretch_start(bytes, at, floor), stretch_end(bytes, at + BLOCK));
        if end - start < SEED {
            (floor, at) = (end, end);
            continue;
        }
        let (run, count) = across_lines(bytes, start, end, floor);
        (floor, at) = (run.end, run.end);
        if count >= least {
            found.push(run);
        }
    }
    found
}

/// Whether all bytes are between `#` and `~`. Without a way out in the middle, so that the compiler compares them all at once.
fn is_dense(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(true, |dense, byte| dense & (byte.wrapping_sub(b'#') <= b'~' - b'#'))
}

/// Over a line break to where the next line's text begins: at most two spaces before it, and quote signs and indentation behind it.
pub(crate) fn over_break(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    while at < bytes.len() && matches!(bytes[at], b' ' | b'\t') {
        at += 1;
    }
    let rest = bytes.get(at..)?;
    let mut next = at
        + match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\n' | b'\r', ..] => 1,
            _ => return None,
        };
    let most = next + PREFIX;
    while next < bytes.len().min(most) && matches!(bytes[next], b' ' | b'\t' | b'>') {
        next += 1;
    }
    Some(next)
}

/// The other way: from where a line's text begins to the end of the line before.
fn back_over_break(bytes: &[u8], at: usize) -> Option<usize> {
    let (mut at, least) = (at, at.saturating_sub(PREFIX));
    while at > least && matches!(bytes[at - 1], b' ' | b'\t' | b'>') {
        at -= 1;
    }
    match bytes.get(..at)? {
        [.., b'\r', b'\n'] => at -= 2,
        [.., b'\n' | b'\r'] => at -= 1,
        _ => return None,
    }
    while at > 0 && matches!(bytes[at - 1], b' ' | b'\t') {
        at -= 1;
    }
    Some(at)
}

/// A stretch with those of the lines before and behind it, and how many characters they are.
fn across_lines(bytes: &[u8], start: usize, end: usize, floor: usize) -> (Range<usize>, usize) {
    let (mut run, mut count) = (start..end, end - start);
    while let Some(before) = back_over_break(bytes, run.start).filter(|before| *before > floor) {
        let start = stretch_start(bytes, before, floor);
        if start == before {
            break;
        }
        count += before - start;
        run.start = start;
    }
    while let Some(next) = over_break(bytes, run.end) {
        let end = stretch_end(bytes, next);
        if end == next {
            break;
        }
        count += end - next;
        run.end = end;
    }
    (run, count)
}

fn stretch_start(bytes: &[u8], mut at: usize, floor: usize) -> usize {
    while at > floor && IN_RUN[usize::from(bytes[at - 1])] {
        at -= 1;
    }
    at
}

fn stretch_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && IN_RUN[usize::from(bytes[at])] {
        at += 1;
    }
    at
}

/// No line of a wrapped token is shorter, but the first and last.
const SEED: usize = 32;

/// Two of these are a seed, so one at any place is whole within one.
const BLOCK: usize = SEED / 2;

/// The longest quote signs and indentation.
const PREFIX: usize = 16;

/// Letters and digits, the digits of base64 and base64url, and what percent encoding, HTML references, JSON escapes and
/// quoted-printable are made of.
static IN_RUN: [bool; 256] = {
    let mut table = [false; 256];
    let (mut at, others) = (0, b"_-+/%&#;\\={}");
    while at < 256 {
        table[at] = (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};
