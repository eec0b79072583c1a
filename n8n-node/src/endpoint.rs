//! Where calls go: one connection per core and CA, kept for the life of the process and made when first needed.
//!
//! A core that is down never blocks anything: channels connect lazily and again by themselves. The credential is not
//! part of the connection; every call carries its own, so that users share connections but never rights.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use http::Uri;
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use crate::failure::{Failure, Reason};

/// A host that does not answer within this time counts as down.
const CONNECT: Duration = Duration::from_secs(10);

/// While something is under way, the other side is asked this often whether it is still there, ...
const PING_EVERY: Duration = Duration::from_secs(20);

/// ... and has this long to answer.
const PING_ANSWER: Duration = Duration::from_secs(10);

/// Who calls which core.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `http://host:port` or `https://host:port`.
    pub(crate) address: String,
    /// The API key or JWT.
    pub(crate) api_key: String,
    /// The user to act for, with a key that may act for any.
    pub(crate) user_id: Option<String>,
    /// A CA in PEM that is trusted besides the public ones.
    pub(crate) ca_certificate: Option<String>,
}

type Key = (String, Option<String>);

static CHANNELS: LazyLock<Mutex<HashMap<Key, Channel>>> = LazyLock::new(Mutex::default);

impl Target {
    /// The connection to this core. Must be called on a thread of the runtime.
    pub(crate) fn channel(&self) -> Result<Channel, Box<Failure>> {
        let key = (self.address.trim().trim_end_matches('/').to_owned(), self.ca_certificate.clone());
        let mut channels = CHANNELS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&key) {
            return Ok(channel.clone());
        }
        let channel = endpoint(&key.0, key.1.as_deref())?.connect_lazy();
        channels.insert(key, channel.clone());
        Ok(channel)
    }

    /// A request with the caller's credential.
    pub(crate) fn request<T>(&self, message: T) -> Result<Request<T>, Box<Failure>> {
        let mut request = Request::new(message);
        let header = |what: &str, text: String| {
            text.parse::<MetadataValue<Ascii>>().map_err(|_| {
                Failure::own(
                    Reason::CredentialInvalid,
                    format!("the {what} of the credential has characters that cannot be sent"),
                )
            })
        };
        let mut authorization = header("API key", format!("Bearer {}", self.api_key.trim()))?;
        authorization.set_sensitive(true);
        request.metadata_mut().insert("authorization", authorization);
        if let Some(user_id) = self.user_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
            if !user_id.bytes().all(|byte| byte.is_ascii_digit()) {
                let message = format!("the user id `{user_id}` is not a whole number");
                return Err(Failure::own(Reason::CredentialInvalid, message));
            }
            request.metadata_mut().insert("x-aurareels-user-id", header("user id", user_id.to_owned())?);
        }
        Ok(request)
    }
}

fn endpoint(address: &str, ca_certificate: Option<&str>) -> Result<Endpoint, Box<Failure>> {
    let invalid = |why: &str| {
        let message = format!("the address `{address}` {why}; write it like http://localhost:50051");
        Failure::own(Reason::AddressInvalid, message)
    };
    let uri: Uri = address.parse().map_err(|_| invalid("is not a URL"))?;
    let tls = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(invalid("does not begin with http:// or https://")),
    };
    if uri.path() != "/" && !uri.path().is_empty() {
        return Err(invalid("has a path, which gRPC does not know"));
    }
    let endpoint = Endpoint::from(uri)
        .user_agent(concat!("n8n-nodes-aurareels/", env!("CARGO_PKG_VERSION")))
        .map_err(|_| invalid("cannot be used"))?
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_ANSWER);
    if !tls {
        return Ok(endpoint);
    }
    let mut config = ClientTlsConfig::new().with_webpki_roots();
    if let Some(pem) = ca_certificate {
        config = config.ca_certificate(Certificate::from_pem(pem));
    }
    endpoint.tls_config(config).map_err(|error| {
        Failure::own(
            Reason::CertificateInvalid,
            format!("the CA certificate cannot be read ({error}); paste it in PEM form, with its BEGIN and END lines"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(address: &str) -> Target {
        Target { address: address.to_owned(), api_key: "ar_key".to_owned(), user_id: None, ca_certificate: None }
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_with_the_remedy() {
        for address in ["localhost:50051", "", "ftp://a", "http://", "http://a b", "http://core:50051/api"] {
            let failure = endpoint(address, None).unwrap_err();
            assert_eq!(failure.reason, "ADDRESS_INVALID", "{address}");
            assert!(failure.message.contains("http://localhost:50051"), "{}", failure.message);
        }
        assert!(endpoint("http://core:50051/", None).is_ok());
        assert!(endpoint("https://core.example.org", None).is_ok());
    }

    #[test]
    fn the_user_is_named_only_when_there_is_one() {
        let mut target = target("http://a");
        assert!(target.request(()).unwrap().metadata().get("x-aurareels-user-id").is_none());
        target.user_id = Some(" 12 ".to_owned());
        let request = target.request(()).unwrap();
        assert_eq!(request.metadata().get("x-aurareels-user-id").unwrap(), "12");
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer ar_key");
    }

    #[test]
    fn a_user_that_is_no_number_is_refused() {
        let mut target = target("http://a");
        target.user_id = Some("jim".to_owned());
        let failure = target.request(()).unwrap_err();
        assert_eq!(
            (failure.reason.as_str(), failure.message.as_str()),
            ("CREDENTIAL_INVALID", "the user id `jim` is not a whole number")
        );
    }

    #[test]
    fn a_key_with_a_line_break_is_refused_and_not_shown() {
        let mut target = target("http://a");
        target.api_key = "ar_se\ncret".to_owned();
        let failure = target.request(()).unwrap_err();
        assert_eq!(failure.reason, "CREDENTIAL_INVALID");
        assert!(!failure.message.contains("ar_se"));
    }
}
