//! Rewriting a text for one session: what is its own becomes the value, everything else the placeholder. SPEC.md section 11.

use core::{fmt, ops::Deref};

use crate::{
    Access, Environment, Error, Field, Format, Host, Item, MAX_OPEN_LEN, Place, Scanner, Session, Sink, Slot, Token,
    Vault,
};

/// Rewrites a stream for one session: bytes in, bytes out, in fixed memory, however the stream is cut into chunks.
///
/// A token that is the whole of a value (what that is depends on the [`Format`]) becomes the value or its mask, as the [`Access`] says, escaped for its place, if it opens, and
/// its field's placeholder if it doesn't. Every other byte stays as it is, and so does every token elsewhere.
///
/// Each opening is committed by itself before its value is written. A host whose commits are slow scans with a [`Scanner`]
/// of its own and opens many tokens in one [`Request`](crate::Request), as the command line does.
pub struct Rewriter<'r, 'm, V: Deref<Target = Vault>, E, const N: usize, const W: usize> {
    scanner: Scanner<'m>,
    opener: Opener<'r, V, E, N, W>,
}

/// Why rewriting stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped<O> {
    /// The core could not answer: [`Error::Unavailable`]. Nothing was lost: feeding the same chunk again, the whole of it, goes on
    /// where it stopped. (Under a grant whose uses are counted, the opening that is made again is another use.)
    Core(Error),
    /// The output's error. It may have taken a part of a value: this output can't be gone on with.
    Output(O),
}

impl<O: fmt::Display> fmt::Display for Stopped<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Core(error) => error.fmt(f),
            Self::Output(error) => error.fmt(f),
        }
    }
}

impl<O: fmt::Debug + fmt::Display> core::error::Error for Stopped<O> {}

impl<'r, 'm, V: Deref<Target = Vault>, E: Environment, const N: usize, const W: usize> Rewriter<'r, 'm, V, E, N, W> {
    /// Rewrites text of this format for this session.
    #[must_use]
    pub fn new(format: Format<'m>, access: Access<'r>, session: &'r Session<V>, host: &'r mut Host<E, N, W>) -> Self {
        Self { scanner: Scanner::new(format), opener: Opener { session, host, access, record: None } }
    }

    /// The text is about one record (the page of one order): what tokens of bound fields are asked for with. Without it they don't open.
    ///
    /// # Errors
    /// [`Error::InvalidField`]: not 1 to 64 bytes.
    pub fn in_record(mut self, record: &'r [u8]) -> Result<Self, Error> {
        self.opener.record = Some(Slot::in_record(Field::SHIPPING_ADDRESS, record)?.record());
        Ok(self)
    }

    /// Takes the next chunk and hands what is ready to `output`.
    ///
    /// # Errors
    /// [`Stopped`], which says whether it can go on.
    pub fn feed<O>(&mut self, chunk: &[u8], output: impl FnMut(&[u8]) -> Result<(), O>) -> Result<(), Stopped<O>> {
        let mut sink = Output { opener: &mut self.opener, output };
        self.scanner.feed(chunk, &mut sink)
    }

    /// Hands out what was held back, at the end of the stream.
    ///
    /// # Errors
    /// [`Stopped`], which says whether it can go on.
    pub fn finish<O>(&mut self, output: impl FnMut(&[u8]) -> Result<(), O>) -> Result<(), Stopped<O>> {
        let mut sink = Output { opener: &mut self.opener, output };
        self.scanner.finish(&mut sink)
    }
}

impl<V: Deref<Target = Vault>, E, const N: usize, const W: usize> fmt::Debug for Rewriter<'_, '_, V, E, N, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rewriter").field("access", &self.opener.access).finish_non_exhaustive()
    }
}

struct Opener<'r, V: Deref<Target = Vault>, E, const N: usize, const W: usize> {
    session: &'r Session<V>,
    host: &'r mut Host<E, N, W>,
    access: Access<'r>,
    record: Option<&'r [u8]>,
}

struct Output<'o, 'r, V: Deref<Target = Vault>, E, F, const N: usize, const W: usize> {
    opener: &'o mut Opener<'r, V, E, N, W>,
    output: F,
}

impl<V, E, O, F, const N: usize, const W: usize> Sink for Output<'_, '_, V, E, F, N, W>
where
    V: Deref<Target = Vault>,
    E: Environment,
    F: FnMut(&[u8]) -> Result<(), O>,
{
    type Error = Stopped<O>;

    fn copy(&mut self, bytes: &[u8]) -> Result<(), Stopped<O>> {
        (self.output)(bytes).map_err(Stopped::Output)
    }

    fn token(&mut self, token: Token<'_>, place: Place) -> Result<(), Stopped<O>> {
        let mut work = [0; MAX_OPEN_LEN];
        let Opener { session, host, access, record } = &mut *self.opener;
        let field = token.field();
        let bound = record.and_then(|record| Slot::in_record(field, record).ok());
        let item = Item::new(bound.unwrap_or(field.into()), token);
        let opened = match session.detokenize_as(access, &item, &mut work, host) {
            Ok(value) => Some(value),
            Err(Error::Denied) => None,
            Err(error) => return Err(Stopped::Core(error)),
        };
        // What is not text no place could hold.
        let shown = opened.as_ref().and_then(|value| core::str::from_utf8(value.expose()).ok());
        place.escape(shown.unwrap_or(field.placeholder()), |bytes| (self.output)(bytes)).map_err(Stopped::Output)
    }
}
