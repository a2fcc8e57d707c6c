//! The program's commands with the appliance, as they are printed, and as the test runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::emulated::{Chip, Emulated};
use crate::Outcome;

/// What to type: from a blank appliance to the page that its owner sees.
pub(crate) struct Script<'s> {
    program: &'s Path,
    folder: PathBuf,
    device: &'s str,
    import: &'s str,
}

impl<'s> Script<'s> {
    /// `import` stands behind the command that sets the appliance up.
    pub(crate) fn new(program: &'s Path, folder: &Path, device: &'s str, import: &'s str) -> Self {
        Self { program, folder: folder.to_owned(), device, import }
    }

    /// A few customers of the samples.
    pub(crate) fn write_input(&self, root: &Path) -> Outcome {
        let samples = root.join("integrations/cli/samples");
        let customers = fs::read_to_string(samples.join("customers.csv"))?;
        let some: String = customers.lines().take(1 + CUSTOMERS).map(|line| format!("{line}\n")).collect();
        fs::write(self.folder.join("customers.csv"), some)?;
        fs::copy(samples.join("customers.schema.toml"), self.folder.join("customers.schema.toml"))?;
        Ok(())
    }

    /// The lines, for a shell in the folder.
    pub(crate) fn lines(&self) -> Vec<String> {
        let (program, device) = (self.program.display(), self.device);
        let with = format!("--device {device} --roles shop.roles");
        [
            format!("device status --device {device}"),
            format!("keygen shop.roles --device {device}{}", self.import),
            format!("protect customers.csv --schema customers.schema.toml {with} -o protected.csv"),
            // Its flash keeps 64 entries; what it can't record, it doesn't do.
            format!("trail fetch {with}"),
            format!("login {with} --tenant shop-17 --person alice -o alice.session"),
            format!("reveal protected.csv --device {device} --session alice.session"),
            format!("trail fetch {with}"),
            "trail verify --audit-key shop.roles.audit".into(),
        ]
        .map(|line| format!("{program} {line}"))
        .into()
    }
}

/// Runs them all; and a file that was protected through the appliance opens with the keyring file that its roots came from, and the other
/// way round.
pub(crate) fn run(root: &Path, image: &Path, program: &Path, folder: &Path) -> Outcome {
    let chip = Chip::in_folder(folder)?;
    let board = Emulated::start_anywhere(image, &chip)?;
    let device = board.address();
    let shell = Shell { folder, program };
    shell.symbolon("keygen shop.keyring")?;
    let script = Script::new(program, folder, &device, " --import shop.keyring");
    script.write_input(root)?;
    let mut shown = Vec::new();
    for line in script.lines() {
        shown.push(shell.run(&line)?);
    }
    let revealed = shown.get(REVEAL).ok_or("no page")?;
    alice_alone(revealed, &fs::read_to_string(folder.join("customers.csv"))?)?;
    let tenant = "--tenant shop-17 --person alice -o keyring.session";
    shell.symbolon(&format!("login --keyring shop.keyring {tenant}"))?;
    let other = shell.symbolon("reveal protected.csv --keyring shop.keyring --session keyring.session")?;
    same("protected through the appliance, opened with the keyring file", &other, revealed)?;
    shell
        .symbolon("protect customers.csv --schema customers.schema.toml --keyring shop.keyring -o with-keyring.csv")?;
    let other = shell.symbolon(&format!("reveal with-keyring.csv --device {device} --session alice.session"))?;
    same("protected with the keyring file, opened through the appliance", &other, revealed)?;
    println!("    the printed commands do what they say; files open with keyring file and appliance alike");
    Ok(())
}

/// Alice's row is as it was, and of nobody else's anything is left but the columns that aren't protected.
fn alice_alone(revealed: &str, customers: &str) -> Outcome {
    let row = |text: &str, number: usize| text.lines().nth(number).unwrap_or_default().to_owned();
    same("Alice's row", &row(revealed, 1), &row(customers, 1))?;
    for number in 2..=CUSTOMERS {
        let (before, after) = (row(customers, number), row(revealed, number));
        let protected = before.split(',').nth(1).unwrap_or_default().to_owned();
        if after.is_empty() || protected.is_empty() || after.contains(&protected) {
            return Err(format!("row {number} shows another's values").into());
        }
    }
    Ok(())
}

fn same(what: &str, found: &str, expected: &str) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: not the same\n{found}\n{expected}").into()) }
}

/// Where the commands run.
struct Shell<'s> {
    folder: &'s Path,
    program: &'s Path,
}

impl Shell<'_> {
    fn symbolon(&self, line: &str) -> Outcome<String> {
        self.run(&format!("{} {line}", self.program.display()))
    }

    /// What it wrote to standard output.
    fn run(&self, line: &str) -> Outcome<String> {
        let ran = Command::new("sh").args(["-c", line]).current_dir(self.folder).output()?;
        let said = String::from_utf8_lossy(&ran.stderr);
        if !ran.status.success() {
            return Err(format!("`{line}` failed ({}):\n{said}", ran.status).into());
        }
        Ok(String::from_utf8(ran.stdout)?)
    }
}

const CUSTOMERS: usize = 6;
/// Which of the lines shows Alice's page.
const REVEAL: usize = 5;
