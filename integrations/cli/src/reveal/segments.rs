//! A block of text and its tokens, between the scanner and the output: all its tokens are opened in one request, and recorded
//! with one commit, before a byte of it is written.

use std::{convert::Infallible, mem};

use anyhow::Result;
use symbolon::{Access, Field, Held, Item, MASK_LEN, OVERHEAD, Place, Plaintext, Sink, TEXT_PREFIX, Token};
use zeroize::{Zeroize, Zeroizing};

use super::{Caller, Tally, source::BLOCK};
use crate::output::Output;

/// What is shown of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// The whole value.
    Whole,
    /// Its mask.
    Masked,
}

/// Text with gaps where its tokens stood. Everything that held a value is wiped.
pub(super) struct Segments {
    view: View,
    text: Vec<u8>,
    tokens: Vec<u8>,
    found: Vec<Found>,
    out: Zeroizing<Vec<u8>>,
    /// What has been done so far.
    pub(super) tally: Tally,
}

/// A token and where it stood.
struct Found {
    /// The text before it ends here.
    text_end: usize,
    /// Its bytes.
    len: usize,
    place: Place,
}

impl Segments {
    pub(super) fn new(view: View) -> Self {
        let out = Zeroizing::new(Vec::new());
        Self { view, text: Vec::new(), tokens: Vec::new(), found: Vec::new(), out, tally: Tally::default() }
    }

    /// Opens the tokens, records that, writes the text with what is to be seen, and is empty again.
    pub(super) fn write(&mut self, caller: &mut Caller<'_>, output: &mut Output) -> Result<()> {
        if self.found.is_empty() {
            if self.tally.opened + self.tally.refused == 0 {
                self.tally.elsewhere += count_prefixes(&self.text);
            }
            output.write(&self.text)?;
            self.text.clear();
            return Ok(());
        }
        let found = mem::take(&mut self.found);
        let bytes = mem::take(&mut self.tokens);
        let tokens = tokens_of(&found, &bytes)?;
        let mut arena = Zeroizing::new(vec![0; tokens.iter().map(work_len).sum()]);
        let values = open(&tokens, &mut arena, caller)?;
        // As long as it can get, so that it never moves and leaves a copy behind.
        self.out.reserve(self.text.len() + tokens.iter().map(longest).sum::<usize>());
        let mut from = 0;
        for ((found, token), value) in found.iter().zip(&tokens).zip(values) {
            self.out.extend_from_slice(&self.text[from..found.text_end]);
            from = found.text_end;
            self.show(value.as_ref(), token.field(), found.place);
        }
        self.out.extend_from_slice(&self.text[from..]);
        output.write(&self.out)?;
        self.out.zeroize();
        self.text.clear();
        Ok(())
    }

    /// Writes a value or what stands for it, as its place asks for.
    fn show(&mut self, value: Option<&Plaintext<'_>>, field: Field, place: Place) {
        let mut mask = Zeroizing::new([0; MASK_LEN]);
        let text = match value.map(Plaintext::expose) {
            None => {
                self.tally.refused += 1;
                field.placeholder()
            }
            Some(value) => {
                self.tally.opened += 1;
                let text = match self.view {
                    View::Whole => std::str::from_utf8(value).ok(),
                    View::Masked => field.mask(value, mask.as_mut_slice()).ok(),
                };
                self.tally.not_text += u64::from(text.is_none());
                text.unwrap_or(field.placeholder())
            }
        };
        let out = &mut self.out;
        let Ok(()) = place.escape(text, |bytes| {
            out.extend_from_slice(bytes);
            Ok::<(), Infallible>(())
        });
    }
}

impl Sink for Segments {
    type Error = Infallible;

    fn copy(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn token(&mut self, token: Token<'_>, place: Place) -> Result<(), Infallible> {
        self.tokens.extend_from_slice(token.as_bytes());
        self.found.push(Found { text_end: self.text.len(), len: token.as_bytes().len(), place });
        Ok(())
    }
}

/// The tokens as they came.
fn tokens_of<'b>(found: &[Found], mut bytes: &'b [u8]) -> Result<Vec<Token<'b>>> {
    let mut next = |found: &Found| {
        let (token, rest) = bytes.split_at(found.len);
        bytes = rest;
        Ok(Token::from_bytes(token)?)
    };
    found.iter().map(&mut next).collect()
}

/// Opens all tokens in one request; nothing comes back before the trail has all of it. `None` is a refusal.
fn open<'a>(
    tokens: &[Token<'_>],
    mut arena: &'a mut [u8],
    caller: &mut Caller<'_>,
) -> Result<Vec<Option<Plaintext<'a>>>> {
    let (vault, host, session) = caller.lasting()?;
    let mut request = session.request(&Access::OWN, tokens.len(), host)?;
    let mut held: Vec<Held<Plaintext<'a>>> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let (work, rest) = mem::take(&mut arena).split_at_mut(work_len(token));
        arena = rest;
        held.push(request.detokenize_held(&Item::of(*token), work, host)?);
    }
    request.finish(host)?;
    let receipt = host.commit(vault)?;
    let release = |held: Held<Plaintext<'a>>| match held.release(&receipt) {
        Ok(value) => Ok(Some(value)),
        Err(symbolon::Error::Denied) => Ok(None),
        Err(error) => Err(error.into()),
    };
    held.into_iter().map(release).collect()
}

/// What opening needs: the class, and 16 bytes of commitment.
fn work_len(token: &Token<'_>) -> usize {
    token.class().len() + COMMITMENT
}

/// The longest that can take a token's place: each byte escaped as `\u0000`, quotes around it; or a placeholder or mask.
fn longest(token: &Token<'_>) -> usize {
    (token.class().capacity() * 6 + 2).max(MASK_LEN)
}

/// How often `sym_` stands in `text`. One that is cut in two by the end of a block isn't counted: it is only for a hint.
fn count_prefixes(text: &[u8]) -> u64 {
    let prefix = TEXT_PREFIX.as_bytes();
    text.windows(prefix.len()).filter(|window| *window == prefix).count().try_into().unwrap_or(u64::MAX)
}

const COMMITMENT: usize = 16;

/// Bytes of the shortest token's text and of what must divide it from the next.
const SHORTEST: usize = TEXT_PREFIX.len() + (OVERHEAD + 32) * 4 / 3 + 1;

/// What a scanner keeps of one block for the next, at most.
const CARRIED: usize = 2 << 10;

/// Trail entries that a host stages for one commit: one for each token, one more for the count of foreign ones.
const ENTRIES: usize = 8192;

const _: () = assert!((BLOCK + CARRIED) / SHORTEST + 2 <= ENTRIES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_counted() {
        assert_eq!(count_prefixes(b""), 0);
        assert_eq!(count_prefixes(b"sym_ sym_x_sym_sym"), 3);
    }
}
