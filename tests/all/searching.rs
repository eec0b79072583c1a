//! ListPosts by words, in both orders, and by the times at which posts really go out.

use aurareels_proto::v1::{
    CreateDraftRequest, ListPostsRequest, ListPostsResponse, PlatformOptions, PostContent, PostOrder, PostStatus,
    PublishPostNowRequest, UpdatePostRequest, YouTubeOptions,
};
use aurareels_tests::{
    Login, User, World,
    posting::{at, content, schedule, timestamp},
};
use chrono::TimeDelta;
use tonic::Code;

fn words(search: &str) -> ListPostsRequest {
    ListPostsRequest { search: search.to_owned(), include_total: true, ..Default::default() }
}

async fn list(user: &User<'_>, request: ListPostsRequest) -> ListPostsResponse {
    user.posts().list_posts(request).await.expect("a page").into_inner()
}

/// The captions of the posts that hold these words.
async fn found(user: &User<'_>, search: &str) -> Vec<String> {
    let page = list(user, words(search)).await;
    assert_eq!(page.total, Some(page.posts.len() as i64));
    let mut captions: Vec<String> = page.posts.into_iter().map(|post| post.caption).collect();
    captions.sort();
    captions
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_wherever_they_stand_in_a_post_and_in_any_case() {
    let world = World::start().await;
    let (me, other) = (world.me(), world.user(2));
    let (tiktok, youtube) = (me.account(Login::Tiktok).await, me.account(Login::Youtube).await);
    let soon = at(world.now() + TimeDelta::hours(1));
    let titled = PostContent {
        hashtags: vec!["Größe".to_owned(), "100percent".to_owned()],
        platform_options: Some(PlatformOptions {
            youtube: Some(YouTubeOptions { title: "ΟΔΟΣ des Jahres".to_owned(), ..Default::default() }),
            ..Default::default()
        }),
        ..content(&world, "The titled one")
    };
    let scheduled = |account, content| schedule(&[account], content, soon.clone());
    for (account, content) in [
        (tiktok, content(&world, "Ёлка в снегу")),
        (tiktok, content(&world, "snake_case is 100% mine")),
        (tiktok, content(&world, "snakeXcase is 1000 yours")),
        (youtube, titled),
    ] {
        me.posts().schedule_posts(scheduled(account, content)).await.expect("scheduled");
    }
    let theirs = other.account(Login::Tiktok).await;
    other.posts().schedule_posts(scheduled(theirs, content(&world, "Another user's snake_case"))).await.unwrap();
    for (search, captions) in [
        ("ёЛКА", &["Ёлка в снегу"] as &[&str]),
        ("снегу ёлка", &["Ёлка в снегу"]),
        ("snake_case", &["snake_case is 100% mine"]),
        ("100%", &["snake_case is 100% mine"]),
        ("100", &["The titled one", "snakeXcase is 1000 yours", "snake_case is 100% mine"]),
        ("#GRÖSSE", &["The titled one"]),
        ("οδος", &["The titled one"]),
        ("ada.makes is", &["snakeXcase is 1000 yours", "snake_case is 100% mine"]),
        ("%", &["snake_case is 100% mine"]),
        ("'; DROP TABLE", &[]),
        ("user's", &[]),
        ("  ", &["The titled one", "snakeXcase is 1000 yours", "snake_case is 100% mine", "Ёлка в снегу"]),
    ] {
        assert_eq!(found(&me, search).await, captions, "{search}");
    }
    // With the other filters, and after a change.
    let query = ListPostsRequest { account_id: youtube, ..words("100") };
    assert_eq!(list(&me, query).await.posts.len(), 1);
    let query = ListPostsRequest { statuses: vec![PostStatus::Draft.into()], ..words("100") };
    assert_eq!(list(&me, query).await.total, Some(0));
    let id = list(&me, words("ёлка")).await.posts[0].id;
    let change = UpdatePostRequest {
        id,
        content: Some(PostContent { caption: "Neige".to_owned(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["caption".to_owned()] }),
        ..Default::default()
    };
    me.posts().update_post(change).await.expect("changed");
    assert!(found(&me, "ёлка").await.is_empty());
    assert_eq!(found(&me, "NEIGE").await, ["Neige"]);
    // What is live is found by the platform's id.
    let live = me.publish_one(tiktok, "Live").await;
    let live = me.published(live).await;
    assert_eq!(found(&me, &live.platform_post_id).await, ["Live"]);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_search_are_whole_in_both_orders_and_their_tokens_are_its_own() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let begin = world.now() + TimeDelta::hours(1);
    let mut wanted = Vec::new();
    for number in 0..7 {
        let caption = if number % 2 == 0 { format!("Blue {number}") } else { format!("Red {number}") };
        // Some of them at the same time.
        let id = me.schedule_one(account, &caption, begin + TimeDelta::minutes(number / 4)).await;
        if number % 2 == 0 {
            wanted.push(id);
        }
    }
    let pages = async |order: PostOrder| {
        let mut ids = Vec::new();
        let mut request = ListPostsRequest { page_size: 2, order: order.into(), ..words("blue") };
        loop {
            let page = list(&me, request.clone()).await;
            assert_eq!(page.total, Some(4));
            ids.extend(page.posts.iter().map(|post| post.id));
            if page.next_page_token.is_empty() {
                return ids;
            }
            request.page_token = page.next_page_token;
        }
    };
    assert_eq!(pages(PostOrder::OldestFirst).await, wanted);
    wanted.reverse();
    assert_eq!(pages(PostOrder::NewestFirst).await, wanted);
    assert_eq!(pages(PostOrder::Unspecified).await, wanted);
    let first = list(&me, ListPostsRequest { page_size: 2, ..words("blue") }).await;
    let token = first.next_page_token;
    for other in [
        ListPostsRequest { page_token: token.clone(), ..words("red") },
        ListPostsRequest { page_token: token.clone(), ..words("") },
        ListPostsRequest { page_token: token.clone(), order: PostOrder::OldestFirst.into(), ..words("blue") },
    ] {
        let refusal = me.refused(me.posts().list_posts(other)).await;
        refusal.is(Code::InvalidArgument, "INVALID_FIELD").names("page_token", "FIELD_MALFORMED");
    }
    list(&me, ListPostsRequest { page_token: token, page_size: 2, ..words(" blue ") }).await;
    for (long, limit) in [("x".repeat(201), "200 characters"), ("a ".repeat(11), "10 words")] {
        let refusal = me.refused(me.posts().list_posts(words(&long))).await;
        refusal.is(Code::InvalidArgument, "INVALID_FIELD").names("search", "FIELD_MALFORMED");
        assert!(refusal.message.contains(limit), "{}", refusal.message);
    }
    let unknown = ListPostsRequest { order: 9, ..Default::default() };
    me.refused(me.posts().list_posts(unknown)).await.names("order", "INVALID_FIELD");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_listed_where_it_really_goes_out() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let far = world.now() + TimeDelta::days(20);
    let early = me.schedule_one(account, "Ahead of its time", far).await;
    let draft =
        CreateDraftRequest { account_id: account, content: Some(content(&world, "A draft")), ..Default::default() };
    let draft = me.posts().create_draft(draft).await.expect("a draft").into_inner().id;
    world.advance(TimeDelta::days(3));
    let today = world.now();
    for id in [early, draft] {
        let request = PublishPostNowRequest { id, ..Default::default() };
        me.posts().publish_post_now(request).await.expect("begun");
        me.published(id).await;
    }
    let on_time = me.schedule_one(account, "On time", world.now() + TimeDelta::hours(5)).await;
    let due = me.get(on_time).await.scheduled_at;
    me.published(on_time).await;
    let between = async |from, until| {
        let request = ListPostsRequest {
            from: Some(timestamp(from)),
            until: Some(timestamp(until)),
            order: PostOrder::OldestFirst.into(),
            ..Default::default()
        };
        list(&me, request).await.posts.iter().map(|post| post.id).collect::<Vec<_>>()
    };
    assert_eq!(between(today, today + TimeDelta::days(1)).await, [early, draft, on_time]);
    assert!(between(far - TimeDelta::days(1), far + TimeDelta::days(1)).await.is_empty());
    let exactly = aurareels_tests::posting::time(&due.expect("a time"));
    assert_eq!(between(exactly, exactly + TimeDelta::milliseconds(1)).await, [on_time]);
    world.finish(3).await;
}
