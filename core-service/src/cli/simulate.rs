//! `simulate`: the simulated platforms alone, for trying a core, a workflow or a client against them.

use std::net::IpAddr;

use aurareels_simulator::{Host, Options, Simulator};
use serde_json::{Map, Value, json};

use super::{
    process::{asked_to_stop, setting},
    show,
};
use crate::telemetry::log::{self, LogFormat};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    ip: IpAddr,
    /// Host name that handed-out URLs carry; needed with --ip 0.0.0.0.
    #[arg(long, value_name = "NAME")]
    public_host: Option<String>,
    /// First port; the hosts follow at fixed distances. Free ports when absent.
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
    /// Same seed and same requests, same ids.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// First print one line of JSON: the environment for a core, and where the control API and test videos are.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    log::start(&setting("AURAREELS_LOG").unwrap_or_else(|| "warn".to_owned()), LogFormat::Text);
    let options = Options {
        ip: arguments.ip,
        public_host: arguments.public_host,
        base_port: arguments.base_port,
        seed: arguments.seed,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await?;
    let (control, media) = (simulator.url(Host::Control), simulator.url(Host::Media));
    let environment = environment(&simulator);
    if arguments.json {
        let settings: Map<String, Value> = environment.into_iter().map(|(name, value)| (name, value.into())).collect();
        println!("{}", json!({ "environment": settings, "control": control, "media": media }));
    } else {
        let mut table = show::table(["host", "address"]);
        for host in Host::ALL {
            table.add_row([host.name(), simulator.url(host)]);
        }
        println!("{table}\n\nSettings that point a core at these platforms:\n");
        for (name, value) in environment {
            println!("export {name}={value}");
        }
        println!("\nPosts, accounts and faults: {control}/\nA test video: {media}/v/demo.mp4");
    }
    asked_to_stop().await?;
    simulator.shutdown().await;
    Ok(())
}

/// Everything a core needs to use a simulator: its hosts and apps, and leave to fetch videos from this machine.
pub(super) fn environment(simulator: &Simulator) -> Vec<(String, String)> {
    let mut environment = simulator.environment();
    let name = "AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS";
    if !environment.iter().any(|(known, _)| known == name) {
        environment.push((name.to_owned(), "true".to_owned()));
    }
    environment
}
