//! Grants.

use symbolon::{Access, Error, Field, Grant, GrantTerms, Item, Purpose, Rights, Token, View};

use crate::promises::{only_genuine, written_back};
use crate::world::{NOW, World, alice, bob, carrier, enter};

/// What is taken as a grant is written as it was read. One that was altered opens nothing and revokes nothing, and the genuine one goes on
/// opening for its grantee, and for nobody else.
pub fn run(data: &[u8]) {
    written_back(data, |bytes| {
        let grant = Grant::from_bytes(bytes).ok()?;
        let _any = (grant.expires_unverified(), grant.view_unverified());
        assert_eq!(format!("{grant:?}"), format!("Grant {{ purpose: {:?}, .. }}", grant.purpose_unverified()));
        Some(grant.as_bytes().to_vec())
    });
    let mut world = World::new();
    let value = b"+81 3 1234 5678";
    let token = world.token(&alice(), Field::PHONE, value);
    let token = token.as_token();
    let genuine = mint(&mut world);
    let [hers, carriers, his] = [alice(), carrier(), bob()].map(|who| {
        let rights = if who == carrier() { Rights::NONE } else { Rights::OWN };
        world.log_in_as_bearer(&who, rights)
    });
    let [hers, carriers, his] = [&hers, &carriers, &his].map(|client| enter(&world.vault, client, &mut world.host));
    let host = &mut world.host;
    let vault = &world.vault;
    only_genuine(genuine.as_bytes(), data, |bytes| {
        let Ok(grant) = Grant::from_bytes(bytes) else { return false };
        if bytes != genuine.as_bytes() {
            let held = hers.revoke_held(&grant, host).expect("room");
            assert_eq!(host.settle(vault, held).err(), Some(Error::Denied), "an altered grant revokes nothing");
        }
        let item = Item::new(Field::PHONE, token);
        let mut work = [0; Token::MAX_OPEN_LEN];
        for purpose in [grant.purpose_unverified(), Purpose::OWN_USE] {
            let refused = his.detokenize_as(&Access::new(purpose).under(&grant), &item, &mut work, host);
            assert_eq!(refused.err(), Some(Error::Denied), "another's");
        }
        let access = Access::new(Purpose::SHIPPING).under(&grant);
        match carriers.detokenize_as(&access, &item, &mut work, host) {
            Ok(opened) => opened.expose() == value,
            Err(error) => {
                assert_eq!(error, Error::Denied);
                false
            }
        }
    });
}

fn mint(world: &mut World) -> Grant {
    let client = world.log_in_as_bearer(&alice(), Rights::OWN);
    let session = enter(&world.vault, &client, &mut world.host);
    let (who, fields) = (carrier(), [Field::PHONE, Field::EMAIL]);
    let terms = GrantTerms {
        grantee: &who,
        fields: &fields,
        purpose: Purpose::SHIPPING,
        view: View::Full,
        record: None,
        not_before: NOW,
        expires: NOW.plus(86_400_000),
        uses: Some(8),
    };
    let held = session.grant_held(&terms, &mut world.host).expect("a grant");
    world.host.settle(&world.vault, held).expect("a grant")
}

/// Inputs of every valid form.
pub fn seeds() -> Vec<Vec<u8>> {
    let grant = mint(&mut World::new()).as_bytes().to_vec();
    let mut masked = grant.clone();
    masked[1] = 2;
    vec![Vec::new(), grant, masked, vec![0, 1, 0, 3], vec![0, 3, 0, 2], vec![0, 190, 0, 1], vec![6, 26, 4, 0]]
}
