//! CSV (RFC 4180, any delimiter): a cell that is exactly a token.

use super::{
    Place, Rules, Step,
    candidate::{Matcher, Take, may_begin},
    find::{find_byte, find_pair},
};
use crate::base64url;

#[derive(Clone, Copy)]
pub(super) struct Csv {
    delimiter: u8,
    state: State,
    matcher: Matcher,
}

#[derive(Clone, Copy)]
enum State {
    /// At the start of the input, after this many bytes of a byte order mark.
    Mark(u8),
    /// At the start of a cell.
    Cell,
    /// In a bare cell, or behind the closing quote of a quoted one, where only a separator should be.
    Bare,
    BareCandidate,
    /// A bare cell is a token's text so far.
    BareFull,
    /// Behind the opening quote.
    Opened,
    /// In a quoted cell.
    Quoted,
    /// Behind a quote in a quoted cell: its end, or the first half of a doubled quote.
    Quote,
    QuotedCandidate,
    /// A quoted cell is a token's text so far.
    QuotedFull,
    /// The quote behind it was read, too.
    QuotedClosed,
    /// The delimiter can't be one: everything passes through.
    Off,
}

impl Csv {
    pub(super) fn new(delimiter: u8) -> Self {
        let unusable = matches!(delimiter, QUOTE | b'\r' | b'\n') || base64url::is_digit(delimiter);
        let state = if unusable { State::Off } else { State::Mark(0) };
        Self { delimiter, state, matcher: Matcher::new() }
    }

    /// Everything outside a candidate.
    fn read(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>) {
        let (state, read) = match self.state {
            State::Mark(seen) if BYTE_ORDER_MARK.get(usize::from(seen)) == Some(&byte) => {
                (State::Mark(seen.saturating_add(1)), 1)
            }
            State::Mark(0 | 3) => (State::Cell, 0),
            State::Cell if byte == QUOTE => (State::Opened, 1),
            State::Cell if may_begin(rest) => return self.open(State::BareCandidate),
            State::Opened if may_begin(rest) => return self.open(State::QuotedCandidate),
            State::Opened => (State::Quoted, 0),
            State::Quoted => self.quoted_text(rest),
            State::Quote if byte == QUOTE => (State::Quoted, 1),
            State::Quote if self.is_separator(byte) => (State::Cell, 1),
            State::Off => (State::Off, rest.len()),
            _ => self.bare_text(rest),
        };
        self.state = state;
        (read, None)
    }

    /// Reads on to the next cell that may be of interest: a separator, then a quote or an `s`.
    fn bare_text(&self, rest: &[u8]) -> (State, usize) {
        let separator = |byte| self.is_separator(byte);
        match find_pair(rest, separator, |byte| (byte == QUOTE) | (byte == b's')) {
            Some(found) => (State::Cell, found.saturating_add(1)),
            None if rest.last().is_some_and(|&byte| separator(byte)) => (State::Cell, rest.len()),
            None => (State::Bare, rest.len()),
        }
    }

    /// Reads on to the end of a quoted cell, and through the quoted cells behind it that are of no interest.
    fn quoted_text(&self, rest: &[u8]) -> (State, usize) {
        let mut at = 0_usize;
        while let Some(quote) = rest.get(at..).and_then(|rest| find_byte(rest, QUOTE)) {
            at = at.saturating_add(quote).saturating_add(1);
            let read = match rest.get(at..).unwrap_or_default() {
                [QUOTE, ..] => 1,
                [end, QUOTE, next, ..] if self.is_separator(*end) && *next != b's' => 2,
                [b'\r', b'\n', QUOTE, next, ..] if *next != b's' => 3,
                _ => return (State::Quote, at),
            };
            at = at.saturating_add(read);
        }
        (State::Quoted, rest.len())
    }

    fn open(&mut self, state: State) -> (usize, Option<Step>) {
        (self.state, self.matcher) = (state, Matcher::new());
        (0, Some(Step::Open))
    }

    /// A token's text is read: is it the whole cell?
    fn decide(&mut self, byte: u8) -> (usize, Option<Step>) {
        let ends = self.is_separator(byte);
        let (state, read, step) = match self.state {
            State::BareFull if ends => (State::Bare, 0, Some(Take::step(self.matcher.len(), self.bare()))),
            State::QuotedFull if byte == QUOTE => (State::QuotedClosed, 1, None),
            State::QuotedFull => (State::Quoted, 0, Some(Step::Drop)),
            State::QuotedClosed if ends => (State::Bare, 0, Some(Take::step(self.matcher.len(), Place::CsvQuoted))),
            State::QuotedClosed => (State::Quote, 0, Some(Step::Drop)),
            _ => (State::Bare, 0, Some(Step::Drop)),
        };
        self.state = state;
        (read, step)
    }

    fn bare(&self) -> Place {
        Place::CsvBare { delimiter: self.delimiter }
    }

    fn is_separator(&self, byte: u8) -> bool {
        (byte == self.delimiter) | (byte == b'\r') | (byte == b'\n')
    }
}

impl Rules for Csv {
    fn advance(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>) {
        match self.state {
            State::BareCandidate => self.matcher.advance(rest, &mut self.state, State::BareFull, State::Bare),
            State::QuotedCandidate => self.matcher.advance(rest, &mut self.state, State::QuotedFull, State::Quoted),
            State::BareFull | State::QuotedFull | State::QuotedClosed => self.decide(byte),
            _ => self.read(byte, rest),
        }
    }

    fn at_end(&self) -> Option<Take> {
        match self.state {
            State::BareFull => Some(Take { len: self.matcher.len(), place: self.bare() }),
            State::QuotedClosed => Some(Take { len: self.matcher.len(), place: Place::CsvQuoted }),
            _ => None,
        }
    }
}

const QUOTE: u8 = b'"';
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
