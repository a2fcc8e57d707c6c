//! The key schedule: which key opens what, and nothing else. SPEC.md section 2 draws the tree; each function below is one edge of it.

use crate::{
    Field, Principal,
    label::Label,
    prf::{
        Key,
        Part::{Framed, Raw},
    },
    principal::Kind,
    token::{HEADER_LEN, MARK_LEN, NONCE_LEN, VERSION_SUITE},
};

/// Domain flags of a token (erasable, record-bound): none is defined yet.
const MODE: u8 = 0;

/// `R_e`: the root of one epoch.
pub(crate) struct Root(Key);

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

    /// `K_mark = F(K_tenant, MARK, "")`
    pub(crate) fn mark(&self) -> MarkKey {
        MarkKey(self.0.derive(Label::Mark, &[]))
    }
}

/// `K_owner`, or `K_canary` in its place.
pub(crate) struct OwnerKey(Key);

impl OwnerKey {
    /// `K_seal = F(K_owner, SEAL, LE16 field ‖ mode ‖ suite)`
    pub(crate) fn seal(&self, field: Field) -> SealKey {
        SealKey(self.0.derive(Label::Seal, &[Raw(&usage(field))]))
    }

    /// `K_nonce = F(K_owner, NONCE, LE16 field ‖ mode ‖ suite)`
    pub(crate) fn nonce(&self, field: Field) -> NonceKey {
        NonceKey(self.0.derive(Label::Nonce, &[Raw(&usage(field))]))
    }
}

fn usage(field: Field) -> [u8; 4] {
    let [low, high] = field.code().to_le_bytes();
    [low, high, MODE, VERSION_SUITE]
}

/// `K_seal`: the AEAD key of one owner and one field.
pub(crate) struct SealKey(pub(crate) Key);

/// `K_nonce`
pub(crate) struct NonceKey(Key);

impl NonceKey {
    /// `n = F(K_nonce, NONCE_OF, header ‖ rng16 ‖ record id ‖ P)[..12]`; no field has a record id yet.
    pub(crate) fn nonce(&self, header: &[u8; HEADER_LEN], random: &[u8; 16], padded: &[u8]) -> [u8; NONCE_LEN] {
        self.0.derive_short(Label::NonceOf, &[Raw(header), Raw(random), Framed(b""), Raw(padded)])
    }
}

/// `K_mark`
pub(crate) struct MarkKey(Key);

impl MarkKey {
    /// `mark = F(K_mark, MARK_OF, n)[..4]`
    pub(crate) fn mark(&self, nonce: &[u8; NONCE_LEN]) -> [u8; MARK_LEN] {
        self.0.derive_short(Label::MarkOf, &[Raw(nonce)])
    }
}

/// `F(R_e, CREDENTIAL_ROOT, audience)`
pub(crate) struct CredentialRoot(Key);

impl CredentialRoot {
    /// `K_cred = F(credential root, ISSUER, tenant ‖ kind ‖ LE32 period)`
    pub(crate) fn issuer(&self, tenant: &[u8], kind: Kind, period: u32) -> Key {
        self.0.derive(Label::Issuer, &[Framed(tenant), Raw(&[kind.code()]), Raw(&period.to_le_bytes())])
    }
}

/// `K_tag`: names principals in trail entries and registry rows; the auditor holds a copy.
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
