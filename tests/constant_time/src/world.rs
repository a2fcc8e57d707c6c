//! One vault with its surroundings, all of whose secrets are marked.
//!
//! Secret: root keys, session keys, owners' secrets, whatever the generator gives, the values themselves; and so every key that is
//! derived from them. Public: tokens, credentials, proofs, sealed replies, grants, times, names, and what the store is given, which is
//! all ciphertext but for owners' records. Not marked is the key that makes tags: tags stand in the clear in the store's rows and are
//! compared there; nor are, therefore, the trail's keys, which are read from a row that it seals.

use std::{cell::Cell, convert::Infallible, rc::Rc};

use rand_core::{TryCryptoRng, TryRng};
use symbolon::{
    AuditKey, Batch, Config, Credential, Field, Grant, GrantTerms, Host, Keyring, Kind, MemoryStore, Parts, Principal,
    Proof, Purpose, Purposes, Record, RecordKey, Rights, SealedEntry, Session, SessionKey, Slot, Store, StoreError,
    Table, Terms, Time, Token, TokenBuf, Vault, View, appliance::Wipe,
};

use crate::memcheck::{mark, publish, publish_all};

pub(crate) const NOW: Time = Time::from_secs(1_800_000_000);
pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const CONTEXT: &[&[u8]] = &[b"POST", b"/reveal", b"body"];

pub(crate) type Clock = Box<dyn FnMut() -> Option<Time>>;
type WorldHost = Host<Parts<Clock, SecretRng, PublicStore>, 16, 64>;

pub(crate) struct World {
    pub(crate) vault: &'static Vault,
    pub(crate) host: WorldHost,
    pub(crate) rng: SecretRng,
}

/// Somebody with a session.
pub(crate) struct Caller {
    pub(crate) key: SessionKey,
    pub(crate) credential: Credential,
    pub(crate) session: Session<&'static Vault>,
    pub(crate) proof: Proof,
}

impl World {
    pub(crate) fn new() -> Self {
        let vault: &'static Vault = Box::leak(Box::new(vault_with(2)));
        let clock = Rc::new(Cell::new(NOW.minus(10 * MINUTE)));
        let mut store = PublicStore(MemoryStore::new());
        AuditKey::create(vault, &mut store, &mut SecretRng(1)).unwrap();
        let reading = clock.clone();
        let parts = Parts { clock: Box::new(move || Some(reading.get())) as Clock, rng: SecretRng(2), store };
        let host = Host::open(vault, parts).unwrap();
        clock.set(NOW);
        Self { vault, host, rng: SecretRng(3) }
    }

    /// A session of this principal, with a proof.
    pub(crate) fn caller(&mut self, who: &Principal, rights: Rights) -> Caller {
        let (key, credential) = self.credential(who, rights);
        let proof = self.proof(&key, &credential);
        let session = self.vault.authenticate(&credential, &proof, CONTEXT, &mut self.host).unwrap();
        self.forget_entries();
        Caller { key, credential, session, proof }
    }

    /// A credential and its session key, for all purposes that are asked for here.
    pub(crate) fn credential(&mut self, who: &Principal, rights: Rights) -> (SessionKey, Credential) {
        let mut key = [5; 32];
        mark(&mut key);
        let key = SessionKey::read_secret(&key);
        let purposes = Purposes::of(&[Purpose::OWN_USE, Purpose::MESSAGE, Purpose::SHIPPING, Purpose::MAINTENANCE]);
        let terms = Terms { rights, purposes, ..Terms::default() };
        let issuer = self.vault.issuer(who.tenant(), who.kind(), NOW.period()).unwrap();
        let credential = issuer.issue(who, &key, &terms, NOW, &mut self.rng).unwrap();
        (key, published_credential(&credential))
    }

    pub(crate) fn proof(&mut self, key: &SessionKey, credential: &Credential) -> Proof {
        published_proof(&key.prove(credential, CONTEXT, NOW, &mut self.rng).unwrap())
    }

    /// A token under the epoch that is the newest of a keyring of so many.
    pub(crate) fn token(&mut self, owner: &Principal, slot: Slot<'_>, value: &str, epochs: u16) -> TokenBuf {
        let mut out = [0; Token::MAX_LEN];
        published_token(&vault_with(epochs).tokenize(owner, slot, &secret(value), &mut out, &mut self.host).unwrap())
    }

    /// One whose key comes from the owner's secret as well.
    pub(crate) fn erasable_token(&mut self, owner: &Principal, field: Field, value: &str) -> TokenBuf {
        let held = self.vault.erasable_sealer_held(owner, &mut self.host).unwrap();
        let sealer = self.host.settle(self.vault, held).unwrap();
        let mut rng = symbolon::CheckedRng::new(SecretRng(4));
        let mut out = [0; Token::MAX_LEN];
        published_token(&sealer.tokenize(field, &secret(value), &mut out, &mut rng).unwrap())
    }

    /// Minted by its owner for the carrier.
    pub(crate) fn grant(&mut self, owner: &Caller, fields: &[Field], purpose: Purpose, record: Option<&[u8]>) -> Grant {
        let terms = GrantTerms {
            grantee: &carrier(),
            fields,
            purpose,
            view: View::Full,
            record,
            not_before: NOW.minus(MINUTE),
            expires: NOW.plus(60 * MINUTE),
            uses: Some(100),
        };
        let held = owner.session.grant_held(&terms, &mut self.host).unwrap();
        let grant = self.host.settle(self.vault, held).unwrap();
        self.forget_entries();
        published_grant(&grant)
    }

    /// Makes room in the store.
    pub(crate) fn forget_entries(&mut self) {
        let store = &mut self.host.environment().store.0;
        if let Some(last) = store.last_entry().unwrap() {
            store.acknowledge(last.sequence()).unwrap();
        }
    }
}

/// The same roots for all: epochs 1 to `epochs`.
pub(crate) fn vault_with(epochs: u16) -> Vault {
    Vault::new(Keyring::read_secret(&keyring_with(epochs)).unwrap(), &Config::new(b"constant time")).unwrap()
}

/// The secret form, its root keys marked.
pub(crate) fn keyring_with(epochs: u16) -> Vec<u8> {
    let mut form = vec![1, epochs as u8];
    form.extend([7; 32]);
    for epoch in 1..=epochs {
        form.extend(epoch.to_le_bytes());
        form.extend([epoch as u8; 32]);
        let start = form.len() - 32;
        mark(&mut form[start..]);
    }
    form
}

/// A value, marked.
pub(crate) fn secret(value: &str) -> Vec<u8> {
    let mut value = value.as_bytes().to_vec();
    mark(&mut value);
    value
}

pub(crate) fn published_token(token: &Token<'_>) -> TokenBuf {
    publish(token.as_bytes());
    TokenBuf::new(token)
}

pub(crate) fn published_credential(credential: &Credential) -> Credential {
    publish(credential.as_bytes());
    Credential::from_bytes(credential.as_bytes()).unwrap()
}

pub(crate) fn published_proof(proof: &Proof) -> Proof {
    let bytes = proof.to_bytes();
    publish(&bytes);
    Proof::from_bytes(&bytes).unwrap()
}

pub(crate) fn published_grant(grant: &Grant) -> Grant {
    publish(grant.as_bytes());
    Grant::from_bytes(grant.as_bytes()).unwrap()
}

pub(crate) fn person(subject: &str) -> Principal {
    Principal::new(b"shop", Kind::Person, subject.as_bytes()).unwrap()
}

pub(crate) fn carrier() -> Principal {
    Principal::service("shop", "carrier").unwrap()
}

/// A generator whose bytes are marked.
pub(crate) struct SecretRng(u64);

impl SecretRng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl TryRng for SecretRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let bytes = self.0.to_be_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        mark(out);
        Ok(())
    }
}

impl TryCryptoRng for SecretRng {}

/// A store in memory: what it is given is public, all but owners' records, which hold their secrets, and an appliance's, which hold its keys.
pub(crate) struct PublicStore(pub(crate) MemoryStore<64, 64>);

impl Wipe for PublicStore {
    fn wipe(&mut self) -> Result<(), StoreError> {
        self.0.wipe()
    }
}

impl Store for PublicStore {
    fn room(&self) -> usize {
        self.0.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.0.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; 128]) -> Result<Option<usize>, StoreError> {
        self.0.get(key, out)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let is_public = |record: &&Record| !matches!(record.key().table, Table::Owner | Table::Device);
        batch.records().filter(is_public).for_each(|row| publish_all(row.value()));
        batch.entries().for_each(|entry| publish_all(entry.as_bytes()));
        self.0.commit(batch)
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.0.entries(sink)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.0.last_entry()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.0.acknowledge(sequence)
    }
}
