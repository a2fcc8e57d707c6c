//! What is asked for by somebody who has a credential. SPEC.md section 17, "Acts in a session".

use heapless::Vec;

use super::{
    Answer, Asked, CONTEXT, Fault, Granting, Opening, Response, SessionAct,
    acts::{principal, put},
    message::{self, Sealing},
    read,
};
use crate::{
    Access, Credential, Environment, Field, Grant, GrantTerms, Host, Item, Proof, Purpose, Session, Slot, Time, Token,
    Vault, View, reply_len,
};

/// One act: authenticated for its very bytes, answered, and forgotten.
pub(super) fn answer<E: Environment, const N: usize, const W: usize>(
    vault: &Vault,
    host: &mut Host<E, N, W>,
    presented: &Presented<'_>,
    out: &mut [u8],
) -> Result<Answer, Fault> {
    let Presented { act, challenge, .. } = presented;
    let asked = read::<SessionAct<'_>>(act)?;
    let credential = Credential::from_bytes(presented.credential)?;
    let proof = Proof::from_bytes(presented.proof)?;
    host.commit_leftovers(vault)?;
    let held = match challenge {
        Some(challenge) => {
            let context: [&[u8]; 3] = [CONTEXT, challenge, act];
            Session::authenticate_challenged_held(vault, &credential, &proof, &context, host)?
        }
        None => Session::authenticate_held(vault, &credential, &proof, &[CONTEXT, act], host)?,
    };
    let session = held.release(&host.commit(vault)?)?;
    perform(&session, vault, asked, out, host)
}

/// What came with a request.
pub(super) struct Presented<'a> {
    pub(super) credential: &'a [u8],
    pub(super) proof: &'a [u8],
    /// The challenge that the proof must be for, where it is for one.
    pub(super) challenge: Option<[u8; 16]>,
    pub(super) act: &'a [u8],
}

fn perform<E: Environment, const N: usize, const W: usize>(
    session: &Session<&Vault>,
    vault: &Vault,
    act: SessionAct<'_>,
    out: &mut [u8],
    host: &mut Host<E, N, W>,
) -> Result<Answer, Fault> {
    let tenant = session.principal().tenant();
    let held = match act {
        SessionAct::Authenticate => return Ok(Response::Ends(session.ends().as_millis()).into()),
        SessionAct::Tokenize { owner, erasable, values } => {
            let owner = principal(tenant, owner)?;
            let held = match erasable {
                true => session.erasable_sealer_held(&owner, host)?,
                false => session.sealer_held(&owner, host)?,
            };
            let sealer = host.settle(vault, held)?;
            return tokenize(&sealer, values, out, host);
        }
        SessionAct::Detokenize { opening, item } => {
            let grant = grant_of(opening.grant)?;
            let access = access(&opening, grant.as_ref())?;
            let value = session.detokenize_as(&access, &item_of(&item)?, out, host)?;
            return Ok(Answer::Bytes(value.leave_at_front()));
        }
        SessionAct::Reveal { opening, items } => return reveal(session, &opening, items, out, host),
        SessionAct::Rewrap { opening, item } => {
            let grant = grant_of(opening.grant)?;
            let access = access(&opening, grant.as_ref())?;
            return Ok(Answer::Bytes(session.rewrap(&access, &item_of(&item)?, out, host)?.as_bytes().len()));
        }
        SessionAct::Grant { terms } => {
            let minted = with_terms(&terms, tenant, |terms| Ok(session.grant_held(terms, host)?))?;
            return put(host.settle(vault, minted)?.as_bytes(), out);
        }
        SessionAct::GrantFor { owner, reason, terms } => {
            let owner = principal(tenant, owner)?;
            let minted = with_terms(&terms, tenant, |terms| Ok(session.grant_for_held(&owner, terms, reason, host)?))?;
            return put(host.settle(vault, minted)?.as_bytes(), out);
        }
        SessionAct::Revoke { grant } => session.revoke_held(&Grant::from_bytes(grant)?, host)?,
        SessionAct::RevokeAll { owner } => session.revoke_all_held(&principal(tenant, owner)?, host)?,
        SessionAct::Erase { owner } => session.erase_held(&principal(tenant, owner)?, host)?,
        SessionAct::ConfirmAddress { owner, field, address } => {
            let field = Field::from_code(field)?;
            session.confirm_address_held(&principal(tenant, owner)?, field, address, host)?
        }
        SessionAct::LogOut => vault.log_out_held(session.id(), host)?,
        SessionAct::Stop => session.stop_held(host)?,
        SessionAct::Release => session.release_held(host)?,
    };
    host.settle(vault, held)?;
    Ok(Response::Done.into())
}

/// The tokens of the values, one behind the other. All or none: where one can't be sealed, that is the answer.
fn tokenize<E: Environment, const N: usize, const W: usize>(
    sealer: &crate::Sealer,
    mut values: &[u8],
    out: &mut [u8],
    host: &mut Host<E, N, W>,
) -> Result<Answer, Fault> {
    if values.is_empty() {
        return Err(Fault::Malformed);
    }
    let mut written = 0_usize;
    while !values.is_empty() {
        let (Sealing { field, record, value }, rest) = message::read_first(values)?;
        values = rest;
        let slot = slot_of(field, record)?;
        let place = out.get_mut(written..).unwrap_or_default();
        let random = host.random16()?;
        let token = sealer.seal(slot, value, &random, place);
        let token =
            token.map_err(|error| if error == crate::Error::BufferTooSmall { Fault::TooLong } else { error.into() });
        written = written.saturating_add(token?.as_bytes().len());
    }
    Ok(Answer::Bytes(written))
}

/// The sealed reply to the items, for the client's session key alone.
fn reveal<E: Environment, const N: usize, const W: usize>(
    session: &Session<&Vault>,
    opening: &Opening<'_>,
    mut bytes: &[u8],
    out: &mut [u8],
    host: &mut Host<E, N, W>,
) -> Result<Answer, Fault> {
    if bytes.is_empty() {
        return Err(Fault::Malformed);
    }
    let mut items = Vec::<Item<'_>, N>::new();
    while !bytes.is_empty() {
        let (asked, rest) = message::read_first::<Asked<'_>>(bytes)?;
        items.push(item_of(&asked)?).map_err(|_| Fault::TooLong)?;
        bytes = rest;
    }
    // Told before anything is opened, or counted.
    if reply_len(&items) > out.len() {
        return Err(Fault::TooLong);
    }
    let grant = grant_of(opening.grant)?;
    let access = access(opening, grant.as_ref())?;
    let reply = session.reveal(&access, &items, out, host)?;
    Ok(Answer::Bytes(reply.as_bytes().len()))
}

fn grant_of(bytes: &[u8]) -> Result<Option<Grant>, Fault> {
    if bytes.is_empty() { Ok(None) } else { Ok(Some(Grant::from_bytes(bytes)?)) }
}

fn access<'a>(opening: &Opening<'a>, grant: Option<&'a Grant>) -> Result<Access<'a>, Fault> {
    let mut access = Access::new(Purpose::from_code(opening.purpose)?);
    if opening.masked {
        access = access.masked();
    }
    if let Some(grant) = grant {
        access = access.under(grant);
    }
    match (opening.address_field, opening.address) {
        (0, []) => Ok(access),
        (field, address) => Ok(access.to_address(Field::from_code(field)?, address)),
    }
}

fn item_of<'a>(asked: &Asked<'a>) -> Result<Item<'a>, Fault> {
    Ok(Item::new(slot_of(asked.field, asked.record)?, Token::from_bytes(asked.token)?))
}

fn slot_of(field: u16, record: &[u8]) -> Result<Slot<'_>, Fault> {
    let field = Field::from_code(field)?;
    if field.is_bound() == record.is_empty() { Err(Fault::InvalidField) } else { Ok(Slot::of(field, record)?) }
}

fn with_terms<T>(
    granting: &Granting<'_>,
    tenant: &[u8],
    mint: impl FnOnce(&GrantTerms<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let grantee = principal(tenant, granting.grantee)?;
    let (codes, rest) = granting.fields.as_chunks::<2>();
    let mut fields = Vec::<Field, 8>::new();
    for code in codes {
        fields.push(Field::from_code(u16::from_le_bytes(*code))?).map_err(|_| Fault::InvalidTerms)?;
    }
    if !rest.is_empty() {
        return Err(Fault::Malformed);
    }
    mint(&GrantTerms {
        grantee: &grantee,
        fields: &fields,
        purpose: Purpose::from_code(granting.purpose)?,
        view: View::from_code(granting.view).ok_or(Fault::InvalidTerms)?,
        record: Some(granting.record).filter(|record| !record.is_empty()),
        not_before: Time::from_millis(granting.not_before),
        expires: Time::from_millis(granting.expires),
        uses: Some(granting.uses).filter(|uses| *uses > 0),
    })
}
