//! What happens around a vault: things fail and are mended, time passes, keys are rotated, the trail is drained, alarms are taken.

use symbolon::{Cause, Keyring};

use super::{
    drive::{Drive, generation, pick, usual_floor},
    ideal::SECOND,
    medium::Mode,
    plan::Fault,
};

impl Drive<'_> {
    /// Something fails, for some calls.
    pub(super) fn fail(&mut self, fault: Fault, how: u8, calls: u8) {
        let settled = self.floor.0 == self.floor.1;
        let medium = &self.medium;
        let spare = usize::from(how % 6);
        match fault {
            Fault::Commit => medium.with(|inner| inner.fails_in = Some(u32::from(how % 3))),
            Fault::Down => medium.with(|inner| inner.down = true),
            Fault::NoPlace => medium.with(|inner| inner.is_tight = true),
            Fault::Full => medium.with(|inner| inner.capacity = inner.kept() + spare),
            Fault::PowerCut => medium.with(|inner| inner.cut_in = Some((u32::from(how % 3), how & 4 == 0))),
            Fault::NoClock => self.clock.set(None),
            Fault::ClockBack if settled => {
                let back = [2 * SECOND + 1, 5 * SECOND, 3600 * SECOND, 2 * SECOND, 1][usize::from(how % 5)];
                self.clock.set(Some(self.floor.0 - back));
            }
            Fault::ClockBack => return,
            Fault::RngErrs => self.dial.mode.set(Mode::Errs),
            Fault::RngSticks => self.dial.mode.set(Mode::Constant(how % 3)),
        }
        self.mended_in = 1 + u32::from(calls % 5);
    }

    /// What failed works again.
    pub(super) fn mend(&mut self) {
        self.medium.mend();
        self.dial.mode.set(Mode::Good);
        self.clock.set(Some(self.time));
        self.mended_in = 0;
    }

    /// One more call went by.
    pub(super) fn passes(&mut self) {
        if self.mended_in > 0 {
            self.mended_in -= 1;
            if self.mended_in == 0 {
                self.mend();
            }
        }
        if self.medium.with(|inner| inner.kept() > 60 && inner.capacity == super::medium::ROOM) {
            self.medium.drain(50);
        }
        let generation = self.newest();
        if self.unsettled > 5 {
            let _settled = self.commit(generation);
        }
    }

    pub(super) fn time_passes(&mut self, how: u8) {
        const STEPS: [u64; 16] = [
            1,
            1,
            10,
            500,
            1000,
            2000,
            2001,
            3000,
            5000,
            10_000,
            20_000,
            59_999,
            60_000,
            15 * 60_000,
            3_600_000,
            86_400_000,
        ];
        // The long ones are rare, or nothing would last.
        let step = if how < 0xc0 { usize::from(how % 10) } else { usize::from(how % 16) };
        self.advance(STEPS[step]);
    }

    /// A new root key; or, after a compromise, one beside which the old ones count no more.
    pub(super) fn rotate(&mut self, compromise: bool) {
        let mut keyring = Keyring::read_secret(&self.keyring).expect("a keyring");
        let mut keys = self.keys(self.newest());
        let added = keyring.add_epoch(&mut self.rng);
        if keys.epochs.len() == Keyring::MAX_EPOCHS {
            return assert!(added.is_err(), "a ninth epoch");
        }
        let newest = added.expect("there is room");
        assert_eq!(newest, keys.newest() + 1);
        keys.epochs.push(newest);
        keys.credential_floor = if compromise { newest } else { usual_floor(&keys.epochs) };
        if compromise {
            keys.token_floor = newest;
        }
        self.tally.outcome(if compromise { "floors raised" } else { "rotated" });
        self.adopt(&keyring, keys);
    }

    /// An old root key is destroyed.
    pub(super) fn retire(&mut self, which: u8) {
        let mut keyring = Keyring::read_secret(&self.keyring).expect("a keyring");
        let mut keys = self.keys(self.newest());
        let epoch = keys.epochs[pick(which, keys.epochs.len())];
        let retired = keyring.retire(epoch);
        if epoch == keys.newest() {
            return assert!(retired.is_err(), "the newest is not retired");
        }
        retired.expect("an old one");
        keys.epochs.retain(|kept| *kept != epoch);
        keys.credential_floor = usual_floor(&keys.epochs);
        self.tally.outcome("retired");
        self.adopt(&keyring, keys);
    }

    fn adopt(&mut self, keyring: &Keyring, keys: super::ideal::Keys) {
        let mut secret = [0; Keyring::MAX_LEN];
        let len = keyring.write_secret(&mut secret).expect("room enough");
        self.keyring = secret[..len].to_vec();
        self.generations.push(generation(&self.keyring, keys, self.reaction, self.operators));
    }

    /// The host's operator asks what was alarming.
    pub(super) fn take_alarms(&mut self) {
        self.before_commit();
        while let Some(alarm) = self.host.next_alarm() {
            let known =
                matches!(alarm.cause, Cause::Canary | Cause::ClockBack | Cause::RandomNumbers | Cause::TrailFull);
            assert!(known, "there are no limits, and an alarm: {alarm:?}");
            if alarm.cause == Cause::Canary {
                assert_eq!(alarm.reaction, self.reaction);
                assert!(self.book.knows(&alarm.caller), "an alarm about a stranger");
            }
            self.tally.outcome("alarm");
            self.book.own.alarms.push_back(alarm);
        }
        let generation = self.newest();
        let _settled = self.commit(generation);
    }

    /// One that waits is released in vain, before its record is durable.
    pub(super) fn release_early(&mut self, which: u8) {
        let Some(receipt) = self.last_receipt else { return };
        if !self.waiting.is_empty() {
            let waiting = self.waiting.remove(pick(which, self.waiting.len()));
            self.release(waiting, &receipt, false);
            self.tally.outcome("released early");
        }
    }

    /// At the end all is mended and durable. Where it is asked for, the whole trail is read once more from its beginning.
    pub(super) fn finish(&mut self, audit: bool) {
        self.mend();
        self.medium.drain(usize::MAX);
        let generation = self.newest();
        self.time = self.time.max(self.floor.1);
        self.clock.set(Some(self.time));
        assert!(self.commit(generation), "all is well, and nothing can be committed");
        self.take_alarms();
        // A last restart: what was promised still holds.
        self.restart(false);
        for (who, person) in self.people.iter().enumerate() {
            let erased = self.generations[generation].vault.is_erased(person, &mut self.host);
            assert_eq!(erased, Ok(self.ideal.registry.owners[who].erased), "who was erased");
        }
        assert_eq!(self.host.is_stopped(), self.ideal.registry.stopped, "what was stopped");
        let archive = self.medium.with(|inner| std::mem::take(&mut inner.archive));
        if audit {
            self.book.audit(&archive);
        }
    }
}
