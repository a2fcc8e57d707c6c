//! What a run does: operations out of bytes. Every input is some.

use arbitrary::Arbitrary;

use super::{
    cast::is_person,
    drive::{Flaw, pick},
    ideal::{CONFIRM, DAY, GRANT, MAINTAIN, MINUTE, OPERATE, OWN, SECOND, TOKENIZE},
};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Op {
    Tokenize { owner: u8, field: u8, other: u8 },
    SealFor { session: u8, owner: u8, field: u8, other: u8 },
    LogIn { who: u8, how: LogIn },
    Renew { client: u8, how: u8 },
    Authenticate { client: u8, proof: u8, wrong: u8, style: Style },
    Enter { who: u8, how: u8 },
    Open { ask: Ask, style: Style },
    OpenOwn { ask: Ask, style: Style },
    OpenMany { ask: Ask, more: [u8; 6] },
    Reveal { ask: Ask, more: [u8; 5], style: Style },
    OpenGranted { grant: u8, ask: Ask, style: Style },
    RevealGranted { grant: u8, ask: Ask, more: [u8; 3], style: Style },
    Deliver { grant: u8, ask: Ask, address: u8, style: Style },
    Rewrap { ask: Ask, grant: u8, style: Style },
    HandOver { ask: Ask, to: u8 },
    TakeOver { ask: Ask, grant: u8 },
    Mint { session: u8, owner: u8, how: Mint },
    AlterGrant { grant: u8, at: u8, bit: u8 },
    Revoke { session: u8, grant: u8 },
    RevokeAll { session: u8, owner: u8 },
    Confirm { session: u8, owner: u8, field: u8, address: u8 },
    Erase { session: u8, owner: u8 },
    LogOut { client: u8, style: Style },
    Switch { session: u8, stop: u8 },
    Alter { token: u8, at: u16, bit: u8 },
    Canary { tenant: u8, like: u8 },
    Rotate { how: u8 },
    Retire { which: u8 },
    Fail { fault: Fault, how: u8, calls: u8 },
    Restart { how: u8 },
    Drain { count: u8 },
    TimePasses { how: u8 },
    Commit,
    ReleaseEarly { which: u8 },
    TakeAlarms,
    OpenEach { ask: Ask, more: [u8; 7] },
    CommitElsewhere { ask: Ask, grant: u8 },
    LookUp { session: u8, what: u8 },
    MakeIndex { session: u8, what: u8, count: u8 },
}

/// Which session presents which token in which place.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) session: u8,
    pub(super) token: u8,
    pub(super) aim: u8,
    pub(super) purpose: u8,
}

/// How a call is made: committed at once, held and committed with others, or given up.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Style(pub(super) u8);

impl Style {
    pub(super) fn is_sync(self) -> bool {
        self.0.is_multiple_of(4)
    }

    /// The buffer is looked into while the outcome is held, or after it was given up.
    pub(super) fn looks_into(self) -> bool {
        self.0 % 8 == 1
    }

    pub(super) fn forgets(self) -> bool {
        self.0 & 8 != 0
    }

    pub(super) fn is_short(self) -> bool {
        self.0 % 32 == 4
    }

    pub(super) fn settles(self) -> bool {
        self.0 & 0xc0 != 0
    }
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Fault {
    Commit,
    Down,
    NoPlace,
    Full,
    PowerCut,
    NoClock,
    ClockBack,
    RngErrs,
    RngSticks,
}

/// What a credential is to say, and what is wrong with it.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct LogIn {
    pub(super) rights: u8,
    pub(super) purposes: u8,
    life: u8,
    flaw: u8,
    pub(super) more: u8,
}

impl LogIn {
    /// Nothing is wrong.
    pub(super) const fn good(rights: u8, purposes: u8) -> Self {
        // Longer than usual, and from now on.
        Self { rights, purposes, life: 0xf7, flaw: 7, more: 0 }
    }

    pub(super) fn rights(&self, who: usize) -> u16 {
        match self.rights % 8 {
            0 => 0,
            1 => TOKENIZE | MAINTAIN,
            2 => GRANT | CONFIRM,
            3 => OPERATE,
            4 if !is_person(who) => 0x1fe,
            5 => OWN | MAINTAIN,
            _ if is_person(who) => OWN,
            _ => 0x1ff,
        }
    }

    pub(super) fn purposes(&self) -> u64 {
        match self.purposes % 8 {
            0 => 1,
            1 => u64::MAX - 1,
            2 => 1 | 1 << 1,
            _ => u64::MAX,
        }
    }

    pub(super) fn life(&self) -> u64 {
        match self.life % 16 {
            0 => 1,
            1 => 5 * SECOND,
            2 => 15 * MINUTE + 1,
            3 => 24 * 60 * MINUTE,
            4 => 30 * SECOND,
            _ => 15 * MINUTE,
        }
    }

    /// Milliseconds in the future.
    pub(super) fn begins_in(&self) -> u64 {
        match self.life / 16 {
            0 => 2 * SECOND,
            1 => 2 * SECOND + 1,
            _ => 0,
        }
    }

    /// Milliseconds in the past.
    pub(super) fn began_before(&self) -> u64 {
        match self.life / 16 {
            2 => self.life(),
            3 => self.life() - 1,
            4 => 3 * MINUTE,
            _ => 0,
        }
    }

    pub(super) fn bearer(&self) -> bool {
        self.more & 0xc0 == 0xc0
    }

    pub(super) fn flaw(&self) -> Flaw {
        match self.flaw % 16 {
            0 => Flaw::OtherAudience,
            1 => Flaw::Forged,
            2 => Flaw::Altered,
            _ => Flaw::None,
        }
    }
}

/// What a grant is to say.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Mint {
    pub(super) grantee: u8,
    pub(super) fields: u8,
    pub(super) purpose: u8,
    pub(super) view: u8,
    pub(super) record: u8,
    pub(super) window: u8,
    pub(super) uses: u8,
}

impl Op {
    /// Its name, for counting.
    pub(super) fn name(&self) -> &'static str {
        macro_rules! names {
            ($($name:ident),* $(,)?) => { match self { $(Self::$name { .. } => stringify!($name),)* } };
        }
        names!(
            Tokenize,
            SealFor,
            LogIn,
            Renew,
            Authenticate,
            Enter,
            Open,
            OpenOwn,
            OpenMany,
            Reveal,
            OpenGranted,
            RevealGranted,
            Deliver,
            Rewrap,
            HandOver,
            TakeOver,
            Mint,
            AlterGrant,
            Revoke,
            RevokeAll,
            Confirm,
            Erase,
            LogOut,
            Switch,
            Alter,
            Canary,
            Rotate,
            Retire,
            Fail,
            Restart,
            Drain,
            TimePasses,
            Commit,
            ReleaseEarly,
            TakeAlarms,
            OpenEach,
            CommitElsewhere,
            LookUp,
            MakeIndex,
        )
    }
}

impl Mint {
    /// One that may be minted.
    pub(super) const fn good(byte: u8) -> Self {
        Self {
            grantee: byte | 0xe0,
            fields: 0x1f,
            purpose: byte,
            view: byte | 64,
            record: 1,
            window: 0x34,
            uses: byte | 64,
        }
    }

    /// Purposes and views that go with each other, and some that don't.
    pub(super) fn purpose_and_view(&self) -> (u8, u8) {
        let purpose = [1, 1, 4, 3, 8, 9, 0, 33][pick(self.purpose, 8)];
        let view = match (purpose, self.view % 8) {
            (_, 0) if self.view < 64 => 1 + self.view / 8 % 3,
            (8 | 9, _) => 3,
            (_, 1 | 2) => 2,
            _ => 1,
        };
        (purpose, view)
    }

    /// From when until when.
    pub(super) fn window(&self, now: u64) -> (u64, u64) {
        let begins = match self.window % 8 {
            0 => now + 2 * SECOND,
            1 => now + 2 * SECOND + 1,
            2 => now + 3 * SECOND,
            3 => now - MINUTE,
            _ => now,
        };
        let expires = match self.window / 8 % 8 {
            0 => now + 1,
            1 => now + 5 * SECOND,
            2 if self.window < 128 => now,
            3 => now + 366 * DAY,
            4 if self.window < 128 => now + 366 * DAY + 1,
            _ => now + 60 * MINUTE,
        };
        (begins, expires)
    }

    pub(super) fn uses(&self) -> Option<u32> {
        match self.uses % 8 {
            0 if self.uses < 64 => Some(0),
            1 | 2 => Some(1),
            3 => Some(2),
            4 => Some(3),
            _ if matches!(self.purpose_and_view().0, 8 | 9) => Some(2),
            _ => None,
        }
    }
}
