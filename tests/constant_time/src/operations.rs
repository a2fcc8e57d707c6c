//! The operations of the core, each with all its outcomes.

use std::hint::black_box;

use symbolon::{
    Access, AuditKey, Class, Credential, Error, Field, Grant, Index, Item, Keyring, MemoryStore, Proof, Purpose,
    Rights, SessionKey, Slot, Terms, Token, TokenBuf, View, reply_len,
};

use crate::{
    Operation,
    memcheck::{is_marked, publish, unreported},
    world::{
        CONTEXT, Caller, NOW, SecretRng, World, carrier, keyring_with, person, published_credential, published_proof,
        published_token, secret,
    },
};

pub(crate) const ALL: &[(&str, Operation)] = &[
    ("keys", keys),
    ("issue", issue),
    ("authenticate", authenticate),
    ("seal", seal),
    ("seal: checked fields", seal_checked),
    ("open", open),
    ("refuse", refuse),
    ("compare", compare),
    ("mask: no mask", mask_none),
    ("mask: digits", mask_digits),
    ("mask: names", mask_names),
    ("reveal", reveal),
    ("open a reply", open_reply),
    ("rewrap", rewrap),
];

/// A keyring is read and made, and a vault's keys derived.
fn keys(_: &mut World) {
    let form = keyring_with(2);
    let keyring = Keyring::read_secret(&form).unwrap();
    let vault = symbolon::Vault::new(keyring, &symbolon::Config::new(b"constant time")).unwrap();
    let mut out = [0; Keyring::MAX_LEN];
    let mut made = Keyring::generate(&mut SecretRng::new(5)).unwrap();
    made.add_epoch(&mut SecretRng::new(6)).unwrap();
    let len = made.write_secret(&mut out).unwrap();
    publish(&out[..len]);
    publish(SessionKey::generate(&mut SecretRng::new(7)).unwrap().write_secret().as_slice());
    let mut store = MemoryStore::<4, 4>::new();
    publish(AuditKey::create(&vault, &mut store, &mut SecretRng::new(8)).unwrap().write_secret().as_slice());
}

/// A credential is issued, proved for, verified and renewed.
fn issue(world: &mut World) {
    let alice = person("alice");
    let (key, credential) = world.credential(&alice, Rights::OWN);
    let issuer = world.vault.issuer("shop", alice.kind(), NOW.period()).unwrap();
    let verified = issuer.verify(&credential, NOW).unwrap();
    let renewed = issuer.renew(&verified, &Terms::default(), NOW, &mut world.rng).unwrap();
    published_credential(&renewed);
    published_proof(&key.prove(&credential, CONTEXT, NOW, &mut world.rng).unwrap());
    let other = unreported(|| world.credential(&carrier(), Rights::OWN).1);
    assert_eq!(issuer.verify(&other, NOW).err(), Some(Error::Denied));
}

/// With a proof, again with the same, with a wrong one, with an altered credential; and without a proof.
fn authenticate(world: &mut World) {
    let (credential, proof, altered, wrong) = unreported(|| {
        let (key, credential) = world.credential(&person("alice"), Rights::OWN);
        let proof = world.proof(&key, &credential);
        let mut bytes = credential.as_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let altered = Credential::from_bytes(&bytes).unwrap();
        let mut bytes = proof.to_bytes();
        *bytes.last_mut().unwrap() ^= 1;
        (credential, proof, altered, Proof::from_bytes(&bytes).unwrap())
    });
    let mut outcome = |credential, proof| world.vault.authenticate(credential, proof, CONTEXT, &mut world.host).is_ok();
    assert!(outcome(&credential, &proof));
    assert!(!outcome(&credential, &proof), "the same again");
    assert!(!outcome(&credential, &wrong));
    assert!(!outcome(&altered, &proof));
    assert!(world.vault.authenticate_bearer(&credential, &mut world.host).is_err(), "a proof is asked for");
}

fn custom(smallest: Class) -> Field {
    Field::custom(1, smallest).unwrap()
}

/// Values of fields that take any bytes, of several classes, bound to a record and erasable.
fn seal(world: &mut World) {
    let bound = Field::bound(1, Class::SMALLEST).unwrap();
    let in_record = Slot::in_record(bound, b"order 7").unwrap();
    for (slot, len) in [(custom(Class::SMALLEST).into(), 5), (in_record, 40), (custom(Class::LARGEST).into(), 1022)] {
        let _token = world.token(&person("alice"), slot, &"x".repeat(len), 2);
    }
    let _token = world.erasable_token(&person("alice"), custom(Class::SMALLEST), "12345");
}

/// Values of fields that ask for a form: it is checked before sealing.
fn seal_checked(world: &mut World) {
    for (field, value) in [
        (Field::PERSON_NAME, "山田 太郎"),
        (Field::PHONE, "+81 3 1234 5678"),
        (Field::EMAIL, "alice@example.com"),
        (Field::CARD_NUMBER, "4242 4242 4242 4242"),
        (Field::CARD_EXPIRY, "12/29"),
        (Field::BANK_ACCOUNT, "1234567"),
        (Field::BIRTH_DATE, "1990-05-17"),
        (Field::FREE_TEXT, "two\nlines"),
    ] {
        let _token = world.token(&person("alice"), field.into(), value, 2);
    }
}

/// Asserts that what came out is the secret that went in, unreported: its length is marked, too.
fn assert_marked(value: &[u8], len: usize) {
    let value = black_box(value);
    unreported(|| assert!(value.len() == len && is_marked(value)));
}

fn open_one(world: &mut World, caller: &Caller, access: Access<'_>, slot: Slot<'_>, token: &TokenBuf, len: usize) {
    let mut work = [0; Token::MAX_OPEN_LEN];
    let item = Item::new(slot, token.as_token());
    let value = caller.session.detokenize_as(&access, &item, &mut work, &mut world.host).unwrap();
    assert_marked(value.expose(), len);
    drop(value);
    // Held until its entry is durable, too.
    let held = caller.session.detokenize_held(&access, &item, &mut work, &mut world.host).unwrap();
    let value = world.host.settle(world.vault, held).unwrap();
    assert_marked(value.expose(), len);
}

/// One's own: short and long values, of an older epoch, bound to a record, erasable.
fn open(world: &mut World) {
    let alice = unreported(|| world.caller(&person("alice"), Rights::OWN));
    let bound = Slot::in_record(Field::SHIPPING_ADDRESS, b"order 7").unwrap();
    let small: Slot<'_> = custom(Class::SMALLEST).into();
    let largest: Slot<'_> = custom(Class::LARGEST).into();
    for (slot, len, epochs) in [(small, 1, 2), (small, 30, 2), (small, 31, 2), (largest, 600, 1), (bound, 20, 2)] {
        let token = unreported(|| world.token(&person("alice"), slot, &"x".repeat(len), epochs));
        open_one(world, &alice, Access::OWN, slot, &token, len);
    }
    let token = unreported(|| world.erasable_token(&person("alice"), Field::PHONE, "0312345678"));
    open_one(world, &alice, Access::OWN, Field::PHONE.into(), &token, 10);
}

/// Somebody else's, another tenant's, altered, asked for as another field, erasable without a secret, a canary.
fn refuse(world: &mut World) {
    let field = Field::PHONE;
    let (alice, tokens) = unreported(|| {
        let alice = world.caller(&person("alice"), Rights::OWN);
        let hers = world.token(&person("alice"), field.into(), "0312345678", 2);
        let stranger = symbolon::Principal::person("other shop", "alice").unwrap();
        let altered = |at: usize| {
            let mut bytes = hers.as_token().as_bytes().to_vec();
            bytes[at] ^= 1;
            TokenBuf::new(&Token::from_bytes(&bytes).unwrap())
        };
        let mut out = [0; Token::MAX_LEN];
        let mut rng = symbolon::CheckedRng::new(SecretRng::new(9));
        let canary = world.vault.canary("shop", &hers.as_token(), b"export 7", &mut out, &mut rng).unwrap();
        let tokens = [
            (field, world.token(&person("bob"), field.into(), "0312345678", 2)),
            (field, world.token(&stranger, field.into(), "0312345678", 1)),
            (field, world.erasable_token(&person("bob"), field, "0312345678")),
            (field, published_token(&canary)),
            (field, altered(60)),
            (field, altered(6)),
            (field, altered(22)),
            (Field::BIRTH_DATE, hers),
        ];
        (alice, tokens)
    });
    for (field, token) in &tokens {
        let mut work = [0; Token::MAX_OPEN_LEN];
        let outcome = alice.session.detokenize(*field, &token.as_token(), &mut work, &mut world.host);
        assert_eq!(outcome.err(), Some(Error::Denied));
    }
}

/// MACs of grants, addresses, marks, index values and an owner's tokens in the trail: those that match and those that don't.
fn compare(world: &mut World) {
    let field = Field::SHIPPING_ADDRESS;
    let slot = |record: &'static [u8]| Slot::in_record(field, record).unwrap();
    let (alice, carriers, token, grant) = unreported(|| {
        let alice = world.caller(&person("alice"), Rights::OWN);
        let carriers = world.caller(&carrier(), Rights::NONE);
        let token = world.token(&person("alice"), slot(b"order 7"), "1-2-3 Ginza", 2);
        let grant = world.grant(&alice, &[field], Purpose::SHIPPING, Some(b"order 7"));
        (alice, carriers, token, grant)
    });
    let mut forged = *grant.as_bytes();
    *forged.last_mut().unwrap() ^= 1;
    let forged = Grant::from_bytes(&forged).unwrap();
    let shipping = |grant| Access::new(Purpose::SHIPPING).under(grant);
    open_one(world, &carriers, shipping(&grant), slot(b"order 7"), &token, 11);
    let mut work = [0; Token::MAX_OPEN_LEN];
    for (grant, slot) in [(&grant, slot(b"order 8")), (&forged, slot(b"order 7"))] {
        let item = Item::new(slot, token.as_token());
        assert!(carriers.session.detokenize_as(&shipping(grant), &item, &mut work, &mut world.host).is_err());
    }
    unreported(|| world.forget_entries());
    addresses(world, &alice);
    let scanner = world.vault.scanner_key("shop").unwrap();
    assert!(scanner.recognises(&token.as_token()));
    let mut work = [0; Token::MAX_OPEN_LEN];
    assert!(world.vault.canary_export("shop", &token.as_token(), &mut work).is_none());
}

/// The address that was verified, and another; and its value in an index.
fn addresses(world: &mut World, alice: &Caller) {
    let (desk, token) = unreported(|| {
        let staff = symbolon::Principal::staff("shop", "desk").unwrap();
        let token = world.token(&person("alice"), Field::PHONE.into(), "0312345678", 2);
        (world.caller(&staff, Rights::CONFIRM_ADDRESS.and(Rights::TOKENIZE)), token)
    });
    let (address, other) = (secret("alice@example.com"), secret("malice@example.com"));
    let held = desk.session.confirm_address_held(&person("alice"), Field::EMAIL, &address, &mut world.host).unwrap();
    world.host.settle(world.vault, held).unwrap();
    let to = |address| Access::new(Purpose::MESSAGE).to_address(Field::EMAIL, address);
    open_one(world, alice, to(&address), Field::PHONE.into(), &token, 10);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let item = Item::of(token.as_token());
    assert!(alice.session.detokenize_as(&to(&other), &item, &mut work, &mut world.host).is_err());
    let index = Index { field: Field::EMAIL, name: b"by address", version: 1 };
    let held = desk.session.indexer_held(&index, 2, &mut world.host).unwrap();
    let mut indexer = world.host.settle(world.vault, held).unwrap();
    publish(&indexer.value(&address).unwrap());
}

fn mask_all(world: &mut World, values: &[(Field, &str, usize)]) {
    let alice = unreported(|| world.caller(&person("alice"), Rights::OWN));
    for (field, value, len) in values {
        let token = unreported(|| world.token(&person("alice"), (*field).into(), value, 2));
        let mut work = [0; Token::MAX_OPEN_LEN];
        let item = Item::of(token.as_token());
        let mask = alice.session.detokenize_as(&Access::OWN.masked(), &item, &mut work, &mut world.host).unwrap();
        unreported(|| assert_eq!(mask.expose().len(), *len));
    }
}

/// Fields of which nothing is ever shown.
fn mask_none(world: &mut World) {
    let placeholder = "●●●●".len();
    mask_all(world, &[(custom(Class::SMALLEST), "x", placeholder), (Field::NATIONAL_ID, "AB 12", placeholder)]);
}

fn mask_digits(world: &mut World) {
    let values = [
        (Field::CARD_NUMBER, "4242 4242 4242 4242", "●●●● 4242".len()),
        (Field::PHONE, "+81 3 1234 5678", "●●●●78".len()),
        (Field::BANK_ACCOUNT, "1234567", "●●●●67".len()),
        (Field::BIRTH_DATE, "1990-05-17", "1990-●●-●●".len()),
    ];
    mask_all(world, &values);
}

fn mask_names(world: &mut World) {
    let values =
        [(Field::PERSON_NAME, "山田 太郎", "山●●".len()), (Field::EMAIL, "alice@example.com", "a●●@●●●".len())];
    mask_all(world, &values);
}

/// What was asked for, and what the vault answered.
fn revealed(world: &mut World) -> (Caller, [TokenBuf; 2], Vec<u8>) {
    let (alice, tokens) = unreported(|| {
        let alice = world.caller(&person("alice"), Rights::OWN);
        let hers = world.token(&person("alice"), Field::EMAIL.into(), "alice@example.com", 2);
        let his = world.token(&person("bob"), Field::EMAIL.into(), "bob@example.com", 2);
        (alice, [hers, his])
    });
    let items = tokens.each_ref().map(|token| Item::of(token.as_token()));
    let mut out = vec![0; reply_len(&items)];
    let reply = alice.session.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap();
    publish(reply.as_bytes());
    drop(reply);
    (alice, tokens, out)
}

/// One's own and somebody else's, into one reply.
fn reveal(world: &mut World) {
    let _reply = revealed(world);
}

/// The client's half, in the client: the reply that is for it, and an altered one.
fn open_reply(world: &mut World) {
    let (alice, tokens, mut out) = unreported(|| revealed(world));
    let items = tokens.each_ref().map(|token| Item::of(token.as_token()));
    let mut altered = out.clone();
    altered[20] ^= 1;
    let proof = Some(&alice.proof);
    assert!(alice.key.open_reply(&alice.credential, proof, &items, &mut altered).is_err());
    let reply = alice.key.open_reply(&alice.credential, proof, &items, &mut out).unwrap();
    let mut values = reply.values();
    let (hers, his) = black_box((values.next().flatten(), values.next().flatten()));
    unreported(|| assert!(hers.is_some_and(|value| value.len() == 17 && is_marked(value)) && his.is_none()));
    let views = reply.views().fold(0, |views, view| views << 1 | u8::from(view == Some(View::Full)));
    publish(&[views]);
    assert_eq!(views, 0b10);
}

/// Opened under an older epoch and sealed under the newest.
fn rewrap(world: &mut World) {
    let (alice, token) = unreported(|| {
        let alice = world.caller(&person("alice"), Rights::OWN);
        (alice, world.token(&person("alice"), Field::PHONE.into(), "0312345678", 1))
    });
    let mut out = [0; Token::MAX_LEN];
    let item = Item::of(token.as_token());
    let newer = alice.session.rewrap(&Access::OWN, &item, &mut out, &mut world.host).unwrap();
    published_token(&newer);
}
