//! Proofs of possession.

use arbitrary::Unstructured;
use symbolon::{Error, Proof, Time};

use crate::promises::{only_genuine, written_back};
use crate::world::{CONTEXT, NOW, World, alice};

/// What is taken as a proof is written as it was read. One that was altered, is for another request, of another time or was used is refused.
pub fn run(data: &[u8]) {
    written_back(data, |bytes| Proof::from_bytes(bytes).ok().map(|proof| proof.to_bytes().to_vec()));
    let mut world = World::new();
    let client = world.log_in(&alice());

    // Each try has a proof of its own: one that was used is refused for that.
    let mut used = Vec::new();
    only_genuine(&[0; Proof::LEN], data, |change| {
        let proof = world.prove(&client, CONTEXT).to_bytes();
        let Ok(change) = <[u8; Proof::LEN]>::try_from(change) else {
            return Proof::from_bytes(change).is_ok();
        };
        let bytes: Vec<u8> = proof.iter().zip(change).map(|(byte, change)| byte ^ change).collect();
        let proof = Proof::from_bytes(&bytes).expect("as long as one");
        let taken = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
        let shown = format!("Proof {{ time: {:?}, .. }}", time_of(&bytes));
        assert_eq!(format!("{proof:?}"), shown);
        used.push(proof);
        taken.map_err(|error| assert_eq!(error, Error::Denied)).is_ok()
    });
    for proof in used {
        let again = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
        assert_eq!(again.err(), Some(Error::Denied), "used, or never good");
    }

    let mut data = Unstructured::new(data);
    let (made_for, shown_for) = (context(&mut data), context(&mut data));
    let time = NOW.minus(70_000).plus(data.int_in_range(0..=80_000).unwrap_or_default());
    let (made_for, shown_for) = (borrowed(&made_for), borrowed(&shown_for));
    let proof = client.key.prove(&client.credential, &made_for, time, &mut world.rng).expect("a proof");
    let taken = world.vault.authenticate(&client.credential, &proof, &shown_for, &mut world.host).is_ok();
    // The window began ten seconds ago: what is older than two seconds behind that could have been used before.
    let in_time = time > NOW.minus(8_000) && time <= NOW.plus(2_000);
    assert_eq!(taken, made_for == shown_for && in_time, "{made_for:?} {shown_for:?} {time:?}");
}

fn time_of(proof: &[u8]) -> Time {
    Time::from_millis(u64::from_le_bytes(*proof[16..].first_chunk().expect("a time")))
}

fn context(data: &mut Unstructured<'_>) -> Vec<Vec<u8>> {
    let parts = data.int_in_range(0..=3).unwrap_or_default();
    (0..parts).map(|_| data.int_in_range(0..=3).and_then(|len| data.bytes(len)).unwrap_or_default().to_vec()).collect()
}

fn borrowed(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

/// Inputs of every valid form.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let proof = world.prove(&client, CONTEXT).to_bytes().to_vec();
    vec![Vec::new(), proof, vec![2, 1, b'a', 1, b'b', 1, 2, b'a', b'b'], vec![0, 0, 1], vec![1, 1, b'a', 1, 1, b'a']]
}
