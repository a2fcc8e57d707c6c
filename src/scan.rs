//! The scanner: finds the tokens that are the whole of a value in a stream of text. SPEC.md section "Rewriting".
//!
//! A token in hostile content must not become a value in a URL (`<img src="//evil/?q=sym_…">`). So a rewriter hands the
//! stream to a [`Scanner`], which reports a token only where it is a whole value of the stream's format, together with its
//! [`Place`]; all other bytes, and every token that stands elsewhere, go through unchanged.
//!
//! What was already found is never looked at again: a value that reads like a token, a quote or a tag is data.

mod anywhere;
mod candidate;
mod csv;
mod elements;
mod find;
mod html;
mod json;
mod place;

use core::{fmt, ops::Range};

use crate::{MAX_TEXT_LEN, MAX_TOKEN_LEN, Token};

use candidate::{Carry, Take};
pub use place::Place;

/// The text's format: it decides what a whole value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format<'m> {
    /// RFC 4180 with any delimiter: a cell that is exactly a token, quoted or not.
    ///
    /// A quote in the middle of a bare cell is ordinary text; CR, LF and CRLF end a record; a UTF-8 byte order mark in front
    /// does not hide the first cell. A delimiter that is a quote, CR, LF or a base64url digit leaves no way to tell cells from
    /// tokens: nothing is found then.
    Csv {
        /// The byte between two cells: `b','`, `b';'`, `b'\t'`.
        delimiter: u8,
    },
    /// JSON (RFC 8259) and JSON Lines: a string that is exactly a token, verbatim (no `\u005f`), and not an object's key.
    ///
    /// Keys are told by the `:` behind them; a string followed by more than 256 bytes of white space is left alone. The input
    /// must be JSON: comments, single quotes and other extensions are not understood.
    Json,
    /// HTML in UTF-8, a whole document or a part of its body: the text of an element that the host has marked with the
    /// attribute `data-symbolon="marker"`. ASCII white space around the token is allowed, and kept.
    ///
    /// The start tag must be followed by the token and that by the same element's end tag. Nothing is replaced in attributes,
    /// comments, scripts, styles, `textarea`, `title`, `noscript`, `template`, SVG and MathML, marked or not; wherever parsers
    /// might disagree about what the text is, the rest of the document is left alone.
    Html {
        /// Only elements with exactly this value are marked; none is if it is empty. Take a fresh random one (letters and
        /// digits) for each page, so that content that users wrote can't carry it.
        marker: &'m str,
    },
    /// Any token that stands between bytes that aren't base64url digits. **Dangerous for anything that is rendered, run or
    /// followed as a link**: whoever can write into the text chooses where the value goes, a URL of theirs included.
    ///
    /// The longest run of base64url digits counts (maximal munch): of two tokens without anything between them, or of a
    /// token with a letter, a digit, `-` or `_` on either side, nothing is found.
    AnywhereInPlainText,
}

/// Where a scanner's findings go: every byte of the input arrives exactly once and in order, in one of the two calls.
///
/// An `Err` means that the call's bytes were **not** taken; [`Scanner::feed`] says how to go on.
pub trait Sink {
    /// What went wrong with the output.
    type Error;

    /// Takes bytes that stay as they are. Where one call ends and the next begins means nothing.
    ///
    /// # Errors
    /// When the output can't take them.
    fn copy(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Takes a token in the place of its text. A sink that leaves it alone writes the token's text; one that has a value for it
    /// writes it by [`Place::escape`], and nothing else is correct.
    ///
    /// # Errors
    /// When the output can't take it.
    fn token(&mut self, token: Token<'_>, place: Place) -> Result<(), Self::Error>;
}

/// Reads a text in chunks of any size and hands on its bytes and its tokens. How the text is cut changes nothing.
///
/// It keeps what may be the beginning of a token (1.7 kB at most) until the next chunk tells; memory is fixed.
///
/// ```
/// use symbolon::{Format, Place, Scanner, Sink, Token};
///
/// struct Redact(String);
/// impl Sink for Redact {
///     type Error = core::str::Utf8Error;
///     fn copy(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
///         self.0.push_str(core::str::from_utf8(bytes)?);
///         Ok(())
///     }
///     fn token(&mut self, _: Token<'_>, place: Place) -> Result<(), Self::Error> {
///         place.escape("Smith, \"Al\"", |bytes| Ok(self.0.push_str(core::str::from_utf8(bytes)?)))
///     }
/// }
///
/// # let mut bytes = [7; 86];
/// # bytes[..6].copy_from_slice(&[0x11, 0, 1, 0, 0, 0]);
/// # let token = Token::from_bytes(&bytes)?;
/// let text = format!("id,name\r\n1,{token}\r\n2,see {token}\r\n");
/// let mut out = Redact(String::new());
/// let mut scanner = Scanner::new(Format::Csv { delimiter: b',' });
/// for chunk in text.as_bytes().chunks(10) {
///     scanner.feed(chunk, &mut out).unwrap();
/// }
/// scanner.finish(&mut out).unwrap();
/// assert_eq!(out.0, format!("id,name\r\n1,\"Smith, \"\"Al\"\"\"\r\n2,see {token}\r\n"));
/// # Ok::<(), symbolon::Error>(())
/// ```
#[derive(Clone)]
pub struct Scanner<'m> {
    machine: Machine<'m>,
    carry: Carry,
    /// How many bytes of the carry and of the refused input the sink has already taken; 0 unless the last call failed.
    delivered: usize,
}

impl<'m> Scanner<'m> {
    /// A scanner for one text. The next text needs a new one.
    #[must_use]
    pub fn new(format: Format<'m>) -> Self {
        let machine = match format {
            Format::Csv { delimiter } => Machine::Csv(csv::Csv::new(delimiter)),
            Format::Json => Machine::Json(json::Json::new()),
            Format::Html { marker } => Machine::Html(html::Html::new(marker)),
            Format::AnywhereInPlainText => Machine::Anywhere(anywhere::Anywhere::new()),
        };
        Self { machine, carry: Carry::new(), delivered: 0 }
    }

    /// Reads the next chunk. Bytes that may yet become a token are kept for the next call.
    ///
    /// After an error nothing is lost and nothing need be given up: call it again with the same chunk, the whole of it, and
    /// the sink gets the call that it refused, then the rest.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn feed<S: Sink>(&mut self, input: &[u8], sink: &mut S) -> Result<(), S::Error> {
        let before = (self.machine, self.carry.len());
        let mut output = Output { sink, skip: self.delivered, sent: 0 };
        match self.run(input, &mut output) {
            Ok(()) => {
                self.delivered = 0;
                Ok(())
            }
            Err(error) => {
                self.delivered = output.sent;
                self.machine = before.0;
                self.carry.set_len(before.1);
                Err(error)
            }
        }
    }

    /// The text has ended: hands on what is left. A token that the end cuts in half is left alone.
    ///
    /// After an error call it again, as with [`feed`](Self::feed). A scanner that has finished copies whatever it is fed.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) -> Result<(), S::Error> {
        let mut output = Output { sink, skip: self.delivered, sent: 0 };
        let result = match self.machine.at_end() {
            Some(take) => output.take(self.carry.bytes(), take),
            None => output.copy(self.carry.bytes()),
        };
        self.delivered = output.sent;
        result?;
        *self = Self { machine: Machine::Finished, carry: Carry::new(), delivered: 0 };
        Ok(())
    }

    /// Up to the last call of the sink the bytes that were carried in stay where they are, so that `feed` can go back.
    fn run<S: Sink>(&mut self, input: &[u8], output: &mut Output<'_, S>) -> Result<(), S::Error> {
        let part = |range: Range<usize>| input.get(range).unwrap_or_default();
        let (mut at, mut copied) = (0_usize, 0);
        // Where the candidate begins: in the input, unless it is carried.
        let mut open = None;
        loop {
            let (read, step) = self.machine.step(part(at..input.len()));
            at = at.saturating_add(read);
            match step {
                Step::More => break,
                Step::Open => open = Some(at),
                Step::Drop => {
                    output.copy(self.carry.bytes())?;
                    self.carry.set_len(0);
                    open = None;
                }
                Step::Take(take) => {
                    if let Some(start) = open.take() {
                        output.copy(part(copied..start))?;
                        output.take(part(start..at), take)?;
                    } else {
                        self.carry.append(part(0..at));
                        output.take(self.carry.bytes(), take)?;
                        self.carry.set_len(0);
                    }
                    copied = at;
                }
            }
        }
        let start = open.unwrap_or(if self.carry.len() > 0 { 0 } else { input.len() });
        output.copy(part(copied..start))?;
        self.carry.append(part(start..input.len()));
        Ok(())
    }
}

impl fmt::Debug for Scanner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner").field("carried", &self.carry.len()).finish_non_exhaustive()
    }
}

/// What a format's machine says when it stops reading. Its candidate is everything that it has read since `Open`.
enum Step {
    /// The input is used up.
    More,
    /// A candidate begins here.
    Open,
    /// The candidate is no token that is a whole value.
    Drop,
    /// It is one, if its text decodes.
    Take(Take),
}

#[derive(Clone, Copy)]
enum Machine<'m> {
    Csv(csv::Csv),
    Json(json::Json),
    Html(html::Html<'m>),
    Anywhere(anywhere::Anywhere),
    Finished,
}

/// The rules of one format.
trait Rules {
    /// Reads some of `rest`, which begins with `byte`; returns how many bytes that was, and what there is to say after them.
    /// Where it reads nothing and says nothing its state has changed, so that the next call does.
    fn advance(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>);

    /// The token that the end of the text completes.
    fn at_end(&self) -> Option<Take>;

    /// Reads up to the next thing to say; returns how many bytes that was.
    #[inline]
    fn step(&mut self, input: &[u8]) -> (usize, Step) {
        let mut at = 0_usize;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            let Some(&byte) = rest.first() else { return (at, Step::More) };
            let (read, step) = self.advance(byte, rest);
            at = at.saturating_add(read);
            if let Some(step) = step {
                return (at, step);
            }
        }
    }
}

impl Machine<'_> {
    fn step(&mut self, input: &[u8]) -> (usize, Step) {
        match self {
            Self::Csv(machine) => machine.step(input),
            Self::Json(machine) => machine.step(input),
            Self::Html(machine) => machine.step(input),
            Self::Anywhere(machine) => machine.step(input),
            Self::Finished => (input.len(), Step::More),
        }
    }

    fn at_end(&self) -> Option<Take> {
        match self {
            Self::Csv(machine) => machine.at_end(),
            Self::Json(machine) => machine.at_end(),
            Self::Html(machine) => machine.at_end(),
            Self::Anywhere(machine) => machine.at_end(),
            Self::Finished => None,
        }
    }
}

/// The sink, and the account of what it has taken. When a refused chunk is fed again, what was taken is skipped.
struct Output<'s, S> {
    sink: &'s mut S,
    skip: usize,
    sent: usize,
}

impl<S: Sink> Output<'_, S> {
    fn copy(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        let (_, rest) = bytes.split_at_checked(self.skip).unwrap_or_default();
        if !rest.is_empty() {
            self.sink.copy(rest)?;
        }
        self.count(bytes.len());
        Ok(())
    }

    /// A candidate's bytes: the token's text, then what was read to be sure of it.
    fn take(&mut self, bytes: &[u8], take: Take) -> Result<(), S::Error> {
        let mut decoded = [0; MAX_TOKEN_LEN];
        let (text, rest) = bytes.split_at_checked(take.len).unwrap_or_default();
        let Ok(token) = Token::from_text(text, &mut decoded) else { return self.copy(bytes) };
        if self.skip < text.len() {
            self.sink.token(token, take.place)?;
        }
        self.count(text.len());
        self.copy(rest)
    }

    fn count(&mut self, taken: usize) {
        self.skip = self.skip.saturating_sub(taken);
        self.sent = self.sent.saturating_add(taken);
    }
}

/// How much white space a scanner reads behind a token before it gives up. It has to carry it.
const WHITE_SPACE_MAX: usize = 256;

/// The longest name of an element that can be marked.
const NAME_MAX: usize = 32;

/// A token's text and the longest that may have to be read behind it: white space, `</`, a name. (JSON: a quote, white space.)
const CARRY_LEN: usize = MAX_TEXT_LEN + WHITE_SPACE_MAX + 2 + NAME_MAX;

const _: () = assert!(CARRY_LEN > MAX_TEXT_LEN + WHITE_SPACE_MAX && CARRY_LEN >= MAX_TEXT_LEN + 2);
