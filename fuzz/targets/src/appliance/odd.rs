//! Acts of the right form, with whatever the input puts into them.

use arbitrary::{Result, Unstructured};
use symbolon::appliance::{
    Asked, AuditorAct, Granting, IssuerAct, OfficerAct, Opening, Role, Sealing, SessionAct, Who, write,
};

use super::bench::{ALICE_VALUE, KEYS, Made, NOW, Pool};

/// An officer's act.
pub(super) fn officer<'a>(data: &mut Unstructured<'a>) -> Result<OfficerAct<'a>> {
    Ok(match data.int_in_range(0..=8)? {
        0 => OfficerAct::Initialise {
            officer: key(data)?,
            issuer: key(data)?,
            auditor: key(data)?,
            transport: key(data)?,
            audience: short(data)?,
            node: data.arbitrary()?,
            max_life: number(data, 900_000)?,
        },
        1 => OfficerAct::Generate,
        2 => OfficerAct::Import { wrapped: data.bytes(data.len().min(140))? },
        3 => OfficerAct::Backup,
        4 => OfficerAct::Rotate,
        5 => OfficerAct::Retire { epoch: data.int_in_range(0..=4)? },
        6 => OfficerAct::Lock,
        7 => OfficerAct::SetRole { role: *data.choose(&Role::ALL)?, key: key(data)? },
        _ => OfficerAct::Zeroise,
    })
}

/// An issuer's act.
pub(super) fn issuer<'a>(data: &mut Unstructured<'a>) -> Result<IssuerAct<'a>> {
    Ok(match data.int_in_range(0..=2)? {
        0 => IssuerAct::EndSession { session: data.arbitrary()? },
        _ => IssuerAct::Issue {
            tenant: if data.ratio(1, 4)? { short(data)? } else { b"shop-17" },
            who: who(data)?,
            rights: data.int_in_range(0..=0x3ff)?,
            purposes: data.arbitrary()?,
            life: number(data, 900_000)?,
            session_key: key(data)?,
        },
    })
}

/// An auditor's act.
pub(super) fn auditor(data: &mut Unstructured<'_>) -> Result<AuditorAct> {
    Ok(match data.int_in_range(0..=4)? {
        0 => AuditorAct::AuditKey,
        1 => AuditorAct::HaveAuditKey,
        2 => AuditorAct::Read,
        3 => AuditorAct::Acknowledge { sequence: number(data, 20)? },
        _ => AuditorAct::Checkpoint,
    })
}

/// An act in a session. Tokens and grants are those that there are, mostly.
pub(super) fn session<'r, 'a: 'r>(data: &mut Unstructured<'a>, pool: &'r Pool) -> Result<SessionAct<'r>> {
    Ok(match data.int_in_range(0..=14)? {
        0 => SessionAct::Authenticate,
        1 | 2 => SessionAct::Tokenize {
            owner: who(data)?,
            erasable: data.arbitrary()?,
            values: if data.ratio(1, 3)? { short(data)? } else { &pool.sealing },
        },
        3 | 4 => SessionAct::Detokenize { opening: opening(data, pool)?, item: asked(data, pool)? },
        5 => SessionAct::Reveal {
            opening: opening(data, pool)?,
            items: if data.ratio(1, 3)? { short(data)? } else { &pool.asked },
        },
        6 => SessionAct::Rewrap { opening: opening(data, pool)?, item: asked(data, pool)? },
        7 => SessionAct::Grant { terms: granting(data)? },
        8 => SessionAct::GrantFor { owner: who(data)?, reason: "because", terms: granting(data)? },
        9 => SessionAct::Revoke { grant: grant(data, pool)? },
        10 => SessionAct::RevokeAll { owner: who(data)? },
        11 => SessionAct::Erase { owner: who(data)? },
        12 => SessionAct::ConfirmAddress {
            owner: who(data)?,
            field: data.int_in_range(0..=12)?,
            address: if data.arbitrary()? { b"a@example.com" } else { short(data)? },
        },
        13 => SessionAct::LogOut,
        _ => [SessionAct::Stop, SessionAct::Release][data.choose_index(2)?],
    })
}

/// What several values are asked for with: `Sealing`s, one behind the other.
pub(super) fn sealing() -> Vec<u8> {
    let values: [(u16, &[u8]); 3] = [(1, ALICE_VALUE), (5, b"4242 4242 4242 4242"), (12, b"Rabbit Hole 1")];
    let mut all = Vec::new();
    for (field, value) in values {
        let record: &[u8] = if field == 12 { b"order-7" } else { b"" };
        all.extend(written(&Sealing { field, record, value }));
    }
    all
}

/// All tokens as they are asked for.
pub(super) fn asked_for(tokens: &[Made]) -> Vec<u8> {
    tokens.iter().take(6).flat_map(|token| written(&asked_as_made(&token.bytes))).collect()
}

/// A token, for the field that it says, and the record that [`sealing`] binds to.
pub(super) fn asked_as_made(token: &[u8]) -> Asked<'_> {
    let field = u16::from_le_bytes([token[2], token[3]]);
    Asked { field, record: if field == 12 { b"order-7" } else { b"" }, token }
}

pub(super) fn written<T: serde::Serialize>(message: &T) -> Vec<u8> {
    let mut out = vec![0; 4096];
    let len = write(message, &mut out).expect("room");
    out.truncate(len);
    out
}

fn opening<'r, 'a: 'r>(data: &mut Unstructured<'a>, pool: &'r Pool) -> Result<Opening<'r>> {
    let plain = data.ratio(1, 2)?;
    Ok(Opening {
        purpose: if plain { 0 } else { data.int_in_range(0..=34)? },
        masked: data.arbitrary()?,
        grant: if plain { b"" } else { grant(data, pool)? },
        address_field: if plain { 0 } else { data.int_in_range(0..=5)? },
        address: if plain || data.arbitrary()? { b"" } else { b"a@example.com" },
    })
}

fn asked<'r, 'a: 'r>(data: &mut Unstructured<'a>, pool: &'r Pool) -> Result<Asked<'r>> {
    let token = match pool.tokens.len() {
        0 => short(data)?,
        len => &pool.tokens[data.choose_index(len)?].bytes,
    };
    let own = token.get(2..4).map_or(0, |field| u16::from_le_bytes([field[0], field[1]]));
    let field = if data.ratio(1, 4)? { data.int_in_range(0..=13)? } else { own };
    Ok(Asked { field, record: if own == 12 || data.ratio(1, 8)? { b"order-7" } else { b"" }, token })
}

fn granting<'a>(data: &mut Unstructured<'a>) -> Result<Granting<'a>> {
    let plain = data.ratio(1, 2)?;
    Ok(Granting {
        grantee: who(data)?,
        fields: if plain { &[1, 0, 5, 0] } else { short(data)? },
        purpose: if plain { 0 } else { data.int_in_range(0..=12)? },
        view: if plain { 1 } else { data.int_in_range(0..=4)? },
        record: if plain || data.arbitrary()? { b"" } else { b"order-7" },
        not_before: number(data, NOW.as_millis())?,
        expires: NOW.plus(900_000).as_millis(),
        uses: data.int_in_range(0..=3)?,
    })
}

fn grant<'r, 'a: 'r>(data: &mut Unstructured<'a>, pool: &'r Pool) -> Result<&'r [u8]> {
    match pool.grants.len() {
        0 => data.bytes(data.len().min(191)),
        len => Ok(&pool.grants[data.choose_index(len)?]),
    }
}

fn who<'a>(data: &mut Unstructured<'a>) -> Result<Who<'a>> {
    let known: [(u8, &[u8]); 4] = [(1, b"alice"), (1, b"bob"), (3, b"shop"), (2, b"staff")];
    if data.ratio(1, 8)? {
        return Ok(Who { kind: data.int_in_range(0..=4)?, subject: short(data)? });
    }
    let (kind, subject) = known[data.choose_index(known.len())?];
    Ok(Who { kind, subject })
}

fn key<'a>(data: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    if data.ratio(1, 8)? { short(data) } else { Ok(&KEYS[data.choose_index(KEYS.len())?]) }
}

fn short<'a>(data: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let len = data.int_in_range(0..=70)?;
    data.bytes(len.min(data.len()))
}

/// Usually this one.
fn number(data: &mut Unstructured<'_>, usual: u64) -> Result<u64> {
    if data.ratio(1, 4)? { data.arbitrary() } else { Ok(usual) }
}
