//! A core as clients find it: everything on one port, over real sockets, against the simulator.

use std::{path::Path, time::Duration};

use aurareels_proto::v1::{
    self, account_service_client::AccountServiceClient, platform_service_client::PlatformServiceClient,
    post_service_client::PostServiceClient,
};
use aurareels_simulator::{Options, Simulator};
use prost::Message as _;
use reqwest::StatusCode;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tonic::{
    Code, Request,
    codec::CompressionEncoding,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt;

use crate::{
    app::api_keys::{ApiKeys, Scope},
    clock::Clock,
    config::Settings,
    domain::ids::UserId,
    http::{HttpSettings, client_builder, tls_config},
    server::Core,
};

/// Longest wait for anything; only a failing test reaches it.
const LIMIT: Duration = Duration::from_secs(20);

struct Stage {
    core: Core,
    keys: ApiKeys,
    simulator: Simulator,
    http: reqwest::Client,
    _directory: tempfile::TempDir,
}

impl Stage {
    async fn new(extra: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let simulator = Simulator::start(Options::default()).await.unwrap();
        let mut pairs = simulator.environment();
        let mut set = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        set("AURAREELS_LISTEN", "127.0.0.1:0");
        set("AURAREELS_DATA_DIR", &directory.path().display().to_string());
        set("AURAREELS_SOCIAL_ENCRYPTION_KEY", "a key for tests 0123456789 abcdefghij");
        set("AURAREELS_CORS_ORIGINS", "https://site.example");
        extra.iter().for_each(|(name, value)| set(name, value));
        let core = Core::start(Settings::from_pairs(pairs).unwrap(), Clock::system()).await.unwrap();
        let keys = ApiKeys::new(core.parts.store.clone());
        let http = client_builder(&tls_config(&HttpSettings::default()).unwrap()).build().unwrap();
        Self { core, keys, simulator, http, _directory: directory }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.core.public_url().as_str().trim_end_matches('/'))
    }

    async fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url("")).unwrap().connect().await.unwrap()
    }

    /// `Bearer` with a new key of a user.
    async fn bearer(&self, user: i64) -> String {
        let scopes = vec![Scope::Read, Scope::Publish];
        let (key, _) = self.keys.create("test", scopes, Some(UserId(user))).await.unwrap();
        format!("Bearer {}", key.expose())
    }

    /// Connects a TikTok account for the holder of a key; answers where the browser ended.
    async fn connect(&self, bearer: &str) -> reqwest::Response {
        let request = v1::ConnectAccountRequest { platform: v1::Platform::Tiktok.into(), ..Default::default() };
        let mut accounts = AccountServiceClient::new(self.channel().await);
        let link = accounts.connect_account(with_key(bearer, request)).await.unwrap().into_inner();
        let page = self.http.get(&link.auth_url).send().await.unwrap();
        let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let text = page.text().await.unwrap();
        let (_, seal) = text.split_once("name=\"seal\" value=\"").expect("the page's form");
        let seal = seal.split('"').next().unwrap();
        let form = [("state", link.state.as_str()), ("seal", seal), ("decision", "allow")];
        let on = self.http.post(&link.auth_url).header("cookie", &cookie).form(&form).send().await.unwrap();
        let location = |answer: &reqwest::Response| answer.headers()["location"].to_str().unwrap().to_owned();
        let allowed = self.http.post(location(&on)).form(&[("decision", "allow")]).send().await.unwrap();
        self.http.get(location(&allowed)).header("cookie", cookie).send().await.unwrap()
    }

    async fn end(self) {
        timeout(LIMIT, self.core.shutdown()).await.expect("the core stops");
        self.simulator.shutdown().await;
    }
}

fn with_key<T>(bearer: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    request
}

async fn next(stream: &mut tonic::Streaming<v1::WatchPostsResponse>) -> Result<v1::WatchPostsResponse, tonic::Status> {
    let message = timeout(LIMIT, stream.message()).await.expect("something comes");
    Ok(message?.expect("the stream goes on"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_port_speaks_grpc_health_reflection_and_pages() {
    let stage = Stage::new(&[]).await;
    let bearer = stage.bearer(1).await;
    let channel = stage.channel().await;
    let mut platforms = PlatformServiceClient::new(channel.clone());
    let refused = platforms.list_platforms(v1::ListPlatformsRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "UNAUTHENTICATED");
    let listed = platforms.list_platforms(with_key(&bearer, v1::ListPlatformsRequest {})).await.unwrap().into_inner();
    assert!(listed.platforms.iter().all(|platform| platform.configured), "{listed:?}");
    assert!(listed.time_zone_rules.starts_with("20"), "{listed:?}");
    assert_eq!(listed.platforms.len(), 4);
    let of = v1::GetVideoRequirementsRequest { platform: v1::Platform::Youtube.into() };
    let of_youtube = platforms.get_video_requirements(with_key(&bearer, of)).await.unwrap().into_inner();
    assert_eq!((of_youtube.max_caption_length, of_youtube.caption_unit()), (5_000, v1::CaptionUnit::Bytes));

    let mut health = HealthClient::new(channel.clone());
    for service in ["", "aurareels.v1.PostService", "aurareels.v1.AccountService", "aurareels.scheduler"] {
        let mut watched = health.watch(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
        let serving = async {
            loop {
                let status = watched.message().await.unwrap().unwrap().status();
                if status == ServingStatus::Serving {
                    break;
                }
            }
        };
        timeout(LIMIT, serving).await.unwrap_or_else(|_| panic!("{service:?} never serves"));
    }

    // What grpcurl asks: the services, the file of one, and the files that it needs.
    let ask = |message| ServerReflectionRequest { host: String::new(), message_request: Some(message) };
    let asked = tokio_stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("aurareels.v1.PostService".to_owned())),
        ask(MessageRequest::FileByFilename("google/protobuf/timestamp.proto".to_owned())),
        ask(MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned())),
        ask(MessageRequest::FileContainingSymbol("google.rpc.BadRequest".to_owned())),
        ask(MessageRequest::FileContainingSymbol("google.rpc.RetryInfo".to_owned())),
        ask(MessageRequest::FileContainingSymbol("google.rpc.Status".to_owned())),
    ]);
    let mut reflection = ServerReflectionClient::new(channel);
    let mut answers = reflection.server_reflection_info(asked).await.unwrap().into_inner();
    let mut answer = async || answers.message().await.unwrap().unwrap().message_response.unwrap();
    match answer().await {
        MessageResponse::ListServicesResponse(services) => {
            assert!(services.service.iter().any(|service| service.name == "aurareels.v1.PostService"), "{services:?}");
        }
        other => panic!("{other:?}"),
    }
    for _ in 0..6 {
        let file = answer().await;
        assert!(matches!(file, MessageResponse::FileDescriptorResponse(_)), "{file:?}");
    }

    for (path, status, part) in [
        ("/", StatusCode::OK, "AuraReels core"),
        ("/healthz", StatusCode::OK, "ok"),
        (
            "/metrics",
            StatusCode::OK,
            "aurareels_requests_total{code=\"Ok\",rpc=\"aurareels.v1.PlatformService/ListPlatforms\"} 1",
        ),
        ("/metrics", StatusCode::OK, "aurareels_posts{status=\"published\"} 0"),
        ("/nothing", StatusCode::NOT_FOUND, "nothing here"),
        ("/oauth/callback/myspace", StatusCode::NOT_FOUND, "no such platform"),
        ("/oauth/callback/tiktok", StatusCode::BAD_REQUEST, "no code or no state"),
    ] {
        let answer = stage.http.get(stage.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(part), "{path}: {part:?} is missing in {text}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_rpcs_are_unimplemented_and_behind_the_gate() {
    let stage = Stage::new(&[]).await;
    for path in ["/aurareels.v1.PostService/DropAll", "/aurareels.v2.PostService/GetPost", "/other.Service/Method"] {
        let answer =
            stage.http.post(stage.url(path)).header("content-type", "application/grpc-web+proto").send().await.unwrap();
        assert_eq!(answer.headers().get("grpc-status").map(|value| value.as_bytes()), Some(b"12".as_slice()), "{path}");
    }
    stage.end().await;
}

/// A gRPC-web request of HTTP/1.1 by hand: five bytes of frame, then the message.
async fn grpc_web(stage: &Stage, bearer: &str, rpc: &str, message: &[u8]) -> reqwest::Response {
    let mut body = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
    body.extend_from_slice(message);
    stage
        .http
        .post(stage.url(&format!("/aurareels.v1.{rpc}")))
        .header("content-type", "application/grpc-web+proto")
        .header("origin", "https://site.example")
        .header("authorization", bearer)
        .body(body)
        .send()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_call_by_grpc_web_from_allowed_origins() {
    let stage = Stage::new(&[]).await;
    let bearer = stage.bearer(1).await;
    let answer = grpc_web(&stage, &bearer, "PlatformService/ListPlatforms", &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.version(), reqwest::Version::HTTP_11);
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://site.example");
    let body = answer.bytes().await.unwrap();
    assert_eq!(body[0], 0, "a data frame first");
    assert!(body.windows(13).any(|window| window == b"grpc-status:0"), "a frame of trailers last");
    // GetPost of a post that is not there: the status travels in the headers, where scripts may read it.
    let missing = grpc_web(&stage, &bearer, "PostService/GetPost", &[8, 77]).await;
    assert_eq!(missing.headers()["grpc-status"], "5");
    let exposed = missing.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("grpc-status") && exposed.contains("grpc-status-details-bin"), "{exposed}");
    let preflight = async |origin: &str| {
        let request = stage.http.request(reqwest::Method::OPTIONS, stage.url("/aurareels.v1.PostService/GetPost"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        let request = request.header("access-control-request-headers", "authorization,content-type,x-grpc-web");
        request.send().await.unwrap()
    };
    let allowed = preflight("https://site.example").await;
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://site.example");
    let foreign = preflight("https://evil.example").await;
    let said: Vec<_> = foreign.headers().keys().filter(|name| name.as_str().starts_with("access-control")).collect();
    assert!(said.is_empty(), "{said:?}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callback_page_connects_and_leads_to_the_front_end() {
    let stage = Stage::new(&[("AURAREELS_FRONTEND_URL", "https://site.example/accounts?tab=social")]).await;
    let bearer = stage.bearer(1).await;
    let answer = stage.connect(&bearer).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(answer.headers()["location"], "https://site.example/accounts?tab=social&status=success&platform=tiktok");
    let forged = stage.http.get(stage.url("/oauth/callback/tiktok?code=x&state=forged")).send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::FOUND);
    let location = forged.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("https://site.example/accounts?tab=social&status=error&message="), "{location}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_its_own_events_and_resumes_and_ends_with_the_core() {
    let stage = Stage::new(&[]).await;
    let (one, two) = (stage.bearer(1).await, stage.bearer(2).await);
    let mut posts = PostServiceClient::new(stage.channel().await);
    let watch = |after| v1::WatchPostsRequest { after_sequence: after, ..Default::default() };
    let mut own = posts.watch_posts(with_key(&one, watch(None))).await.unwrap().into_inner();
    let mut other = posts.watch_posts(with_key(&two, watch(None))).await.unwrap().into_inner();
    let start = next(&mut own).await.unwrap();
    assert_eq!((start.event, next(&mut other).await.unwrap().event), (None, None), "a heartbeat comes first");

    assert_eq!(stage.connect(&one).await.status(), StatusCode::OK);
    let connected = next(&mut own).await.unwrap();
    let event = connected.event.unwrap();
    assert_eq!(event.r#type(), v1::EventType::AccountConnected);
    assert_eq!((event.sequence, event.account.as_ref().unwrap().id), (connected.position, event.account_id));
    let draft = v1::CreateDraftRequest {
        account_id: event.account_id,
        content: Some(v1::PostContent {
            video_url: "https://cdn.example/v.mp4?sig=canary".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let draft = posts.create_draft(with_key(&one, draft)).await.unwrap().into_inner();
    assert_eq!(draft.account.as_ref().unwrap().id, event.account_id, "a post carries its account");
    assert!(!format!("{draft:?}").contains("canary"), "{draft:?}");
    let created = next(&mut own).await.unwrap().event.unwrap();
    assert_eq!((created.r#type(), created.post_id), (v1::EventType::PostCreated, draft.id));

    let mut again = posts.watch_posts(with_key(&one, watch(Some(connected.position)))).await.unwrap().into_inner();
    assert_eq!(next(&mut again).await.unwrap().event, None);
    assert_eq!(next(&mut again).await.unwrap().event.unwrap().sequence, created.sequence, "each event once");

    let foreign = posts.get_post(with_key(&two, v1::GetPostRequest { id: draft.id })).await.unwrap_err();
    let absent = posts.get_post(with_key(&two, v1::GetPostRequest { id: 4711 })).await.unwrap_err();
    assert_eq!((foreign.code(), absent.code()), (Code::NotFound, Code::NotFound));
    // Nothing of user 1 reached user 2: the next thing on that stream is its own event.
    assert_eq!(stage.connect(&two).await.status(), StatusCode::OK);
    let first = next(&mut other).await.unwrap().event.unwrap();
    assert_eq!((first.r#type(), first.account.unwrap().wp_user_id), (v1::EventType::AccountConnected, 2));

    stage.end().await;
    let ended = next(&mut own).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_offers_http2_and_http1() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/grpc/testdata");
    let (cert, key, ca) = (data.join("server.pem"), data.join("server.key"), data.join("ca.pem"));
    let (cert, key) = (cert.display().to_string(), key.display().to_string());
    let stage = Stage::new(&[("AURAREELS_TLS_CERT", cert.as_str()), ("AURAREELS_TLS_KEY", key.as_str())]).await;
    let trusting = tls_config(&HttpSettings { extra_ca: Some(ca.clone()) }).unwrap();
    let http = client_builder(&trusting).build().unwrap();
    let page = http.get(stage.url("/healthz")).send().await.unwrap();
    assert_eq!((page.status(), page.version()), (StatusCode::OK, reqwest::Version::HTTP_11));
    let authority = Certificate::from_pem(std::fs::read(ca).unwrap());
    let tls = ClientTlsConfig::new().ca_certificate(authority);
    let channel = Endpoint::from_shared(stage.url("")).unwrap().tls_config(tls).unwrap().connect().await.unwrap();
    let bearer = stage.bearer(1).await;
    let listed =
        PlatformServiceClient::new(channel).list_platforms(with_key(&bearer, v1::ListPlatformsRequest {})).await;
    assert_eq!(listed.unwrap().into_inner().platforms.len(), 4);
    assert!(stage.http.get(stage.url("/healthz")).send().await.is_err(), "a client that does not trust it refuses");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_too_large_are_refused() {
    let stage = Stage::new(&[]).await;
    let bearer = stage.bearer(1).await;
    let mut posts = PostServiceClient::new(stage.channel().await);
    let content = v1::PostContent { caption: "x".repeat(2 * 1024 * 1024), ..Default::default() };
    let request = v1::PublishPostsRequest { accounts: vec![1], content: Some(content), ..Default::default() };
    let refused = posts.publish_posts(with_key(&bearer, request.clone())).await.unwrap_err();
    let mut packed = posts.clone().send_compressed(CompressionEncoding::Gzip);
    let bomb = packed.publish_posts(with_key(&bearer, request)).await.unwrap_err();
    for refused in [refused, bomb] {
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        let info = refused.get_details_error_info().unwrap();
        assert_eq!((info.domain.as_str(), info.reason.as_str()), ("aurareels", "REQUEST_TOO_LARGE"));
        assert!(info.metadata["remedy"].starts_with("send less"), "{info:?}");
        assert_eq!(refused.get_details_bad_request().unwrap().field_violations.len(), 1);
        assert!(refused.message().contains("1048576 bytes"), "{refused:?}");
    }
    stage.end().await;
}

/// Reads an answer's head and as much of its body as the head announces.
async fn answer(connection: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(connection.read_line(&mut head).await.unwrap(), 0, "the connection ended: {head}");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    connection.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
    head
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_http_1_may_finish_a_request_that_is_refused_early() {
    let stage = Stage::new(&[]).await;
    let bearer = stage.bearer(1).await;
    let path = "/aurareels.v1.PostService/PublishPosts";
    let address = stage.core.public_url().socket_addrs(|| None).unwrap()[0];
    let mut connection = BufReader::new(TcpStream::connect(address).await.unwrap());
    let head = |length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: core\r\nauthorization: {bearer}\r\n\
             content-type: application/grpc-web+proto\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    // The first five bytes announce two megabytes, which is enough to refuse them.
    let long = 2 * 1024 * 1024;
    connection.write_all(head(5 + long).as_bytes()).await.unwrap();
    connection.write_all(&[0, 0, 0x20, 0, 0]).await.unwrap();
    let refused = timeout(LIMIT, answer(&mut connection)).await.expect("an answer before the request is sent");
    assert!(refused.contains("grpc-status: 3"), "{refused}");
    connection.write_all(&vec![b'x'; long]).await.unwrap();
    connection.write_all(head(5).as_bytes()).await.unwrap();
    connection.write_all(&[0; 5]).await.unwrap();
    let next = timeout(LIMIT, answer(&mut connection)).await.expect("the connection serves on");
    assert!(next.contains("grpc-status: 3") && next != refused, "{next}");
    stage.end().await;
}

/// The status of a trailers-only answer.
fn status(answer: &reqwest::Response) -> tonic::Status {
    tonic::Status::from_header_map(answer.headers()).expect("the status travels in the headers")
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_cannot_be_read_are_refused_with_details() {
    let stage = Stage::new(&[]).await;
    let bearer = stage.bearer(1).await;
    // Field 1 as text where a number belongs; a group that never ends.
    for message in [&[10, 1, 65][..], &[11]] {
        let answer = grpc_web(&stage, &bearer, "PostService/GetPost", message).await;
        let status = status(&answer);
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "REQUEST_UNREADABLE");
    }
    // In a stream: as its first message, and behind a good one (a chunk before any announcement is refused by itself).
    let announced =
        v1::UploadMediaRequest { part: Some(v1::upload_media_request::Part::Info(v1::UploadMediaInfo::default())) };
    let frame = |message: &[u8]| [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes(), message].concat();
    for frames in [frame(&[11]), [frame(&announced.encode_to_vec()), frame(&[10, 1, 65])].concat()] {
        let url = stage.url("/aurareels.v1.MediaService/UploadMedia");
        let call = stage.http.post(url).header("authorization", &bearer).header("content-type", "application/grpc-web");
        let status = status(&call.body(frames).send().await.unwrap());
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "REQUEST_UNREADABLE");
    }
    let unknown = grpc_web(&stage, &bearer, "PostService/DropAll", &[]).await;
    assert_eq!(status(&unknown).get_details_error_info().unwrap().reason, "UNSUPPORTED");
    let url = stage.url("/aurareels.v1.PostService/GetPost");
    let call = stage.http.post(url).header("authorization", &bearer).header("content-type", "application/grpc-web");
    let answer = call.header("grpc-encoding", "zstd").body(vec![0; 5]).send().await.unwrap();
    let status = status(&answer);
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "UNSUPPORTED");
    assert_eq!(answer.headers()["grpc-accept-encoding"], "gzip,identity");
    stage.end().await;
}

#[tokio::test]
async fn without_a_good_encryption_key_a_core_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let start = async |key: &str| {
        let directory = directory.path().display().to_string();
        let pairs = [
            ("AURAREELS_LISTEN", "127.0.0.1:0"),
            ("AURAREELS_DATA_DIR", &directory),
            ("AURAREELS_SOCIAL_ENCRYPTION_KEY", key),
        ];
        Core::start(Settings::from_pairs(pairs).unwrap(), Clock::system()).await
    };
    let error = start("").await.err().expect("no key").to_string();
    assert!(error.contains("aurareels keys generate"), "{error}");
    let error = format!("{:#}", start("short").await.err().expect("weak key"));
    assert!(error.contains("32 are the least"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_encryption_key_a_core_names_the_missing_one_and_loses_nothing() {
    let stage = Stage::new(&[]).await;
    let bearer = stage.bearer(1).await;
    assert_eq!(stage.connect(&bearer).await.status(), StatusCode::OK);
    let key_id = stage.core.parts.store.keys().current_key_id().to_owned();
    let Stage { core, simulator, _directory: directory, .. } = stage;
    timeout(LIMIT, core.shutdown()).await.expect("the core stops");
    let start = async |key: &str, old: &str| {
        let mut pairs = simulator.environment();
        let mut set = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        set("AURAREELS_LISTEN", "127.0.0.1:0");
        set("AURAREELS_DATA_DIR", &directory.path().display().to_string());
        set("AURAREELS_SOCIAL_ENCRYPTION_KEY", key);
        set("AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS", old);
        Core::start(Settings::from_pairs(pairs).unwrap(), Clock::system()).await
    };
    let other = "another key for tests 9876543210 zyxwv";
    let error = start(other, "").await.err().expect("the key is missing").to_string();
    assert!(error.contains(&key_id), "{error}");
    for (key, old) in
        [(other, "a key for tests 0123456789 abcdefghij"), ("a key for tests 0123456789 abcdefghij", other)]
    {
        let core = start(key, old).await.unwrap();
        let mut accounts = AccountServiceClient::connect(core.public_url().to_string()).await.unwrap();
        let checked = accounts.check_account(with_key(&bearer, v1::CheckAccountRequest { id: 1 })).await.unwrap();
        assert_eq!(checked.into_inner().health(), v1::AccountHealth::Ok);
        drop(accounts);
        timeout(LIMIT, core.shutdown()).await.expect("the core stops");
    }
}
