//! The scanner key: tells one tenant's tokens from all others, and opens nothing. SPEC.md section 16.

use core::fmt;

use subtle::ConstantTimeEq;

use crate::{
    Error, Token, Vault,
    by_epoch::ByEpoch,
    entry::take,
    keyring::MAX_EPOCHS,
    keys::MarkKey,
    principal::{Id, MAX_ID_LEN},
};

/// What a leak scanner holds: the mark key of one tenant for every epoch. With it, "these are ours" can be said of a file that
/// turned up somewhere, on a machine that could open nothing.
///
/// A mark has 32 bits, so of 2^32 forged tokens one passes; and whoever holds this key can forge marks as he likes.
///
/// ```
/// # use symbolon::{Config, Error, Keyring, Principal, Field, Token, Vault, CheckedRng};
/// # let mut rng = <chacha20::ChaCha20Rng as chacha20::rand_core::SeedableRng>::from_seed([7; 32]);
/// # let vault = Vault::new(Keyring::generate(&mut rng)?, &Config::new(b"shop"))?;
/// # let (alice, mut out) = (Principal::person("shop-17", "alice")?, [0; Token::MAX_LEN]);
/// # let token = vault.sealer(&alice).tokenize(Field::EMAIL, b"alice@example.jp", &mut out, &mut CheckedRng::new(rng))?;
/// assert!(vault.scanner_key("shop-17")?.recognises(&token));
/// assert!(!vault.scanner_key("shop-18")?.recognises(&token));
/// # Ok::<(), Error>(())
/// ```
pub struct ScannerKey {
    tenant: Id,
    marks: ByEpoch<MarkKey>,
}

impl ScannerKey {
    /// The longest secret form, in bytes.
    pub const MAX_LEN: usize = 1 + 1 + MAX_ID_LEN + 1 + MAX_EPOCHS * EPOCH_LEN;

    /// True where the token has this tenant's mark, of its epoch.
    #[must_use]
    pub fn recognises(&self, token: &Token<'_>) -> bool {
        let known = self.marks.get(token.epoch());
        known.is_some_and(|known| known.mark(&token.nonce()).ct_eq(&token.mark()).into())
    }

    /// Whose tokens it tells.
    #[must_use]
    pub fn tenant(&self) -> &[u8] {
        self.tenant.as_bytes()
    }

    /// Writes the secret form to the front of `out` and returns its length; [`ScannerKey::MAX_LEN`] bytes always do.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`]
    pub fn write_secret(&self, out: &mut [u8]) -> Result<usize, Error> {
        let count = |len: usize| [u8::try_from(len).unwrap_or_default()];
        let whole =
            3_usize.saturating_add(self.tenant().len()).saturating_add(self.marks.len().saturating_mul(EPOCH_LEN));
        let out = out.get_mut(..whole).ok_or(Error::BufferTooSmall)?;
        let mut len = 0_usize;
        let mut put = |part: &[u8]| {
            let end = len.saturating_add(part.len());
            out.get_mut(len..end).ok_or(Error::BufferTooSmall)?.copy_from_slice(part);
            len = end;
            Ok::<_, Error>(())
        };
        put(&[FORMAT])?;
        put(&count(self.tenant().len()))?;
        put(self.tenant())?;
        put(&count(self.marks.len()))?;
        for (epoch, mark) in self.marks.iter() {
            put(&epoch.to_le_bytes())?;
            put(mark.as_bytes())?;
        }
        Ok(len)
    }

    /// Reads the secret form. The bytes stay the caller's to wipe.
    ///
    /// # Errors
    /// [`Error::Malformed`]: not such bytes, bytes after them, or epochs that don't rise.
    pub fn read_secret(mut bytes: &[u8]) -> Result<Self, Error> {
        Self::parse(&mut bytes).filter(|_| bytes.is_empty()).ok_or(Error::Malformed)
    }

    fn parse(rest: &mut &[u8]) -> Option<Self> {
        let [FORMAT, len] = take(rest)? else { return None };
        let (tenant, behind) = rest.split_at_checked(len.into())?;
        *rest = behind;
        let mut key = Self { tenant: Id::new(tenant).ok()?, marks: ByEpoch::new() };
        let [count] = take(rest)?;
        for _ in 0..count {
            if !key.marks.push(u16::from_le_bytes(take(rest)?), MarkKey::new(take(rest)?)) {
                return None;
            }
        }
        (count > 0).then_some(key)
    }
}

impl fmt::Debug for ScannerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScannerKey").field("epochs", &self.marks.len()).finish_non_exhaustive()
    }
}

impl Vault {
    /// The scanner key of a tenant: of all epochs in the keyring, those below the token floor included, for what leaked may be old.
    ///
    /// # Errors
    /// [`Error::InvalidPrincipal`]
    pub fn scanner_key(&self, tenant: impl AsRef<[u8]>) -> Result<ScannerKey, Error> {
        let tenant = Id::new(tenant.as_ref())?;
        let marks =
            self.keyring().roots().map(|(epoch, root)| (epoch, root.tenant(tenant.as_bytes()).mark())).collect();
        Ok(ScannerKey { tenant, marks })
    }
}

const FORMAT: u8 = 1;
/// `LE16 epoch ‖ K_mark`
const EPOCH_LEN: usize = 2 + 32;
