//! Notices of recipes: the same channels as alerts, and sinks that the settings name: a file of JSON lines, or a signed
//! JSON POST of their own.
//!
//! A sink's address is a secret; a file's path is not.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Channels, address, slack, webhook};
use crate::domain::monitor::{ChannelKind, Receipt};
use crate::domain::notice::Outgoing;
use crate::domain::record::value_text;
use crate::domain::secret::{Credentials, Secret};
use crate::domain::text::{clean, shorten};
use crate::vendors::SetupError;

/// Letters of one field in a message for people.
const FIELD: usize = 500;

/// A place of one's own that recipes tell things to: exactly one of the two is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SinkSettings {
    /// A file that a line of JSON is added to for each notice.
    pub file: String,
    /// The name of the secret that holds an address for a signed JSON POST.
    pub webhook: String,
}

impl SinkSettings {
    /// Whether it makes sense; the error names the setting.
    pub fn check(&self, name: &str) -> Result<(), String> {
        if ChannelKind::ALL.iter().any(|kind| kind.as_str() == name) {
            return Err(format!("sinks.{name} has the name of a channel; call it something else"));
        }
        match (self.file.is_empty(), self.webhook.is_empty()) {
            (true, true) => {
                Err(format!("sinks.{name} says neither file nor webhook; write file = \"feedback.jsonl\""))
            }
            (false, false) => Err(format!("sinks.{name} says both file and webhook; make two sinks of it")),
            _ => Ok(()),
        }
    }
}

/// A sink that is set up.
pub(super) enum Sink {
    File(String),
    /// None while the secret is not at hand.
    Webhook(Option<Secret>, String),
}

/// Sinks by name.
pub(super) fn sinks(
    settings: &BTreeMap<String, SinkSettings>,
    credentials: &dyn Credentials,
) -> Result<BTreeMap<String, Sink>, SetupError> {
    let sink = |one: &SinkSettings| -> Result<Sink, SetupError> {
        Ok(if one.webhook.is_empty() {
            Sink::File(one.file.clone())
        } else {
            Sink::Webhook(address(&one.webhook, credentials)?, one.webhook.clone())
        })
    };
    settings.iter().map(|(name, one)| Ok((name.clone(), sink(one)?))).collect()
}

impl Channels {
    /// Whether a notice for this channel has somewhere to go, or why it has not.
    pub fn can_tell(&self, channel: &str) -> Result<(), String> {
        if let Ok(kind) = channel.parse::<ChannelKind>() {
            let secret = if kind == ChannelKind::Slack { super::SLACK_URL } else { super::WEBHOOK_URL };
            return self
                .url(kind)
                .map(|_| ())
                .ok_or_else(|| format!("no address is set for it: give {secret}"));
        }
        match self.0.sinks.get(channel) {
            Some(Sink::Webhook(None, secret)) => Err(format!("no address is set for it: give {secret}")),
            Some(_) => Ok(()),
            None => Err(format!("there is no channel \"{channel}\": add [sinks.{channel}] to the settings")),
        }
    }

    /// Sends a notice, once.
    pub async fn tell(&self, outgoing: &Outgoing) -> Receipt {
        let channel = outgoing.notice.channel.as_str();
        if let Err(why) = self.can_tell(channel) {
            return Receipt::Refused(why);
        }
        let signed = || {
            let body = self.json_of(outgoing).to_string();
            let headers =
                webhook::signed(self.0.key.as_ref(), &[&outgoing.notice.key], &body, self.0.clock.now());
            (body, headers)
        };
        match (channel.parse(), self.0.sinks.get(channel)) {
            (Ok(ChannelKind::Slack), _) => match self.url(ChannelKind::Slack) {
                Some(url) => {
                    let body = slack::message(&self.0.who, &lines(outgoing), outgoing.repeat);
                    self.post(url, body, reqwest::header::HeaderMap::new(), slack::read).await
                }
                None => Receipt::Refused("no address is set for it".to_owned()),
            },
            (Ok(ChannelKind::Webhook), _) => match self.url(ChannelKind::Webhook) {
                Some(url) => {
                    let (body, headers) = signed();
                    self.post(url, body, headers, webhook::read).await
                }
                None => Receipt::Refused("no address is set for it".to_owned()),
            },
            (Err(_), Some(Sink::Webhook(Some(url), _))) => {
                let (body, headers) = signed();
                self.post(url, body, headers, webhook::read).await
            }
            (Err(_), Some(Sink::File(path))) => self.append(path, outgoing).await,
            (Err(_), _) => Receipt::Refused("there is no such channel".to_owned()),
        }
    }

    fn json_of(&self, outgoing: &Outgoing) -> Value {
        json!({
            "source": "reknit", "workspace": self.0.who, "may_repeat": outgoing.repeat,
            "notice": {
                "key": outgoing.notice.key, "title": outgoing.notice.title, "fields": outgoing.notice.fields,
                "at": outgoing.at.rfc3339(),
            },
        })
    }

    /// Adds a line to a file; a line is whole or not there.
    async fn append(&self, path: &str, outgoing: &Outgoing) -> Receipt {
        let mut line = self.json_of(outgoing).to_string();
        line.push('\n');
        let file = path.to_owned();
        let added = tokio::task::spawn_blocking(move || add_line(Path::new(&file), &line)).await;
        match added {
            Ok(Ok(())) => Receipt::Taken,
            Ok(Err(error)) => Receipt::Unsent(format!("{path}: {error}")),
            Err(error) => Receipt::Unanswered(format!("{path}: {error}")),
        }
    }
}

fn add_line(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// A notice as people read it: its title, and a line for each field that says something.
fn lines(outgoing: &Outgoing) -> Vec<String> {
    let clear = |text: &str| clean(&shorten(text, FIELD)).into_owned();
    let mut lines = vec![format!("*{}*", slack::escaped(&clear(&outgoing.notice.title)))];
    for (name, value) in &outgoing.notice.fields {
        let value = value_text(value);
        if !value.trim().is_empty() {
            lines.push(format!("{}: {}", slack::escaped(&clear(name)), slack::escaped(&clear(&value))));
        }
    }
    lines
}
