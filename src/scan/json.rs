//! JSON and JSON Lines: a string that is exactly a token, and not a key.
//!
//! No tokenizer is needed for that. In JSON a quote that no backslash precedes is a string's delimiter, and what follows a
//! string's closing quote is never an `s`. So `"sym_` behind anything but a backslash is where a string begins, and since a
//! token has no quote and no backslash, the next quote ends it. A key is the string that is followed by a colon.
//! That this looks at no more than the neighbours is also why a torn line of JSON Lines does not hide those behind it.

use super::{
    Place, Rules, Step, WHITE_SPACE_MAX,
    candidate::{Matcher, Take, may_begin},
    find::find_pair,
};

#[derive(Clone, Copy)]
pub(super) struct Json {
    state: State,
    matcher: Matcher,
}

#[derive(Clone, Copy)]
enum State {
    /// Anywhere, behind this byte.
    Text(u8),
    /// Behind a quote that no backslash precedes.
    Quote,
    Candidate,
    /// The quote and a token's text are read.
    Full,
    /// So are the closing quote and this much white space; was there a line's end in it?
    Closed {
        spaces: usize,
        line_end: bool,
    },
}

impl Json {
    pub(super) const fn new() -> Self {
        Self { state: State::Text(b' '), matcher: Matcher::new() }
    }

    /// Behind the closing quote: what comes tells a value from a key.
    fn closed(&mut self, byte: u8, spaces: usize, line_end: bool) -> (usize, Option<Step>) {
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && spaces < WHITE_SPACE_MAX {
            let line_end = line_end || byte == b'\n';
            self.state = State::Closed { spaces: spaces.saturating_add(1), line_end };
            return (1, None);
        }
        self.state = State::Text(QUOTE);
        let is_value = match byte {
            b',' | b']' | b'}' => true,
            b':' | b' ' | b'\t' | b'\r' | b'\n' => false,
            _ => line_end,
        };
        (0, Some(if is_value { Take::step(self.matcher.len(), Place::JsonString) } else { Step::Drop }))
    }
}

impl Rules for Json {
    fn advance(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>) {
        match self.state {
            State::Text(last) => {
                let (state, read) = text(last, rest);
                self.state = state;
                (read, None)
            }
            State::Quote if may_begin(rest) => {
                (self.state, self.matcher) = (State::Candidate, Matcher::new());
                (0, Some(Step::Open))
            }
            State::Quote => {
                self.state = State::Text(QUOTE);
                (0, None)
            }
            State::Candidate => self.matcher.advance(rest, &mut self.state, State::Full, State::Text(b's')),
            State::Full if byte == QUOTE => {
                self.state = State::Closed { spaces: 0, line_end: false };
                (1, None)
            }
            State::Full => {
                self.state = State::Text(b's');
                (0, Some(Step::Drop))
            }
            State::Closed { spaces, line_end } => self.closed(byte, spaces, line_end),
        }
    }

    fn at_end(&self) -> Option<Take> {
        match self.state {
            State::Closed { .. } => Some(Take { len: self.matcher.len(), place: Place::JsonString }),
            _ => None,
        }
    }
}

/// Reads on to the next quote that an `s` follows and no backslash precedes. `last` is the byte before `input`.
fn text(last: u8, input: &[u8]) -> (State, usize) {
    let before = |at: usize| at.checked_sub(1).and_then(|at| input.get(at)).copied().unwrap_or(last);
    let mut from = 0_usize;
    while let Some(found) = find_pair(input.get(from..).unwrap_or_default(), |byte| byte == QUOTE, |byte| byte == b's')
    {
        let quote = from.saturating_add(found);
        from = quote.saturating_add(1);
        if before(quote) != BACKSLASH {
            return (State::Quote, from);
        }
    }
    let end = before(input.len());
    let opens = end == QUOTE && before(input.len().saturating_sub(1)) != BACKSLASH;
    (if opens { State::Quote } else { State::Text(end) }, input.len())
}

const QUOTE: u8 = b'"';
const BACKSLASH: u8 = b'\\';
