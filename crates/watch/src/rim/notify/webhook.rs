//! Posts alerts as JSON (heloscope.alert/1) to a web service. Follows no redirection; what it answers is not read.

use super::{Failed, Later, Post, Unready, in_full, secret, text};
use crate::alert::Say;
use crate::config::Webhook;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Hook {
    client: reqwest::Client,
    url: reqwest::Url,
    token: Option<String>,
}

impl Hook {
    pub(super) fn new(said: &Webhook) -> Result<Self, Unready> {
        let bad = |error: &dyn std::fmt::Display| Unready::Webhook(error.to_string());
        // Somebody else's choice of provider is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let url = reqwest::Url::parse(&said.url).map_err(|error| bad(&error))?;
        let token =
            said.token.as_deref().map(|path| secret(path, "the webhook's token")).transpose()?;
        let mut client = reqwest::Client::builder();
        if let Some(path) = &said.ca {
            let pem = secret(path, "the webhook's authorities")?;
            let authorities = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|error| bad(&error.without_url()))?;
            if authorities.is_empty() {
                return Err(Unready::Webhook(format!("{} holds no certificate", path.display())));
            }
            client = client.tls_certs_only(authorities);
        }
        let client = client
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent("heloscope")
            .build()
            .map_err(|error| bad(&error.without_url()))?;
        Ok(Self { client, url, token })
    }
}

impl Post for Hook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn send<'a>(&'a self, say: &'a Say, host: &'a str) -> Later<'a> {
        Box::pin(async move {
            let mut request = self
                .client
                .post(self.url.clone())
                .header("Content-Type", "application/json")
                .body(text::json(say, host).to_string());
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            // The address of a webhook is a secret as a rule: it stands in no error.
            let answer = request
                .send()
                .await
                .map_err(|error| Failed { why: in_full(&error.without_url()), for_good: false })?;
            let status = answer.status();
            if status.is_success() {
                return Ok(());
            }
            let again = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
            Err(Failed { why: format!("it answers {status}"), for_good: !again })
        })
    }
}
