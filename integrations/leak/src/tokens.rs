//! Looks for symbolon's tokens, whosever they are.

use std::ops::Range;

use memchr::memmem::Finder;
use symbolon::{Class, Token};

use crate::{Coding, Focus, Look};

/// Looks for tokens. What it finds are a token's bytes; [`symbolon::ScannerKey::recognises`] tells whose it is.
#[derive(Debug)]
pub struct Tokens(Finder<'static>);

impl Tokens {
    /// Looks for tokens.
    #[must_use]
    pub fn new() -> Self {
        Self(Finder::new(Token::TEXT_PREFIX))
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

impl Look for Tokens {
    type Item = Box<[u8]>;

    fn focus(&self) -> Focus {
        Focus::Runs(SHORTEST)
    }

    fn look(&self, text: &[u8], found: &mut dyn FnMut(Self::Item, Range<usize>, Option<Coding>)) {
        let mut bytes = [0; Token::MAX_LEN];
        for at in self.0.find_iter(text) {
            let rest = &text[at..];
            let Some(len) = Token::text_len_from_start(rest) else { continue };
            let token = rest.get(..len).map(|text| Token::from_text(text, &mut bytes));
            if let Some(Ok(token)) = token {
                found(token.as_bytes().into(), at..at + len, None);
            }
        }
    }
}

/// The shortest token's text: SPEC.md section 5.
const SHORTEST: usize = Token::TEXT_PREFIX.len() + ((Token::OVERHEAD + Class::SMALLEST.len()) * 8).div_ceil(6);
