//! The appliance's vector files against the public API: frames, messages, roles' log-ins and channels, wrapped keyrings. What an appliance
//! keeps is not public; `tests/second/interop_appliance.py` opens it. A missing file fails; none is ever remade by a test.

use rand_core::{TryCryptoRng, TryRng};
use serde::{Serialize, Serializer, ser::SerializeTuple};
use symbolon::{
    Error, Keyring,
    appliance::{
        Asked, AuditorAct, Fault, Granting, IssuerAct, OfficerAct, Opening, Request, Response, Role, RoleKey, Sealing,
        SessionAct, Status, TransportKey, Who, open_frame, read, read_first, room_before, seal_frame, write,
    },
};

/// Gives the same bytes at every call: what a vector says, and others behind it.
struct Fixed(Vec<u8>);

impl TryRng for Fixed {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("only bytes are asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("only bytes are asked for")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        let behind = (0..=u8::MAX).cycle();
        for (slot, byte) in out.iter_mut().zip(self.0.iter().copied().chain(behind)) {
            *slot = byte;
        }
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

fn cases(file: &str) -> Vec<Vec<String>> {
    let path = format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cases: Vec<Vec<String>> =
        lines.map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect()).collect();
    assert!(!cases.is_empty(), "{file} has no cases");
    cases
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.trim_start_matches('-');
    assert!(digits.len().is_multiple_of(2), "{text}");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

fn all(cell: &str) -> Vec<Vec<u8>> {
    cell.split(',').map(hex).collect()
}

fn role(text: &str) -> Role {
    Role::ALL[text.parse::<usize>().unwrap()]
}

// --- Frames -----------------------------------------------------------------------------------------------------------

#[test]
fn frames() {
    let (mut good, mut bad) = (0, 0);
    for case in cases("appliance-frames.txt") {
        let [verdict, id, first, second] = case.as_slice() else { panic!("{case:?}") };
        let id: u16 = id.parse().unwrap();
        if verdict == "ok" {
            opens_and_is_sealed(id, &hex(first), &hex(second));
            good += 1;
        } else {
            let mut frame = hex(first);
            assert_eq!(frame.pop(), Some(0), "{second}");
            let found = open_frame(&mut frame).map(|received| received.id);
            assert_eq!(found, Err((id, fault_named(verdict))), "{second}");
            bad += 1;
        }
    }
    assert!(good >= 50 && bad >= 35, "{good} good, {bad} bad");
}

fn opens_and_is_sealed(id: u16, message: &[u8], frame: &[u8]) {
    let mut opened = frame.to_vec();
    assert_eq!(opened.pop(), Some(0));
    let received = open_frame(&mut opened).unwrap();
    assert_eq!((received.id, &*received.message), (id, message));
    // In as little room as there may be, and in more.
    for more in [0, 1, 300] {
        let start = room_before(message.len()) + more;
        let mut buffer = vec![0x55; start + message.len() + symbolon::appliance::ROOM_BEHIND];
        buffer[start..start + message.len()].copy_from_slice(message);
        let len = seal_frame(&mut buffer, id, start, message.len()).unwrap();
        assert_eq!(buffer[..len], *frame, "{more} bytes of more room");
    }
}

fn fault_named(name: &str) -> Fault {
    match name {
        "bad frame" => Fault::BadFrame,
        "version" => Fault::Version,
        _ => panic!("{name}"),
    }
}

// --- Messages ---------------------------------------------------------------------------------------------------------

/// The cells of a message's fields, one after the other.
struct Cells<'c>(std::slice::Iter<'c, Vec<u8>>, std::slice::Iter<'c, String>);

impl<'c> Cells<'c> {
    fn bytes(&mut self) -> &'c [u8] {
        self.1.next().unwrap();
        self.0.next().unwrap()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.bytes().try_into().unwrap()
    }

    fn text(&mut self) -> &'c str {
        std::str::from_utf8(self.bytes()).unwrap()
    }

    fn cell(&mut self) -> &'c str {
        self.0.next().unwrap();
        self.1.next().unwrap()
    }

    fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(&mut self) -> T {
        self.cell().parse().unwrap()
    }

    fn flag(&mut self) -> bool {
        self.number::<u8>() == 1
    }

    fn who(&mut self) -> Who<'c> {
        Who { kind: self.number(), subject: self.bytes() }
    }

    fn opening(&mut self) -> Opening<'c> {
        Opening {
            purpose: self.number(),
            masked: self.flag(),
            grant: self.bytes(),
            address_field: self.number(),
            address: self.bytes(),
        }
    }

    fn asked(&mut self) -> Asked<'c> {
        Asked { field: self.number(), record: self.bytes(), token: self.bytes() }
    }

    fn granting(&mut self) -> Granting<'c> {
        Granting {
            grantee: self.who(),
            fields: self.bytes(),
            purpose: self.number(),
            view: self.number(),
            record: self.bytes(),
            not_before: self.number(),
            expires: self.number(),
            uses: self.number(),
        }
    }
}

/// Writes what the cells say, and reads it again.
macro_rules! there_and_back {
    ($message:expr, $type:ty, $bytes:expr) => {{
        let (message, bytes): ($type, &[u8]) = ($message, $bytes);
        let mut out = vec![0; 4096];
        let len = write(&message, &mut out).unwrap();
        assert_eq!(&out[..len], bytes);
        let read_again = read::<$type>(bytes).unwrap();
        assert!(read_again == message, "{message:?}");
    }};
}

#[test]
fn messages() {
    let mut counts = std::collections::BTreeMap::new();
    for case in cases("appliance-messages.txt") {
        let [verdict, list, rest @ ..] = case.as_slice() else { panic!("{case:?}") };
        *counts.entry((verdict.clone(), list.clone())).or_insert(0) += 1;
        match (verdict.as_str(), rest) {
            ("ok", [name, shown, message]) => good_message(list, name, shown, &hex(message)),
            ("malformed", [message, why]) => {
                assert_eq!(verdict_of(list, &hex(message)), Err(Fault::Malformed), "{list}: {why}")
            }
            _ => panic!("{case:?}"),
        }
    }
    for list in ["request", "response", "officer", "issuer", "auditor", "session"] {
        for (verdict, least) in [("ok", 4), ("malformed", 12)] {
            let count = counts.get(&(verdict.to_owned(), list.to_owned())).copied().unwrap_or(0);
            assert!(count >= least, "{list}: {count} {verdict}");
        }
    }
}

fn verdict_of(list: &str, bytes: &[u8]) -> Result<(), Fault> {
    match list {
        "request" => read::<Request<'_>>(bytes).map(drop),
        "response" => read::<Response<'_>>(bytes).map(drop),
        "officer" => read::<OfficerAct<'_>>(bytes).map(drop),
        "issuer" => read::<IssuerAct<'_>>(bytes).map(drop),
        "auditor" => read::<AuditorAct>(bytes).map(drop),
        "session" => read::<SessionAct<'_>>(bytes).map(drop),
        _ => panic!("{list}"),
    }
}

fn good_message(list: &str, name: &str, shown: &str, bytes: &[u8]) {
    let texts: Vec<String> = shown.split(',').map(str::to_owned).collect();
    // Numbers are no hex, but for some that look like it.
    let contents: Vec<Vec<u8>> = texts.iter().map(|text| if is_hex(text) { hex(text) } else { Vec::new() }).collect();
    let cells = Cells(contents.iter(), texts.iter());
    match list {
        "request" => there_and_back!(request(name, cells), Request<'_>, bytes),
        "response" => there_and_back!(response(name, cells), Response<'_>, bytes),
        "officer" => there_and_back!(officer(name, cells), OfficerAct<'_>, bytes),
        "issuer" => there_and_back!(issuer(name, cells), IssuerAct<'_>, bytes),
        "auditor" => there_and_back!(auditor(name, cells), AuditorAct, bytes),
        "session" => there_and_back!(session(name, cells), SessionAct<'_>, bytes),
        _ => panic!("{list}"),
    }
}

fn is_hex(text: &str) -> bool {
    text == "-" || (text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn request<'c>(name: &str, mut cells: Cells<'c>) -> Request<'c> {
    match name {
        "Status" => Request::Status,
        "SelfTest" => Request::SelfTest,
        "Challenge" => Request::Challenge,
        "LogIn" => Request::LogIn { role: role(cells.cell()), nonce: cells.array(), mac: cells.array() },
        "Act" => Request::Act { sealed: cells.bytes() },
        "InSession" => Request::InSession {
            credential: cells.bytes(),
            proof: cells.bytes(),
            challenged: cells.flag(),
            act: cells.bytes(),
        },
        _ => panic!("{name}"),
    }
}

fn response<'c>(name: &str, mut cells: Cells<'c>) -> Response<'c> {
    match name {
        "Fault" => Response::Fault(cells.number()),
        "Done" => Response::Done,
        "Bytes" => Response::Bytes(cells.bytes()),
        "Status" => Response::Status(Status {
            stage: cells.number(),
            locked: cells.flag(),
            stopped: cells.flag(),
            healthy: cells.flag(),
            time: Some(cells.cell()).filter(|cell| *cell != "none").map(|cell| cell.parse().unwrap()),
            node: cells.number(),
            epoch: cells.number(),
            room: cells.number(),
            next_entry: cells.number(),
            alarms: cells.number(),
            attempts: cells.array(),
            longest_answer: cells.number(),
            most_items: cells.number(),
        }),
        "SelfTest" => Response::SelfTest(cells.number()),
        "Challenge" => Response::Challenge(cells.array()),
        "Act" => Response::Act(cells.bytes()),
        "Epoch" => Response::Epoch(cells.number()),
        "Ends" => Response::Ends(cells.number()),
        _ => panic!("{name}"),
    }
}

fn officer<'c>(name: &str, mut cells: Cells<'c>) -> OfficerAct<'c> {
    match name {
        "Initialise" => OfficerAct::Initialise {
            officer: cells.bytes(),
            issuer: cells.bytes(),
            auditor: cells.bytes(),
            transport: cells.bytes(),
            audience: cells.bytes(),
            node: cells.number(),
            max_life: cells.number(),
        },
        "Generate" => OfficerAct::Generate,
        "Import" => OfficerAct::Import { wrapped: cells.bytes() },
        "Backup" => OfficerAct::Backup,
        "Rotate" => OfficerAct::Rotate,
        "Retire" => OfficerAct::Retire { epoch: cells.number() },
        "Lock" => OfficerAct::Lock,
        "SetRole" => OfficerAct::SetRole { role: role(cells.cell()), key: cells.bytes() },
        "Zeroise" => OfficerAct::Zeroise,
        _ => panic!("{name}"),
    }
}

fn issuer<'c>(name: &str, mut cells: Cells<'c>) -> IssuerAct<'c> {
    match name {
        "Issue" => IssuerAct::Issue {
            tenant: cells.bytes(),
            who: cells.who(),
            rights: cells.number(),
            purposes: cells.number(),
            life: cells.number(),
            session_key: cells.bytes(),
        },
        "EndSession" => IssuerAct::EndSession { session: cells.array() },
        _ => panic!("{name}"),
    }
}

fn auditor(name: &str, mut cells: Cells<'_>) -> AuditorAct {
    match name {
        "AuditKey" => AuditorAct::AuditKey,
        "HaveAuditKey" => AuditorAct::HaveAuditKey,
        "Read" => AuditorAct::Read,
        "Acknowledge" => AuditorAct::Acknowledge { sequence: cells.number() },
        "Checkpoint" => AuditorAct::Checkpoint,
        _ => panic!("{name}"),
    }
}

fn session<'c>(name: &str, mut cells: Cells<'c>) -> SessionAct<'c> {
    match name {
        "Authenticate" => SessionAct::Authenticate,
        "Tokenize" => {
            let (owner, erasable, values) = (cells.who(), cells.flag(), cells.bytes());
            assert!(count_of::<Sealing<'_>>(values) > 0);
            SessionAct::Tokenize { owner, erasable, values }
        }
        "Detokenize" => SessionAct::Detokenize { opening: cells.opening(), item: cells.asked() },
        "Reveal" => {
            let (opening, items) = (cells.opening(), cells.bytes());
            assert_eq!(count_of::<Asked<'_>>(items), 2);
            SessionAct::Reveal { opening, items }
        }
        "Rewrap" => SessionAct::Rewrap { opening: cells.opening(), item: cells.asked() },
        "Grant" => SessionAct::Grant { terms: cells.granting() },
        "GrantFor" => SessionAct::GrantFor { owner: cells.who(), reason: cells.text(), terms: cells.granting() },
        "Revoke" => SessionAct::Revoke { grant: cells.bytes() },
        "RevokeAll" => SessionAct::RevokeAll { owner: cells.who() },
        "Erase" => SessionAct::Erase { owner: cells.who() },
        "ConfirmAddress" => {
            SessionAct::ConfirmAddress { owner: cells.who(), field: cells.number(), address: cells.bytes() }
        }
        "LogOut" => SessionAct::LogOut,
        "Stop" => SessionAct::Stop,
        "Release" => SessionAct::Release,
        _ => panic!("{name}"),
    }
}

/// How many stand one behind the other.
fn count_of<'a, T: Serialize + serde::Deserialize<'a>>(mut bytes: &'a [u8]) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        bytes = read_first::<T>(bytes).unwrap().1;
        count += 1;
    }
    count
}

// --- Roles ------------------------------------------------------------------------------------------------------------

/// Written as they are: the channel seals whatever the message is.
struct Raw(Vec<u8>);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for byte in &self.0 {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}

#[test]
fn roles() {
    let mut acts = 0;
    for case in cases("appliance-roles.txt") {
        let [key, who, challenge, nonce, mac, act_cell, sealed_cell, answer_cell, sealed_answer_cell] = case.as_slice()
        else {
            panic!("{case:?}")
        };
        let (request, mut channel) =
            RoleKey::new(array(key)).log_in(role(who), &array(challenge), &mut Fixed(hex(nonce))).unwrap();
        assert!(request == Request::LogIn { role: role(who), nonce: array(nonce), mac: array(mac) }, "the MAC");
        let columns = [act_cell, sealed_cell, answer_cell, sealed_answer_cell].map(|cell| all(cell));
        for (((act, sealed), answer), sealed_answer) in
            columns[0].iter().zip(&columns[1]).zip(&columns[2]).zip(&columns[3])
        {
            let mut out = vec![0; act.len() + 16];
            let len = channel.seal_act(&Raw(act.clone()), &mut out).unwrap();
            assert_eq!(out[..len], *sealed);
            for wrong in [sealed.clone(), sealed_answer[1..].to_vec(), Vec::new()] {
                assert_eq!(channel.open_answer(&mut wrong.clone()), Err(Fault::Denied));
            }
            assert_eq!(channel.open_answer(&mut sealed_answer.clone()), Ok(answer.as_slice()));
            acts += 1;
        }
        assert!(columns.iter().all(|column| column.len() == columns[0].len()));
    }
    assert!(acts > 300, "{acts} acts");
}

// --- Wrapped keyrings -------------------------------------------------------------------------------------------------

#[test]
fn wrapped_keyrings() {
    let (mut good, mut bad) = (0, 0);
    for case in cases("appliance-wrapped.txt") {
        match case.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["ok", transport, salt, form, wrapped] => {
                let key = TransportKey::new(array(transport));
                let keyring = Keyring::read_secret(&hex(form)).unwrap();
                let mut out = [0; TransportKey::MAX_WRAPPED];
                let len = key.wrap(&keyring, &mut Fixed(hex(salt)), &mut out).unwrap();
                assert_eq!(out[..len], hex(wrapped));
                assert_eq!(secret_of(&key.unwrap(&hex(wrapped)).unwrap()), hex(form));
                good += 1;
            }
            ["invalid keyring", transport, wrapped, why] => {
                let found = TransportKey::new(array(transport)).unwrap(&hex(wrapped)).map(drop);
                assert_eq!(found, Err(Error::InvalidKeyring), "{why}");
                bad += 1;
            }
            _ => panic!("{case:?}"),
        }
    }
    assert!(good >= 12 && bad >= 25, "{good} good, {bad} bad");
}

fn secret_of(keyring: &Keyring) -> Vec<u8> {
    let mut out = [0; Keyring::MAX_LEN];
    let len = keyring.write_secret(&mut out).unwrap();
    out[..len].to_vec()
}
