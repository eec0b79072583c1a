"""Agents: the official Python SDK of the Model Context Protocol against a core, over both transports.

`aurareels mcp` is started as agents start it; `/mcp` is called at the core's port. What holds is the same for both: tools
with schemas, one post for one request however often it is repeated, the key's scopes and the user's own posts.
"""

import asyncio
import json
import time

import browser
import httpx2
import pytest
from conftest import setting
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from aurareels.v1 import account_service_pb2, platform_pb2

READING = {
    "list_accounts", "get_publish_options", "get_quota", "get_video_requirements", "probe_video", "list_video_jobs",
    "get_video_job", "list_media", "validate_posts", "list_posts", "get_post", "get_post_analytics", "list_analytics",
}
DESTRUCTIVE = {"publish_posts", "publish_post_now", "update_post", "reschedule_post", "cancel_post", "retry_post"}


def over_stdio(key, user=None):
    """`aurareels mcp`, with nothing in its environment but what an agent's settings say."""
    env = {"AURAREELS_ADDRESS": setting("AURAREELS_ADDRESS"), "AURAREELS_API_KEY": key}
    if user:
        env["AURAREELS_USER_ID"] = str(user)
    return Client(StdioServerParameters(command=setting("AURAREELS_BINARY"), args=["mcp"], env=env))


def over_http(key, user=None):
    headers = {"authorization": f"Bearer {key}"}
    if user:
        headers["x-aurareels-user-id"] = str(user)
    client = httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False)
    return Client(streamable_http_client(setting("AURAREELS_ADDRESS") + "/mcp", http_client=client))


@pytest.fixture(params=[over_stdio, over_http], ids=["stdio", "http"])
def agent(request):
    return request.param


@pytest.fixture(scope="module")
def account(core):
    """A TikTok account, connected through the consent page."""
    begun = core.call(
        core.accounts.ConnectAccount,
        account_service_pb2.ConnectAccountRequest(platform=platform_pb2.PLATFORM_TIKTOK),
    )
    browser.allow(begun.auth_url)
    listed = core.call(
        core.accounts.ListAccounts,
        account_service_pb2.ListAccountsRequest(platform=platform_pb2.PLATFORM_TIKTOK, active=True),
    )
    return listed.accounts[0].id


def talk(client, conversation):
    """Runs a conversation with a server from its greeting to its end."""

    async def whole():
        async with client as agent:
            return await conversation(agent)

    return asyncio.run(asyncio.wait_for(whole(), 180))


async def done(agent, tool, arguments):
    """What a tool answers; its refusal fails the test."""
    result = await agent.call_tool(tool, arguments)
    assert not result.is_error, f"{tool}: {result.content}"
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def refused(agent, tool, arguments):
    result = await agent.call_tool(tool, arguments)
    assert result.is_error, f"{tool}: {result.content}"
    return result.structured_content, result.content[0].text


def test_the_tools_are_described_and_marked(agent):
    async def conversation(agent):
        return (await agent.list_tools()).tools

    tools = {tool.name: tool for tool in talk(agent(setting("AURAREELS_API_KEY")), conversation)}
    assert READING | DESTRUCTIVE | {"schedule_posts", "create_draft"} <= tools.keys()
    assert {name for name, tool in tools.items() if tool.annotations.read_only_hint} == READING
    assert {name for name, tool in tools.items() if tool.annotations.destructive_hint} == DESTRUCTIVE
    assert tools["publish_posts"].annotations.idempotent_hint and not tools["create_draft"].annotations.idempotent_hint
    schema = tools["schedule_posts"].input_schema
    assert set(schema["required"]) == {"accounts", "content", "scheduled_at"}
    caption = schema["$defs"]["PostContent"]["properties"]["caption"]
    assert caption["type"] == "string" and caption["description"], caption


def test_an_agent_schedules_moves_and_cancels(agent, account, video_url):
    async def conversation(agent):
        accounts = await done(agent, "list_accounts", {})
        assert account in [one["id"] for one in accounts["accounts"]]
        request = {
            "accounts": [account],
            "content": {"video_url": video_url, "caption": f"By an agent {time.time_ns()}", "privacy_level": "PUBLIC"},
        }
        assert (await done(agent, "validate_posts", request))["valid"]
        request["scheduled_at"] = {"text": "2030-01-02T03:04:05+01:00"}
        scheduled = await done(agent, "schedule_posts", request)
        assert scheduled["existed"] == [False]
        again = await done(agent, "schedule_posts", request)
        assert again["existed"] == [True] and again["posts"][0]["id"] == scheduled["posts"][0]["id"]
        post = scheduled["posts"][0]
        assert post["status"] == "POST_STATUS_SCHEDULED" and post["scheduled_at"] == "2030-01-02T02:04:05Z"
        later = {"id": post["id"], "scheduled_at": {"wall_time": {"local": "2030-07-01 12:00", "time_zone": "Europe/Berlin"}}}
        moved = await done(agent, "reschedule_post", later)
        assert moved["scheduled_at"] == "2030-07-01T10:00:00Z"
        for mask in ("privacy_level", "privacyLevel"):
            content = {"privacy_level": "PRIVATE", "caption": "not in the mask"}
            changed = await done(agent, "update_post", {"id": post["id"], "content": content, "update_mask": mask})
            assert changed["privacy_level"] == "PRIVATE" and changed["caption"] == request["content"]["caption"]
        listed = await done(agent, "list_posts", {"statuses": ["POST_STATUS_SCHEDULED"], "account_id": account})
        assert post["id"] in [one["id"] for one in listed["posts"]]
        cancelled = await done(agent, "cancel_post", {"id": post["id"]})
        assert cancelled["status"] == "POST_STATUS_CANCELLED"

    talk(agent(setting("AURAREELS_API_KEY")), conversation)


def test_a_repeated_publish_makes_one_post_that_is_live(agent, account, simulator, video_url):
    caption = f"An agent that repeats itself {time.time_ns()}"

    async def conversation(agent):
        request = {
            "accounts": [account],
            "content": {"video_url": video_url, "caption": caption, "privacy_level": "PUBLIC"},
        }
        answers = await asyncio.gather(*(done(agent, "publish_posts", request) for _ in range(3)))
        ids = {answer["posts"][0]["id"] for answer in answers}
        assert len(ids) == 1 and sorted(answer["existed"] for answer in answers) == [[False], [True], [True]]
        (post,) = ids
        until = time.monotonic() + 120
        while True:
            shown = await done(agent, "get_post", {"id": post})
            if shown["status"] == "POST_STATUS_PUBLISHED":
                return
            assert shown["status"] in ("POST_STATUS_PUBLISHING", "POST_STATUS_CONFIRMING"), shown
            assert time.monotonic() < until, shown
            await asyncio.sleep(0.5)

    talk(agent(setting("AURAREELS_API_KEY")), conversation)
    visible = json.loads(browser.get(simulator + "/_sim/posts").text)["posts"]
    assert len([post for post in visible if caption in post["caption"]]) == 1, visible


def test_an_error_names_field_rule_and_remedy(agent, account, video_url):
    async def conversation(agent):
        content = {"video_url": video_url, "caption": "x" * 3000, "privacy_level": "PUBLIC"}
        told, text = await refused(agent, "publish_posts", {"accounts": [account], "content": content})
        assert told["reason"] == "CAPTION_TOO_LONG" and "remedy" in text, text
        assert told["fields"][0]["field"] == "content.caption" and told["fields"][0]["rule"] == "CAPTION_TOO_LONG"
        told, text = await refused(agent, "publish_posts", {"accounts": [account], "content": {"captoin": "x"}})
        assert told["fields"][0]["field"].startswith("content") and "captoin" in text, text
        told, text = await refused(agent, "get_post", {"id": "many"})
        assert told["fields"][0]["field"] == "id", text

    talk(agent(setting("AURAREELS_API_KEY")), conversation)


def test_a_key_that_may_only_read_sees_only_what_reads(agent, account, video_url):
    async def conversation(agent):
        assert {tool.name for tool in (await agent.list_tools()).tools} == READING
        request = {"accounts": [account], "content": {"video_url": video_url, "caption": "no", "privacy_level": "PUBLIC"}}
        told, text = await refused(agent, "publish_posts", request)
        assert told["code"] == "permission_denied" and "publish" in text
        assert (await done(agent, "list_accounts", {}))["accounts"]

    talk(agent(setting("AURAREELS_READER_KEY")), conversation)


def test_another_users_posts_are_not_there(agent, account, video_url):
    async def own(agent):
        request = {
            "accounts": [account],
            "content": {"video_url": video_url, "caption": f"Mine {time.time_ns()}", "privacy_level": "PUBLIC"},
            "scheduled_at": {"text": "2031-01-02T03:04:05Z"},
        }
        return (await done(agent, "schedule_posts", request))["posts"][0]["id"]

    post = talk(agent(setting("AURAREELS_API_KEY")), own)

    async def others(agent):
        assert await done(agent, "list_posts", {}) == {"posts": []}
        for tool in ("get_post", "cancel_post"):
            told, _ = await refused(agent, tool, {"id": post})
            assert told["code"] == "not_found"

    talk(agent(setting("AURAREELS_OPERATOR_KEY"), user=4711), others)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": setting("AURAREELS_ADDRESS")}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 403),
        ({"host": "localhost:1234"}, 200),
        ({"authorization": "Bearer ar_wrong"}, 401),
        ({"authorization": ""}, 401),
        ({"authorization": "", "cookie": "aurareels-dashboard=stolen"}, 401),
    ],
)
def test_who_may_reach_the_port(headers, status):
    known = {
        "authorization": f"Bearer {setting('AURAREELS_API_KEY')}",
        "accept": "application/json, text/event-stream",
    }
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    sent = {name: value for name, value in (known | headers).items() if value}
    answer = httpx2.post(setting("AURAREELS_ADDRESS") + "/mcp", json=ask, headers=sent, trust_env=False)
    assert answer.status_code == status, answer.text
    assert ("list_accounts" in answer.text) == (status == 200)
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
