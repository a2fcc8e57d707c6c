//! The key schedule: which key opens what, and nothing else. SPEC.md section 2 draws the tree; each function below is one edge of it.

use zeroize::ZeroizeOnDrop;

use crate::{
    Field, Principal,
    by_epoch::Blank,
    label::Label,
    prf::{
        Key,
        Part::{Framed, Raw},
    },
    principal::Kind,
    token::{HEADER_LEN, MARK_LEN, Mode, NONCE_LEN, VERSION_SUITE},
};

/// `R_e`: the root of one epoch.
#[derive(ZeroizeOnDrop)]
pub(crate) struct Root(Key);

impl Blank for Root {
    const BLANK: Self = Self(Key::BLANK);
}

impl Root {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(Key::new(bytes))
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// `K_tenant = F(R_e, TENANT, tenant)`
    pub(crate) fn tenant(&self, tenant: &[u8]) -> TenantKey {
        TenantKey(self.0.derive(Label::Tenant, &[Raw(tenant)]))
    }

    /// `F(R_e, CREDENTIAL_ROOT, audience)`
    pub(crate) fn credential_root(&self, audience: &[u8]) -> CredentialRoot {
        CredentialRoot(self.0.derive(Label::CredentialRoot, &[Raw(audience)]))
    }
}

/// `K_tenant`
#[derive(ZeroizeOnDrop)]
pub(crate) struct TenantKey(Key);

impl TenantKey {
    /// `K_owner = F(K_tenant, OWNER, kind ‖ subject)`
    pub(crate) fn owner(&self, owner: &Principal) -> OwnerKey {
        OwnerKey(self.0.derive(Label::Owner, &[Raw(&[owner.kind.code()]), Raw(owner.subject())]))
    }

    /// `K_canary = F(K_tenant, CANARY, "")`
    pub(crate) fn canary(&self) -> OwnerKey {
        OwnerKey(self.0.derive(Label::Canary, &[]))
    }

    /// `K_index = F(K_tenant, INDEX_KEY, LE16 field ‖ LE16 version ‖ index name)`
    pub(crate) fn index(&self, field: Field, version: u16, name: &[u8]) -> IndexKey {
        let (field, version) = (field.code().to_le_bytes(), version.to_le_bytes());
        IndexKey(self.0.derive(Label::IndexKey, &[Raw(&field), Raw(&version), Raw(name)]))
    }

    /// `K_mark = F(K_tenant, MARK, "")`
    pub(crate) fn mark(&self) -> MarkKey {
        MarkKey(self.0.derive(Label::Mark, &[]))
    }
}

/// `K_owner`, or `K_canary` in its place.
#[derive(ZeroizeOnDrop)]
pub(crate) struct OwnerKey(Key);

impl Blank for OwnerKey {
    const BLANK: Self = Self(Key::BLANK);
}

impl OwnerKey {
    /// `K_erasable = F(K_owner, ERASURE, owner secret)`, in K_owner's place for erasable tokens
    pub(crate) fn erasable(&self, secret: &[u8; 32]) -> Self {
        Self(self.0.derive(Label::Erasure, &[Raw(secret)]))
    }

    /// `K_seal = F(K, SEAL, LE16 field ‖ mode ‖ suite)`
    pub(crate) fn seal(&self, field: Field, mode: Mode) -> SealKey {
        let [low, high] = field.code().to_le_bytes();
        SealKey(self.0.derive(Label::Seal, &[Raw(&[low, high, mode.byte(), VERSION_SUITE])]))
    }

    /// `n = F(K, NONCE, header ‖ rng16 ‖ frame(record id) ‖ P)[..12]`
    pub(crate) fn nonce(
        &self,
        header: &[u8; HEADER_LEN],
        random: &[u8; 16],
        record: &[u8],
        padded: &[u8],
    ) -> [u8; NONCE_LEN] {
        self.0.derive_short(Label::Nonce, &[Raw(header), Raw(random), Framed(record), Raw(padded)])
    }

    /// `K_grant = F(K_owner, GRANT, LE32 grant epoch)`
    pub(crate) fn grant(&self, grant_epoch: u32) -> GrantKey {
        GrantKey(self.0.derive(Label::Grant, &[Raw(&grant_epoch.to_le_bytes())]))
    }

    /// `F(K_owner, ADDRESS, LE16 field ‖ address)[..16]`
    pub(crate) fn address(&self, field: Field, address: &[u8]) -> [u8; 16] {
        self.0.derive_short(Label::Address, &[Raw(&field.code().to_le_bytes()), Raw(address)])
    }
}

/// `K_grant`
#[derive(ZeroizeOnDrop)]
pub(crate) struct GrantKey(Key);

impl GrantKey {
    /// `F(K_grant, GRANT_ID, r ‖ body with 16 zero bytes for the id)[..16]`
    pub(crate) fn id(&self, random: &[u8; 16], body: &[u8]) -> [u8; 16] {
        self.0.derive_short(Label::GrantId, &[Raw(random), Raw(body)])
    }

    /// `F(K_grant, GRANT_MAC, body)[..16]`
    pub(crate) fn mac(&self, body: &[u8]) -> [u8; 16] {
        self.0.derive_short(Label::GrantMac, &[Raw(body)])
    }

    /// `F(K_grant, GRANT_RECORD, record id)[..16]`
    pub(crate) fn record(&self, record: &[u8]) -> [u8; 16] {
        self.0.derive_short(Label::GrantRecord, &[Raw(record)])
    }
}

/// `K_index`
#[derive(ZeroizeOnDrop)]
pub(crate) struct IndexKey(Key);

impl IndexKey {
    /// `F(K_index, INDEX, normalised)[..8]`
    pub(crate) fn value(&self, normalised: &[u8]) -> [u8; 8] {
        self.0.derive_short(Label::Index, &[Raw(normalised)])
    }
}

/// `K_seal`: the AEAD key of one owner and one field.
#[derive(ZeroizeOnDrop)]
pub(crate) struct SealKey(pub(crate) Key);

impl SealKey {
    /// A copy, where two holders each wipe their own.
    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}

/// `K_mark`
#[derive(ZeroizeOnDrop)]
pub(crate) struct MarkKey(Key);

impl Blank for MarkKey {
    const BLANK: Self = Self(Key::BLANK);
}

impl MarkKey {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(Key::new(bytes))
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// `mark = F(K_mark, MARK_OF, n)[..4]`
    pub(crate) fn mark(&self, nonce: &[u8; NONCE_LEN]) -> [u8; MARK_LEN] {
        self.0.derive_short(Label::MarkOf, &[Raw(nonce)])
    }
}

/// `F(R_e, CREDENTIAL_ROOT, audience)`
#[derive(ZeroizeOnDrop)]
pub(crate) struct CredentialRoot(Key);

impl Blank for CredentialRoot {
    const BLANK: Self = Self(Key::BLANK);
}

impl CredentialRoot {
    /// `K_cred = F(credential root, ISSUER, tenant ‖ kind ‖ LE32 period)`
    pub(crate) fn issuer(&self, tenant: &[u8], kind: Kind, period: u32) -> Key {
        self.0.derive(Label::Issuer, &[Framed(tenant), Raw(&[kind.code()]), Raw(&period.to_le_bytes())])
    }
}

/// `K_tag`: names principals in trail entries and registry rows; the auditor holds a copy.
#[derive(ZeroizeOnDrop)]
pub(crate) struct TagKey(pub(crate) Key);

impl TagKey {
    /// `T(p) = F(K_tag, TAG, tenant ‖ kind ‖ subject)[..16]`
    pub(crate) fn tag(&self, principal: &Principal) -> [u8; 16] {
        self.0.derive_short(
            Label::Tag,
            &[Framed(principal.tenant()), Raw(&[principal.kind.code()]), Framed(principal.subject())],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Keyring, Plaintext, Reply, SessionKey,
        credential::Sealed,
        proof,
        vectors::{array, cases, hex},
    };

    fn wiped_on_drop<T: ZeroizeOnDrop>() {}

    /// Every type that holds key or value bytes of its own is wiped on drop; all others that are secret are made of these.
    #[test]
    fn every_secret_type_is_wiped_on_drop() {
        wiped_on_drop::<Key>();
        wiped_on_drop::<Root>();
        wiped_on_drop::<TenantKey>();
        wiped_on_drop::<OwnerKey>();
        wiped_on_drop::<SealKey>();
        wiped_on_drop::<MarkKey>();
        wiped_on_drop::<GrantKey>();
        wiped_on_drop::<IndexKey>();
        wiped_on_drop::<CredentialRoot>();
        wiped_on_drop::<TagKey>();
        wiped_on_drop::<SessionKey>();
        wiped_on_drop::<proof::BoundKey>();
        wiped_on_drop::<proof::ItemsDigest>();
        wiped_on_drop::<Plaintext<'_>>();
        wiped_on_drop::<Reply<'_>>();
        // The dependencies' states, with the features that Cargo.toml switches on.
        wiped_on_drop::<chacha20poly1305::ChaCha20Poly1305>();
        wiped_on_drop::<chacha20::ChaCha20>();
        // Poly1305 wipes itself but does not carry the marker: tests/wiping.rs looks into its memory.
    }

    /// tests/vectors/keys.txt: each edge of the tree, made by the second implementation.
    #[test]
    fn vectors() {
        let mut checked = [0; 8];
        for case in cases(include_str!("../tests/vectors/keys.txt")) {
            let cells: heapless::Vec<&str, 16> = case.iter().map(|cell| &**cell).collect();
            let keyring = |text: &str| Keyring::read_secret(&hex(text)).unwrap();
            let same = |key: &Key, text: &str| assert_eq!(key.as_bytes().as_slice(), hex(text), "{case:?}");
            match cells[..] {
                [
                    "owner",
                    keys,
                    epoch,
                    tenant,
                    kind,
                    subject,
                    field,
                    k_tenant,
                    k_owner,
                    k_seal,
                    k_mark,
                    k_canary,
                    tag,
                ] => {
                    let keys = keyring(keys);
                    let kind = Kind::from_code(kind.parse().unwrap()).unwrap();
                    let who = Principal::new(&hex(tenant), kind, &hex(subject)).unwrap();
                    let field = Field::from_name(field).unwrap();
                    let tenant = keys.root(epoch.parse().unwrap()).unwrap().tenant(who.tenant());
                    same(&tenant.0, k_tenant);
                    same(&tenant.owner(&who).0, k_owner);
                    same(&tenant.owner(&who).seal(field, Mode::of(field, false)).0, k_seal);
                    same(&tenant.mark().0, k_mark);
                    same(&tenant.canary().0, k_canary);
                    assert_eq!(keys.tag_key().tag(&who), array(tag));
                    checked[0] += 1;
                }
                ["credential", keys, epoch, audience, tenant, kind, period, k_cred] => {
                    let kind = Kind::from_code(kind.parse().unwrap()).unwrap();
                    let root = keyring(keys).root(epoch.parse().unwrap()).unwrap().credential_root(&hex(audience));
                    same(&root.issuer(&hex(tenant), kind, period.parse().unwrap()), k_cred);
                    checked[1] += 1;
                }
                ["session", key, serial, tag, k_s] => {
                    let sealed = Sealed { serial: array(serial), session_key: [0; 32], tag: array(tag) };
                    same(SessionKey::read_secret(&array(key)).bind_to(&sealed).key(), k_s);
                    checked[2] += 1;
                }
                ["trail", k_tag, node, k_0, number, k_i, state] => {
                    let number = number.parse().unwrap();
                    let (key, stored) =
                        crate::trail::state_for_vectors(array(k_tag), node.parse().unwrap(), array(k_0), number);
                    same(&key, k_i);
                    assert_eq!(stored.value(), hex(state));
                    checked[3] += 1;
                }
                ["erasable", keys, epoch, tenant, kind, subject, field, secret, k_erasable, k_seal] => {
                    let kind = Kind::from_code(kind.parse().unwrap()).unwrap();
                    let who = Principal::new(&hex(tenant), kind, &hex(subject)).unwrap();
                    let field = Field::from_name(field).unwrap();
                    let tenant = keyring(keys).root(epoch.parse().unwrap()).unwrap().tenant(who.tenant());
                    let erasable = tenant.owner(&who).erasable(&array(secret));
                    same(&erasable.0, k_erasable);
                    same(&erasable.seal(field, Mode::of(field, true)).0, k_seal);
                    checked[5] += 1;
                }
                ["grant", keys, epoch, tenant, kind, subject, grant_epoch, k_grant] => {
                    let kind = Kind::from_code(kind.parse().unwrap()).unwrap();
                    let who = Principal::new(&hex(tenant), kind, &hex(subject)).unwrap();
                    let tenant = keyring(keys).root(epoch.parse().unwrap()).unwrap().tenant(who.tenant());
                    same(&tenant.owner(&who).grant(grant_epoch.parse().unwrap()).0, k_grant);
                    checked[6] += 1;
                }
                ["index", keys, epoch, tenant, field, name, version, k_index] => {
                    let tenant = keyring(keys).root(epoch.parse().unwrap()).unwrap().tenant(&hex(tenant));
                    let field = Field::from_name(field).unwrap();
                    same(&tenant.index(field, version.parse().unwrap(), &hex(name)).0, k_index);
                    checked[7] += 1;
                }
                ["form", form, verdict, ..] => {
                    assert_eq!(Keyring::read_secret(&hex(form)).is_ok(), verdict == "ok", "{case:?}");
                    checked[4] += 1;
                }
                _ => panic!("{case:?}"),
            }
        }
        assert!(checked.iter().all(|count| *count > 0), "{checked:?}");
    }

    /// tests/vectors/addresses.txt and index.txt.
    #[test]
    fn addresses_and_index_values() {
        for case in cases(include_str!("../tests/vectors/addresses.txt")) {
            let [keys, tenant, kind, subject, epoch, field, address, tag] = &case[..] else { panic!("{case:?}") };
            let keys = Keyring::read_secret(&hex(keys)).unwrap();
            let kind = Kind::from_code(kind.parse().unwrap()).unwrap();
            let who = Principal::new(&hex(tenant), kind, &hex(subject)).unwrap();
            let tenant = keys.root(epoch.parse().unwrap()).unwrap().tenant(who.tenant());
            let made = tenant.owner(&who).address(Field::from_name(field).unwrap(), &hex(address));
            assert_eq!(made, array(tag), "{case:?}");
        }
        for case in cases(include_str!("../tests/vectors/index.txt")) {
            let [keys, tenant, field, name, version, normalised, epoch, value] = &case[..] else { panic!("{case:?}") };
            let keys = Keyring::read_secret(&hex(keys)).unwrap();
            let tenant = keys.root(epoch.parse().unwrap()).unwrap().tenant(&hex(tenant));
            let key = tenant.index(Field::from_name(field).unwrap(), version.parse().unwrap(), &hex(name));
            assert_eq!(key.value(&hex(normalised)), array(value), "{case:?}");
        }
    }
}
