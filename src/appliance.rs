//! The appliance: a device that keeps the keys, and answers frames. SPEC.md section 17.
//!
//! [`Appliance::handle`] takes one frame and gives one. Storage, random numbers and the clock are the board's ([`Environment`]), the
//! key that its flash is sealed under is the chip's. What it needs of memory is fixed, and it allocates nothing.
//!
//! Nobody is taken at a word. **Administrators** prove a role's key in answer to a challenge; what they say and hear from then on is sealed
//! between them and the appliance ([`RoleKey`], [`RoleChannel`]). **Everybody else** presents a credential and a proof of possession for the very
//! act that is asked for, as anywhere else in this crate: the caller's identity, and the owner's where something is opened, come from
//! those. Values go out in clear by [`SessionAct::Detokenize`] only; a [`SessionAct::Reveal`] is for the client's session key alone, and whoever stands
//! between carries noise.
//!
//! | role | may |
//! |---|---|
//! | officer | initialise, generate or import roots, back them up wrapped, rotate, retire, lock, set role keys, zeroise |
//! | issuer | issue credentials, end sessions |
//! | auditor | fetch the audit key once, read and acknowledge the trail |
//! | a credential's holder | what its rights and purposes say |
//!
//! The examples of a whole conversation are in `tests/appliance.rs`; `symbolon-device` is the client for serial lines and TCP.

mod acts;
mod fault;
mod frame;
mod in_session;
mod keep;
mod message;
mod role;
mod self_test;
mod wrap;

use core::{fmt, ops::Range};

use zeroize::Zeroize;

use crate::{
    Alarm, Batch, Config, Environment, Host, Keyring, MemoryStore, Store, StoreError, Time, Vault,
    bytes::put,
    entry::{Entry, Event, Reason},
    token::TAG_LEN,
};
use keep::{DeviceKey, MAX_ATTEMPTS, Settings};

pub use fault::Fault;
pub use frame::{FrameReader, ROOM_BEHIND, Received, VERSION, open_frame, room_before, seal_frame};
pub use message::{
    Asked, AuditorAct, Granting, IssuerAct, OfficerAct, Opening, Request, Response, Role, Sealing, SessionAct, Status,
    Who, read, read_first, write,
};
pub use role::{RoleChannel, RoleKey};
pub use self_test::SELF_TEST;
pub use wrap::TransportKey;

/// What a proof for an appliance is made for, with the act's bytes behind it.
pub const CONTEXT: &[u8] = b"symbolon appliance 1";

/// A store that can be emptied for good.
pub trait Wipe: Store {
    /// Destroys everything that it keeps, whatever was written before. Once begun it is brought to its end, after a loss of power too.
    ///
    /// # Errors
    /// [`StoreError`]: something may be left.
    fn wipe(&mut self) -> Result<(), StoreError>;
}

impl<const ENTRIES: usize, const RECORDS: usize> Wipe for MemoryStore<ENTRIES, RECORDS> {
    fn wipe(&mut self) -> Result<(), StoreError> {
        *self = Self::new();
        Ok(())
    }
}

/// A device that keeps the keys.
///
/// `ENTRIES` and `PROOFS` are its [`Host`]'s.
pub struct Appliance<E, const ENTRIES: usize = 8, const PROOFS: usize = 32> {
    host: Host<E, ENTRIES, PROOFS>,
    /// There once it has roots, and its trail goes on.
    vault: Option<Vault>,
    settings: Option<Settings>,
    device_key: DeviceKey,
    challenge: Option<[u8; 16]>,
    channel: Option<RoleChannel>,
    healthy: bool,
    alarms: u32,
}

/// What is answered: a short response; or [`Response::Bytes`], of so many bytes at the front of [`room_in`] the answer's buffer; or [`Response::Act`],
/// of the bytes that stand there in the answer's buffer.
enum Answer {
    Short(Response<'static>),
    Bytes(usize),
    Act(Range<usize>),
}

impl From<Response<'static>> for Answer {
    fn from(response: Response<'static>) -> Self {
        Self::Short(response)
    }
}

impl<E, const ENTRIES: usize, const PROOFS: usize> Appliance<E, ENTRIES, PROOFS>
where
    E: Environment,
    E::Store: Wipe,
{
    /// The shortest room for answers that every act finds enough, but for [`SessionAct::Reveal`] and [`SessionAct::Tokenize`] of several.
    pub const MIN_ANSWER: usize = 1152;

    /// `device_key` is the chip's own: 32 secret bytes that its flash doesn't hold, the same at every start. [`start`](Self::start) comes next.
    #[must_use]
    pub const fn new(environment: E, device_key: [u8; 32]) -> Self {
        Self {
            host: Host::asleep(environment),
            vault: None,
            settings: None,
            device_key: DeviceKey::new(device_key),
            challenge: None,
            channel: None,
            healthy: false,
            alarms: 0,
        }
    }

    /// Tests itself, reads what it keeps and goes on with its trail.
    ///
    /// # Errors
    /// [`Fault::Unhealthy`]: it answers [`Request::Status`], and can be zeroised by hand. [`Fault::Unavailable`]: the store or the clock; it tries again
    /// with each request.
    pub fn start(&mut self) -> Result<(), Fault> {
        self.healthy = false;
        if self_test::run(&mut self.host) != SELF_TEST {
            return Err(Fault::Unhealthy);
        }
        self.settings = self.device_key.settings(self.host.environment().store())?;
        match &self.settings {
            Some(settings) => self.device_key.set_instance(settings.instance),
            // Blank is what keeps nothing.
            None if keep::anything(self.host.environment().store())? => return Err(Fault::Unhealthy),
            None => {}
        }
        self.healthy = true;
        let woken = self.wake();
        self.healthy = woken != Err(Fault::Unhealthy);
        woken
    }

    /// Answers one frame, without its zero byte at the end, which is wiped: the frame to send, zero byte included, at the front of `out`. Wipe
    /// that once it is sent: a value may be in it.
    ///
    /// Whatever comes is answered, noise with a [`Fault`]; nothing makes it panic.
    pub fn handle<'o>(&mut self, frame: &mut [u8], out: &'o mut [u8]) -> &'o [u8] {
        let (id, answer) = match open_frame(frame) {
            Ok(Received { id, message }) => (id, self.answer(message, out)),
            Err((id, fault)) => (id, Err(fault)),
        };
        frame.zeroize();
        let answer = answer.unwrap_or_else(|fault| Response::Fault(fault.code()).into());
        let len = finish(answer, id, out);
        out.get(..len).unwrap_or_default()
    }

    /// The answer to a frame that was too long to be read.
    pub fn refuse<'o>(&mut self, fault: Fault, out: &'o mut [u8]) -> &'o [u8] {
        let len = finish(Response::Fault(fault.code()).into(), 0, out);
        out.get(..len).unwrap_or_default()
    }

    /// What is left to do when an answer is sent: alarms are recorded, the next one of which is handed out.
    pub fn next_alarm(&mut self) -> Option<Alarm> {
        let vault = self.vault.as_ref()?;
        let alarm = self.host.next_alarm();
        if alarm.is_some() {
            self.alarms = self.alarms.saturating_add(1);
        } else {
            let _next_time_then = self.host.commit_leftovers(vault);
        }
        alarm
    }

    /// Destroys everything that it keeps: for a button, or a tamper switch. The officer's way is [`OfficerAct::Zeroise`].
    ///
    /// # Errors
    /// [`Fault::Unavailable`]: something may be left in the store. The appliance has forgotten its keys.
    pub fn zeroise(&mut self) -> Result<(), Fault> {
        self.vault = None;
        self.settings = None;
        self.device_key.set_instance([0; 16]);
        (self.challenge, self.channel) = (None, None);
        self.host.sleep();
        // Until the store is known to be empty it is no blank appliance, which everybody may initialise.
        self.healthy = false;
        self.host.environment().store().wipe().map_err(|_| Fault::Unavailable)?;
        self.healthy = self_test::run(&mut self.host) == SELF_TEST;
        Ok(())
    }

    /// The board's part: for the firmware's own use.
    pub const fn environment(&mut self) -> &mut E {
        self.host.environment()
    }

    fn answer(&mut self, message: &mut [u8], out: &mut [u8]) -> Result<Answer, Fault> {
        // Alarms of the request before that nobody took.
        while self.next_alarm().is_some() {}
        let request = read::<Request<'_>>(message)?;
        let sealed_len = match request {
            Request::Status => return self.status(out).map(|status| Response::Status(status).into()),
            _ if !self.healthy => return Err(Fault::Unhealthy),
            Request::SelfTest => return Ok(Response::SelfTest(self_test::run(&mut self.host)).into()),
            Request::Challenge => return self.challenge(),
            Request::LogIn { role, nonce, mac } => return self.log_in(role, &nonce, &mac),
            Request::InSession { credential, proof, challenged, act } => {
                let challenge = if challenged { Some(self.challenge.take().ok_or(Fault::Denied)?) } else { None };
                self.wake()?;
                let vault = self.vault.as_ref().ok_or(Fault::Stage)?;
                return in_session::answer(
                    vault,
                    &mut self.host,
                    &in_session::Presented { credential, proof, challenge, act },
                    room_in(out),
                );
            }
            Request::Act { sealed } => sealed.len(),
        };
        let start = message.len().saturating_sub(sealed_len);
        self.act(message.get_mut(start..).unwrap_or_default(), out)
    }

    /// Goes on with the trail, where there is one that doesn't yet.
    fn wake(&mut self) -> Result<(), Fault> {
        if self.settings.is_none() || self.vault.is_some() {
            return Ok(());
        }
        let Some(keyring) = self.device_key.keyring(self.host.environment().store())? else { return Ok(()) };
        let vault = self.vault_of(keyring)?;
        self.host.wake(&vault)?;
        self.vault = Some(vault);
        Ok(())
    }

    /// The vault with these roots, by the officer's settings.
    fn vault_of(&self, keyring: Keyring) -> Result<Vault, Fault> {
        let settings = self.settings.as_ref().ok_or(Fault::Stage)?;
        let Settings { node, max_life, .. } = *settings;
        let config = Config { node, max_life, ..Config::new(settings.audience.as_bytes()) };
        Ok(Vault::new(keyring, &config)?)
    }

    fn status(&mut self, out: &[u8]) -> Result<Status, Fault> {
        // A clock that was wrong, or a full trail, may be right by now.
        let _later_then = self.wake();
        let stage = match (&self.settings, &self.vault) {
            (None, _) => 0,
            (Some(_), None) => 1,
            (Some(_), Some(_)) => 2,
        };
        let environment = self.host.environment();
        let time = environment.now().map(Time::as_millis);
        let room = u32::try_from(environment.store().room()).unwrap_or(u32::MAX);
        let now = environment.now().unwrap_or_default();
        let mut attempts = [0; 3];
        for (left, role) in attempts.iter_mut().zip(Role::ALL) {
            *left = keep::attempts(role, now, environment.store()).unwrap_or_default();
        }
        Ok(Status {
            stage,
            locked: self.settings.as_ref().is_some_and(|settings| settings.locked),
            stopped: self.host.is_stopped(),
            healthy: self.healthy,
            time,
            node: self.settings.as_ref().map_or(0, |settings| settings.node),
            epoch: self.vault.as_ref().map_or(0, Vault::newest_epoch),
            room,
            next_entry: self.host.next_entry().1,
            alarms: self.alarms,
            attempts,
            longest_answer: u16::try_from(out.len()).unwrap_or(u16::MAX),
            most_items: u8::try_from(ENTRIES.saturating_sub(1)).unwrap_or(u8::MAX),
        })
    }

    fn challenge(&mut self) -> Result<Answer, Fault> {
        let challenge = self.host.random16()?;
        self.challenge = Some(challenge);
        Ok(Response::Challenge(challenge).into())
    }

    /// Opens a channel for a role, in the place of the one that is open. The attempt is counted, and the count durable, before anything is
    /// compared: power that is cut gives none back.
    fn log_in(&mut self, role: Role, nonce: &[u8; 16], mac: &[u8; 16]) -> Result<Answer, Fault> {
        let challenge = self.challenge.take().ok_or(Fault::Denied)?;
        let is_blank = self.settings.is_none();
        // An attempt for which the trail has no room is none, so a full trail locks nobody out.
        if role != Role::Auditor {
            self.wake()?;
            if self.vault.is_some() && self.host.room() == 0 {
                return Err(Fault::Unavailable);
            }
        }
        // Without a clock no attempt comes back.
        let now = self.host.environment().now().unwrap_or_default();
        let left = keep::attempts(role, now, self.host.environment().store())?.checked_sub(1).ok_or(Fault::Blocked)?;
        let key = self.device_key.role_key(role, is_blank, self.host.environment().store())?;
        // A blank appliance's key is everybody's: nothing is guessed.
        if !is_blank {
            self.keep(&[keep::attempts_record(role, left, now)])?;
        }
        let confirmed = key.confirms(role, &challenge, nonce, mac);
        if confirmed && !is_blank {
            self.keep(&[keep::attempts_record(role, MAX_ATTEMPTS, now)])?;
        }
        let reason = if confirmed { Reason::Done } else { Reason::BadProof };
        self.record(role, Entry::new(Event::RoleLogIn, reason))?;
        if !confirmed {
            return Err(Fault::Denied);
        }
        self.channel = Some(key.channel(role, &challenge, nonce));
        Ok(Response::Done.into())
    }

    /// One act of the role whose channel is open, and its answer, sealed. What can't be opened changes nothing.
    fn act(&mut self, sealed: &mut [u8], out: &mut [u8]) -> Result<Answer, Fault> {
        let channel = self.channel.as_ref().ok_or(Fault::Denied)?;
        let was_blank = self.settings.is_none();
        let (role, act) = (channel.role(), channel.open_act(sealed)?);
        // While it is at work there is none, so that what zeroises takes it along.
        let Some(mut channel) = self.channel.take() else { return Err(Fault::Denied) };
        let answer = match self.act_of(role, act, room_in(out)) {
            Ok(answer) => answer,
            Err(fault) => Response::Fault(fault.code()).into(),
        };
        let answer = put_answer(answer, out);
        let len = channel.seal_answer(out.get_mut(answer.start..).unwrap_or_default(), answer.len())?;
        // What everybody's key has opened ends with the first act; so does all that was opened before a zeroising.
        self.channel = Some(channel).filter(|_| !was_blank && self.settings.is_some());
        Ok(Answer::Act(answer.start..answer.start.saturating_add(len)))
    }

    /// Puts it into the trail, by this role, and makes sure that it is durable. Where there is no trail yet, there is nothing to put it into. A
    /// full trail doesn't keep the auditor out, who empties it.
    fn record(&mut self, role: Role, mut entry: Entry) -> Result<(), Fault> {
        let woken = self.wake();
        if role != Role::Auditor {
            woken?;
        }
        let Some(vault) = &self.vault else { return Ok(()) };
        entry.view = role.code();
        let recorded = self.host.record(vault, &entry);
        if role == Role::Auditor { Ok(()) } else { recorded.map_err(Fault::from) }
    }

    /// Makes records durable, all of them or none.
    fn keep(&mut self, records: &[crate::Record]) -> Result<(), Fault> {
        let batch = Batch { records, entries: (&[], &[]), now: Time::default() };
        self.host.environment().store().commit(&batch).map_err(|_| Fault::Unavailable)
    }
}

impl<E, const ENTRIES: usize, const PROOFS: usize> fmt::Debug for Appliance<E, ENTRIES, PROOFS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appliance").field("settled", &self.settings.is_some()).finish_non_exhaustive()
    }
}

/// Makes the answer's frame at the front of `out`: its length, or 0 where `out` is too short for any.
fn finish(answer: Answer, id: u16, out: &mut [u8]) -> usize {
    let message = put_answer(answer, out);
    seal_frame(out, id, message.start, message.len()).unwrap_or(0)
}

/// The same as [`put_message`], or that the answer is too long.
fn put_answer(answer: Answer, out: &mut [u8]) -> Range<usize> {
    let too_long = Response::Fault(Fault::TooLong.code());
    put_message(answer, out).or_else(|| put_message(too_long.into(), out)).unwrap_or_default()
}

/// Puts the message into `out`: where it stands. What an answer's bytes are in stands there already, and gets its head.
fn put_message(answer: Answer, out: &mut [u8]) -> Option<Range<usize>> {
    let start = room_start(out.len());
    let (head, bytes) = match answer {
        Answer::Short(response) => {
            let len = write(&response, out.get_mut(start..)?).ok()?;
            return Some(start..start.checked_add(len)?);
        }
        Answer::Bytes(len) => (BYTES, start..start.checked_add(len)?),
        Answer::Act(bytes) => (ACT, bytes),
    };
    // postcard: the variant, and the length as a varint of at most three bytes.
    let mut varint = [0; 3];
    let written = postcard::to_slice(&u16::try_from(bytes.len()).ok()?, &mut varint).ok()?;
    let begin = bytes.start.checked_sub(written.len())?.checked_sub(1)?;
    let (first, rest) = out.get_mut(begin..bytes.start)?.split_first_mut()?;
    *first = head;
    put(rest, &[written]);
    Some(begin..bytes.end)
}

/// Where an answer's bytes are put: with room in front for its heads, and behind for a tag and the frame's check.
fn room_in(out: &mut [u8]) -> &mut [u8] {
    let (start, end) = (room_start(out.len()), out.len().saturating_sub(ROOM_BEHIND + TAG_LEN));
    out.get_mut(start..end).unwrap_or_default()
}

const fn room_start(len: usize) -> usize {
    // Heads of four bytes each: of the act's answer, and of what carries it.
    room_before(len).saturating_add(8)
}

/// The variants' numbers in [`Response`].
const BYTES: u8 = 2;
const ACT: u8 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing of an answer's buffer is given away but what its heads, its tag and the frame's check take.
    #[test]
    fn the_room_for_an_answer_is_exact() {
        for len in [300, 2048] {
            let mut out = [0; 2048];
            let out = out.get_mut(..len).unwrap_or_default();
            let room = room_in(out).len();
            assert_eq!(room_start(len) + room + TAG_LEN + ROOM_BEHIND, len);
        }
    }
}
