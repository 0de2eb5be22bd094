//! `reknit sandbox`: the emulated vendors alone, until stopped.

use clap::Args;
use serde_json::json;

use super::background::asked_to_stop;
use super::output;
use super::problem::Problem;
use crate::sandbox::{Fault, PortProblem, Sandbox, Settings};

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Decides every name, number and trouble
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How many people there are; each costs about 10 kB of memory
    #[arg(long, default_value_t = 250, value_name = "N", value_parser = read_people)]
    people: usize,
    /// How many companies there are
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = read_companies)]
    companies: usize,
    /// Intercom's port; 0 = a free one
    #[arg(long, default_value_t = 0)]
    intercom_port: u16,
    /// HubSpot's port; 0 = a free one
    #[arg(long, default_value_t = 0)]
    hubspot_port: u16,
    /// Salesforce's port; 0 = a free one
    #[arg(long, default_value_t = 0)]
    salesforce_port: u16,
    /// Where Intercom's webhooks go
    #[arg(long, value_name = "URL", value_parser = read_address)]
    intercom_webhook: Option<String>,
    /// Where HubSpot's webhooks go
    #[arg(long, value_name = "URL", value_parser = read_address)]
    hubspot_webhook: Option<String>,
    /// Where Salesforce's outbound messages go
    #[arg(long, value_name = "URL", value_parser = read_address)]
    salesforce_webhook: Option<String>,
    #[arg(long, value_name = "KIND[:VENDOR][:ROUTE][:TIMES]", value_parser = read_fault, help = fault_help())]
    fault: Vec<Faults>,
    /// Start with empty workspaces
    #[arg(long, conflicts_with_all = ["people", "companies"])]
    empty: bool,
    /// Print where it listens as one line of JSON
    #[arg(long)]
    json: bool,
}

/// One `--fault`: the same trouble at one vendor or at each.
#[derive(Clone, Debug)]
struct Faults(Vec<Fault>);

fn read_fault(text: &str) -> Result<Faults, String> {
    Fault::parse(text).map(Faults)
}

fn fault_help() -> String {
    let kinds: Vec<String> = Fault::kinds().collect();
    format!(
        "A fault from the start, such as unavailable=5:hubspot:/contacts:3; may be given again. Kinds: {}",
        kinds.join(", ")
    )
}

/// More would sooner take the machine's memory than anybody's patience.
const MOST: usize = 1_000_000;

fn read_people(text: &str) -> Result<usize, String> {
    read_count(text, "people are the most: each costs about 10 kB of memory, so these take 10 GB")
}

fn read_companies(text: &str) -> Result<usize, String> {
    read_count(text, "companies are the most")
}

fn read_count(text: &str, most: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count <= MOST => Ok(count),
        Ok(_) => Err(format!("1,000,000 {most}")),
        Err(error) => Err(error.to_string()),
    }
}

fn read_address(text: &str) -> Result<String, String> {
    let wanted = "an address looks like http://127.0.0.1:8080/webhooks";
    let url = reqwest::Url::parse(text).map_err(|error| format!("{error}; {wanted}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("neither http nor https; {wanted}"));
    }
    Ok(text.to_owned())
}

/// Runs until asked to stop.
pub async fn run(arguments: &Arguments) -> Result<(), Problem> {
    let settings = Settings {
        seed: arguments.seed,
        people: arguments.people,
        companies: arguments.companies,
        salesforce_port: arguments.salesforce_port,
        salesforce_webhook_url: arguments.salesforce_webhook.clone(),
        intercom_port: arguments.intercom_port,
        hubspot_port: arguments.hubspot_port,
        intercom_webhook_url: arguments.intercom_webhook.clone(),
        hubspot_webhook_url: arguments.hubspot_webhook.clone(),
        seeded: !arguments.empty,
        ..Settings::default()
    };
    let sandbox = start(settings).await?;
    for fault in arguments.fault.iter().flat_map(|faults| &faults.0) {
        sandbox.add_fault(fault.clone());
    }
    if arguments.json {
        output::json(&json!({
            "intercom": {
                "base_url": sandbox.intercom_base_url(),
                "token": sandbox.intercom_token(),
                "client_secret": sandbox.intercom_client_secret(),
                "version": "2.16",
            },
            "hubspot": {
                "base_url": sandbox.hubspot_base_url(),
                "token": sandbox.hubspot_token(),
                "client_secret": sandbox.hubspot_client_secret(),
            },
            "salesforce": {
                "instance_url": sandbox.salesforce_instance_url(),
                "access_token": sandbox.salesforce_token(),
                "refresh_token": sandbox.salesforce_refresh_token(),
                "client_id": sandbox.salesforce_client_id(),
                "client_secret": sandbox.salesforce_client_secret(),
                "version": "66.0",
            },
        }))?;
    } else {
        for text in introduction(&sandbox) {
            output::line(&text)?;
        }
    }
    asked_to_stop().await;
    sandbox.shutdown().await;
    Ok(())
}

/// What a person needs: addresses and credentials, and both again in the forms Reknit takes them in.
fn introduction(sandbox: &Sandbox) -> Vec<String> {
    let (intercom, hubspot) = (sandbox.intercom_base_url(), sandbox.hubspot_base_url());
    let salesforce = sandbox.salesforce_instance_url();
    let shown = [
        ("Intercom", "address", intercom),
        ("", "token", sandbox.intercom_token()),
        ("", "client secret", sandbox.intercom_client_secret()),
        ("HubSpot", "address", hubspot),
        ("", "token", sandbox.hubspot_token()),
        ("", "client id", sandbox.hubspot_client_id()),
        ("", "client secret", sandbox.hubspot_client_secret()),
        ("", "refresh token", sandbox.hubspot_refresh_token()),
        ("Salesforce", "address", salesforce),
        ("", "token", sandbox.salesforce_token()),
        ("", "client id", sandbox.salesforce_client_id()),
        ("", "client secret", sandbox.salesforce_client_secret()),
        ("", "refresh token", sandbox.salesforce_refresh_token()),
    ];
    // Salesforce's token is left out: the refresh token would go before it.
    let exports = [
        ("INTERCOM_ACCESS_TOKEN", sandbox.intercom_token()),
        ("INTERCOM_CLIENT_SECRET", sandbox.intercom_client_secret()),
        ("HUBSPOT_ACCESS_TOKEN", sandbox.hubspot_token()),
        ("HUBSPOT_CLIENT_SECRET", sandbox.hubspot_client_secret()),
        ("SALESFORCE_CLIENT_ID", sandbox.salesforce_client_id()),
        ("SALESFORCE_CLIENT_SECRET", sandbox.salesforce_client_secret()),
        ("SALESFORCE_REFRESH_TOKEN", sandbox.salesforce_refresh_token()),
    ];
    let mut lines: Vec<String> =
        shown.iter().map(|(vendor, what, value)| format!("{vendor:<12}{what:<15}{value}")).collect();
    lines.extend(["", "For the shell:", ""].map(str::to_owned));
    lines.extend(exports.iter().map(|(name, value)| format!("export {name}='{value}'")));
    lines.extend(["", "For reknit.toml:", "", "workspace = \"sandbox\""].map(str::to_owned));
    for (vendor, key, url) in [
        ("intercom", "base_url", intercom),
        ("hubspot", "base_url", hubspot),
        ("salesforce", "instance_url", salesforce),
    ] {
        lines.extend([format!("[vendors.{vendor}]"), format!("{key} = \"{url}\"")]);
    }
    lines.push(String::new());
    lines.push(
        "GET /_sandbox on any of them lists what there is, /_sandbox/books what happened; Ctrl-C stops."
            .to_owned(),
    );
    lines
}

/// Starts a sandbox, with an error a person can act on.
pub async fn start(settings: Settings) -> Result<Sandbox, Problem> {
    Sandbox::start(settings).await.map_err(|error| {
        let port = error.get_ref().and_then(|inner| inner.downcast_ref::<PortProblem>());
        let next = match port {
            Some(problem) => {
                format!("give --{}-port another number, or 0 for a free one", problem.vendor.word())
            }
            None => {
                "name other ports (--intercom-port, --hubspot-port, --salesforce-port), or 0 for free ones"
                    .to_owned()
            }
        };
        Problem::runtime("The emulated vendors cannot start; nothing was changed.", error.to_string(), next)
    })
}
