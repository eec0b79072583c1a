"""Meta's own Python SDK (facebook_business) against the simulated Pages.

Login in the browser, the Page's token, a Reel by start, upload and finish with a cut in between, its status, numbers
and errors, through the library that people use with the real Graph API. Only its base address is ours.
"""

import hashlib
import random
import time
import urllib.parse

import pytest
import requests
from facebook_business.adobjects.advideo import AdVideo
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

import browser
import vendor

SCOPES = "pages_show_list,pages_read_engagement,pages_manage_posts,read_insights"
# The simulated Facebook processes for two seconds.
PUBLISH_DEADLINE = 60


@pytest.fixture(scope="module")
def simulated(simulator):
    return vendor.Simulator(simulator)


@pytest.fixture(scope="module")
def http():
    """Plain requests: the SDK has no call for the dialog, the code and the bytes of a Reel."""
    session = requests.Session()
    session.trust_env = False
    return session


@pytest.fixture(scope="module")
def graph(simulated):
    """Points the SDK at the simulator."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FacebookSession, "GRAPH", simulated.settings["META_GRAPH_BASE_URL"])
        yield


def api_of(simulated, token):
    """The SDK's API object for a token; it proves the app's secret with every call."""
    settings = simulated.settings
    session = FacebookSession(settings["INSTAGRAM_APP_ID"], settings["INSTAGRAM_APP_SECRET"], token)
    session.requests.trust_env = False
    return FacebookAdsApi(session)


@pytest.fixture(scope="module")
def user_api(simulated, http, graph):
    """What the login dialog gives: a long-lived user token."""
    settings = simulated.settings
    with vendor.Callback("facebook") as callback:
        query = urllib.parse.urlencode({
            "client_id": settings["INSTAGRAM_APP_ID"], "redirect_uri": callback.address, "scope": SCOPES,
            "response_type": "code", "state": "a-state",
        })
        browser.allow(f"{settings['META_DIALOG_BASE_URL']}/v26.0/dialog/oauth?{query}")
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(callback.arrived).query)["code"][0]
        address = callback.address

    def token(**parameters):
        app = {"client_id": settings["INSTAGRAM_APP_ID"], "client_secret": settings["INSTAGRAM_APP_SECRET"]}
        url = settings["META_GRAPH_BASE_URL"] + "/v26.0/oauth/access_token"
        answer = http.get(url, params={**app, **parameters}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    short = token(code=code, redirect_uri=address)
    return api_of(simulated, token(grant_type="fb_exchange_token", fb_exchange_token=short))


@pytest.fixture(scope="module")
def page(simulated, user_api):
    """The first Page of the person, with its own token."""
    first = next(iter(User("me", api=user_api).get_accounts(fields=["name", "access_token", "tasks"])))
    assert "CREATE_CONTENT" in first["tasks"]
    return Page(first["id"], api=api_of(simulated, first["access_token"]))


@pytest.fixture
def video(http, video_url):
    url = video_url.replace("python-client", f"meta-{random.randrange(10**9)}") + "?size=1500000"
    return http.get(url, timeout=30).content


def start(page):
    begun = page.create_video_reel(params={"upload_phase": AdVideo.UploadPhase.start})
    return begun["video_id"], begun["upload_url"]


def send(http, page, url, video, offset=0):
    token = page.get_api_assured()._session.access_token
    headers = {"Authorization": f"OAuth {token}", "offset": str(offset), "file_size": str(len(video))}
    return http.post(url, headers=headers, data=video[offset:], timeout=30)


def status(page, video_id):
    return AdVideo(video_id, api=page.get_api_assured()).api_get(fields=["status"])["status"]


def finish(page, video_id, description):
    return page.create_video_reel(params={
        "upload_phase": AdVideo.UploadPhase.finish, "video_id": video_id, "description": description,
        "video_state": AdVideo.VideoState.published,
    })


def until_published(page, video_id):
    deadline = time.monotonic() + PUBLISH_DEADLINE
    while True:
        phase = status(page, video_id)["publishing_phase"]
        if phase.get("publish_status") == "published":
            return
        assert "error" not in phase and time.monotonic() < deadline, phase
        time.sleep(0.2)


def test_an_upload_that_is_cut_goes_on_and_ends_as_one_reel(simulated, http, page, video):
    video_id, url = start(page)
    simulated.cut_once("meta.reel_upload", "body", after_bytes=600_000)
    with pytest.raises(requests.ConnectionError):
        send(http, page, url, video)
    # The client knows of the cut before the other side has counted what arrived.
    deadline = time.monotonic() + PUBLISH_DEADLINE
    while (uploading := status(page, video_id)["uploading_phase"])["bytes_transfered"] != 600_000:
        assert time.monotonic() < deadline, uploading
        time.sleep(0.1)
    assert uploading["status"] == "in_progress"
    assert send(http, page, url, video, offset=600_000).json() == {"success": True}
    assert status(page, video_id)["video_status"] == "upload_complete"
    assert simulated.posts("facebook", "Meta resumes") == []
    # The library drops `success`, which is no field of a video; the status tells.
    finish(page, video_id, "Meta resumes ✨")
    until_published(page, video_id)
    (post,) = simulated.posts("facebook", "Meta resumes ✨")
    assert post["platform_post_id"] == video_id
    assert post["sha256"] == hashlib.sha256(video).hexdigest()


def test_a_lost_answer_to_the_finish_is_found_in_the_status(simulated, http, page, video):
    video_id, url = start(page)
    send(http, page, url, video)
    simulated.cut_once("meta.reel_finish", "after")
    with pytest.raises(requests.ConnectionError):
        finish(page, video_id, "Meta loses the answer")
    until_published(page, video_id)
    assert len(simulated.posts("facebook", "Meta loses the answer")) == 1


def test_a_reel_is_listed_read_and_counted(simulated, http, page, video):
    video_id, url = start(page)
    send(http, page, url, video)
    finish(page, video_id, "Meta is read")
    until_published(page, video_id)
    assert video_id in [reel["id"] for reel in page.get_video_reels()]
    node = AdVideo(video_id, api=page.get_api_assured())
    assert video_id in node.api_get(fields=["permalink_url"])["permalink_url"]
    simulated.post(f"meta/facebook/videos/{video_id}", {"insights": {"fb_reels_total_plays": 7}})
    (plays,) = node.get_video_insights(params={"metric": ["fb_reels_total_plays"]})
    assert plays["values"] == [{"value": 7}]


def test_errors_reach_the_sdk_with_code_and_subcode(simulated, page, user_api):
    video_id, _ = start(page)
    with pytest.raises(FacebookRequestError) as caught:
        finish(page, video_id, "Meta is too early")
    assert (caught.value.http_status(), caught.value.api_error_code()) == (400, 6000)
    with pytest.raises(FacebookRequestError) as caught:
        start(Page(page["id"], api=user_api))
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (190, 2069032)
    with pytest.raises(FacebookRequestError) as caught:
        AdVideo("1", api=page.get_api_assured()).api_get(fields=["status"])
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 33)
    forged = api_of(simulated, page.get_api_assured()._session.access_token)
    forged._session.requests.params["appsecret_proof"] = "0" * 64
    with pytest.raises(FacebookRequestError) as caught:
        Page(page["id"], api=forged).get_video_reels()
    assert caught.value.api_error_code() == 100
    simulated.post("meta/faults", {"operation": "meta.reel_start", "error": "80001"})
    with pytest.raises(FacebookRequestError) as caught:
        start(page)
    assert caught.value.api_error_code() == 80001
    assert simulated.posts("facebook", "Meta is too early") == []


def test_a_revoked_app_ends_the_pages_token(user_api, page):
    # Last, because it ends the login of all the tests before.
    user_api.call("DELETE", ("me", "permissions"))
    with pytest.raises(FacebookRequestError) as caught:
        start(page)
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (190, 458)
