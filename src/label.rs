//! The table of labels: every use of the PRF has its own byte, and each byte one use. SPEC.md section 2.

/// What a derivation is for. Bit 7 stays free: the PRF sets it in the long form.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Label {
    /// root → tenant key
    Tenant = 1,
    /// tenant key → owner key
    Owner = 2,
    /// owner key → owner key of erasable tokens
    Erasure = 3,
    /// owner key → AEAD key of one field
    Seal = 4,
    /// owner key → nonce of one token
    Nonce = 5,
    /// tenant key → mark key, all that a leak scanner gets
    Mark = 7,
    /// mark key → mark of one token
    MarkOf = 8,
    /// tenant key → canary key, in an owner key's place
    Canary = 9,
    /// owner key → grant key
    Grant = 10,
    /// tenant key → index key of one field
    IndexKey = 11,
    /// index key → index value
    Index = 12,
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
    /// trail block key → the next block's
    Ratchet = 24,
    /// trail block key → link of the block's first entry
    Entry = 25,
    /// tag key → AEAD key of the trail's stored state
    TrailState = 26,
    /// tag key → the vault's id; trail block key → the id of one running trail
    Identity = 27,
    /// any key → AEAD key of the PRF's long form
    Digest = 28,
    /// grant key → id of one grant
    GrantId = 29,
    /// grant key → MAC of one grant
    GrantMac = 30,
    /// grant key → tag of the record that a grant is for
    GrantRecord = 31,
    /// owner key → tag of a verified address
    Address = 32,
    /// trail checkpoint key → MAC of a checkpoint
    Checkpoint = 33,
    /// role key → MAC of a log-in to an appliance
    #[cfg(feature = "appliance")]
    RoleLogIn = 34,
    /// role key → key of one channel to an appliance
    #[cfg(feature = "appliance")]
    RoleChannel = 35,
    /// channel key → AEAD key of one act or its answer
    #[cfg(feature = "appliance")]
    RoleAct = 36,
    /// device key → AEAD key of one record that an appliance keeps
    #[cfg(feature = "appliance")]
    DeviceRecord = 37,
    /// transport key → AEAD key of one wrapped keyring
    #[cfg(feature = "appliance")]
    Wrap = 38,
}

impl Label {
    /// The label with this byte, for vectors.
    #[cfg(test)]
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        use Label::*;
        let all = [
            Tenant,
            Owner,
            Erasure,
            Seal,
            Nonce,
            Mark,
            MarkOf,
            Canary,
            Grant,
            IndexKey,
            Index,
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
            GrantId,
            GrantMac,
            GrantRecord,
            Address,
            Checkpoint,
            #[cfg(feature = "appliance")]
            RoleLogIn,
            #[cfg(feature = "appliance")]
            RoleChannel,
            #[cfg(feature = "appliance")]
            RoleAct,
            #[cfg(feature = "appliance")]
            DeviceRecord,
            #[cfg(feature = "appliance")]
            Wrap,
        ];
        all.into_iter().find(|label| label.byte() == byte)
    }

    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    pub(crate) const fn byte(self) -> u8 {
        self as u8
    }
}
