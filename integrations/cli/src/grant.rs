//! `symbolon grant` and `symbolon revoke`: who else may open what, what for, and until when.

pub(crate) mod when;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use symbolon::{Field, Grant, GrantTerms, Kind, Principal, Purpose, Rights, Time};

use self::when::{parse_date, parse_duration};
use crate::{
    error::Failure,
    grant_file::{About, GrantFile, ViewName},
    login::parse_purpose,
    private_file,
    reveal::shape::check_record,
    session_file::{Caller, SessionFile},
    state::{self, State},
    text,
};

/// symbolon grant
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon grant --keyring shop.keyring --session alice.session --to-service yamato \\
      --purpose shipping --field shipping-address --record order-7 --for 3d -o parcel.grant
  symbolon grant --keyring shop.keyring --tenant shop-17 --owner-person alice \\
      --reason 'ticket 4711' --to-staff sue --purpose support --field person-name,email \\
      --view masked --for 8h -o support.grant

The first is the owner's own. In the second the program acts as the tenant's policy authority; the trail has the \
reason. The grantee opens with `symbolon login --service yamato --purpose shipping`, then `symbolon reveal --grant \
parcel.grant`.

A grant for one record is for bound fields only (shipping-address, bound-…): mint a second one for the name. --uses \
counts tokens, not files: each token of a granted field that the grantee presents uses one, whoever it belongs to \
and whether it opens or not. For the purpose message only the owner's verified address works (symbolon \
confirm-address).")]
pub(crate) struct GrantArgs {
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// The owner's own session
    #[arg(short, long, value_name = "FILE", required_unless_present = "tenant", conflicts_with = "tenant")]
    session: Option<PathBuf>,
    /// In place of a session, to act as the policy authority: the tenant
    #[arg(short, long, requires = "owner", requires = "reason")]
    tenant: Option<String>,
    #[command(flatten)]
    owner: Owner,
    /// Why the policy authority grants it, such as a ticket's number: 1 to 34 bytes, for the trail
    #[arg(long, value_name = "TEXT", requires = "tenant")]
    reason: Option<String>,
    #[command(flatten)]
    grantee: Grantee,
    /// What for, such as shipping
    #[arg(long, value_name = "NAME", value_parser = parse_purpose)]
    purpose: Purpose,
    /// What may be opened, such as person-name: 1 to 8 of them. Repeat it, or use commas
    #[arg(long, value_name = "NAME", value_parser = parse_field, value_delimiter = ',', required = true)]
    field: Vec<Field>,
    /// How much is shown
    #[arg(long, value_enum, default_value = "full")]
    view: ViewName,
    /// Only values of this record (this order): for bound fields such as shipping-address
    #[arg(long, value_name = "ID")]
    record: Option<String>,
    #[command(flatten)]
    end: End,
    /// How many tokens may be tried; as many as the grantee likes unless said otherwise
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    uses: Option<u32>,
    /// Where to write the grant
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Write over an older grant file
    #[arg(long)]
    force: bool,
}

/// Whose it is.
#[derive(Debug, Args)]
#[group(id = "owner", multiple = false)]
struct Owner {
    /// With --tenant: the owner, a customer or member
    #[arg(long, value_name = "ID", requires = "tenant")]
    owner_person: Option<String>,
    /// With --tenant: the owner, somebody who works for the tenant
    #[arg(long, value_name = "ID", requires = "tenant")]
    owner_staff: Option<String>,
    /// With --tenant: the owner, a program
    #[arg(long, value_name = "ID", requires = "tenant")]
    owner_service: Option<String>,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(id = "grantee", required = true, multiple = false)]
struct Grantee {
    /// Who may open: a program, such as the carrier's
    #[arg(long, value_name = "ID")]
    to_service: Option<String>,
    /// Who may open: somebody who works for the tenant
    #[arg(long, value_name = "ID")]
    to_staff: Option<String>,
    /// Who may open: another customer or member
    #[arg(long, value_name = "ID")]
    to_person: Option<String>,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct End {
    /// How long, such as 12h or 3d (m, h, d, w); 366 days at most
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    duration: Option<u64>,
    /// Until when: the end of 2026-12-31, or 2026-12-31T18:00Z; UTC
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    until: Option<Time>,
}

/// symbolon revoke
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon revoke --keyring shop.keyring --session alice.session --grant parcel.grant
  symbolon revoke --keyring shop.keyring --grant parcel.grant
  symbolon revoke --keyring shop.keyring --tenant shop-17 --owner-person alice --all

The first is by the owner, the others by the tenant's policy authority. No copy of a revoked grant opens anything.")]
pub(crate) struct RevokeArgs {
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// The owner's own session; without it the program acts as the policy authority
    #[arg(short, long, value_name = "FILE", conflicts_with = "tenant")]
    session: Option<PathBuf>,
    /// The tenant, where the program acts as the policy authority; a grant file names it, too
    #[arg(short, long)]
    tenant: Option<String>,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    which: Which,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The grant that is revoked
    #[arg(long, value_name = "FILE", conflicts_with = "owner")]
    grant: Option<PathBuf>,
    /// All grants of the owner that were ever minted
    #[arg(long)]
    all: bool,
}

/// Mints a grant file.
pub(crate) fn grant(args: &GrantArgs) -> Result<()> {
    args.check()?;
    if !args.force {
        private_file::refuse_existing(&args.output)?;
    }
    let not_before = state::now()?;
    let expires = args.end.time(not_before)?;
    let session = args.session.as_deref().map(SessionFile::read).transpose()?;
    let mut state = State::open(&args.keyring)?;
    let State { vault, host } = &mut state;
    let (mut caller, owner) = match session {
        Some(file) => {
            let caller = Caller::new(file, vault, host)?;
            let owner = caller.principal().clone();
            (caller, owner)
        }
        None => {
            let tenant = args.tenant.as_deref().unwrap_or_default();
            let owner = args.owner.of(tenant)?;
            (Caller::program(tenant, Rights::GRANT, vault, host)?, owner)
        }
    };
    let grantee = args.grantee.of(&owner)?;
    if grantee == owner {
        return Err(Failure::Input.because("an owner needs no grant to what is their own"));
    }
    let terms = GrantTerms {
        grantee: &grantee,
        fields: &args.field,
        purpose: args.purpose,
        view: args.view.into(),
        record: args.record.as_ref().map(String::as_bytes),
        not_before,
        expires,
        uses: args.uses,
    };
    let caller = caller.lasting(host)?;
    let held = match &args.reason {
        Some(reason) => caller.grant_for_held(&owner, &terms, reason, host)?,
        None => caller.grant_held(&terms, host)?,
    };
    let grant = host.settle(vault, held).context(
        "the grant was refused: was the owner erased, or has the session no right to it? The audit trail has the reason",
    )?;
    let about = args.about(&owner, &grantee, &grant, not_before);
    GrantFile::write(&grant, &about, &args.output, args.force)?;
    eprintln!("{}", args.said(&owner, &grantee, expires));
    Ok(())
}

/// Revokes one grant, or all.
pub(crate) fn revoke(args: &RevokeArgs) -> Result<()> {
    let file = args.which.grant.as_deref().map(GrantFile::read).transpose()?;
    let session = args.session.as_deref().map(SessionFile::read).transpose()?;
    let tenant = args.tenant.as_deref().or(file.as_ref().map(|file| file.tenant.as_str()));
    let named =
        tenant.filter(|_| args.which.all && session.is_none()).map(|tenant| args.owner.of(tenant)).transpose()?;
    if args.which.all && session.is_none() && named.is_none() {
        return Err(Failure::Input.because("whose grants? Say --session FILE, or --tenant NAME and --owner-person ID"));
    }
    let mut state = State::open(&args.keyring)?;
    let State { vault, host } = &mut state;
    let mut caller = match session {
        Some(file) => Caller::new(file, vault, host)?,
        None => Caller::program(tenant.unwrap_or_default(), Rights::MAINTAIN, vault, host)?,
    };
    let owner = named.unwrap_or_else(|| caller.principal().clone());
    let caller = caller.lasting(host)?;
    let (held, done) = match (&file, &args.which.grant) {
        (Some(file), Some(path)) => {
            let done = format!("{} is revoked: no copy of it opens anything from now on.", path.display());
            (caller.revoke_held(&file.grant, host)?, done)
        }
        _ => {
            let done = format!("All grants of {} are revoked: none opens anything from now on.", name(&owner));
            (caller.revoke_all_held(&owner, host)?, done)
        }
    };
    host.settle(vault, held).context(
        "the revocation was refused: is the grant another's, another tenant's or another keyring's? The audit trail has the reason",
    )?;
    eprintln!("{done}");
    Ok(())
}

impl GrantArgs {
    /// Refuses what no grant can say, with the reason. (The core refuses it, too, without one.)
    fn check(&self) -> Result<()> {
        let refuse = |what: &str| Err(Failure::Input.because(what));
        let resealing = matches!(self.purpose, Purpose::MAINTENANCE | Purpose::TRANSFER);
        let is_twice = |(at, field)| self.field.iter().take(at).any(|earlier| earlier == field);
        if self.field.len() > 8 || self.field.iter().enumerate().any(is_twice) {
            return refuse("a grant is for 1 to 8 fields, each named once");
        }
        match (self.view == ViewName::Reseal, resealing) {
            (true, false) => return refuse("--view reseal is for the purposes maintenance and transfer"),
            (false, true) => return refuse("the purposes maintenance and transfer show nothing: say --view reseal"),
            (true, true) if self.uses.is_none() => {
                return refuse("a grant to reseal must be counted: say how many tokens with --uses N");
            }
            _ => {}
        }
        if self.purpose == Purpose::TRANSFER && self.session.is_none() {
            return refuse("only owners can give their tokens away: for transfer, --session with the owner's own");
        }
        if let Some(record) = &self.record {
            check_record(record)?;
            if let Some(field) = self.field.iter().find(|field| !field.is_bound()) {
                let what =
                    format!("{field} is not bound to a record, so a grant for one record can't have it: mint another");
                return refuse(&what);
            }
        }
        self.reason.as_deref().map_or(Ok(()), check_reason)
    }

    /// What the file says for people.
    fn about(&self, owner: &Principal, grantee: &Principal, grant: &Grant, from: Time) -> About {
        let id: String = grant.id_unverified().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut words = vec![
            ("tenant", String::from_utf8_lossy(owner.tenant()).into_owned()),
            ("owner", name(owner)),
            ("grantee", name(grantee)),
            ("purpose", self.purpose.to_string()),
            ("view", self.view_name().into()),
            ("fields", self.fields()),
            ("from", text::utc(from)),
            ("until", text::utc(grant.expires_unverified())),
        ];
        words.extend(self.record.clone().map(|record| ("record", record)));
        words.extend(self.uses.map(|uses| ("uses", uses.to_string())));
        words.push(("name_in_trail", id));
        About { words }
    }

    /// Who, what, until when.
    fn said(&self, owner: &Principal, grantee: &Principal, expires: Time) -> String {
        let what = match self.view {
            ViewName::Full => "open",
            ViewName::Masked => "see masks of",
            ViewName::Reseal => "reseal",
        };
        let record = self.record.as_ref().map(|record| format!(", of record {record} only")).unwrap_or_default();
        let uses = self.uses.map(|uses| format!(", {uses} tokens at most")).unwrap_or_default();
        format!(
            "{}: {} may {what} {} of {} for {} until {}{record}{uses}.",
            self.output.display(),
            name(grantee),
            self.fields(),
            name(owner),
            self.purpose,
            text::utc(expires),
        )
    }

    fn fields(&self) -> String {
        self.field.iter().map(Field::to_string).collect::<Vec<_>>().join(", ")
    }

    const fn view_name(&self) -> &'static str {
        match self.view {
            ViewName::Full => "full",
            ViewName::Masked => "masked",
            ViewName::Reseal => "reseal",
        }
    }
}

impl End {
    /// When that is.
    fn time(&self, now: Time) -> Result<Time> {
        let end = match self {
            Self { until: Some(until), .. } => *until,
            Self { duration, .. } => now.plus(duration.unwrap_or_default()),
        };
        if end <= now {
            return Err(Failure::Input.because(format!("{} is over already", text::utc(end))));
        }
        if end > now.plus(LONGEST) {
            return Err(Failure::Input.because("a grant lasts 366 days at most: mint another one then"));
        }
        Ok(end)
    }
}

impl Owner {
    /// The one that was given.
    fn of(&self, tenant: &str) -> Result<Principal> {
        let Self { owner_person, owner_staff, owner_service } = self;
        one(tenant.as_bytes(), owner_person, owner_staff, owner_service)
    }
}

impl Grantee {
    /// The one that was given, of the owner's tenant.
    fn of(&self, owner: &Principal) -> Result<Principal> {
        one(owner.tenant(), &self.to_person, &self.to_staff, &self.to_service)
    }
}

fn one(tenant: &[u8], person: &Option<String>, staff: &Option<String>, service: &Option<String>) -> Result<Principal> {
    let (kind, subject) = match (person, staff, service) {
        (Some(person), ..) => (Kind::Person, person),
        (_, Some(staff), _) => (Kind::Staff, staff),
        (.., Some(service)) => (Kind::Service, service),
        _ => return Err(Failure::Input.because("whose grants? Say --owner-person ID")),
    };
    Ok(Principal::new(tenant, kind, subject.as_bytes())?)
}

/// A principal for people: `person alice`.
pub(crate) fn name(principal: &Principal) -> String {
    let kind = match principal.kind() {
        Kind::Person => "person",
        Kind::Staff => "staff",
        Kind::Service => "service",
    };
    format!("{kind} {}", String::from_utf8_lossy(principal.subject()))
}

fn parse_field(name: &str) -> Result<Field, String> {
    let known = || Field::STANDARD.map(|field| field.to_string()).join(", ");
    Field::from_name(name).map_err(|_| format!("there are {}, and custom-64-0, bound-64-0 and so on", known()))
}

/// A grant's reason must fit into the trail (SPEC.md section 8).
pub(crate) fn check_reason(reason: &str) -> Result<()> {
    let longest = Grant::MAX_REASON_LEN;
    if reason.is_empty() || reason.len() > longest || reason.contains('\0') {
        let len = reason.len();
        return Err(Failure::Input
            .because(format!("the reason has {len} bytes; the trail has room for 1 to {longest} bytes, without NUL")));
    }
    Ok(())
}

/// Milliseconds.
const LONGEST: u64 = 366 * 86_400_000;
