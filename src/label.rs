//! The table of labels: every use of the PRF has its own byte, and each byte one use. SPEC.md section 2.

/// What a derivation is for. Bit 7 stays free: the PRF sets it in the long form.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Label {
    /// root → tenant key
    Tenant = 1,
    /// tenant key → owner key
    Owner = 2,
    // 3 is reserved: erasure (owner key and owner secret → owner key of erasable tokens)
    /// owner key → AEAD key of one field
    Seal = 4,
    /// owner key → nonce key of one field
    Nonce = 5,
    /// nonce key → nonce of one token
    NonceOf = 6,
    /// tenant key → mark key, all that a leak scanner gets
    Mark = 7,
    /// mark key → mark of one token
    MarkOf = 8,
    /// tenant key → canary key, in an owner key's place
    Canary = 9,
    // 10 to 12 are reserved: grant, index key, index
    /// root → credential root of one audience
    CredentialRoot = 13,
    /// credential root → what one issuer holds
    Issuer = 14,
    /// issuer key → single-use AEAD key of one credential
    Credential = 15,
    /// issuer key → serial of one credential
    Serial = 16,
    /// issuer key → session id
    SessionId = 17,
    /// session key → key bound to one credential
    Session = 18,
    /// bound key → proof of possession
    Proof = 19,
    /// bound key → digest of a batch's items
    Items = 20,
    /// bound key → salt of a sealed reveal
    Salt = 21,
    /// bound key → AEAD key of one sealed reveal
    Reply = 22,
    /// tag key → a principal's tag in the trail and the registry
    Tag = 23,
    /// trail key → next trail key
    Ratchet = 24,
    /// trail key → AEAD key of one entry
    Entry = 25,
    /// tag key → AEAD key of the trail's stored state
    TrailState = 26,
    /// tag key → the vault's id; trail key → the id of one running trail
    Identity = 27,
    /// any key → Poly1305 key of the PRF's long form
    Digest = 28,
}

impl Label {
    /// The label with this byte, for vectors.
    #[cfg(test)]
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        use Label::*;
        let all = [
            Tenant,
            Owner,
            Seal,
            Nonce,
            NonceOf,
            Mark,
            MarkOf,
            Canary,
            CredentialRoot,
            Issuer,
            Credential,
            Serial,
            SessionId,
            Session,
            Proof,
            Items,
            Salt,
            Reply,
            Tag,
            Ratchet,
            Entry,
            TrailState,
            Identity,
            Digest,
        ];
        all.into_iter().find(|label| label.byte() == byte)
    }

    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    pub(crate) const fn byte(self) -> u8 {
        self as u8
    }
}
