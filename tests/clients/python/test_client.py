"""A gRPC client as a stranger would write it, generated from proto/ by grpcio-tools, against a running core.

The main job from end to end: connect an account per platform through the platform's consent page, publish one video
to both, watch until both are published, list them, and find each exactly once on the simulated platform.
"""

import json

import browser
import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from aurareels.v1 import account_service_pb2, event_pb2, platform_pb2, platform_service_pb2, post_pb2, post_service_pb2

PLATFORMS = [platform_pb2.PLATFORM_TIKTOK, platform_pb2.PLATFORM_INSTAGRAM]

# Instagram's processing is polled every ten seconds at first, so publishing takes that long on an idle machine too.
PUBLISH_DEADLINE = 180


def error_info(error):
    """The ErrorInfo that every error of the core carries."""
    status = rpc_status.from_call(error)
    assert status is not None, f"no details in {error.code()}: {error.details()}"
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info
    raise AssertionError(f"no ErrorInfo in {status}")


def test_the_core_is_healthy(core):
    health = health_pb2_grpc.HealthStub(core.channel)
    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=30)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_both_platforms_are_configured(core):
    answer = core.call(core.platforms.ListPlatforms, platform_service_pb2.ListPlatformsRequest())
    configured = {info.platform for info in answer.platforms if info.configured}
    assert configured >= set(PLATFORMS), answer


def test_a_wrong_key_is_refused(core):
    with pytest.raises(grpc.RpcError) as caught:
        core.accounts.ListAccounts(
            account_service_pb2.ListAccountsRequest(), metadata=(("authorization", "Bearer wrong"),), timeout=30
        )
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert error_info(caught.value).domain == "aurareels"


def test_an_unknown_account_is_refused_with_details(core, video_url):
    request = post_service_pb2.PublishPostsRequest(
        accounts=[987654321], content=post_service_pb2.PostContent(video_url=video_url, caption="for nobody")
    )
    with pytest.raises(grpc.RpcError) as caught:
        core.call(core.posts.PublishPosts, request)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert error_info(caught.value).domain == "aurareels"


def test_a_refused_consent_connects_nothing(core):
    before = core.call(core.accounts.ListAccounts, account_service_pb2.ListAccountsRequest())
    begun = core.call(
        core.accounts.ConnectAccount,
        account_service_pb2.ConnectAccountRequest(platform=platform_pb2.PLATFORM_TIKTOK),
    )
    end = browser.allow(begun.auth_url, button="deny")
    assert end.status == 400 and "/oauth/callback/tiktok" in end.url, f"{end.url} ({end.status}): {end.text[:500]}"
    after = core.call(core.accounts.ListAccounts, account_service_pb2.ListAccountsRequest())
    assert [account.id for account in after.accounts] == [account.id for account in before.accounts]


@pytest.fixture(scope="module")
def accounts(core):
    """One connected account per platform, through consent page and the core's own callback page."""
    connected = {}
    for platform in PLATFORMS:
        name = platform_pb2.Platform.Name(platform)
        begun = core.call(core.accounts.ConnectAccount, account_service_pb2.ConnectAccountRequest(platform=platform))
        assert begun.state in begun.auth_url
        end = browser.allow(begun.auth_url)
        listed = core.call(
            core.accounts.ListAccounts, account_service_pb2.ListAccountsRequest(platform=platform, active=True)
        )
        assert listed.accounts, f"{name}: nothing is connected after {end.url} ({end.status}): {end.text[:500]}"
        connected[platform] = listed.accounts[0]
    return connected


def test_a_state_works_once(core):
    begun = core.call(
        core.accounts.ConnectAccount,
        account_service_pb2.ConnectAccountRequest(platform=platform_pb2.PLATFORM_TIKTOK),
    )
    browser.allow(begun.auth_url)
    with pytest.raises(grpc.RpcError) as caught:
        core.call(
            core.accounts.CompleteConnect,
            account_service_pb2.CompleteConnectRequest(
                platform=platform_pb2.PLATFORM_TIKTOK, code="a-second-time", state=begun.state
            ),
        )
    assert error_info(caught.value).reason == "OAUTH_STATE_MISMATCH"


def test_connect_publish_watch_and_list(core, accounts, simulator, video_url):
    options = core.call(
        core.accounts.GetPublishOptions,
        account_service_pb2.GetPublishOptionsRequest(id=accounts[platform_pb2.PLATFORM_TIKTOK].id),
    )
    assert "PUBLIC_TO_EVERYONE" in options.privacy_level_options, options

    caption = "Made by the Python client ✨"
    request = post_service_pb2.PublishPostsRequest(
        accounts=[account.id for account in accounts.values()],
        content=post_service_pb2.PostContent(
            video_job_id="python-client", video_url=video_url, caption=caption, hashtags=["aurareels", "#test"],
            privacy_level="PUBLIC",
        ),
    )
    watch = core.posts.WatchPosts(
        post_service_pb2.WatchPostsRequest(after_sequence=0), metadata=core.metadata, timeout=PUBLISH_DEADLINE
    )
    published = core.call(core.posts.PublishPosts, request)
    ids = [post.id for post in published.posts]
    assert len(set(ids)) == len(PLATFORMS) and list(published.existed) == [False, False], published

    events = events_until_published(watch, set(ids))
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences)), "events arrive once and in order"

    # Whoever was away sees the same events again from where they stopped.
    again = core.posts.WatchPosts(
        post_service_pb2.WatchPostsRequest(after_sequence=sequences[0]), metadata=core.metadata, timeout=30
    )
    replayed = []
    for answer in again:
        if answer.HasField("event"):
            replayed.append(answer.event.sequence)
        if replayed[-1:] >= sequences[-1:]:
            break
    again.cancel()
    assert replayed[: len(sequences) - 1] == sequences[1:]

    # A client whose call timed out simply calls again.
    repeated = core.call(core.posts.PublishPosts, request)
    assert [post.id for post in repeated.posts] == ids and all(repeated.existed), repeated

    listed = core.call(
        core.posts.ListPosts,
        post_service_pb2.ListPostsRequest(
            statuses=[post_pb2.POST_STATUS_PUBLISHED], video_job_id="python-client", include_total=True
        ),
    )
    assert {post.id for post in listed.posts} == set(ids) and listed.total == len(ids), listed

    visible = json.loads(browser.get(simulator + "/_sim/posts").text)["posts"]
    ours = [post for post in visible if caption in post["caption"]]
    assert len(ours) == len(ids), f"each post is visible once, not as in {visible}"
    for post_id in ids:
        post = core.call(core.posts.GetPost, post_service_pb2.GetPostRequest(id=post_id))
        assert post.platform_post_id in {shown["platform_post_id"] for shown in ours}, (post, ours)
        assert post.attempts and post.HasField("published_at"), post


def events_until_published(watch, ids):
    """Reads events until all of these posts are published; a post that cannot get there fails the test at once."""
    events, waiting = [], set(ids)
    lost = {post_pb2.POST_STATUS_FAILED, post_pb2.POST_STATUS_CANCELLED, post_pb2.POST_STATUS_NEEDS_REVIEW}
    for answer in watch:
        if not answer.HasField("event"):
            continue
        event = answer.event
        events.append(event)
        if event.post_id not in ids:
            continue
        print(f"{event.sequence}: {event_pb2.EventType.Name(event.type)} of post {event.post_id}, "
              f"{post_pb2.PostStatus.Name(event.status)} {event.reason}")
        assert event.status not in lost, f"post {event.post_id} is lost: {event}"
        if event.status == post_pb2.POST_STATUS_PUBLISHED:
            waiting.discard(event.post_id)
        if not waiting:
            watch.cancel()
            return events
    raise AssertionError(f"the stream ended while posts {waiting} were not published")
