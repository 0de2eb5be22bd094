//! `reknit sandbox`: the emulated vendors alone, until stopped.

use clap::Args;
use serde_json::json;

use super::background::asked_to_stop;
use super::output;
use super::problem::Problem;
use crate::sandbox::{Fault, Sandbox, Settings};

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Decides every name, number and trouble
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How many people there are
    #[arg(long, default_value_t = 250, value_name = "N")]
    people: usize,
    /// How many companies there are
    #[arg(long, default_value_t = 60, value_name = "N")]
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
    #[arg(long, value_name = "URL")]
    intercom_webhook: Option<String>,
    /// Where HubSpot's webhooks go
    #[arg(long, value_name = "URL")]
    hubspot_webhook: Option<String>,
    /// Where Salesforce's outbound messages go
    #[arg(long, value_name = "URL")]
    salesforce_webhook: Option<String>,
    /// A fault from the start, such as unavailable=5:hubspot:/contacts:3; may be given again
    #[arg(long, value_name = "KIND[:VENDOR][:ROUTE][:TIMES]", value_parser = read_fault)]
    fault: Vec<Faults>,
    /// Start with empty workspaces
    #[arg(long)]
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
        for text in [
            format!("Intercom    {}  token {}", sandbox.intercom_base_url(), sandbox.intercom_token()),
            format!("HubSpot     {}  token {}", sandbox.hubspot_base_url(), sandbox.hubspot_token()),
            format!(
                "Salesforce  {}  token {}",
                sandbox.salesforce_instance_url(),
                sandbox.salesforce_token()
            ),
            "GET /_sandbox/books on any of them shows what happened; Ctrl-C stops.".to_owned(),
        ] {
            output::line(&text)?;
        }
    }
    asked_to_stop().await;
    sandbox.shutdown().await;
    Ok(())
}

/// Starts a sandbox, with an error a person can act on.
pub async fn start(settings: Settings) -> Result<Sandbox, Problem> {
    Sandbox::start(settings).await.map_err(|error| {
        Problem::runtime(
            "The emulated vendors cannot start; nothing was changed.",
            error.to_string(),
            "name other ports (--intercom-port, --hubspot-port, --salesforce-port), or 0 for free ones",
        )
    })
}
