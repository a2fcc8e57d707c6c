//! The alarm: what is watched, how much of it is usual, and what happens beyond. SPEC.md section 16.

use crate::{Kind, Time};

/// So many at once, and so many a minute in the long run: a leaky bucket that holds `burst` and loses `per_minute` a minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// How many may come at once; `u32::MAX`: there is no limit.
    pub burst: u32,
    /// How many may come a minute for ever.
    pub per_minute: u32,
    /// What happens when there is one more. An alarm is raised in any case.
    pub then: Reaction,
}

impl Limit {
    /// No limit.
    pub const NONE: Self = Self::new(u32::MAX, u32::MAX);

    /// So many at once, so many a minute; beyond that an alarm, and nothing else.
    #[must_use]
    pub const fn new(burst: u32, per_minute: u32) -> Self {
        Self { burst, per_minute, then: Reaction::Record }
    }

    /// With this reaction.
    #[must_use]
    pub const fn then(self, then: Reaction) -> Self {
        Self { then, ..self }
    }
}

/// What an alarm does besides being raised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reaction {
    /// Nothing: it stands in the trail, and the host is told.
    Record,
    /// The session that caused it is over, as if it had logged out; whoever it was must log in anew. For an alarm that is about no session it
    /// is [`Record`](Self::Record).
    EndSession,
    /// Everything is stopped: nothing opens for anybody until a session with [`Rights::OPERATE`](crate::Rights::OPERATE) lets it go on
    /// ([`Session::release_held`](crate::Session::release_held)). It outlives a restart.
    StopAll,
}

/// How much is usual, and what happens at everything beyond; the alarm is raised at the first and, while it lasts, once in each minute of the clock. Three stand for the kinds of principals, in the order person, staff, service.
///
/// All of it is counted in the host's memory: a restart begins anew, and two nodes count each for itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// What one principal may open, values and look-ups. Beyond it everything is refused ([`Reason::Limited`](crate::Reason::Limited)).
    pub openings: [Limit; 3],
    /// Different tokens that one principal opens, counted about: what was opened lately doesn't count again.
    pub tokens: [Limit; 3],
    /// Tokens that are not the principal's own, or not granted. A page that a cache or a query gave to the wrong reader makes a burst of them.
    pub refusals: [Limit; 3],
    /// The same, over all principals: many pages with a single wrong token each.
    pub all_refusals: Limit,
    /// Credentials and proofs that were refused, over all.
    pub log_ins: Limit,
    /// What touching a canary does.
    pub canary: Reaction,
}

impl Limits {
    /// For persons, 3 refusals at once and 3 a minute, 300 different tokens and 30 a minute, 2,000 openings and 600 a minute; for staff the same; for
    /// services more. Measured in a simulated shop (`symbolon-host`, tests/mercari.rs): look at your own traffic, and choose.
    pub const USUAL: Self = {
        let openings = Limit::new(2_000, 600);
        let tokens = Limit::new(300, 30);
        let refusals = Limit::new(3, 3);
        Self {
            openings: [openings, openings, Limit::new(100_000, 60_000)],
            tokens: [tokens, tokens, Limit::new(100_000, 60_000)],
            refusals: [refusals, refusals, Limit::new(10, 10)],
            all_refusals: Limit::new(30, 30),
            log_ins: Limit::new(100, 100),
            canary: Reaction::Record,
        }
    };

    /// None: only canaries, the clock, the generator and a full trail raise an alarm. For a program that one person runs on a whole file.
    pub const NONE: Self = Self {
        openings: [Limit::NONE; 3],
        tokens: [Limit::NONE; 3],
        refusals: [Limit::NONE; 3],
        all_refusals: Limit::NONE,
        log_ins: Limit::NONE,
        canary: Reaction::Record,
    };

    pub(crate) const fn of(limits: &[Limit; 3], kind: Kind) -> Limit {
        let [person, staff, service] = *limits;
        match kind {
            Kind::Person => person,
            Kind::Staff => staff,
            Kind::Service => service,
        }
    }
}

/// Why an alarm was raised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[repr(u8)]
pub enum Cause {
    /// A canary was presented.
    Canary = 1,
    /// A principal presented more tokens that were not its own than [`Limits::refusals`].
    Refusals = 2,
    /// All together presented more than [`Limits::all_refusals`].
    AllRefusals = 3,
    /// A principal opened more different tokens than [`Limits::tokens`].
    ManyTokens = 4,
    /// A principal opened as much as it may: [`Limits::openings`].
    ManyOpenings = 5,
    /// More log-ins were refused than [`Limits::log_ins`].
    LogIns = 6,
    /// The clock fell behind a time that was already seen. Nothing opens until it has caught up.
    ClockBack = 7,
    /// The random number generator failed, or repeated itself.
    RandomNumbers = 8,
    /// The trail is full: everything is *unavailable* until it is drained.
    TrailFull = 9,
}

impl Cause {
    const ALL: [Self; 9] = [
        Self::Canary,
        Self::Refusals,
        Self::AllRefusals,
        Self::ManyTokens,
        Self::ManyOpenings,
        Self::LogIns,
        Self::ClockBack,
        Self::RandomNumbers,
        Self::TrailFull,
    ];

    /// Its number in SPEC.md section 16, as an entry of [`Event::Alarm`](crate::Event::Alarm) has it.
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The cause with this number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }
}

/// Something is wrong. [`Host::next_alarm`](crate::Host::next_alarm) hands it out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alarm {
    /// Why.
    pub cause: Cause,
    /// When, by the vault's clock.
    pub time: Time,
    /// The tag of the principal who caused it; zeros where it is about nobody in particular.
    pub caller: [u8; 16],
    /// What kind of principal that is; `None` where it is about nobody in particular.
    pub kind: Option<Kind>,
    /// The first 8 bytes of the session's id; zeros as above.
    pub session: [u8; 8],
    /// How many alarms of this cause there were since the host was opened, up to the last that this one stands for: those of one caller
    /// that the host hasn't taken are one, and those that found no place are counted, too.
    pub count: u32,
    /// What was done.
    pub reaction: Reaction,
}
