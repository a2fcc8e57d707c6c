//! Every operation of an appliance's protocol, with what is to be seen when it was done.

use symbolon::{
    Event, Field, Purposes, Rights, SealedEntry, Token,
    appliance::{AuditorAct, Fault, IssuerAct, OfficerAct, Role, RoleChannel, RoleKey, SessionAct, TransportKey},
};

use super::{
    client::{AUDITOR, Bench, Caller, ISSUER, OFFICER, RoleAct, TRANSPORT, caller, who_of},
    town::{EMAIL, Moment, OWN, PHONE, Town, alice, asked, bob, carrier, deliver, granting, initialise, open, sealing},
};

pub type Answer = Result<Vec<u8>, Fault>;
pub type Run = fn(&mut Bench, &Town, Option<&mut RoleChannel>) -> Answer;
/// Whether what was asked for is the case; the answer is there where the act was answered.
pub type Effect = fn(&mut Bench, &Town, Option<&[u8]>) -> bool;

/// An operation of the protocol.
pub struct Case {
    pub name: &'static str,
    pub from: fn(&Town) -> &Moment,
    /// Who is logged in before the power can go.
    pub role: Option<(Role, [u8; 32])>,
    pub run: Run,
    pub effect: Effect,
    /// How it may be refused when it is asked for once more, because it has happened.
    pub again: &'static [Fault],
    /// Whether alice's address still opens, come what may.
    pub opens: bool,
    /// The stage that it is in before, and the one behind.
    pub stages: [u8; 2],
}

const WORKING: Case = Case {
    name: "",
    from: |town| &town.working,
    role: None,
    run: |_, _, _| Err(Fault::Malformed),
    effect: |_, _, _| false,
    again: &[],
    opens: true,
    stages: [2, 2],
};
const OF_OFFICER: Case = Case { role: Some((Role::Officer, OFFICER)), ..WORKING };
const OF_ISSUER: Case = Case { role: Some((Role::Issuer, ISSUER)), ..WORKING };
const OF_AUDITOR: Case = Case { role: Some((Role::Auditor, AUDITOR)), ..WORKING };

fn officer(bench: &mut Bench, channel: Option<&mut RoleChannel>, act: OfficerAct<'_>) -> Answer {
    bench.act(channel.unwrap(), &RoleAct::Officer(act))
}

fn auditor(bench: &mut Bench, channel: Option<&mut RoleChannel>, act: AuditorAct) -> Answer {
    bench.act(channel.unwrap(), &RoleAct::Auditor(act))
}

/// Whether it opens for them: refused, or the right value.
pub fn opens(bench: &mut Bench, who: &Caller, token: &[u8]) -> bool {
    let opened = bench.in_session(who, &open(Field::EMAIL, token));
    assert!(opened.as_ref().map_or_else(|fault| *fault == Fault::Denied, |value| value == EMAIL), "{opened:?}");
    opened.is_ok()
}

/// Whether the trail says so.
fn recorded(bench: &mut Bench, town: &Town, event: Event) -> bool {
    let mut reader = town.reader.fork();
    let entries: Vec<_> = bench.entries().iter().map(|entry| reader.read(entry).unwrap()).collect();
    // The entry that the working day began with is of an opening, too.
    entries.iter().skip(town.working.entries.len()).any(|recorded| recorded.entry.event == event)
}

const SESSION_KEY: [u8; 32] = [9; 32];
const NEW_KEY: [u8; 32] = [8; 32];

pub const PROVISIONING: [Case; 3] = [
    Case {
        name: "initialise",
        from: |town| &town.blank,
        role: Some((Role::Officer, RoleKey::BLANK)),
        run: |bench, _, channel| officer(bench, channel, initialise()),
        effect: |bench, _, _| bench.status().stage == 1 && bench.log_in(Role::Officer, OFFICER).is_ok(),
        again: &[Fault::Denied],
        opens: false,
        stages: [0, 1],
    },
    Case {
        name: "generate",
        from: |town| &town.initialised,
        run: |bench, _, channel| officer(bench, channel, OfficerAct::Generate),
        effect: |bench, _, _| bench.status().stage == 2 && bench.status().epoch == 1,
        again: &[Fault::Stage],
        opens: false,
        stages: [1, 2],
        ..OF_OFFICER
    },
    Case {
        name: "import",
        from: |town| &town.initialised,
        run: |bench, town, channel| officer(bench, channel, OfficerAct::Import { wrapped: &town.wrapped }),
        effect: |bench, town, _| {
            if bench.status().stage != 2 {
                return false;
            }
            // The same roots: what was sealed elsewhere opens.
            let alice = bench.issue(&alice(), Rights::OWN, Purposes::OWN_USE);
            opens(bench, &alice, &town.email)
        },
        again: &[Fault::Stage],
        opens: false,
        stages: [1, 2],
        ..OF_OFFICER
    },
];

pub const OFFICERS: [Case; 6] = [
    Case {
        name: "backup",
        run: |bench, _, channel| officer(bench, channel, OfficerAct::Backup),
        effect: |_, _, answer| answer.is_some_and(|wrapped| TransportKey::new(TRANSPORT).unwrap(wrapped).is_ok()),
        ..OF_OFFICER
    },
    Case {
        name: "rotate",
        run: |bench, _, channel| officer(bench, channel, OfficerAct::Rotate),
        effect: |bench, _, _| bench.status().epoch > 1,
        ..OF_OFFICER
    },
    Case {
        name: "retire",
        from: |town| &town.rotated,
        run: |bench, _, channel| officer(bench, channel, OfficerAct::Retire { epoch: 1 }),
        effect: |bench, town, _| {
            let alice = bench.issue(&alice(), Rights::OWN, Purposes::OWN_USE);
            !opens(bench, &alice, &town.email)
        },
        again: &[Fault::InvalidKeyring],
        opens: false,
        ..OF_OFFICER
    },
    Case {
        name: "lock",
        run: |bench, _, channel| officer(bench, channel, OfficerAct::Lock),
        effect: |bench, _, _| bench.status().locked && bench.officer(OfficerAct::Backup) == Err(Fault::Stage),
        ..OF_OFFICER
    },
    Case {
        name: "set role",
        run: |bench, _, channel| officer(bench, channel, OfficerAct::SetRole { role: Role::Issuer, key: &NEW_KEY }),
        effect: |bench, _, _| {
            let (new, old) = (bench.log_in(Role::Issuer, NEW_KEY), bench.log_in(Role::Issuer, ISSUER));
            assert!(new.is_ok() != old.is_ok(), "one of the two");
            new.is_ok()
        },
        ..OF_OFFICER
    },
    Case {
        name: "zeroise",
        run: |bench, _, channel| officer(bench, channel, OfficerAct::Zeroise),
        effect: |bench, _, _| bench.status().stage == 0 && bench.log_in(Role::Officer, RoleKey::BLANK).is_ok(),
        again: &[Fault::Denied],
        opens: false,
        stages: [2, 0],
        ..OF_OFFICER
    },
];

pub const ISSUERS_AND_AUDITORS: [Case; 7] = [
    Case {
        name: "issue",
        run: |bench, _, channel| {
            bench.act(channel.unwrap(), &Bench::issuing(&bob(), Rights::OWN, Purposes::OWN_USE, &SESSION_KEY))
        },
        effect: |bench, town, answer| {
            answer.is_some_and(|credential| {
                let bob = caller(credential, SESSION_KEY);
                bench.in_session(&bob, &SessionAct::Authenticate).is_ok() && recorded(bench, town, Event::RoleAct)
            })
        },
        ..OF_ISSUER
    },
    Case {
        name: "end session",
        run: |bench, town, channel| {
            let session = *town.alice.credential.session_unverified().as_bytes();
            bench.act(channel.unwrap(), &RoleAct::Issuer(IssuerAct::EndSession { session }))
        },
        effect: |bench, town, _| bench.in_session(&town.alice, &SessionAct::Authenticate) == Err(Fault::Denied),
        opens: false,
        ..OF_ISSUER
    },
    Case {
        name: "audit key",
        run: |bench, _, channel| auditor(bench, channel, AuditorAct::AuditKey),
        effect: |_, town, answer| answer == Some(town.audit_key.write_secret().as_slice()),
        ..OF_AUDITOR
    },
    Case {
        name: "have audit key",
        run: |bench, _, channel| auditor(bench, channel, AuditorAct::HaveAuditKey),
        effect: |bench, _, _| bench.auditor(AuditorAct::AuditKey) == Err(Fault::Stage),
        ..OF_AUDITOR
    },
    Case {
        name: "read",
        run: |bench, _, channel| auditor(bench, channel, AuditorAct::Read),
        effect: |_, town, answer| {
            let Some(mut entries) = answer else { return false };
            let mut reader = town.reader.fork();
            while let Some((entry, rest)) = entries.split_first_chunk::<{ SealedEntry::LEN }>() {
                entries = rest;
                reader.read(&SealedEntry::from_bytes(*entry)).unwrap();
            }
            entries.is_empty()
        },
        ..OF_AUDITOR
    },
    Case {
        name: "acknowledge",
        run: |bench, town, channel| {
            let sequence = town.working.entries.last().unwrap().sequence();
            auditor(bench, channel, AuditorAct::Acknowledge { sequence })
        },
        effect: |bench, town, _| {
            let acknowledged = town.working.entries.last().unwrap().sequence();
            bench.entries().iter().all(|entry| entry.sequence() > acknowledged)
        },
        ..OF_AUDITOR
    },
    Case {
        name: "checkpoint",
        run: |bench, _, channel| auditor(bench, channel, AuditorAct::Checkpoint),
        effect: |_, _, answer| answer.is_some(),
        ..OF_AUDITOR
    },
];

pub const SESSIONS: [Case; 17] = [
    Case {
        name: "authenticate",
        run: |bench, town, _| bench.in_session(&town.alice, &SessionAct::Authenticate),
        effect: |bench, town, answer| answer.is_some() && recorded(bench, town, Event::Authenticate),
        ..WORKING
    },
    Case {
        name: "tokenize",
        run: |bench, town, _| seal(bench, town, false),
        effect: |bench, town, answer| {
            answer.is_some_and(|token| opens(bench, &town.bob, token) && recorded(bench, town, Event::Tokenize))
        },
        ..WORKING
    },
    Case {
        // The first one makes the owner's secret, without which the token would never open again.
        name: "tokenize erasable",
        run: |bench, town, _| seal(bench, town, true),
        effect: |bench, town, answer| answer.is_some_and(|token| opens(bench, &town.bob, token)),
        ..WORKING
    },
    Case {
        name: "detokenize",
        run: |bench, town, _| bench.in_session(&town.alice, &open(Field::EMAIL, &town.email)),
        effect: |bench, town, answer| answer == Some(EMAIL) && recorded(bench, town, Event::Detokenize),
        ..WORKING
    },
    Case {
        name: "detokenize erasable",
        run: |bench, town, _| bench.in_session(&town.alice, &open(Field::EMAIL, &town.erasable)),
        effect: |bench, town, answer| answer == Some(EMAIL) && recorded(bench, town, Event::Detokenize),
        ..WORKING
    },
    Case {
        name: "detokenize another's",
        run: |bench, town, _| match bench.in_session(&town.bob, &open(Field::EMAIL, &town.email)) {
            Err(Fault::Denied) => Ok(vec![]),
            other => other.and(Err(Fault::Malformed)),
        },
        // A refusal is an answer, and on the record.
        effect: |bench, town, answer| answer.is_some() && recorded(bench, town, Event::Detokenize),
        ..WORKING
    },
    Case {
        name: "reveal",
        run: |bench, town, _| {
            let items = [(Field::EMAIL, &town.email), (Field::PHONE, &town.phone)];
            let bytes: Vec<u8> = items.iter().flat_map(|(field, token)| one_item(*field, token)).collect();
            bench.in_session(&town.alice, &SessionAct::Reveal { opening: OWN, items: &bytes })
        },
        effect: |bench, town, answer| {
            answer.is_some_and(|reply| reply.len() > EMAIL.len() + PHONE.len() && recorded(bench, town, Event::Reveal))
        },
        ..WORKING
    },
    Case {
        name: "rewrap",
        from: |town| &town.rotated,
        run: |bench, town, _| {
            let rewrap = SessionAct::Rewrap { opening: OWN, item: asked(Field::EMAIL, &town.email) };
            bench.in_session(&town.alice, &rewrap)
        },
        effect: |bench, town, answer| {
            answer
                .is_some_and(|token| Token::from_bytes(token).unwrap().epoch() == 2 && opens(bench, &town.alice, token))
        },
        ..WORKING
    },
    Case {
        name: "grant",
        run: |bench, town, _| {
            let fields = Field::PHONE.code().to_le_bytes();
            bench.in_session(&town.alice, &granting(who_of(&carrier()), &fields, 0))
        },
        effect: |bench, town, answer| {
            answer.is_some_and(|grant| {
                let delivered = bench.in_session(&town.carrier, &deliver(grant, &town.phone));
                delivered.as_deref() == Ok(PHONE) && recorded(bench, town, Event::Grant)
            })
        },
        ..WORKING
    },
    Case {
        // It is for one use: once the value was handed out, there is none left.
        name: "use a grant",
        run: |bench, town, _| bench.in_session(&town.carrier, &deliver(&town.grant, &town.phone)),
        effect: |bench, town, _| {
            bench.in_session(&town.carrier, &deliver(&town.grant, &town.phone)) == Err(Fault::Denied)
        },
        again: &[Fault::Denied],
        ..WORKING
    },
    Case {
        name: "revoke",
        run: |bench, town, _| bench.in_session(&town.alice, &SessionAct::Revoke { grant: &town.grant }),
        effect: |bench, town, _| {
            bench.in_session(&town.carrier, &deliver(&town.grant, &town.phone)) == Err(Fault::Denied)
        },
        ..WORKING
    },
    Case {
        name: "revoke all",
        run: |bench, town, _| bench.in_session(&town.alice, &SessionAct::RevokeAll { owner: who_of(&alice()) }),
        effect: |bench, town, _| {
            bench.in_session(&town.carrier, &deliver(&town.grant, &town.phone)) == Err(Fault::Denied)
        },
        ..WORKING
    },
    Case {
        name: "erase",
        run: |bench, town, _| bench.in_session(&town.shop, &SessionAct::Erase { owner: who_of(&alice()) }),
        effect: |bench, town, _| {
            let (plain, erasable) = (opens(bench, &town.alice, &town.email), opens(bench, &town.alice, &town.erasable));
            assert_eq!(plain, erasable, "both or none");
            !plain
        },
        again: &[Fault::Denied],
        opens: false,
        ..WORKING
    },
    Case {
        name: "confirm address",
        run: |bench, town, _| {
            let (owner, field) = (alice(), Field::EMAIL.code());
            let act = SessionAct::ConfirmAddress { owner: who_of(&owner), field, address: b"a@example.com" };
            bench.in_session(&town.shop, &act)
        },
        effect: |bench, town, _| recorded(bench, town, Event::ConfirmAddress),
        ..WORKING
    },
    Case {
        name: "log out",
        run: |bench, town, _| bench.in_session(&town.alice, &SessionAct::LogOut),
        effect: |bench, town, _| bench.in_session(&town.alice, &SessionAct::Authenticate) == Err(Fault::Denied),
        again: &[Fault::Denied],
        opens: false,
        ..WORKING
    },
    Case {
        name: "stop",
        run: |bench, town, _| bench.in_session(&town.shop, &SessionAct::Stop),
        effect: |bench, _, _| bench.status().stopped,
        opens: false,
        ..WORKING
    },
    Case {
        name: "release",
        from: |town| &town.stopped,
        run: |bench, town, _| bench.in_session(&town.shop, &SessionAct::Release),
        effect: |bench, _, _| !bench.status().stopped,
        opens: false,
        ..WORKING
    },
];

fn seal(bench: &mut Bench, town: &Town, erasable: bool) -> Answer {
    let owner = bob();
    let values = &sealing(Field::EMAIL, EMAIL);
    bench.in_session(&town.shop, &SessionAct::Tokenize { owner: who_of(&owner), erasable, values })
}

fn one_item(field: Field, token: &[u8]) -> Vec<u8> {
    let mut bytes = [0; 256];
    let len = symbolon::appliance::write(&asked(field, token), &mut bytes).unwrap();
    bytes[..len].to_vec()
}
