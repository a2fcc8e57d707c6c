//! Several tokens in one request: each held by itself, or each opened and recorded before the next.

use symbolon::{Error, Event, Item, Reason};

use super::{
    drive::{Drive, Outcome},
    ideal::{Asked, Keys},
    openings::{Asker, Attempt, FILL, FOREIGN, WORK, check_wiped, shown_as, slot, used},
};

impl Drive<'_> {
    /// Several tokens in one request, each held by itself.
    pub(super) fn open_many(&mut self, a: &Attempt) {
        let Asker { real, facts, generation } = self.asker(a.session);
        let count = a.items.len();
        let mut weather = self.weather(if count > 1 { count + 1 } else { 1 });
        let (bad, access) = (self.dial.bad.get(), a.access());
        let request = real.request(&access, count, &mut self.host);
        let mut request = match request {
            Ok(request) => request,
            Err(error) => {
                assert_eq!(error, Error::Unavailable, "a request that finds no room");
                return self.met_no_room(weather);
            }
        };
        weather.has_room();
        let mut foreign = 0;
        for at in 0..count {
            let judged = self.judge(a, &facts, Asked::Show, at, None);
            let (token, place) = a.items[at];
            let bytes = self.tokens[token].0.clone();
            let item = Item::new(slot(place), bytes.as_token());
            let mut weather = weather;
            let lacks_place = self.lacks_place(&judged);
            self.close_if(&mut weather, lacks_place);
            let Some(work) = self.take(used(&item, &a.access)) else { break };
            let result = request.detokenize_held(&item, work, &mut self.host);
            if !self.answered(weather, &result, bad) {
                continue;
            }
            foreign += u32::from(judged.reason == Reason::ForeignToken);
            if judged.reason != Reason::ForeignToken || foreign <= FOREIGN {
                self.record(a, Event::Detokenize, at, &judged, &facts.keys);
            }
            let (value, granted) = (self.shown(a, at), judged.reason == Reason::Done);
            self.tally.outcome(shown_as(granted, a.access.masked));
            self.hold(Outcome::Value(result.expect("answered"), value), granted, "open many");
        }
        request.finish(&mut self.host).expect("room was made sure of");
        self.count_foreign(a, foreign, &facts.keys);
        let _settled = self.commit(generation);
    }

    /// Several tokens in one request, each opened and recorded before the next.
    pub(super) fn open_each(&mut self, a: &Attempt) {
        let Asker { real, facts, generation } = self.asker(a.session);
        if !self.commit(generation) {
            return;
        }
        let (count, access) = (a.items.len(), a.access());
        let weather = self.weather(if count > 1 { count + 1 } else { 1 });
        let Ok(mut request) = real.request(&access, count, &mut self.host) else {
            return self.met_no_room(weather);
        };
        for at in 0..count {
            let (mut weather, bad) = (self.weather(1), self.dial.bad.get());
            let judged = self.judge(a, &facts, Asked::Show, at, None);
            let (token, place) = a.items[at];
            let bytes = self.tokens[token].0.clone();
            let item = Item::new(slot(place), bytes.as_token());
            let lacks_place = self.lacks_place(&judged);
            self.close_if(&mut weather, lacks_place);
            let mut work = [FILL; WORK];
            let result = request.detokenize(&item, &mut work, &mut self.host).map(|shown| shown.expose().to_vec());
            check_wiped(&work, used(&item, &a.access), matches!(result, Ok(_) | Err(Error::Denied)));
            if self.was_committed() {
                self.met(weather, true);
            } else if !self.answered(weather, &result, bad) {
                return;
            }
            // Answered for itself, each has its own entry, foreign ones too.
            self.record(a, Event::Detokenize, at, &judged, &facts.keys);
            let granted = judged.reason == Reason::Done;
            let is_shown = self.after_sync(result.as_ref().map(|_| ()).map_err(|error| *error), granted, "open each");
            assert!(
                !is_shown || result.as_ref() == Ok(&self.shown(a, at)),
                "another value than was sealed: {result:?}"
            );
            self.tally.outcome(if is_shown { "opened one of several" } else { "not opened" });
            if result == Err(Error::Unavailable) {
                return;
            }
        }
        request.finish(&mut self.host).expect("room was made sure of");
        let _settled = self.commit(generation);
    }

    /// The entry of those foreign tokens that have none of their own.
    pub(super) fn count_foreign(&mut self, a: &Attempt, foreign: u32, keys: &Keys) {
        if foreign > FOREIGN {
            let mut entry = self.book.by(&self.sessions[a.session].signed(), Event::ForeignTokens);
            entry.count = foreign - FOREIGN;
            self.book.expect(entry, &[Reason::ForeignToken], self.now(), keys);
            self.tally.outcome("foreign tokens counted");
        }
    }
}
