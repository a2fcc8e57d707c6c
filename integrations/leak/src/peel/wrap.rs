//! Lines joined.

use memchr::memchr2_iter;

use super::{
    islands::{Ground, Islands},
    runs::over_break,
    view::View,
};
use crate::Coding;

/// The text without its single line breaks and what mail puts behind them; with `with` in their place.
pub(crate) fn view(ground: &Ground<'_>, with: &[u8]) -> Option<View> {
    let mut islands = Islands::new(ground);
    for span in ground.spans {
        islands.enter(span);
        let bytes = &ground.bytes[..span.end];
        let mut done = span.start;
        for at in memchr2_iter(b'\r', b'\n', &bytes[span.clone()]).map(|at| at + span.start) {
            if at < done {
                continue;
            }
            let start = before(bytes, at, done);
            if let Some(next) = over_break(bytes, at) {
                islands.join(start, next, with, Coding::Wrapped);
                done = next;
            }
        }
    }
    islands.finish()
}

/// Where the spaces before a break begin.
fn before(bytes: &[u8], mut at: usize, floor: usize) -> usize {
    while at > floor && matches!(bytes[at - 1], b' ' | b'\t') {
        at -= 1;
    }
    at
}
