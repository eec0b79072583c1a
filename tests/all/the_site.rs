//! Calls of the WordPress plugin: tokens that it signs per call, for its users and for the site itself.

use aurareels_proto::v1::{
    GetPostRequest, ListEventsRequest, ListPostsRequest, PostStatus, PublishNowResult, PublishPostNowRequest,
    RefreshTokenRequest,
};
use aurareels_tests::{Login, Refusal, World, posting::timestamp, world::JWT_ISSUER};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tonic::Code;

const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn token(world: &World, mut claims: Value) -> String {
    let now = world.now().timestamp();
    claims["iss"] = json!(JWT_ISSUER);
    claims["aud"] = json!("aurareels-core");
    claims["exp"] = json!(now + 60);
    encode(&Header::new(Algorithm::EdDSA), &claims, &EncodingKey::from_ed_pem(PRIVATE.as_bytes()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_itself_acts_for_the_owners_of_posts_and_accounts() {
    let world = World::with(&[("AURAREELS_JWT_PUBLIC_KEY", PUBLIC)]).await;
    let (one, two) = (world.user(1), world.user(2));
    let account = one.account(Login::Facebook).await;
    let other = two.account(Login::Tiktok).await;
    let begin = world.user(1).posts().list_events(ListEventsRequest::default()).await.unwrap().into_inner();
    assert!(begin.events.is_empty() && begin.position > 0);
    let due = world.now() + TimeDelta::hours(1);
    let id = one.schedule_one(account, "At the site's word", due).await;
    let foreign = two.schedule_one(other, "Another user's", due).await;
    let site = token(&world, json!({ "scope": "internal" }));

    // Events of all users, in order, each with its user; a user's own list has only theirs.
    let page = ListEventsRequest { after_sequence: Some(begin.position), ..Default::default() };
    let all = world.posts_as(&site, None).list_events(page).await.unwrap().into_inner();
    let whose: Vec<_> = all.events.iter().map(|event| (event.post_id, event.wp_user_id)).collect();
    assert_eq!(whose, [(id, 1), (foreign, 2)]);
    assert_eq!(all.events[1].post.as_ref().unwrap().id, foreign);
    let own = two.posts().list_events(page).await.unwrap().into_inner();
    assert_eq!(own.events.iter().map(|event| event.post_id).collect::<Vec<_>>(), [foreign]);
    let first = ListEventsRequest { page_size: 1, ..page };
    let first = world.posts_as(&site, None).list_events(first).await.unwrap().into_inner();
    assert_eq!((first.events.len(), first.position), (1, all.events[0].sequence));
    let rest = ListEventsRequest { after_sequence: Some(all.position), ..Default::default() };
    let rest = world.posts_as(&site, None).list_events(rest).await.unwrap().into_inner();
    assert_eq!((rest.events.len(), rest.position), (0, all.position));

    // Reading, refreshing and publishing for whoever owns it; a post that is not there stays unknown.
    let read = world.posts_as(&site, None).get_post(GetPostRequest { id: foreign }).await.unwrap().into_inner();
    assert_eq!((read.wp_user_id, read.status()), (2, PostStatus::Scheduled));
    let missing = world.posts_as(&site, None).get_post(GetPostRequest { id: 987_654 }).await.unwrap_err();
    Refusal::from(missing).is(Code::NotFound, "POST_NOT_FOUND");
    let refresh = RefreshTokenRequest { id: other, only_if_needed: true };
    world.accounts_as(&site, None).refresh_token(refresh).await.unwrap();
    let stale = PublishPostNowRequest { id, expected_scheduled_at: Some(timestamp(due - TimeDelta::minutes(5))) };
    let stale = world.posts_as(&site, None).publish_post_now(stale).await.unwrap().into_inner();
    assert_eq!(stale.result(), PublishNowResult::Superseded);
    let now = PublishPostNowRequest { id, expected_scheduled_at: Some(timestamp(due)) };
    let now = world.posts_as(&site, None).publish_post_now(now).await.unwrap().into_inner();
    assert_eq!(now.result(), PublishNowResult::Started);
    one.published(id).await;

    // Nothing else; and a token that only reads publishes nothing.
    let refused = world.posts_as(&site, None).list_posts(ListPostsRequest::default()).await.unwrap_err();
    Refusal::from(refused).is(Code::PermissionDenied, "PERMISSION_DENIED");
    let reader = token(&world, json!({ "scope": "read", "data": { "user": { "id": "2" } } }));
    world.posts_as(&reader, None).get_post(GetPostRequest { id: foreign }).await.unwrap();
    let publish = PublishPostNowRequest { id: foreign, expected_scheduled_at: None };
    let refused = world.posts_as(&reader, None).publish_post_now(publish).await.unwrap_err();
    Refusal::from(refused).is(Code::PermissionDenied, "PERMISSION_DENIED");
    let hidden = world.posts_as(&reader, None).get_post(GetPostRequest { id }).await.unwrap_err();
    Refusal::from(hidden).is(Code::NotFound, "POST_NOT_FOUND");
    two.posts().cancel_post(aurareels_proto::v1::CancelPostRequest { id: foreign }).await.unwrap();
    world.finish(1).await;
}
