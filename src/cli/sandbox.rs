//! `reknit sandbox`: the emulated vendors alone, until stopped.

use clap::Args;
use serde_json::json;

use super::background::asked_to_stop;
use super::output;
use super::problem::Problem;
use crate::sandbox::{Sandbox, Settings};

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Decides every name, number and trouble
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Intercom's port; 0 = a free one
    #[arg(long, default_value_t = 0)]
    intercom_port: u16,
    /// HubSpot's port; 0 = a free one
    #[arg(long, default_value_t = 0)]
    hubspot_port: u16,
    /// Where Intercom's webhooks go
    #[arg(long, value_name = "URL")]
    intercom_webhook: Option<String>,
    /// Where HubSpot's webhooks go
    #[arg(long, value_name = "URL")]
    hubspot_webhook: Option<String>,
    /// Start with empty workspaces
    #[arg(long)]
    empty: bool,
    /// Print where it listens as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs until asked to stop.
pub async fn run(arguments: &Arguments) -> Result<(), Problem> {
    let settings = Settings {
        seed: arguments.seed,
        intercom_port: arguments.intercom_port,
        hubspot_port: arguments.hubspot_port,
        intercom_webhook_url: arguments.intercom_webhook.clone(),
        hubspot_webhook_url: arguments.hubspot_webhook.clone(),
        seeded: !arguments.empty,
        ..Settings::default()
    };
    let sandbox = start(settings).await?;
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
        }))?;
    } else {
        for text in [
            format!("Intercom  {}  token {}", sandbox.intercom_base_url(), sandbox.intercom_token()),
            format!("HubSpot   {}  token {}", sandbox.hubspot_base_url(), sandbox.hubspot_token()),
            "GET /_sandbox/books on either shows what happened; Ctrl-C stops.".to_owned(),
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
            "name other ports (--intercom-port, --hubspot-port), or 0 for free ones",
        )
    })
}
