//! The causes. Within a function every token has the same class and every request the same size.

use symbolon::{
    Access, CheckedRng, Class, Credential, Error, Field, Grant, Held, Item, Outcome, Principal, Proof, Purpose,
    Purposes, Rights, Session, SessionKey, Slot, Terms, Time, Token, TokenBuf, Vault, View, reply_len,
};

use crate::{
    Call, Case,
    world::{ADDRESS, AUDIENCE, Caller, MINUTE, NOW, World, carrier, person, vault_with},
};

const FIELD: Field = Field::PHONE;

/// What is presented: a token, and what it is asked for as.
#[derive(Clone)]
struct Presented {
    token: TokenBuf,
    field: Field,
    record: &'static [u8],
}

impl Presented {
    fn item(&self) -> Item<'_> {
        let slot = Slot::in_record(self.field, self.record).unwrap_or(self.field.into());
        Item::new(slot, self.token.as_token())
    }
}

/// Whose tokens are presented, and by whom: all of it made once, so that the store is the same in every case.
struct Setting {
    alice: &'static Caller,
    hers: Presented,
    /// By cause: tokens that don't open for anybody who may open Alice's.
    wrong: Vec<(&'static str, Presented)>,
}

pub fn all(world: &mut World) -> Vec<Case> {
    let setting = setting(world);
    let mut cases = Vec::new();
    own(world, &setting, &mut cases);
    granted(world, &setting, &mut cases);
    message(world, &setting, &mut cases);
    rewrapped(world, &setting, &mut cases);
    reowned(world, &setting, &mut cases);
    authenticated(world, &mut cases);
    cases
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn presented(token: TokenBuf) -> Presented {
    Presented { token, field: FIELD, record: b"" }
}

fn altered(token: &TokenBuf, at: usize, to: impl FnOnce(u8) -> u8) -> TokenBuf {
    let mut bytes = token.as_token().as_bytes().to_vec();
    let byte = bytes.get_mut(at).unwrap();
    *byte = to(*byte);
    TokenBuf::new(&symbolon::Token::from_bytes(&bytes).unwrap())
}

fn setting(world: &mut World) -> Setting {
    world.clock.set(NOW);
    let everything = Purposes::of(&[Purpose::OWN_USE, Purpose::MESSAGE, Purpose::TRANSFER]);
    let alice = leak(world.caller(&person("alice"), Rights::OWN, everything, 10 * MINUTE));
    let hers = world.token(&person("alice"), FIELD, 3);
    let bound = Field::bound(1, Class::SMALLEST).unwrap();
    let other_tenant = Principal::person("other shop", "alice").unwrap();
    let mut in_order_7 = [0; Token::MAX_LEN];
    let slot = Slot::in_record(bound, b"order 7").unwrap();
    let in_order_7 = TokenBuf::new(
        &world.vault.tokenize(&person("alice"), slot, b"1-2-3 Ginza", &mut in_order_7, &mut world.host).unwrap(),
    );
    let _secret_of_alice = world.erasable_token(&person("alice"), FIELD);
    let mut canary = [0; Token::MAX_LEN];
    let mut rng = CheckedRng::new(<chacha20::ChaCha20Rng as rand_core::SeedableRng>::from_seed([8; 32]));
    let canary = world.vault.canary("shop", &hers.as_token(), b"export 7", &mut canary, &mut rng).unwrap();
    let wrong = vec![
        ("somebody else's", presented(world.token(&person("bob"), FIELD, 3))),
        ("altered", presented(altered(&hers, 60, |byte| byte ^ 1))),
        ("altered mark", presented(altered(&hers, 6, |byte| byte ^ 1))),
        ("asked for as another field", Presented { field: Field::BIRTH_DATE, ..presented(hers.clone()) }),
        ("unknown epoch", presented(altered(&hers, 4, |_| 9))),
        ("below the floor", presented(world.token(&person("alice"), FIELD, 1))),
        ("somebody else's, older epoch", presented(world.token(&person("bob"), FIELD, 2))),
        ("another tenant's", presented(world.token(&other_tenant, FIELD, 3))),
        ("erasable, somebody else's", presented(world.erasable_token(&person("bob"), FIELD))),
        ("another record's", Presented { token: in_order_7.clone(), field: bound, record: b"order 8" }),
        ("no record", Presented { token: in_order_7, field: bound, record: b"" }),
        ("a canary", presented(TokenBuf::new(&canary))),
    ];
    Setting { alice, hers: presented(hers), wrong }
}

/// Held outcomes are refusals and openings alike; which it was, the trail says.
fn held<T: Outcome>(outcome: Result<Held<T>, Error>) -> Result<bool, Error> {
    outcome.map(|_| true)
}

fn detokenize(session: &'static Session<&'static Vault>, access: Access<'static>, what: Presented) -> Call {
    Box::new(move |world| {
        let mut work = [0; Token::MAX_OPEN_LEN];
        held(session.detokenize_held(&access, &what.item(), &mut work, &mut world.host))
    })
}

/// What is presented stands in the closure itself: a heap that tidies up when a list goes would be counted, too.
fn reveal<const COUNT: usize>(
    session: &'static Session<&'static Vault>,
    access: Access<'static>,
    what: [Presented; COUNT],
) -> Call {
    Box::new(move |world| {
        let items = what.each_ref().map(Presented::item);
        let mut out = [0; 256];
        let out = out.get_mut(..reply_len(&items)).unwrap();
        held(session.reveal_held(&access, &items, out, &mut world.host))
    })
}

/// The second token of a request whose first was Alice's: what was derived for that one is at hand.
fn second(
    world: &mut World,
    session: &'static Session<&'static Vault>,
    access: Access<'static>,
    first: &Presented,
    what: Presented,
) -> Call {
    let mut request = session.request(&access, 2, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let _shown_or_refused = request.detokenize(&first.item(), &mut work, &mut world.host);
    world.last_entry();
    Box::new(move |world| {
        let mut work = [0; Token::MAX_OPEN_LEN];
        held(request.detokenize_held(&what.item(), &mut work, &mut world.host))
    })
}

/// All that shows something, each under its own name; what is to be third of a reveal stands last.
struct Shown {
    functions: [&'static str; 4],
    first: Presented,
    cases: Vec<Case>,
}

impl Shown {
    fn push(
        &mut self,
        world: &mut World,
        cause: &'static str,
        caller: &'static Caller,
        access: Access<'static>,
        what: &Presented,
    ) {
        let session = &caller.session;
        let calls = [
            detokenize(session, access, what.clone()),
            second(world, session, access, &self.first, what.clone()),
            reveal(session, access, [what.clone()]),
        ];
        self.cases.extend(self.functions.into_iter().zip(calls).map(|(function, call)| Case { function, cause, call }));
    }

    /// The token behind two that this caller opens, so that requests differ in their last one only.
    fn push_third(&mut self, cause: &'static str, caller: &'static Caller, access: Access<'static>, what: &Presented) {
        let [.., function] = self.functions;
        let what = [&self.first, &self.first, what].map(Clone::clone);
        self.cases.push(Case { function, cause, call: reveal(&caller.session, access, what) });
    }
}

fn rewrap(session: &'static Session<&'static Vault>, access: Access<'static>, what: Presented) -> Call {
    Box::new(move |world| {
        let mut out = [0; Token::MAX_LEN];
        let mut request = session.request(&access, 1, &mut world.host)?;
        held(request.rewrap_held(&what.item(), &mut out, &mut world.host))
    })
}

/// Sessions of one principal, each with something in its way; the one that is over was made before the clock moved.
fn barred(world: &mut World, who: &Principal, purposes: Purposes) -> Vec<(&'static str, &'static Caller)> {
    let ended = leak(world.caller(who, Rights::OWN, purposes, 1));
    let logged_out = leak(world.caller(who, Rights::OWN, purposes, 10 * MINUTE));
    let held = world.vault.log_out_held(logged_out.session.id(), &mut world.host).unwrap();
    world.host.settle(world.vault, held).unwrap();
    world.last_entry();
    let no_purpose = leak(world.caller(who, Rights::OWN, Purposes::from_bits(0), 10 * MINUTE));
    world.clock.set(world.clock.get().plus(10));
    vec![("session over", ended), ("logged out", logged_out), ("purpose not in the credential", no_purpose)]
}

fn own(world: &mut World, setting: &Setting, cases: &mut Vec<Case>) {
    let mut sessions = barred(world, &person("alice"), Purposes::OWN_USE);
    sessions.push(("no right", leak(world.caller(&person("alice"), Rights::NONE, Purposes::OWN_USE, 10 * MINUTE))));
    let limited = leak(world.caller(&person("greedy"), Rights::OWN, Purposes::OWN_USE, 10 * MINUTE));
    opens_all_that_it_may(world, limited);
    // An owner's record, as the others have one.
    let _unused = world.erasable_token(&person("greedy"), FIELD);
    sessions.push(("opened all that it may", limited));
    let erased = leak(world.caller(&person("carol"), Rights::OWN, Purposes::OWN_USE, 10 * MINUTE));
    let of_erased = presented(world.token(&person("carol"), FIELD, 3));
    let erasable_of_erased = presented(world.erasable_token(&person("carol"), FIELD));
    let held = erased.session.erase_held(&person("carol"), &mut world.host).unwrap();
    world.host.settle(world.vault, held).unwrap();
    world.last_entry();
    let functions = ["detokenize", "detokenize, second", "reveal", "reveal, third"];
    let mut shown = Shown { functions, first: setting.hers.clone(), cases: Vec::new() };
    for (cause, what) in &setting.wrong {
        shown.push(world, cause, setting.alice, Access::OWN, what);
        shown.push_third(cause, setting.alice, Access::OWN, what);
    }
    for (cause, caller) in sessions {
        shown.push(world, cause, caller, Access::OWN, &setting.hers);
    }
    shown.push(world, "owner erased", erased, Access::OWN, &of_erased);
    shown.push(world, "owner erased, erasable", erased, Access::OWN, &erasable_of_erased);
    cases.append(&mut shown.cases);
}

/// Opens its own until it is refused.
fn opens_all_that_it_may(world: &mut World, caller: &'static Caller) {
    let own = world.token(caller.session.principal(), FIELD, 3);
    let mut work = [0; Token::MAX_OPEN_LEN];
    while caller.session.detokenize(FIELD, &own.as_token(), &mut work, &mut world.host).is_ok() {
        world.last_entry();
    }
}

fn granted(world: &mut World, setting: &Setting, cases: &mut Vec<Case>) {
    let purposes = Purposes::of(&[Purpose::SHIPPING, Purpose::SUPPORT]);
    let caller = leak(world.caller(&carrier(), Rights::NONE, purposes, 10 * MINUTE));
    let other =
        leak(world.caller(&Principal::service("shop", "other carrier").unwrap(), Rights::NONE, purposes, 10 * MINUTE));
    let good = leak(world.grant(setting.alice, |_| {}));
    let erased_later = leak(world.caller(&person("dave"), Rights::OWN, Purposes::OWN_USE, 10 * MINUTE));
    let of_erased = leak(world.grant(erased_later, |_| {}));
    let revoked_later = leak(world.caller(&person("erin"), Rights::OWN, Purposes::OWN_USE, 10 * MINUTE));
    let all_revoked = leak(world.grant(revoked_later, |_| {}));
    let revoked = leak(world.grant(setting.alice, |_| {}));
    let used_up = leak(world.grant(setting.alice, |terms| terms.uses = Some(1)));
    let fields: &'static [Field] = &[Field::EMAIL, Field::PHONE];
    let bad: Vec<(&'static str, &'static Grant)> = vec![
        ("forged grant", leak(forged(good))),
        ("grant over", leak(world.grant(setting.alice, |terms| terms.expires = NOW.plus(1)))),
        ("grant not begun", leak(world.grant(setting.alice, |terms| terms.not_before = NOW.plus(10 * MINUTE)))),
        ("grant revoked", revoked),
        ("all grants revoked", all_revoked),
        ("grant used up", used_up),
        ("grant for another field", leak(world.grant(setting.alice, |terms| terms.fields = &[Field::EMAIL]))),
        ("grant for another purpose", leak(world.grant(setting.alice, |terms| terms.purpose = Purpose::SUPPORT))),
        ("grant for the mask", leak(world.grant(setting.alice, |terms| terms.view = View::Masked))),
        ("owner erased", of_erased),
    ];
    let two_fields = leak(world.grant(setting.alice, |terms| terms.fields = fields));
    for held in [
        setting.alice.session.revoke_held(revoked, &mut world.host).unwrap(),
        revoked_later.session.revoke_all_held(&person("erin"), &mut world.host).unwrap(),
        erased_later.session.erase_held(&person("dave"), &mut world.host).unwrap(),
    ] {
        world.host.settle(world.vault, held).unwrap();
        world.last_entry();
    }
    let access = |grant| Access::new(Purpose::SHIPPING).under(grant);
    let once = detokenize(&caller.session, access(used_up), setting.hers.clone());
    assert_eq!(once(world), Ok(true));
    world.settle();
    let sessions = barred(world, &carrier(), purposes);
    let functions = [
        "detokenize under a grant",
        "detokenize under a grant, second",
        "reveal under a grant",
        "reveal under a grant, third",
    ];
    let mut shown = Shown { functions, first: setting.hers.clone(), cases: Vec::new() };
    for (cause, what) in setting.wrong.iter().filter(|(_, what)| what.field == FIELD) {
        shown.push(world, cause, caller, access(two_fields), what);
        shown.push_third(cause, caller, access(two_fields), what);
    }
    for (cause, grant) in bad {
        shown.push(world, cause, caller, access(grant), &setting.hers);
    }
    shown.push(world, "somebody else's grant", other, access(good), &setting.hers);
    for (cause, barred) in sessions {
        shown.push(world, cause, barred, access(good), &setting.hers);
    }
    cases.append(&mut shown.cases);
}

fn forged(grant: &Grant) -> Grant {
    let mut bytes = *grant.as_bytes();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Grant::from_bytes(&bytes).unwrap()
}

/// A mail sender with Alice's grant, for one address or another.
fn message(world: &mut World, setting: &Setting, cases: &mut Vec<Case>) {
    let purposes = Purposes::of(&[Purpose::MESSAGE]);
    let sender = leak(world.caller(&carrier(), Rights::NONE, purposes, 10 * MINUTE));
    let staff = Principal::staff("shop", "desk").unwrap();
    let desk = world.caller(&staff, Rights::CONFIRM_ADDRESS, Purposes::OWN_USE, 10 * MINUTE);
    for (owner, address) in [("alice", ADDRESS), ("bob", b"bobby@example.com")] {
        let held = desk.session.confirm_address_held(&person(owner), Field::EMAIL, address, &mut world.host).unwrap();
        world.host.settle(world.vault, held).unwrap();
        world.last_entry();
    }
    let grant = leak(world.grant(setting.alice, |terms| terms.purpose = Purpose::MESSAGE));
    let to = |address: &'static [u8]| Access::new(Purpose::MESSAGE).under(grant).to_address(Field::EMAIL, address);
    let function = "detokenize for a message";
    for (cause, access, what) in [
        ("another's address", to(b"bobby@example.com"), &setting.hers),
        ("nobody's address", to(b"nobod@example.com"), &setting.hers),
        ("her address, somebody else's token", to(ADDRESS), &setting.wrong.first().unwrap().1),
        ("her address, altered token", to(ADDRESS), &setting.wrong.get(1).unwrap().1),
    ] {
        cases.push(Case { function, cause, call: detokenize(&sender.session, access, what.clone()) });
    }
}

fn rewrapped(world: &mut World, setting: &Setting, cases: &mut Vec<Case>) {
    let purposes = Purposes::of(&[Purpose::MAINTENANCE, Purpose::SHIPPING]);
    let service = leak(world.caller(&carrier(), Rights::NONE, purposes, 10 * MINUTE));
    let grant = leak(world.grant(setting.alice, |terms| {
        terms.purpose = Purpose::MAINTENANCE;
        terms.view = View::Reseal;
    }));
    let full = leak(world.grant(setting.alice, |_| {}));
    let maintenance = Access::new(Purpose::MAINTENANCE).under(grant);
    let older = presented(world.token(&person("alice"), FIELD, 2));
    let unbound = || setting.wrong.iter().filter(|(_, what)| what.field == FIELD);
    for (cause, what) in unbound() {
        let call = rewrap(&setting.alice.session, Access::OWN, what.clone());
        cases.push(Case { function: "rewrap", cause, call });
        let call = rewrap(&service.session, maintenance, what.clone());
        cases.push(Case { function: "rewrap under a grant", cause, call });
    }
    let cause = "newest already";
    let call = rewrap(&setting.alice.session, Access::OWN, setting.hers.clone());
    cases.push(Case { function: "rewrap", cause, call });
    let call = rewrap(&service.session, maintenance, setting.hers.clone());
    cases.push(Case { function: "rewrap under a grant", cause, call });
    let call = rewrap(&service.session, Access::new(Purpose::SHIPPING).under(full), older);
    cases.push(Case { function: "rewrap under a grant", cause: "a grant to see, not to rewrap", call });
}

fn reowned(world: &mut World, setting: &Setting, cases: &mut Vec<Case>) {
    let account = leak(world.caller(&person("account"), Rights::OWN, Purposes::OWN_USE, 10 * MINUTE));
    let mut reown = |cause, from: &'static Caller, what: &Presented| {
        let what = what.clone();
        let call: Call = Box::new(move |world| {
            let mut out = [0; Token::MAX_LEN];
            held(account.session.reown_held(&from.session, &what.item(), &mut out, &mut world.host))
        });
        cases.push(Case { function: "reown", cause, call });
    };
    for (cause, what) in setting.wrong.iter().filter(|(_, what)| what.field == FIELD) {
        reown(cause, setting.alice, what);
    }
    for (cause, from) in barred(world, &person("alice"), Purposes::OWN_USE) {
        reown(cause, from, &setting.hers);
    }
}

fn authenticated(world: &mut World, cases: &mut Vec<Case>) {
    const CONTEXT: &[&[u8]] = &[b"GET", b"/orders/7"];
    let who = person("frank");
    let now = world.clock.get();
    let mut make =
        |cause, vault: &Vault, at: Time, life: u64, proved: &dyn Fn(&Credential, &SessionKey, &mut World) -> Proof| {
            let key = SessionKey::generate(&mut world.rng).unwrap();
            let issuer = vault.issuer("shop", symbolon::Kind::Person, at.period()).unwrap();
            let terms = Terms { life, ..Terms::default() };
            let credential = issuer.issue(&who, &key, &terms, at, &mut world.rng).unwrap();
            let proof = proved(&credential, &key, world);
            let credential = if cause == "forged credential" { forged_credential(&credential) } else { credential };
            let call: Call = Box::new(move |world| {
                held(Session::authenticate_held(world.vault, &credential, &proof, CONTEXT, &mut world.host))
            });
            cases.push(Case { function: "authenticate", cause, call });
        };
    let prove = move |context: &'static [&'static [u8]], at: Time| {
        move |credential: &Credential, key: &SessionKey, world: &mut World| {
            key.prove(credential, context, at, &mut world.rng).unwrap()
        }
    };
    let good = vault_with(3);
    let elsewhere = vault_of(b"another1", 3);
    make("forged credential", &good, now, MINUTE, &prove(CONTEXT, now));
    make("another audience", &elsewhere, now, MINUTE, &prove(CONTEXT, now));
    make("expired", &good, now.minus(2 * MINUTE), MINUTE, &prove(CONTEXT, now));
    make("not yet valid", &good, now.plus(MINUTE), MINUTE, &prove(CONTEXT, now));
    make("below the floor", &vault_with(1), now, MINUTE, &prove(CONTEXT, now));
    make("too long a life", &good, now, 60 * MINUTE, &prove(CONTEXT, now));
    make("proof of another request", &good, now, MINUTE, &prove(&[b"GET", b"/orders/8"], now));
    make("stale proof", &good, now, MINUTE, &prove(CONTEXT, now.minus(2 * MINUTE)));
    make("proof from the future", &good, now, MINUTE, &prove(CONTEXT, now.plus(MINUTE)));
    make("replayed", &good, now, MINUTE, &|credential, key, world| {
        let proof = key.prove(credential, CONTEXT, now, &mut world.rng).unwrap();
        let first = Session::authenticate_held(world.vault, credential, &proof, CONTEXT, &mut world.host);
        assert_eq!(held(first), Ok(true));
        world.settle();
        proof
    });
    make("logged out", &good, now, MINUTE, &|credential, key, world| {
        let held = world.vault.log_out_held(credential.session_unverified(), &mut world.host).unwrap();
        world.host.settle(world.vault, held).unwrap();
        world.last_entry();
        key.prove(credential, CONTEXT, now, &mut world.rng).unwrap()
    });
}

fn vault_of(audience: &[u8; AUDIENCE.len()], epochs: u16) -> Vault {
    let keyring = crate::world::keyring_with(epochs);
    Vault::new(keyring, &symbolon::Config::new(audience)).unwrap()
}

fn forged_credential(credential: &Credential) -> Credential {
    let mut bytes = credential.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Credential::from_bytes(&bytes).unwrap()
}
