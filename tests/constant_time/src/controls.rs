//! What must be reported at every level, or the check is blind.

use std::hint::black_box;

use crate::{
    Operation,
    world::{World, secret},
};

pub(crate) const ALL: &[(&str, Operation)] = &[("control: comparison", comparison), ("control: look-up", look_up)];

/// Compares as one would who doesn't think of time. The length is known at run time only: one known to the compiler may be compared at once.
fn comparison(_: &mut World) {
    let (a, b) = (secret("0123456789abcdef"), secret("0123456789abcdeF"));
    let len = black_box(16);
    black_box(equal(&a[..len], &b[..len]));
}

#[inline(never)]
fn equal(a: &[u8], b: &[u8]) -> bool {
    a == b
}

/// Looks up in a table what a secret byte says, so that the cache tells the byte.
fn look_up(_: &mut World) {
    let index = secret("x");
    black_box(substitute(&black_box([7; 256]), index[0]));
}

#[inline(never)]
fn substitute(table: &[u8; 256], index: u8) -> u8 {
    table[usize::from(index)]
}
