//! The handle that tests, `aurareels demo` and `aurareels simulate` hold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::fault::{Chances, Rule, RuleId};
use crate::host::Host;
use crate::journal::{Entry, Filter};
use crate::options::Options;
use crate::posts::VisiblePost;
use crate::server::{self, Door};
use crate::sim::Sim;
use crate::{control, dispatch};

/// A running simulator. Dropping it closes its ports.
pub struct Simulator {
    sim: Arc<Sim>,
    tasks: JoinSet<()>,
}

impl Simulator {
    /// Binds all ports and starts serving. Fails if a port of `base_port` is taken.
    pub async fn start(options: Options) -> anyhow::Result<Simulator> {
        let mut listeners = Vec::new();
        let mut urls = Vec::new();
        let mut doors = Vec::new();
        for host in Host::ALL {
            let port = options.base_port.map_or(0, |base| base + host.offset());
            let listener = server::bind(SocketAddr::new(options.ip, port))
                .with_context(|| format!("port {port} for {} cannot be bound", host.name()))?;
            let address = listener.local_addr()?;
            urls.push(match &options.public_host {
                Some(name) => format!("http://{name}:{}", address.port()),
                None => format!("http://{address}"),
            });
            doors.push(watch::channel(Door::Open).0);
            listeners.push((host, listener, address));
        }
        let receivers: Vec<_> = doors.iter().map(watch::Sender::subscribe).collect();
        let sim = Arc::new(Sim::new(options, urls, doors)?);
        let mut tasks = JoinSet::new();
        for ((host, listener, address), door) in listeners.into_iter().zip(receivers) {
            tasks.spawn(server::serve(sim.clone(), host, listener, address, door));
        }
        Ok(Simulator { sim, tasks })
    }

    /// The settings (design §8) that point a core at this simulator, as environment variables.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.sim.environment()
    }

    /// Base URL of a host, without a slash at the end.
    pub fn url(&self, host: Host) -> &str {
        self.sim.url(host)
    }

    /// The clock; moving it moves the simulator.
    pub fn clock(&self) -> Clock {
        self.sim.clock.clone()
    }

    /// Waits until the platforms have downloaded what they were given by URL, at most `limit` of real time. Whoever moves
    /// the clock waits for it first: a download takes real time, and would otherwise take as long as the clock jumps.
    pub async fn downloaded(&self, limit: Duration) {
        let quiet = async {
            loop {
                dispatch::settle(&self.sim);
                if !self.sim.fetcher.is_at_work() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        // A download that hangs on purpose is left behind.
        let _ = tokio::time::timeout(limit, quiet).await;
    }

    /// Adds a fault rule.
    pub fn add_fault(&self, rule: Rule) -> RuleId {
        self.sim.faults.add(rule)
    }

    /// Lets requests go on that the rule holds.
    pub fn release_fault(&self, rule: RuleId) -> bool {
        self.sim.faults.release(rule)
    }

    /// Takes a rule away (and releases what it holds).
    pub fn remove_fault(&self, rule: RuleId) -> bool {
        self.sim.faults.remove(rule)
    }

    /// How often a rule fired.
    pub fn fault_fired(&self, rule: RuleId) -> Option<u64> {
        self.sim.faults.fired(rule)
    }

    /// Rules that have not fired as often as they should, each as a text; removed ones included, cleared ones not. A test
    /// whose fault never struck proves nothing.
    pub fn unspent_faults(&self) -> Vec<String> {
        self.sim.faults.unspent().iter().map(|rule| format!("{rule:?}")).collect()
    }

    /// Removes all rules and random faults.
    pub fn clear_faults(&self) {
        self.sim.faults.clear();
    }

    /// Random faults on or off. Fails if the probabilities make no sense.
    pub fn set_random_faults(&self, chances: Option<Chances>) -> anyhow::Result<()> {
        if let Some(chances) = &chances {
            chances.check().map_err(anyhow::Error::msg)?;
        }
        self.sim.faults.set_chances(chances);
        Ok(())
    }

    /// Makes a host refuse connections, or accept them again.
    pub fn set_listening(&self, host: Host, listening: bool) {
        self.sim.set_door(host, if listening { Door::Open } else { Door::Refusing });
    }

    /// Matching requests that are still in the journal's ring.
    pub fn requests(&self, filter: &Filter) -> Vec<Entry> {
        self.sim.journal.find(filter)
    }

    /// Waits until that many requests match, at most `limit` of real time; says how many match.
    pub async fn wait_for_requests(&self, filter: &Filter, wanted: u64, limit: Duration) -> u64 {
        self.sim.journal.wait(filter, wanted, limit).await
    }

    /// Every post that became visible, oldest first.
    pub fn posts(&self) -> Vec<VisiblePost> {
        dispatch::settle(&self.sim);
        self.sim.posts.list(None, None)
    }

    /// Posts of one account.
    pub fn posts_of(&self, platform: &str, account_id: &str) -> Vec<VisiblePost> {
        dispatch::settle(&self.sim);
        self.sim.posts.list(Some(platform), Some(account_id))
    }

    /// All vendor accounts as the control API lists them.
    pub fn accounts(&self) -> Vec<Value> {
        control::accounts(&self.sim)
    }

    /// The random part of every credential issued so far: authorization codes, access and refresh tokens, the tokens
    /// inside upload URLs. Tests look for them where they must not be.
    pub fn issued_credentials(&self) -> Vec<String> {
        self.sim.random.credentials()
    }

    /// Makes a vendor account; the fields are those of `POST /_sim/accounts`.
    pub fn create_account(&self, spec: &Value) -> anyhow::Result<Value> {
        control::create_account(&self.sim, spec).map_err(anyhow::Error::msg)
    }

    /// Forgets accounts, posts, rules and journal; the default accounts come back. The clock stays.
    pub fn reset(&self) {
        self.sim.reset();
    }

    /// Closes all ports and waits until nobody listens any more.
    pub async fn shutdown(mut self) {
        for host in Host::ALL {
            self.sim.set_door(host, Door::Closed);
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        for host in Host::ALL {
            self.sim.set_door(host, Door::Closed);
        }
    }
}
