//! Several cores on one PostgreSQL or MariaDB: they share the work, one that dies or is paused is replaced by another, and
//! what is lost between a core and its server is neither lost nor done twice.

use aurareels_core::{clock::Clock, config::Settings, server::Core};
use aurareels_proto::v1::{
    EventType, ListPostsRequest, PostStatus, RefreshTokenRequest, WatchPostsRequest,
    post_service_client::PostServiceClient,
};
use aurareels_simulator::{Hold, Rule};
use aurareels_tests::{
    Login, World, content,
    fault::on,
    posting::{at, publish, schedule},
    server::{Private, Server},
    world::Line,
};
use chrono::TimeDelta;
use futures_util::future::join_all;
use rstest::rstest;
use tonic::Code;

use crate::process::Served;

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn posts_are_shared_and_each_goes_out_once(#[case] server: Server) {
    // Each core works on one post at a time, so three requests under way are one of each core.
    let Some(world) = World::on(server, &[("AURAREELS_CONCURRENCY", "1")]).await else { return };
    let account = world.me().account(Login::Facebook).await;
    let (second, third) = (world.another_core("second").await, world.another_core("third").await);
    let held = world.sim.add_fault(Rule { times: 3, ..Rule::hold_once(on("meta.container_create"), Hold::Before) });
    let mut ids = Vec::new();
    for number in 0..6 {
        for mut posts in [world.me().posts(), second.posts(), third.posts()] {
            let request = publish(&[account], content(&world, &format!("Shared {number} {}", ids.len())));
            ids.push(posts.publish_posts(request).await.expect("taken").into_inner().posts[0].id);
        }
    }
    world.wait_for("a request of each core", async || (world.sim.fault_fired(held) == Some(3)).then_some(())).await;
    world.sim.release_fault(held);
    for id in &ids {
        assert_eq!(world.me().published(*id).await.attempts.len(), 1);
    }
    second.stop().await;
    third.stop().await;
    world.finish(ids.len()).await;
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_core_whose_machine_has_the_wrong_time_goes_by_the_databases(#[case] server: Server) {
    let Some(mut world) = World::on(server, &[]).await else { return };
    let account = world.me().account(Login::Facebook).await;
    for error in [TimeDelta::minutes(20), TimeDelta::minutes(-20)] {
        let settings = Settings::from_pairs(world.settings_of_another("wrong")).expect("settings");
        let core = Core::start(settings, Clock::of_machine(error)).await.expect("a core starts");
        let off = core.parts.clock.now() - world.now();
        assert!(off.abs() < TimeDelta::minutes(1), "{error}: off by {off}");
        core.shutdown().await;
    }
    // Alone with it, what is due in ten minutes waits.
    world.stop_core().await;
    let settings = Settings::from_pairs(world.settings().clone()).expect("settings");
    let ahead = Core::start(settings, Clock::of_machine(TimeDelta::minutes(20))).await.expect("a core starts");
    world.speak_to(ahead.public_url().as_str());
    let later = world.me().schedule_one(account, "In ten minutes", world.now() + TimeDelta::minutes(10)).await;
    let meanwhile = world.me().publish_one(account, "Meanwhile").await;
    world.me().published(meanwhile).await;
    assert_eq!(world.me().get(later).await.status(), PostStatus::Scheduled);
    ahead.shutdown().await;
    world.start_core().await;
    world.finish(1).await;
}

/// The sequences of the first events of new posts.
async fn created(mut posts: PostServiceClient<Line>, how_many: usize) -> Vec<i64> {
    let request = WatchPostsRequest {
        after_sequence: Some(0),
        types: vec![EventType::PostCreated.into()],
        ..WatchPostsRequest::default()
    };
    let mut stream = posts.watch_posts(request).await.expect("watching").into_inner();
    let mut seen = Vec::new();
    while seen.len() < how_many {
        let message = stream.message().await.expect("no end").expect("a message");
        seen.extend(message.event.map(|event| event.sequence));
    }
    seen
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn events_of_all_cores_come_in_one_order_on_each(#[case] server: Server) {
    const EACH: usize = 12;
    let Some(world) = World::on(server, &[]).await else { return };
    let account = world.me().account(Login::Facebook).await;
    let (second, third) = (world.another_core("second").await, world.another_core("third").await);
    let clients = [world.me().posts(), second.posts(), third.posts()];
    let due = world.now() + TimeDelta::days(2);
    let creating = clients.iter().enumerate().map(|(core, posts)| {
        let (world, mut posts) = (&world, posts.clone());
        async move {
            for number in 0..EACH {
                let content = content(world, &format!("Core {core} {number}"));
                let request =
                    aurareels_tests::posting::schedule(&[account], content, aurareels_tests::posting::at(due));
                posts.schedule_posts(request).await.expect("taken");
            }
        }
    });
    let watching = clients.iter().map(|posts| created(posts.clone(), 3 * EACH));
    let (_, seen) = tokio::join!(join_all(creating), join_all(watching));
    assert!(seen[0].windows(2).all(|pair| pair[0] < pair[1]), "{:?}", seen[0]);
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    second.stop().await;
    third.stop().await;
    world.finish(0).await;
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_refreshed_by_one_core(#[case] server: Server) {
    let Some(world) = World::on(server, &[]).await else { return };
    let account = world.me().account(Login::Tiktok).await;
    let (second, third) = (world.another_core("second").await, world.another_core("third").await);
    // TikTok's tokens live for a day.
    world.advance(TimeDelta::hours(23));
    let held = world.hold("tiktok.refresh", Hold::Before);
    let calls = [world.me().accounts(), second.accounts(), third.accounts()].map(|mut accounts| {
        let request = RefreshTokenRequest { id: account, only_if_needed: true };
        tokio::spawn(async move { accounts.refresh_token(request).await })
    });
    world.wait_for("a refresh", async || world.sim.fault_fired(held).filter(|times| *times > 0)).await;
    world.sim.release_fault(held);
    for call in join_all(calls).await {
        call.expect("no panic").expect("refreshed");
    }
    // Whoever came while it was under way took its result.
    assert_eq!(world.asked("tiktok.refresh"), 1);
    second.stop().await;
    third.stop().await;
    world.finish(0).await;
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn six_cores_start_at_once_on_an_empty_database(#[case] server: Server) {
    let Some(world) = World::on(server, &[]).await else { return };
    let empty = Private::on(server).await.expect("as before");
    let starting = (0..6).map(|number| {
        let mut settings = world.settings_of_another(&format!("core-{number}"));
        settings.insert("AURAREELS_DATABASE_URL".to_owned(), empty.url());
        let clock = world.clock();
        async move { Core::start(Settings::from_pairs(settings).expect("settings"), clock).await }
    });
    let mut lineages = Vec::new();
    let mut cores = Vec::new();
    for core in join_all(starting).await {
        let core = core.expect("it comes up");
        lineages.push(core.parts.store.lineages().clone());
        cores.push(core);
    }
    assert!(lineages.windows(2).all(|pair| pair[0] == pair[1]), "one database: {lineages:?}");
    join_all(cores.into_iter().map(Core::shutdown)).await;
    world.finish(0).await;
}

/// What a release that is newer than this one does to the database: it adds, and notes its migration.
async fn migrate_as_a_newer_release(world: &World) {
    for sql in [
        "INSERT INTO aurareels_migrations (version, description, checksum, installed_on, statements, success) \
         VALUES (9999, 'of a newer release', 'x', CURRENT_TIMESTAMP, 0, 0)",
        "ALTER TABLE aurareels_social_posts ADD COLUMN of_a_newer_release VARCHAR(16) NOT NULL DEFAULT 'none'",
        "ALTER TABLE aurareels_post_steps ADD COLUMN of_a_newer_release VARCHAR(16)",
        "CREATE INDEX aurareels_newer ON aurareels_social_posts (of_a_newer_release, id)",
        "UPDATE aurareels_migrations SET statements = 3, success = 1 WHERE version = 9999",
    ] {
        world.db.migrate(sql).await;
    }
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn cores_publish_on_while_a_newer_release_migrates_and_none_of_theirs_starts_any_more(#[case] server: Server) {
    const EACH: usize = 12;
    let Some(mut world) = World::on(server, &[]).await else { return };
    let account = world.me().account(Login::Facebook).await;
    let second = world.another_core("second").await;
    let publishing = [world.me().posts(), second.posts()].into_iter().enumerate().map(|(core, mut posts)| {
        let world = &world;
        async move {
            let mut ids = Vec::new();
            for number in 0..EACH {
                let request = publish(&[account], content(world, &format!("Meanwhile {core} {number}")));
                ids.push(posts.publish_posts(request).await.expect("taken").into_inner().posts[0].id);
            }
            ids
        }
    });
    let (ids, ()) = tokio::join!(join_all(publishing), migrate_as_a_newer_release(&world));
    for id in ids.concat() {
        world.me().published(id).await;
    }
    // One by one they are stopped, and cannot come back; the last one works alone.
    world.stop_core().await;
    let refused = world.try_start().await.expect_err("an older core must not start");
    assert!(format!("{refused:#}").contains("9999"), "{refused:#}");
    let request = publish(&[account], content(&world, "By the last of them"));
    let id = second.posts().publish_posts(request).await.expect("taken").into_inner().posts[0].id;
    let all = ids.concat().len() + 1;
    world.wait_for("the last post", async || (world.sim.posts().len() == all).then_some(())).await;
    second.stop().await;
    // Their own release again, as if the newer one had been put back.
    for sql in [
        "DROP INDEX aurareels_newer{}",
        "ALTER TABLE aurareels_social_posts DROP COLUMN of_a_newer_release",
        "ALTER TABLE aurareels_post_steps DROP COLUMN of_a_newer_release",
        "DELETE FROM aurareels_migrations WHERE version = 9999",
    ] {
        let on = if server == Server::Mysql { " ON aurareels_social_posts" } else { "" };
        world.db.migrate(&sql.replace("{}", on)).await;
    }
    world.start_core().await;
    world.me().published(id).await;
    world.finish(all).await;
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_replica_that_had_lagged_doubles_nothing(#[case] server: Server) {
    let Some(mut world) = World::on(server, &[]).await else { return };
    let account = world.me().account(Login::Facebook).await;
    let due = async |hours| {
        let request = schedule(
            &[account],
            content(&world, &format!("Due in {hours}")),
            at(world.now() + TimeDelta::hours(hours)),
        );
        world.me().posts().schedule_posts(request).await.expect("scheduled").into_inner().posts[0].id
    };
    let (soon, later) = (due(1).await, due(30).await);
    let early = world.me().publish(&[account], content(&world, "Before")).await[0];
    world.me().published(early).await;
    // The last commit that the replica receives; what follows is on the primary alone.
    let replica = world.backup_file("replica");
    world.backup(&replica).await;
    let second = world.another_core("second").await;
    let requests = ["By the first", "By the second"].map(|caption| publish(&[account], content(&world, caption)));
    let ask = async |mut posts: PostServiceClient<Line>, number: usize| {
        posts.publish_posts(requests[number].clone()).await.expect("taken").into_inner().posts[0].id
    };
    let mut known = Vec::new();
    for (posts, number) in [(world.me().posts(), 0), (second.posts(), 1)] {
        let id = ask(posts, number).await;
        known.push(world.me().published(id).await.platform_post_id);
    }
    world.advance(TimeDelta::hours(1));
    let went_out = world.me().published(soon).await.platform_post_id;
    assert_eq!(world.sim.posts().len(), 4);
    // The primary is lost.
    second.stop().await;
    world.restore(&replica).await;
    let third = world.another_core("third").await;
    assert_eq!(world.me().published(soon).await.platform_post_id, went_out);
    // Their callers, who do not know better, ask once more, each the other core.
    for (posts, number) in [(third.posts(), 0), (world.me().posts(), 1)] {
        let id = ask(posts, number).await;
        assert_eq!(world.me().published(id).await.platform_post_id, known[number]);
    }
    assert_eq!(world.sim.posts().len(), 4, "nothing went out again");
    world.me().published(later).await;
    third.stop().await;
    world.finish(5).await;
}

/// A world whose core is a process that has sent the request of a post which makes it visible, and waits for the answer.
async fn sending(server: Server) -> Option<(World, Served, i64, aurareels_simulator::RuleId)> {
    let mut world = World::on(server, &[("AURAREELS_LEASE_SECONDS", "3")]).await?;
    let account = world.me().account(Login::Facebook).await;
    world.stop_core().await;
    let served = Served::start(world.settings(), &world.http).await;
    world.speak_to(&served.url);
    let held = world.hold("meta.media_publish", Hold::After);
    let id = world.me().publish_one(account, "By another").await;
    world.wait_for("a publish", async || world.sim.fault_fired(held).filter(|times| *times > 0)).await;
    Some((world, served, id, held))
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_core_was_sending_goes_out_once_by_another(#[case] server: Server) {
    let Some((mut world, served, id, held)) = sending(server).await else { return };
    served.kill().await;
    world.sim.remove_fault(held);
    world.start_core().await;
    world.me().published(id).await;
    world.finish(1).await;
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_paused_core_was_sending_goes_out_once_by_another(#[case] server: Server) {
    let Some((mut world, served, id, held)) = sending(server).await else { return };
    served.pause().await;
    world.start_core().await;
    let published = world.me().published(id).await;
    // The first core gets its answer now, long after its lease.
    world.sim.release_fault(held);
    served.go_on().await;
    let (status, _) = served.terminate().await;
    assert!(status.success(), "{status:?}");
    assert_eq!(world.me().get(id).await.platform_post_id, published.platform_post_id);
    world.finish(1).await;
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn commits_that_are_cut_off_double_nothing_and_lose_no_answer(#[case] server: Server) {
    const POSTS: usize = 12;
    let Some(world) = World::behind_a_proxy(server, &[]).await else { return };
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    world.cut_commits();
    let calls = (0..POSTS).map(|number| {
        let (mut posts, world) = (me.posts(), &world);
        async move { posts.publish_posts(publish(&[account], content(world, &format!("Cut {number}")))).await }
    });
    let mut ids = Vec::new();
    for answer in join_all(calls).await {
        ids.push(answer.expect("the caller's own result").into_inner().posts[0].id);
    }
    for id in &ids {
        me.published(*id).await;
    }
    world.bring_server_back();
    assert!(world.commits_cut() > 20, "{} were cut", world.commits_cut());
    assert_eq!(world.db.counts().await.posts, 12);
    world.finish(POSTS).await;
}

#[rstest]
#[case::postgres(Server::Postgres)]
#[case::mysql(Server::Mysql)]
#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_health_says_so_and_all_goes_on_when_it_is_back(#[case] server: Server) {
    let Some(world) = World::behind_a_proxy(server, &[]).await else { return };
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let held = world.hold("meta.media_publish", Hold::After);
    let on_its_way = me.publish_one(account, "On its way").await;
    world.wait_for("a publish", async || world.sim.fault_fired(held).filter(|times| *times > 0)).await;
    world.take_server_away();
    let healthz = async || {
        let answer = world.http.get(format!("{}/healthz", world.url())).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a text"))
    };
    world
        .wait_for("bad health", async || {
            let (status, text) = healthz().await;
            (status == 503 && text.contains("the database server is away") && text.contains("AURAREELS_DATABASE_URL"))
                .then_some(())
        })
        .await;
    let refused = me.refused(me.posts().list_posts(ListPostsRequest::default())).await;
    refused.is(Code::Unavailable, "STORE_UNAVAILABLE");
    // The platform's answer comes while nothing can be written.
    world.sim.release_fault(held);
    world.bring_server_back();
    world.wait_for("health", async || (healthz().await.0 == 200).then_some(())).await;
    let later = me.publish_one(account, "When it is back").await;
    for id in [on_its_way, later] {
        me.until(id, "published", |post| post.status() == PostStatus::Published).await;
    }
    world.finish(2).await;
}
