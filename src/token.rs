//! The token: its bytes, its text, and nothing about whose it is. SPEC.md sections 4 and 5.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Error, Field, base64url, bytes::put};

/// Version 1 in the high nibble, suite 1 (ChaCha20-Poly1305 and HChaCha20) in the low one.
pub(crate) const VERSION_SUITE: u8 = 0x11;

/// What every token's text begins with.
pub(crate) const TEXT_PREFIX: &str = "sym_";

/// `version/suite ‖ class and flags ‖ field ‖ epoch`.
pub(crate) const HEADER_LEN: usize = 6;
pub(crate) const MARK_LEN: usize = 4;
pub(crate) const NONCE_LEN: usize = 12;
pub(crate) const COMMITMENT_LEN: usize = 16;
pub(crate) const TAG_LEN: usize = 16;

/// Everything before the sealed part: the associated data begins with these bytes.
pub(crate) const CLEAR_LEN: usize = HEADER_LEN + MARK_LEN + NONCE_LEN;

/// A token's bytes beyond its class: 54.
pub(crate) const OVERHEAD: usize = CLEAR_LEN + COMMITMENT_LEN + TAG_LEN;

/// The longest token: 1,078 bytes.
pub(crate) const MAX_TOKEN_LEN: usize = OVERHEAD + Class::LARGEST.len();

/// The longest token's text: 1,442 characters.
pub(crate) const MAX_TEXT_LEN: usize = TEXT_PREFIX.len() + base64url::text_len(MAX_TOKEN_LEN);

/// The size that a value is padded to before it is sealed, so that its length does not show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Class(u8);

impl Class {
    /// 32 bytes: values of up to 30.
    pub const SMALLEST: Self = Self(0);
    /// 1,024 bytes: values of up to 1,022.
    pub const LARGEST: Self = Self(5);

    /// The class with this index, 0 (32 bytes) to 5 (1,024 bytes).
    #[must_use]
    pub const fn from_index(index: u8) -> Option<Self> {
        if index <= Self::LARGEST.0 { Some(Self(index)) } else { None }
    }

    /// The smallest class that holds a value of `len` bytes and its length; `None` beyond 1,022.
    #[must_use]
    pub fn of_value(len: usize) -> Option<Self> {
        (0..=Self::LARGEST.0).map(Self).find(|class| len <= class.capacity())
    }

    /// 0 to 5.
    #[must_use]
    pub const fn index(self) -> u8 {
        self.0
    }

    /// Bytes of the padded value: 32, 64, 128, 256, 512 or 1,024.
    #[expect(clippy::len_without_is_empty, reason = "a class is never empty")]
    #[must_use]
    pub const fn len(self) -> usize {
        32 << self.0
    }

    /// The longest value that fits, in bytes.
    #[must_use]
    pub const fn capacity(self) -> usize {
        self.len().saturating_sub(LENGTH_PREFIX)
    }
}

/// How a token is sealed besides its field: byte 1's flags in its header, and the mode byte of its keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mode(u8);

impl Mode {
    /// Erasable or not; whether it is bound to a record is the field's.
    pub(crate) const fn of(field: Field, erasable: bool) -> Self {
        let erasable = if erasable { ERASABLE } else { 0 };
        Self(if field.is_bound() { erasable | BOUND } else { erasable })
    }

    /// The mode of a token of this field with this byte 1 in its header.
    pub(crate) const fn of_shape(field: Field, shape: u8) -> Self {
        Self::of(field, shape >> FLAGS_SHIFT & ERASABLE != 0)
    }

    pub(crate) const fn is_erasable(self) -> bool {
        self.0 & ERASABLE != 0
    }

    /// Bit 0 erasable, bit 1 record-bound.
    pub(crate) const fn byte(self) -> u8 {
        self.0
    }

    /// A header's byte 1.
    pub(crate) const fn with(self, class: Class) -> u8 {
        self.0 << FLAGS_SHIFT | class.0
    }
}

const ERASABLE: u8 = 1;
const BOUND: u8 = 2;
const FLAGS_SHIFT: u32 = 4;

/// The value's length stands in front of it, LE16.
pub(crate) const LENGTH_PREFIX: usize = 2;

/// A checked view of a token's bytes: version, class, flags, field and length are right. Whether it opens, and for whom,
/// only a [`Session`](crate::Session) can find out.
///
/// ```
/// # use symbolon::{Error, Token};
/// assert_eq!(Token::from_bytes(b"not a token").unwrap_err(), Error::Malformed);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token<'a>(&'a [u8]);

impl<'a> Token<'a> {
    /// The longest token: 1,078 bytes.
    pub const MAX_LEN: usize = MAX_TOKEN_LEN;
    /// The longest token's text: 1,442 characters.
    pub const MAX_TEXT_LEN: usize = MAX_TEXT_LEN;
    /// Bytes of work space that opening the largest token needs: commitment and class.
    pub const MAX_OPEN_LEN: usize = crate::seal::MAX_OPEN_LEN;
    /// A token's bytes beyond its class: 54.
    pub const OVERHEAD: usize = OVERHEAD;
    /// The longest name of what a canary is put into, in bytes: 30.
    pub const MAX_EXPORT_LEN: usize = crate::canary::MAX_EXPORT_LEN;
    /// What every token's text begins with.
    pub const TEXT_PREFIX: &'static str = TEXT_PREFIX;

    /// Checks `bytes`: exactly one token, nothing after it.
    ///
    /// # Errors
    /// [`Error::Malformed`]
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let [version_suite, class_and_flags, field @ .., _, _] =
            bytes.first_chunk::<HEADER_LEN>().ok_or(Error::Malformed)?;
        let class = class_of(*version_suite, *class_and_flags, *field)?;
        if bytes.len() != OVERHEAD.saturating_add(class.len()) {
            return Err(Error::Malformed);
        }
        Ok(Self(bytes))
    }

    /// Decodes `text` (`sym_` and base64url, nothing else) into `out` and checks it. [`Token::MAX_LEN`](crate::Token::MAX_LEN) bytes always do.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::BufferTooSmall`]
    pub fn from_text(text: &[u8], out: &'a mut [u8]) -> Result<Self, Error> {
        let digits = text.strip_prefix(TEXT_PREFIX.as_bytes()).ok_or(Error::Malformed)?;
        if digits.len() > MAX_TEXT_LEN.saturating_sub(TEXT_PREFIX.len()) {
            return Err(Error::Malformed);
        }
        let len = base64url::decode(digits, out)?;
        Self::from_bytes(out.get(..len).unwrap_or_default())
    }

    /// How long the text of the token is that begins with `text`: decided by its first 12 characters (SPEC.md section 5).
    ///
    /// `None` where `text` is too short to tell or begins no token.
    #[must_use]
    pub fn text_len_from_start(text: &[u8]) -> Option<usize> {
        let digits = text.strip_prefix(TEXT_PREFIX.as_bytes())?.get(..8)?;
        let mut header = [0; HEADER_LEN];
        base64url::decode(digits, &mut header).ok()?;
        let [version_suite, class_and_flags, field @ .., _, _] = header;
        let class = class_of(version_suite, class_and_flags, field).ok()?;
        Some(TEXT_PREFIX.len().saturating_add(base64url::text_len(OVERHEAD.saturating_add(class.len()))))
    }

    /// The token's bytes, 86 to 1,078 of them.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Writes the text form into `out` and returns it. [`Token::MAX_TEXT_LEN`](crate::Token::MAX_TEXT_LEN) bytes always do. (`Display` writes the same text.)
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`]
    pub fn write_text<'o>(&self, out: &'o mut [u8]) -> Result<&'o str, Error> {
        let mut written = 0_usize;
        let mut put = |part: &str| {
            let end = written.saturating_add(part.len());
            out.get_mut(written..end).ok_or(Error::BufferTooSmall)?.copy_from_slice(part.as_bytes());
            written = end;
            Ok(())
        };
        put(TEXT_PREFIX)?;
        base64url::encode(self.0, &mut put)?;
        Ok(core::str::from_utf8(out.get(..written).unwrap_or_default()).unwrap_or_default())
    }

    /// The class of data, as the token's header says it. Public, and authenticated when the token opens.
    #[must_use]
    pub fn field(&self) -> Field {
        Field::from_code(u16::from_le_bytes(self.array::<2, 2>())).unwrap_or(Field::FREE_TEXT)
    }

    /// The epoch of the root key that it is sealed under.
    #[must_use]
    pub fn epoch(&self) -> u16 {
        u16::from_le_bytes(self.array::<4, 2>())
    }

    /// Whether destroying its owner's secret makes it unopenable (SPEC.md section 13).
    #[must_use]
    pub fn is_erasable(&self) -> bool {
        self.mode().is_erasable()
    }

    pub(crate) fn mode(&self) -> Mode {
        let [byte] = self.array::<1, 1>();
        Mode(byte >> FLAGS_SHIFT)
    }

    /// The padding class.
    #[must_use]
    pub fn class(&self) -> Class {
        let [byte] = self.array::<1, 1>();
        Class(byte & CLASS_MASK)
    }

    /// A token that the core has just sealed.
    pub(crate) const fn from_sealed(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Version, suite, class, flags, field and epoch.
    pub(crate) fn header(&self) -> [u8; HEADER_LEN] {
        self.array::<0, HEADER_LEN>()
    }

    pub(crate) fn mark(&self) -> [u8; MARK_LEN] {
        self.array::<HEADER_LEN, MARK_LEN>()
    }

    pub(crate) fn nonce(&self) -> [u8; NONCE_LEN] {
        self.array::<{ HEADER_LEN + MARK_LEN }, NONCE_LEN>()
    }

    pub(crate) fn commitment(&self) -> [u8; COMMITMENT_LEN] {
        self.array::<CLEAR_LEN, COMMITMENT_LEN>()
    }

    /// What is sealed: commitment and ciphertext, without the tag.
    pub(crate) fn sealed(&self) -> &'a [u8] {
        self.0.get(CLEAR_LEN..self.0.len().saturating_sub(TAG_LEN)).unwrap_or_default()
    }

    pub(crate) fn tag(&self) -> [u8; TAG_LEN] {
        self.0.last_chunk().copied().unwrap_or_default()
    }

    /// Everything before the sealed part.
    pub(crate) fn clear(&self) -> &'a [u8] {
        self.0.get(..CLEAR_LEN).unwrap_or_default()
    }

    /// `N` bytes from offset `AT`; there are always that many, for the shortest token has 86.
    fn array<const AT: usize, const N: usize>(&self) -> [u8; N] {
        const { assert!(AT + N <= OVERHEAD + Class::SMALLEST.len()) };
        self.0.get(AT..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TEXT_PREFIX)?;
        base64url::encode(self.0, |part| f.write_str(part))
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

impl Serialize for Token<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_bytes(self.0) }
    }
}

/// A token that owns its bytes, for structures that are kept or serialised: text in human-readable formats, bytes in others.
#[derive(Clone)]
pub struct TokenBuf {
    bytes: [u8; MAX_TOKEN_LEN],
    len: usize,
}

impl TokenBuf {
    /// Copies a token.
    #[must_use]
    pub fn new(token: &Token<'_>) -> Self {
        let mut bytes = [0; MAX_TOKEN_LEN];
        put(&mut bytes, &[token.as_bytes()]);
        Self { bytes, len: token.as_bytes().len() }
    }

    /// Parses a token's text.
    ///
    /// # Errors
    /// [`Error::Malformed`]
    pub fn from_text(text: &[u8]) -> Result<Self, Error> {
        let mut bytes = [0; MAX_TOKEN_LEN];
        let len = match Token::from_text(text, &mut bytes) {
            Ok(token) => token.as_bytes().len(),
            Err(_) => return Err(Error::Malformed),
        };
        Ok(Self { bytes, len })
    }

    /// The checked view that every other function takes.
    #[must_use]
    pub fn as_token(&self) -> Token<'_> {
        Token(self.bytes.get(..self.len).unwrap_or_default())
    }
}

impl PartialEq for TokenBuf {
    fn eq(&self, other: &Self) -> bool {
        self.as_token() == other.as_token()
    }
}

impl Eq for TokenBuf {}

impl fmt::Debug for TokenBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_token().fmt(f)
    }
}

impl Serialize for TokenBuf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_token().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TokenBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(TokenVisitor)
        } else {
            deserializer.deserialize_bytes(TokenVisitor)
        }
    }
}

struct TokenVisitor;

impl de::Visitor<'_> for TokenVisitor {
    type Value = TokenBuf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a symbolon token")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TokenBuf, E> {
        TokenBuf::from_text(text.as_bytes()).map_err(E::custom)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<TokenBuf, E> {
        Token::from_bytes(bytes).map(|token| TokenBuf::new(&token)).map_err(E::custom)
    }
}

const CLASS_MASK: u8 = 0x0f;

/// The class in a header, whose field is known, whose flags fit it, and whose suite is this one.
fn class_of(version_suite: u8, class_and_flags: u8, field: [u8; 2]) -> Result<Class, Error> {
    let field = Field::from_code(u16::from_le_bytes(field)).map_err(|_| Error::Malformed)?;
    let erasable = Mode(class_and_flags >> FLAGS_SHIFT).is_erasable();
    if version_suite != VERSION_SUITE || class_and_flags >> FLAGS_SHIFT != Mode::of(field, erasable).byte() {
        return Err(Error::Malformed);
    }
    Class::from_index(class_and_flags & CLASS_MASK).ok_or(Error::Malformed)
}
