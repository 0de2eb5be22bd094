//! Commands and all wiring: the only place where settings, secrets, clock, journal, engine and console meet.
//!
//! Nothing below imports this module. Commands print results on standard output, problems on standard error, and
//! exit with 0 (done), 1 (failed while running) or 2 (wrong usage or configuration).

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod act;
pub mod api;
pub mod audit;
pub mod backfill;
pub mod background;
mod candidate;
pub mod clock;
pub mod console;
pub mod cookbook;
pub mod coverage;
pub mod data_map;
pub mod demo;
pub mod direction;
pub mod doctor;
pub mod drift;
pub mod erase;
pub mod events;
mod exceptions;
pub mod explain;
pub mod fetch;
pub mod first_run;
pub mod info;
pub mod init;
pub mod journal;
pub mod limits;
pub mod link;
pub mod link_files;
mod link_rules;
pub mod list;
pub mod log_file;
pub mod mapping;
pub mod mapping_plan;
pub mod mapping_show;
pub mod match_files;
pub mod merge;
pub mod monitors;
pub mod notices;
pub mod operate;
pub mod output;
pub mod outside;
pub mod pause;
pub mod problem;
pub mod progress;
pub mod recipe;
pub mod reload;
pub mod replay;
pub mod resolve;
pub mod rollout;
pub mod rules;
pub mod sandbox;
pub mod scan;
pub mod selftest;
pub mod serve;
pub mod show;
pub mod sweep;
pub mod switch;
pub mod tabular;
pub mod team;
pub mod undo;
pub mod vault;
pub mod verdict;
pub mod why_not;
pub mod wiring;

use problem::Problem;

/// Reknit: see and mend the sync between Intercom and your CRM. Without a command it opens the console.
#[derive(Debug, Parser)]
#[command(name = "reknit", version, about, max_term_width = 100)]
pub struct Arguments {
    /// The settings file [default: reknit.toml in the platform's config folder]
    #[arg(long, global = true, env = "REKNIT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder of the journal [default: the platform's data folder]
    #[arg(long, global = true, env = "REKNIT_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Look, change nothing, send nothing
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Decide also what somebody else has claimed
    #[arg(long, global = true)]
    pub despite_claims: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try everything: emulated vendors with seeded trouble, the service and the console in one process
    Demo(demo::Arguments),
    /// Receive webhooks, poll, work the queue, scan for duplicates and missing relations
    Serve(serve::Arguments),
    /// Run the emulated vendors alone, on loopback
    Sandbox(sandbox::Arguments),
    /// List executions, conflicts, duplicates or unlinked people
    List(list::Arguments),
    /// Show everything about one execution, conflict, duplicate or unlinked person
    Show(show::Arguments),
    /// How a field of a person came to be what it is: event, mapping, rule, call, decision
    Explain(explain::Arguments),
    /// Why nothing came of a person: the gates in order, the first that stopped it
    WhyNot(why_not::Arguments),
    /// What the vendors told us and what became of it: ignored, repeated, or the execution it caused
    Events(events::Arguments),
    /// Run executions again
    Retry(operate::RetryArguments),
    /// Run an execution again with edited values or another payload; the original is kept
    Replay(replay::ReplayArguments),
    /// Look up at the vendor what became of an execution's writes; only reads
    Probe(replay::ProbeArguments),
    /// Hold executions until somebody lets them go
    Hold(replay::HoldArguments),
    /// Let executions go that were held or put off
    Release(replay::ReleaseArguments),
    /// Put executions off until a time
    Snooze(replay::SnoozeArguments),
    /// Where a record is seen in its vendor's own pages
    Page(replay::PageArguments),
    /// Give up on executions
    Discard(operate::DiscardArguments),
    /// Settle a conflict: a side, a value, none, a translation; leave it for now; alone or as a rule
    Resolve(resolve::Arguments),
    /// Rules that decide conflicts by themselves
    Rules(rules::Arguments),
    /// Find the duplicates in a CSV file, or the pairs across two, without settings or network
    Match(Box<match_files::Arguments>),
    /// Look over everybody for duplicates and missing relations, now
    Scan(scan::Arguments),
    /// Merge a duplicate candidate, or take a merge back
    Merge(undo::MergeCommand),
    /// Say what a duplicate candidate is: same, different, unsure, later; or take that back
    Verdict(verdict::VerdictArguments),
    /// Say that a duplicate candidate is two different records
    Distinct(verdict::DistinctArguments),
    /// Relate people to companies, one by one or a whole domain; make the company; take a link back
    Link(Box<link::LinkArguments>),
    /// How many people of the CRM have an account, per owner and over the days
    Coverage(coverage::Arguments),
    /// Field mappings: what an edited one would change, directions of a field off and on
    Mapping(mapping::Arguments),
    /// Say that you are at an item, so that nobody else decides it meanwhile
    Claim(team::ClaimArguments),
    /// Give claims back
    Unclaim(team::UnclaimArguments),
    /// Leave a comment on an item, or read them
    Comment(team::CommentArguments),
    /// Who is to look at what: assign items, list claims and assignments
    Hint(team::HintArguments),
    /// Hold work back for now: a recipe, a connection or a direction
    Pause(pause::PauseArguments),
    /// Let paused work go on, or look at once whether a connection works again
    Resume(pause::ResumeArguments),
    /// Read all leads, users, contacts or companies of a vendor, and carry over what differs
    Fetch(fetch::Arguments),
    /// Find people who were archived in bulk or deleted for good, which no webhook tells
    Sweep(sweep::Arguments),
    /// Log conversations from before Reknit on the CRM's timeline
    Backfill(backfill::Arguments),
    /// Erase a person everywhere, or see which erasures stand open
    Erase(erase::Arguments),
    /// The log of who did what
    Audit(audit::Arguments),
    /// Check the journal from end to end
    Journal(journal::Arguments),
    /// What Reknit does on which event: list, try, draw and explain recipes, switch them on, off or into shadow
    Recipe(recipe::Arguments),
    /// Known troubles: how each is recognised, what it means, what mends it
    Cookbook(cookbook::Arguments),
    /// Begin a conversation in Intercom in somebody's name
    Converse(act::ConverseArguments),
    /// Say something in a conversation as a teammate, or leave a note
    Reply(act::ReplyArguments),
    /// Give a conversation to a teammate or a team
    Assign(act::AssignArguments),
    /// Put a tag on a conversation, a person or a company
    Tag(act::TagArguments),
    /// Take a tag off again
    Untag(act::TagArguments),
    /// Set attributes of a person in Intercom, with the types they are given in
    Attributes(act::AttributesArguments),
    /// Everything that was said in a conversation
    History(act::HistoryArguments),
    /// Give a case or conversation to somebody else than the routing did, with the reason
    Override(act::OverrideArguments),
    /// From the first token to the first recipe that writes: a checklist with who looked at what
    Rollout(rollout::Arguments),
    /// Test records through the real engine: lead, update, case, duplicate, permission, error
    Selftest(selftest::Arguments),
    /// Make one call of a vendor's API, or list the calls there are
    Api(api::Arguments),
    /// Keep secrets in a sealed file instead of the environment
    Vault(vault::Arguments),
    /// Whether the vendors' fields, options and rights still are what the rules expect
    Drift(drift::Arguments),
    /// Which personal field goes where
    DataMap(data_map::Arguments),
    /// Check settings, tokens and vendors
    Doctor(doctor::Arguments),
    /// How many calls each connection has used, may use, and when its day's budget is reached
    Limits(limits::Arguments),
    /// What is watched and where it stands; stored series; a test of the alert channels
    Monitors(monitors::Arguments),
    /// What recipes told people and other systems, and what became of it
    Notices(notices::Arguments),
    /// Version, files, journal, terminal and connections, for a report; no secrets
    Info(info::Arguments),
    /// Write a commented settings file
    Init(init::Arguments),
}

/// Parses, runs, reports.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for, so they go to standard output with 0.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return report(&Problem::runtime(
                "Reknit cannot start; nothing was changed.",
                format!("the system gives no threads: {error}"),
                "close other programs and try again",
            ));
        }
    };
    let result = runtime.block_on(run(arguments));
    // Tasks that still wait for a vendor are not waited for: their leases bring the work back.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => report(&problem),
    }
}

fn report(problem: &Problem) -> ExitCode {
    // Vendors' words may stand in it: cleaned line by line.
    let text = crate::domain::text::clean_lines(&problem.to_string()).join("\n");
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(problem.code)
}

async fn run(arguments: Arguments) -> Result<(), Problem> {
    let place = wiring::Place::new(&arguments);
    match arguments.command {
        None => console::run(&place, arguments.read_only).await,
        Some(Command::Demo(demo)) => Box::pin(demo::run(demo, arguments.data, arguments.read_only)).await,
        Some(Command::Serve(serve)) => serve::run(&place, &serve, arguments.read_only).await,
        Some(Command::Sandbox(sandbox)) => sandbox::run(&sandbox).await,
        Some(Command::List(list)) => list::list(&place, &list).await,
        Some(Command::Show(show)) => show::run(&place, &show).await,
        Some(Command::Explain(explain)) => explain::run(&place, &explain).await,
        Some(Command::WhyNot(why_not)) => why_not::run(&place, &why_not).await,
        Some(Command::Events(events)) => events::run(&place, &events).await,
        Some(Command::Retry(retry)) => operate::retry(&place, arguments.read_only, &retry).await,
        Some(Command::Replay(it)) => replay::replay(&place, arguments.read_only, &it).await,
        Some(Command::Probe(it)) => replay::probe(&place, arguments.read_only, &it).await,
        Some(Command::Hold(it)) => replay::hold(&place, arguments.read_only, &it).await,
        Some(Command::Release(it)) => replay::release(&place, arguments.read_only, &it).await,
        Some(Command::Snooze(it)) => replay::snooze(&place, arguments.read_only, &it).await,
        Some(Command::Page(it)) => replay::page(&place, &it).await,
        Some(Command::Discard(discard)) => operate::discard(&place, arguments.read_only, &discard).await,
        Some(Command::Resolve(resolve)) => resolve::run(&place, arguments.read_only, &resolve).await,
        Some(Command::Rules(rules)) => rules::run(&place, arguments.read_only, &rules).await,
        Some(Command::Match(it)) => match_files::run(arguments.read_only, &it),
        Some(Command::Scan(scan)) => scan::run(&place, arguments.read_only, &scan).await,
        Some(Command::Merge(it)) => undo::run(&place, arguments.read_only, &it).await,
        Some(Command::Verdict(verdict)) => verdict::verdict(&place, arguments.read_only, &verdict).await,
        Some(Command::Distinct(distinct)) => verdict::distinct(&place, arguments.read_only, &distinct).await,
        Some(Command::Link(link)) => link::link(&place, arguments.read_only, &link).await,
        Some(Command::Coverage(coverage)) => coverage::run(&place, &coverage).await,
        Some(Command::Mapping(mapping)) => mapping::run(&place, arguments.read_only, &mapping).await,
        Some(Command::Claim(it)) => team::claim(&place, arguments.read_only, &it).await,
        Some(Command::Unclaim(it)) => team::unclaim(&place, arguments.read_only, &it).await,
        Some(Command::Comment(it)) => team::comment(&place, arguments.read_only, &it).await,
        Some(Command::Hint(it)) => team::hint(&place, arguments.read_only, &it).await,
        Some(Command::Info(it)) => info::run(&place, &it).await,
        Some(Command::Pause(pause)) => pause::pause(&place, arguments.read_only, &pause).await,
        Some(Command::Resume(resume)) => pause::resume(&place, arguments.read_only, &resume).await,
        Some(Command::Fetch(fetch)) => fetch::run(&place, arguments.read_only, &fetch).await,
        Some(Command::Sweep(sweep)) => sweep::run(&place, arguments.read_only, &sweep).await,
        Some(Command::Backfill(backfill)) => backfill::run(&place, arguments.read_only, &backfill).await,
        Some(Command::Erase(erase)) => Box::pin(erase::run(&place, arguments.read_only, &erase)).await,
        Some(Command::Rollout(it)) => Box::pin(rollout::run(&place, arguments.read_only, &it)).await,
        Some(Command::Selftest(it)) => Box::pin(selftest::run(&place, arguments.read_only, &it)).await,
        Some(Command::Converse(it)) => act::converse(&place, arguments.read_only, &it).await,
        Some(Command::Reply(it)) => act::reply(&place, arguments.read_only, &it).await,
        Some(Command::Assign(it)) => act::assign(&place, arguments.read_only, &it).await,
        Some(Command::Tag(it)) => act::tag(&place, arguments.read_only, &it, true).await,
        Some(Command::Untag(it)) => act::tag(&place, arguments.read_only, &it, false).await,
        Some(Command::Attributes(it)) => act::attributes(&place, arguments.read_only, &it).await,
        Some(Command::History(it)) => act::history(&place, &it).await,
        Some(Command::Override(it)) => act::reroute(&place, arguments.read_only, &it).await,
        Some(Command::Audit(audit)) => audit::run(&place, &audit).await,
        Some(Command::Journal(journal)) => journal::run(&place, arguments.read_only, &journal).await,
        Some(Command::Cookbook(cookbook)) => cookbook::run(&cookbook),
        Some(Command::Api(api)) => api::run(&place, arguments.read_only, &api).await,
        Some(Command::Vault(vault)) => vault::run(&place, arguments.read_only, &vault),
        Some(Command::Drift(drift)) => drift::run(&place, arguments.read_only, &drift).await,
        Some(Command::DataMap(map)) => data_map::run(&place, &map),
        Some(Command::Doctor(doctor)) => doctor::run(&place, &doctor).await,
        Some(Command::Limits(limits)) => limits::run(&place, &limits).await,
        Some(Command::Monitors(monitors)) => monitors::run(&place, arguments.read_only, &monitors).await,
        Some(Command::Recipe(recipe)) => Box::pin(recipe::run(&place, arguments.read_only, &recipe)).await,
        Some(Command::Notices(notices)) => notices::run(&place, arguments.read_only, &notices).await,
        Some(Command::Init(init)) => init::run(&place, &init),
    }
}
