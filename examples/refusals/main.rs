//! Every cause of a refusal, function by function, so that their cost can be counted: `cargo xtask refusals` runs this under valgrind and
//! compares. By itself it only checks that each is refused for the reason that it is meant to be.
//!
//! For each case it prints `function | cause | reason`, and calls [`mark`] directly before and after.

#![allow(clippy::unwrap_used, reason = "a measurement that can't be set up has to stop")]

mod causes;
mod world;

use std::hint::black_box;

use symbolon::Error;
use world::World;

/// A case: what is called, why it is refused, and the call, made ready.
pub struct Case {
    function: &'static str,
    cause: &'static str,
    call: Call,
}

/// A call that must be refused. It says whether its outcome is held (all refusals are).
type Call = Box<dyn FnOnce(&mut World) -> Result<bool, Error>>;

/// Called directly before and after what is to be counted: valgrind writes down its counts behind each call.
#[inline(never)]
fn mark() {
    black_box(());
}

fn main() {
    let mut world = World::new();
    for case in causes::all(&mut world) {
        let Case { function, cause, call } = case;
        world.leave_room_in_the_block();
        mark();
        let held = call(&mut world);
        mark();
        assert_eq!(held, Ok(true), "{function}, {cause}");
        world.host.commit(world.vault).unwrap();
        let last = world.last_entry().unwrap();
        assert_ne!(last.entry.reason, symbolon::Reason::Done, "{function}, {cause}: it was not refused");
        println!("{function} | {cause} | {:?}", last.entry.reason);
    }
}
