//! What is done in an owner's name or to an owner's record: sealing, granting, revoking, confirming, erasing; and the switch that stops all.

use symbolon::{
    CheckedRng, Error, Event, Field, Grant, GrantTerms, Held, Purpose, Reason, Time, Token, TokenBuf, View,
};

use super::{
    Wrong,
    cast::{ADDRESSES, COUNT, FIELDS, PARCEL, RECORDS, TENANTS, address_field, field, tenant, value},
    drive::{Drive, Outcome, Sealing, Weather, pick},
    ideal::{CONFIRM, DAY, GRANT, GrantFacts, MAINTAIN, MINUTE, OPERATE, OWN, Place, SessionFacts, TOKENIZE},
    medium::Dice,
    plan::Mint,
};

/// What may be wrong with a row that a call changes: that there is no place for it.
type Row = Option<usize>;

impl<'b> Drive<'b> {
    /// A call that names an owner: compares the answer, expects its entry, and holds the outcome. True where it was done.
    fn named(
        &mut self,
        session: usize,
        (weather, bad): (Weather, u32),
        result: Result<Held<()>, Error>,
        (event, owner, address): (Event, usize, Option<usize>),
        against: Option<Reason>,
        what: &'static str,
    ) -> bool {
        if !self.answered(weather, &result, bad) {
            return false;
        }
        let open = &self.sessions[session];
        let entry = self.book.naming(self.book.by(&open.signed(), event), owner, address);
        self.book.expect(entry, &[against.unwrap_or(Reason::Done)], self.now(), &open.facts.keys);
        self.tally.outcome(if against.is_none() { what } else { "not done" });
        self.hold(Outcome::Done(result.expect("answered")), against.is_none(), what);
        against.is_none()
    }

    /// The weather for a call that may add this owner's row.
    fn weather_for(&mut self, row: Row) -> Weather {
        let mut weather = self.weather(1);
        let no_place = row.is_some_and(|owner| !self.ideal.registry.owners[owner].exists)
            && self.medium.with(|inner| inner.is_tight);
        self.close_if(&mut weather, no_place);
        weather
    }

    /// A session, or whoever has the vault, seals for an owner.
    pub(super) fn seal_for(&mut self, session: Option<usize>, owner: usize, place: Place, erasable: bool) {
        let asker = session.map(|session| self.asker(session));
        let generation = asker.as_ref().map_or(self.newest(), |asker| asker.generation);
        let (keys, n, now) = (self.keys(generation), self.number(), self.now());
        let mut against =
            asker.as_ref().and_then(|asker| self.ideal.against_naming(&asker.facts, owner, true, &[TOKENIZE], now));
        let row = &self.ideal.registry.owners[owner];
        if against.is_none() && erasable && row.erased {
            against = Some(Reason::Erased);
        }
        let makes_secret = against.is_none() && erasable && row.secret.is_none();
        let (weather, bad) = (self.weather_for(makes_secret.then_some(owner)), self.dial.bad.get());
        let (who, host) = (&self.people[owner], &mut self.host);
        let result = match (&asker, erasable) {
            (Some(asker), false) => asker.real.sealer_held(who, host),
            (Some(asker), true) => asker.real.erasable_sealer_held(who, host),
            (None, _) => self.generations[generation].vault.erasable_sealer_held(who, host),
        };
        if !self.answered(weather, &result, bad) {
            return;
        }
        if makes_secret {
            let row = &mut self.ideal.registry.owners[owner];
            (row.secret, row.exists) = (Some(n as u32), true);
        }
        let entry = match session {
            Some(session) => self.book.by(&self.sessions[session].signed(), Event::Tokenize),
            None => super::book::nobody(Event::Tokenize),
        };
        let entry = self.book.naming(entry, owner, None);
        self.book.expect(entry, &[against.unwrap_or(Reason::Done)], self.now(), &keys);
        let secret = erasable.then(|| self.ideal.registry.owners[owner].secret.unwrap_or(0));
        let place = if place.field == PARCEL { Place { record: place.record.or(Some(0)), ..place } } else { place };
        let facts = self.facts_of(owner, place, value(place.field, n), &keys, secret);
        self.tally.outcome(if against.is_none() { "sealer" } else { "no sealer" });
        let sealing = Box::new(Sealing { facts, place });
        self.hold(Outcome::Sealer(result.expect("answered"), sealing), against.is_none(), "sealer");
    }

    /// A grant is minted: by the owner, or for another owner with a reason.
    pub(super) fn mint(&mut self, session: usize, for_other: Option<usize>, op: &Mint) {
        let asker = self.asker(session);
        let now = self.now();
        let owner = for_other.unwrap_or(asker.facts.who);
        let mut grantee = pick(op.grantee, COUNT);
        if op.grantee & 0xe0 != 0
            && (tenant(grantee) != tenant(owner) || grantee == owner || grantee == asker.facts.who)
        {
            // Mostly somebody who may be one.
            let may = |who: &usize| tenant(*who) == tenant(owner) && *who != owner && *who != asker.facts.who;
            grantee = (grantee..grantee + COUNT).map(|who| who % COUNT).find(may).unwrap_or(grantee);
        }
        let fields: Vec<usize> = (0..FIELDS).filter(|field| op.fields >> field & 1 == 1).collect();
        let mut real: Vec<Field> = fields.iter().map(|number| field(*number)).collect();
        if op.fields & 0xe0 == 0xe0 && !real.is_empty() {
            real.push(real[0]);
        }
        let mut codes: Vec<u16> = real.iter().map(|field| field.code()).collect();
        codes.sort_unstable();
        let (purpose, view) = op.purpose_and_view();
        let record = (op.record & 3 == 0 && (op.record & 0xe0 == 0 || fields == [PARCEL]))
            .then_some(usize::from(op.record & 4 != 0));
        let (begins, expires) = op.window(now);
        let uses = op.uses();
        let words = [Some("ticket 7"), Some("x"), Some("")][usize::from(op.record / 8 % 8 / 3).min(2)];
        let reason = for_other.and(words);
        let reseals = matches!(purpose, 8 | 9);
        let bad_form = for_other.is_some() && (purpose == 9 || reason == Some(""))
            || real.is_empty()
            || real.len() > fields.len()
            || uses == Some(0)
            || tenant(grantee) != tenant(owner)
            || grantee == owner
            || grantee == asker.facts.who
            || expires > now + 366 * DAY
            || record.is_some() && fields != [PARCEL]
            || reseals != (view == 3)
            || reseals && uses.is_none()
            || begins >= expires;
        let against = self.against_minting(&asker.facts, owner, for_other.is_some(), now);
        let (weather, bad) = (self.weather(2 + usize::from(for_other.is_some())), self.dial.bad.get());
        let terms = GrantTerms {
            grantee: &self.people[grantee],
            fields: &real,
            purpose: Purpose::from_code(purpose).expect("a purpose"),
            view: View::from_code(view).expect("a view"),
            record: record.map(|record| RECORDS[record]),
            not_before: Time::from_millis(begins),
            expires: Time::from_millis(expires),
            uses,
        };
        let host = &mut self.host;
        let result = match for_other {
            None => asker.real.grant_held(&terms, host),
            Some(_) => asker.real.grant_for_held(&self.people[owner], &terms, reason.unwrap_or("-"), host),
        };
        if matches!(result, Err(Error::InvalidTerms)) {
            assert!(bad_form, "terms that are good");
            self.tally.outcome("bad terms");
            // Some forms are looked at before the clock, some behind it.
            return self.may_have_looked();
        }
        if !self.answered(weather, &result, bad) {
            return;
        }
        assert!(!bad_form, "a grant that can't be: {op:?}");
        let facts = GrantFacts {
            number: self.number(),
            owner,
            grantee,
            fields,
            purpose,
            view,
            record,
            begins,
            expires,
            uses: uses.unwrap_or(0),
            epoch: asker.facts.keys.newest(),
            grant_epoch: self.ideal.registry.owners[owner].grant_epoch,
            is_altered: false,
        };
        let entry = self.book.by(&self.sessions[session].signed(), Event::Grant);
        for entry in self.book.granting(entry, &facts, &codes, reason) {
            self.book.expect(entry, &[against.unwrap_or(Reason::Done)], now, &asker.facts.keys);
        }
        self.tally.outcome(if against.is_none() { "granted" } else { "not granted" });
        self.hold(Outcome::Grant(result.expect("answered"), Box::new(facts)), against.is_none(), "grant");
    }

    fn against_minting(&self, s: &SessionFacts, owner: usize, for_other: bool, now: u64) -> Option<Reason> {
        let against = if for_other {
            self.ideal.against_naming(s, owner, false, &[GRANT], now)
        } else {
            self.ideal.against_naming(s, s.who, false, &[OWN], now)
        };
        against.or(self.ideal.registry.owners[owner].erased.then_some(Reason::Erased))
    }

    /// A copy of a grant with one bit turned, where it is one still.
    pub(super) fn alter_grant(&mut self, grant: usize, at: u8, bit: u8) {
        let (real, facts) = self.grants[grant].clone();
        if facts.is_altered {
            return;
        }
        let mut bytes = *real.as_bytes();
        bytes[usize::from(at) % Grant::LEN] ^= 1 << (bit % 8);
        match Grant::from_bytes(&bytes) {
            Ok(altered) => self.grants.push((altered, GrantFacts { is_altered: true, ..facts })),
            Err(error) => assert_eq!(error, Error::Malformed),
        }
    }

    pub(super) fn revoke(&mut self, session: usize, grant: usize) {
        let asker = self.asker(session);
        let (real, facts) = self.grants[grant].clone();
        let (s, now) = (&asker.facts, self.now());
        let genuine = self.ideal.is_genuine(&facts, s);
        let may = facts.owner == s.who && s.has(OWN) || s.has(GRANT) || s.has(MAINTAIN);
        let reasons = match self.ideal.barred(s, now, false) {
            Some(reason) => vec![reason],
            // Whose it would be can't be told of what doesn't verify.
            None if !genuine => vec![Reason::BadGrant, Reason::NoRight],
            None if !may => vec![Reason::NoRight],
            None => vec![Reason::Done],
        };
        let (mut weather, bad, done) = (self.weather(1), self.dial.bad.get(), reasons == [Reason::Done]);
        let is_new = done && !self.ideal.registry.revoked.contains(&facts.number);
        let tight = self.medium.with(|inner| inner.is_tight);
        if tight && now >= facts.expires + MINUTE {
            // The row of a grant that is long over may have made room for another: whether it needs a new place can't be told from here.
            return;
        }
        let no_place = is_new && tight;
        self.close_if(&mut weather, no_place);
        let result = asker.real.revoke_held(&real, &mut self.host);
        if !self.answered(weather, &result, bad) {
            return;
        }
        let mut entry = self.book.by(&self.sessions[session].signed(), Event::Revoke);
        if genuine {
            entry.owner_or_commitment = self.book.tag(facts.owner);
            entry.grant = real.id_unverified();
        }
        self.book.expect(entry, &reasons, self.now(), &asker.facts.keys);
        if done {
            self.ideal.registry.revoked.insert(facts.number);
        }
        self.tally.outcome(if done { "revoked" } else { "not done" });
        self.hold(Outcome::Done(result.expect("answered")), done, "revoke");
    }

    pub(super) fn revoke_all(&mut self, session: usize, owner: usize) {
        let asker = self.asker(session);
        let against = self.ideal.against_naming(&asker.facts, owner, true, &[GRANT, MAINTAIN], self.now());
        let before = (self.weather_for(against.is_none().then_some(owner)), self.dial.bad.get());
        let result = asker.real.revoke_all_held(&self.people[owner], &mut self.host);
        let about = (Event::RevokeAll, owner, None);
        if self.named(session, before, result, about, against, "revoked all") {
            let row = &mut self.ideal.registry.owners[owner];
            (row.grant_epoch, row.exists) = (row.grant_epoch + 1, true);
        }
    }

    pub(super) fn erase(&mut self, session: usize, owner: usize) {
        let asker = self.asker(session);
        let erased = self.ideal.registry.owners[owner].erased;
        let against = self
            .ideal
            .against_naming(&asker.facts, owner, true, &[MAINTAIN], self.now())
            .or(erased.then_some(Reason::Erased));
        let before = (self.weather_for(against.is_none().then_some(owner)), self.dial.bad.get());
        let result = asker.real.erase_held(&self.people[owner], &mut self.host);
        if self.named(session, before, result, (Event::Erase, owner, None), against, "erased") {
            let row = &mut self.ideal.registry.owners[owner];
            let grant_epoch = row.grant_epoch + 1;
            *row = super::ideal::OwnerRow { exists: true, erased: true, grant_epoch, ..Default::default() };
        }
    }

    /// An address of an owner is confirmed, or withdrawn.
    pub(super) fn confirm(&mut self, session: usize, owner: usize, field: usize, address: usize) {
        let asker = self.asker(session);
        let row = &self.ideal.registry.owners[owner];
        let withdraws = ADDRESSES[address].is_empty();
        let full = !withdraws && !row.addresses.contains_key(&field) && row.addresses.len() >= 4;
        let against = self
            .ideal
            .against_naming(&asker.facts, owner, false, &[CONFIRM], self.now())
            .or(row.erased.then_some(Reason::Erased))
            .or(full.then_some(Reason::NoRoom));
        let before = (self.weather_for(against.is_none().then_some(owner)), self.dial.bad.get());
        let (who, host) = (&self.people[owner], &mut self.host);
        let too_long = asker.real.confirm_address_held(who, address_field(field), &[b'a'; 321], host);
        assert_eq!(too_long.err(), Some(Error::TooLong));
        let result = asker.real.confirm_address_held(who, address_field(field), ADDRESSES[address], host);
        let about = (Event::ConfirmAddress, owner, Some(field));
        if self.named(session, before, result, about, against, "address confirmed") {
            let row = &mut self.ideal.registry.owners[owner];
            row.exists = true;
            if withdraws {
                row.addresses.remove(&field);
            } else {
                row.addresses.insert(field, (address, asker.facts.keys.newest()));
            }
        }
    }

    /// Everything is stopped, or goes on.
    pub(super) fn switch(&mut self, session: usize, stop: bool) {
        let asker = self.asker(session);
        let s = &asker.facts;
        let against = self
            .ideal
            .barred(s, self.now(), true)
            .or((self.operators && tenant(s.who) != 0).then_some(Reason::OtherTenant))
            .or((!s.has(OPERATE)).then_some(Reason::NoRight));
        let (weather, bad) = (self.weather(2), self.dial.bad.get());
        let (real, host) = (&asker.real, &mut self.host);
        let result = if stop { real.stop_held(host) } else { real.release_held(host) };
        if !self.answered(weather, &result, bad) {
            return;
        }
        let entry = self.book.by(&self.sessions[session].signed(), if stop { Event::Stop } else { Event::Release });
        self.book.expect(entry, &[against.unwrap_or(Reason::Done)], self.now(), &asker.facts.keys);
        if against.is_none() {
            self.ideal.registry.stopped = stop;
        }
        let what = if stop { "stopped" } else { "let go on" };
        self.tally.outcome(if against.is_none() { what } else { "not done" });
        self.hold(Outcome::Done(result.expect("answered")), against.is_none(), what);
        assert!(self.host.is_stopped() == self.ideal.registry.stopped || self.ideal.is(Wrong::StopIgnored));
    }

    /// A canary that looks like a token.
    pub(super) fn canary(&mut self, of: usize, like: usize) {
        let generation = self.newest();
        let (like, facts) = self.tokens[like].clone();
        let mut out = [0; Token::MAX_LEN];
        let mut rng = CheckedRng::new(Dice::new(self.number() as u64));
        let vault = &self.generations[generation].vault;
        let token = match vault.canary(TENANTS[of], &like.as_token(), b"export 7", &mut out, &mut rng) {
            Ok(token) => TokenBuf::new(&token),
            // Of an epoch that there isn't, or a class that its field has not.
            Err(error) => return assert!(matches!(error, Error::InvalidKeyring | Error::InvalidValue)),
        };
        self.tally.outcome("canary made");
        let facts = super::ideal::TokenFacts {
            mark: Some(of),
            canary: Some(of),
            value: Vec::new(),
            is_altered: false,
            ..facts
        };
        self.tokens.push((token, facts));
    }
}
