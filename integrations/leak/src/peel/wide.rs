//! ASCII in UTF-16 and UTF-32: every second or fourth byte, zeros between.

use memchr::memchr;

use super::view::View;
use crate::{Coding, Codings};

/// The ASCII text of at least `least` characters in a row that stands in UTF-16 or UTF-32, whatever its byte order and alignment.
///
/// Values with other characters are looked for as they are written: see [`Values`](crate::Values).
pub(crate) fn view(bytes: &[u8], least: usize, on: Codings) -> Option<View> {
    let mut view = View::default();
    let mut at = memchr(0, bytes)?;
    loop {
        let zeros = zeros(&bytes[at..]);
        let unit = match zeros {
            1 if on.has(Coding::Utf16) => Some((2, Coding::Utf16)),
            3 if on.has(Coding::Utf32) => Some((4, Coding::Utf32)),
            _ => None,
        };
        let mut next = at + zeros;
        if let Some((step, coding)) = unit {
            // Little-endian text begins with the character before the first zero.
            let start = if at > 0 && is_text(bytes[at - 1]) { at - 1 } else { at + zeros };
            let count = count(bytes, start, step);
            if count >= least {
                view.gap(start);
                let text = (0..count).map(|unit| bytes[start + unit * step]);
                view.every(text, start, u8::try_from(step).unwrap_or(1), coding);
                next = start + count * step - 1;
            }
        }
        let Some(found) = bytes.get(next.max(at + 1)..).and_then(|rest| memchr(0, rest)) else { break };
        at = next.max(at + 1) + found;
    }
    (!view.is_empty()).then_some(view)
}

/// How many characters in a row have nothing but zeros between them.
fn count(bytes: &[u8], start: usize, step: usize) -> usize {
    let mut count = 0;
    while let Some(&byte) = bytes.get(start + count * step) {
        let between = bytes.get(start + count * step + 1..start + (count + 1) * step);
        if !is_text(byte) {
            break;
        }
        count += 1;
        if between.is_none_or(|between| between.iter().any(|byte| *byte != 0)) {
            break;
        }
    }
    count
}

fn zeros(bytes: &[u8]) -> usize {
    // Large empty parts of images and sparse files, eight bytes at a time.
    let words = bytes.chunks_exact(8).take_while(|word| **word == [0; 8]).count() * 8;
    words + bytes[words..].iter().take_while(|byte| **byte == 0).count()
}

fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}
