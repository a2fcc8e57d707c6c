//! The vault: root keys and rules. It never changes, so that servers share it and firmware borrows it.

use core::{fmt, ops::Deref};

use heapless::Vec;

use crate::{
    Credential, Environment, Error, Held, Host, Issuer, Keyring, Limits, Principal, Proof, Record, RecordKey, Sealer,
    Session, SessionId, Slot, Table, Time, Token,
    by_epoch::ByEpoch,
    entry::{Entry, Event, Reason},
    keyring::MAX_EPOCHS,
    keys::{CredentialRoot, OwnerKey, Root, SealKey, TagKey, TenantKey},
    label::Label,
    principal::{Id, Kind},
    time::{DAY, MINUTE},
};

/// What a vault is told once, by its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config<'a> {
    /// Who credentials must be for: 1 to 64 bytes that name this service. Never taken from a credential.
    pub audience: &'a [u8],
    /// The number of this machine among those with the same keyring: each has its own trail. **And its own registry**: an erasure, a
    /// revocation, a use, an owner's secret on one is unknown to the others. No two may have the same number, nor the same store (SECURITY.md).
    pub node: u32,
    /// The longest life that a credential may have, in milliseconds: 15 minutes unless said otherwise, 24 hours at most.
    pub max_life: u64,
    /// The oldest epoch whose tokens and grants open: 0 for all that the keyring has. After a compromise, once everything is rewrapped, set
    /// it to the newest: what was forged with the lost root opens no more, and verified addresses of that epoch don't hold. Then retire the
    /// root ([`Keyring::retire`]).
    pub token_floor: u16,
    /// The oldest epoch whose credentials are accepted; `None`: the newest but one. After a compromise, set it to the newest.
    pub credential_floor: Option<u16>,
    /// How much of what is usual: beyond it an alarm is raised.
    pub limits: Limits,
    /// The tenant whose sessions with [`Rights::OPERATE`](crate::Rights::OPERATE) may stop everything and let it go on: 1 to 64 bytes. `None`: any
    /// tenant's, which is right where there is one, or where all trust each other.
    pub operators: Option<&'a [u8]>,
}

impl<'a> Config<'a> {
    /// The defaults, for this audience: node 0, [`Limits::USUAL`].
    #[must_use]
    pub const fn new(audience: &'a [u8]) -> Self {
        Self {
            audience,
            node: 0,
            max_life: 15 * MINUTE,
            token_floor: 0,
            credential_floor: None,
            limits: Limits::USUAL,
            operators: None,
        }
    }
}

/// Holds the root keys and answers for them. See the [crate's documentation](crate) for the whole way of a value.
pub struct Vault {
    keyring: Keyring,
    audience: Id,
    node: u32,
    max_life: u64,
    token_floor: u16,
    credential_floor: u16,
    limits: Limits,
    /// [`Id::NONE`] where any tenant's operators count. An `Option` would leave room for what moves leave: a root was seen there.
    operators: Id,
    keys: KeyState,
    credential_roots: ByEpoch<CredentialRoot>,
    /// Stands in for the root of an epoch that there is not, so that such a refusal costs what every other costs.
    no_root: Root,
    /// Opens nothing: tried where it is clear already that nothing is to open.
    no_key: SealKey,
    id: [u8; 16],
}

/// Which root keys there are, and which count: what the trail says at every start and after every change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyState {
    /// Rising, zeros behind them.
    epochs: [u16; MAX_EPOCHS],
    token_floor: u16,
    credential_floor: u16,
}

impl KeyState {
    /// Of no keyring.
    pub(crate) const NONE: Self = Self { epochs: [0; MAX_EPOCHS], token_floor: 0, credential_floor: 0 };

    /// The entry that says so.
    pub(crate) fn entry(&self, event: Event) -> Entry {
        let mut entry = Entry::new(event, Reason::Done);
        entry.field = self.token_floor;
        entry.purpose = self.credential_floor;
        let bytes = self.epochs.iter().flat_map(|epoch| epoch.to_le_bytes());
        for (slot, byte) in entry.owner_or_commitment.iter_mut().zip(bytes) {
            *slot = byte;
        }
        entry
    }
}

/// What opening under one epoch takes.
pub(crate) struct EpochKeys {
    pub(crate) epoch: u16,
    /// False where the keyring has no such epoch, and the keys are of no root.
    pub(crate) known: bool,
    pub(crate) tenant: TenantKey,
    pub(crate) owner: OwnerKey,
}

impl Vault {
    /// A vault with these keys and rules.
    ///
    /// # Errors
    /// [`Error::InvalidPrincipal`]: an audience, or operators' tenant, of 0 or over 64 bytes; [`Error::InvalidTerms`]: a life of over 24 hours, or a floor above the keyring's newest epoch.
    pub fn new(keyring: Keyring, config: &Config<'_>) -> Result<Self, Error> {
        let audience = Id::new(config.audience)?;
        let newest = keyring.newest();
        let floors_hold = config.token_floor <= newest && config.credential_floor.is_none_or(|floor| floor <= newest);
        // Above the newest epoch, everything would be sealed under no root at all.
        if config.max_life > DAY || !floors_hold {
            return Err(Error::InvalidTerms);
        }
        let credential_floor = config.credential_floor.unwrap_or_else(|| keyring.newest_but_one());
        let credential_roots = keyring
            .roots()
            .filter(|(epoch, _)| *epoch >= credential_floor)
            .map(|(epoch, root)| (epoch, root.credential_root(config.audience)))
            .collect();
        let tag_key = &keyring.tag_key().0;
        let named = [crate::prf::Part::Framed(b"vault"), crate::prf::Part::Raw(config.audience)];
        let id = tag_key.derive_short(Label::Identity, &named);
        let no_root = Root::new(*tag_key.derive(Label::Identity, &[]).as_bytes());
        let no_key = SealKey(tag_key.derive(Label::Identity, &[crate::prf::Part::Framed(b"no key")]));
        let Config { node, max_life, token_floor, limits, .. } = *config;
        let mut epochs = [0; MAX_EPOCHS];
        for (slot, epoch) in epochs.iter_mut().zip(keyring.epochs()) {
            *slot = epoch;
        }
        let keys = KeyState { epochs, token_floor, credential_floor };
        Ok(Self {
            limits,
            operators: config.operators.map_or(Ok(Id::NONE), Id::new)?,
            keys,
            keyring,
            audience,
            node,
            max_life,
            token_floor,
            credential_floor,
            credential_roots,
            no_root,
            no_key,
            id,
        })
    }

    /// Seals `value` for `owner` in `slot` (a [`Field`](crate::Field), or a bound one in its record) and writes the token to the front of `out`; [`Token::MAX_LEN`](crate::Token::MAX_LEN) bytes always do.
    ///
    /// The value is kept byte for byte. It must be what the field asks for ([`Field::check`](crate::Field::check)).
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::InvalidValue`], [`Error::ForbiddenValue`], [`Error::InvalidField`], [`Error::BufferTooSmall`], [`Error::RngFailed`]
    pub fn tokenize<'s, 'o, E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        slot: impl Into<Slot<'s>>,
        value: &[u8],
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Token<'o>, Error> {
        let random = host.random16()?;
        self.sealer(owner).seal(slot.into(), value, &random, out)
    }

    /// Seals for one owner, with the owner's keys derived once: for a row of several fields, on any thread.
    #[must_use]
    pub fn sealer(&self, owner: &Principal) -> Sealer {
        Sealer::new(self.keys(owner, self.keyring.newest()), None)
    }

    /// What a log-in service needs to issue credentials for one tenant and kind, on one day, for this vault.
    ///
    /// # Errors
    /// [`Error::InvalidPrincipal`]
    pub fn issuer(&self, tenant: impl AsRef<[u8]>, kind: Kind, period: u32) -> Result<Issuer, Error> {
        let tenant = Id::new(tenant.as_ref())?;
        let epoch = self.keyring.newest();
        let key = self.credential_root(epoch).ok_or(Error::InvalidKeyring)?.issuer(tenant.as_bytes(), kind, period);
        Ok(Issuer { key, audience: self.audience.clone(), tenant, kind, period, epoch })
    }

    /// Verifies a credential and its proof for one request, and gives the session that alone opens tokens.
    ///
    /// Commits with the environment's store. [`Session::authenticate_held`] is the same for hosts that commit elsewhere.
    ///
    /// # Errors
    /// [`Error::Denied`], whatever is wrong; [`Error::Unavailable`]: ask again later, with a new proof
    pub fn authenticate<E: Environment, const N: usize, const W: usize>(
        &self,
        credential: &Credential,
        proof: &Proof,
        context: &[&[u8]],
        host: &mut Host<E, N, W>,
    ) -> Result<Session<&Self>, Error> {
        host.commit_leftovers(self)?;
        let held = Session::authenticate_held(self, credential, proof, context, host)?;
        held.release(&host.commit(self)?)
    }

    /// The same for a credential whose issuer did not ask for proofs. It is a secret that travels in a reply: whoever finds it can
    /// use it, and a server that takes one caller for another opens the wrong caller's data.
    ///
    /// # Errors
    /// [`Error::Denied`], a credential that requires proof included; [`Error::Unavailable`]
    pub fn authenticate_bearer<E: Environment, const N: usize, const W: usize>(
        &self,
        credential: &Credential,
        host: &mut Host<E, N, W>,
    ) -> Result<Session<&Self>, Error> {
        host.commit_leftovers(self)?;
        let held = Session::authenticate_bearer_held(self, credential, host)?;
        held.release(&host.commit(self)?)
    }

    /// Ends a session, renewals included, by its id. Remembered for the 24 hours that a session can last.
    ///
    /// Commits with the environment's store.
    ///
    /// # Errors
    /// [`Error::Unavailable`]
    pub fn log_out<E: Environment, const N: usize, const W: usize>(
        &self,
        session: SessionId,
        host: &mut Host<E, N, W>,
    ) -> Result<(), Error> {
        host.commit_leftovers(self)?;
        let held = self.log_out_held(session, host)?;
        held.release(&host.commit(self)?)
    }

    /// The same for hosts that commit elsewhere.
    ///
    /// # Errors
    /// [`Error::Unavailable`]
    pub fn log_out_held<E: Environment, const N: usize, const W: usize>(
        &self,
        session: SessionId,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        let now = host.now()?;
        host.reserve(self, 1)?;
        host.put_for_caller(log_out_record(session, now))?;
        let mut entry = Entry::new(Event::LogOut, Reason::Done);
        entry.session = session.0.first_chunk().copied().unwrap_or_default();
        Ok(Held::new(Ok(()), host.stage(now, &entry)?))
    }

    /// What tells this vault from others: of the tag key and the audience.
    pub(crate) const fn id(&self) -> [u8; 16] {
        self.id
    }

    /// A key that nobody outside can derive, to make something unreadable while it is held.
    pub(crate) fn mask_key(&self, what: &[u8], salt: &[u8; 16]) -> SealKey {
        let parts = [crate::prf::Part::Framed(what), crate::prf::Part::Raw(salt)];
        SealKey(self.tag_key().0.derive(Label::Identity, &parts))
    }

    /// Whether this tenant's operators may stop everything.
    pub(crate) fn is_operated_from(&self, tenant: &[u8]) -> bool {
        self.operators == Id::NONE || self.operators.as_bytes() == tenant
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) const fn key_state(&self) -> &KeyState {
        &self.keys
    }

    pub(crate) const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) const fn node(&self) -> u32 {
        self.node
    }

    pub(crate) const fn tag_key(&self) -> &TagKey {
        self.keyring.tag_key()
    }

    pub(crate) const fn audience(&self) -> &Id {
        &self.audience
    }

    pub(crate) const fn max_life(&self) -> u64 {
        self.max_life
    }

    /// The epoch under which everything is sealed now: tokens of older ones can be rewrapped.
    #[must_use]
    pub fn newest_epoch(&self) -> u16 {
        self.keyring.newest()
    }

    /// The newest epoch where there is no other, or none above the floor.
    pub(crate) fn newest_epoch_but_one(&self) -> u16 {
        Some(self.keyring.newest_but_one()).filter(|epoch| *epoch >= self.token_floor).unwrap_or(self.newest_epoch())
    }

    pub(crate) const fn no_key(&self) -> &SealKey {
        &self.no_key
    }

    /// The credential root of an epoch that is in the keyring and not below the floor.
    pub(crate) fn credential_root(&self, epoch: u16) -> Option<&CredentialRoot> {
        let at_or_above_floor = epoch >= self.credential_floor;
        self.credential_roots.get(epoch).filter(|_| at_or_above_floor)
    }

    /// A credential root for refusals, so that they cost the same.
    pub(crate) fn no_credential_root(&self) -> CredentialRoot {
        self.no_root.credential_root(self.audience.as_bytes())
    }

    /// The key of a tenant under an epoch; of no root where the vault has no such epoch.
    pub(crate) fn tenant_key(&self, tenant: &[u8], epoch: u16) -> TenantKey {
        self.token_root(epoch).unwrap_or(&self.no_root).tenant(tenant)
    }

    /// The root of an epoch that is in the keyring and not below the floor.
    fn token_root(&self, epoch: u16) -> Option<&Root> {
        self.keyring.root(epoch).filter(|_| epoch >= self.token_floor)
    }

    /// One principal's key under one epoch, and whether there is such an epoch: all that grants and addresses take.
    pub(crate) fn owner_key(&self, principal: &Principal, epoch: u16) -> (OwnerKey, bool) {
        (self.tenant_key(principal.tenant(), epoch).owner(principal), self.token_root(epoch).is_some())
    }

    /// The keys of one principal under one epoch.
    pub(crate) fn keys(&self, principal: &Principal, epoch: u16) -> EpochKeys {
        let root = self.token_root(epoch);
        let tenant = root.unwrap_or(&self.no_root).tenant(principal.tenant());
        EpochKeys { epoch, known: root.is_some(), owner: tenant.owner(principal), tenant }
    }
}

impl crate::held::Withheld for () {
    fn restore(&mut self) {}
}

/// Where it is kept that a session has logged out.
pub(crate) const fn logged_out_key(session: SessionId) -> RecordKey {
    RecordKey { table: Table::LoggedOut, id: session.0 }
}

/// The row that says so, for as long as a session can last.
pub(crate) fn log_out_record(session: SessionId, now: Time) -> Record {
    Record { key: logged_out_key(session), value: Vec::new(), expires: now.plus(DAY).plus(MINUTE) }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keyring", &self.keyring).field("node", &self.node).finish_non_exhaustive()
    }
}

/// Whatever borrows or shares a vault: `&Vault` in firmware, `Arc<Vault>` in servers.
pub(crate) fn same_vault<V: Deref<Target = Vault>>(vault: &V, id: &[u8; 16]) -> bool {
    vault.id == *id
}
