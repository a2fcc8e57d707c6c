//! The secret forms of keys: keyring, scanner key, issuer, audit key; and wrapped keyrings.

use symbolon::{AuditKey, Field, Issuer, Keyring, Kind, ScannerKey, Token, appliance::TransportKey};

use crate::promises::{altered, only_genuine, written_back};
use crate::world::{NOW, Rng, TENANT, World, alice, keyring};

/// What is taken as a key's secret form is written as it was read, and what is shown of it tells no key. A scanner key knows its own marks only,
/// and a wrapped keyring that was altered doesn't unwrap.
pub fn run(data: &[u8]) {
    written_back(data, |bytes| {
        let keyring = Keyring::read_secret(bytes).ok()?;
        assert_eq!(format!("{keyring:?}"), format!("Keyring {{ newest: {}, .. }}", keyring.newest()));
        assert_eq!(keyring.epochs().last(), Some(keyring.newest()));
        Some(keyring_bytes(&keyring))
    });
    written_back(data, |bytes| {
        let key = ScannerKey::read_secret(bytes).ok()?;
        let epochs = bytes[2 + usize::from(bytes[1])];
        assert_eq!(format!("{key:?}"), format!("ScannerKey {{ epochs: {epochs}, .. }}"));
        Some(scanner_bytes(&key))
    });
    written_back(data, |bytes| {
        let issuer = Issuer::read_secret(bytes).ok()?;
        let (kind, period) = (Kind::from_code(bytes[7])?, u32::from_le_bytes(*bytes[3..].first_chunk()?));
        assert_eq!(format!("{issuer:?}"), format!("Issuer {{ kind: {kind:?}, period: {period}, .. }}"));
        Some(issuer_bytes(&issuer))
    });
    written_back(data, |bytes| {
        let key = AuditKey::read_secret(bytes.try_into().ok()?).ok()?;
        let shown = format!("AuditKey {{ node: {}, .. }} TrailReader {{ next: 0, .. }}", key.node());
        assert_eq!(format!("{key:?} {:?}", key.reader()), shown);
        Some(key.write_secret().to_vec())
    });
    recognises_its_own(data);
    let transport = TransportKey::new([4; 32]);
    assert_eq!(format!("{transport:?}"), "TransportKey { .. }");
    only_genuine(&wrapped(&transport), data, |bytes| match transport.unwrap(bytes) {
        Ok(unwrapped) => keyring_bytes(&unwrapped) == keyring_bytes(&keyring()),
        Err(error) => {
            assert_eq!(error, symbolon::Error::InvalidKeyring);
            false
        }
    });
}

/// The mark is of the nonce: where both stay, and the epoch, it is still the tenant's, whatever else was altered.
fn recognises_its_own(data: &[u8]) {
    let mut world = World::new();
    let key = world.vault.scanner_key(TENANT).expect("a key");
    let other = world.vault.scanner_key("shop-18").expect("a key");
    let token = world.token(&alice(), Field::PHONE, b"0312345678");
    let genuine = token.as_token().as_bytes().to_vec();
    let bytes = altered(&genuine, data);
    if let Ok(token) = Token::from_bytes(&bytes) {
        assert_eq!(key.recognises(&token), bytes[4..22] == genuine[4..22]);
        assert!(!other.recognises(&token));
    }
}

fn keyring_bytes(keyring: &Keyring) -> Vec<u8> {
    let mut out = [0; Keyring::MAX_LEN];
    let len = keyring.write_secret(&mut out).expect("room");
    out[..len].to_vec()
}

fn scanner_bytes(key: &ScannerKey) -> Vec<u8> {
    let mut out = [0; ScannerKey::MAX_LEN];
    let len = key.write_secret(&mut out).expect("room");
    out[..len].to_vec()
}

fn issuer_bytes(issuer: &Issuer) -> Vec<u8> {
    let mut out = [0; Issuer::MAX_LEN];
    let len = issuer.write_secret(&mut out).expect("room");
    out[..len].to_vec()
}

fn wrapped(transport: &TransportKey) -> Vec<u8> {
    let mut out = [0; TransportKey::MAX_WRAPPED];
    let len = transport.wrap(&keyring(), &mut Rng(3), &mut out).expect("room");
    out[..len].to_vec()
}

/// One of each form.
pub fn seeds() -> Vec<Vec<u8>> {
    let world = World::new();
    let mut many = keyring();
    for _ in 0..6 {
        many.add_epoch(&mut Rng(u64::from(many.newest()))).expect("another epoch");
    }
    let mut later = keyring();
    later.retire(1).expect("an old one");
    vec![
        Vec::new(),
        keyring_bytes(&keyring()),
        keyring_bytes(&many),
        keyring_bytes(&later),
        scanner_bytes(&world.vault.scanner_key(TENANT).expect("a key")),
        scanner_bytes(&world.vault.scanner_key("t".repeat(64)).expect("a key")),
        issuer_bytes(&world.vault.issuer(TENANT, Kind::Staff, NOW.period()).expect("an issuer")),
        world.audit.write_secret().to_vec(),
        vec![0, 16, 3],
        vec![0, 2, 3, 4],
    ]
}
