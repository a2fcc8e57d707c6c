//! Owners' answers and incident reports against a plain model: the test remembers what it did.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod auditing;

use std::{collections::BTreeSet, io::Cursor};

use auditing::{Shop, TENANT, person};
use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use symbolon::*;
use symbolon_host::audit::{
    Answer, Incident, LogFile, Names, NodeLog, Reading, Report, Scope, Verification, WhoSaw, verify,
};

const NOW: Time = Time::from_secs(1_900_000_000);
const PEOPLE: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];

/// What the test did.
#[derive(Clone, Debug)]
struct Done {
    caller: &'static str,
    owner: &'static str,
    session: [u8; 8],
    time: Time,
    field: Field,
    purpose: Purpose,
    masked: bool,
    /// By grant.
    granted: bool,
    refused: Option<&'static str>,
    token: usize,
}

struct World {
    shop: Shop,
    tokens: Vec<(&'static str, Field, TokenBuf)>,
    done: Vec<Done>,
}

impl World {
    /// Some sessions of everybody, who see their own values, and by mistake others'; a carrier and a supporter with grants.
    fn new(rounds: usize) -> Self {
        let mut shop = Shop::new(0);
        let mut tokens = Vec::new();
        for owner in PEOPLE {
            for (field, value) in
                [(Field::EMAIL, "x@example.com"), (Field::PERSON_NAME, "X"), (Field::PHONE, "+81312345678")]
            {
                let token = shop.token(&person(owner), field, value);
                tokens.push((owner, field, token));
            }
        }
        let mut world = Self { shop, tokens, done: Vec::new() };
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        for round in 0..rounds {
            // Frank does nothing, and nobody touches what is his.
            let who = PEOPLE[rng.next_u32() as usize % 5];
            let session = world.shop.own(&person(who));
            for _ in 0..1 + rng.next_u32() % 4 {
                let lucky = rng.next_u32() % 3 > 0;
                let token = loop {
                    let token = rng.next_u32() as usize % world.tokens.len();
                    let owner = world.tokens[token].0;
                    if owner != "frank" && (owner == who) == lucky {
                        break token;
                    }
                };
                let masked = rng.next_u32().is_multiple_of(4);
                let access = if masked { Access::OWN.masked() } else { Access::OWN };
                world.open(&session, who, &access, token, None, (!lucky).then_some("does not open"));
                if rng.next_u32().is_multiple_of(8) {
                    let other = if world.tokens[token].1 == Field::EMAIL { Field::PHONE } else { Field::EMAIL };
                    world.open(&session, who, &Access::OWN, token, Some(other), Some("wrong field"));
                }
            }
            if round.is_multiple_of(5) {
                world.ship(&session, who);
            }
        }
        world.shop.commit();
        world
    }

    fn open(
        &mut self,
        session: &Session<&'static Vault>,
        caller: &'static str,
        access: &Access<'_>,
        token: usize,
        as_field: Option<Field>,
        refused: Option<&'static str>,
    ) {
        let (owner, field, bytes) = self.tokens[token].clone();
        let field = as_field.unwrap_or(field);
        let opened = self.shop.open_as(session, access, field, &bytes);
        assert_eq!(opened, refused.is_none());
        let session = *session.id().as_bytes().first_chunk().unwrap();
        let time = Time::from_millis(self.shop.clock.get());
        let text = format!("{access:?}");
        let (masked, granted) = (text.contains("Masked"), caller == "yamato" || caller == "sue");
        self.done.push(Done {
            caller,
            owner,
            session,
            time,
            field,
            purpose: access.purpose(),
            masked,
            granted,
            refused,
            token,
        });
    }

    /// The owner lets a carrier read the name; the policy authority lets support see a mask.
    fn ship(&mut self, owner: &Session<&'static Vault>, who: &'static str) {
        let carrier = Principal::service(TENANT, "yamato").unwrap();
        let terms = self.shop.terms(&carrier, &[Field::PERSON_NAME], Purpose::SHIPPING, None);
        let held = owner.grant_held(&terms, &mut self.shop.host).unwrap();
        let grant = self.shop.host.settle(self.shop.vault, held).unwrap();
        let session = self.shop.session(&carrier, &[Purpose::SHIPPING], Rights::OWN);
        let name =
            self.tokens.iter().position(|(owner, field, _)| *owner == who && *field == Field::PERSON_NAME).unwrap();
        let mail = name - 1;
        let access = Access::new(Purpose::SHIPPING).under(&grant);
        self.open(&session, "yamato", &access, name, None, None);
        self.open(&session, "yamato", &access, mail, None, Some("not in grant"));

        let authority =
            self.shop.session(&Principal::staff(TENANT, "boss").unwrap(), &[Purpose::OWN_USE], Rights::GRANT);
        let sue = Principal::staff(TENANT, "sue").unwrap();
        let terms =
            GrantTerms { view: View::Masked, ..self.shop.terms(&sue, &[Field::EMAIL], Purpose::SUPPORT, Some(5)) };
        let held = authority.grant_for_held(&person(who), &terms, "ticket 4711", &mut self.shop.host).unwrap();
        let grant = self.shop.host.settle(self.shop.vault, held).unwrap();
        let session = self.shop.session(&sue, &[Purpose::SUPPORT], Rights::OWN);
        self.open(&session, "sue", &Access::new(Purpose::SUPPORT).under(&grant).masked(), mail, None, None);
    }

    fn names(&self) -> Names {
        let mut names = Names::default();
        for who in PEOPLE {
            names.add(&self.shop.audit, &person(who));
        }
        names.add(&self.shop.audit, &Principal::service(TENANT, "yamato").unwrap());
        names.add(&self.shop.audit, &Principal::staff(TENANT, "sue").unwrap());
        names
    }

    fn read(&self, sink: &mut dyn FnMut(&Reading)) -> Verification {
        read(&self.shop, &self.shop.entries(), &[], sink)
    }

    fn attribution(&mut self, who: &str) -> Attribution {
        self.shop.vault.attribution(&person(who), &self.shop.host.environment().store).unwrap()
    }

    fn answer(&mut self, who: &str, with_keys: bool) -> Answer {
        let attribution = with_keys.then(|| self.attribution(who));
        let mut answer = WhoSaw::new(&person(who), &self.shop.audit, attribution);
        let verification = self.read(&mut |reading| answer.observe(reading));
        answer.finish(&verification, &self.names(), NOW)
    }

    fn report(&mut self, scope: Scope, tested: &[&str]) -> Report {
        let mut incident = Incident::new(scope, &self.shop.audit);
        let verification = self.read(&mut |reading| incident.observe(reading));
        for who in tested {
            let keys = self.attribution(who);
            incident.test(&person(who), &self.shop.audit, Some(&keys));
        }
        incident.finish(&verification, &self.names(), NOW)
    }
}

fn read(
    shop: &Shop,
    log: &[SealedEntry],
    said: &[(Checkpoint, symbolon_host::audit::Source)],
    sink: &mut dyn FnMut(&Reading),
) -> Verification {
    let bytes: Vec<u8> = log.iter().flat_map(|entry| *entry.as_bytes()).collect();
    let key = AuditKey::read_secret(&shop.audit.write_secret()).unwrap();
    let mut nodes = [NodeLog { key, log: LogFile::new(Cursor::new(bytes)).unwrap() }];
    verify(&mut nodes, said, NOW, sink).unwrap()
}

/// Each owner's answer is what was done, no more and no less, in order.
#[test]
fn every_owners_answer_is_exact() {
    let mut world = World::new(120);
    let done = world.done.clone();
    assert!(done.iter().any(|done| done.refused.is_some()) && done.iter().any(|done| done.masked));
    for who in PEOPLE {
        let answer = world.answer(who, true);
        let view = |masked| if masked { "mask" } else { "value" };
        let of = |refused: bool| done.iter().filter(move |done| done.owner == who && done.refused.is_some() == refused);
        let expected: Vec<_> = of(false)
            .map(|done| {
                (
                    done.caller,
                    done.caller == who,
                    done.field.to_string(),
                    done.purpose.to_string(),
                    view(done.masked),
                    done.granted,
                )
            })
            .collect();
        let answered: Vec<_> = answer
            .openings
            .iter()
            .map(|o| {
                (
                    o.by.name.as_deref().unwrap(),
                    o.own,
                    o.field.clone(),
                    o.purpose.clone(),
                    o.shown.as_str(),
                    o.grant.is_some(),
                )
            })
            .collect();
        assert_eq!(answered, expected, "{who}");
        let expected: Vec<_> =
            of(true).map(|done| (done.caller, done.field.to_string(), done.refused.unwrap())).collect();
        let refusals = answer.refusals.as_ref().unwrap();
        let answered: Vec<_> =
            refusals.iter().map(|r| (r.by.name.as_deref().unwrap(), r.field.clone(), r.reason.as_str())).collect();
        assert_eq!(answered, expected, "{who}");
        let times: u64 = answer.seen_by.iter().map(|seen| seen.times).sum();
        assert_eq!(times, answer.openings.len() as u64);
        assert!(answer.nobody_else.proven && answer.nobody_else.words.contains("no checkpoint confirms"), "{answer:?}");
        grants_are_told(&answer, who);
    }
    let frank = world.answer("frank", true);
    assert!(
        frank.nobody_else.words.starts_with("Nobody: ")
            && frank.refusals.unwrap().is_empty()
            && frank.changes.is_empty()
    );
    // Without the keyring the openings are the same, and the answer says what is missing.
    let alice = world.answer("alice", false);
    assert!(alice.refusals.is_none() && alice.refusals_note.contains("keyring") && !alice.openings.is_empty());
}

/// Under which grant, whose, and why.
fn grants_are_told(answer: &Answer, who: &str) {
    for opening in answer.openings.iter().filter(|opening| opening.grant.is_some()) {
        let grant = answer.grants.iter().find(|grant| Some(&grant.grant) == opening.grant.as_ref()).unwrap();
        assert_eq!(grant.grantee.name, opening.by.name);
        assert!(grant.fields == [opening.field.clone()] && grant.from < grant.until);
        let by_authority = opening.purpose == "support";
        assert_eq!(grant.reason.as_deref(), by_authority.then_some("ticket 4711"));
        assert_eq!(
            (grant.uses, grant.grantor.name.as_deref()),
            if by_authority { (Some(5), None) } else { (None, Some(who)) }
        );
    }
}

/// A trail that isn't whole proves nothing about others, and says where; what can be read is told all the same.
#[test]
fn a_damaged_trail_proves_nothing() {
    let world = World::new(40);
    let mut log = world.shop.entries();
    let removed = log.iter().position(|entry| entry.sequence() > 60).unwrap();
    log.remove(removed);
    let mut answer = WhoSaw::new(&person("alice"), &world.shop.audit, None);
    let verification = read(&world.shop, &log, &[], &mut |reading| answer.observe(reading));
    let answer = answer.finish(&verification, &world.names(), NOW);
    assert!(
        !answer.nobody_else.proven && answer.nobody_else.words.contains(&format!("before record {removed} ")),
        "{answer:?}"
    );
    assert!(answer.openings.iter().any(|opening| !opening.at.in_whole_chain));
    // Its tail was cut off, and somebody knows.
    let end = world.shop.checkpoint();
    let source = symbolon_host::audit::Source::Given("the auditor's mailbox".into());
    let whole = world.shop.entries();
    for (log, proven) in [(&whole[..], true), (&whole[..whole.len() - 1], false)] {
        let mut answer = WhoSaw::new(&person("alice"), &world.shop.audit, None);
        let verification = read(&world.shop, log, &[(end, source.clone())], &mut |reading| answer.observe(reading));
        let said = answer.finish(&verification, &world.names(), NOW).nobody_else;
        assert_eq!(said.proven, proven, "{said:?}");
        assert!(said.words.contains("the auditor's mailbox"), "{said:?}");
    }
}

/// After an erasure: openings are still told, refused erasable tokens can't be.
#[test]
fn after_an_erasure() {
    let mut shop = Shop::new(0);
    let (alice, bob) = (person("alice"), person("bob"));
    let (own, others) = (shop.own(&alice), shop.own(&bob));
    let held = own.erasable_sealer_held(&alice, &mut shop.host).unwrap();
    let sealer = shop.host.settle(shop.vault, held).unwrap();
    let mut out = [0; Token::MAX_LEN];
    let rng = &mut CheckedRng::new(ChaCha20Rng::seed_from_u64(1));
    let erasable = TokenBuf::new(&sealer.tokenize(Field::EMAIL, b"a@example.com", &mut out, rng).unwrap());
    let lasting = shop.token(&alice, Field::EMAIL, "a@example.com");
    assert!(shop.open_as(&own, &Access::OWN, Field::EMAIL, &erasable));
    for token in [&erasable, &lasting] {
        assert!(!shop.open_as(&others, &Access::OWN, Field::EMAIL, token));
    }
    let mut world = World { shop, tokens: Vec::new(), done: Vec::new() };
    assert_eq!(world.answer("alice", true).refusals.unwrap().len(), 2);
    let held = own.erase_held(&alice, &mut world.shop.host).unwrap();
    world.shop.host.settle(world.shop.vault, held).unwrap();
    let answer = world.answer("alice", true);
    assert_eq!((answer.openings.len(), answer.refusals.unwrap().len()), (1, 1));
    assert!(answer.refusals_note.contains("erased"), "{}", answer.refusals_note);
    let what: Vec<_> = answer.changes.iter().map(|change| (change.what.as_str(), change.outcome.as_str())).collect();
    assert_eq!(what, [("tokenize", "done"), ("erase", "done")]);
}

/// A report's figures are the model's, whatever the scope.
#[test]
fn reports_count_what_was_done() {
    let mut world = World::new(150);
    let done = world.done.clone();
    let middle = done[done.len() / 2].clone();
    let (from, to) = (done[done.len() / 4].time, done[3 * done.len() / 4].time);
    let scopes = [
        (Scope::default(), Box::new(|_: &Done| true) as Box<dyn Fn(&Done) -> bool>),
        (Scope { caller: Some(person("bob")), ..Scope::default() }, Box::new(|done: &Done| done.caller == "bob")),
        (
            Scope { session: Some(middle.session), ..Scope::default() },
            Box::new(move |done: &Done| done.session == middle.session),
        ),
        (
            Scope { from: Some(from), to: Some(to), ..Scope::default() },
            Box::new(move |done: &Done| from <= done.time && done.time < to),
        ),
        (
            Scope { caller: Some(person("carol")), from: Some(from), ..Scope::default() },
            Box::new(move |done: &Done| done.caller == "carol" && from <= done.time),
        ),
    ];
    for (scope, is_in) in scopes {
        let what = format!("{scope:?}");
        let report = world.report(scope, &PEOPLE);
        let within: Vec<&Done> = done.iter().filter(|done| is_in(done)).collect();
        assert!(!within.is_empty());
        let (shown, refused): (Vec<&Done>, Vec<&Done>) = within.iter().partition(|done| done.refused.is_none());
        let people: BTreeSet<_> = shown.iter().map(|done| done.owner).collect();
        let tokens = |some: &[&Done]| some.iter().map(|done| done.token).collect::<BTreeSet<_>>().len() as u64;
        let only: BTreeSet<_> = refused.iter().map(|done| done.owner).filter(|owner| !people.contains(owner)).collect();
        let affected = &report.affected;
        let figures = (affected.people_shown, affected.records_shown, affected.values_shown, affected.masks_shown);
        let masks = shown.iter().filter(|done| done.masked).count() as u64;
        assert_eq!(figures, (people.len() as u64, tokens(&shown), shown.len() as u64 - masks, masks), "{what}");
        assert_eq!(
            (affected.records_refused, affected.attempts_refused),
            (tokens(&refused), refused.len() as u64),
            "{what}"
        );
        assert_eq!(affected.people_only_refused, Some(only.len() as u64), "{what}");
        assert_eq!((affected.people_shown_unnamed, affected.refused_of_nobody_tested), (Some(0), Some(0)), "{what}");
        let notified: BTreeSet<_> = report.notify.iter().map(|notify| notify.person.subject.as_str()).collect();
        assert_eq!(notified, within.iter().map(|done| done.owner).collect(), "{what}");
        rows_count_what_was_done(&report, &within, &what);
    }
    // Whoever isn't tested is counted as such.
    let report = world.report(Scope::default(), &["alice", "frank"]);
    assert_eq!((report.affected.people_shown_unnamed, report.notify.len()), (Some(4), 1));
    assert!(report.affected.refused_of_nobody_tested > Some(0));
}

/// The report's tables: by reason, by caller, by field.
fn rows_count_what_was_done(report: &Report, within: &[&Done], what: &str) {
    let (shown, refused): (Vec<&Done>, Vec<&Done>) = within.iter().partition(|done| done.refused.is_none());
    for row in &report.by_reason {
        assert_eq!(row.times, within.iter().filter(|done| done.refused == Some(&row.reason)).count() as u64, "{what}");
    }
    for row in &report.by_caller {
        let Some(name) = row.caller.name.as_deref() else { continue };
        let count = |some: &[&Done]| some.iter().filter(|done| done.caller == name).count() as u64;
        assert_eq!((row.shown, row.refused), (count(&shown), count(&refused)), "{what}");
    }
    for row in &report.by_field {
        let like = |done: &&&Done| {
            let outcome = if done.refused.is_some() {
                "refused"
            } else if done.masked {
                "mask"
            } else {
                "value"
            };
            (done.field.to_string(), done.purpose.to_string(), outcome)
                == (row.field.clone(), row.purpose.clone(), &row.outcome)
        };
        assert_eq!(row.times, within.iter().filter(like).count() as u64, "{what} {row:?}");
    }
    assert_eq!(report.by_field.iter().map(|row| row.times).sum::<u64>(), within.len() as u64);
}

/// The page says what the report says, escapes what it is given, and loads nothing.
#[test]
fn the_page() {
    let mut world = World::new(20);
    let evil = "<script>alert(1)</script>";
    world.shop.own(&person(evil));
    let report = world.report(Scope { caller: Some(person(evil)), ..Scope::default() }, &PEOPLE);
    let page = report.html();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"), "{page}");
    let report = world.report(Scope::default(), &PEOPLE);
    let page = report.html();
    for words in [
        "unbroken",
        "GDPR 33(3)(a)",
        "APPI Enforcement Rules 8(1)(iii)",
        "<td>alice</td>",
        "person-name",
        "@media print",
    ] {
        assert!(page.contains(words), "{words}");
    }
    for loads in ["http://", "https://", "src=", "href=", "url("] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
}

/// A thousand people are tested over two thousand refused entries in seconds.
#[test]
fn many_people_over_many_refusals() {
    let mut shop = Shop::new(0);
    let names: Vec<String> = (0..1000).map(|at| format!("c{at}")).collect();
    let tokens: Vec<TokenBuf> =
        names.iter().map(|name| shop.token(&person(name), Field::EMAIL, "x@example.com")).collect();
    for pair in tokens.chunks(20) {
        let mallory = shop.own(&person("mallory"));
        for _ in 0..2 {
            for token in pair {
                assert!(!shop.open_as(&mallory, &Access::OWN, Field::EMAIL, token));
            }
        }
    }
    let mut incident = Incident::new(Scope { caller: Some(person("mallory")), ..Scope::default() }, &shop.audit);
    let verification = read(&shop, &shop.entries(), &[], &mut |reading| incident.observe(reading));
    let start = std::time::Instant::now();
    for name in &names {
        let keys = shop.vault.attribution(&person(name), &shop.host.environment().store).unwrap();
        incident.test(&person(name), &shop.audit, Some(&keys));
    }
    println!("1,000 people over 2,000 refused entries: {:.2} s", start.elapsed().as_secs_f64());
    let report = incident.finish(&verification, &Names::default(), NOW);
    assert_eq!((report.notify.len(), report.affected.refused_of_nobody_tested), (1000, Some(0)));
    assert!(report.notify.iter().all(|notify| notify.refused == ["email"] && notify.refused_attempts == 2));
}
