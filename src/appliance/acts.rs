//! What roles do. SPEC.md section 17, "Acts".

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;

use super::{
    Answer, Appliance, AuditorAct, Fault, IssuerAct, OfficerAct, Response, Role, TransportKey, Who, Wipe,
    keep::{Kept, MAX_ATTEMPTS, PIECES, SALT_LEN, Settings, attempts_record},
    read,
};
use crate::{
    AuditKey, Environment, Error, Keyring, Kind, Principal, Purposes, Record, Rights, SealedEntry, SessionId,
    SessionKey, Store, Terms,
    entry::{Entry, Event, Reason},
    keyring::MAX_KEYRING_LEN,
    principal::Id,
    time::DAY,
};
use heapless::Vec;
use zeroize::Zeroizing;

impl<E, const ENTRIES: usize, const PROOFS: usize> Appliance<E, ENTRIES, PROOFS>
where
    E: Environment,
    E::Store: Wipe,
{
    /// What each role may do is what its list has: an act of another role is not one of its messages.
    pub(super) fn act_of(&mut self, role: Role, act: &[u8], out: &mut [u8]) -> Result<Answer, Fault> {
        match role {
            Role::Officer => self.officer(read(act)?, act, out),
            Role::Issuer => self.issuer(read(act)?, out),
            Role::Auditor => self.auditor(read(act)?, out),
        }
    }

    fn officer(&mut self, act: OfficerAct<'_>, bytes: &[u8], out: &mut [u8]) -> Result<Answer, Fault> {
        if let OfficerAct::Initialise { officer, issuer, auditor, transport, audience, node, max_life } = act {
            let instance = self.host.random16()?;
            let settings = Settings { locked: false, node, max_life, instance, audience: Id::new(audience)? };
            return self.initialise([officer, issuer, auditor, transport], settings);
        }
        // The acts' numbers are their places in the list, which is the first byte that they are written in.
        self.record(Role::Officer, role_act(bytes.first().copied().unwrap_or_default()))?;
        match act {
            OfficerAct::Initialise { .. } => Err(Fault::Stage),
            OfficerAct::Generate => {
                let keyring = Keyring::generate(self.rng())?;
                self.provision(keyring)
            }
            OfficerAct::Import { wrapped } => {
                let keyring = self.transport()?.unwrap(wrapped)?;
                self.provision(keyring)
            }
            OfficerAct::Backup => self.backup(out),
            OfficerAct::Rotate => self.change_keyring(|keyring, rng| keyring.add_epoch(rng).map(|_| ())),
            OfficerAct::Retire { epoch } => self.change_keyring(|keyring, _| keyring.retire(epoch)),
            OfficerAct::Lock => self.lock(),
            OfficerAct::SetRole { role, key } => self.set_role(role, key),
            OfficerAct::Zeroise => self.zeroise().map(|()| Response::Done.into()),
        }
    }

    fn issuer(&mut self, act: IssuerAct<'_>, out: &mut [u8]) -> Result<Answer, Fault> {
        self.wake()?;
        match act {
            IssuerAct::Issue { tenant, who, rights, purposes, life, session_key } => {
                let who = principal(tenant, who)?;
                let session_key = Zeroizing::new(<[u8; 32]>::try_from(session_key).map_err(|_| Fault::Malformed)?);
                let session_key = SessionKey::read_secret(&session_key);
                let purposes = Purposes::from_bits(purposes);
                let terms = Terms { rights: Rights::from_bits(rights), purposes, life, proof_required: true };
                let vault = self.vault.as_ref().ok_or(Fault::Stage)?;
                let now = self.host.now()?;
                let issuer = vault.issuer(tenant, who.kind(), now.period())?;
                let rng = self.host.environment().rng();
                let credential = issuer.issue(&who, &session_key, &terms, now, rng)?;
                let mut entry = role_act(0);
                entry.owner_or_commitment = vault.owner_tag(&who);
                entry.session = credential.session_unverified().0.first_chunk().copied().unwrap_or_default();
                self.record(Role::Issuer, entry)?;
                put(credential.as_bytes(), out)
            }
            IssuerAct::EndSession { session } => {
                let vault = self.vault.as_ref().ok_or(Fault::Stage)?;
                vault.log_out(SessionId::from_bytes(session), &mut self.host)?;
                Ok(Response::Done.into())
            }
        }
    }

    fn auditor(&mut self, act: AuditorAct, out: &mut [u8]) -> Result<Answer, Fault> {
        match act {
            AuditorAct::AuditKey => {
                let mut value = Zeroizing::new([0; crate::MAX_RECORD_LEN]);
                let store = self.host.environment().store();
                let key = self.device_key.open(Kept::AuditKey.key(0), store, &mut value)?.ok_or(Fault::Stage)?;
                self.record(Role::Auditor, role_act(0))?;
                put(key, out)
            }
            AuditorAct::HaveAuditKey => {
                let key = Kept::AuditKey.key(0);
                self.keep(&[Record { key, value: Vec::new(), expires: crate::Time::from_millis(u64::MAX) }])?;
                Ok(Response::Done.into())
            }
            AuditorAct::Read => Ok(Answer::Bytes(read_trail(self.host.environment().store(), out)?)),
            AuditorAct::Acknowledge { sequence } => {
                self.host.environment().store().acknowledge(sequence).map_err(|_| Fault::Unavailable)?;
                Ok(Response::Done.into())
            }
            AuditorAct::Checkpoint => {
                self.wake()?;
                let vault = self.vault.as_ref().ok_or(Fault::Stage)?;
                self.host.commit_leftovers(vault)?;
                put(&self.host.checkpoint()?.to_bytes(), out)
            }
        }
    }

    fn initialise(&mut self, keys: [&[u8]; 4], settings: Settings) -> Result<Answer, Fault> {
        if self.settings.is_some() {
            return Err(Fault::Stage);
        }
        if settings.max_life == 0 || settings.max_life > DAY {
            return Err(Fault::InvalidTerms);
        }
        if !keys.iter().all(|key| is_key(key)) {
            return Err(Fault::Malformed);
        }
        self.device_key.set_instance(settings.instance);
        let mut records = Vec::<Record, 5>::new();
        let roles = Role::ALL.iter().map(|role| Kept::Role.key(role.code()));
        for (place, key) in roles.chain([Kept::Transport.key(0)]).zip(keys) {
            let salt = self.host.random16()?;
            records.push(self.device_key.seal(place, &salt, key)?).map_err(|_| Fault::Unavailable)?;
        }
        let salt = self.host.random16()?;
        let record = self.device_key.seal(Kept::Settings.key(0), &salt, &settings.write()?)?;
        records.push(record).map_err(|_| Fault::Unavailable)?;
        self.keep(&records)?;
        self.settings = Some(settings);
        Ok(Response::Done.into())
    }

    /// Takes up its work with these roots: they, the trail's beginning and the audit key become durable together.
    fn provision(&mut self, keyring: Keyring) -> Result<Answer, Fault> {
        if self.vault.is_some() || self.device_key.keyring(self.host.environment().store())?.is_some() {
            return Err(Fault::Stage);
        }
        let mut records = Vec::<Record, { PIECES + 2 }>::new();
        self.put_keyring(&keyring, &mut records)?;
        let vault = self.vault_of(keyring)?;
        let salt = self.host.random16()?;
        let environment = self.host.environment();
        // The generator and the store are both the environment's: the key is drawn first.
        let drawn = crate::keyring::random_key(environment.rng())?;
        let (audit_key, beginning) = AuditKey::begin(&vault, environment.store(), drawn)?;
        let kept = self.device_key.seal(Kept::AuditKey.key(0), &salt, audit_key.write_secret().as_slice())?;
        for record in [beginning, kept] {
            records.push(record).map_err(|_| Fault::Unavailable)?;
        }
        self.keep(&records)?;
        let epoch = vault.newest_epoch();
        drop(vault);
        self.wake()?;
        Ok(Response::Epoch(epoch).into())
    }

    fn backup(&mut self, out: &mut [u8]) -> Result<Answer, Fault> {
        if self.settings.as_ref().is_none_or(|settings| settings.locked) {
            return Err(Fault::Stage);
        }
        let transport = self.transport()?;
        let salt = self.host.random16()?;
        let vault = self.vault.as_ref().ok_or(Fault::Stage)?;
        Ok(Answer::Bytes(transport.wrap_with(vault.keyring(), &salt, out)?))
    }

    /// Changes a copy of the keyring, which takes the place of the one that is there once it is durable.
    fn change_keyring(
        &mut self,
        change: impl FnOnce(&mut Keyring, &mut E::Rng) -> Result<(), Error>,
    ) -> Result<Answer, Fault> {
        let vault = self.vault.as_ref().ok_or(Fault::Stage)?;
        let mut secret = Zeroizing::new([0; MAX_KEYRING_LEN]);
        let len = vault.keyring().write_secret(secret.as_mut_slice())?;
        let mut keyring = Keyring::read_secret(secret.get(..len).unwrap_or_default())?;
        change(&mut keyring, self.host.environment().rng())?;
        let mut records = Vec::<Record, PIECES>::new();
        self.put_keyring(&keyring, &mut records)?;
        let vault = self.vault_of(keyring)?;
        self.keep(&records)?;
        let epoch = vault.newest_epoch();
        self.vault = Some(vault);
        Ok(Response::Epoch(epoch).into())
    }

    fn lock(&mut self) -> Result<Answer, Fault> {
        let settings = self.settings.as_ref().filter(|_| self.vault.is_some()).ok_or(Fault::Stage)?;
        let settings = Settings { locked: true, audience: settings.audience.clone(), ..*settings };
        let salt = self.host.random16()?;
        let record = self.device_key.seal(Kept::Settings.key(0), &salt, &settings.write()?)?;
        self.keep(&[record])?;
        self.settings = Some(settings);
        Ok(Response::Done.into())
    }

    fn set_role(&mut self, role: Role, key: &[u8]) -> Result<Answer, Fault> {
        if self.settings.as_ref().is_none_or(|settings| settings.locked) {
            return Err(Fault::Stage);
        }
        if !is_key(key) {
            return Err(Fault::Malformed);
        }
        let salt = self.host.random16()?;
        let record = self.device_key.seal(Kept::Role.key(role.code()), &salt, key)?;
        self.keep(&[record, attempts_record(role, MAX_ATTEMPTS, crate::Time::default())])?;
        Ok(Response::Done.into())
    }

    fn put_keyring<const N: usize>(&mut self, keyring: &Keyring, records: &mut Vec<Record, N>) -> Result<(), Fault> {
        let host = &mut self.host;
        let salt = || -> Result<[u8; SALT_LEN], Error> { host.random16() };
        let put = |record| records.push(record).map_err(|_| Error::Unavailable);
        Ok(self.device_key.seal_keyring(keyring, salt, put)?)
    }

    fn transport(&mut self) -> Result<TransportKey, Fault> {
        if self.settings.is_none() {
            return Err(Fault::Stage);
        }
        let store = self.host.environment().store();
        self.device_key.key32(Kept::Transport.key(0), store).map(TransportKey::new)
    }

    fn rng(&mut self) -> &mut (impl TryCryptoRng + use<E, ENTRIES, PROOFS>) {
        self.host.environment().rng()
    }
}

/// Keys have 32 bytes, and are not the one that everybody knows.
fn is_key(key: &[u8]) -> bool {
    key.len() == 32 && !bool::from(key.ct_eq(&super::RoleKey::BLANK))
}

/// What the trail says of an act, by its number. Who did it, [`Appliance::record`] adds.
fn role_act(number: u8) -> Entry {
    let mut entry = Entry::new(Event::RoleAct, Reason::Done);
    entry.field = number.into();
    entry
}

/// A principal of this tenant.
pub(super) fn principal(tenant: &[u8], who: Who<'_>) -> Result<Principal, Fault> {
    let kind = Kind::from_code(who.kind).ok_or(Fault::InvalidPrincipal)?;
    Ok(Principal::new(tenant, kind, who.subject)?)
}

/// Puts bytes where answers stand.
pub(super) fn put(bytes: &[u8], out: &mut [u8]) -> Result<Answer, Fault> {
    out.get_mut(..bytes.len()).ok_or(Fault::TooLong)?.copy_from_slice(bytes);
    Ok(Answer::Bytes(bytes.len()))
}

/// As many of the oldest entries as there is room for: how many bytes.
fn read_trail(store: &impl Store, out: &mut [u8]) -> Result<usize, Fault> {
    let (places, _) = out.as_chunks_mut::<{ SealedEntry::LEN }>();
    let mut places = places.iter_mut();
    let mut len = 0_usize;
    let mut take = |entry: &SealedEntry| match places.next() {
        Some(place) => {
            *place = *entry.as_bytes();
            len = len.saturating_add(SealedEntry::LEN);
            true
        }
        None => false,
    };
    store.entries(&mut take).map_err(|_| Fault::Unavailable)?;
    Ok(len)
}
