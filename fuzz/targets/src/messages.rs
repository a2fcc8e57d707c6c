//! The appliance's messages.

use symbolon::appliance::{
    Asked, AuditorAct, Granting, IssuerAct, OfficerAct, Opening, Request, Response, Role, Sealing, SessionAct, Who,
    read, read_first, write,
};

use crate::promises::written_back;

/// A message has one form: what is read is written byte for byte the same, with nothing behind it. What is shown of it tells nothing that it
/// carries.
pub fn run(data: &[u8]) {
    let _taken = taken(data);
}

/// The same, and what the bytes were taken as.
pub fn taken(data: &[u8]) -> Vec<&'static str> {
    let mut taken = Vec::new();
    macro_rules! one_form {
        ($($message:ty),*) => {$(
            let name = stringify!($message).trim_end_matches("<'_>");
            let is_one = written_back(data, |bytes| {
                let message: $message = read(bytes).ok()?;
                assert_eq!(format!("{message:?}"), format!("{name} {{ .. }}"));
                Some(written(&message))
            });
            taken.extend(is_one.then_some(name));
            let mut rest = data;
            while let Ok((message, behind)) = read_first::<$message>(rest) {
                let len = rest.len() - behind.len();
                assert_eq!(written(&message), rest[..len]);
                if len == 0 {
                    break;
                }
                rest = behind;
            }
        )*};
    }
    one_form!(
        Request<'_>,
        Response<'_>,
        OfficerAct<'_>,
        IssuerAct<'_>,
        AuditorAct,
        SessionAct<'_>,
        Who<'_>,
        Sealing<'_>,
        Asked<'_>,
        Opening<'_>,
        Granting<'_>
    );
    taken
}

fn written<T: serde::Serialize>(message: &T) -> Vec<u8> {
    let mut out = vec![0; 1 << 14];
    let len = write(message, &mut out).expect("room");
    out.truncate(len);
    out
}

/// One of each message.
pub fn seeds() -> Vec<Vec<u8>> {
    let who = Who { kind: 1, subject: b"alice" };
    let opening = Opening { purpose: 1, masked: true, grant: &[9; 191], address_field: 4, address: b"a@example.com" };
    let item = Asked { field: 5, record: b"", token: &[3; 86] };
    let terms = Granting {
        grantee: Who { kind: 3, subject: b"carrier" },
        fields: &[1, 0, 2, 0],
        purpose: 1,
        view: 2,
        record: b"order-7",
        not_before: 300,
        expires: u64::MAX,
        uses: 128,
    };
    let key = [7; 32];
    let keys = OfficerAct::Initialise {
        officer: &key,
        issuer: &key,
        auditor: &key,
        transport: &key,
        audience: b"shop",
        node: 70_000,
        max_life: 900_000,
    };
    let issue = IssuerAct::Issue { tenant: b"shop", who, rights: 300, purposes: u64::MAX, life: 1, session_key: &key };
    vec![
        written(&Request::Status),
        written(&Request::Challenge),
        written(&Request::LogIn { role: Role::Issuer, nonce: [1; 16], mac: [2; 16] }),
        written(&Request::Act { sealed: &[5; 40] }),
        written(&Request::InSession { credential: &[17; 150], proof: &[1; 40], challenged: true, act: &[0] }),
        written(&Response::Bytes(b"value")),
        written(&Response::Ends(1 << 40)),
        written(&keys),
        written(&OfficerAct::SetRole { role: Role::Auditor, key: &key }),
        written(&issue),
        written(&IssuerAct::EndSession { session: [4; 16] }),
        written(&AuditorAct::Acknowledge { sequence: 1 << 33 }),
        written(&SessionAct::Tokenize { owner: who, erasable: true, values: &[1, 0, 3, 97, 98, 99] }),
        written(&SessionAct::Detokenize { opening, item }),
        written(&SessionAct::GrantFor { owner: who, reason: "because", terms }),
        written(&SessionAct::ConfirmAddress { owner: who, field: 4, address: b"a@example.com" }),
        written(&Sealing { field: 0x8000, record: b"r", value: b"v" }),
        written(&who),
        written(&item),
        written(&opening),
        written(&terms),
        written(&SessionAct::LogOut),
        vec![0x80, 0x80, 0],
    ]
}
