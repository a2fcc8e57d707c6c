//! Tokens that are presented: to be opened, to be revealed, to be sealed anew.

use std::rc::Rc;

use symbolon::{Access, Error, Event, Field, Grant, Item, Purpose, Reaction, Reason, Slot, TokenBuf, reply_len};

use super::{
    cast::{self, ADDRESSES, PARCEL, RECORDS, address_field, field, holds_a_value, tenant},
    drive::{Answers, Drive, Outcome, Real, Weather, pick},
    ideal::{AccessFacts, Asked, Judged, Keys, Place, SessionFacts, TokenFacts},
    medium::Mode,
    plan::Style,
};

/// What work space holds before it is used.
pub(super) const FILL: u8 = 0xa5;
/// The foreign tokens of a request that get entries of their own.
pub(super) const FOREIGN: u32 = 4;
/// Enough for any token that is made here, opened or sealed.
pub(super) const WORK: usize = 640;

/// What is asked, by whom.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) session: usize,
    pub(super) access: AccessFacts,
    /// The real grant.
    pub(super) grant: Option<Grant>,
    pub(super) items: Vec<(usize, Place)>,
}

/// The session of an attempt.
pub(super) struct Asker {
    pub(super) real: Rc<Real>,
    pub(super) facts: SessionFacts,
    pub(super) generation: usize,
}

/// A place for a token, as the core takes it.
pub(super) fn slot(place: Place) -> Slot<'static> {
    match place.record {
        Some(record) => Slot::in_record(field(place.field), RECORDS[record]).expect("a bound field"),
        None => field(place.field).into(),
    }
}

impl Attempt {
    pub(super) fn access(&self) -> Access<'_> {
        let purpose = Purpose::from_code(self.access.purpose).expect("a purpose");
        let mut access = Access::new(purpose);
        if self.access.masked {
            access = access.masked();
        }
        if let Some(grant) = &self.grant {
            access = access.under(grant);
        }
        match self.access.address {
            Some((field, address)) => access.to_address(address_field(field), ADDRESSES[address]),
            None => access,
        }
    }

    fn grant_name(&self) -> [u8; 8] {
        self.grant.as_ref().map_or([0; 8], Grant::id_unverified)
    }
}

impl<'b> Drive<'b> {
    pub(super) fn asker(&self, session: usize) -> Asker {
        let open = &self.sessions[session];
        Asker { real: open.real.clone(), facts: open.facts.clone(), generation: open.generation }
    }

    pub(super) fn judge(
        &self,
        a: &Attempt,
        s: &SessionFacts,
        asked: Asked,
        at: usize,
        new: Option<&SessionFacts>,
    ) -> Judged {
        let (token, place) = a.items[at];
        self.ideal.judge(s, &a.access, (asked, place, &self.tokens[token].1), new, self.now())
    }

    /// A use would be counted in a row for which there is no place.
    pub(super) fn lacks_place(&self, judged: &Judged) -> bool {
        let is_new = judged.counts.is_some_and(|grant| !self.ideal.registry.uses.contains_key(&grant));
        is_new && self.medium.with(|inner| inner.is_tight)
    }

    /// What a token that was presented leaves behind, besides its entry.
    fn apply(&mut self, a: &Attempt, judged: &Judged, keys: &Keys) {
        if let Some(grant) = judged.counts {
            *self.ideal.registry.uses.entry(grant).or_default() += 1;
        }
        if let Some(known) =
            judged.renews.and_then(|field| self.ideal.registry.owners[judged.owner].addresses.get_mut(&field))
        {
            known.1 = keys.newest();
            self.tally.outcome("address renewed");
        }
        if judged.reason == Reason::Canary {
            match self.reaction {
                Reaction::EndSession => drop(self.ideal.ended.insert(self.sessions[a.session].facts.name)),
                Reaction::StopAll if !self.ideal.registry.stopped => {
                    self.ideal.registry.stopped = true;
                    self.book.own.stops += 1;
                }
                _ => {}
            }
        }
    }

    /// Its entry must come; and the model does what it says.
    pub(super) fn record(&mut self, a: &Attempt, event: Event, at: usize, judged: &Judged, keys: &Keys) {
        let (token, place) = a.items[at];
        let entry = self.book.by(&self.sessions[a.session].signed(), event);
        let entry = self.book.opening(entry, &a.access, place, &self.tokens[token].0, judged, a.grant_name());
        self.book.expect(entry, &[judged.reason], self.now(), keys);
        if judged.reason == Reason::Done {
            let met = [
                (a.access.grant.is_some(), "opened under a grant"),
                (a.access.address.is_some(), "opened for a destination"),
                (self.tokens[token].1.erasable, "opened an erasable one"),
                (place.record.is_some(), "opened a bound one"),
            ];
            met.iter().filter(|(holds, _)| *holds).for_each(|(_, what)| self.tally.outcome(what));
        }
        self.apply(a, judged, keys);
    }

    /// What an item shows where it opens.
    pub(super) fn shown(&self, a: &Attempt, at: usize) -> Vec<u8> {
        let (token, place) = a.items[at];
        let value = &self.tokens[token].1.value;
        if a.access.masked && !self.ideal.is(super::Wrong::MaskIgnored) {
            cast::mask(place.field, value)
        } else {
            value.clone()
        }
    }

    /// One token, opened at once or held.
    pub(super) fn open(&mut self, a: &Attempt, style: Style) {
        let Asker { real, facts, generation } = self.asker(a.session);
        if style.is_sync() && !self.commit(generation) {
            return;
        }
        let (mut weather, bad) = (self.weather(1), self.dial.bad.get());
        let judged = self.judge(a, &facts, Asked::Show, 0, None);
        let (token, place) = a.items[0];
        let bytes = self.tokens[token].0.clone();
        let item = Item::new(slot(place), bytes.as_token());
        let used = used(&item, &a.access);
        let mut local = [FILL; WORK];
        if style.is_short() {
            let (short, host) = (&mut local[..used - 1], &mut self.host);
            let result = real.detokenize_as(&a.access(), &item, short, host).map(|shown| shown.expose().len());
            // A held one may find no room first.
            assert_eq!(result, Err(Error::BufferTooSmall), "told before anything is opened");
            return assert_eq!(local, [FILL; WORK]);
        }
        let lacks_place = self.lacks_place(&judged);
        self.close_if(&mut weather, lacks_place);
        let (granted, keys) = (judged.reason == Reason::Done, facts.keys.clone());
        let (value, access) = (self.shown(a, 0), a.access());
        if style.is_sync() {
            let result = real.detokenize_as(&access, &item, &mut local, &mut self.host);
            let result = result.map(|shown| shown.expose().to_vec());
            check_wiped(&local, used, matches!(result, Ok(_) | Err(Error::Denied)));
            if self.was_committed() {
                self.met(weather, true);
            } else if !self.answered(weather, &result, bad) {
                return;
            }
            self.record(a, Event::Detokenize, 0, &judged, &keys);
            let is_shown = self.after_sync(result.as_ref().map(|_| ()).map_err(|error| *error), granted, "open");
            assert!(!is_shown || result.as_ref() == Ok(&value), "another value than was sealed: {result:?}");
            return self.tally.outcome(shown_as(is_shown, a.access.masked));
        }
        let pooled = if style.looks_into() { None } else { self.take(used) };
        let Some(work) = pooled else {
            // Held, then given up: nothing may be seen in the buffer.
            let result = real.detokenize_held(&access, &item, &mut local, &mut self.host);
            let forgotten = style.forgets();
            let result = result.map(|held| if forgotten { std::mem::forget(held) } else { drop(held) });
            assert!(!holds_a_value(&local), "held, and to be read in the buffer");
            if !forgotten || !granted {
                check_wiped(&local, used, result.is_ok());
            }
            if self.answered(weather, &result, bad) {
                self.record(a, Event::Detokenize, 0, &judged, &keys);
                self.unsettled += 1;
                self.tally.outcome(if forgotten { "forgotten" } else { "dropped" });
            }
            return;
        };
        let result = real.detokenize_held(&access, &item, work, &mut self.host);
        if self.answered(weather, &result, bad) {
            self.record(a, Event::Detokenize, 0, &judged, &keys);
            self.tally.outcome(shown_as(granted, a.access.masked));
            self.hold(Outcome::Value(result.expect("answered"), value), granted, "open");
        }
    }

    /// A sealed reveal of all items.
    pub(super) fn reveal(&mut self, a: &Attempt, style: Style) {
        let Asker { real, facts, generation } = self.asker(a.session);
        if style.is_sync() && !self.commit(generation) {
            return;
        }
        let count = a.items.len();
        let (mut weather, bad) = (self.weather(if count > 1 { count + 1 } else { 1 }), self.dial.bad.get());
        let tokens: Vec<TokenBuf> = a.items.iter().map(|(token, _)| self.tokens[*token].0.clone()).collect();
        let items: Vec<Item<'_>> =
            a.items.iter().zip(&tokens).map(|((_, place), token)| Item::new(slot(*place), token.as_token())).collect();
        let (len, access) = (reply_len(&items), a.access());
        let mut local = vec![FILL; len + 9];
        if items.is_empty() {
            let result = real.reveal_held(&access, &items, &mut local, &mut self.host).map(|_| ());
            return assert_eq!(result, Err(Error::TooLong), "no items");
        }
        let counts = a.access.grant.as_ref().is_some_and(|grant| grant.uses > 0);
        if counts && self.medium.with(|inner| inner.is_tight) {
            // Whether a use finds its place decides between all and nothing; what was staged of the others stays.
            return;
        }
        let barred = self.ideal.barred_as(&facts, &a.access, Asked::Show, self.now());
        let sync = style.is_sync();
        let pooled = if sync || style.looks_into() { None } else { self.take_public(len) };
        enum Got<'b> {
            Held(symbolon::Held<symbolon::SealedReply<'b>>),
            Bytes(Vec<u8>),
            GivenUp,
        }
        let result: Result<Got<'b>, Error> = match pooled {
            _ if sync => real
                .reveal(&access, &items, &mut local, &mut self.host)
                .map(|reply| Got::Bytes(reply.as_bytes().to_vec())),
            Some(work) => real.reveal_held(&access, &items, work, &mut self.host).map(Got::Held),
            None => {
                let held = real.reveal_held(&access, &items, &mut local, &mut self.host);
                let (forgotten, is_held) = (style.forgets(), held.is_ok());
                let held = held.map(|held| if forgotten { std::mem::forget(held) } else { drop(held) });
                assert!(!holds_a_value(&local), "held, and to be read in the buffer");
                if !forgotten || barred.is_some() {
                    check_wiped(&local, len, is_held);
                }
                held.map(|()| Got::GivenUp)
            }
        };
        if sync && result.is_err() {
            check_wiped(&local, len, result.as_ref().err() == Some(&Error::Denied));
        }
        if sync && self.was_committed() {
            self.met(weather, true);
        } else if !self.answered(weather, &result, bad) {
            return;
        }
        weather.has_room();
        let (mut foreign, mut answers) = (0, Vec::new());
        for at in 0..count {
            let judged = self.judge(a, &facts, Asked::Show, at, None);
            foreign += u32::from(judged.reason == Reason::ForeignToken);
            if judged.reason != Reason::ForeignToken || foreign <= FOREIGN {
                self.record(a, Event::Reveal, at, &judged, &facts.keys);
            }
            let opened = judged.reason == Reason::Done;
            answers.push(opened.then(|| (1 + u8::from(a.access.masked), self.shown(a, at))));
            self.tally.outcome(if opened { "revealed" } else { "not revealed" });
        }
        self.count_foreign(a, foreign, &facts.keys);
        let (client, proof) = (self.sessions[a.session].client, self.sessions[a.session].proof);
        let answers = Box::new(Answers { items: a.items.clone(), answers, client, proof });
        let granted = barred.is_none();
        match result {
            Ok(Got::Held(held)) => self.hold(Outcome::Reply(held, answers), granted, "reveal"),
            Ok(Got::GivenUp) => self.unsettled += 1,
            Ok(Got::Bytes(bytes)) => {
                if self.after_sync(Ok(()), granted, "reveal") {
                    self.open_reply(&bytes, &answers);
                }
            }
            Err(error) => drop(self.after_sync(Err(error), granted, "reveal")),
        }
    }

    /// A token is sealed anew under the newest key.
    pub(super) fn rewrap(&mut self, a: &Attempt, style: Style) {
        let Asker { real, facts, generation } = self.asker(a.session);
        if style.is_sync() && !self.commit(generation) {
            return;
        }
        let (mut weather, bad) = (self.weather(1), self.dial.bad.get());
        let judged = self.judge(a, &facts, Asked::Rewrap, 0, None);
        let (token, place) = a.items[0];
        let (bytes, made) = self.tokens[token].clone();
        let item = Item::new(slot(place), bytes.as_token());
        let lacks_place = self.lacks_place(&judged);
        self.close_if(&mut weather, lacks_place);
        let (granted, access) = (judged.reason == Reason::Done, a.access());
        let made = TokenFacts { epoch: facts.keys.newest(), ..made };
        if style.is_sync() {
            let mut out = [FILL; WORK];
            let result = real.rewrap(&access, &item, &mut out, &mut self.host).map(|token| TokenBuf::new(&token));
            if result.is_err() {
                check_wiped(&out, bytes.as_token().as_bytes().len(), result.as_ref().err() == Some(&Error::Denied));
            }
            if self.was_committed() {
                self.met(weather, true);
            } else if !self.answered(weather, &result, bad) {
                return;
            }
            self.record(a, Event::Rewrap, 0, &judged, &facts.keys);
            let done = self.after_sync(result.as_ref().map(|_| ()).map_err(|error| *error), granted, "rewrap");
            if let (true, Ok(token)) = (done, result) {
                self.keep_token(token, made);
            }
            return;
        }
        let Some(out) = self.take_public(bytes.as_token().as_bytes().len()) else { return };
        let request = real.request(&access, 1, &mut self.host);
        let result = request.and_then(|mut request| request.rewrap_held(&item, out, &mut self.host));
        if self.answered(weather, &result, bad) {
            self.record(a, Event::Rewrap, 0, &judged, &facts.keys);
            self.tally.outcome(if granted { "rewrapped" } else { "not rewrapped" });
            self.hold(Outcome::Token(result.expect("answered"), Box::new(made)), granted, "rewrap");
        }
    }

    /// Another's token becomes the caller's own: by the other's session, or under the other's grant.
    pub(super) fn reown(&mut self, a: &Attempt, from: Option<usize>) {
        let Asker { real, facts: new, .. } = self.asker(a.session);
        let opener = from.map_or_else(|| self.asker(a.session), |from| self.asker(from));
        let asked = if from.is_some() { Asked::HandOver } else { Asked::TakeOver };
        let (mut weather, bad) = (self.weather(1), self.dial.bad.get());
        let judged = self.judge(a, &opener.facts, asked, 0, Some(&new));
        let (token, place) = a.items[0];
        let (bytes, made) = self.tokens[token].clone();
        let item = Item::new(slot(place), bytes.as_token());
        let granted = judged.reason == Reason::Done;
        let row = &self.ideal.registry.owners[new.who];
        let makes_secret = granted && made.erasable && row.secret.is_none();
        let tight = self.medium.with(|inner| inner.is_tight);
        let no_secret = makes_secret && !row.exists && tight;
        let lacks_place = self.lacks_place(&judged) || no_secret;
        self.close_if(&mut weather, lacks_place);
        if no_secret && judged.counts.is_some() {
            // The use is counted, and the rest isn't done: not told apart here.
            return;
        }
        let Some(out) = self.take_public(bytes.as_token().as_bytes().len()) else { return };
        let access = a.access();
        let result = match from {
            Some(_) => real.reown_held(&opener.real, &item, out, &mut self.host),
            None => {
                let request = real.request(&access, 1, &mut self.host);
                request.and_then(|mut request| request.reown_held(&item, out, &mut self.host))
            }
        };
        if !self.answered(weather, &result, bad) {
            return;
        }
        self.record(a, Event::Reown, 0, &judged, &new.keys);
        let mut made = TokenFacts { owner: new.who, epoch: new.keys.newest(), mark: Some(tenant(new.who)), ..made };
        if makes_secret {
            let number = self.number() as u32;
            let row = &mut self.ideal.registry.owners[new.who];
            (row.secret, row.exists) = (Some(number), true);
        }
        made.secret = self.ideal.registry.owners[new.who].secret.unwrap_or(0);
        self.tally.outcome(if granted { "reowned" } else { "not reowned" });
        self.hold(Outcome::Token(result.expect("answered"), Box::new(made)), granted, "reown");
    }

    /// A token that was made: to be stored, and to be read by anybody.
    pub(super) fn keep_token(&mut self, token: TokenBuf, facts: TokenFacts) {
        let bytes = token.as_token();
        assert!(!holds_a_value(bytes.as_bytes()), "a value stands in a token");
        let says = (bytes.field().code(), bytes.epoch(), bytes.is_erasable());
        assert_eq!(says, (facts.says_field, facts.epoch, facts.erasable), "what a token says of itself");
        self.tokens.push((token, facts));
    }

    /// A value becomes a token, by whoever has the vault.
    pub(super) fn tokenize(&mut self, owner: usize, place: Place, bad_value: Option<usize>) {
        let generation = self.newest();
        let bad = self.dial.bad.get();
        let n = self.number();
        let (place, value, expected) = match bad_value.map(|at| cast::BAD_VALUES[at]) {
            Some((field, value, error)) => (Place { field, record: None }, value.to_vec(), Some(error)),
            None => {
                let lacks_record = place.field == PARCEL && place.record.is_none();
                (place, cast::value(place.field, n), lacks_record.then_some(Error::InvalidField))
            }
        };
        let mut out = [FILL; 2048];
        let vault = &self.generations[generation].vault;
        let result = vault.tokenize(&self.people[owner], slot(place), &value, &mut out, &mut self.host);
        let result = result.map(|token| TokenBuf::new(&token));
        if self.dial.bad.get() > bad || self.dial.mode.get() == Mode::Errs {
            assert_eq!(result.err(), Some(Error::RngFailed), "sealed with bad numbers");
            return self.tally.outcome("random numbers failed");
        }
        if let Some(error) = expected {
            assert_eq!(result.err(), Some(error), "a value that must not be sealed");
            assert!(!holds_a_value(&out));
            return self.tally.outcome("value refused");
        }
        let token = result.expect("a good value");
        self.tally.outcome("tokenized");
        self.keep_token(token, self.facts_of(owner, place, value, &self.keys(generation), None));
    }

    pub(super) fn facts_of(
        &self,
        owner: usize,
        place: Place,
        value: Vec<u8>,
        keys: &Keys,
        secret: Option<u32>,
    ) -> TokenFacts {
        TokenFacts {
            owner,
            field: place.field,
            says_field: field(place.field).code(),
            record: place.record,
            epoch: keys.newest(),
            erasable: secret.is_some(),
            secret: secret.unwrap_or(0),
            value,
            mark: Some(tenant(owner)),
            canary: None,
            is_altered: false,
        }
    }

    /// A copy of a token with one bit turned, where it is one still.
    pub(super) fn alter(&mut self, token: usize, at: u16, bit: u8) {
        let (real, facts) = self.tokens[token].clone();
        if facts.is_altered {
            return;
        }
        let mut bytes = real.as_token().as_bytes().to_vec();
        let at = if at & 0x8000 == 0 { usize::from(at) % 38 } else { usize::from(at) % bytes.len() };
        bytes[at] ^= 1 << (bit % 8);
        let Ok(altered) = symbolon::Token::from_bytes(&bytes) else { return self.tally.outcome("malformed") };
        let mut facts = TokenFacts {
            says_field: altered.field().code(),
            epoch: altered.epoch(),
            erasable: altered.is_erasable(),
            is_altered: true,
            ..facts
        };
        // The mark is of tenant, epoch and nonce; a canary's commitment of all in front of it but the mark.
        if (4..22).contains(&at) {
            facts.mark = None;
        }
        if !(6..10).contains(&at) && at < 38 {
            facts.canary = None;
        }
        self.tally.outcome("altered");
        self.tokens.push((TokenBuf::new(&altered), facts));
    }
}

pub(super) fn shown_as(shown: bool, masked: bool) -> &'static str {
    match (shown, masked) {
        (false, _) => "not opened",
        (_, false) => "opened",
        (_, true) => "opened to the mask",
    }
}

/// Bytes of work space that opening takes.
pub(super) fn used(item: &Item<'_>, access: &AccessFacts) -> usize {
    (item.token.class().len() + 16).max(if access.masked { Field::MASK_LEN } else { 0 })
}

/// After a refusal, a release, or a failure: what was used holds zeros, where something was decided; the rest was not touched.
pub(super) fn check_wiped(work: &[u8], used: usize, decided: bool) {
    let (used, rest) = work.split_at(used);
    // A mask may take more room than the token: where there is none, that was not touched.
    let untouched = used.iter().rev().take_while(|byte| decided && **byte == FILL).count();
    assert!(untouched == 0 || used.len() == Field::MASK_LEN && untouched == 16, "work space of which {untouched} stay");
    let used = &used[..used.len() - untouched];
    assert!(used.iter().all(|byte| *byte == 0 || !decided && *byte == FILL), "work space that is not wiped");
    assert!(rest.iter().all(|byte| *byte == FILL), "work space beyond what was asked for");
}

impl Weather {
    /// Room was made sure of.
    pub(super) fn has_room(&mut self) {
        self.room = super::drive::Room::Fits;
    }
}

/// The place that a token was made for.
pub(super) fn own_place(facts: &TokenFacts) -> Place {
    Place { field: facts.field, record: facts.record }
}

/// A place by two bytes: mostly the token's own.
pub(super) fn place(facts: &TokenFacts, aim: u8, other: u8) -> Place {
    let own = own_place(facts);
    match aim % 8 {
        0 => {
            let field = pick(other, cast::FIELDS);
            let record = (field == PARCEL).then_some(usize::from(other & 0x80 != 0));
            Place { field, record }
        }
        1 if own.field == PARCEL => Place { record: Some(usize::from(own.record == Some(0))), ..own },
        2 if own.field == PARCEL => Place { record: None, ..own },
        _ => own,
    }
}
