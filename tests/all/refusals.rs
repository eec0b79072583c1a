//! Wrong input of every kind: its own clear answer, and nothing changed.

use aurareels_core::app::api_keys::Scope;
use aurareels_proto::v1::{
    CaptionUnit, GetVideoRequirementsRequest, ListPostsRequest, PlatformOptions, PostContent, PublishPostsRequest,
    SchedulePostsRequest, ScheduleTime, TikTokOptions, ValidatePostsRequest, WallTime, schedule_time::Form,
};
use aurareels_simulator::{Filter, Host};
use aurareels_tests::{
    Login, Refusal, World, content,
    database::Counts,
    posting::{at, publish, schedule, video},
    world::{JWT_ISSUER, JWT_SECRET},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tonic::Code;

/// What must not change.
async fn state(world: &World) -> (Counts, usize) {
    let calls = world.sim.requests(&Filter::default());
    let to_platforms = calls.iter().filter(|call| !matches!(call.host, Host::Media | Host::Control)).count();
    (world.db.counts().await, to_platforms)
}

/// Refuses, and changes nothing.
async fn publishing_is_refused(world: &World, request: PublishPostsRequest) -> Refusal {
    let before = state(world).await;
    let refusal = world.me().refused(world.me().posts().publish_posts(request)).await;
    assert_eq!(state(world).await, before, "{refusal:#?}");
    refusal
}

async fn scheduling_is_refused(world: &World, request: SchedulePostsRequest) -> Refusal {
    let before = state(world).await;
    let refusal = world.me().refused(world.me().posts().schedule_posts(request)).await;
    assert_eq!(state(world).await, before, "{refusal:#?}");
    refusal
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_are_not_the_callers_look_like_none() {
    let world = World::start().await;
    let mine = world.me().account(Login::Facebook).await;
    let theirs = world.user(2).account(Login::Tiktok).await;
    let unknown = publishing_is_refused(&world, publish(&[mine, 999_999], content(&world, "x"))).await;
    unknown.is(Code::NotFound, "ACCOUNT_NOT_FOUND");
    let foreign = publishing_is_refused(&world, publish(&[mine, theirs], content(&world, "x"))).await;
    foreign.is(Code::NotFound, "ACCOUNT_NOT_FOUND");
    let normal = |refusal: &Refusal, id: i64| refusal.message.replace(&id.to_string(), "N");
    assert_eq!(normal(&unknown, 999_999), normal(&foreign, theirs));
    let twice = publishing_is_refused(&world, publish(&[mine, mine], content(&world, "x"))).await;
    twice.is(Code::InvalidArgument, "INVALID_FIELD").names("accounts", "INVALID_FIELD");
    let none = publishing_is_refused(&world, publish(&[], content(&world, "x"))).await;
    none.is(Code::InvalidArgument, "INVALID_FIELD");
    let many: Vec<i64> = (1..=101).collect();
    publishing_is_refused(&world, publish(&many, content(&world, "x")))
        .await
        .is(Code::InvalidArgument, "INVALID_FIELD");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_do_not_exist_are_refused() {
    let world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let wall = |local: &str, zone: &str| {
        let wall = WallTime { local: local.to_owned(), time_zone: zone.to_owned() };
        ScheduleTime { form: Some(Form::WallTime(wall)) }
    };
    let text = |text: &str| ScheduleTime { form: Some(Form::Text(text.to_owned())) };
    for (when, reason) in [
        (at(world.now() - TimeDelta::minutes(2)), "TIME_IN_PAST"),
        (text("2001-01-01T00:00:00Z"), "TIME_IN_PAST"),
        (text("tomorrow"), "INVALID_FIELD"),
        (wall("2027-06-01T12:00:00", "Mars/Olympus"), "INVALID_FIELD"),
        (wall("2027-03-28T02:30:00", "Europe/Berlin"), "INVALID_FIELD"),
        (ScheduleTime { form: None }, "INVALID_FIELD"),
    ] {
        let refusal = scheduling_is_refused(&world, schedule(&[account], content(&world, "x"), when.clone())).await;
        refusal.is(Code::InvalidArgument, reason);
        assert!(refusal.fields.iter().any(|(field, _)| field.starts_with("scheduled_at")), "{when:?} {refusal:#?}");
    }
    let none = SchedulePostsRequest { scheduled_at: None, ..schedule(&[account], content(&world, "x"), text("x")) };
    scheduling_is_refused(&world, none).await.is(Code::InvalidArgument, "INVALID_FIELD");
    // An overlap takes the earlier time, and says so.
    let request = schedule(&[account], content(&world, "Twice an hour"), wall("2027-10-31T02:30:00", "Europe/Berlin"));
    let post = world.me().posts().schedule_posts(request).await.unwrap().into_inner().posts.remove(0);
    assert_eq!(post.warnings[0].code, "TIME_AMBIGUOUS");
    assert_eq!(post.scheduled_at.unwrap().seconds, 1_824_942_600);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_are_counted_in_each_platforms_own_unit_also_before_anything_is_asked_for() {
    let world = World::start().await;
    let me = world.me();
    for (login, unit, max, widest, of_unit) in [
        (Login::Tiktok, CaptionUnit::Utf16, 2_200, "😀", 2),
        (Login::Instagram, CaptionUnit::Utf16, 2_200, "😀", 2),
        (Login::Page, CaptionUnit::Utf16, 63_206, "😀", 2),
        (Login::Youtube, CaptionUnit::Bytes, 5_000, "😀", 4),
    ] {
        let request = GetVideoRequirementsRequest { platform: login.platform().into() };
        let rules = world.platforms().get_video_requirements(request).await.unwrap().into_inner();
        assert_eq!((rules.caption_unit(), rules.max_caption_length), (unit, max), "{login:?}");
        let account = me.account(login).await;
        let length = usize::try_from(max).unwrap();
        let full = widest.repeat(length / of_unit);
        let fits = ["a".repeat(length), full.clone()];
        let too_long = ["a".repeat(length + 1), format!("{full}a")];
        for (caption, is_valid) in fits.iter().zip([true; 2]).chain(too_long.iter().zip([false; 2])) {
            let request = ValidatePostsRequest {
                accounts: vec![account],
                content: Some(content(&world, caption)),
                ..Default::default()
            };
            let answer = me.posts().validate_posts(request).await.unwrap().into_inner();
            assert_eq!(answer.valid, is_valid, "{login:?}: {:#?}", answer.violations);
            if !is_valid {
                assert_eq!(answer.violations[0].rule, "CAPTION_TOO_LONG", "{login:?}: {:#?}", answer.violations);
                let refusal = publishing_is_refused(&world, publish(&[account], content(&world, caption))).await;
                refusal.is(Code::InvalidArgument, "CAPTION_TOO_LONG").names("content.caption", "CAPTION_TOO_LONG");
                assert!(refusal.metadata["measured"].contains(&(max + 1).to_string()), "{refusal:#?}");
                assert!(refusal.metadata["limit"].contains(&max.to_string()), "{refusal:#?}");
            }
        }
    }
    let instagram = me.account(Login::Instagram).await;
    let hashtags = (0..31).map(|number| format!("tag{number}")).collect();
    let input = PostContent { hashtags, ..content(&world, "Tags") };
    let refusal = publishing_is_refused(&world, publish(&[instagram], input.clone())).await;
    assert_eq!(refusal.code, Code::InvalidArgument);
    assert!(refusal.fields.iter().any(|(_, rule)| rule.contains("HASHTAGS")), "{refusal:#?}");
    let fits = PostContent { hashtags: input.hashtags[..30].to_vec(), ..input };
    let request = ValidatePostsRequest { accounts: vec![instagram], content: Some(fits), ..Default::default() };
    assert!(me.posts().validate_posts(request).await.unwrap().into_inner().valid);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn videos_are_looked_at_before_anything_is_created() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let media = world.sim.url(Host::Media).to_owned();
    for (query, reason) in [
        ("size=5000000000&duration=60", "VIDEO_TOO_LARGE"),
        ("text=1", "VIDEO_FORMAT_INVALID"),
        ("html=1", "VIDEO_FORMAT_INVALID"),
        ("status=404", "VIDEO_NOT_PUBLIC"),
        ("status=403", "VIDEO_NOT_PUBLIC"),
    ] {
        let url = format!("{media}/v/odd.mp4?{query}");
        let refusal =
            publishing_is_refused(&world, publish(&[account], PostContent { video_url: url, ..content(&world, "x") }))
                .await;
        assert_eq!(refusal.code, Code::InvalidArgument, "{query}: {refusal:#?}");
        assert_eq!(refusal.reason, reason, "{query}: {refusal:#?}");
        assert!(refusal.fields.iter().any(|(field, _)| field == "content.video_url"), "{query}: {refusal:#?}");
    }
    let long = format!("{media}/v/long.mp4?size=1000000&duration=4000");
    let refusal =
        publishing_is_refused(&world, publish(&[account], PostContent { video_url: long, ..content(&world, "x") }))
            .await;
    assert!(refusal.fields.iter().any(|(_, rule)| rule == "VIDEO_TOO_LONG"), "{refusal:#?}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_addresses_are_refused_even_where_private_hosts_are_allowed() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let media = world.sim.url(Host::Media).to_owned();
    for url in [
        format!("{media}/v/r.mp4?redirect=http%3A%2F%2F169.254.169.254%2Flatest%2Fmeta-data"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://[fe80::1]/v.mp4".to_owned(),
        "file:///etc/passwd".to_owned(),
        "ftp://example.org/v.mp4".to_owned(),
    ] {
        let refusal = publishing_is_refused(
            &world,
            publish(&[account], PostContent { video_url: url.clone(), ..content(&world, "x") }),
        )
        .await;
        assert_eq!(refusal.code, Code::InvalidArgument, "{url}: {refusal:#?}");
        assert!(refusal.fields.iter().any(|(field, _)| field == "content.video_url"), "{url}: {refusal:#?}");
    }
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_videos_are_refused_unless_they_are_allowed() {
    let world = World::with(&[("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS", "false")]).await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let refusal = publishing_is_refused(&world, publish(&[account], content(&world, "x"))).await;
    assert_eq!(refusal.code, Code::InvalidArgument, "{refusal:#?}");
    assert_eq!(world.asked("media.get"), 0, "nobody was asked");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_the_platform_does_not_have_are_refused() {
    let world = World::start().await;
    let me = world.me();
    let tiktok = me.account(Login::Tiktok).await;
    let instagram = me.account(Login::Facebook).await;
    let with = |privacy: &str| PostContent { privacy_level: privacy.to_owned(), ..content(&world, "x") };
    for (account, privacy) in [(instagram, "FRIENDS"), (instagram, "PRIVATE"), (tiktok, ""), (tiktok, "EVERYBODY")] {
        let refusal = publishing_is_refused(&world, publish(&[account], with(privacy))).await;
        assert_eq!(refusal.code, Code::InvalidArgument, "{privacy}: {refusal:#?}");
        assert!(refusal.fields.iter().any(|(field, _)| field == "content.privacy_level"), "{privacy}: {refusal:#?}");
    }
    for input in [
        PostContent { video_url: String::new(), ..content(&world, "x") },
        PostContent { media_id: "m-1".into(), ..content(&world, "x") },
    ] {
        publishing_is_refused(&world, publish(&[tiktok], input)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    }
    let options = TikTokOptions { transfer: 77, ..Default::default() };
    let options = Some(PlatformOptions { tiktok: Some(options), ..Default::default() });
    let input = PostContent { platform_options: options, ..content(&world, "x") };
    publishing_is_refused(&world, publish(&[tiktok], input)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    let input = PostContent { on_long_caption: 9, ..content(&world, "x") };
    publishing_is_refused(&world, publish(&[tiktok], input)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    let nothing = PublishPostsRequest { content: None, ..publish(&[tiktok], content(&world, "x")) };
    publishing_is_refused(&world, nothing).await.is(Code::InvalidArgument, "INVALID_FIELD");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn privacy_that_the_creator_does_not_offer_fails_and_lists_what_is_offered() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::TiktokPrivate).await;
    let id = me.publish_one(account, "For everybody").await;
    let post = me.failed(id, "PRIVACY_NOT_OFFERED").await;
    let error = post.error.unwrap();
    let told = format!("{} {}", error.message, error.remediation);
    assert!(told.contains("SELF_ONLY") && told.contains("MUTUAL_FOLLOW_FRIENDS"), "{error:#?}");
    assert_eq!(world.asked("tiktok.video_init"), 0);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_back_with_other_content_names_the_field() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let request = |caption: &str| PublishPostsRequest {
        request_key: "mine".into(),
        ..publish(&[account], content(&world, caption))
    };
    let id = me.posts().publish_posts(request("One")).await.unwrap().into_inner().posts[0].id;
    me.published(id).await;
    world.idle().await;
    let refusal = publishing_is_refused(&world, request("Two")).await;
    refusal.is(Code::InvalidArgument, "REQUEST_KEY_REUSED").names("request_key", "REQUEST_KEY_REUSED");
    assert!(refusal.message.contains("content.caption"), "{refusal:#?}");
    let long = PublishPostsRequest { request_key: "k".repeat(129), ..request("Three") };
    publishing_is_refused(&world, long).await.is(Code::InvalidArgument, "INVALID_FIELD");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn page_tokens_belong_to_their_filter() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    for number in 0..3 {
        me.schedule_one(account, &format!("Page {number}"), world.now() + TimeDelta::days(3)).await;
    }
    let page = ListPostsRequest { page_size: 1, ..Default::default() };
    let token = me.posts().list_posts(page.clone()).await.unwrap().into_inner().next_page_token;
    assert!(!token.is_empty());
    for request in [
        ListPostsRequest { page_token: "nonsense".into(), ..page.clone() },
        ListPostsRequest { page_token: token.clone(), account_id: account, ..page.clone() },
        ListPostsRequest { page_size: -1, ..page.clone() },
        ListPostsRequest { page_size: 501, ..page.clone() },
        ListPostsRequest { skip: -1, ..page.clone() },
        ListPostsRequest { statuses: vec![99], ..page.clone() },
        ListPostsRequest { platform: 77, ..page.clone() },
    ] {
        let refusal = me.refused(me.posts().list_posts(request.clone())).await;
        assert_eq!(refusal.code, Code::InvalidArgument, "{request:?}: {refusal:#?}");
        assert_eq!(refusal.reason, "INVALID_FIELD", "{request:?}: {refusal:#?}");
    }
    let other_user =
        world.user(2).refused(world.user(2).posts().list_posts(ListPostsRequest { page_token: token, ..page })).await;
    other_user.is(Code::InvalidArgument, "INVALID_FIELD");
    world.finish(0).await;
}

fn jwt(secret: &str, claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_not_good_are_told_apart() {
    let world = World::start().await;
    let now = world.now().timestamp();
    let claims =
        |exp: i64, issuer: &str| json!({ "iss": issuer, "exp": exp, "iat": now, "data": { "user": { "id": "1" } } });
    let good = jwt(JWT_SECRET, &claims(now + 600, JWT_ISSUER));
    world.posts_as(&good, None).list_posts(ListPostsRequest::default()).await.unwrap();
    let none = {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&claims(now + 600, JWT_ISSUER)))
    };
    let mut changed = good.split('.').map(str::to_owned).collect::<Vec<_>>();
    changed[1] = URL_SAFE_NO_PAD.encode(claims(now + 600, JWT_ISSUER).to_string().replace("\"1\"", "\"2\""));
    let endless = json!({ "iss": JWT_ISSUER, "data": { "user": { "id": 1 } } });
    for (name, credential) in [
        ("expired", jwt(JWT_SECRET, &claims(now - 60, JWT_ISSUER))),
        ("forged", jwt("another secret of the tests, longer than 32 bytes", &claims(now + 600, JWT_ISSUER))),
        ("changed", changed.join(".")),
        ("unsigned", none),
        ("another issuer", jwt(JWT_SECRET, &claims(now + 600, "https://evil.example"))),
        ("endless", jwt(JWT_SECRET, &endless)),
        ("unknown key", format!("ar_{}", "x".repeat(43))),
        ("nonsense", "nonsense".to_owned()),
    ] {
        let request = publish(&[1], content(&world, "x"));
        let before = state(&world).await;
        let refusal = Refusal::from(world.posts_as(&credential, None).publish_posts(request).await.expect_err(name));
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::Unauthenticated, "UNAUTHENTICATED"),
            "{name}: {refusal:#?}"
        );
        assert!(!refusal.details.contains(&credential) && !refusal.message.contains(&credential), "{name}");
        assert_eq!(state(&world).await, before, "{name}");
    }
    // No credential at all.
    let mut bare = aurareels_proto::v1::post_service_client::PostServiceClient::new(world.channel());
    Refusal::from(bare.list_posts(ListPostsRequest::default()).await.unwrap_err())
        .is(Code::Unauthenticated, "UNAUTHENTICATED");
    // Keys that are good, but not for this.
    let reader = world.api_key(&[Scope::Read], Some(1)).await;
    world.posts_as(&reader, None).list_posts(ListPostsRequest::default()).await.unwrap();
    let request = publish(&[1], content(&world, "x"));
    Refusal::from(world.posts_as(&reader, None).publish_posts(request).await.unwrap_err())
        .is(Code::PermissionDenied, "PERMISSION_DENIED");
    Refusal::from(world.posts_as(&reader, Some(2)).list_posts(ListPostsRequest::default()).await.unwrap_err())
        .is(Code::PermissionDenied, "PERMISSION_DENIED");
    Refusal::from(world.posts_as(&world.key, None).list_posts(ListPostsRequest::default()).await.unwrap_err())
        .is(Code::InvalidArgument, "INVALID_FIELD")
        .names("x-aurareels-user-id", "");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validating_tells_every_broken_rule_at_once_and_creates_nothing() {
    let world = World::start().await;
    let me = world.me();
    let tiktok = me.account(Login::Tiktok).await;
    let instagram = me.account(Login::Instagram).await;
    let before = state(&world).await;
    let url = format!("{}&width=100&height=100&fps=10", video(&world, "bad"));
    let input = PostContent {
        video_url: url,
        hashtags: (0..31).map(|number| format!("tag{number}")).collect(),
        privacy_level: "FRIENDS".into(),
        ..content(&world, &"a".repeat(3_000))
    };
    let request = ValidatePostsRequest {
        accounts: vec![tiktok, instagram],
        content: Some(input),
        scheduled_at: Some(at(world.now() - TimeDelta::hours(1))),
        ..Default::default()
    };
    let answer = me.posts().validate_posts(request).await.unwrap().into_inner();
    assert!(!answer.valid);
    for (account, rule) in [
        (0, "TIME_IN_PAST"),
        (tiktok, "CAPTION_TOO_LONG"),
        (tiktok, "VIDEO_TOO_SMALL"),
        (tiktok, "VIDEO_FRAME_RATE_TOO_LOW"),
        (instagram, "CAPTION_TOO_LONG"),
    ] {
        let found =
            answer.violations.iter().find(|violation| violation.account_id == account && violation.rule == rule);
        let Some(found) = found else { panic!("{account} {rule} is missing: {:#?}", answer.violations) };
        assert!(!found.message.is_empty(), "{found:?}");
    }
    assert!(answer.violations.iter().any(|one| one.account_id == instagram && one.field == "content.privacy_level"));
    assert_eq!(state(&world).await, before);
    world.finish(0).await;
}
