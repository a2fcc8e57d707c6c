//! From a credential and a proof to a session. SPEC.md section 7.

use core::{hint::black_box, ops::Deref};

use subtle::ConstantTimeEq;

use crate::{
    Credential, Environment, Error, Held, Host, Proof, Session, SessionKey, Time, Vault,
    credential::Read,
    entry::{Entry, Event, Reason},
    issuer::open_session_key,
    proof::BoundKey,
    replay::{MAX_AGE, MAX_AHEAD},
};

/// Collects what is wrong. Every check is made, whatever the ones before it said; the first reason is the one that is recorded.
pub(crate) struct Verdict(Option<Reason>);

impl Verdict {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Goes on from what is known already.
    pub(crate) const fn beginning_with(reason: Option<Reason>) -> Self {
        Self(reason)
    }

    pub(crate) fn require(&mut self, holds: bool, otherwise: Reason) {
        if !holds {
            self.0 = self.0.or(Some(otherwise));
        }
    }

    pub(crate) fn require_ok(&mut self, result: Result<(), Reason>) {
        if let Err(reason) = result {
            self.0 = self.0.or(Some(reason));
        }
    }

    pub(crate) const fn reason(&self) -> Option<Reason> {
        self.0
    }

    /// The outcome of an act that nothing stands in the way of, or the refusal.
    pub(crate) fn outcome<T>(&self, outcome: T) -> Result<T, Error> {
        if self.0.is_none() { Ok(outcome) } else { Err(Error::Denied) }
    }
}

impl<V: Deref<Target = Vault>> Session<V> {
    /// Verifies a credential and its proof for one request, whose `context` (method, path, body, say) must be what the client proved.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn authenticate_held<E: Environment, const N: usize, const W: usize>(
        vault: V,
        credential: &Credential,
        proof: &Proof,
        context: &[&[u8]],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Self>, Error> {
        Self::authenticate_proof(vault, credential, proof, context, true, host)
    }

    /// The same for a context in which something stands that no other proof was taken for and none will be, a challenge that is used once:
    /// the proof needs no place in the replay window.
    #[cfg(feature = "appliance")]
    pub(crate) fn authenticate_challenged_held<E: Environment, const N: usize, const W: usize>(
        vault: V,
        credential: &Credential,
        proof: &Proof,
        context: &[&[u8]],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Self>, Error> {
        Self::authenticate_proof(vault, credential, proof, context, false, host)
    }

    fn authenticate_proof<E: Environment, const N: usize, const W: usize>(
        vault: V,
        credential: &Credential,
        proof: &Proof,
        context: &[&[u8]],
        remember: bool,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Self>, Error> {
        let (now, parts, mut verdict, bound) = begin(&vault, credential, host)?;
        let mac = bound.mac(&proof.nonce, proof.time, context);
        verdict.require(bool::from(mac.ct_eq(&proof.mac)), Reason::BadProof);
        verdict.require_ok(host.window.check_time(proof.time, now));
        if remember {
            // By the MAC that came: where it is wrong, the right one must not choose a place in memory.
            verdict.require_ok(host.window.check(&proof.mac, now));
        }
        match verdict.reason() {
            None if remember => host.window.insert(&proof.mac, proof.time, now),
            None => {}
            // A window that is full says nothing about the caller.
            Some(Reason::WindowFull) => return unavailable(&vault, &parts, now, host),
            Some(_) => {}
        }
        let ends = parts.claims.expires.min(proof.time.plus(MAX_AGE));
        settle(vault, &parts, bound, proof.nonce, ends, verdict.reason(), now, host)
    }

    /// The same for a credential whose issuer did not ask for proofs: see [`Vault::authenticate_bearer`] for what that gives up.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn authenticate_bearer_held<E: Environment, const N: usize, const W: usize>(
        vault: V,
        credential: &Credential,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Self>, Error> {
        let (now, parts, mut verdict, bound) = begin(&vault, credential, host)?;
        verdict.require(!parts.claims.proof_required, Reason::ProofRequired);
        let ends = parts.claims.expires;
        settle(vault, &parts, bound, [0; 16], ends, verdict.reason(), now, host)
    }
}

/// What both ways begin with: the time, room for the entry, the credential and what is to be said of it.
fn begin<'c, E: Environment, const N: usize, const W: usize>(
    vault: &Vault,
    credential: &'c Credential,
    host: &mut Host<E, N, W>,
) -> Result<(Time, Read<'c>, Verdict, BoundKey), Error> {
    let now = host.now()?;
    host.reserve(vault, 1)?;
    let parts = credential.read().ok_or(Error::Malformed)?;
    let mut verdict = Verdict::new();
    let bound = check_credential(vault, &parts, now, &mut verdict);
    verdict.require(!host.is_logged_out(parts.claims.session)?, Reason::LoggedOut);
    Ok((now, parts, verdict, bound))
}

/// Checks all that the credential says. The key that comes back is worth nothing where the verdict has a reason.
fn check_credential(vault: &Vault, parts: &Read<'_>, now: Time, verdict: &mut Verdict) -> BoundKey {
    let claims = &parts.claims;
    let (tenant, kind) = (claims.principal.tenant(), claims.principal.kind());
    let no_root;
    let (root, known) = match vault.credential_root(claims.epoch) {
        Some(root) => (root, true),
        None => {
            no_root = vault.no_credential_root();
            (&no_root, false)
        }
    };
    let session_key = open_session_key(&root.issuer(tenant, kind, claims.period), parts);
    verdict.require(known, Reason::BelowFloor);
    verdict.require(claims.audience == *vault.audience(), Reason::WrongAudience);
    verdict.require(session_key.is_some(), Reason::BadCredential);
    verdict.require(claims.period == claims.not_before.period(), Reason::WrongPeriod);
    verdict.require(claims.not_before <= now.plus(MAX_AHEAD), Reason::NotYetValid);
    verdict.require(now < claims.expires, Reason::Expired);
    let life = claims.expires.as_millis().saturating_sub(claims.not_before.as_millis());
    let age = claims.expires.as_millis().saturating_sub(claims.first_login.as_millis());
    let in_order =
        claims.first_login <= claims.not_before && claims.not_before < claims.expires && age <= crate::time::DAY;
    verdict.require(life <= vault.max_life() && in_order, Reason::LifeTooLong);
    verdict.require(claims.rights.fit(kind), Reason::RightNotForKind);
    session_key.unwrap_or_else(|| SessionKey::read_secret(&[0; 32])).bind_to(&parts.sealed)
}

/// Stages the entry and holds the session, or the refusal.
#[expect(clippy::too_many_arguments, reason = "the two ways of authentication end here, with all they found")]
fn settle<V: Deref<Target = Vault>, E: Environment, const N: usize, const W: usize>(
    vault: V,
    parts: &Read<'_>,
    bound: BoundKey,
    nonce: [u8; 16],
    ends: Time,
    refused: Option<Reason>,
    now: Time,
    host: &mut Host<E, N, W>,
) -> Result<Held<Session<V>>, Error> {
    // The root of an epoch that there isn't is derived; those that there are were, once.
    if refused.is_some_and(|reason| reason != Reason::BelowFloor) {
        let _same_work = black_box(vault.no_credential_root());
    }
    let tag = vault.tag_key().tag(&parts.claims.principal);
    let staged = host.stage(now, &entry(tag, parts, refused.unwrap_or(Reason::Done)))?;
    let session = Session::new(vault, &parts.claims, tag, bound, nonce, ends);
    let outcome = if refused.is_none() { Ok(session) } else { Err(Error::Denied) };
    Ok(Held::new(outcome, staged))
}

/// Records that the window was full.
fn unavailable<T, E: Environment, const N: usize, const W: usize>(
    vault: &Vault,
    parts: &Read<'_>,
    now: Time,
    host: &mut Host<E, N, W>,
) -> Result<T, Error> {
    let tag = vault.tag_key().tag(&parts.claims.principal);
    let _staged = host.stage(now, &entry(tag, parts, Reason::WindowFull))?;
    Err(Error::Unavailable)
}

/// A credential that does not open names nobody: its claims may be anybody's words.
fn entry(tag: [u8; 16], parts: &Read<'_>, reason: Reason) -> Entry {
    let mut entry = Entry::new(Event::Authenticate, reason);
    let verified = !matches!(reason, Reason::BadCredential | Reason::WrongAudience | Reason::BelowFloor);
    if verified {
        entry.caller = tag;
        entry.caller_kind = parts.claims.principal.kind.code();
        entry.session = parts.claims.session.0.first_chunk().copied().unwrap_or_default();
    }
    entry
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::{
        Config, Keyring, Kind, Principal, Purposes, Rights, SessionId,
        credential::Claims,
        principal::Id,
        time::{DAY, MINUTE},
        vectors::{cases, hex},
    };

    const NOW: Time = Time::from_secs(1_800_000_000);

    /// What the vault says of a credential by itself, without its proof.
    fn reason(vault: &Vault, credential: &Credential, now: Time) -> Option<Reason> {
        let mut verdict = Verdict::new();
        let _bound = check_credential(vault, &credential.read().unwrap(), now, &mut verdict);
        verdict.reason()
    }

    fn vault(keyring: &str, audience: &str) -> Vault {
        Vault::new(Keyring::read_secret(&hex(keyring)).unwrap(), &Config::new(&hex(audience))).unwrap()
    }

    /// The second implementation's credentials: those to be accepted are, and each of the others is refused for its own reason.
    #[test]
    fn vectors() {
        for case in cases(include_str!("../tests/vectors/credential.txt")) {
            let (vault, now) = (vault(&case[0], &case[2]), Time::from_millis(case[16].parse().unwrap()));
            let credential = Credential::from_bytes(&hex(&case[17])).unwrap();
            assert_eq!(reason(&vault, &credential, now), None, "{case:?}");
        }
        let mut refused = 0;
        for case in cases(include_str!("../tests/vectors/credential-fail.txt")) {
            if case[4] != "denied" {
                continue;
            }
            let (vault, now) = (vault(&case[0], &case[1]), Time::from_millis(case[2].parse().unwrap()));
            let credential = Credential::from_bytes(&hex(&case[3])).unwrap();
            let expected: &[Reason] = match &*case[5] {
                why if why.contains(" with right ") => &[Reason::RightNotForKind],
                why if why.contains("first log-in")
                    || why.contains("valid for longer")
                    || why.contains("end of time") =>
                {
                    &[Reason::LifeTooLong]
                }
                why if why.contains("expired") => &[Reason::Expired],
                why if why.contains("too early") || why.contains("not valid for") => &[Reason::NotYetValid],
                why if why.contains("audience") => &[Reason::WrongAudience],
                why if why.contains("floor") || why.contains("not in the keyring") => &[Reason::BelowFloor],
                why if why.contains("period 0") || why.contains("another period") || why.contains("'s key") => {
                    &[Reason::WrongPeriod, Reason::BadCredential]
                }
                _ => &[Reason::BadCredential],
            };
            assert!(reason(&vault, &credential, now).is_some_and(|reason| expected.contains(&reason)), "{case:?}");
            refused += 1;
        }
        assert!(refused >= 50, "{refused}");
    }

    /// An issuer that says what it likes: each rule refuses on its own, one millisecond beyond its edge and not at it.
    #[test]
    fn each_rule_on_its_own() {
        let mut secret = std::vec![1, 3];
        secret.extend([9; 32]);
        for epoch in [1_u16, 5, 9] {
            secret.extend(epoch.to_le_bytes());
            secret.extend([epoch as u8; 32]);
        }
        let max_life = 20 * MINUTE;
        let keyring = Keyring::read_secret(&secret).unwrap();
        let vault = Vault::new(keyring, &Config { max_life, ..Config::new(b"here") }).unwrap();
        let base = Claims {
            principal: Principal::person("shop", "alice").unwrap(),
            audience: Id::new(b"here").unwrap(),
            rights: Rights::OWN,
            purposes: Purposes::OWN_USE,
            epoch: 9,
            period: NOW.period(),
            not_before: NOW,
            expires: NOW.plus(MINUTE),
            first_login: NOW,
            session: SessionId([1; 16]),
            proof_required: true,
        };
        let key = SessionKey::read_secret(&[7; 32]);
        let said = |change: &dyn Fn(&mut Claims)| {
            let mut claims = base.clone();
            change(&mut claims);
            let mut issuer = vault.issuer("shop", Kind::Person, claims.period).unwrap();
            if let Some(root) = vault.credential_root(claims.epoch) {
                issuer.key = root.issuer(claims.principal.tenant(), claims.principal.kind(), claims.period);
            }
            reason(&vault, &issuer.seal_claims(&claims, &key, &[3; 16]).unwrap(), NOW)
        };
        assert_eq!(said(&|_| {}), None);
        assert_eq!(said(&|c| c.epoch = 5), None, "the newest but one, whatever its number");
        assert_eq!(said(&|c| c.epoch = 1), Some(Reason::BelowFloor));
        assert_eq!(said(&|c| c.epoch = 8), Some(Reason::BelowFloor), "not in the keyring");
        assert_eq!(said(&|c| c.audience = Id::new(b"there").unwrap()), Some(Reason::WrongAudience));
        assert_eq!(said(&|c| c.period += 1), Some(Reason::WrongPeriod));
        assert_eq!(said(&|c| c.not_before = NOW.plus(2000)), None);
        assert_eq!(said(&|c| c.not_before = NOW.plus(2001)), Some(Reason::NotYetValid));
        assert_eq!(said(&|c| c.expires = NOW), Some(Reason::Expired));
        let shifted = |c: &mut Claims, end: u64| {
            c.first_login = NOW.minus(MINUTE);
            c.not_before = NOW.plus(1000);
            c.expires = NOW.plus(end);
        };
        assert_eq!(said(&|c| shifted(c, 1001)), None);
        assert_eq!(said(&|c| shifted(c, 1000)), Some(Reason::LifeTooLong), "it ends when it begins");
        assert_eq!(said(&|c| c.expires = NOW.plus(max_life)), None);
        assert_eq!(said(&|c| c.expires = NOW.plus(max_life + 1)), Some(Reason::LifeTooLong));
        assert_eq!(said(&|c| c.first_login = NOW.plus(1)), Some(Reason::LifeTooLong), "logged in after it began");
        assert_eq!(said(&|c| c.first_login = NOW.plus(MINUTE).minus(DAY)), None);
        assert_eq!(said(&|c| c.first_login = NOW.plus(MINUTE).minus(DAY + 1)), Some(Reason::LifeTooLong));
        assert_eq!(said(&|c| c.rights = Rights::OWN.and(Rights::LOOKUP)), Some(Reason::RightNotForKind));
        let staff = |c: &mut Claims| {
            c.principal = Principal::staff("shop", "alice").unwrap();
            c.rights = Rights::OWN.and(Rights::LOOKUP);
        };
        assert_eq!(said(&staff), None);
    }
}
