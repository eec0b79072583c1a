//! Calls in JSON over plain HTTP, as curl makes them.

use aurareels_tests::{Login, World, posting::video};
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};

/// A request of user 1, without its body.
fn request(world: &World, rpc: &str) -> RequestBuilder {
    let request = world.http.post(format!("{}/aurareels.v1.{rpc}", world.url()));
    request.bearer_auth(&world.key).header("x-aurareels-user-id", "1")
}

async fn send(request: RequestBuilder, body: &str) -> Response {
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_owned());
    request.send().await.expect("the core answers")
}

async fn post(world: &World, rpc: &str, body: &str) -> Response {
    send(request(world, rpc), body).await
}

async fn call(world: &World, rpc: &str, body: Value) -> (StatusCode, Value) {
    let response = post(world, rpc, &body.to_string()).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    (response.status(), response.json().await.expect("JSON"))
}

/// The details of an error, in words, by their type.
fn detail<'e>(error: &'e Value, name: &str) -> &'e Value {
    let details = error["details"].as_array().expect("details");
    &details.iter().find(|detail| detail["type"] == name).unwrap_or_else(|| panic!("no {name}: {error}"))["debug"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_goes_out_by_json_and_is_the_same_post_for_every_other_client() {
    let world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let (status, accounts) = call(&world, "AccountService/ListAccounts", json!({})).await;
    assert_eq!(
        (status, &accounts["accounts"][0]["id"]),
        (StatusCode::OK, &json!(account)),
        "a number, by its own name"
    );
    assert_eq!(accounts["accounts"][0]["platform"], "PLATFORM_TIKTOK");
    let content = json!({"video_url": video(&world, "json"), "caption": "Von curl 🎬", "privacy_level": "PUBLIC"});
    // 64-bit numbers as text and camel case are understood as well.
    let request = json!({"accounts": [account.to_string()], "content": content, "requestKey": "by-json"});
    let (status, answer) = call(&world, "PostService/PublishPosts", request.clone()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let id = answer["posts"][0]["id"].as_i64().expect("an id");
    assert_eq!((&answer["existed"], &answer["posts"][0]["caption"]), (&json!([false]), &json!("Von curl 🎬")));
    let (_, again) = call(&world, "PostService/PublishPosts", request).await;
    assert_eq!((&again["posts"][0]["id"], &again["existed"]), (&json!(id), &json!([true])));
    world.me().published(id).await;
    let (_, shown) = call(&world, "PostService/GetPost", json!({"id": id})).await;
    assert_eq!(shown["status"], "POST_STATUS_PUBLISHED", "{shown}");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_mask_takes_the_names_of_the_proto_file_and_those_of_json() {
    let world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let content = json!({"video_url": video(&world, "masked"), "caption": "First", "privacy_level": "PUBLIC"});
    let request = json!({"account_id": account, "content": content});
    let (_, draft) = call(&world, "PostService/CreateDraft", request).await;
    let id = draft["id"].clone();
    let update = async |mask: &str, privacy: &str| {
        let content = json!({"caption": "Second", "privacy_level": privacy});
        let request = json!({"id": id, "content": content, "update_mask": mask});
        call(&world, "PostService/UpdatePost", request).await
    };
    for (mask, privacy) in
        [("privacy_level", "FRIENDS"), ("privacyLevel", "PRIVATE"), ("caption,privacy_level", "PUBLIC")]
    {
        let (status, answer) = update(mask, privacy).await;
        assert_eq!(status, StatusCode::OK, "{mask}: {answer}");
        let (_, shown) = call(&world, "PostService/GetPost", json!({"id": id})).await;
        assert_eq!(shown["privacy_level"], privacy, "{mask}: {shown}");
        assert_eq!(shown["caption"] == "Second", mask.contains("caption"), "{mask}: {shown}");
    }
    let (status, _) = update("no_such_field", "PUBLIC").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_in_words_and_changes_nothing() {
    let world = World::start().await;
    let before = world.db.counts().await;
    for (body, says, field) in [
        ("{", "line 1", ""),
        ("[]", "PublishPostsRequest", ""),
        ("{} {}", "trailing", ""),
        (r#"{"acounts": [1]}"#, "acounts", ""),
        (r#"{"accounts": ["one"]}"#, "line 1", "accounts[0]"),
        (r#"{"accounts": [1, 9223372036854775808]}"#, "line 1", "accounts[1]"),
        (r#"{"content": {"caption": 5}}"#, "content.caption: ", "content.caption"),
        (
            r#"{"content": {"platform_options": {"tiktok": {"isAigc": "no"}}}}"#,
            "isAigc: ",
            "content.platform_options.tiktok.isAigc",
        ),
        ("\u{0}", "line 1", ""),
    ] {
        let response = post(&world, "PostService/PublishPosts", body).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let error: Value = response.json().await.unwrap();
        assert_eq!(error["code"], "invalid_argument", "{body}: {error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{body}: {error}");
        assert_eq!(detail(&error, "google.rpc.ErrorInfo")["reason"], "REQUEST_UNREADABLE");
        let violation = &detail(&error, "google.rpc.BadRequest")["field_violations"][0];
        assert_eq!(violation["field"].as_str().unwrap_or_default(), field, "{body}: {error}");
    }
    let large = format!(r#"{{"content": {{"caption": "{}"}}}}"#, "x".repeat(5 * 1024 * 1024));
    assert_eq!(post(&world, "PostService/PublishPosts", &large).await.status(), StatusCode::BAD_REQUEST);
    let larger_than_a_message = format!(r#"{{"content": {{"caption": "{}"}}}}"#, "x".repeat(2 * 1024 * 1024));
    let (status, error) = {
        let response = post(&world, "PostService/PublishPosts", &larger_than_a_message).await;
        (response.status(), response.json::<Value>().await.unwrap())
    };
    assert_eq!((status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_argument")), "{error}");
    assert_eq!(detail(&error, "google.rpc.ErrorInfo")["reason"], "REQUEST_TOO_LARGE");
    assert_eq!(world.db.counts().await, before);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_statuses_of_http_and_all_their_details() {
    let world = World::start().await;
    let nobody = json!({"accounts": [987_654_321], "content": {"video_url": video(&world, "json"), "caption": "x"}});
    let (status, error) = call(&world, "PostService/PublishPosts", nobody).await;
    assert_eq!((status, &error["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{error}");
    assert_eq!(detail(&error, "google.rpc.ErrorInfo")["reason"], "ACCOUNT_NOT_FOUND");
    assert_eq!(detail(&error, "google.rpc.ResourceInfo")["resource_name"], "987654321");
    let (status, error) = call(&world, "PostService/PublishPost", json!({})).await;
    assert_eq!((status, &error["code"]), (StatusCode::NOT_IMPLEMENTED, &json!("unimplemented")));
    let (status, error) = call(&world, "PostService/WatchPosts", json!({})).await;
    assert_eq!((status, &error["code"]), (StatusCode::NOT_IMPLEMENTED, &json!("unimplemented")));
    assert!(error["message"].as_str().unwrap().contains("stream"), "{error}");

    const LIST: &str = "AccountService/ListAccounts";
    let stranger = send(world.http.post(format!("{}/aurareels.v1.{LIST}", world.url())), "{}").await;
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(stranger.headers()[header::WWW_AUTHENTICATE], "Bearer");
    let form = request(&world, LIST).form(&[("a", "b")]).send().await.unwrap();
    assert_eq!(form.status(), StatusCode::BAD_REQUEST);
    assert!(form.text().await.unwrap().contains("Content-Type: application/json"), "the remedy");
    let packed = send(request(&world, LIST).header(header::CONTENT_ENCODING, "gzip"), "{}").await;
    assert_eq!(packed.status(), StatusCode::NOT_IMPLEMENTED);
    let bad = send(request(&world, LIST).header("connect-timeout-ms", "soon"), "{}").await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    let empty =
        request(&world, LIST).header(header::CONTENT_TYPE, "application/json; charset=utf-8").send().await.unwrap();
    assert_eq!(empty.status(), StatusCode::OK, "nothing is an empty message");
    world.finish(0).await;
}
