//! What a core tells about itself: metrics, and traces and logs for a collector.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use aurareels_proto::v1::ListAccountsRequest;
use aurareels_tests::{Login, World, world::PATIENCE};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message;
use serde_json::Value as Json;
use tokio::net::TcpListener;

use crate::process::{Served, run};

async fn page(world: &World) -> String {
    let answer = world.http.get(format!("{}/metrics", world.url())).send().await.expect("the core answers");
    assert!(answer.headers()["content-type"].to_str().expect("text").starts_with("text/plain; version=0.0.4"));
    answer.text().await.expect("text")
}

/// The value of one series.
fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in:\n{page}")).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_of_the_process_the_database_the_queue_and_each_platform() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let published = me.publish_one(account, "Counted").await;
    me.published(published).await;
    me.schedule_one(account, "Waits", world.now() + chrono::TimeDelta::days(1)).await;
    let page = page(&world).await;
    assert!((value(&page, "aurareels_publish_attempts_total{platform=\"tiktok\"}") - 1.0).abs() < 0.1, "{page}");
    for series in [
        "aurareels_publish_outcomes_total{outcome=\"accepted\",platform=\"tiktok\"}",
        "aurareels_post_moves_total{platform=\"tiktok\",status=\"published\"}",
        "aurareels_posts{status=\"published\"}",
        "aurareels_posts{status=\"scheduled\"}",
        "aurareels_queue_posts{state=\"waiting\"}",
        "aurareels_store_writes_total",
        "aurareels_store_reads_total",
        "aurareels_store_commit_seconds_count",
        "aurareels_store_read_connections{state=\"idle\"}",
        "aurareels_requests_total{code=\"Ok\",rpc=\"aurareels.v1.PostService/PublishPosts\"}",
    ] {
        assert!(value(&page, series) >= 1.0, "{series} in:\n{page}");
    }
    assert!(value(&page, "aurareels_publish_attempts_total{platform=\"facebook\"}").abs() < 0.1);
    #[cfg(target_os = "linux")]
    for series in ["process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total", "process_max_fds"]
    {
        value(&page, series);
    }
    world.finish(1).await;
}

/// Every name of a metric in a text of PromQL or JSON.
fn names(text: &str) -> BTreeSet<String> {
    let word = |character: char| !(character.is_ascii_alphanumeric() || character == '_' || character == ':');
    let is_metric = |word: &&str| word.starts_with("aurareels_") || word.starts_with("process_");
    text.split(word).filter(is_metric).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_and_the_alerts_ask_for_what_there_is() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let id = me.publish_one(account, "Counted").await;
    me.published(id).await;
    let page = page(&world).await;
    let typed: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    // A counter with labels is told from its first count on.
    let later = BTreeSet::from(["aurareels_limit_waits_total"]);
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations");
    let mut asked = 0;
    for file in ["alerts.yml", "alerts-tests.yml", "grafana.json"] {
        let text = std::fs::read_to_string(directory.join(file)).expect("a file of docs/operations");
        for name in names(&text) {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let known = |name: &str| typed.contains(name) || later.contains(name);
            assert!(known(&name) || family.is_some_and(known), "{file} asks for {name}, which there is not");
            asked += 1;
        }
        if file.ends_with("json") {
            serde_json::from_str::<Json>(&text).expect("JSON");
        }
    }
    assert!(asked > 30, "{asked}");
}

/// What a collector was sent.
#[derive(Clone, Default)]
struct Collected {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    logs: Arc<Mutex<Vec<ExportLogsServiceRequest>>>,
    headers: Arc<Mutex<Vec<HeaderMap>>>,
}

/// A collector that keeps what it is sent.
async fn collector() -> (String, Collected) {
    let kept = Collected::default();
    let app = Router::new()
        .route(
            "/v1/traces",
            post(|State(kept): State<Collected>, headers: HeaderMap, body: Bytes| async move {
                kept.headers.lock().expect("no panic inside").push(headers);
                kept.traces.lock().expect("no panic inside").push(Message::decode(body).expect("a request"));
            }),
        )
        .route(
            "/v1/logs",
            post(|State(kept): State<Collected>, body: Bytes| async move {
                kept.logs.lock().expect("no panic inside").push(Message::decode(body).expect("a request"));
            }),
        )
        .with_state(kept.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, kept)
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_calls_steps_and_log_lines_in_the_callers_trace() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    world.stop_core().await;
    let (url, collected) = collector().await;
    let mut settings = world.settings().clone();
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=mine"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests"),
    ] {
        settings.insert(name.to_owned(), value.to_owned());
    }
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    let mut request = tonic::Request::new(ListAccountsRequest::default());
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01").parse().expect("ASCII"));
    world.accounts_as(&world.key, Some(1)).list_accounts(request).await.expect("an answer");
    let post = world.me().publish_one(account, "Traced, and nobody's business").await;
    world.me().published(post).await;
    let (status, took) = served.terminate().await;
    assert!(status.success() && took < PATIENCE, "{status} after {took:?}");

    let traces = collected.traces.lock().expect("no panic inside").clone();
    let resources: Vec<_> = traces.iter().flat_map(|request| &request.resource_spans).collect();
    let resource = resources[0].resource.as_ref().expect("a resource");
    assert_eq!(text(&resource.attributes, "service.name").as_deref(), Some("aurareels"));
    assert_eq!(text(&resource.attributes, "deployment.environment.name").as_deref(), Some("tests"));
    let spans: Vec<_> = resources.iter().flat_map(|of| &of.scope_spans).flat_map(|of| &of.spans).collect();
    let call = spans.iter().find(|span| span.name == "aurareels.v1.AccountService/ListAccounts").expect("the call");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&call.trace_id).as_str(), call.kind), (TRACE, 2), "a server's span in the caller's trace");
    assert_eq!(text(&call.attributes, "rpc.grpc.status_code").as_deref(), Some("0"));
    let step = spans.iter().find(|span| span.name == "tiktok.upload_last").expect("the visible step");
    assert_eq!(text(&step.attributes, "aurareels.post"), Some(post.to_string()));
    assert_eq!(text(&step.attributes, "aurareels.outcome").as_deref(), Some("accepted"));
    assert_eq!(collected.headers.lock().expect("no panic inside")[0]["x-tenant"], "mine");

    let logs = collected.logs.lock().expect("no panic inside").clone();
    let records = logs.iter().flat_map(|request| &request.resource_logs).flat_map(|of| &of.scope_logs);
    let bodies: Vec<String> =
        records.flat_map(|of| &of.log_records).map(|record| format!("{:?}", record.body)).collect();
    assert!(bodies.iter().any(|body| body.contains("is ready")), "{bodies:?}");
    let all = format!("{traces:?}{logs:?}");
    assert!(!all.contains(&world.key) && !all.contains("nobody's business"), "a key or a caption was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_holds_up_nothing_and_another_protocol_is_refused() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    world.stop_core().await;
    let mut settings = world.settings().clone();
    settings.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), "http://127.0.0.1:9".to_owned());
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    let mut of_served = settings.clone();
    of_served.insert("AURAREELS_LISTEN".to_owned(), served.url.trim_start_matches("http://").to_owned());
    let well = run(&of_served, &["healthcheck"]).await;
    assert_eq!((well.status.success(), String::from_utf8_lossy(&well.stdout).trim()), (true, "ok"));
    let post = world.me().publish_one(account, "Untraced").await;
    world.me().published(post).await;
    let told = async || served.log().contains("collector does not take").then_some(());
    world.wait_for("a word in the log", told).await;
    assert!(served.terminate().await.0.success());
    let gone = run(&of_served, &["healthcheck"]).await;
    assert!(!gone.status.success() && String::from_utf8_lossy(&gone.stderr).contains("no core answers"), "{gone:?}");
    settings.insert("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), "grpc".to_owned());
    let refused = run(&settings, &["serve"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("OTEL_EXPORTER_OTLP_PROTOCOL"), "{said}");
    assert!(said.contains("4318"), "{said}");
}
