//! Logging in, authenticating, logging out; and what is handed out when a record is durable.

use std::rc::Rc;

use symbolon::{
    CheckedRng, Credential, Error, Event, Held, Issuer, Item, Keyring, Proof, Purposes, Reason, Receipt, Rights,
    Session, SessionKey, Terms, Time, Token, TokenBuf, Vault, View, reply_len,
};

use super::{
    Wrong,
    book::{first8, nobody},
    cast::{holds_a_value, kind},
    drive::{
        AUDIENCE, Answers, CONTEXTS, Client, CredentialFacts, Drive, Flaw, OpenSession, Outcome, PROOFS, Real, Room,
        Sealing, Shown, Waiting, pick,
    },
    ideal::{DAY, MINUTE, OWN, SECOND, SessionFacts},
    medium::Dice,
    plan::{LogIn, Style},
};

/// The longest life of a credential, unless configured otherwise.
const MAX_LIFE: u64 = 15 * MINUTE;

impl<'b> Drive<'b> {
    /// A log-in service issues a credential; what is wrong with it was wrong from the beginning.
    pub(super) fn log_in(&mut self, who: usize, op: &LogIn) {
        let generation = self.newest();
        let begins = (self.time + op.begins_in()).saturating_sub(op.began_before());
        let rights = op.rights(who);
        let terms = Terms {
            rights: Rights::from_bits(rights),
            purposes: Purposes::from_bits(op.purposes()),
            life: op.life(),
            proof_required: !op.bearer(),
        };
        let key = Rc::new(SessionKey::generate(&mut self.rng).expect("a good generator"));
        let flaw = op.flaw();
        let keys = self.keys(generation);
        let issuer = |vault: &Vault| {
            let period = Time::from_millis(begins).period();
            vault.issuer(self.people[who].tenant(), kind(who), period).expect("an issuer")
        };
        let issuer: Issuer = match flaw {
            Flaw::OtherAudience => {
                let config = symbolon::Config::new(b"another-shop");
                issuer(&Vault::new(Keyring::read_secret(&self.keyring).expect("a keyring"), &config).expect("a vault"))
            }
            Flaw::Forged => {
                let mut forged = self.keyring.clone();
                for byte in &mut forged[34..] {
                    *byte ^= 0x80;
                }
                // The epochs stay what they were.
                for (at, epoch) in keys.epochs.iter().enumerate() {
                    forged[34 + at * 34..][..2].copy_from_slice(&epoch.to_le_bytes());
                }
                issuer(&generation_vault(&forged))
            }
            _ => issuer(&self.generations[generation].vault),
        };
        let begins_at = Time::from_millis(begins);
        let issued = issuer.issue(&self.people[who], &key, &terms, begins_at, &mut self.rng);
        if !fits(rights, who) {
            assert_eq!(issued.err(), Some(Error::InvalidTerms), "a person has one right");
            return;
        }
        let mut real = issued.expect("good terms");
        assert!(!contains(real.as_bytes(), key.write_secret().as_slice()), "the session key stands in the credential");
        if flaw == Flaw::Altered {
            let mut bytes = real.as_bytes().to_vec();
            let at = pick(op.more, bytes.len());
            bytes[at] ^= 1 << (op.more % 8);
            match Credential::from_bytes(&bytes) {
                Ok(altered) => real = altered,
                Err(error) => return assert_eq!(error, Error::Malformed),
            }
        }
        let session = SessionFacts {
            who,
            rights,
            purposes: op.purposes(),
            name: self.number(),
            ends: begins + op.life(),
            keys: keys.clone(),
        };
        let facts = CredentialFacts {
            session,
            begins,
            first_log_in: begins,
            epoch: keys.newest(),
            needs_proof: !op.bearer(),
            flaw,
        };
        self.tally.outcome("logged in");
        self.clients.push(Client { real, key, facts });
    }

    /// A credential is renewed, where its issuer finds it good.
    pub(super) fn renew(&mut self, client: usize, more: u8) {
        let generation = self.newest();
        let Client { real, key, facts } = &self.clients[client];
        let (facts, key, now) = (facts.clone(), key.clone(), self.time);
        let who = facts.session.who;
        let (at, newest) = (Time::from_millis(now), self.keys(generation).newest());
        let issuer = self.generations[generation]
            .vault
            .issuer(self.people[who].tenant(), kind(who), at.period())
            .expect("an issuer");
        let good = facts.flaw == Flaw::None
            && facts.begins <= now + 2 * SECOND
            && now < facts.session.ends
            && Time::from_millis(facts.begins).period() == at.period()
            && facts.epoch == newest;
        let verified = issuer.verify(real, at);
        assert_eq!(verified.is_ok(), good, "an issuer verifies what is good, and nothing else: {facts:?}");
        let Ok(verified) = verified else { return };
        let proof_required = more & 1 == 0;
        let terms = Terms {
            rights: Rights::from_bits(facts.session.rights & 0x1ff),
            purposes: Purposes::from_bits(facts.session.purposes),
            life: 10 * MINUTE,
            proof_required,
        };
        let renewed = issuer.renew(&verified, &terms, at, &mut self.rng);
        let end = facts.first_log_in + DAY;
        if now >= end || facts.needs_proof && !proof_required {
            return assert_eq!(renewed.err(), Some(Error::InvalidTerms), "a renewal that gives too much");
        }
        let real = renewed.expect("a renewal");
        let session = SessionFacts { ends: (now + 10 * MINUTE).min(end), ..facts.session };
        let facts = CredentialFacts { session, begins: now, needs_proof: proof_required, ..facts };
        self.tally.outcome("renewed");
        self.clients.push(Client { real, key, facts });
    }

    /// A client proves that it has the session key; what is wrong with the proof is one thing at a time.
    pub(super) fn prove(&mut self, client: usize, wrong: u8) -> usize {
        let context = usize::from(wrong & 0x10 != 0);
        let mut time = self.time;
        let other = SessionKey::generate(&mut Dice::new(5)).expect("a good generator");
        let Client { real, key, .. } = &self.clients[client];
        let (key, mut is_right) = (if wrong % 16 == 1 { &other } else { &**key }, wrong % 16 != 1);
        match wrong % 16 {
            2 => time -= 60 * SECOND,
            3 => time -= 60 * SECOND - 1,
            4 => time += 2 * SECOND,
            5 => time += 2 * SECOND + 1,
            _ => {}
        }
        let time_of = Time::from_millis(time);
        let mut proof = key.prove(real, CONTEXTS[context], time_of, &mut self.rng).expect("a good generator");
        if wrong % 16 == 6 {
            let mut bytes = proof.to_bytes();
            bytes[24 + pick(wrong, 16)] ^= 2;
            proof = Proof::from_bytes(&bytes).expect("any 40 bytes");
            is_right = false;
        }
        self.proofs.push(Shown { real: proof, client, context, time, is_right });
        self.proofs.len() - 1
    }

    /// A request arrives with a credential and its proof, new or seen before, or with the credential alone.
    pub(super) fn authenticate(&mut self, client: usize, proof: Option<usize>, other_context: bool, style: Style) {
        let generation = self.newest();
        let vault = self.generations[generation].vault.clone();
        if style.is_sync() && !self.commit(generation) {
            return;
        }
        let weather = self.weather(1);
        let (bad, now) = (self.dial.bad.get(), self.clock.get().unwrap_or(0).max(self.floor.0));
        let facts = self.clients[client].facts.clone();
        let (reasons, full) = self.against_log_in(&facts, proof, other_context, now);
        let real = &self.clients[client].real;
        let shown = proof.map(|proof| &self.proofs[proof]);
        let context = shown.map_or(CONTEXTS[0], |shown| CONTEXTS[shown.context ^ usize::from(other_context)]);
        let host = &mut self.host;
        let result: Result<Result<Held<Real>, ()>, Error> = match (shown, style.is_sync()) {
            (Some(shown), true) => vault.authenticate(real, &shown.real, context, host).map(|_| Err(())),
            (None, true) => vault.authenticate_bearer(real, host).map(|_| Err(())),
            (Some(shown), _) => Session::authenticate_held(vault.clone(), real, &shown.real, context, host).map(Ok),
            (None, _) => Session::authenticate_bearer_held(vault.clone(), real, host).map(Ok),
        };
        // One that committed, or tried to, had found its place.
        let unavailable = matches!(result, Err(Error::Unavailable)) && !self.was_committed();
        let is_full = reasons.is_empty() && full != Room::Fits && unavailable;
        assert!(full != Room::Full || !reasons.is_empty() || result.is_err(), "a full window takes another proof");
        if is_full && !weather.is_fair() {
            // Which of the two it was can't be told from here: begin anew.
            return self.restart(true);
        }
        let reasons = match (is_full, reasons.is_empty()) {
            (true, _) => vec![Reason::WindowFull],
            (_, true) => vec![Reason::Done],
            _ => reasons,
        };
        let granted = reasons == [Reason::Done];
        let committed = self.was_committed();
        let answered = if is_full || committed {
            self.met(weather, true);
            true
        } else {
            self.answered(weather, &result, bad)
        };
        if !answered {
            return;
        }
        let keys = self.keys(generation);
        let mut entry = nobody(Event::Authenticate);
        let names_nobody = [Reason::BelowFloor, Reason::BadCredential, Reason::WrongAudience];
        let session = SessionFacts { keys: keys.clone(), ..facts.session.clone() };
        if !reasons.iter().any(|reason| names_nobody.contains(reason)) {
            entry.caller = self.book.tag(session.who);
            entry.caller_kind = kind(session.who).code();
            entry.session = first8(self.clients[client].real.session_unverified().as_bytes());
        }
        self.book.expect(entry, &reasons, self.now(), &keys);
        let mut ends = session.ends;
        if let (Some(shown), true) = (shown_time(&self.proofs, proof), granted) {
            self.window.push(shown);
            ends = ends.min(shown.1);
        }
        let facts = SessionFacts { ends, ..session };
        self.tally.outcome(if is_full {
            "window full"
        } else if granted {
            "authenticated"
        } else {
            "not authenticated"
        });
        if is_full {
            self.unsettled += 1;
            return;
        }
        match result {
            Ok(Ok(held)) => {
                let granted_to = Box::new((facts, client, generation, proof));
                self.hold(Outcome::Session(held, granted_to), granted, "authenticate");
            }
            Ok(Err(())) | Err(_) => {
                let outcome = result.map(|_| ());
                self.after_sync(outcome, granted, "authenticate");
            }
        }
    }

    /// All that is wrong with a log-in, as section 7 says (in no order); and whether the window has a place.
    fn against_log_in(
        &self,
        facts: &CredentialFacts,
        proof: Option<usize>,
        other_context: bool,
        now: u64,
    ) -> (Vec<Reason>, Room) {
        let keys = &self.generations[self.newest()].keys;
        let session = &facts.session;
        let mut reasons = Vec::new();
        let mut against = |holds: bool, reason: Reason| {
            if holds {
                reasons.push(reason);
            }
        };
        match facts.flaw {
            Flaw::None => {}
            Flaw::OtherAudience => against(true, Reason::WrongAudience),
            Flaw::Forged => against(true, Reason::BadCredential),
            // Which byte it was decides.
            Flaw::Altered => {
                for reason in [Reason::BadCredential, Reason::WrongAudience, Reason::BelowFloor] {
                    against(true, reason);
                }
            }
        }
        against(!keys.epochs.contains(&facts.epoch) || facts.epoch < keys.credential_floor, Reason::BelowFloor);
        let verified = reasons.is_empty();
        if !verified {
            return (reasons, Room::Fits);
        }
        let mut against = |holds: bool, reason: Reason| {
            if holds {
                reasons.push(reason);
            }
        };
        against(facts.begins > now + 2 * SECOND, Reason::NotYetValid);
        against(now >= session.ends && !self.ideal.is(Wrong::CredentialsNeverExpire), Reason::Expired);
        let in_order = facts.first_log_in <= facts.begins && session.ends - facts.first_log_in <= DAY;
        against(session.ends - facts.begins > MAX_LIFE || !in_order, Reason::LifeTooLong);
        against(self.ideal.is_over(session.name), Reason::LoggedOut);
        let Some(proof) = proof else {
            against(facts.needs_proof, Reason::ProofRequired);
            return (reasons, Room::Fits);
        };
        let shown = &self.proofs[proof];
        let live: Vec<&[u8; 16]> = self.window.iter().filter(|(_, until)| *until > now).map(|(mac, _)| mac).collect();
        let replayed = live.contains(&&mac(&shown.real));
        against(!shown.is_right || other_context, Reason::BadProof);
        against(shown.time + MINUTE <= now && !self.ideal.is(Wrong::ProofsNeverStale), Reason::StaleProof);
        against(shown.time > now + 2 * SECOND, Reason::FutureProof);
        against(shown.time <= self.window_start + 2 * SECOND, Reason::ProofBeforeStart);
        against(replayed && !self.ideal.is(Wrong::ReplayAllowed), Reason::Replayed);
        let full = match live.len() {
            0..8 => Room::Fits,
            8..PROOFS => Room::May,
            _ => Room::Full,
        };
        (reasons, full)
    }

    /// Ends a session, by the id in somebody's credential.
    pub(super) fn log_out(&mut self, client: usize, style: Style) {
        let generation = self.newest();
        let vault = self.generations[generation].vault.clone();
        if style.is_sync() && !self.commit(generation) {
            return;
        }
        let mut weather = self.weather(1);
        let bad = self.dial.bad.get();
        let (id, name) = (self.clients[client].real.session_unverified(), self.clients[client].facts.session.name);
        // An altered credential may say to be of another session, or of this one.
        if self.clients[client].facts.flaw == Flaw::Altered {
            return;
        }
        let is_new = !self.ideal.registry.logged_out.contains(&name);
        let tight = self.medium.with(|inner| inner.is_tight);
        if tight && !is_new {
            // After a day its row may have made room for another.
            return;
        }
        let full = is_new && tight;
        self.close_if(&mut weather, full);
        let host = &mut self.host;
        let result = if style.is_sync() {
            vault.log_out(id, host).map(|()| None)
        } else {
            vault.log_out_held(id, host).map(Some)
        };
        let committed = self.was_committed();
        if committed {
            self.met(weather, true);
        } else if !self.answered(weather, &result, bad) {
            return;
        }
        let keys = self.keys(generation);
        let entry = symbolon::Entry { session: first8(id.as_bytes()), ..nobody(Event::LogOut) };
        self.book.expect(entry, &[Reason::Done], self.now(), &keys);
        self.ideal.registry.logged_out.insert(name);
        self.tally.outcome("logged out");
        match result {
            Ok(Some(held)) => self.hold(Outcome::Done(held), true, "log-out"),
            result => drop(self.after_sync(result.map(|_| ()), true, "log-out")),
        }
    }

    /// What became of a call that commits by itself, after the model did the same.
    pub(super) fn after_sync(&mut self, result: Result<(), Error>, granted: bool, what: &str) -> bool {
        self.before_commit();
        let happened = self.absorb();
        let expected = match (happened.commits, granted) {
            _ if happened.failed_commits > 0 || self.is_dead() => Err(Error::Unavailable),
            (1, true) => Ok(()),
            (1, false) => Err(Error::Denied),
            _ => panic!("{what} committed {} times: {result:?}", happened.commits),
        };
        assert_eq!(result, expected, "{what}");
        self.tally.outcome(if expected.is_ok() { "done at once" } else { "not done at once" });
        if self.is_dead() {
            self.restart(false);
        }
        expected.is_ok()
    }

    /// Hands out what waited, or finds that it can't be had.
    pub(super) fn release(&mut self, waiting: Waiting<'b>, receipt: &Receipt, covered: bool) {
        let Waiting { outcome, granted, what } = waiting;
        let expected = match (covered, granted) {
            (false, _) => Err(Error::Unavailable),
            (_, false) => Err(Error::Denied),
            _ => Ok(()),
        };
        macro_rules! released {
            ($held:expr) => {{
                assert_eq!($held.is_covered_by(receipt), covered, "{what}: what a receipt is for");
                let released = $held.release(receipt);
                assert_eq!(released.as_ref().map(|_| ()).map_err(|error| *error), expected, "{what}");
                match released {
                    Ok(released) => released,
                    Err(error) => {
                        self.tally.outcome(if error == Error::Denied { "denied" } else { "never released" });
                        return;
                    }
                }
            }};
        }
        match outcome {
            Outcome::Value(held, value) => {
                let shown = released!(held);
                assert_eq!(shown.expose(), value, "{what} shows something else");
            }
            Outcome::Reply(held, answers) => {
                let reply = released!(held);
                self.open_reply(reply.as_bytes(), &answers);
            }
            Outcome::Token(held, facts) => {
                let token = TokenBuf::new(&released!(held).into_token());
                self.keep_token(token, *facts);
            }
            Outcome::Session(held, granted_to) => {
                let (facts, client, generation, proof) = *granted_to;
                let real = released!(held);
                assert_eq!(real.principal(), &self.people[facts.who]);
                assert_eq!(real.ends().as_millis(), facts.ends, "when a session ends");
                let id = real.id();
                self.sessions.push(OpenSession { real: Rc::new(real), facts, id, generation, client, proof });
            }
            Outcome::Grant(held, facts) => {
                let grant = released!(held);
                assert!(self.book.names(grant.id_unverified()), "a grant that the trail doesn't name");
                self.grants.push((grant, *facts));
            }
            Outcome::Sealer(held, sealing) => {
                let sealer = released!(held);
                let Sealing { facts, place } = *sealing;
                let mut out = [0; Token::MAX_LEN];
                let mut rng = CheckedRng::new(Dice::new(self.number() as u64));
                let slot = super::openings::slot(place);
                let token = sealer.tokenize(slot, &facts.value, &mut out, &mut rng).expect("a good value");
                let token = TokenBuf::new(&token);
                self.keep_token(token, facts);
            }
            Outcome::Lookup(held, indexed) => {
                let found = released!(held);
                self.looked_up(found, *indexed);
            }
            Outcome::Indexer(held, count, indexed) => {
                let indexer = released!(held);
                self.makes_index(indexer, count, *indexed);
            }
            Outcome::Done(held) => released!(held),
        }
        self.tally.outcome("released");
    }

    /// The client's half of a sealed reveal; and everybody else, who must find noise.
    pub(super) fn open_reply(&mut self, reply: &[u8], answers: &Answers) {
        assert!(!holds_a_value(reply), "a value stands in a sealed reply");
        let tokens: Vec<TokenBuf> = answers.items.iter().map(|(token, _)| self.tokens[*token].0.clone()).collect();
        let places = answers.items.iter().map(|(_, place)| super::openings::slot(*place));
        let items: Vec<Item<'_>> = places.zip(&tokens).map(|(slot, token)| Item::new(slot, token.as_token())).collect();
        assert_eq!(reply.len(), reply_len(&items), "an answer's length tells nothing");
        let client = &self.clients[answers.client];
        let proof = answers.proof.map(|proof| &self.proofs[proof].real);
        let mut opened = reply.to_vec();
        let found = client.key.open_reply(&client.real, proof, &items, &mut opened).expect("the client opens it");
        let views: Vec<Option<u8>> = found.views().map(|view| view.map(View::code)).collect();
        let expected: Vec<Option<u8>> = answers.answers.iter().map(|answer| Some(answer.as_ref()?.0)).collect();
        assert_eq!(views, expected, "which of the items were answered");
        for (found, expected) in found.values().zip(&answers.answers) {
            assert_eq!(found, expected.as_ref().map(|(_, value)| value.as_slice()), "what an item shows");
        }
        drop(found);
        let other = SessionKey::generate(&mut Dice::new(6)).expect("a good generator");
        let mut opened = reply.to_vec();
        assert!(other.open_reply(&client.real, proof, &items, &mut opened).is_err(), "another client opens it");
        assert!(!holds_a_value(&opened));
        let mut altered = reply.to_vec();
        altered[pick(reply[0], reply.len())] ^= 1;
        assert!(client.key.open_reply(&client.real, proof, &items, &mut altered).is_err(), "altered, it opens");
        assert!(!holds_a_value(&altered), "altered, it shows a value");
    }
}

fn generation_vault(keyring: &[u8]) -> Vault {
    let keyring = Keyring::read_secret(keyring).expect("a keyring");
    Vault::new(keyring, &symbolon::Config::new(AUDIENCE)).expect("a vault")
}

/// The proof's MAC, and until when the window holds it.
fn shown_time(proofs: &[Shown], proof: Option<usize>) -> Option<([u8; 16], u64)> {
    let shown = &proofs[proof?];
    Some((mac(&shown.real), shown.time + MINUTE))
}

fn mac(proof: &Proof) -> [u8; 16] {
    *proof.to_bytes().last_chunk().expect("16 of 40")
}

/// A person may have the right `own` and no other; others any of the nine.
fn fits(rights: u16, who: usize) -> bool {
    if super::cast::is_person(who) { rights & !OWN == 0 } else { rights & !0x1ff == 0 }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
