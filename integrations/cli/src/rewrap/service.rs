//! The two that a rewrap takes: the policy authority, which lets the maintenance service reseal some tokens of an owner's, and the
//! maintenance service, which does. This program is both; the trail has them apart, the grants before their use.

use std::collections::HashMap;

use anyhow::{Context, Result};
use symbolon::{
    Access, Error, Field, Grant, GrantTerms, Held, Item, Kind, Principal, Purpose, Purposes, Resealed, Rights,
    SessionKey, Slot, Terms, Token, Vault, View,
};

use super::batch::{Batch, Put, Wanted};
use crate::{
    protect::rows::{Chunk, Made, Rows, Worker},
    schema::Plan,
    session_file::{Caller, SessionFile},
    state::{self, CliHost},
};

/// So many tokens of one owner and field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    owner: usize,
    field: Field,
    count: u32,
}

/// Rewraps chunks.
pub(super) struct Rewrapper<'v> {
    plan: &'v Plan,
    reason: &'v str,
    vault: &'v Vault,
    host: &'v mut CliHost,
    authority: Caller<'v>,
    service: Caller<'v>,
    /// Room for the new tokens of one batch.
    room: Vec<u8>,
}

impl<'v> Rewrapper<'v> {
    /// Both log in.
    pub(super) fn new(plan: &'v Plan, reason: &'v str, vault: &'v Vault, host: &'v mut CliHost) -> Result<Self> {
        let authority = Caller::program(&plan.tenant, Rights::GRANT, vault, host)?;
        let service = maintenance(&plan.tenant, vault, host)?;
        let room = vec![0; AT_ONCE * Token::MAX_LEN];
        Ok(Self { plan, reason, vault, host, authority, service, room })
    }

    /// What becomes of each token, in order: the new one's text, or nothing where it did not open.
    fn rewrap(&mut self, batch: &Batch<'_>) -> Result<Vec<Option<String>>> {
        let mut done = Vec::with_capacity(batch.wanted.len());
        for some in batch.wanted.chunks(AT_ONCE) {
            let grants = self.grants(&batch.owners, some).context("the grants for rewrapping could not be recorded")?;
            self.reseal(some, &grants, &mut done).context("the tokens could not be rewrapped")?;
        }
        Ok(done)
    }

    /// A grant for each owner and up to eight fields, good for exactly these tokens. None for an owner who was erased.
    fn grants(&mut self, owners: &[Principal], some: &[Wanted]) -> Result<HashMap<(usize, Field), Grant>> {
        let need = |wanted: &Wanted| Need { owner: wanted.owner, field: wanted.field, count: 1 };
        let mut needs: Vec<Need> = some.iter().map(need).collect();
        needs.sort_unstable();
        needs.dedup_by(|next, kept| {
            let same = (next.owner, next.field) == (kept.owner, kept.field);
            kept.count += u32::from(same);
            same
        });
        let (session, now) = (self.authority.lasting(self.host)?, state::now()?);
        let mut held: Vec<(&[Need], Held<Grant>)> = Vec::new();
        for of_owner in needs.chunk_by(|one, next| one.owner == next.owner) {
            let Some(owner) = of_owner.first().and_then(|first| owners.get(first.owner)) else { continue };
            for some in of_owner.chunks(FIELDS_OF_A_GRANT) {
                let fields: Vec<Field> = some.iter().map(|need| need.field).collect();
                let terms = GrantTerms {
                    grantee: self.service.principal(),
                    fields: &fields,
                    purpose: Purpose::MAINTENANCE,
                    view: View::Reseal,
                    record: None,
                    not_before: now,
                    expires: now.plus(LIFE),
                    uses: Some(some.iter().map(|need| need.count).sum()),
                };
                held.push((some, session.grant_for_held(owner, &terms, self.reason, self.host)?));
            }
        }
        let receipt = self.host.commit(self.vault)?;
        let mut grants = HashMap::new();
        for (some, held) in held {
            match held.release(&receipt) {
                Ok(grant) => grants.extend(some.iter().map(|need| ((need.owner, need.field), grant.clone()))),
                Err(Error::Denied) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(grants)
    }

    /// Reseals these tokens, with one commit.
    fn reseal(
        &mut self,
        some: &[Wanted],
        grants: &HashMap<(usize, Field), Grant>,
        done: &mut Vec<Option<String>>,
    ) -> Result<()> {
        let session = self.service.lasting(self.host)?;
        let mut held: Vec<Option<Held<Resealed<'_>>>> = Vec::with_capacity(some.len());
        for (wanted, out) in some.iter().zip(self.room.chunks_mut(Token::MAX_LEN)) {
            let Some(grant) = grants.get(&(wanted.owner, wanted.field)) else {
                held.push(None);
                continue;
            };
            let slot = match wanted.record.as_slice() {
                [] => wanted.field.into(),
                record => Slot::in_record(wanted.field, record)?,
            };
            let access = Access::new(Purpose::MAINTENANCE).under(grant);
            let mut request = session.request(&access, 1, self.host)?;
            held.push(Some(request.rewrap_held(&Item::new(slot, wanted.token.as_token()), out, self.host)?));
            request.finish(self.host)?;
        }
        let receipt = self.host.commit(self.vault)?;
        let mut text = [0; Token::MAX_TEXT_LEN];
        for held in held {
            done.push(match held.map(|held| held.release(&receipt)) {
                Some(Ok(resealed)) => Some(Token::write_text(&resealed.into_token(), &mut text)?.to_owned()),
                None | Some(Err(Error::Denied)) => None,
                Some(Err(error)) => return Err(error.into()),
            });
        }
        Ok(())
    }
}

impl Worker for Rewrapper<'_> {
    fn work<R: Rows>(&mut self, chunk: Chunk<R>) -> Made {
        let mut made = Made::of(chunk.bytes, 1);
        let newest = self.vault.newest_epoch();
        let mut batch = Batch::new(self.plan, newest);
        chunk.rows.walk(&mut batch, &mut Made::default());
        match self.rewrap(&batch) {
            Ok(done) => {
                let mut put = Put { plan: self.plan, newest, done: done.into_iter(), text: String::new() };
                chunk.rows.walk(&mut put, &mut made);
                made.ended_by(chunk.broken)
            }
            Err(error) => Made { failed: Some(error), ..made },
        }
    }
}

/// The maintenance service's own session. It has no right at all, and one purpose: what it does, grants allow it.
fn maintenance<'v>(tenant: &str, vault: &'v Vault, host: &mut CliHost) -> Result<Caller<'v>> {
    let service = Principal::service(tenant, SERVICE)?;
    let (mut rng, now) = (state::rng()?, state::now()?);
    let key = SessionKey::generate(&mut rng)?;
    let purposes = Purposes::of(&[Purpose::MAINTENANCE]);
    let terms = Terms { rights: Rights::NONE, purposes, life: state::MAX_LIFE, ..Terms::default() };
    let credential = vault.issuer(tenant, Kind::Service, now.period())?.issue(&service, &key, &terms, now, &mut rng)?;
    Caller::new(SessionFile { key, credential, purposes: None, rights: None }, vault, host)
}

/// The name of the maintenance service in the trail.
const SERVICE: &str = "symbolon-rewrap";

/// Tokens of one batch: each may need a grant of its own, which are two entries, and a record of its uses.
const AT_ONCE: usize = 2000;

const FIELDS_OF_A_GRANT: usize = 8;

/// Milliseconds that a grant lives. It is used at once.
const LIFE: u64 = 60_000;
