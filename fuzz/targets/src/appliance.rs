//! The appliance, whatever comes over its line.

mod bench;
mod odd;

use arbitrary::Unstructured;
use symbolon::appliance::{AuditorAct, IssuerAct, OfficerAct, Request, Response, Role, SessionAct};

use bench::{Bench, Caller, SECRETS};

/// Whatever comes gets one well-formed answer, and the device goes on: it is healthy, gives challenges, and has said no key; her value goes to her
/// and to whom she granted it.
pub fn run(data: &[u8]) {
    let mut data = Unstructured::new(data);
    match data.int_in_range(0..=2).unwrap_or_default() {
        0 => noise(data.take_rest()),
        1 => conversation(&mut Bench::blank(), &mut data),
        _ => conversation(&mut Bench::ready(), &mut data),
    }
}

/// Bytes as they come.
fn noise(data: &[u8]) {
    for mut bench in [Bench::blank(), Bench::ready()] {
        bench.send_bytes(data);
        // A zero ends what was begun.
        bench.send_bytes(&[0]);
        bench.goes_on();
    }
}

/// Requests of the right form, of which some make no sense.
fn conversation(bench: &mut Bench, data: &mut Unstructured<'_>) {
    for _ in 0..24 {
        if data.is_empty() || step(bench, data).is_err() {
            break;
        }
    }
    bench.goes_on();
}

fn step(bench: &mut Bench, data: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    match data.int_in_range(0..=12)? {
        0 => bench.send_bytes(data.bytes(data.len().min(40))?),
        1 => drop(bench.send(&[Request::Status, Request::SelfTest][data.choose_index(2)?])),
        2 => bench.fresh_challenge(),
        3 => {
            let role = role(data)?;
            let key = [bench::key_of(role), [0; 32], bench::key_of(Role::Auditor)][data.choose_index(3)?];
            bench.log_in(role, key);
        }
        4 => bench.act(&odd::officer(data)?),
        5 => bench.act(&odd::issuer(data)?),
        6 => bench.act(&odd::auditor(data)?),
        7 => {
            let caller = caller(data)?;
            let pool = bench.pool.clone();
            let act = odd::session(data, &pool)?;
            drop(bench.in_session(caller, &act, data.ratio(1, 4)?));
        }
        8 => {
            let sealed = data.bytes(data.len().min(24))?;
            bench.send(&Request::Act { sealed });
        }
        9 => bench.pass(data.int_in_range(0..=900_000)?),
        10 => bench.restart(),
        11 => bench.repeat(data.arbitrary()?, data.arbitrary()?),
        _ => {
            let act = [OfficerAct::Generate, OfficerAct::Rotate, OfficerAct::Lock, OfficerAct::Backup]
                [data.choose_index(4)?];
            bench.log_in(Role::Officer, bench::key_of(Role::Officer));
            bench.act(&act);
        }
    }
    Ok(())
}

fn role(data: &mut Unstructured<'_>) -> arbitrary::Result<Role> {
    data.choose(&Role::ALL).copied()
}

fn caller(data: &mut Unstructured<'_>) -> arbitrary::Result<Caller> {
    data.choose(&[Caller::Alice, Caller::Bob, Caller::Shop]).copied()
}

/// The bytes that came back, one frame or none, are a well-formed answer to a request with this id: its message.
pub fn well_formed(sent: &[u8], id: Option<u16>) -> Vec<u8> {
    let Some((0, frame)) = sent.split_last() else { panic!("no answer, or none that ends") };
    assert!(!frame.contains(&0), "two answers");
    let mut frame = frame.to_vec();
    let received = symbolon::appliance::open_frame(&mut frame).expect("a frame");
    if let Some(id) = id {
        assert_eq!(received.id, id);
    }
    let response: Response<'_> = symbolon::appliance::read(received.message).expect("one response in its one form");
    if let Response::Fault(code) = response {
        let fault = symbolon::appliance::Fault::from_code(code).expect("one of the faults that there are");
        assert!(!fault.to_string().is_empty());
        assert_eq!(sent.len(), crate::frames::sealed(0, received.message).len(), "as long as any other");
    }
    says_no_key(received.message);
    received.message.to_vec()
}

fn says_no_key(message: &[u8]) {
    for secret in SECRETS {
        assert!(!message.windows(secret.len()).any(|part| part == secret), "a key on the line");
    }
}

/// A key that no answer may have in it, for the tests of this target.
#[must_use]
pub fn officers_key() -> [u8; 32] {
    SECRETS[0]
}

/// Conversations in the bytes that the choices above are made of, and noise.
pub fn seeds() -> Vec<Vec<u8>> {
    let frame = |message: &[u8]| crate::frames::sealed(7, message);
    let noise = |mut bytes: Vec<u8>| {
        bytes.push(0);
        bytes
    };
    let mut seeds =
        vec![noise(vec![]), noise(vec![0, 1, 2, 0]), noise(frame(&[0])), noise(frame(&[2])), noise(frame(&[9]))];
    let mut many = Vec::new();
    for message in [&[0][..], &[1], &[2], &[3, 0], &[4, 3, 1, 2, 3], &[5, 0, 0, 1, 0]] {
        many.extend(frame(message));
    }
    seeds.push(noise(many));
    // Longer than it has room for.
    seeds.push(noise([vec![7; 1540], vec![0, 1, 0]].concat()));
    // A run of choices of each kind: the numbers are taken from the end.
    for kind in 0..13_u8 {
        for mode in 1..3_u8 {
            let mut seed: Vec<u8> = (0..24_u8).map(|at| at.wrapping_mul(37).wrapping_add(kind)).collect();
            seed.extend([kind, 3, kind, 2, 7, kind, mode]);
            seeds.push(seed);
        }
    }
    seeds
}

/// What the list of acts has to be: here so that a new one is missed by the compiler.
const _: fn(&OfficerAct<'_>, &IssuerAct<'_>, &AuditorAct, &SessionAct<'_>) = |officer, issuer, auditor, session| {
    match officer {
        OfficerAct::Initialise { .. }
        | OfficerAct::Generate
        | OfficerAct::Import { .. }
        | OfficerAct::Backup
        | OfficerAct::Rotate
        | OfficerAct::Retire { .. }
        | OfficerAct::Lock
        | OfficerAct::SetRole { .. }
        | OfficerAct::Zeroise => {}
    }
    match issuer {
        IssuerAct::Issue { .. } | IssuerAct::EndSession { .. } => {}
    }
    match auditor {
        AuditorAct::AuditKey
        | AuditorAct::HaveAuditKey
        | AuditorAct::Read
        | AuditorAct::Acknowledge { .. }
        | AuditorAct::Checkpoint => {}
    }
    match session {
        SessionAct::Authenticate
        | SessionAct::Tokenize { .. }
        | SessionAct::Detokenize { .. }
        | SessionAct::Reveal { .. }
        | SessionAct::Rewrap { .. }
        | SessionAct::Grant { .. }
        | SessionAct::GrantFor { .. }
        | SessionAct::Revoke { .. }
        | SessionAct::RevokeAll { .. }
        | SessionAct::Erase { .. }
        | SessionAct::ConfirmAddress { .. }
        | SessionAct::LogOut
        | SessionAct::Stop
        | SessionAct::Release => {}
    }
};
