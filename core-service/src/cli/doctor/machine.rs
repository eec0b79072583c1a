//! The machine: directories, disk, files of TLS, descriptors.

use std::{fs, io, path::Path};

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::Finding;
use crate::{
    config::{Settings, Tls},
    descriptors::Shares,
    domain::failure::describe,
    grpc, http,
    media::files::free_bytes,
};

/// A certificate that ends sooner is told.
const SOON: TimeDelta = TimeDelta::days(14);

/// Below this many descriptors a core is cramped.
const FEW: usize = 1_024;

/// Looks at the machine.
pub(super) fn look(settings: &Settings, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = data_dir(settings);
    if let Some(files) = &settings.server.tls {
        findings.extend(tls(settings, files, now));
    }
    if let Err(problem) = http::tls_config(&settings.http) {
        findings.push(Finding::wrong(
            "AURAREELS_EXTRA_CA_FILE",
            describe(&problem),
            "give the path of a readable PEM file with the certificate of your own authority, or leave it out",
        ));
    }
    let Shares { limit, .. } = Shares::of_process();
    if limit < FEW {
        findings.push(Finding::advice(
            "open files",
            format!("this process may open {limit} files: fewer posts are worked on at once"),
            "raise the limit (LimitNOFILE= of the systemd unit, or `ulimit -n`) to 65536",
        ));
    }
    findings
}

fn data_dir(settings: &Settings) -> Vec<Finding> {
    const ABOUT: &str = "AURAREELS_DATA_DIR";
    let directory = &settings.store.data_dir;
    let shown = directory.display();
    let found = match fs::metadata(directory) {
        Ok(found) if !found.is_dir() => {
            return vec![Finding::wrong(ABOUT, format!("{shown} is no directory"), "name a directory")];
        }
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return vec![not_there(directory)],
        Err(error) => {
            let remedy = "give it to the user that runs the core: `chown`";
            return vec![Finding::wrong(ABOUT, format!("{shown} cannot be looked into ({error})"), remedy)];
        }
    };
    let mut findings = Vec::new();
    if let Err(error) = tempfile_in(directory) {
        let remedy = "let the user that runs the core write there (`chown`), on a file system that is not read-only";
        findings.push(Finding::wrong(ABOUT, format!("nothing can be written to {shown} ({error})"), remedy));
    }
    if is_open_to_others(&found) {
        let remedy = format!("`chmod 700 {shown}`; the core does it when it starts, where it may");
        findings.push(Finding::advice(ABOUT, format!("others on this machine may read {shown}"), remedy));
    }
    match free_bytes(directory) {
        Ok(free) if free < settings.media.min_free_bytes => {
            let reserve = settings.media.min_free_bytes;
            findings.push(Finding::wrong(
                "disk",
                format!(
                    "{free} bytes are free at {shown}, less than the {reserve} that uploads leave free: none is taken"
                ),
                "free some room, or lower AURAREELS_MEDIA_MIN_FREE_BYTES",
            ));
        }
        Ok(free) => findings.push(Finding::fine("disk", format!("{} MiB are free at {shown}", free >> 20))),
        Err(error) => {
            let remedy = "look at the file system";
            findings.push(Finding::advice(
                "disk",
                format!("the free room at {shown} cannot be told ({error})"),
                remedy,
            ));
        }
    }
    findings
}

/// A directory that the core would make.
fn not_there(directory: &Path) -> Finding {
    let parent = directory.ancestors().skip(1).find(|parent| parent.as_os_str().is_empty() || parent.exists());
    let parent = match parent {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match tempfile_in(parent) {
        Ok(()) => Finding::fine("AURAREELS_DATA_DIR", format!("{} will be made", directory.display())),
        Err(error) => Finding::wrong(
            "AURAREELS_DATA_DIR",
            format!("{} is not there and cannot be made in {} ({error})", directory.display(), parent.display()),
            "make it, owned by the user that runs the core",
        ),
    }
}

/// Whether something can be written into a directory; what was written is removed.
fn tempfile_in(directory: &Path) -> io::Result<()> {
    let path = directory.join(format!(".aurareels-doctor-{}", std::process::id()));
    let made = fs::OpenOptions::new().write(true).create_new(true).open(&path);
    made.and_then(|_| fs::remove_file(&path))
}

#[cfg(unix)]
fn is_open_to_others(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

fn tls(settings: &Settings, files: &Tls, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(problem) = grpc::tls_acceptor(files) {
        let message = format!("{problem:#}");
        let about = if message.contains("AURAREELS_TLS_KEY:") { "AURAREELS_TLS_KEY" } else { "AURAREELS_TLS_CERT" };
        let remedy =
            "give the chain of certificates, your own first, and the key that belongs to it, both in PEM and readable";
        return vec![Finding::wrong(about, message, remedy)];
    }
    if fs::metadata(&files.key).is_ok_and(|found| is_open_to_others(&found)) {
        let message = format!("others on this machine may read {}", files.key.display());
        findings.push(Finding::advice("AURAREELS_TLS_KEY", message, format!("`chmod 600 {}`", files.key.display())));
    }
    let host = settings.server.public_url.as_ref().and_then(|url| url.host_str());
    let renew = "renew it; the core reads it when it starts";
    match grpc::certificate_life(files, host, now) {
        Err(problem) => findings.push(Finding::wrong("AURAREELS_TLS_CERT", format!("{problem:#}"), renew)),
        Ok(()) if grpc::certificate_life(files, host, now + SOON).is_err() => findings.push(Finding::advice(
            "AURAREELS_TLS_CERT",
            format!("{} ends within {} days", files.cert.display(), SOON.num_days()),
            renew,
        )),
        Ok(()) => findings.push(Finding::fine("TLS", "certificate and key fit each other and are valid")),
    }
    findings
}
