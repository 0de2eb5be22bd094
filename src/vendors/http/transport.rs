//! The wire: two HTTP clients, one deadline for each exchange, and an answer read to its end or to a limit.
//!
//! Whatever a server does (2 GB, a byte a second, no end, a redirect), an exchange ends in time and in memory that is
//! set beforehand. It never follows a redirect, asks for no compression, keeps no cookies and never sends twice.

use std::fs;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use reqwest::{Certificate, Client, Method, NoProxy, Proxy, redirect, tls};
use tokio::time::{Instant, timeout_at};

use crate::domain::secret::{Credentials, Secret};

use super::super::answer::{Answer, Lost, Patience, read};
use super::super::error::SetupError;
use super::super::request::Manner;
use super::super::settings::{Settings, Timeouts, is_plain};

/// The settings' times as durations.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) page: Duration,
    pub(crate) write: Duration,
    pub(crate) slow_write: Duration,
    pub(crate) token: Duration,
    pub(crate) idle: Duration,
}

impl Times {
    pub(crate) fn new(timeouts: &Timeouts) -> Self {
        let seconds = |seconds: u64| Duration::from_secs(seconds.max(1));
        Self {
            connect: seconds(timeouts.connect_seconds),
            read: seconds(timeouts.read_seconds),
            page: seconds(timeouts.page_seconds),
            write: seconds(timeouts.write_seconds),
            slow_write: seconds(timeouts.slow_write_seconds),
            token: seconds(timeouts.token_seconds),
            idle: seconds(timeouts.idle_seconds),
        }
    }

    pub(crate) const fn of(&self, manner: Manner) -> Duration {
        match manner {
            Manner::Read => self.read,
            Manner::Page => self.page,
            Manner::Write => self.write,
            Manner::SlowWrite => self.slow_write,
        }
    }
}

/// What goes out, complete.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    /// Media type and text.
    pub(crate) body: Option<(&'static str, String)>,
    /// From asking to the last byte.
    pub(crate) within: Duration,
}

/// The HTTP clients: one for this machine, one for the world. Each is made when first needed.
pub(crate) struct Transport {
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
    user_agent: String,
    proxy: Route,
    authorities: Vec<Certificate>,
    times: Times,
    limit: usize,
}

enum Route {
    Direct,
    Environment,
    Through(Box<Proxy>),
}

impl Transport {
    /// Reads the files and variables the settings name. The client for the world is made at once when one of the
    /// configured hosts needs it, so that a wrong setting is told of at start.
    pub(crate) fn new(
        settings: &Settings,
        credentials: &dyn Credentials,
        times: Times,
        bases: &[&str],
    ) -> Result<Self, SetupError> {
        // The error only says that somebody installed one before: theirs is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let transport = Self {
            plain: OnceLock::new(),
            secure: OnceLock::new(),
            user_agent: settings.user_agent.clone(),
            proxy: route(settings, credentials)?,
            authorities: authorities(&settings.ca_file)?,
            times,
            limit: settings.max_response_bytes,
        };
        if bases.iter().any(|base| !is_plain(base)) || !settings.ca_file.is_empty() {
            transport.client("https://").map_err(|error| {
                if settings.ca_file.is_empty() {
                    SetupError::Client(error)
                } else {
                    SetupError::Authorities { path: settings.ca_file.clone(), why: deepest(&error) }
                }
            })?;
        }
        Ok(transport)
    }

    pub(crate) const fn times(&self) -> &Times {
        &self.times
    }

    /// Sends once and reads the answer. Ends within the given time, whatever comes.
    pub(crate) async fn exchange(&self, outgoing: Outgoing) -> Result<Answer, Lost> {
        let patience = Patience {
            until: Instant::now() + outgoing.within,
            within: outgoing.within,
            idle: self.times.idle,
            limit: self.limit,
        };
        let client = self.client(&outgoing.url).map_err(|error| Lost::from(&error))?;
        let mut builder = client.request(outgoing.method, &outgoing.url).headers(outgoing.headers);
        if let Some((media, text)) = outgoing.body {
            builder = builder.header(header::CONTENT_TYPE, media).body(text);
        }
        match timeout_at(patience.until, builder.send()).await {
            Ok(Ok(response)) => read(response, &patience).await,
            Ok(Err(error)) => Err(Lost::from(&error)),
            Err(_) => Err(patience.over(None)),
        }
    }

    fn client(&self, url: &str) -> Result<&Client, reqwest::Error> {
        let plain = is_plain(url);
        let place = if plain { &self.plain } else { &self.secure };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .user_agent(&self.user_agent)
            .connect_timeout(self.times.connect)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .http1_only()
            .referer(false);
        if plain {
            // Plain http goes to this machine only (the sandbox), which must work where no certificates are
            // installed, and which no proxy can reach.
            builder = builder.tls_certs_only([]).no_proxy();
        } else {
            builder = builder.https_only(true).tls_version_min(tls::Version::TLS_1_2);
            if !self.authorities.is_empty() {
                builder = builder.tls_certs_merge(self.authorities.iter().cloned());
            }
            builder = match &self.proxy {
                Route::Direct => builder.no_proxy(),
                Route::Environment => builder,
                Route::Through(proxy) => builder.proxy((**proxy).clone()),
            };
        }
        let client = builder.build()?;
        Ok(place.get_or_init(|| client))
    }
}

fn route(settings: &Settings, credentials: &dyn Credentials) -> Result<Route, SetupError> {
    let text = settings.proxy.trim();
    let bad = |why: String| SetupError::Proxy { why };
    match text {
        "" => return Ok(Route::Direct),
        "environment" => return Ok(Route::Environment),
        _ => {}
    }
    // The URL is not repeated in these: it may hold the very password that must not stand there.
    let url = reqwest::Url::parse(text).map_err(|error| bad(format!("it is no URL ({error})")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad(
            "a user name or password never stands in the settings; put user:password into an environment variable \
             and name that in proxy_login_variable"
                .to_owned(),
        ));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!(
            "\"{}\" is no kind of proxy Reknit speaks; it must be http or https",
            url.scheme()
        )));
    }
    let mut proxy = Proxy::all(url)
        .map_err(|error| bad(deepest(&error)))?
        .no_proxy(NoProxy::from_string("localhost,127.0.0.0/8,::1"));
    if !settings.proxy_login_variable.is_empty() {
        let name = &settings.proxy_login_variable;
        let login = credentials.named(name).ok_or_else(|| SetupError::ProxyLogin {
            variable: name.clone(),
            why: "it is not set".to_owned(),
        })?;
        let (user, password) = split(&login).ok_or_else(|| SetupError::ProxyLogin {
            variable: name.clone(),
            why: "it must hold user:password".to_owned(),
        })?;
        proxy = proxy.basic_auth(user, password);
    }
    Ok(Route::Through(Box::new(proxy)))
}

fn split(login: &Secret) -> Option<(&str, &str)> {
    login.reveal().split_once(':').filter(|(user, _)| !user.is_empty())
}

fn authorities(path: &str) -> Result<Vec<Certificate>, SetupError> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let bad = |why: String| SetupError::Authorities { path: path.to_owned(), why };
    let pem = fs::read(path).map_err(|error| bad(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| bad(deepest(&error)))?;
    if found.is_empty() {
        return Err(bad(
            "there is no certificate in it; it must hold PEM (-----BEGIN CERTIFICATE-----)".to_owned()
        ));
    }
    Ok(found)
}

/// The last link of an error's chain, which says what happened.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
