//! How platforms read their settings: names in the environment and in `aurareels.toml`, and what is read by them.

use std::{fmt, sync::Arc};

use url::Url;

use super::Service;
use crate::{http, secret::Secret};

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name in the environment.
    pub name: &'static str,
    /// Table of the file.
    pub table: &'static str,
    /// Key in the table.
    pub key: &'static str,
}

/// A setting by its name, table and key.
pub const fn setting(name: &'static str, table: &'static str, key: &'static str) -> Setting {
    Setting { name, table, key }
}

/// Where values come from. Every name that is asked for is one of the platform's [`Setting`]s.
pub trait Values {
    /// A text; `None` when not given.
    fn text(&mut self, name: &'static str) -> Option<String>;

    /// A whole number within bounds; the default when not given.
    fn number(&mut self, name: &'static str, least: u32, most: u32, default: u32) -> u32;

    /// Scheme and host that replace the vendor's.
    fn base_url(&mut self, name: &'static str, vendor: &str) -> Url;

    /// Notes that something is wrong with a value, with rule and remedy.
    fn wrong(&mut self, name: &'static str, message: String);
}

/// An app registered at a platform.
#[derive(Clone, Debug)]
pub struct App {
    /// Its id, public.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

impl App {
    /// An app's id and secret: both or none.
    pub fn read(values: &mut dyn Values, id_name: &'static str, secret_name: &'static str) -> Option<Self> {
        match (values.text(id_name), values.text(secret_name)) {
            (Some(id), Some(secret)) => Some(Self { id, secret: secret.into() }),
            (None, None) => None,
            (Some(_), None) => {
                values.wrong(id_name, format!("needs {secret_name} too"));
                None
            }
            (None, Some(_)) => {
                values.wrong(secret_name, format!("needs {id_name} too"));
                None
            }
        }
    }
}

/// A platform's settings, read.
pub trait Configured: fmt::Debug + Send + Sync {
    /// The platform with these settings. Fails when no HTTP client can be built.
    fn service(&self, tls: &Arc<rustls::ClientConfig>) -> Result<Service, http::Error>;
}
