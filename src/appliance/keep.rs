//! What an appliance keeps for itself in its store: settings, role keys, roots, attempts. SPEC.md section 17, "What is kept".

use heapless::Vec;
use zeroize::Zeroizing;

use super::{Fault, Role, RoleKey};
use crate::{
    Error, Keyring, MAX_RECORD_LEN, Record, RecordKey, Store, Table, Time,
    aead::{open_once, seal_once},
    bytes::put,
    entry::take,
    keyring::MAX_KEYRING_LEN,
    label::Label,
    prf::{Key, Part::Raw},
    principal::Id,
    token::TAG_LEN,
};

/// What one chip alone knows, and its flash doesn't: everything that the appliance keeps is sealed under it.
pub(super) struct DeviceKey {
    key: Key,
    /// The instance in the settings. What was kept by an earlier one doesn't open: or whoever can delete the settings would initialise the
    /// appliance anew, and have its roots.
    instance: [u8; 16],
}

/// What a record is of. The second byte of its name tells those of one kind apart.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kept {
    /// Locked or not, node, longest life, audience.
    Settings = 1,
    /// A role's key; by role.
    Role = 2,
    /// The transport key.
    Transport = 3,
    /// How often a role may still fail to log in; by role. One byte, in clear.
    Attempts = 4,
    /// The keyring's secret form, in pieces.
    Keyring = 5,
    /// The audit key, until the auditor has it; then empty.
    AuditKey = 6,
}

impl Kept {
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    pub(super) const fn key(self, index: u8) -> RecordKey {
        RecordKey { table: Table::Device, id: [self as u8, index, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }
    }
}

/// What the officer said once.
pub(super) struct Settings {
    pub(super) locked: bool,
    pub(super) node: u32,
    pub(super) max_life: u64,
    pub(super) instance: [u8; 16],
    pub(super) audience: Id,
}

impl Settings {
    /// `locked ‖ LE32 node ‖ LE64 longest life ‖ instance 16 ‖ audience`
    pub(super) fn write(&self) -> Result<Vec<u8, MAX_VALUE>, Error> {
        let mut value = Vec::new();
        let (locked, node, life) = ([u8::from(self.locked)], self.node.to_le_bytes(), self.max_life.to_le_bytes());
        for part in [locked.as_slice(), &node, &life, &self.instance, self.audience.as_bytes()] {
            value.extend_from_slice(part).map_err(|_| Error::TooLong)?;
        }
        Ok(value)
    }

    fn read(mut value: &[u8]) -> Option<Self> {
        let [locked @ 0..=1] = take(&mut value)? else { return None };
        let node = u32::from_le_bytes(take(&mut value)?);
        let max_life = u64::from_le_bytes(take(&mut value)?);
        let instance = take(&mut value)?;
        Some(Self { locked: locked == 1, node, max_life, instance, audience: Id::new(value).ok()? })
    }
}

impl DeviceKey {
    pub(super) const fn new(key: [u8; 32]) -> Self {
        Self { key: Key::new(key), instance: [0; 16] }
    }

    /// From now on what is kept is this instance's.
    pub(super) const fn set_instance(&mut self, instance: [u8; 16]) {
        self.instance = instance;
    }

    /// `salt 16 ‖ AEAD1(F(K_device, DEVICE_RECORD, name ‖ salt ‖ instance), "", value)`
    pub(super) fn seal(&self, key: RecordKey, salt: &[u8; SALT_LEN], value: &[u8]) -> Result<Record, Error> {
        let mut record = Record { key, value: Vec::new(), expires: FOR_EVER };
        let stored = &mut record.value;
        stored.extend_from_slice(salt).map_err(|_| Error::TooLong)?;
        stored.extend_from_slice(value).map_err(|_| Error::TooLong)?;
        let text = stored.get_mut(SALT_LEN..).unwrap_or_default();
        let tag = seal_once(&self.key(&key, salt), &[], text)?;
        stored.extend_from_slice(&tag).map_err(|_| Error::TooLong)?;
        Ok(record)
    }

    /// The value of a record, at the front of `out`; `None` where there is no such record.
    pub(super) fn open<'o>(
        &self,
        key: RecordKey,
        store: &impl Store,
        out: &'o mut [u8; MAX_RECORD_LEN],
    ) -> Result<Option<&'o [u8]>, Fault> {
        let Some(len) = store.get(&key, out).map_err(|_| Fault::Unavailable)? else { return Ok(None) };
        let stored = out.get_mut(..len).ok_or(Fault::Unhealthy)?;
        if stored.is_empty() {
            return Ok(None);
        }
        let (salt, rest) = stored.split_first_chunk_mut::<SALT_LEN>().ok_or(Fault::Unhealthy)?;
        let (text, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(Fault::Unhealthy)?;
        if open_once(&self.key(&key, salt), &[], text, tag) { Ok(Some(text)) } else { Err(Fault::Unhealthy) }
    }

    fn key(&self, key: &RecordKey, salt: &[u8; SALT_LEN]) -> Key {
        let is_settings = *key == Kept::Settings.key(0);
        let instance = if is_settings { &[0; 16] } else { &self.instance };
        self.key.derive(Label::DeviceRecord, &[Raw(&key.id), Raw(salt), Raw(instance)])
    }

    pub(super) fn settings(&self, store: &impl Store) -> Result<Option<Settings>, Fault> {
        let mut value = [0; MAX_RECORD_LEN];
        let Some(value) = self.open(Kept::Settings.key(0), store, &mut value)? else { return Ok(None) };
        Settings::read(value).map(Some).ok_or(Fault::Unhealthy)
    }

    /// A role's key; that of a blank appliance's officer where there are none.
    pub(super) fn role_key(&self, role: Role, is_blank: bool, store: &impl Store) -> Result<RoleKey, Fault> {
        if is_blank {
            return if role == Role::Officer { Ok(RoleKey::new(RoleKey::BLANK)) } else { Err(Fault::Stage) };
        }
        self.key32(Kept::Role.key(role.code()), store).map(RoleKey::new)
    }

    pub(super) fn key32(&self, key: RecordKey, store: &impl Store) -> Result<[u8; 32], Fault> {
        let mut value = Zeroizing::new([0; MAX_RECORD_LEN]);
        let value = self.open(key, store, &mut value)?.ok_or(Fault::Unhealthy)?;
        value.try_into().map_err(|_| Fault::Unhealthy)
    }

    /// The records of a keyring, each with a salt of its own.
    pub(super) fn seal_keyring(
        &self,
        keyring: &Keyring,
        mut salt: impl FnMut() -> Result<[u8; SALT_LEN], Error>,
        mut put: impl FnMut(Record) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut secret = Zeroizing::new([0; MAX_KEYRING_LEN]);
        let len = keyring.write_secret(secret.as_mut_slice())?;
        // Pieces that a shorter keyring doesn't need are put, too: of an older, longer one nothing may stay.
        for (index, piece) in (0..).zip(secret.chunks(PIECE)) {
            let filled = len.saturating_sub(usize::from(index).saturating_mul(PIECE)).min(piece.len());
            put(self.seal(Kept::Keyring.key(index), &salt()?, piece.get(..filled).unwrap_or_default())?)?;
        }
        Ok(())
    }

    /// The keyring, or `None` where there is none.
    pub(super) fn keyring(&self, store: &impl Store) -> Result<Option<Keyring>, Fault> {
        let mut secret = Zeroizing::new([0; MAX_KEYRING_LEN]);
        let mut len = 0_usize;
        for (index, place) in (0..).zip(secret.chunks_mut(PIECE)) {
            let mut value = Zeroizing::new([0; MAX_RECORD_LEN]);
            let Some(piece) = self.open(Kept::Keyring.key(index), store, &mut value)? else {
                return if index == 0 { Ok(None) } else { Err(Fault::Unhealthy) };
            };
            place.get_mut(..piece.len()).ok_or(Fault::Unhealthy)?.copy_from_slice(piece);
            len = len.saturating_add(piece.len());
        }
        let keyring = Keyring::read_secret(secret.get(..len).unwrap_or_default());
        keyring.map(Some).map_err(|_| Fault::Unhealthy)
    }
}

/// Whether there is any record of an appliance's.
pub(super) fn anything(store: &impl Store) -> Result<bool, Fault> {
    let roles = Role::ALL.iter().flat_map(|role| [Kept::Role.key(role.code()), Kept::Attempts.key(role.code())]);
    let names = roles.chain([Kept::Transport.key(0), Kept::Keyring.key(0), Kept::AuditKey.key(0)]);
    let mut value = Zeroizing::new([0; MAX_RECORD_LEN]);
    for name in names {
        if store.get(&name, &mut value).map_err(|_| Fault::Unavailable)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How often a role may try to log in now. Where none is left one comes back with time, for whoever reaches the line could block a role
/// on purpose, for good.
pub(super) fn attempts(role: Role, now: Time, store: &impl Store) -> Result<u8, Fault> {
    let mut value = [0; MAX_RECORD_LEN];
    let found = store.get(&Kept::Attempts.key(role.code()), &mut value).map_err(|_| Fault::Unavailable)?;
    let [left, last @ ..] = value.first_chunk::<ATTEMPTS_LEN>().ok_or(Fault::Unhealthy)?;
    match found {
        Some(ATTEMPTS_LEN) if *left == 0 => {
            Ok(u8::from(Time::from_millis(u64::from_le_bytes(*last)).plus(AGAIN) <= now))
        }
        Some(ATTEMPTS_LEN) => Ok(*left),
        None => Ok(MAX_ATTEMPTS),
        Some(_) => Err(Fault::Unhealthy),
    }
}

/// The record that says so: `attempts left ‖ LE64 time of the last`.
pub(super) fn attempts_record(role: Role, left: u8, last: Time) -> Record {
    let mut value = [0; ATTEMPTS_LEN];
    put(&mut value, &[&[left], &last.as_millis().to_le_bytes()]);
    Record {
        key: Kept::Attempts.key(role.code()),
        value: Vec::from_slice(&value).unwrap_or_default(),
        expires: FOR_EVER,
    }
}

const ATTEMPTS_LEN: usize = 1 + 8;

/// In milliseconds.
const AGAIN: u64 = 10 * 60 * 1000;

/// Attempts to log in, before the first failed one and after each that succeeded.
pub(super) const MAX_ATTEMPTS: u8 = 8;

pub(super) const SALT_LEN: usize = 16;

/// The longest value that a record holds sealed.
pub(super) const MAX_VALUE: usize = MAX_RECORD_LEN - SALT_LEN - TAG_LEN;

/// A piece of the keyring: four hold the longest.
const PIECE: usize = 80;

/// How many pieces there are.
pub(super) const PIECES: usize = MAX_KEYRING_LEN.div_ceil(PIECE);

const FOR_EVER: Time = Time::from_millis(u64::MAX);

const _: () =
    assert!(PIECE <= MAX_VALUE && crate::trail::AUDIT_KEY_LEN <= MAX_VALUE && crate::MAX_ID_LEN + 29 <= MAX_VALUE);
