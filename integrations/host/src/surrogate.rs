//! Short stand-ins for tokens: 16 digits, for columns that were made for a card number. SPEC.md section 14.
//!
//! A surrogate is drawn at random and says nothing about the value (unless its caller asks to keep the last four digits). What it
//! stands for, a token, is a row of the host's store; so it is worth nothing without that row, and opening the token still takes its
//! owner's session. When the owner is erased, the surrogates go too.
//!
//! It can't be taken for a card number: it begins with `99` and fails Luhn. (ISO/IEC 7812: a number that begins with 9 goes on with
//! the numeric code of a country, ISO 3166-1, and none has a code of 900 to 999.)
//!
//! ```
//! use getrandom::SysRng;
//! use symbolon::*;
//! use symbolon_host::surrogate::{self, Surrogate};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let vault = Vault::new(Keyring::generate(&mut SysRng)?, &Config::new(b"order-pages"))?;
//! # let mut store = MemoryStore::<64, 8>::new();
//! # AuditKey::create(&vault, &mut store, &mut SysRng)?;
//! # let clock = || Some(Time::from_secs(1_800_000_000));
//! # let mut host: Host<_> = Host::open(&vault, Parts { clock, rng: SysRng, store })?;
//! let alice = Principal::person("shop-17", "alice")?;
//! let mut out = [0; Token::MAX_LEN];
//! let token = vault.tokenize(&alice, Field::CARD_NUMBER, b"4242 4242 4242 4242", &mut out, &mut host)?;
//!
//! let surrogate = surrogate::issue(&vault, &alice, &token, Some(*b"4242"), &mut SysRng, &mut host)?;
//! assert!(surrogate.as_str().starts_with("99") && surrogate.as_str().ends_with("4242"));
//!
//! let read: Surrogate = surrogate.to_string().parse()?;
//! assert_eq!(surrogate::resolve(&read, &mut host)?.as_token(), token);
//! # Ok(()) }
//! ```

use std::{error, fmt, str::FromStr};

use rand_core::TryCryptoRng;
use symbolon::{Environment, Error, Host, Principal, Record, Token, TokenBuf, Vault};

/// 16 digits that begin with `99` and fail Luhn. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Surrogate([u8; 16]);

impl Surrogate {
    /// The surrogate that these digits are; `None` where they are none.
    #[must_use]
    pub fn from_digits(digits: [u8; 16]) -> Option<Self> {
        let formed = digits.starts_with(PREFIX) && digits.iter().all(u8::is_ascii_digit) && !passes_luhn(&digits);
        formed.then_some(Self(digits))
    }

    /// 16 ASCII digits.
    #[must_use]
    pub const fn as_digits(&self) -> &[u8; 16] {
        &self.0
    }

    /// The same as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Surrogate {
    type Err = SurrogateError;

    /// Strict: exactly 16 digits, nothing between them or around.
    fn from_str(text: &str) -> Result<Self, SurrogateError> {
        let digits = text.as_bytes().try_into().map_err(|_| SurrogateError::Malformed)?;
        Self::from_digits(digits).ok_or(SurrogateError::Malformed)
    }
}

impl fmt::Display for Surrogate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Surrogate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Surrogate({self})")
    }
}

/// Makes a surrogate for a token of `owner`, whose row is durable when this returns. `last4` are the value's last four digits, where the
/// column's readers need them: they then stand in it for everybody to read.
///
/// # Errors
/// As for [`stage`]; [`SurrogateError::Core`] where the store failed: then hand nothing out.
pub fn issue<E: Environment, const N: usize, const W: usize>(
    vault: &Vault,
    owner: &Principal,
    token: &Token<'_>,
    last4: Option<[u8; 4]>,
    rng: &mut impl TryCryptoRng,
    host: &mut Host<E, N, W>,
) -> Result<Surrogate, SurrogateError> {
    let surrogate = stage(vault, owner, token, last4, rng, host)?;
    host.commit(vault)?;
    Ok(surrogate)
}

/// The same for many that share a commit: hand none out before [`Host::commit`], or your own commit of the batch, has succeeded.
///
/// # Errors
/// [`SurrogateError::TokenTooLong`], [`SurrogateError::NotDigits`], [`SurrogateError::Exhausted`]; [`SurrogateError::Core`]: the
/// generator failed, or what is staged must be committed first.
pub fn stage<E: Environment, const N: usize, const W: usize>(
    vault: &Vault,
    owner: &Principal,
    token: &Token<'_>,
    last4: Option<[u8; 4]>,
    rng: &mut impl TryCryptoRng,
    host: &mut Host<E, N, W>,
) -> Result<Surrogate, SurrogateError> {
    if token.as_bytes().len() > MAX_TOKEN {
        return Err(SurrogateError::TokenTooLong);
    }
    if last4.is_some_and(|last4| !last4.iter().all(u8::is_ascii_digit)) {
        return Err(SurrogateError::NotDigits);
    }
    let row = [vault.owner_tag(owner).as_slice(), token.as_bytes()].concat();
    for _ in 0..TRIES {
        let Some(surrogate) = draw(last4, rng)? else { continue };
        if host.surrogate(surrogate.0, &mut [0; Record::MAX_LEN])?.is_none() {
            host.put_surrogate(surrogate.0, &row)?;
            return Ok(surrogate);
        }
    }
    Err(SurrogateError::Exhausted)
}

/// The token that a surrogate stands for. Whose it is does not matter here: it opens for its owner's session, and for no other.
///
/// # Errors
/// [`SurrogateError::Unknown`]; [`SurrogateError::Core`]: the store failed, or its row is damaged.
pub fn resolve<E: Environment, const N: usize, const W: usize>(
    surrogate: &Surrogate,
    host: &mut Host<E, N, W>,
) -> Result<TokenBuf, SurrogateError> {
    let mut row = [0; Record::MAX_LEN];
    let len = host.surrogate(surrogate.0, &mut row)?.ok_or(SurrogateError::Unknown)?;
    let token = row.get(TAG_LEN..len).ok_or(Error::Unavailable)?;
    Ok(TokenBuf::new(&Token::from_bytes(token).map_err(|_| Error::Unavailable)?))
}

/// Why there is no surrogate, or no token for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SurrogateError {
    /// Not 16 digits that begin with `99` and fail Luhn.
    Malformed,
    /// Nothing is kept for it: never made, or its owner was erased.
    Unknown,
    /// The token has more than 112 bytes; a surrogate stands for tokens of the smallest class (card numbers, telephone numbers).
    TokenTooLong,
    /// What was to be kept as the last four digits are not digits.
    NotDigits,
    /// Every number that was drawn is taken: the generator repeats itself, or the last four digits are worn out.
    Exhausted,
    /// The core's error.
    Core(Error),
}

impl fmt::Display for SurrogateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("not a surrogate"),
            Self::Unknown => f.write_str("nothing is kept for this surrogate"),
            Self::TokenTooLong => f.write_str("a surrogate can't stand for a token of more than 112 bytes"),
            Self::NotDigits => f.write_str("the last four digits are not digits"),
            Self::Exhausted => f.write_str("every number that was drawn is taken"),
            Self::Core(error) => error.fmt(f),
        }
    }
}

impl error::Error for SurrogateError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Core(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for SurrogateError {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

/// A number by chance; `None` where it passes Luhn, as one in ten does.
fn draw(last4: Option<[u8; 4]>, rng: &mut impl TryCryptoRng) -> Result<Option<Surrogate>, Error> {
    let mut number = [b'9'; 16];
    let free = if last4.is_some() { FREE - 4 } else { FREE };
    for digit in number.iter_mut().skip(PREFIX.len()).take(free) {
        *digit = draw_digit(rng)?;
    }
    if let (Some(last4), Some(end)) = (last4, number.last_chunk_mut()) {
        *end = last4;
    }
    Ok(Surrogate::from_digits(number))
}

/// Each digit is as likely as the others: the bytes from 250 on, which would favour some, are drawn again.
fn draw_digit(rng: &mut impl TryCryptoRng) -> Result<u8, Error> {
    for _ in 0..TRIES {
        let mut byte = [0];
        rng.try_fill_bytes(&mut byte).map_err(|_| Error::RngFailed)?;
        let [byte] = byte;
        if byte < 250 {
            return Ok(b'0' + byte % 10);
        }
    }
    Err(Error::RngFailed)
}

/// ISO/IEC 7812-1: from the right, every second digit is doubled, and the sum is a multiple of ten.
fn passes_luhn(digits: &[u8]) -> bool {
    let value = |(place, digit): (usize, &u8)| match (u32::from(digit.wrapping_sub(b'0')), place % 2) {
        (digit, 0) => digit,
        (digit, _) if digit > 4 => digit * 2 - 9,
        (digit, _) => digit * 2,
    };
    digits.iter().rev().enumerate().map(value).sum::<u32>() % 10 == 0
}

/// Of every surrogate.
const PREFIX: &[u8] = b"99";

/// Digits that are drawn.
const FREE: usize = 14;

/// The owner's tag in front of the token.
const TAG_LEN: usize = 16;

/// The longest token that a row has room for.
const MAX_TOKEN: usize = Record::MAX_LEN - TAG_LEN;

/// One draw in ten passes Luhn, so so many fail by chance once in 10^128, and a healthy generator is never worn out.
const TRIES: usize = 128;

#[cfg(test)]
mod tests;
