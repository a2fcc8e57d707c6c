//! What the compiler writes down about each test. The names and the fields are those that it expects of the crate `test`.

use std::fmt::Debug;
use std::string::String;

/// A test.
#[derive(Debug)]
pub struct TestDescAndFn {
    /// What it is.
    pub desc: TestDesc,
    /// What it does.
    pub testfn: StaticTestFn,
}

/// What a test is.
#[derive(Debug, Clone, Copy)]
pub struct TestDesc {
    /// Its path in the crate.
    pub name: StaticTestName,
    /// Whether it is `#[ignore]`d.
    pub ignore: bool,
    /// Why.
    pub ignore_message: Option<&'static str>,
    /// Where it is.
    pub source_file: &'static str,
    /// Its first line.
    pub start_line: usize,
    /// Its first column.
    pub start_col: usize,
    /// Its last line.
    pub end_line: usize,
    /// Its last column.
    pub end_col: usize,
    /// Whether it has to panic.
    pub should_panic: ShouldPanic,
    /// Of documentation examples only.
    pub compile_fail: bool,
    /// Of documentation examples only.
    pub no_run: bool,
    /// Where it belongs.
    pub test_type: TestType,
}

/// A test's path in the crate.
#[derive(Debug, Clone, Copy)]
pub struct StaticTestName(pub &'static str);

/// A test's function.
#[derive(Debug)]
pub struct StaticTestFn(pub fn() -> Result<(), String>);

/// Whether a test has to panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShouldPanic {
    /// It must not.
    No,
    /// It must.
    Yes,
    /// It must, with this text in its message.
    YesWithMessage(&'static str),
}

/// Where a test belongs.
#[derive(Debug, Clone, Copy)]
pub enum TestType {
    /// In `src`.
    UnitTest,
    /// In `tests`.
    IntegrationTest,
    /// The compiler can't tell.
    Unknown,
}

/// What a test's function returned, as the harness takes it.
///
/// # Errors
///
/// The error of a test that returned one.
pub fn assert_test_result(returned: impl Returned) -> Result<(), String> {
    returned.into_result()
}

/// What a test's function can return.
pub trait Returned {
    /// Its error, as a text.
    ///
    /// # Errors
    ///
    /// The test's.
    fn into_result(self) -> Result<(), String>;
}

impl Returned for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Debug> Returned for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| std::format!("{error:?}"))
    }
}
