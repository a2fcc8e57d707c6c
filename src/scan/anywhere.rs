//! Plain text: a token that is a whole run of base64url digits, wherever it stands.

use super::{
    Place, Rules, Step,
    candidate::{Matcher, Take, may_begin},
    find::find_pair,
};
use crate::base64url;

#[derive(Clone, Copy)]
pub(super) struct Anywhere {
    state: State,
    matcher: Matcher,
}

#[derive(Clone, Copy)]
enum State {
    /// Outside a candidate; `true` after a digit, where no token may begin.
    Text(bool),
    Candidate,
    /// A token's text is read: what comes next?
    Full,
}

impl Anywhere {
    pub(super) const fn new() -> Self {
        Self { state: State::Text(false), matcher: Matcher::new() }
    }

    /// Reads up to what may be a token, or to the end.
    fn text(&mut self, after_digit: bool, input: &[u8]) -> (usize, Option<Step>) {
        let mut after_digit = after_digit;
        let mut at = 0_usize;
        while let Some((&byte, next)) = input.get(at..).and_then(<[u8]>::split_first) {
            if !after_digit && may_begin(input.get(at..).unwrap_or_default()) {
                (self.state, self.matcher) = (State::Candidate, Matcher::new());
                return (at, Some(Step::Open));
            }
            let skipped = skip(next);
            let last = skipped.checked_sub(1).and_then(|last| next.get(last)).unwrap_or(&byte);
            after_digit = base64url::is_digit(*last);
            at = at.saturating_add(1).saturating_add(skipped);
        }
        self.state = State::Text(after_digit);
        (input.len(), None)
    }
}

impl Rules for Anywhere {
    fn advance(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>) {
        match self.state {
            State::Text(after_digit) => self.text(after_digit, rest),
            State::Candidate => self.matcher.advance(rest, &mut self.state, State::Full, State::Text(true)),
            State::Full => {
                self.state = State::Text(true);
                let whole = !base64url::is_digit(byte);
                (0, Some(if whole { Take::step(self.matcher.len(), Place::PlainText) } else { Step::Drop }))
            }
        }
    }

    fn at_end(&self) -> Option<Take> {
        match self.state {
            State::Full => Some(Take { len: self.matcher.len(), place: Place::PlainText }),
            _ => None,
        }
    }
}

/// How many bytes can't be a token's first: up to the next `s` that is followed by `y` or by the end.
fn skip(input: &[u8]) -> usize {
    let at_the_end = usize::from(input.ends_with(b"s"));
    find_pair(input, |byte| byte == b's', |byte| byte == b'y').unwrap_or(input.len().saturating_sub(at_the_end))
}
