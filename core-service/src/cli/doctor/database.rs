//! The database and the encryption keys, without changing anything.

use std::sync::Arc;

use super::finding::Finding;
use crate::{
    clock::Clock,
    config::Settings,
    domain::failure::describe,
    secret::KeyRing,
    store::{self, Schema, Store, traces},
};

const URL: &str = "AURAREELS_DATABASE_URL";
const KEY: &str = "AURAREELS_SOCIAL_ENCRYPTION_KEY";
const OLD_KEYS: &str = "AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS";

/// Looks at keys and database.
pub(super) async fn look(settings: &Settings, clock: Clock) -> Vec<Finding> {
    let mut findings = Vec::new();
    let keys = keys(settings, &mut findings);
    let place = settings.store.place();
    match (traces::is_missing(&place), traces::around(&place, &settings.store.data_dir)) {
        (Ok(true), Ok(Some(unexpected))) => {
            let text = unexpected.to_string();
            let (message, remedy) = text.split_once(". ").unwrap_or((&text, ""));
            findings.push(Finding::wrong(URL, message.trim_start_matches("AURAREELS_DATABASE_URL: "), remedy));
            return findings;
        }
        (Ok(true), _) => {
            findings.push(Finding::fine("database", "it will be made when the core starts"));
            return findings;
        }
        (Err(problem), _) | (_, Err(problem)) => {
            findings.push(unusable(&problem));
            return findings;
        }
        (Ok(false), Ok(_)) => {}
    }
    let opened = match keys {
        Some(keys) => Store::open(place, Arc::new(keys), clock).await,
        None => Store::for_maintenance(place, clock).await,
    };
    let store = match opened {
        Ok(store) => store,
        Err(problem) => {
            findings.push(unusable(&problem));
            return findings;
        }
    };
    match store.schema().await {
        Ok(Schema::New) => {
            findings.push(Finding::fine("database", "it is empty; its tables are made when the core starts"))
        }
        Ok(Schema::Newer { newest }) => findings.push(Finding::wrong(
            "database",
            format!("a later release has brought it to migration {newest}, which this one does not know"),
            "run that release, or restore a backup that this release made",
        )),
        Ok(Schema::Known { open }) => {
            let message = match open {
                0 => "it can be read and written, and is up to date".to_owned(),
                open => format!("it can be read and written; {open} migrations are run when the core starts"),
            };
            findings.push(match store.is_behind_its_mark().await {
                Ok(None) => Finding::fine("database", message),
                Ok(Some(behind)) => {
                    let (message, remedy) = behind.split_once(". ").unwrap_or((&behind, ""));
                    Finding::wrong("database", message, remedy)
                }
                Err(problem) => unusable(&problem),
            });
            findings.extend(missing_keys(&store, settings).await);
        }
        Err(problem) => findings.push(unusable(&problem)),
    }
    store.close().await;
    findings
}

fn keys(settings: &Settings, findings: &mut Vec<Finding>) -> Option<KeyRing> {
    let Some(current) = &settings.keys.current else {
        let remedy = "make one with `aurareels keys generate`, keep it safe, and set it";
        findings.push(Finding::wrong(KEY, "is not set: the core does not start without it", remedy));
        return None;
    };
    let old: Vec<&str> = settings.keys.old.iter().map(|key| key.expose()).collect();
    if let Err(problem) = KeyRing::from_settings(current.expose(), &[] as &[&str]) {
        findings.push(Finding::wrong(KEY, describe(&problem), "make one with `aurareels keys generate`"));
        return None;
    }
    match KeyRing::from_settings(current.expose(), &old) {
        Ok(keys) => Some(keys),
        Err(problem) => {
            let remedy = "list the keys exactly as they were when they sealed, separated by commas";
            findings.push(Finding::wrong(OLD_KEYS, describe(&problem), remedy));
            None
        }
    }
}

async fn missing_keys(store: &Store, settings: &Settings) -> Option<Finding> {
    settings.keys.current.as_ref()?;
    match store.missing_keys().await {
        Ok(missing) if missing.is_empty() => {
            Some(Finding::fine("encryption keys", "every key that is needed is at hand"))
        }
        Ok(missing) => Some(Finding::wrong(
            OLD_KEYS,
            format!("stored logins were sealed with keys that are not at hand: {}", missing.join(", ")),
            "add the key that was in use before; without it these accounts have to be connected again",
        )),
        Err(problem) => Some(unusable(&problem)),
    }
}

fn unusable(problem: &store::Error) -> Finding {
    let remedy = match problem {
        store::Error::Sick(ailment) => ailment.remedy(),
        _ => {
            "correct AURAREELS_DATABASE_URL, or start the database; the user that it names needs all rights on its database"
        }
    };
    Finding::wrong(URL, format!("the database cannot be used: {}", describe(problem)), remedy)
}
