//! The peers, each under a function of its own.

use std::rc::Rc;
use std::sync::Arc;

use base64_simd::URL_SAFE_NO_PAD as BASE64;

use super::{Peer, TINK};

pub(super) fn all() -> Vec<Peer> {
    vec![
        tink_gcm(),
        tink_siv(),
        aes_siv(),
        alloy_deterministic(),
        alloy_attached(),
        fernet(),
        branca(),
        paseto(),
        format_preserving(),
    ]
}

impl Peer {
    fn new(
        name: &'static str,
        seal: impl Fn(&[u8]) -> String + 'static,
        open: impl Fn(&str) -> Vec<u8> + 'static,
    ) -> Self {
        Self { name, seal: Rc::new(seal), open: Rc::new(open) }
    }

    /// One whose ciphertexts are bytes.
    fn of_bytes(
        name: &'static str,
        seal: impl Fn(&[u8]) -> Vec<u8> + 'static,
        open: impl Fn(&[u8]) -> Vec<u8> + 'static,
    ) -> Self {
        let seal = move |value: &[u8]| BASE64.encode_to_string(seal(value));
        Self::new(name, seal, move |text| open(&BASE64.decode_to_vec(text).expect("base64url")))
    }
}

/// What binds: the associated data, where there is any.
const CONTEXT: &str = "shop-17/alice/person-name";
const KEY: [u8; 32] = [9; 32];

fn tink_gcm() -> Peer {
    tink_aead::init();
    let keys = tink_core::keyset::Handle::new(&tink_aead::aes256_gcm_key_template()).expect("a template");
    let aead = Rc::new(tink_aead::new(&keys).expect("a keyset"));
    let same = aead.clone();
    Peer::of_bytes(
        TINK,
        move |value| aead.encrypt(value, CONTEXT.as_bytes()).expect("it fits"),
        move |sealed| same.decrypt(sealed, CONTEXT.as_bytes()).expect("authentic"),
    )
}

fn tink_siv() -> Peer {
    tink_daead::init();
    let keys = tink_core::keyset::Handle::new(&tink_daead::aes_siv_key_template()).expect("a template");
    let aead = Rc::new(tink_daead::new(&keys).expect("a keyset"));
    let same = aead.clone();
    Peer::of_bytes(
        "Tink AES-SIV",
        move |value| aead.encrypt_deterministically(value, CONTEXT.as_bytes()).expect("it fits"),
        move |sealed| same.decrypt_deterministically(sealed, CONTEXT.as_bytes()).expect("authentic"),
    )
}

fn aes_siv() -> Peer {
    use aes_siv::{KeyInit, siv::Aes256Siv};
    let cipher = || Aes256Siv::new(&[9; 64].into());
    Peer::of_bytes(
        "AES-SIV (RustCrypto)",
        move |value| cipher().encrypt([CONTEXT], value).expect("it fits"),
        move |sealed| cipher().decrypt([CONTEXT], sealed).expect("authentic"),
    )
}

/// IronCore Alloy without its key server. Its functions are async and wait for nothing; what drives them costs little.
fn alloy() -> Arc<ironcore_alloy::Standalone> {
    use ironcore_alloy::{Secret, SecretPath, standalone::config as of};
    let secret = || of::StandaloneSecret::new(1, Secret::new(vec![9; 64]).expect("64 bytes"));
    let standard = of::StandardSecrets::new(Some(1), vec![secret()]).expect("its primary is there");
    let rotatable = of::RotatableSecret::new(Some(secret()), None).expect("one is there");
    let deterministic = [(SecretPath("person-name".into()), rotatable)].into();
    ironcore_alloy::Standalone::new(&of::StandaloneConfiguration::new(standard, deterministic, [].into()))
}

fn alloy_tenant() -> Arc<ironcore_alloy::AlloyMetadata> {
    ironcore_alloy::AlloyMetadata::new_simple(ironcore_alloy::TenantId("shop-17".into()))
}

/// The tenant and the owner are in the key's derivation.
fn alloy_deterministic() -> Peer {
    use ironcore_alloy::deterministic::{DeterministicFieldOps, EncryptedField, PlaintextField};
    use ironcore_alloy::{DerivationPath, EncryptedBytes, SecretPath};
    let (client, tenant) = (alloy().deterministic(), alloy_tenant());
    let (same, same_tenant) = (client.clone(), tenant.clone());
    let path = || (SecretPath("person-name".into()), DerivationPath("alice".into()));
    let seal = move |value: &[u8]| {
        let (secret_path, derivation_path) = path();
        let field = PlaintextField { plaintext_field: value.to_vec().into(), secret_path, derivation_path };
        pollster::block_on(client.encrypt(field, &tenant)).expect("it fits").encrypted_field.0
    };
    let open = move |sealed: &[u8]| {
        let (secret_path, derivation_path) = path();
        let field = EncryptedField { encrypted_field: EncryptedBytes(sealed.to_vec()), secret_path, derivation_path };
        pollster::block_on(same.decrypt(field, &same_tenant)).expect("authentic").plaintext_field.0
    };
    Peer::of_bytes("Alloy, deterministic", seal, open)
}

/// The tenant alone is bound.
fn alloy_attached() -> Peer {
    use ironcore_alloy::standard_attached::{
        EncryptedAttachedDocument, PlaintextAttachedDocument, StandardAttachedDocumentOps,
    };
    use ironcore_alloy::{EncryptedBytes, PlaintextBytes};
    let (client, tenant) = (alloy().standard_attached(), alloy_tenant());
    let (same, same_tenant) = (client.clone(), tenant.clone());
    let seal = move |value: &[u8]| {
        let document = PlaintextAttachedDocument(PlaintextBytes(value.to_vec()));
        pollster::block_on(client.encrypt(document, &tenant)).expect("it fits").0.0
    };
    let open = move |sealed: &[u8]| {
        let document = EncryptedAttachedDocument(EncryptedBytes(sealed.to_vec()));
        pollster::block_on(same.decrypt(document, &same_tenant)).expect("authentic").0.0
    };
    Peer::of_bytes("Alloy, standard attached", seal, open)
}

/// Binds nothing.
fn fernet() -> Peer {
    let fernet = Rc::new(fernet::Fernet::new(&fernet::Fernet::generate_key()).expect("its own key"));
    let same = fernet.clone();
    Peer::new("Fernet", move |value| fernet.encrypt(value), move |text| same.decrypt(text).expect("authentic"))
}

/// Binds nothing.
fn branca() -> Peer {
    let seal = |value: &[u8]| branca::encode(value, &KEY, 1_800_000_000).expect("it fits");
    Peer::new("Branca", seal, |text| branca::decode(text, &KEY, 0).expect("authentic"))
}

/// As bytes, without the JSON that a PASETO mostly holds; the context is the implicit assertion.
fn paseto() -> Peer {
    use pasetors::{Local, keys::SymmetricKey, token::UntrustedToken, version4::LocalToken, version4::V4};
    let key = || SymmetricKey::<V4>::from(&KEY).expect("32 bytes");
    let (key, same) = (key(), key());
    let seal = move |value: &[u8]| LocalToken::encrypt(&key, value, None, Some(CONTEXT.as_bytes())).expect("it fits");
    let open = move |text: &str| {
        let token = UntrustedToken::<Local, V4>::try_from(text).expect("a token");
        let opened = LocalToken::decrypt(&same, &token, None, Some(CONTEXT.as_bytes())).expect("authentic");
        opened.payload().as_bytes().to_vec()
    };
    Peer::new("PASETO v4.local", seal, open)
}

/// Format-preserving over a byte's 256 values, the context as its tweak. The text is as long as the value, here in base64url all the same.
fn format_preserving() -> Peer {
    use fpe::ff1::{FF1, FlexibleNumeralString};
    let cipher = Rc::new(FF1::<aes::Aes256>::new(&KEY, 256).expect("a radix"));
    let same = cipher.clone();
    let numerals =
        |bytes: &[u8]| FlexibleNumeralString::from(bytes.iter().map(|byte| u16::from(*byte)).collect::<Vec<_>>());
    let bytes = |numerals: FlexibleNumeralString| Vec::<u16>::from(numerals).into_iter().map(|one| one as u8).collect();
    Peer::of_bytes(
        "FF1 (AES-256)",
        move |value| bytes(cipher.encrypt(CONTEXT.as_bytes(), &numerals(value)).expect("long enough")),
        move |sealed| bytes(same.decrypt(CONTEXT.as_bytes(), &numerals(sealed)).expect("long enough")),
    )
}
