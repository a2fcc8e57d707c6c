//! What an appliance says, in plain words: what is wrong, and what to do.

use std::error::Error as _;

use symbolon::appliance::{Fault, Role, Status};
use symbolon_device::Error;

use crate::{error::Failure, roles_file::name_of};

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum During {
    /// The line, or a question that anybody may ask.
    Connect,
    /// A role proved itself.
    LogIn(Role),
    /// A role's act.
    Act(Role),
    /// Something in a session.
    Session,
    /// In one that is over, by the appliance's clock.
    EndedSession,
}

/// All that is known when something failed.
pub(super) struct Seen<'s> {
    pub(super) during: During,
    pub(super) address: &'s str,
    /// How the appliance is, where it still says so.
    pub(super) status: Option<Status>,
}

/// The error for people, with its exit code.
pub(super) fn explain(error: Error, seen: &Seen<'_>) -> anyhow::Error {
    let (failure, words) = match &error {
        Error::Fault(fault) => of_fault(*fault, seen),
        Error::Core(error) => return anyhow::Error::new(*error),
        Error::Address(_) | Error::TooLong | Error::Unexpected => (Failure::Input, error.to_string()),
        Error::AnswerLost => (Failure::Unavailable, format!("{error} (symbolon device status)")),
        _ => (Failure::Unavailable, with_source(&error)),
    };
    let at = if words.contains(seen.address) { String::new() } else { format!("the appliance at {}: ", seen.address) };
    failure.because(format!("{at}{words}"))
}

fn with_source(error: &Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn of_fault(fault: Fault, seen: &Seen<'_>) -> (Failure, String) {
    let stage = seen.status.map(|status| status.stage);
    match (fault, stage) {
        (Fault::Stage | Fault::Denied, Some(0)) => (Failure::Unavailable, blank(seen)),
        (Fault::Stage, Some(1)) => (Failure::Unavailable, without_roots(seen)),
        (Fault::Stage, _) => of_stage(seen),
        (Fault::Denied, _) => of_denial(seen),
        (Fault::Unavailable, _) => (Failure::Unavailable, unavailable(seen)),
        (Fault::Blocked, _) => (Failure::Denied, blocked(seen.during)),
        (Fault::Unhealthy, _) => (Failure::Unavailable, UNHEALTHY.into()),
        (Fault::RngFailed, _) => (
            Failure::Unavailable,
            "its random numbers have failed: switch it off and on, and run \
                                                         symbolon device self-test"
                .into(),
        ),
        (Fault::Version, _) => {
            (Failure::Unavailable, "it speaks another version of the protocol than this program".into())
        }
        (Fault::InvalidKeyring, _) => (Failure::Input, INVALID_KEYRING.into()),
        (Fault::InvalidTerms, _) => (Failure::Input, INVALID_TERMS.into()),
        (fault, _) => (Failure::Input, format!("it refused: {fault}")),
    }
}

fn blank(seen: &Seen<'_>) -> String {
    format!("it is blank, and has no keys yet: symbolon keygen shop.roles --device {} sets it up", seen.address)
}

fn without_roots(seen: &Seen<'_>) -> String {
    format!(
        "it has role keys and no roots yet: its provisioning was not brought to its end. Run symbolon keygen again, with its roles file \
         and --device {}",
        seen.address
    )
}

fn of_stage(seen: &Seen<'_>) -> (Failure, String) {
    let locked = seen.status.is_some_and(|status| status.locked);
    let words = if locked { LOCKED } else { "it has that already, and nothing was changed" };
    (Failure::Denied, words.into())
}

fn of_denial(seen: &Seen<'_>) -> (Failure, String) {
    let words = match seen.during {
        During::LogIn(role) => wrong_key(role, seen.status),
        During::Act(role) => format!(
            "it does not take the {}'s acts any more: is another program using the same role at the same time? Run the command again",
            name_of(role)
        ),
        During::EndedSession => "this session is over; symbolon login makes a new one".into(),
        During::Session if seen.status.is_some_and(|status| status.stopped) => STOPPED.into(),
        During::Session | During::Connect => {
            "the session was not accepted: it may be over, logged out, of other keys, or without the right that this takes (symbolon login \
             makes a new one)"
                .into()
        }
    };
    (Failure::Denied, words)
}

fn wrong_key(role: Role, status: Option<Status>) -> String {
    let left = status.and_then(|status| status.attempts.get(usize::from(role.code())).copied());
    let left = match left {
        Some(0) => "no attempt is left".into(),
        Some(1) => "one attempt is left".into(),
        Some(left) => format!("{left} attempts are left"),
        None => "each one counts".into(),
    };
    let name = name_of(role);
    format!(
        "it has another {name} key than the roles file: is this the right file, and the right appliance? {left}, then it takes no {name} any more"
    )
}

fn blocked(during: During) -> String {
    match during {
        During::LogIn(Role::Officer) => {
            "too many wrong officer keys came: it takes another one ten minutes after the last. Who tries keys on this line?".into()
        }
        During::LogIn(role) => format!(
            "too many wrong {name} keys came: it takes another one ten minutes after the last, or when the officer gives it a new one \
             (symbolon device new-key --role {name}). Who tries keys on this line?",
            name = name_of(role)
        ),
        _ => "too many wrong keys came".into(),
    }
}

fn unavailable(seen: &Seen<'_>) -> String {
    match seen.status {
        Some(status) if status.stage == 2 && status.room < NEARLY_FULL => format!(
            "its audit trail is full (room for {} entries), and nothing is done that it can't record: symbolon trail fetch makes room",
            status.room
        ),
        Some(status) if status.time.is_none() => "it has no clock that works, and does nothing without".into(),
        _ => "something that it needs does not work now: its clock, its store or its audit trail. Nothing was opened; try again, and look at symbolon \
              device status"
            .into(),
    }
}

/// So many entries an act may need.
const NEARLY_FULL: u32 = 16;

const UNHEALTHY: &str = "its self-test failed, or what it keeps can't be read: it does nothing any more. Switch it off and on; if that does not help, \
                         zeroise it by hand and restore a backup (symbolon device restore)";

const LOCKED: &str =
    "it is locked: no backup leaves it, and its role keys stay what they are. Only zeroising undoes that";

const STOPPED: &str = "everything is stopped on it: nothing opens until somebody with the right operate lets it go on";

const INVALID_KEYRING: &str = "it does not take this keyring: it is wrapped under another transport key or damaged; or there is no room for another \
                               root, no such epoch, or it is the newest";

const INVALID_TERMS: &str = "it does not issue such a session: it lasts longer than this appliance allows, or has a right that such a caller can't have";

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            stage: 2,
            locked: false,
            stopped: false,
            healthy: true,
            time: Some(1),
            node: 0,
            epoch: 1,
            room: 1000,
            next_entry: 0,
            alarms: 0,
            attempts: [8, 1, 0],
            longest_answer: 2048,
            most_items: 7,
        }
    }

    fn told(fault: Fault, during: During, status: Status) -> (u8, String) {
        let error = explain(fault.into(), &Seen { during, address: "tcp:a:1", status: Some(status) });
        (crate::error::code(&error), error.to_string())
    }

    /// Whatever is wrong, the message says what to do, and the code is one of those that are documented.
    #[test]
    fn says_what_to_do() {
        use During::{Act, EndedSession, LogIn, Session};
        let (issuer, officer) = (LogIn(Role::Issuer), LogIn(Role::Officer));
        let cases = [
            (Fault::Stage, issuer, Status { stage: 0, ..status() }, 4, "symbolon keygen shop.roles --device tcp:a:1"),
            (Fault::Denied, Session, Status { stage: 0, ..status() }, 4, "blank"),
            (Fault::Stage, Session, Status { stage: 1, ..status() }, 4, "keygen again"),
            (Fault::Stage, Act(Role::Officer), Status { locked: true, ..status() }, 3, "locked"),
            (Fault::Stage, Act(Role::Officer), status(), 3, "already"),
            (Fault::Denied, officer, status(), 3, "8 attempts are left"),
            (Fault::Denied, issuer, status(), 3, "one attempt is left"),
            (Fault::Denied, LogIn(Role::Auditor), status(), 3, "no attempt is left"),
            (Fault::Blocked, issuer, status(), 3, "device new-key --role issuer"),
            (Fault::Blocked, officer, status(), 3, "ten minutes"),
            (Fault::Unavailable, Session, Status { room: 3, ..status() }, 4, "symbolon trail fetch"),
            (Fault::Unavailable, Session, Status { time: None, ..status() }, 4, "clock"),
            (Fault::Unavailable, Session, status(), 4, "device status"),
            (Fault::Denied, Session, Status { stopped: true, ..status() }, 3, "stopped"),
            (Fault::Denied, Session, status(), 3, "symbolon login"),
            (Fault::Denied, EndedSession, status(), 3, "is over"),
            (Fault::Unhealthy, Session, status(), 4, "restore"),
            (Fault::InvalidKeyring, Act(Role::Officer), status(), 5, "transport key"),
            (Fault::InvalidTerms, Act(Role::Issuer), status(), 5, "longer"),
        ];
        for (fault, during, status, code, words) in cases {
            let (told_code, told) = told(fault, during, status);
            assert!(
                told_code == code && told.contains(words) && told.contains("tcp:a:1"),
                "{fault:?}: {told_code} {told}"
            );
        }
    }
}
