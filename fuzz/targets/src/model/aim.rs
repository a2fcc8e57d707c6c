//! Does the operations: mostly on what fits each other, or all would be refused for the same reasons.

use super::{
    cast::{ADDRESS_FIELDS, ADDRESSES, COUNT, FIELDS, tenant},
    drive::{Drive, OpenSession, pick},
    ideal::{AccessFacts, CONFIRM, LOOK_UP, MAINTENANCE, MESSAGE, OPERATE, OWN, Place, SECOND, TOKENIZE},
    openings::{Attempt, own_place, place},
    plan::{Ask, LogIn, Mint, Op, Style},
};

impl Drive<'_> {
    /// What there is from the beginning: some values, and somebody of each sort logged in.
    pub(super) fn prelude(&mut self, setup: u8) {
        for who in [0, 1, 4] {
            for field in [0, 4] {
                let record = (field == 4).then_some(0);
                self.tokenize(who, Place { field, record }, None);
            }
        }
        for who in [0, 2, 3] {
            self.enter(who, setup % 32);
        }
    }

    /// Logs somebody in, and lets a request arrive.
    fn enter(&mut self, who: usize, how: u8) {
        // What a host may have taken before it started it takes no more.
        let soonest = self.window_start + 2 * SECOND + 1;
        self.advance(soonest.saturating_sub(self.time));
        let before = self.clients.len();
        let rights = [7, 7, 7, 7, 6, 5, 2, 3][usize::from(how >> 5)];
        let purposes = [0, 1, 7, 7, 7, 7, 7, 7][usize::from(how % 8)];
        self.log_in(who, &LogIn::good(rights, purposes));
        if self.clients.len() > before {
            // Now and then a crowd.
            for _ in 0..if how % 32 == 9 { 12 } else { 1 } {
                let proof = self.prove(before, 0);
                self.authenticate(before, Some(proof), false, Style(1));
            }
            let _settled = self.commit(self.newest());
        }
    }

    /// Does one operation on both sides.
    pub(super) fn act(&mut self, op: Op) {
        match op {
            Op::Tokenize { owner, field, other } => {
                let bad_value = (other % 16 == 1).then_some(pick(other / 16, 4));
                self.tokenize(pick(owner, COUNT), some_place(field, other), bad_value);
            }
            Op::SealFor { session, owner, field, other } => {
                let session = self.session(session).filter(|_| other & 3 != 0);
                let owner = self.owner_for(session, owner);
                self.seal_for(session, owner, some_place(field, other | 4), session.is_none() || other & 0xc0 != 0);
            }
            Op::LogIn { who, how } => self.log_in(pick(who, COUNT), &how),
            Op::Renew { client, how } => {
                if let Some(client) = self.client(client) {
                    self.renew(client, how);
                }
            }
            Op::Authenticate { client, proof, wrong, style } => self.request_arrives(client, proof, wrong, style),
            Op::Enter { who, how } => self.enter(pick(who, COUNT), how),
            Op::LogOut { client, style } => {
                if let Some(client) = self.client(client | 0x80) {
                    self.log_out(client, style);
                    self.settle(style);
                }
            }
            Op::Alter { token, at, bit } => self.alter(pick(token, self.tokens.len()), at, bit),
            Op::Canary { tenant, like } => self.canary(pick(tenant, 2), pick(like, self.tokens.len())),
            Op::Rotate { how } => self.rotate(how % 4 == 0),
            Op::Retire { which } => self.retire(which),
            Op::Fail { fault, how, calls } => self.fail(fault, how, calls),
            Op::Restart { how } => self.restart(how & 3 != 0),
            Op::Drain { count } => self.medium.drain(usize::from(count)),
            Op::TimePasses { how } => self.time_passes(how),
            Op::Commit => drop(self.commit(self.newest())),
            Op::ReleaseEarly { which } => self.release_early(which),
            Op::TakeAlarms => self.take_alarms(),
            Op::Revoke { session, grant } => {
                if let (Some(session), Some(grant)) = (self.session(session), self.granted(grant)) {
                    // Mostly by its owner.
                    let owner = self.grants[grant].1.owner;
                    let by_owner = (0..self.sessions.len()).rev().find(|at| self.sessions[*at].facts.who == owner);
                    self.revoke(if session % 4 == 3 { session } else { by_owner.unwrap_or(session) }, grant);
                }
            }
            Op::AlterGrant { grant, at, bit } => {
                if let Some(grant) = self.granted(grant) {
                    self.alter_grant(grant, at, bit);
                }
            }
            _ => self.act_in_session(op),
        }
    }

    fn act_in_session(&mut self, op: Op) {
        if (0..self.sessions.len()).all(|at| self.ideal.barred(&self.sessions[at].facts, self.time, true).is_some()) {
            // Nobody is left who could do anything.
            let n = self.numbers;
            self.enter(n % COUNT, 31);
        }
        match op {
            Op::Open { ask, style } | Op::OpenOwn { ask, style } => {
                if let Some(attempt) = self.attempt(ask, &[], matches!(op, Op::OpenOwn { .. }), None) {
                    self.open(&attempt, style);
                    self.settle(style);
                }
            }
            Op::OpenMany { ask, more } => {
                if let Some(attempt) = self.attempt(ask, &more, false, None) {
                    self.open_many(&attempt);
                }
            }
            Op::OpenEach { ask, more } => {
                if let Some(attempt) = self.attempt(ask, &more, more[0] & 1 == 0, None) {
                    self.open_each(&attempt);
                }
            }
            Op::CommitElsewhere { ask, grant } => {
                self.prepare_grant(grant);
                let attempt = self.under_grant(ask, &[], grant).or_else(|| self.attempt(ask, &[], true, None));
                self.commit_elsewhere(attempt.as_ref().filter(|_| grant & 3 != 0), grant & 0x20 != 0);
            }
            Op::LookUp { session, what } => self.about_index(session, what, LOOK_UP, None),
            Op::MakeIndex { session, what, count } => {
                self.about_index(session, what, TOKENIZE, Some(u32::from(count % 3)));
            }
            Op::Reveal { ask, more, style } => {
                let more = &more[..usize::from(ask.aim >> 4) % 6];
                if let Some(mut attempt) = self.attempt(ask, more, ask.purpose & 0x80 == 0, None) {
                    if ask.aim == 0xff {
                        attempt.items.clear();
                    }
                    self.reveal(&attempt, style);
                    self.settle(style);
                }
            }
            Op::OpenGranted { grant, ask, style } => {
                self.prepare_grant(grant);
                if let Some(attempt) = self.under_grant(ask, &[], grant) {
                    self.open(&attempt, style);
                    self.settle(style);
                }
            }
            Op::RevealGranted { grant, ask, more, style } => {
                self.prepare_grant(grant);
                if let Some(attempt) = self.under_grant(ask, &more, grant) {
                    self.reveal(&attempt, style);
                    self.settle(style);
                }
            }
            Op::Deliver { grant, ask, address, style } => {
                if let Some(attempt) = self.delivery(ask, grant, address) {
                    self.open(&attempt, style);
                    self.settle(style);
                }
            }
            Op::Rewrap { ask, grant, style } => {
                let under_grant = ask.purpose & 0x80 != 0;
                if under_grant {
                    self.prepare_grant(grant);
                }
                let attempt = if under_grant { self.under_grant(ask, &[], grant) } else { None };
                if let Some(mut attempt) = attempt.or_else(|| self.attempt(ask, &[], true, None)) {
                    let facts = &self.sessions[attempt.session].facts;
                    let owner = attempt.access.grant.as_ref().map_or(facts.who, |grant| grant.owner);
                    let older = |at: &usize| {
                        let token = &self.tokens[*at].1;
                        token.owner == owner && token.epoch < facts.keys.newest()
                    };
                    if let Some(token) = (0..self.tokens.len()).rev().find(older).filter(|_| ask.aim & 0x60 != 0) {
                        attempt.items[0] = (token, own_place(&self.tokens[token].1));
                    }
                    self.rewrap(&attempt, style);
                    self.settle(style);
                }
            }
            Op::HandOver { ask, to } => {
                if let (Some(from), Some(to)) = (self.attempt(ask, &[], true, None), self.session(to)) {
                    let access = AccessFacts::own();
                    self.reown(&Attempt { session: to, access, grant: None, ..from.clone() }, Some(from.session));
                }
            }
            Op::TakeOver { ask, grant } => {
                self.prepare_grant(grant);
                let attempt = self.under_grant(ask, &[], grant);
                let without = if grant % 8 == 0 { self.attempt(ask, &[], false, None) } else { None };
                if let Some(attempt) = attempt.or(without) {
                    self.reown(&attempt, None);
                }
            }
            Op::Mint { session, owner, how } => {
                if let Some(session) = self.session(session) {
                    let other = (owner & 0xc0 == 0xc0).then(|| self.owner_for(Some(session), owner & 0x3f));
                    self.mint(session, other, &how);
                }
            }
            Op::RevokeAll { session, owner } => self.about_owner(session, owner, |drive, session, owner| {
                drive.revoke_all(session, owner);
            }),
            Op::Erase { session, owner } => {
                self.about_owner(session, owner, |drive, session, owner| drive.erase(session, owner));
            }
            Op::Confirm { session, owner, field, address } => {
                let number = if address & 0xc0 == 0 { 0 } else { 1 + pick(address, ADDRESSES.len() - 1) };
                let field = pick(field, ADDRESS_FIELDS);
                let confirms = |at: &usize| self.sessions[*at].facts.has(CONFIRM);
                let clerk = (0..self.sessions.len()).rev().find(confirms).filter(|_| session & 0xc0 != 0);
                let session = clerk.map_or(session, |at| 0x80 | u8::try_from(at).unwrap_or(0));
                // Now and then one of each field, which are more than there is room for.
                let fields = if address & 0x38 == 0x38 { 0..ADDRESS_FIELDS } else { field..field + 1 };
                self.about_owner(session, owner, |drive, session, owner| {
                    fields.into_iter().for_each(|field| drive.confirm(session, owner, field, number));
                });
            }
            Op::Switch { session, stop } => {
                if let Some(session) = self.session(session) {
                    // Mostly by whoever may, and mostly it goes on.
                    let stop = stop % 4 == 0;
                    let operates = |at: &usize| self.sessions[*at].facts.has(OPERATE);
                    let operator = (0..self.sessions.len()).rev().find(operates).filter(|_| session % 4 != 0);
                    self.switch(operator.unwrap_or(session), stop);
                }
            }
            _ => unreachable!("done by the other half"),
        }
    }

    /// Sees to it that there is a grant, and mostly that its grantee is there.
    fn prepare_grant(&mut self, byte: u8) {
        let owns = |at: &usize| {
            let facts = &self.sessions[*at].facts;
            facts.has(OWN) && self.ideal.barred(facts, self.time, true).is_none()
        };
        let owner = (0..self.sessions.len()).rev().find(owns);
        if let Some(owner) = owner.filter(|_| self.grants.is_empty() || byte % 8 == 3) {
            self.mint(owner, None, &Mint::good(byte / 8));
            let _settled = self.commit(self.newest());
        }
        let Some(grant) = self.granted(byte) else { return };
        let grantee = self.grants[grant].1.grantee;
        let is_there =
            |open: &OpenSession| open.facts.who == grantee && self.ideal.barred(&open.facts, self.time, true).is_none();
        if byte % 4 != 1 && !self.sessions.iter().any(is_there) {
            self.enter(grantee, 31);
        }
    }

    fn settle(&mut self, style: Style) {
        if style.settles() && !style.is_sync() {
            let _settled = self.commit(self.newest());
        }
    }

    /// Mostly by whoever may.
    fn about_index(&mut self, session: u8, what: u8, right: u16, count: Option<u32>) {
        let may = |at: &usize| self.sessions[*at].facts.has(right);
        let clerk = (0..self.sessions.len()).rev().find(may).filter(|_| session & 0x60 != 0);
        if let Some(session) = clerk.or_else(|| self.session(session)) {
            self.index(session, what, count);
        }
    }

    fn about_owner(&mut self, session: u8, owner: u8, f: impl FnOnce(&mut Self, usize, usize)) {
        if let Some(session) = self.session(session) {
            let owner = self.owner_for(Some(session), owner);
            f(self, session, owner);
        }
    }

    /// A session: mostly one of the newest.
    fn session(&self, byte: u8) -> Option<usize> {
        let len = self.sessions.len();
        if len == 0 || byte & 0x80 != 0 {
            return (len > 0).then(|| pick(byte & 0x7f, len));
        }
        let live = |at: &usize| self.ideal.barred(&self.sessions[*at].facts, self.time, true).is_none();
        let live: Vec<usize> = (0..len).rev().filter(live).take(4).collect();
        Some(if live.is_empty() { len - 1 } else { live[pick(byte, live.len())] })
    }

    fn client(&self, byte: u8) -> Option<usize> {
        let len = self.clients.len();
        (len > 0).then(|| if byte & 0x80 == 0 { len - 1 - pick(byte, len.min(3)) } else { pick(byte, len) })
    }

    fn granted(&self, byte: u8) -> Option<usize> {
        let len = self.grants.len();
        (len > 0).then(|| if byte & 0x80 == 0 { len - 1 - pick(byte, len.min(2)) } else { pick(byte, len) })
    }

    /// An owner: often the session's own principal, mostly of its tenant.
    fn owner_for(&self, session: Option<usize>, byte: u8) -> usize {
        let any = pick(byte / 4, COUNT);
        let Some(session) = session else { return any };
        let who = self.sessions[session].facts.who;
        match byte % 4 {
            0 => who,
            1 => any,
            _ if tenant(any) != tenant(who) => who,
            _ => any,
        }
    }

    fn request_arrives(&mut self, client: u8, proof: u8, wrong: u8, style: Style) {
        let Some(client) = self.client(client) else { return };
        let bearer = !self.clients[client].facts.needs_proof && wrong & 0x20 == 0 || wrong == 0xff;
        let replays = proof % 4 == 3 && !self.proofs.is_empty();
        if bearer {
            self.authenticate(client, None, false, style);
        } else if replays {
            let len = self.proofs.len();
            let proof = len - 1 - pick(proof / 4, len.min(8));
            self.authenticate(self.proofs[proof].client, Some(proof), wrong % 8 == 1, style);
        } else {
            let wrong = if wrong & 0xc0 == 0 { wrong } else { 0x10 & wrong };
            let proof = self.prove(client, wrong);
            self.authenticate(client, Some(proof), wrong % 16 == 7, style);
        }
        self.settle(style);
    }

    /// Some session presents some tokens; where `own`, mostly its own.
    fn attempt(&self, ask: Ask, more: &[u8], own: bool, owner: Option<usize>) -> Option<Attempt> {
        let session = self.session(ask.session)?;
        let owner = owner.or(own.then(|| self.sessions[session].facts.who));
        let items = std::iter::once((ask.token, ask.aim)).chain(more.iter().map(|byte| (*byte, byte >> 3)));
        let items = items.map(|(token, aim)| self.item(token, aim, owner)).collect();
        let purpose = match ask.purpose % 16 {
            0 => 1,
            1 if ask.aim.is_multiple_of(4) => MESSAGE,
            2 => MAINTENANCE,
            _ => 0,
        };
        let masked = ask.purpose & 0x30 == 0x30;
        // A destination where none may be, now and then.
        let address = (ask.purpose == 0x47).then_some((0, 1));
        let access = AccessFacts { purpose, masked, grant: None, address };
        Some(Attempt { session, access, grant: None, items })
    }

    fn item(&self, token: u8, aim: u8, owner: Option<usize>) -> (usize, Place) {
        let fits: Vec<usize> = match owner {
            Some(owner) if token & 0xc0 != 0 => {
                (0..self.tokens.len()).filter(|at| self.tokens[*at].1.owner == owner).collect()
            }
            _ => Vec::new(),
        };
        let number = if fits.is_empty() {
            pick(token, self.tokens.len())
        } else {
            fits[fits.len() - 1 - pick(token, fits.len())]
        };
        let facts = &self.tokens[number].1;
        (number, place(facts, aim, token))
    }

    /// A grant is used: mostly by its grantee, for its purpose, on its owner's tokens of its fields.
    fn under_grant(&self, ask: Ask, more: &[u8], grant: u8) -> Option<Attempt> {
        let grant = self.granted(grant)?;
        let (real, facts) = &self.grants[grant];
        let mut attempt = self.attempt(ask, more, false, Some(facts.owner))?;
        if ask.session & 0xe0 != 0 {
            let grantees = (0..self.sessions.len()).rev().find(|at| self.sessions[*at].facts.who == facts.grantee);
            attempt.session = grantees?;
        }
        if ask.purpose & 0xe != 0 {
            attempt.access.purpose = facts.purpose;
        }
        attempt.access.masked = if ask.purpose & 0x30 == 0x30 { facts.view == 1 } else { facts.view == 2 };
        if ask.aim & 0x40 != 0 {
            let fits = |at: &usize| {
                let token = &self.tokens[*at].1;
                token.owner == facts.owner && facts.fields.contains(&token.field)
            };
            if let Some(token) = (0..self.tokens.len()).rev().find(fits) {
                attempt.items[0] = (token, own_place(&self.tokens[token].1));
            }
        }
        attempt.access.grant = Some(facts.clone());
        attempt.grant = Some(real.clone());
        Some(attempt)
    }

    /// A message is to be sent: under a grant for messages, or by the owner.
    fn delivery(&self, ask: Ask, grant: u8, address: u8) -> Option<Attempt> {
        let messages = |at: &usize| self.grants[*at].1.purpose == MESSAGE;
        let fits = (0..self.grants.len()).rev().find(messages).filter(|_| grant & 1 == 0);
        let mut attempt = match fits {
            Some(fits) => self.under_grant(ask, &[], 0x80 | u8::try_from(fits).ok()?.min(0x7f))?,
            None => self.attempt(ask, &[], true, None)?,
        };
        attempt.access.purpose = MESSAGE;
        if fits.is_none() && address & 3 != 0 {
            // Whoever has an address is told what is theirs.
            let known = |at: &usize| !self.ideal.registry.owners[self.sessions[*at].facts.who].addresses.is_empty();
            attempt.session = (0..self.sessions.len()).rev().find(known)?;
            attempt.items[0] = self.item(ask.token | 0x40, ask.aim, Some(self.sessions[attempt.session].facts.who));
        }
        let owner = attempt.access.grant.as_ref().map_or(self.sessions[attempt.session].facts.who, |grant| grant.owner);
        let known = self.ideal.registry.owners[owner].addresses.iter().next();
        attempt.access.address = match known {
            Some((field, (known, _))) if address & 0xc0 != 0 => Some((*field, *known)),
            _ => Some((pick(address, ADDRESS_FIELDS), 1 + pick(address / 8, ADDRESSES.len() - 1))),
        };
        Some(attempt)
    }
}

/// A field, and a record where it wants one; now and then none.
fn some_place(field: u8, other: u8) -> Place {
    let field = pick(field, FIELDS);
    let record = (field == 4 && other % 16 != 2).then_some(usize::from(other & 0x80 != 0));
    Place { field, record }
}
