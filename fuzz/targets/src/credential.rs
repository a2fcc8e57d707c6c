//! Credentials.

use symbolon::{Credential, Error, Issuer, Kind, Rights};

use crate::promises::{altered, only_genuine, tells_nothing, written_back};
use crate::world::{CONTEXT, NOW, TENANT, World, alice};

/// What is taken as a credential is written as it was read. One that was altered authenticates nobody, with a proof or without, and the issuer
/// doesn't verify it; the genuine one goes on being accepted.
pub fn run(data: &[u8]) {
    written_back(data, |bytes| {
        let credential = Credential::from_bytes(bytes).ok()?;
        let _any_time = (credential.expires_unverified(), credential.session_unverified());
        Some(credential.as_bytes().to_vec())
    });
    let mut world = World::new();
    let issuer = world.vault.issuer(TENANT, Kind::Person, NOW.period()).expect("an issuer");
    is_refused(data, &issuer);
    let client = world.log_in(&alice());
    let secret = client.key.write_secret();
    let genuine = client.credential.as_bytes();
    let bytes = altered(genuine, data);
    if let Ok(credential) = Credential::from_bytes(&bytes) {
        let shown = format!("{credential:?} {:?}", client.key);
        tells_nothing(&shown, &[&*secret, &genuine[genuine.len() - 64..]]);
        assert_eq!(issuer.verify(&credential, NOW).is_ok(), bytes == genuine);
    }
    only_genuine(genuine, data, |bytes| {
        let Ok(credential) = Credential::from_bytes(bytes) else { return false };
        let proof = client.key.prove(&credential, CONTEXT, NOW, &mut world.rng).expect("a proof");
        match world.vault.authenticate(&credential, &proof, CONTEXT, &mut world.host) {
            Ok(session) => *session.principal() == alice(),
            Err(error) => {
                assert_eq!(error, Error::Denied);
                false
            }
        }
    });
    let bearer = world.log_in_as_bearer(&alice(), Rights::OWN);
    only_genuine(bearer.credential.as_bytes(), data, |bytes| {
        let Ok(credential) = Credential::from_bytes(bytes) else { return false };
        match world.vault.authenticate_bearer(&credential, &mut world.host) {
            Ok(session) => *session.principal() == alice(),
            Err(error) => {
                assert_eq!(error, Error::Denied);
                false
            }
        }
    });
}

/// What this program never issued is not verified, whatever it says.
fn is_refused(data: &[u8], issuer: &Issuer) {
    if let Ok(credential) = Credential::from_bytes(data) {
        assert!(issuer.verify(&credential, NOW).is_err());
    }
}

/// Inputs of every valid form, of another issuer's so that none is genuine.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut world = World::new();
    world.rng.0 = 5;
    let mut seeds = vec![Vec::new(), vec![0, 3, 1], vec![0, 60, 255], vec![2, 200, 0], vec![4, 100]];
    let mut add = |credential: &Credential| {
        // Another tag: the seeds are of no issuer.
        let mut bytes = credential.as_bytes().to_vec();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        seeds.push(bytes);
    };
    add(&world.log_in(&alice()).credential);
    add(&world.log_in_as_bearer(&alice(), Rights::OWN).credential);
    let staff = symbolon::Principal::staff("t", "s".repeat(64)).expect("a principal");
    add(&world.log_in_as_bearer(&staff, Rights::from_bits(0x1ff)).credential);
    seeds
}
