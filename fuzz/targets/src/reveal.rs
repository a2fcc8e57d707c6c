//! Sealed replies, in the client.

use arbitrary::Unstructured;
use symbolon::{Access, Error, Field, Item, Proof, TokenBuf, reply_len};

use crate::promises::{only_genuine, tells_nothing};
use crate::world::{CONTEXT, World, alice, bob};

/// A reply opens to its own values, for the client that asked, with its proof and its items, unaltered. Nothing else opens, or to other values.
pub fn run(data: &[u8]) {
    let mut world = World::new();
    let values: [&[u8]; 3] = [b"Alice Liddell", b"4242 4242 4242 4242", b"bob@example.com"];
    let tokens = [
        world.token(&alice(), Field::PERSON_NAME, values[0]),
        world.token(&alice(), Field::CARD_NUMBER, values[1]),
        world.token(&bob(), Field::EMAIL, values[2]),
    ];
    let mut data = Unstructured::new(data);
    let asked = choice(&mut data);
    let items = items(&tokens, &asked);
    let masked = data.ratio(1, 4).unwrap_or_default();
    let (client, other) = (world.log_in(&alice()), world.log_in(&alice()));
    let proof = world.prove(&client, CONTEXT);
    let other_proof = world.prove(&client, CONTEXT);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).expect("a session");
    let access = if masked { Access::OWN.masked() } else { Access::OWN };
    let mut out = vec![0; reply_len(&items)];
    let sealed = session.reveal(&access, &items, &mut out, &mut world.host).expect("a reply");
    tells_nothing(&format!("{sealed:?} {session:?} {access:?} {items:?} {:?}", client.key), &values);
    let reply = sealed.as_bytes().to_vec();
    for value in values {
        assert!(!reply.windows(value.len()).any(|part| part == value), "the reply is noise");
    }

    let expected: Vec<Option<&[u8]>> =
        asked.iter().map(|&(token, own_field)| (own_field && token != 2).then_some(values[token])).collect();
    only_genuine(&reply, data.take_rest(), |bytes| {
        let mut bytes = bytes.to_vec();
        match client.key.open_reply(&client.credential, Some(&proof), &items, &mut bytes) {
            Ok(opened) => {
                tells_nothing(&format!("{opened:?}"), &values);
                let shown: Vec<_> = opened.values().collect();
                assert_eq!(shown.len(), expected.len());
                for (shown, expected) in shown.iter().zip(&expected) {
                    assert_eq!(shown.is_some(), expected.is_some());
                    assert!(masked || shown == expected);
                }
                true
            }
            Err(error) => {
                assert_eq!(error, Error::Denied);
                false
            }
        }
    });

    // Another proof, another credential, another key, other items: nothing.
    let mut tries = vec![(&client.key, &client.credential, Some(&other_proof), items.clone())];
    tries.push((&client.key, &client.credential, None::<&Proof>, items.clone()));
    tries.push((&other.key, &client.credential, Some(&proof), items.clone()));
    tries.push((&client.key, &other.credential, Some(&proof), items.clone()));
    let mut fewer = items.clone();
    fewer.pop();
    let mut turned = items.clone();
    turned.rotate_left(1);
    for others in [fewer, turned] {
        if others != items {
            tries.push((&client.key, &client.credential, Some(&proof), others));
        }
    }
    for (key, credential, proof, items) in tries {
        let mut bytes = reply.clone();
        assert_eq!(key.open_reply(credential, proof, &items, &mut bytes).err(), Some(Error::Denied));
    }
}

/// One to four items: which token, and whether it is asked for as what it is.
fn choice(data: &mut Unstructured<'_>) -> Vec<(usize, bool)> {
    let count = data.int_in_range(1..=4).unwrap_or(1);
    (0..count)
        .map(|_| {
            let byte: u8 = data.arbitrary().unwrap_or_default();
            (usize::from(byte % 3), byte & 128 == 0)
        })
        .collect()
}

fn items<'t>(tokens: &'t [TokenBuf; 3], asked: &[(usize, bool)]) -> Vec<Item<'t>> {
    let item = |&(token, own_field): &(usize, bool)| {
        let token = tokens[token].as_token();
        if own_field { Item::of(token) } else { Item::new(Field::FREE_TEXT, token) }
    };
    asked.iter().map(item).collect()
}

/// Every choice of items, and some changes.
pub fn seeds() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        vec![3, 0, 1, 2, 129, 1],
        vec![1, 0, 1, 0],
        vec![0, 2, 1, 0, 3, 9],
        vec![0, 0, 1, 4, 20],
        vec![2, 1, 1, 1, 1, 5, 0, 10],
    ]
}
