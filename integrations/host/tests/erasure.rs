//! An owner who is erased through the core: no token opens, no surrogate leads to one, no file holds the secret.

use std::{fs, path::Path};

use getrandom::SysRng;
use symbolon::*;
use symbolon_host::{
    registry::{DiskStore, Index, IndexRow},
    surrogate::{self, SurrogateError},
};

#[test]
fn an_erased_owner_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    let vault = Vault::new(Keyring::generate(&mut SysRng).unwrap(), &Config::new(b"test")).unwrap();
    let mut store = DiskStore::create(&dir).unwrap();
    AuditKey::create(&vault, &mut store, &mut SysRng).unwrap();
    // No proof is taken that is not newer than the host's start by two seconds.
    let (mut clock, now) = (Time::from_secs(1_800_000_000), Time::from_secs(1_800_000_003));
    let clock = move || Some(std::mem::replace(&mut clock, now));
    let mut host: Host<_> = Host::open(&vault, Parts { clock, rng: SysRng, store }).unwrap();
    let alice = Principal::person("shop-17", "alice").unwrap();
    let session = session(&vault, &alice, now, &mut host);

    // An erasable token, a surrogate for it, an index row.
    let held = session.erasable_sealer_held(&alice, &mut host).unwrap();
    let sealer = held.release(&host.commit(&vault).unwrap()).unwrap();
    let mut out = [0; Token::MAX_LEN];
    let number = b"4242 4242 4242 4242";
    let token = sealer.tokenize(Field::CARD_NUMBER, number, &mut out, &mut CheckedRng::new(SysRng)).unwrap();
    let short = surrogate::issue(&vault, &alice, &token, Some(*b"4242"), &mut SysRng, &mut host).unwrap();
    let tag = vault.owner_tag(&alice);
    let index = Index::new(Field::CARD_NUMBER, b"by-number", 1).unwrap();
    let row = IndexRow { value: [1; 8], owner: tag, reference: b"customer 17" };
    host.environment().store.put_rows(&index, [row]).unwrap();
    let resolved = surrogate::resolve(&short, &mut host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let opened = session.detokenize(Field::CARD_NUMBER, &resolved.as_token(), &mut work, &mut host).unwrap();
    assert_eq!(opened.expose(), number);

    // SPEC.md section 13: the secret stands behind version, flags and grant epoch.
    let mut record = [0; Record::MAX_LEN];
    let key = RecordKey { table: Table::Owner, id: tag };
    assert!(host.environment().store.get(&key, &mut record).unwrap().is_some());
    let secret: [u8; 32] = record[6..38].try_into().unwrap();
    assert_ne!(secret, [0; 32]);
    assert!(holds(&dir, &secret) && holds(&dir, b"customer 17") && holds(&dir, token.as_bytes()));

    let held = session.erase_held(&alice, &mut host).unwrap();
    held.release(&host.commit(&vault).unwrap()).unwrap();
    assert!(host.environment().store.scrub_if_due().unwrap());

    assert!(!holds(&dir, &secret) && !holds(&dir, b"customer 17") && !holds(&dir, token.as_bytes()));
    assert_eq!(surrogate::resolve(&short, &mut host), Err(SurrogateError::Unknown));
    assert_eq!(host.environment().store.find(&index, &[1; 8], 10).unwrap(), []);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let refused = session.detokenize(Field::CARD_NUMBER, &token, &mut work, &mut host).err();
    assert_eq!(refused, Some(Error::Denied));
}

/// A session of the owner's own.
fn session<'v, E: Environment>(vault: &'v Vault, who: &Principal, now: Time, host: &mut Host<E>) -> Session<&'v Vault> {
    let key = SessionKey::generate(&mut SysRng).unwrap();
    let issuer = vault.issuer(who.tenant(), who.kind(), now.period()).unwrap();
    let credential = issuer.issue(who, &key, &Terms::default(), now, &mut SysRng).unwrap();
    let proof = key.prove(&credential, &[b"test"], now, &mut SysRng).unwrap();
    vault.authenticate(&credential, &proof, &[b"test"], host).unwrap()
}

fn holds(dir: &Path, what: &[u8]) -> bool {
    let files = fs::read_dir(dir).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    files.collect::<Vec<_>>().concat().windows(what.len()).any(|window| window == what)
}
