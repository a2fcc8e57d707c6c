//! The issuer: what the log-in service holds. It makes credentials and can open nothing. SPEC.md section 6.

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Credential, Error, Principal, Purposes, Rights, SessionId, SessionKey, Time,
    aead::{open_once, seal_once},
    bytes::put,
    credential::{Claims, Read, Sealed},
    label::Label,
    prf::{Key, Part::Raw},
    principal::{Id, Kind},
    replay::MAX_AHEAD,
    time::{DAY, MINUTE},
};

/// What a credential is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What its holder may do.
    pub rights: Rights,
    /// What for.
    pub purposes: Purposes,
    /// How long it is valid, in milliseconds; at most 24 hours.
    pub life: u64,
    /// Whether every use must come with a proof of possession. Without it the credential is a bearer credential: a secret in a
    /// reply, and no defence against a server that takes one caller for another.
    pub proof_required: bool,
}

impl Default for Terms {
    /// Own data for own use, 15 minutes, proof required.
    fn default() -> Self {
        Self { rights: Rights::OWN, purposes: Purposes::OWN_USE, life: DEFAULT_LIFE, proof_required: true }
    }
}

/// Issues credentials for the principals of one tenant and kind, on one day, for one audience.
///
/// Whoever holds it can impersonate any principal of that scope on that day (on the record); it can't open a token.
pub struct Issuer {
    pub(crate) key: Key,
    pub(crate) audience: Id,
    pub(crate) tenant: Id,
    pub(crate) kind: Kind,
    pub(crate) period: u32,
    pub(crate) epoch: u16,
}

impl Issuer {
    /// The longest secret form, in bytes.
    pub const MAX_LEN: usize = MAX_ISSUER_LEN;

    /// A credential for `principal`, whose client chose `session_key`. It is valid from `now` on.
    ///
    /// # Errors
    /// [`Error::InvalidTerms`]: another tenant or kind, not the issuer's day, a life of 0 or over 24 hours, a right that the kind
    /// can't have; [`Error::RngFailed`].
    pub fn issue<R: TryCryptoRng>(
        &self,
        principal: &Principal,
        session_key: &SessionKey,
        terms: &Terms,
        now: Time,
        rng: &mut R,
    ) -> Result<Credential, Error> {
        let random = fresh(rng)?;
        let mut claims = Claims {
            principal: principal.clone(),
            audience: self.audience.clone(),
            rights: terms.rights,
            purposes: terms.purposes,
            epoch: self.epoch,
            period: self.period,
            not_before: now,
            expires: now.plus(terms.life),
            first_login: now,
            session: SessionId([0; 16]),
            proof_required: terms.proof_required,
        };
        // The id depends on all that it names, so that even a dead generator gives no two sessions the same.
        claims.session = SessionId(self.identify(Label::SessionId, &random, &claims.to_body()?, session_key));
        self.seal(&claims, session_key, &random)
    }

    /// A new credential for the session of one that is still valid: same session id, same session key, same time of log-in. It
    /// ends, at the latest, 24 hours after the log-in.
    ///
    /// # Errors
    /// As [`issue`](Self::issue); [`Error::InvalidTerms`] also where the session is of another scope, its 24 hours are over, or the
    /// terms would give up the proof of possession: whoever found a credential would renew it to one that needs no key.
    pub fn renew<R: TryCryptoRng>(
        &self,
        verified: &Verified,
        terms: &Terms,
        now: Time,
        rng: &mut R,
    ) -> Result<Credential, Error> {
        let end = verified.claims.first_login.plus(DAY);
        let gives_up_proof = verified.claims.proof_required && !terms.proof_required;
        if verified.claims.audience != self.audience || now >= end || gives_up_proof {
            return Err(Error::InvalidTerms);
        }
        let claims = Claims {
            rights: terms.rights,
            purposes: terms.purposes,
            epoch: self.epoch,
            period: self.period,
            not_before: now,
            expires: now.plus(terms.life).min(end),
            proof_required: terms.proof_required,
            ..verified.claims.clone()
        };
        self.seal(&claims, &verified.session_key, &fresh(rng)?)
    }

    /// Verifies a credential of this issuer that is valid at `now`, so that it can be renewed: by this issuer or by the next day's.
    /// It does not show that who presents it has the session key; the renewed credential is as worthless without that.
    ///
    /// # Errors
    /// [`Error::Denied`]
    pub fn verify(&self, credential: &Credential, now: Time) -> Result<Verified, Error> {
        let parts = credential.read().ok_or(Error::Denied)?;
        let session_key = open_session_key(&self.key, &parts);
        let claims = parts.claims;
        let in_time = claims.not_before <= now.plus(MAX_AHEAD) && now < claims.expires;
        match session_key {
            Some(session_key) if in_time && self.covers(&claims) => Ok(Verified { claims, session_key }),
            _ => Err(Error::Denied),
        }
    }

    /// The secret form's bytes: `1 ‖ LE16 epoch ‖ LE32 period ‖ kind ‖ key 32 ‖ audience ‖ tenant`, the last two with a byte of
    /// length in front. At most [`Issuer::MAX_LEN`](crate::Issuer::MAX_LEN).
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`]
    pub fn write_secret(&self, out: &mut [u8]) -> Result<usize, Error> {
        let (epoch, period) = (self.epoch.to_le_bytes(), self.period.to_le_bytes());
        let (audience, tenant) = (self.audience.as_bytes(), self.tenant.as_bytes());
        let lens = [audience.len(), tenant.len()].map(|len| u8::try_from(len).unwrap_or_default());
        let [audience_len, tenant_len] = lens;
        let parts: [&[u8]; 9] = [
            &[1],
            &epoch,
            &period,
            &[self.kind.code()],
            self.key.as_bytes(),
            &[audience_len],
            audience,
            &[tenant_len],
            tenant,
        ];
        let len = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        let out = out.get_mut(..len).ok_or(Error::BufferTooSmall)?;
        put(out, &parts);
        Ok(len)
    }

    /// Reads the secret form.
    ///
    /// # Errors
    /// [`Error::Malformed`]
    pub fn read_secret(bytes: &[u8]) -> Result<Self, Error> {
        Self::parse(bytes).ok_or(Error::Malformed)
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        use crate::{credential::take_id, entry::take};
        let rest = &mut bytes;
        let [1] = take(rest)? else { return None };
        let epoch = u16::from_le_bytes(take(rest)?);
        let period = u32::from_le_bytes(take(rest)?);
        let [kind] = take(rest)?;
        let kind = Kind::from_code(kind)?;
        let mut key: [u8; 32] = take(rest)?;
        let issuer = Self { key: Key::new(key), audience: take_id(rest)?, tenant: take_id(rest)?, kind, period, epoch };
        key.zeroize();
        rest.is_empty().then_some(issuer)
    }

    /// True where the issuer may say these things.
    fn covers(&self, claims: &Claims) -> bool {
        claims.principal.tenant == self.tenant
            && claims.principal.kind == self.kind
            && claims.audience == self.audience
            && claims.period == self.period
            && claims.epoch == self.epoch
    }

    fn seal(&self, claims: &Claims, session_key: &SessionKey, random: &[u8; 16]) -> Result<Credential, Error> {
        let life = claims.expires.as_millis().saturating_sub(claims.not_before.as_millis());
        let in_scope = self.covers(claims) && claims.not_before.period() == self.period;
        if !in_scope || life == 0 || life > DAY || !claims.rights.fit(self.kind) {
            return Err(Error::InvalidTerms);
        }
        self.seal_claims(claims, session_key, random)
    }

    /// Seals whatever the claims say; vaults check them too.
    pub(crate) fn seal_claims(
        &self,
        claims: &Claims,
        session_key: &SessionKey,
        random: &[u8; 16],
    ) -> Result<Credential, Error> {
        let body = claims.to_body()?;
        let serial = self.identify(Label::Serial, random, &body, session_key);
        let mut sealed = Zeroizing::new(*session_key.key().as_bytes());
        let tag = seal_once(&credential_key(&self.key, &serial), &body, sealed.as_mut_slice())?;
        Credential::assemble(&body, &Sealed { serial, session_key: *sealed, tag })
    }

    /// `F(K_cred, label, rng16 ‖ session key ‖ body)[..16]`
    fn identify(&self, label: Label, random: &[u8; 16], body: &[u8], session_key: &SessionKey) -> [u8; 16] {
        self.key.derive_short(label, &[Raw(random), Raw(session_key.key().as_bytes()), Raw(body)])
    }
}

impl crate::held::Withheld for Issuer {
    fn restore(&mut self) {}
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("kind", &self.kind).field("period", &self.period).finish_non_exhaustive()
    }
}

/// A credential that its issuer has verified.
pub struct Verified {
    claims: Claims,
    session_key: SessionKey,
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verified(redacted)")
    }
}

/// The longest secret form of an issuer, in bytes.
pub(crate) const MAX_ISSUER_LEN: usize = 1 + 2 + 4 + 1 + 32 + 2 * (1 + crate::principal::MAX_ID_LEN);

/// Opens the session key under `F(K_cred, CREDENTIAL, serial)`; its tag covers the whole credential.
pub(crate) fn open_session_key(issuer_key: &Key, parts: &Read<'_>) -> Option<SessionKey> {
    let mut opened = Zeroizing::new(parts.sealed.session_key);
    let key = credential_key(issuer_key, &parts.sealed.serial);
    let authentic = open_once(&key, parts.body, opened.as_mut_slice(), &parts.sealed.tag);
    if !authentic {
        // What is not authentic is not decrypted; the same work shows nobody which of the two it was.
        crate::aead::spend_once(&key, opened.as_mut_slice());
    }
    authentic.then(|| SessionKey::read_secret(&opened))
}

/// Each serial is used for one credential only, so the AEAD key is used once.
fn credential_key(issuer_key: &Key, serial: &[u8; 16]) -> Key {
    issuer_key.derive(Label::Credential, &[Raw(serial)])
}

fn fresh<R: TryCryptoRng>(rng: &mut R) -> Result<[u8; 16], Error> {
    let mut random = [0; 16];
    rng.try_fill_bytes(&mut random).map_err(|_| Error::RngFailed)?;
    Ok(random)
}

/// 15 minutes.
pub(crate) const DEFAULT_LIFE: u64 = 15 * MINUTE;
