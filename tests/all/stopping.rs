//! A clean stop: port, scheduler, refreshes, store, in this order.

use aurareels_proto::v1::{AccountHealth, RefreshResult, RefreshTokenRequest};
use aurareels_simulator::Hold;
use aurareels_tests::{Login, World};
use serde_json::json;
use tokio::net::TcpStream;

fn refresh(id: i64) -> RefreshTokenRequest {
    RefreshTokenRequest { id, only_if_needed: false }
}

/// Asks the core to stop while TikTok has rotated the token and not answered yet; the answer comes when the port is
/// closed. Then the core is started again.
async fn stop_while_the_answer_is_on_its_way(world: &mut World, rule: aurareels_simulator::RuleId) {
    world.wait_for("a refresh", async || world.sim.fault_fired(rule).filter(|times| *times > 0)).await;
    let address = world.url().trim_start_matches("http://").to_owned();
    let stopped = tokio::spawn(world.stopping_core());
    world.wait_for("a closed port", async || TcpStream::connect(&address).await.err()).await;
    world.sim.release_fault(rule);
    stopped.await.expect("it stops");
    assert!(!world.logged("the store is closed"), "somebody came too late");
    assert_eq!(world.succeeded("tiktok.refresh"), 1, "asked once");
    world.start_core().await;
}

/// The rotated token is the stored one: TikTok takes no other any more.
async fn the_rotated_token_works(world: &World, account: i64) {
    let me = world.me();
    let answer = me.accounts().refresh_token(refresh(account)).await.expect("refreshed").into_inner();
    assert_eq!(answer.result(), RefreshResult::Refreshed);
    assert_eq!(me.get_account(account).await.health(), AccountHealth::Ok);
    assert_eq!(world.asked("tiktok.refresh"), 2);
    assert_eq!(world.succeeded("tiktok.refresh"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_rotates_while_the_core_stops_is_stored_and_its_caller_answered() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let rule = world.hold("tiktok.refresh", Hold::After);
    let mut accounts = world.me().accounts();
    let call = tokio::spawn(async move { accounts.refresh_token(refresh(account)).await });
    stop_while_the_answer_is_on_its_way(&mut world, rule).await;
    let answer = call.await.expect("no panic").expect("the call under way is answered").into_inner();
    assert_eq!(answer.result(), RefreshResult::Refreshed);
    the_rotated_token_works(&world, account).await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_rotates_for_a_post_while_the_core_stops_is_stored_and_the_post_goes_on() {
    let mut world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let open_id = me.get_account(account).await.account_id;
    world.tiktok("tokens/kill", json!({ "account": open_id, "access": true, "refresh": false })).await;
    let rule = world.hold("tiktok.refresh", Hold::After);
    let id = world.me().publish_one(account, "Under way at the stop").await;
    stop_while_the_answer_is_on_its_way(&mut world, rule).await;
    world.me().published(id).await;
    the_rotated_token_works(&world, account).await;
    world.finish(1).await;
}
