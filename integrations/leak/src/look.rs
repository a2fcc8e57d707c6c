//! What is looked for.

use std::{hash::Hash, ops::Range};

use crate::Coding;

/// What is looked for in a piece of text, after everything has been unwrapped.
pub trait Look {
    /// What was found: equal if it is the same thing.
    type Item: Clone + Eq + Hash;

    /// Where it can be at all.
    fn focus(&self) -> Focus;

    /// Tells each place in `text` where it stands in clear; with the character set, where that is another than UTF-8.
    fn look(&self, text: &[u8], found: &mut dyn FnMut(Self::Item, Range<usize>, Option<Coding>));
}

/// Where something can be: what is not there is not unwrapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Focus {
    /// Anywhere.
    Anywhere,
    /// In a run of at least this many letters, digits and characters that escapes are made of, lines and their quote signs apart:
    /// ASCII text without spaces stays such a run whatever text coding it is put through.
    Runs(usize),
}
