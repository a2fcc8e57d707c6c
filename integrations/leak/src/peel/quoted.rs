//! Quoted-printable: `=5F`, and `=` at the end of a line that goes on.

use memchr::memchr_iter;

use super::{
    escapes::hex,
    islands::{Ground, Islands},
    runs::over_break,
    view::View,
};
use crate::Coding;

/// The text with what quoted-printable stands for. (Apart from the other escapes: `phone=0312345678` is none.)
pub(crate) fn view(ground: &Ground<'_>) -> Option<View> {
    let mut islands = Islands::new(ground);
    for span in ground.spans {
        islands.enter(span);
        let bytes = &ground.bytes[..span.end];
        let mut done = span.start;
        for at in memchr_iter(b'=', &bytes[span.clone()]).map(|at| at + span.start) {
            if at < done {
                continue;
            }
            if let Some(byte) = bytes.get(at + 1..at + 3).and_then(hex) {
                done = at + 3;
                islands.put(at, done, &[u8::try_from(byte).unwrap_or_default()], Coding::QuotedPrintable);
            } else if let Some(next) = over_soft_break(bytes, at + 1) {
                done = next;
                islands.join(at, next, b"", Coding::QuotedPrintable);
            }
        }
    }
    islands.finish()
}

/// Over a soft break; over quote signs behind it only where there are some, for spaces there are the text's.
fn over_soft_break(bytes: &[u8], at: usize) -> Option<usize> {
    let next = over_break(bytes, at)?;
    let line = memchr::memrchr2(b'\r', b'\n', &bytes[..next])? + 1;
    Some(if bytes[line..next].contains(&b'>') { next } else { line })
}
