//! `demo`: a whole AuraReels in one process, with simulated platforms.
//!
//! What is shown is real except for the platforms: accounts are connected through the OAuth pages as a browser would,
//! posts go through the public gRPC API, the core publishes over HTTP, and the table at the end lists what the
//! platforms say is visible, not what the core believes. Each run has a fresh data directory and a fresh key; on a
//! database of a server it has fresh tables, by a prefix of its own, which are removed at the end.
//!
//! Ends with exit code 1 when a post is not visible exactly once, or a scheduled one came before its time.

mod browser;
mod screen;

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use aurareels_proto::v1::{self, schedule_time::Form};
use aurareels_simulator::{Host, Options, Simulator};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use self::{browser::Person, screen::Screen};
use super::{
    client::Client,
    dashboard,
    process::{asked_to_stop, setting},
    show,
};
use crate::{
    app::{
        api_keys::{ApiKeys, Scope},
        dashboard::Dashboard,
    },
    clock::Clock,
    config::Settings,
    domain::ids::UserId,
    http::{self, HttpSettings},
    private,
    secret::{Secret, generate_key},
    server::Core,
    store::{db::Place, replacing},
    telemetry::log::{self, LogFormat},
};

/// The port of a core that nobody configured; a free one is taken when it is in use.
const USUAL: &str = "127.0.0.1:50051";

/// How wide the table is where no terminal says so.
const PIPED_WIDTH: u16 = 110;

/// Size of the published video: large enough to see it go.
const VIDEO_BYTES: u64 = 40_000_000;

/// The secret of the one browser that connects here.
const BROWSER: &str = "the browser of the demo";

/// How long the link to the dashboard works: whoever watches the demo may read first.
const LINK_LIFE: TimeDelta = TimeDelta::hours(1);

/// Longest time until every post must be visible, beyond the scheduled time.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Args)]
pub(super) struct Arguments {
    /// End after the table instead of serving on.
    #[arg(long)]
    exit: bool,
    /// How many seconds ahead the second video is scheduled.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(5..=3600), value_name = "SECONDS")]
    ahead: u16,
    /// Address to serve on.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// A database on PostgreSQL, MySQL or MariaDB to run on, instead of a SQLite file. It gets tables of its own, which are
    /// removed at the end.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

/// A post as the simulated platforms list it.
#[derive(Deserialize)]
struct Visible {
    platform: String,
    account_name: String,
    platform_post_id: String,
    caption: String,
    made_at: DateTime<Utc>,
    byte_count: Option<u64>,
    #[serde(default)]
    url: Option<String>,
}

/// Runs the demo.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    log::start(&setting("AURAREELS_LOG").unwrap_or_else(|| "error".to_owned()), LogFormat::Text);
    let directory = Directory::new()?;
    let simulator = Simulator::start(Options::default()).await.context("cannot start the simulated platforms")?;
    let settings = settings(&simulator, &directory, &arguments)?;
    let place = settings.store.place();
    let core = Core::start(settings, Clock::system()).await?;
    // One listener from here on: a second one could miss the signal that the first one saw.
    let mut stop = std::pin::pin!(asked_to_stop());
    let shown = tokio::select! {
        // A stop that comes with the end does not hide what was seen.
        biased;
        shown = show_all(&core, &simulator, &arguments) => shown.map(Some),
        stopped = &mut stop => stopped.map(|()| None).map_err(Into::into),
    };
    let outcome = match shown {
        Ok(Some(visible)) if !arguments.exit => {
            println!("\nServing until Ctrl-C.");
            stop.await.map(|()| visible).map_err(Into::into)
        }
        shown => shown.map(|visible| visible == Some(true)),
    };
    core.shutdown().await;
    simulator.shutdown().await;
    if place.is_on_server() {
        replacing::remove_tables(place, Clock::system()).await.context("the demo's tables could not be removed")?;
    }
    Ok(if outcome? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The steps of the demo. Answers whether everything is visible as it should.
async fn show_all(core: &Core, simulator: &Simulator, arguments: &Arguments) -> anyhow::Result<bool> {
    let keys = ApiKeys::new(core.parts.store.clone());
    let (key, _) = keys.create("demo", vec![Scope::Read, Scope::Publish], Some(UserId(1))).await?;
    let address = core.public_url().as_str().trim_end_matches('/').to_owned();
    println!(
        "AuraReels {} on {address}, simulated platforms on {}\n",
        env!("CARGO_PKG_VERSION"),
        simulator.url(Host::Control)
    );
    if let Some(url) = &arguments.database_url {
        println!("Its database: {}\n", Place::from(url).shown());
    }
    let client = Client::at(&address, key.expose()).connect().await?;
    println!("Connecting accounts through the platforms' consent pages:");
    let accounts = connect_all(&client, simulator).await?;
    let visible = publish_and_watch(&client, simulator, &accounts, arguments.ahead).await?;
    how_to_call(&address, &key, simulator);
    let logins = Dashboard::new(core.parts.store.clone(), core.parts.clock.clone());
    let secret = logins.create_link(UserId(1), LINK_LIFE).await?;
    println!(
        "\nThe dashboard, by a link that logs one browser in, once:\n\n  {}",
        dashboard::address(core.public_url(), &secret)
    );
    Ok(visible)
}

/// Where the core of a demo keeps its files; removed at the end.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new() -> anyhow::Result<Self> {
        let name = format!("aurareels-demo-{}-{:08x}", std::process::id(), getrandom::u32()?);
        let path = std::env::temp_dir().join(name);
        private::create_directory(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own tidying.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Settings of the demo's core. The environment is left out: a demo is the same everywhere.
fn settings(simulator: &Simulator, directory: &Directory, arguments: &Arguments) -> anyhow::Result<Settings> {
    let listen = match arguments.listen {
        Some(listen) => listen.to_string(),
        None if std::net::TcpListener::bind(USUAL).is_ok() => USUAL.to_owned(),
        None => "127.0.0.1:0".to_owned(),
    };
    let mut pairs = super::simulate::environment(simulator);
    let mut set = |name: &str, value: String| pairs.push((name.to_owned(), value));
    set("AURAREELS_LISTEN", listen);
    set("AURAREELS_DATA_DIR", directory.0.display().to_string());
    set("AURAREELS_SOCIAL_ENCRYPTION_KEY", generate_key().expose().to_owned());
    set("AURAREELS_CORS_ORIGINS", "*".to_owned());
    // The simulated platforms take seconds, not minutes.
    set("AURAREELS_POLL_FIRST_SECONDS", "1".to_owned());
    if let Some(url) = &arguments.database_url {
        if !Place::from(url).is_on_server() {
            bail!(
                "--database-url must begin with postgres: or mysql:; without it the demo has a SQLite file of its own"
            );
        }
        set("AURAREELS_DATABASE_URL", url.clone());
        set("AURAREELS_TABLE_PREFIX", format!("demo_{:08x}_", getrandom::u32()?));
    }
    Ok(Settings::from_pairs(pairs)?)
}

/// Two accounts of each platform; Instagram once by each of its logins.
/// Which of their Pages an app sees, people choose in the dialog.
async fn connect_all(client: &Client, simulator: &Simulator) -> anyhow::Result<Vec<v1::Account>> {
    let second = json!({ "platform": "tiktok", "name": "Cy on Screen", "username": "cy.screen" });
    simulator.create_account(&second).context("cannot make a second TikTok creator")?;
    // A person of her own: who consents again with other Pages takes those of before away.
    let page = json!({ "platform": "facebook", "name": "Cy's Studio", "person_name": "Cy Example" });
    simulator.create_account(&page).context("cannot make a second Page")?;
    let http = http::client_builder(&http::tls_config(&HttpSettings::default())?).build()?;
    let logins = [
        (v1::Platform::Tiktok, v1::LoginFlavour::Tiktok, Person { label: "Ada Makes Things", page: None }),
        (v1::Platform::Tiktok, v1::LoginFlavour::Tiktok, Person { label: "Cy on Screen", page: None }),
        (
            v1::Platform::Instagram,
            v1::LoginFlavour::FacebookLogin,
            Person { label: "Ada Example", page: Some("Ada's Kitchen") },
        ),
        (v1::Platform::Instagram, v1::LoginFlavour::InstagramLogin, Person { label: "cleo.films", page: None }),
        (
            v1::Platform::Facebook,
            v1::LoginFlavour::FacebookLogin,
            Person { label: "Ben Example", page: Some("Ben Studio") },
        ),
        (
            v1::Platform::Facebook,
            v1::LoginFlavour::FacebookLogin,
            Person { label: "Cy Example", page: Some("Cy's Studio") },
        ),
        (v1::Platform::Youtube, v1::LoginFlavour::Google, Person { label: "Ada on Tube (@ada.tube)", page: None }),
        (v1::Platform::Youtube, v1::LoginFlavour::Google, Person { label: "Bo in Shorts (@bo.shorts)", page: None }),
    ];
    let mut known: Vec<v1::Account> = Vec::new();
    for (platform, login, person) in logins {
        let request = v1::ConnectAccountRequest {
            platform: platform.into(),
            login_flavour: login.into(),
            browser_secret: BROWSER.to_owned(),
            ..v1::ConnectAccountRequest::default()
        };
        let link = client.accounts().connect_account(request).await?.into_inner();
        let request = v1::CompleteConnectRequest {
            platform: platform.into(),
            code: browser::allow(&http, &link.auth_url, &person).await?,
            state: link.state,
            browser_secret: BROWSER.to_owned(),
        };
        let new = client.accounts().complete_connect(request).await?.into_inner().accounts;
        let [account] = <[_; 1]>::try_from(new)
            .map_err(|new| anyhow::anyhow!("{} accounts were connected by one login", new.len()))?;
        let flavour = login.as_str_name().trim_start_matches("LOGIN_FLAVOUR_").to_ascii_lowercase().replace('_', " ");
        let name = show::platform(platform);
        // Pages have no handle.
        let handle = match account.account_username.as_str() {
            "" => account.account_name.clone(),
            username => format!("@{username}"),
        };
        println!("  account {}  {name:<10} {handle:<15} by {flavour}", account.id);
        known.push(account);
    }
    Ok(known)
}

async fn publish_and_watch(
    client: &Client,
    simulator: &Simulator,
    accounts: &[v1::Account],
    ahead: u16,
) -> anyhow::Result<bool> {
    // Two accounts of each platform stand side by side.
    let (at_once, on_time): (Vec<_>, Vec<_>) = accounts.iter().enumerate().partition(|(index, _)| index % 2 == 0);
    let ids = |half: Vec<(usize, &v1::Account)>| half.into_iter().map(|(_, account)| account.id).collect::<Vec<_>>();
    let mut posts = client.posts();
    let watch = v1::WatchPostsRequest { include_progress: true, ..v1::WatchPostsRequest::default() };
    let mut events = posts.watch_posts(watch).await?.into_inner();
    let content = |name: &str, caption: &str| v1::PostContent {
        video_url: format!("{}/v/{name}.mp4?size={VIDEO_BYTES}&duration=15", simulator.url(Host::Media)),
        caption: caption.to_owned(),
        hashtags: vec!["aurareels".to_owned(), "demo".to_owned()],
        privacy_level: "PUBLIC".to_owned(),
        ..v1::PostContent::default()
    };
    println!("\nOne video now to one account of each platform, another in {ahead} s to the others:");
    let now = v1::PublishPostsRequest {
        accounts: ids(at_once),
        content: Some(content("now", "Published at once")),
        ..v1::PublishPostsRequest::default()
    };
    let mut made = posts.publish_posts(now).await?.into_inner().posts;
    let due = std::time::Duration::from_secs(ahead.into());
    let at = Clock::system().now() + TimeDelta::from_std(due)?;
    let later = v1::SchedulePostsRequest {
        accounts: ids(on_time),
        content: Some(content("later", "Published on time")),
        scheduled_at: Some(v1::ScheduleTime { form: Some(Form::Text(at.to_rfc3339())) }),
        ..v1::SchedulePostsRequest::default()
    };
    made.extend(posts.schedule_posts(later).await?.into_inner().posts);
    let mut screen = Screen::new();
    made.iter().for_each(|post| screen.add(post));
    let watching = async {
        while !screen.all_at_rest() {
            let Some(message) = events.message().await? else { bail!("the core ended the stream of events") };
            if let Some(event) = &message.event {
                screen.event(event);
            }
        }
        Ok(())
    };
    let watched = tokio::time::timeout(due + PATIENCE, watching).await;
    screen.end();
    match watched {
        Ok(watched) => watched?,
        Err(_) => println!("\nNot every post came to rest in time."),
    }
    let ids: Vec<i64> = made.iter().map(|post| post.id).collect();
    compare(client, simulator, &ids).await
}

/// Shows what the platforms list, and holds it against what the core says. True when each post is visible exactly once,
/// none other is, and no scheduled one came early.
async fn compare(client: &Client, simulator: &Simulator, ids: &[i64]) -> anyhow::Result<bool> {
    let http = http::client_builder(&http::tls_config(&HttpSettings::default())?).build()?;
    let listed = http.get(format!("{}/_sim/posts", simulator.url(Host::Control))).send().await?;
    let visible = visible_posts(&listed.bytes().await?)?;
    println!("\nVisible on the simulated platforms:");
    let mut table = show::table(["platform", "account", "post id", "visible since", "bytes", "text", "link"]);
    for post in &visible {
        table.add_row([
            post.platform.clone(),
            post.account_name.clone(),
            post.platform_post_id.clone(),
            show::second(post.made_at),
            post.byte_count.map(|count| count.to_string()).unwrap_or_default(),
            post.caption.clone(),
            post.url.clone().unwrap_or_default(),
        ]);
    }
    // Piped, for example into `tee`, it is read on a screen all the same.
    if table.width().is_none() {
        table.set_width(PIPED_WIDTH);
    }
    println!("{table}");
    let mut right = visible.len() == ids.len();
    for id in ids {
        let post = client.posts().get_post(v1::GetPostRequest { id: *id }).await?.into_inner();
        let found: Vec<_> = visible.iter().filter(|seen| seen.platform_post_id == post.platform_post_id).collect();
        let due = show::time(post.scheduled_at);
        let early = found.iter().any(|seen| due.is_some_and(|due| seen.made_at < due - TimeDelta::milliseconds(5)));
        if post.status() != v1::PostStatus::Published || found.len() != 1 || early {
            right = false;
            let status = show::status(post.status());
            println!(
                "post {id} is {status} and visible {} times{}: {}",
                found.len(),
                if early { ", too early" } else { "" },
                show::note(&post)
            );
        } else if let (Some(due), [seen]) = (due, found.as_slice()) {
            let after = (seen.made_at - due).num_milliseconds();
            let name = show::platform(post.platform());
            println!("post {id}: {name} showed it {after} ms after its time, its processing included");
        }
    }
    println!(
        "{}",
        if right { "One request, one post: each is visible exactly once." } else { "This is not as it should be." }
    );
    Ok(right)
}

/// The list of the control API, plain or inside an object.
fn visible_posts(body: &[u8]) -> anyhow::Result<Vec<Visible>> {
    let listed: serde_json::Value = serde_json::from_slice(body)?;
    let posts = listed.get("posts").cloned().unwrap_or(listed);
    serde_json::from_value(posts).context("the simulator's list of posts is not readable")
}

fn how_to_call(address: &str, key: &Secret, simulator: &Simulator) {
    let authority = address.split("://").last().unwrap_or(address);
    let key = key.expose();
    let control = simulator.url(Host::Control);
    let media = simulator.url(Host::Media);
    let program = std::env::args().next().unwrap_or_else(|| "aurareels".to_owned());
    // As a shell reads it back.
    let program = if program.contains(char::is_whitespace) { format!("'{program}'") } else { program };
    println!(
        "
Call it yourself (this key ends with the demo):

  export AURAREELS_ADDRESS={address} AURAREELS_API_KEY={key} VIDEO={media}/v/mine.mp4
  {program} post list
  {program} post publish --account 1 --video \"$VIDEO\" --caption 'My first reel' --privacy PUBLIC --wait

  grpcurl -plaintext -H 'authorization: Bearer {key}' {authority} aurareels.v1.PostService/ListPosts

In Python, in the project's directory:

  pip install grpcio grpcio-tools
  python -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. proto/aurareels/v1/*.proto
  python -c \"
import grpc
from aurareels.v1 import post_service_pb2 as pb, post_service_pb2_grpc as rpc
posts = rpc.PostServiceStub(grpc.insecure_channel('{authority}'))
print(posts.ListPosts(pb.ListPostsRequest(), metadata=[('authorization', 'Bearer {key}')]))\"

  The simulated platforms: {control}/   their posts: {control}/_sim/posts   the core's own page: {address}/"
    );
}
