//! How much is looked into, and with what.

use crate::Codings;

/// How much is looked into, and with what. [`Options::default`] is meant for real use; tests make the numbers small.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What is unwrapped.
    pub codings: Codings,
    /// Bytes that are looked through at a time.
    pub chunk: usize,
    /// Bytes of the next chunk that are looked at together with this one. Nothing that is longer in its wrapping is sure to be found.
    pub overlap: usize,
    /// Bytes of the chunk before that are looked at again, so that what depends on what went before is read right.
    pub lead: usize,
    /// How many text codings may be one inside the other.
    pub text_depth: u8,
    /// How many containers may be one inside the other.
    pub file_depth: u8,
    /// Bytes of a container inside another that are held in memory where it can't be read as a stream: a zip in a mail, say.
    pub held: usize,
    /// Bytes that the containers in one file may expand to, beyond [`Options::RATIO`] times what was read of it.
    pub expansion: u64,
}

impl Options {
    /// Expanding to so many times the size is nothing unusual: log files and database dumps do.
    pub const RATIO: u64 = 100;
}

impl Default for Options {
    fn default() -> Self {
        Self {
            codings: Codings::ALL,
            chunk: 2 << 20,
            overlap: 64 << 10,
            lead: 4 << 10,
            text_depth: 5,
            file_depth: 8,
            held: 64 << 20,
            expansion: 1 << 30,
        }
    }
}
