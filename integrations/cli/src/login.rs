//! Log-in and log-out, as far as a command line can stand for the service that does it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use symbolon::{Credential, Kind, Principal, Purpose, Purposes, Rights, SessionKey, Terms};
use symbolon_device::Issue;

use crate::{
    appliance::Appliance,
    error::Failure,
    private_file,
    session_file::{About, SessionFile},
    state::{self, State},
    text,
    where_keys::{Place, WhereKeys},
};

/// symbolon login
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon login --keyring shop.keyring --tenant shop-17 --person alice -o alice.session
  symbolon reveal protected.csv --keyring shop.keyring --session alice.session
  symbolon login --keyring shop.keyring --tenant shop-17 --service yamato --purpose shipping \\
      -o yamato.session

With an appliance, its issuer makes the session:
  symbolon login --device /dev/ttyACM0 --roles shop.roles --tenant shop-17 --person alice -o alice.session

Staff and services open others' data under a grant only (symbolon grant), and for its purpose: name it here.

This stands for your log-in service, which has checked a password before. Whoever has the keyring can make a session for anybody:
that is what a keyring is. In a web application the service holds an issuer, which can open nothing.")]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    keys: WhereKeys,
    /// Whose customers, staff or programs: the tenant that the data was protected for
    #[arg(short, long)]
    tenant: String,
    #[command(flatten)]
    who: Who,
    /// What the session may open for, such as shipping; own-use unless said otherwise. Repeat it, or use commas
    #[arg(long, value_name = "NAME", value_parser = parse_purpose, value_delimiter = ',')]
    purpose: Vec<Purpose>,
    /// What staff or a service may do; own unless said otherwise. Repeat it, or use commas
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',')]
    right: Vec<Right>,
    /// Where to write the session
    #[arg(short, long)]
    output: PathBuf,
    /// How long the session lasts, 1 to 1440
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// Write over an older session file
    #[arg(long)]
    force: bool,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Who {
    /// A customer or member, named as in the data's owner column
    #[arg(short, long, value_name = "ID")]
    person: Option<String>,
    /// Somebody who works for the tenant
    #[arg(long, value_name = "ID")]
    staff: Option<String>,
    /// A program
    #[arg(long, value_name = "ID")]
    service: Option<String>,
}

/// symbolon logout
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon logout alice.session --keyring shop.keyring

From then on the session opens nothing, and neither does any copy of its file. With an appliance, --roles FILE lets its issuer end \
the session; without, the session ends itself.")]
pub(crate) struct LogoutArgs {
    /// The session's file
    session: PathBuf,
    #[command(flatten)]
    keys: WhereKeys,
}

/// Makes a session file: the client's new key, and the credential that the log-in service issues for it.
pub(crate) fn login(args: &LoginArgs) -> Result<()> {
    if !args.force {
        private_file::refuse_existing(&args.output)?;
    }
    let (kind, kind_name, subject) = args.who.one();
    let principal = Principal::new(args.tenant.as_bytes(), kind, subject.as_bytes())?;
    let (purposes, rights) = (args.purposes(), args.rights(kind)?);
    let key = SessionKey::generate(&mut state::rng()?)?;
    let terms = Terms {
        life: args.minutes * 60_000,
        purposes: Purposes::of(&purposes),
        rights: rights.iter().fold(Rights::NONE, |all, right| all.and(right.bits())),
        ..Terms::default()
    };
    let credential = issue(args.keys.place(), &principal, &terms, &key)?;
    let valid_until = text::utc(credential.expires_unverified());
    let about = About { kind: kind_name, tenant: args.tenant.clone(), subject: subject.into(), valid_until };
    let rights = rights.iter().map(Right::name).collect();
    let purposes = purposes.iter().map(Purpose::to_string).collect();
    let file = SessionFile { key, credential, purposes: Some(purposes), rights: Some(rights) };
    file.write_new(&args.output, &about, args.force)?;
    eprintln!(
        "{} is the session of {kind_name} {subject} of {}, valid until {}.",
        args.output.display(),
        about.tenant,
        about.valid_until
    );
    Ok(())
}

/// The credential, of whoever issues here: the keyring's issuer, or the appliance's.
fn issue(place: Place<'_>, who: &Principal, terms: &Terms, key: &SessionKey) -> Result<Credential> {
    match place {
        Place::Keyring(keyring) => {
            let vault = state::open_vault(keyring)?;
            let (mut rng, now) = (state::rng()?, state::now()?);
            let issuer = vault.issuer(who.tenant(), who.kind(), now.period())?;
            Ok(issuer.issue(who, key, terms, now, &mut rng)?)
        }
        Place::Appliance(remote) => {
            let Terms { rights, purposes, life, .. } = *terms;
            let issue = Issue { who, rights, purposes, life };
            let mut appliance = Appliance::connect(remote)?;
            appliance.make_room(1)?;
            appliance.issuer(|issuer| Ok(issuer.issue(&issue, key)?))
        }
    }
}

/// Ends a session on the record.
pub(crate) fn logout(args: &LogoutArgs) -> Result<()> {
    let SessionFile { credential, key, .. } = SessionFile::read(&args.session)?;
    let id = credential.session_unverified();
    match args.keys.place() {
        Place::Keyring(keyring) => {
            let mut state = State::open(keyring)?;
            state.vault.log_out(id, &mut state.host).context("the log-out could not be recorded")?;
        }
        Place::Appliance(remote) => {
            let mut appliance = Appliance::connect(remote)?;
            match remote.roles {
                Some(_) => appliance.issuer(|issuer| Ok(issuer.end_session(id)?))?,
                None => appliance.session(&credential, &key, |session| Ok(session.log_out()?))?,
            }
        }
    }
    eprintln!("{} is logged out, and the file can be deleted.", args.session.display());
    Ok(())
}

impl LoginArgs {
    /// The purposes, each once.
    fn purposes(&self) -> Vec<Purpose> {
        let mut purposes = self.purpose.clone();
        purposes.sort_unstable();
        purposes.dedup();
        if purposes.is_empty() { vec![Purpose::OWN_USE] } else { purposes }
    }

    /// The rights, where the kind can have them.
    fn rights(&self, kind: Kind) -> Result<Vec<Right>> {
        if kind == Kind::Person && self.right.iter().any(|right| *right != Right::Own) {
            return Err(
                Failure::Input.because("a person has no right but own: the others are for --staff and --service")
            );
        }
        Ok(if self.right.is_empty() { vec![Right::Own] } else { self.right.clone() })
    }
}

/// The rights by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Right {
    /// Open what is one's own
    Own,
    /// Issue credentials
    Issue,
    /// Make tokens for others
    Tokenize,
    /// Look values up by a blind index
    Lookup,
    /// Erase owners, revoke grants
    Maintain,
    /// Read the audit trail
    ReadTrail,
    /// Record that an address was confirmed
    ConfirmAddress,
    /// Mint grants for others: whoever has it decides who sees whose data
    Grant,
    /// Stop everything, and let it go on
    Operate,
}

impl Right {
    const fn bits(self) -> Rights {
        match self {
            Self::Own => Rights::OWN,
            Self::Issue => Rights::ISSUE,
            Self::Tokenize => Rights::TOKENIZE,
            Self::Lookup => Rights::LOOKUP,
            Self::Maintain => Rights::MAINTAIN,
            Self::ReadTrail => Rights::READ_TRAIL,
            Self::ConfirmAddress => Rights::CONFIRM_ADDRESS,
            Self::Grant => Rights::GRANT,
            Self::Operate => Rights::OPERATE,
        }
    }

    /// As it is given.
    fn name(&self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// A purpose of a command line.
pub(crate) fn parse_purpose(name: &str) -> Result<Purpose, String> {
    let known = || (0..=9).filter_map(|code| Purpose::from_code(code).ok()).map(|known| known.to_string());
    let known = || known().collect::<Vec<_>>().join(", ");
    Purpose::from_name(name).map_err(|_| format!("there are {}, and custom-0 to custom-31", known()))
}

impl Who {
    /// The one that was given: clap has made sure of it.
    pub(crate) fn one(&self) -> (Kind, &'static str, &str) {
        match (&self.person, &self.staff, &self.service) {
            (Some(person), _, _) => (Kind::Person, "person", person),
            (_, Some(staff), _) => (Kind::Staff, "staff", staff),
            (.., service) => (Kind::Service, "service", service.as_deref().unwrap_or_default()),
        }
    }
}
