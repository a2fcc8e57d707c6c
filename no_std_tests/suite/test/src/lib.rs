//! In place of Rust's test harness: runs the tests of an image one after another.
//!
//! The compiler writes the list of an image's tests, with the names of this crate's types; so none can be missing from it.
//!
//! A panic ends the image, and it exits with 1. What an image prints for `cargo xtask suite` to read:
//!
//! ```text
//! tests/masks.rs a_mask_is_never_longer_than_its_value ... ok
//! src/field.rs field::tests::some_name ... left out: why
//! suite: 41 ran, 1 left out, 0 ignored
//! ```
#![no_std]

mod description;
mod left_out;

use std::process::exit;
use std::{eprintln, print, println};

pub use description::{
    ShouldPanic, StaticTestFn, StaticTestName, TestDesc, TestDescAndFn, TestType, assert_test_result,
};

/// Runs `tests` and ends the program: the compiler makes this call.
pub fn test_main_static(tests: &[&TestDescAndFn]) {
    let fails_on_purpose = fails_on_purpose();
    let (mut ran, mut left_out, mut ignored) = (0, 0, 0);
    for test in tests {
        let TestDesc { source_file, name: StaticTestName(name), .. } = test.desc;
        // As seen from the core's folder: before that come the steps up to it, from the folder that cargo builds in.
        let file = source_file.rsplit_once("../").map_or(source_file, |(_, file)| file);
        print!("{file} {name} ... ");
        if test.desc.ignore {
            println!("ignored: {}", test.desc.ignore_message.unwrap_or_default());
            ignored += 1;
        } else if let Some(reason) = left_out::reason(file, name) {
            println!("left out: {reason}");
            left_out += 1;
        } else {
            run(test);
            ran += 1;
        }
    }
    assert!(!fails_on_purpose, "failed on purpose");
    println!("suite: {ran} ran, {left_out} left out, {ignored} ignored");
    exit(0);
}

fn run(test: &TestDescAndFn) {
    assert!(
        test.desc.should_panic == ShouldPanic::No,
        "a panic ends the image: a test that should panic has to be left out"
    );
    match (test.testfn.0)() {
        Ok(()) => println!("ok"),
        Err(why) => panic!("{why}"),
    }
}

/// Whether the image was started to prove that a failure is noticed.
fn fails_on_purpose() -> bool {
    let arguments = semihosting::experimental::env::args::<1024>().expect("the command line is short");
    (&arguments).into_iter().any(|argument| argument == Ok("--fail"))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    println!("FAILED");
    eprintln!("{info}");
    exit(1)
}
