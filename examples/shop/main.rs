//! A week in a shop: who sees what, and what the auditor reads afterwards. `cargo run --example shop`
//!
//! All that is printed is asserted first, so the story stays true. Read this file first; how each thing is done is in `shop.rs`.

mod auditor;
mod shop;

use shop::{DAY, LOG_IN, Shop, Who, rng};
use symbolon::*;

type Result<T> = core::result::Result<T, Error>;

const CARD: &str = "4242 4242 4242 4242";
const HANAKO: [&str; 5] = ["佐藤 花子", "info@sato.example", "+819012345678", CARD, "東京都千代田区丸の内1-1"];
const EMMA: [&str; 5] = ["Emma Lindqvist", "emma@example.org", "+46701234567", CARD, "Storgatan 5, Umeå"];
const KEN: [&str; 5] = ["佐藤 健", "info@sato.example", "+81312345678", CARD, "大阪市北区梅田3-1"];
const NOTHING: [&str; 5] = ["●●● ●●●", "●●●@●●●", "●●●-●●●●-●●●●", "●●●● ●●●● ●●●● ●●●●", "●●●●"];
const ADDRESS: &[Field] = &[Field::SHIPPING_ADDRESS];
const PHONE_AND_CARD: &[Field] = &[Field::PHONE, Field::CARD_NUMBER];
const NAME: &[Field] = &[Field::PERSON_NAME];

fn main() -> Result<()> {
    let hanako = Who::new(Kind::Person, "m-1001", "佐藤 花子", Rights::OWN, Purpose::OWN_USE);
    let emma = Who::new(Kind::Person, "m-1002", "Emma Lindqvist", Rights::OWN, Purpose::OWN_USE);
    let ken = Who::new(Kind::Person, "m-1003", "佐藤 健", Rights::OWN, Purpose::OWN_USE);
    let guest = Who::new(Kind::Person, "guest-7", "a guest", Rights::OWN, Purpose::OWN_USE); // Ken, who has no account yet
    let carrier = Who::new(Kind::Service, "carrier", "the carrier", Rights::NONE, Purpose::SHIPPING);
    let support = Who::new(Kind::Staff, "agent-4", "support", Rights::NONE, Purpose::SUPPORT);
    let mailer = Who::new(Kind::Service, "mailer", "the mail sender", Rights::NONE, Purpose::MESSAGE);
    let mut shop = Shop::open(Keyring::generate(&mut rng(1))?)?;

    shop.step("1. Three orders. The database holds tokens, and each opens for its owner.")?;
    shop.order(&hanako, "order-71", HANAKO)?;
    shop.order(&emma, "order-72", EMMA)?;
    shop.order(&guest, "order-73", KEN)?;
    let backup = shop.table.clone();
    println!("    the database     order-71  {}…", &shop.table[0].cells[0].as_token().to_string()[..60]);
    shop.shows(&hanako, &Access::OWN, 0, HANAKO)?;
    shop.shows(&emma, &Access::OWN, 1, EMMA)?;
    shop.shows(&guest, &Access::OWN, 2, KEN)?;
    shop.shows(&emma, &Access::OWN, 0, NOTHING)?; // a query without its WHERE

    shop.step("2. Shipping. Hanako lets the carrier read the address of one order, twice, until Friday.")?;
    let friday = shop.clock.get().plus(4 * DAY);
    let parcel = shop.terms(&carrier, Purpose::SHIPPING, ADDRESS);
    let parcel = GrantTerms { record: Some(b"order-71"), expires: friday, uses: Some(2), ..parcel };
    let grant = shop.owner_grants(&hanako, &parcel)?;
    let label = Access::new(Purpose::SHIPPING).under(&grant);
    let [name, email, phone, card, address] = NOTHING;
    shop.shows(&carrier, &label, 1, NOTHING)?; // Emma's order
    shop.shows(&carrier, &label, 0, [name, email, phone, card, HANAKO[4]])?;
    shop.shows(&carrier, &label, 0, [name, email, phone, card, HANAKO[4]])?;
    shop.shows(&carrier, &label, 0, NOTHING)?; // a third time
    shop.wait(5 * DAY);
    shop.shows(&carrier, &label, 0, NOTHING)?; // on Saturday

    shop.step("3. A call to support. The policy authority lets the agent see four digits, and says why.")?;
    let call = shop.terms(&support, Purpose::SUPPORT, PHONE_AND_CARD);
    let grant = shop.authority_grants(&emma, &GrantTerms { view: View::Masked, ..call }, "ticket 4711")?;
    let screen = Access::new(Purpose::SUPPORT).under(&grant);
    let masks = [name, email, "●●●●67", "●●●● 4242", address];
    shop.shows(&support, &screen.masked(), 1, masks)?;
    shop.shows(&support, &screen, 1, NOTHING)?; // the whole values

    shop.step("4. A mail run with a stale list. Hanako has a new address; the old one is her brother's now.")?;
    shop.make_index(&[HANAKO[1], EMMA[1], KEN[1]])?; // for step 5, before the change
    let news = shop.terms(&mailer, Purpose::MESSAGE, NAME);
    let (for_hanako, for_emma) = (shop.owner_grants(&hanako, &news)?, shop.owner_grants(&emma, &news)?);
    shop.confirm(&emma, EMMA[1])?;
    shop.confirm(&hanako, HANAKO[1])?;
    shop.change_email(&hanako, 0, "hanako@sato.example")?;
    for (grant, row, recipient, greeted) in [
        (&for_hanako, 0, "info@sato.example", name),
        (&for_hanako, 0, "hanako@sato.example", HANAKO[0]),
        (&for_emma, 1, "emma@example.org", EMMA[0]),
    ] {
        println!("  to {recipient}:");
        let letter = Access::new(Purpose::MESSAGE).under(grant).to_address(Field::EMAIL, recipient.as_bytes());
        shop.shows(&mailer, &letter, row, [greeted, email, phone, card, address])?;
    }

    shop.step("5. Log-in by e-mail. The blind index gives candidates, and opening tells which is right.")?;
    let desk = Who::new(Kind::Service, "log-in", "the log-in", Rights::LOOKUP, LOG_IN);
    assert_eq!(shop.find(&desk, " Emma@Example.org ", [&hanako, &emma, &guest])?, [("Emma Lindqvist", true)]);
    let found = shop.find(&desk, "info@sato.example", [&hanako, &emma, &guest])?;
    assert_eq!(found, [("佐藤 花子", false), ("a guest", true)]); // Hanako's row is where her old address was

    shop.step("6. The guest opens an account. With both sessions there, the order becomes the account's.")?;
    shop.reown(&guest, &ken, 2)?;
    shop.shows(&ken, &Access::OWN, 2, KEN)?;
    shop.shows(&guest, &Access::OWN, 2, NOTHING)?;

    shop.step("7. A new root key. A maintenance service rewraps the whole table, and the old root is retired.")?;
    let both_roots = shop.rotate([&hanako, &emma, &ken])?;
    let hanako_now = [HANAKO[0], "hanako@sato.example", HANAKO[2], HANAKO[3], HANAKO[4]];
    shop.shows(&hanako, &Access::OWN, 0, hanako_now)?;
    shop.shows(&emma, &Access::OWN, 1, EMMA)?;
    shop.shows(&ken, &Access::OWN, 2, KEN)?;
    println!("  the backup of step 1:");
    let table = std::mem::replace(&mut shop.table, backup.clone());
    shop.shows(&hanako, &Access::OWN, 0, NOTHING)?;
    shop.table = table;

    shop.step("8. Erasure. Emma asks for it, and nothing of hers opens for anybody any more.")?;
    let parcel = shop.terms(&carrier, Purpose::SHIPPING, ADDRESS);
    let (parcel, call) = (shop.owner_grants(&emma, &parcel)?, shop.terms(&support, Purpose::SUPPORT, PHONE_AND_CARD));
    let call = shop.authority_grants(&emma, &GrantTerms { view: View::Masked, ..call }, "ticket 4712")?;
    let news = shop.terms(&mailer, Purpose::MESSAGE, NAME);
    let news = shop.owner_grants(&emma, &news)?;
    shop.confirm(&emma, EMMA[1])?; // again, for the root is new
    let everybody = [
        (&emma, Access::OWN, EMMA),
        (&carrier, Access::new(Purpose::SHIPPING).under(&parcel), [name, email, phone, card, EMMA[4]]),
        (&support, Access::new(Purpose::SUPPORT).under(&call).masked(), masks),
        (
            &mailer,
            Access::new(Purpose::MESSAGE).under(&news).to_address(Field::EMAIL, EMMA[1].as_bytes()),
            [EMMA[0], email, phone, card, address],
        ),
    ];
    println!("  before:");
    for (who, access, seen) in &everybody {
        shop.shows(who, access, 1, *seen)?;
    }
    let store_before = shop.host.environment().store.clone();
    shop.erase(&emma)?;
    println!("  after, and the others:");
    for (who, access, _) in &everybody {
        shop.shows(who, access, 1, NOTHING)?;
    }
    shop.shows(&hanako, &Access::OWN, 0, hanako_now)?;
    shop.shows(&ken, &Access::OWN, 2, KEN)?;
    println!(
        "  a thief, who has the backup, all root keys and the vault's store of today, and logs in as whom he likes:"
    );
    let mut thief = Shop::open(Keyring::read_secret(&both_roots)?)?;
    thief.table = backup;
    thief.wait(DAY * 7);
    thief.put_back(shop.host.environment().store.clone())?;
    thief.shows(&emma, &Access::OWN, 1, NOTHING)?;
    thief.shows(&hanako, &Access::OWN, 0, HANAKO)?; // nothing stops him but erasure
    println!("  and with the vault's store of before, which must not be kept (SECURITY.md):");
    thief.put_back(store_before)?;
    thief.shows(&emma, &Access::OWN, 1, EMMA)?;

    let trail = shop.trail()?;
    println!(
        "\nTHE TRAIL, as the auditor reads it, without the log-ins: who did what for which purpose, and whose it was\n\n{trail}"
    );
    assert!(trail == include_str!("trail.txt"), "another trail than in trail.txt");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_story_is_true() -> super::Result<()> {
        super::main()
    }
}
