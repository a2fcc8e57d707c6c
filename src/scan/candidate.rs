//! A candidate: bytes that may be a token's text, while they are read.

use super::{CARRY_LEN, Place, Step};
use crate::{TEXT_PREFIX, Token, base64url};

/// A token's text was read to its end and stands in the right place: its length, and the place.
#[derive(Clone, Copy)]
pub(super) struct Take {
    pub(super) len: usize,
    pub(super) place: Place,
}

impl Take {
    pub(super) fn step(len: usize, place: Place) -> Step {
        Step::Take(Self { len, place })
    }
}

/// Could `rest`, of which there may be more to come, begin with a token?
pub(super) fn may_begin(rest: &[u8]) -> bool {
    rest.iter().zip(TEXT_PREFIX.as_bytes()).all(|(read, expected)| read == expected)
}

/// Reads a token's text, piece by piece, and knows where it ends: SPEC.md section 5.
#[derive(Clone, Copy)]
pub(super) struct Matcher {
    /// The characters that tell the length.
    head: [u8; HEAD_LEN],
    read: usize,
    /// 0 until the head is read.
    len: usize,
}

/// What a [`Matcher`] says about the text that it has read.
enum Progress {
    /// It is the beginning of a token's text.
    More,
    /// It is as long as the token's text. Whether it decodes is not looked at here.
    Complete,
    /// The next byte can't belong to a token's text, or the head tells no length.
    No,
}

impl Matcher {
    pub(super) const fn new() -> Self {
        Self { head: [0; HEAD_LEN], read: 0, len: 0 }
    }

    /// How long the token's text is, once that is known.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Reads on, and changes a machine's state: to `full` at the text's end, to `otherwise` where it turns out to be none.
    pub(super) fn advance<S>(&mut self, input: &[u8], state: &mut S, full: S, otherwise: S) -> (usize, Option<Step>) {
        let (read, progress) = self.read(input);
        match progress {
            Progress::More => (read, None),
            Progress::Complete => {
                *state = full;
                (read, None)
            }
            Progress::No => {
                *state = otherwise;
                (read, Some(Step::Drop))
            }
        }
    }

    /// Reads on; also returns how many bytes it took. They are all base64url digits.
    fn read(&mut self, input: &[u8]) -> (usize, Progress) {
        let mut taken = 0_usize;
        for &byte in input.iter().take(HEAD_LEN.saturating_sub(self.read)) {
            let expected = TEXT_PREFIX.as_bytes().get(self.read).copied().unwrap_or(byte);
            if byte != expected || !base64url::is_digit(byte) {
                return (taken, Progress::No);
            }
            if let Some(slot) = self.head.get_mut(self.read) {
                *slot = byte;
            }
            self.read = self.read.saturating_add(1);
            taken = taken.saturating_add(1);
        }
        if self.read < HEAD_LEN {
            return (taken, Progress::More);
        }
        if self.len == 0 {
            let Some(len) = Token::text_len_from_start(&self.head) else { return (taken, Progress::No) };
            self.len = len;
        }
        let (more, progress) = self.read_body(input.get(taken..).unwrap_or_default());
        (taken.saturating_add(more), progress)
    }

    fn read_body(&mut self, input: &[u8]) -> (usize, Progress) {
        let wanted = self.len.saturating_sub(self.read);
        let body = input.get(..wanted).unwrap_or(input);
        if let Some(end) = body.iter().position(|&byte| !base64url::is_digit(byte)) {
            return (end, Progress::No);
        }
        self.read = self.read.saturating_add(body.len());
        (body.len(), if self.read == self.len { Progress::Complete } else { Progress::More })
    }
}

/// The prefix and the digits of `version/suite ‖ class and flags ‖ field ‖ epoch`.
const HEAD_LEN: usize = 12;

/// The bytes of a candidate that began in an earlier chunk.
#[derive(Clone)]
pub(super) struct Carry {
    bytes: [u8; CARRY_LEN],
    len: usize,
}

impl Carry {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; CARRY_LEN], len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Adds `more`. It fits: no machine reads a candidate that is longer than the carry (see [`CARRY_LEN`]).
    pub(super) fn append(&mut self, more: &[u8]) {
        let free = self.bytes.get_mut(self.len..self.len.saturating_add(more.len()));
        debug_assert!(free.is_some(), "a candidate is longer than the carry");
        if let Some(free) = free {
            free.copy_from_slice(more);
            self.len = self.len.saturating_add(more.len());
        }
    }

    /// Forgets what is behind the first `len` bytes, or goes back to them: they stay where they are.
    pub(super) fn set_len(&mut self, len: usize) {
        self.len = len.min(CARRY_LEN);
    }
}
