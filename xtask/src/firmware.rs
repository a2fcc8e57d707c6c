//! `cargo xtask firmware`: builds the images of `no_std_tests`, runs them on an emulated board, measures them, and holds them to their limits.

mod board_test;
mod budgets;
mod emulator;
mod image;
mod panics;

use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::bare_metal::Toolchain;
use crate::metadata::Metadata;
use crate::process::run;
use budgets::{Figure, Unit};
use image::Image;

/// Builds the images for a Cortex-M3; tries the emulated board out; measures flash, memory, stack and instructions, and compares them with their
/// limits and with the table in no_std_tests/README.md; looks for code that could panic, and makes sure that no allocator is linked.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {
    /// Write the table of the README anew
    #[arg(long)]
    write: bool,
    /// Print so many of the largest functions of the image `core-only`, too
    #[arg(long, default_value_t = 0, value_name = "N")]
    largest: usize,
}

/// Does all of it.
pub(crate) fn run_command(root: &Path, arguments: &Arguments) -> Outcome {
    let folder = root.join("no_std_tests");
    let images = Images::build(root, &folder)?;
    images.cannot_allocate(&folder)?;
    board_test::run(&images.path("board"), &images.folder)?;
    board_test::overflow_stops(&images.path("with-overflow"))?;
    println!("    the board works: counter, stack and its end, clock, random numbers, flash, serial line");
    let figures = [sizes(&images)?, operations(&images)?].concat();
    for figure in &figures {
        println!("    {:60} {:>9}", figure.what, figure.value);
    }
    largest(&images, arguments.largest)?;
    let (readme, compiler) = (folder.join("README.md"), images.read(CORE)?.compiler()?);
    if arguments.write {
        budgets::write_readme(&readme, &compiler, &figures)?;
    }
    all_of([
        budgets::check(&figures),
        budgets::compare_with_readme(&readme, &compiler, &figures),
        panic_list(&images, &folder),
    ])
}

/// The appliance's image, built.
pub(crate) fn appliance(root: &Path) -> Outcome<PathBuf> {
    let images = Images::new(root)?;
    run(&mut images.cargo(&root.join("no_std_tests"), "appliance-firmware"))?;
    Ok(images.path(APPLIANCE))
}

/// The errors of all, so that one does not hide another.
fn all_of<const N: usize>(outcomes: [Outcome; N]) -> Outcome {
    let errors: Vec<_> = outcomes.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n").into()) }
}

/// The images, built.
struct Images {
    toolchain: Toolchain,
    target_folder: PathBuf,
    folder: PathBuf,
}

impl Images {
    fn new(root: &Path) -> Outcome<Self> {
        let toolchain = Toolchain::for_target(root, TARGET)?;
        let target_folder = Metadata::load(root)?.target_directory()?.join("firmware");
        Ok(Self { toolchain, folder: target_folder.join(TARGET).join("release"), target_folder })
    }

    fn build(root: &Path, folder: &Path) -> Outcome<Self> {
        let images = Self::new(root)?;
        run(&mut images.cargo(folder, "images"))?;
        run(&mut images.cargo(folder, "appliance-firmware"))?;
        Ok(images)
    }

    fn cargo(&self, folder: &Path, package: &str) -> std::process::Command {
        let mut cargo = self.toolchain.cargo(folder);
        cargo.args(["build", "--release", "--package", package, "--target", TARGET]);
        cargo.arg("--target-dir").arg(&self.target_folder);
        cargo
    }

    fn path(&self, image: &str) -> PathBuf {
        self.folder.join(image)
    }

    fn read(&self, image: &str) -> Outcome<Image> {
        Image::read(&self.path(image))
    }

    /// The images link without an allocator: the one that allocates doesn't, and for that reason.
    fn cannot_allocate(&self, folder: &Path) -> Outcome {
        let mut cargo = self.cargo(folder, "images");
        let output = cargo.args(["--bin", "with-alloc", "--features", "with-alloc"]).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() || !said.contains(NO_ALLOCATOR) {
            return Err(format!("an image that allocates should fail to link for want of an allocator:\n{said}").into());
        }
        println!("    an image that allocates does not link: no allocator");
        Ok(())
    }
}

/// What the core takes of flash and memory: its image, without what every image has.
fn sizes(images: &Images) -> Outcome<Vec<Figure>> {
    let [empty, core, appliance] =
        [images.read("empty")?.size()?, images.read(CORE)?.size()?, images.read(APPLIANCE)?.size()?];
    let figure = |what: &str, value| Figure { what: what.into(), unit: Unit::Bytes, value };
    Ok(vec![
        figure("core: flash", core.flash.saturating_sub(empty.flash)),
        figure("core: static RAM, with 64 entries of the trail", core.ram.saturating_sub(empty.ram)),
        figure("appliance: flash", appliance.flash.saturating_sub(empty.flash)),
        figure(
            "appliance: static RAM, with 64 entries of the trail in its flash",
            appliance.ram.saturating_sub(empty.ram),
        ),
    ])
}

/// What each operation takes of time and stack: the image `measure` prints it.
fn operations(images: &Images) -> Outcome<Vec<Figure>> {
    let output = emulator::run(&images.path("measure"), "", None)?;
    let figures: Vec<_> = output.printed.lines().map(figures_of).collect::<Outcome<_>>()?;
    Ok(figures.concat())
}

/// `operation | instructions | stack`; an operation that was not counted has 0 instructions.
fn figures_of(line: &str) -> Outcome<Vec<Figure>> {
    let columns: Vec<_> = line.split('|').map(str::trim).collect();
    let [operation, instructions, stack] = *columns else { return Err(format!("not a measurement: {line}").into()) };
    let figure = |kind: &str, unit, value: &str| -> Outcome<Figure> {
        Ok(Figure { what: format!("{operation}: {kind}"), unit, value: value.parse()? })
    };
    let figures = [figure("instructions", Unit::Instructions, instructions)?, figure("stack", Unit::Bytes, stack)?];
    Ok(figures.into_iter().filter(|figure| figure.value != 0).collect())
}

fn largest(images: &Images, count: usize) -> Outcome {
    for function in images.read(CORE)?.functions()?.iter().take(count) {
        println!("    {:>6} {}", function.size, function.name);
    }
    Ok(())
}

/// The panic list is true, and the search finds a panic where there is one.
fn panic_list(images: &Images, folder: &Path) -> Outcome {
    let control = panics::culprits(&images.read("with-panic")?)?;
    let deliberate = |culprit: &panics::Culprit| matches!(culprit, panics::Culprit::Ours { function, .. } if function.contains("deliberate"));
    if !control.iter().any(deliberate) {
        return Err(format!("the deliberate panic was not found: {control:?}").into());
    }
    let list = panics::read_list(&folder.join("panics.txt"))?;
    for image in IN_PANIC_LIST {
        let found = panics::culprits(&images.read(image)?)?;
        panics::compare(image, &found, &list)?;
        println!("    {image}: nothing of ours can panic; of dependencies {} functions, as listed", found.len());
    }
    Ok(())
}

/// Cortex-M3.
const TARGET: &str = "thumbv7m-none-eabi";
/// The images whose code must not panic.
const IN_PANIC_LIST: [&str; 2] = [CORE, APPLIANCE];
/// The core alone: sealing, authentication, opening.
const CORE: &str = "core-only";
/// All that a device is.
const APPLIANCE: &str = "appliance";
/// What rustc says to a program that allocates and names no allocator.
const NO_ALLOCATOR: &str = "no global memory allocator found";

#[cfg(test)]
mod tests {
    use super::*;

    /// A line yields its figures; what is none is an error, not a gap.
    #[test]
    fn measurements_are_read() {
        let figures = figures_of("open | 12000 | 1032").unwrap();
        assert_eq!(
            figures.iter().map(|f| (&*f.what, f.value)).collect::<Vec<_>>(),
            [("open: instructions", 12_000), ("open: stack", 1032)]
        );
        assert_eq!(figures_of("start | 0 | 1800").unwrap().len(), 1);
        assert!(figures_of("denied").is_err());
        assert!(figures_of("open | many | 3").is_err());
    }
}
