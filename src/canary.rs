//! Canaries: tokens that look like any other and open for nobody. SPEC.md section 16.

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;

use crate::{
    CheckedRng, Error, Token, Vault,
    bytes::put,
    principal::Id,
    seal::{self, Under, class_for},
    token::Class,
};

impl Vault {
    /// Makes a canary (a honeytoken): of the same field, class, epoch and kind as `like`. Nobody who doesn't hold the
    /// root keys can tell it from a token; it opens for nobody, and the trail has [`Reason::Canary`](crate::Reason::Canary) of whoever
    /// presents it, whatever else is wrong, and an [`Alarm`](crate::Alarm). It is written to the front of `out`, whose
    /// [`Token::MAX_LEN`] bytes always do.
    ///
    /// `export` says what it was put into: 1 to [`Token::MAX_EXPORT_LEN`] bytes, none of them zero, that [`canary_export`](Self::canary_export) gives back.
    ///
    /// # Errors
    /// [`Error::InvalidPrincipal`]: the tenant; [`Error::InvalidValue`]: `export`; [`Error::InvalidKeyring`]: `like` is of an epoch that there isn't; [`Error::BufferTooSmall`]; [`Error::RngFailed`]
    pub fn canary<'o, R: TryCryptoRng>(
        &self,
        tenant: impl AsRef<[u8]>,
        like: &Token<'_>,
        export: &[u8],
        out: &'o mut [u8],
        rng: &mut CheckedRng<R>,
    ) -> Result<Token<'o>, Error> {
        if export.is_empty() || export.len() > MAX_EXPORT_LEN || export.contains(&0) {
            return Err(Error::InvalidValue);
        }
        let root = self.keyring().root(like.epoch()).ok_or(Error::InvalidKeyring)?;
        let tenant = root.tenant(Id::new(tenant.as_ref())?.as_bytes());
        let mut value = [0; Class::LARGEST.capacity()];
        put(&mut value, &[export]);
        // The shortest value, zeros included, that gets the class which is wanted.
        let has_class = |len: &usize| class_for(like.field(), *len) == Some(like.class());
        let len = (export.len()..=like.class().capacity()).find(has_class).ok_or(Error::InvalidValue)?;
        let (owner, mark) = (tenant.canary(), tenant.mark());
        let under = Under { owner: &owner, mark: &mark, epoch: like.epoch(), erasable: like.mode().is_erasable() };
        let value = value.get(..len).unwrap_or_default();
        let len = seal::seal(&under, like.field().into(), &rng.next16()?, value, out)?;
        Token::from_bytes(out.get(..len).unwrap_or_default())
    }

    /// What a canary of this tenant was put into, at the front of `work`, whose [`Token::MAX_OPEN_LEN`] bytes always do; `None` for whatever is
    /// no canary. For whoever holds the vault itself: a session is never told.
    #[must_use]
    pub fn canary_export<'w>(
        &self,
        tenant: impl AsRef<[u8]>,
        token: &Token<'_>,
        work: &'w mut [u8],
    ) -> Option<&'w [u8]> {
        let tenant = self.keyring().root(token.epoch())?.tenant(Id::new(tenant.as_ref()).ok()?.as_bytes());
        let key = tenant.canary().seal(token.field(), token.mode());
        if !bool::from(seal::commitment(&key, &token.nonce()).ct_eq(&token.commitment())) {
            return None;
        }
        let place = seal::open(&key, token, token.field().into(), work)?;
        work.get(place)?.split(|byte| *byte == 0).next()
    }
}

/// The longest name of an export, in bytes: what fits the smallest class.
pub(crate) const MAX_EXPORT_LEN: usize = Class::SMALLEST.capacity();
