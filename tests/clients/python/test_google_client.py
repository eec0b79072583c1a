"""Google's own Python client (google-api-python-client, google-auth) against the simulated YouTube.

Login in the browser, upload in chunks that are cut and resumed, state, errors and deletion, all through the library
that people use with the real service. Only the addresses in its discovery document are ours.
"""

import copy
import hashlib
import importlib.resources
import json
import random

import google.auth.exceptions
import google.auth.transport.requests
import google_auth_httplib2
import googleapiclient.discovery
import googleapiclient.http
import httplib2
import pytest
import requests
from google_auth_oauthlib.flow import Flow
from googleapiclient.errors import HttpError

import browser
import vendor

SCOPES = ["https://www.googleapis.com/auth/youtube", "https://www.googleapis.com/auth/youtube.upload"]
CHUNK = 512 * 1024
# A request whose connection was lost is sent again by httplib2, without its body; nobody answers that.
TIMEOUT = 3


@pytest.fixture(scope="module")
def simulated(simulator):
    return vendor.Simulator(simulator)


@pytest.fixture(scope="module")
def credentials(simulated):
    """What Google's login gives for the first channel, by its own consent page."""
    settings = simulated.settings
    client = {
        "client_id": settings["YOUTUBE_CLIENT_ID"],
        "client_secret": settings["YOUTUBE_CLIENT_SECRET"],
        "auth_uri": settings["GOOGLE_AUTH_BASE_URL"] + "/o/oauth2/v2/auth",
        "token_uri": settings["GOOGLE_TOKEN_BASE_URL"] + "/token",
    }
    with vendor.Callback("youtube") as callback, pytest.MonkeyPatch.context() as environment:
        # The library insists on https otherwise.
        environment.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        flow = Flow.from_client_config({"web": client}, scopes=SCOPES, redirect_uri=callback.address)
        flow.oauth2session.trust_env = False
        address, state = flow.authorization_url(access_type="offline", prompt="consent")
        browser.allow(address)
        assert f"state={state}" in callback.arrived
        flow.fetch_token(authorization_response=callback.arrived)
        return flow.credentials


@pytest.fixture(scope="module")
def youtube(simulated, credentials):
    """The library's client, from its own discovery document with our address in it."""
    documents = importlib.resources.files("googleapiclient") / "discovery_cache" / "documents"
    document = copy.deepcopy(json.loads((documents / "youtube.v3.json").read_text()))
    address = simulated.settings["YOUTUBE_API_BASE_URL"] + "/"
    document["rootUrl"] = document["baseUrl"] = address
    http = httplib2.Http(timeout=TIMEOUT, proxy_info=None)
    # As the library's own build_http does: 308 is an answer of the upload, not a redirect.
    http.redirect_codes = http.redirect_codes - {308}
    authorized = google_auth_httplib2.AuthorizedHttp(credentials, http=http)
    return googleapiclient.discovery.build_from_document(document, http=authorized)


@pytest.fixture
def video(simulated, tmp_path, video_url):
    """A file that YouTube takes, of four chunks and a rest."""
    name = f"google-{random.randrange(10**9)}"
    url = video_url.replace("python-client", name) + f"?size={4 * CHUNK + 12345}"
    path = tmp_path / f"{name}.mp4"
    session = requests.Session()
    session.trust_env = False
    path.write_bytes(session.get(url, timeout=30).content)
    return path


def upload(youtube, path, title, privacy="public"):
    body = {
        "snippet": {"title": title, "description": "By Google's own client.", "categoryId": "22"},
        "status": {"privacyStatus": privacy, "selfDeclaredMadeForKids": False},
    }
    media = googleapiclient.http.MediaFileUpload(str(path), mimetype="video/mp4", chunksize=CHUNK, resumable=True)
    return youtube.videos().insert(part="snippet,status", body=body, media_body=media)


def finish(request):
    response = None
    while response is None:
        _, response = request.next_chunk()
    return response


def test_the_own_channel_is_found(youtube):
    answer = youtube.channels().list(part="snippet,contentDetails,statistics", mine=True).execute()
    (channel,) = answer["items"]
    assert channel["id"].startswith("UC")
    assert channel["contentDetails"]["relatedPlaylists"]["uploads"].startswith("UU")


def test_an_expired_token_is_refreshed_and_the_refresh_token_stays(youtube, credentials, simulated):
    account = youtube.channels().list(part="id", mine=True).execute()["items"][0]["id"]
    before = (credentials.token, credentials.refresh_token)
    simulated.post("youtube/tokens/kill", {"account": account, "refresh": False})
    assert youtube.channels().list(part="id", mine=True).execute()["items"]
    assert credentials.token != before[0] and credentials.refresh_token == before[1]


def test_an_upload_in_chunks_shows_its_progress(youtube, simulated, video):
    request = upload(youtube, video, "Google in chunks")
    progress = []
    response = None
    while response is None:
        status, response = request.next_chunk()
        if status:
            progress.append(status.resumable_progress)
    assert progress == [CHUNK, 2 * CHUNK, 3 * CHUNK, 4 * CHUNK]
    (post,) = simulated.posts("youtube", "Google in chunks")
    assert post["platform_post_id"] == response["id"]
    assert post["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()


def test_an_upload_that_is_cut_goes_on_and_ends_as_one_video(youtube, simulated, video):
    request = upload(youtube, video, "Google resumes")
    request.next_chunk()
    # In the middle of the second chunk: one block of 256 KiB of it stays.
    simulated.cut_once("youtube.upload_chunk", "body", after_bytes=300_000)
    with pytest.raises((OSError, httplib2.HttpLib2Error)):
        request.next_chunk()
    simulated.clear_faults()
    # The library asks how far it is, and sends the next chunk from there.
    status, response = request.next_chunk()
    assert response is None and status.resumable_progress == 2 * CHUNK + 256 * 1024
    response = finish(request)
    (post,) = simulated.posts("youtube", "Google resumes")
    assert post["platform_post_id"] == response["id"]
    assert post["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()


def test_a_lost_answer_to_the_last_byte_is_found(youtube, simulated, video):
    request = upload(youtube, video, "Google loses the answer")
    for _ in range(4):
        request.next_chunk()
    simulated.cut_once("youtube.upload_last_chunk", "after")
    with pytest.raises((OSError, httplib2.HttpLib2Error)):
        request.next_chunk()
    simulated.clear_faults()
    response = finish(request)
    (post,) = simulated.posts("youtube", "Google loses the answer")
    assert post["platform_post_id"] == response["id"]


def test_a_server_error_is_told_and_the_upload_goes_on(youtube, simulated, video):
    request = upload(youtube, video, "Google goes on")
    request.next_chunk()
    simulated.post("youtube/faults", {"operation": "youtube.upload_chunk", "error": "503/backendError"})
    # Retrying by itself the library would send the chunk again from a stream that it has read to its end.
    with pytest.raises(HttpError) as caught:
        request.next_chunk()
    assert caught.value.status_code == 503
    response = finish(request)
    (post,) = simulated.posts("youtube", "Google goes on")
    assert post["platform_post_id"] == response["id"]


def test_a_private_video_is_read_made_public_and_deleted(youtube, simulated, video):
    made = finish(upload(youtube, video, "Google in two steps", privacy="private"))
    assert simulated.posts("youtube", "Google in two steps") == []
    (read,) = youtube.videos().list(part="status,processingDetails,fileDetails", id=made["id"]).execute()["items"]
    assert read["status"]["uploadStatus"] in ("uploaded", "processed")
    assert read["fileDetails"]["fileSize"] == str(video.stat().st_size)
    status = {**read["status"], "privacyStatus": "public"}
    youtube.videos().update(part="status", body={"id": made["id"], "status": status}).execute()
    (post,) = simulated.posts("youtube", "Google in two steps")
    assert post["privacy"] == "public"
    youtube.videos().delete(id=made["id"]).execute()
    assert simulated.posts("youtube", "Google in two steps") == []
    with pytest.raises(HttpError) as caught:
        youtube.videos().delete(id=made["id"]).execute()
    assert (caught.value.status_code, caught.value.error_details[0]["reason"]) == (404, "videoNotFound")


def test_a_thumbnail_is_set(youtube, simulated, video):
    made = finish(upload(youtube, video, "Google with a picture"))
    # A Short takes one only when its processing is over.
    simulated.post("clock", {"advance_seconds": 3})
    picture = googleapiclient.http.MediaInMemoryUpload(b"\xff\xd8\xff\xe0" * 1000, mimetype="image/jpeg")
    answer = youtube.thumbnails().set(videoId=made["id"], media_body=picture).execute()
    assert answer["kind"] == "youtube#thumbnailSetResponse"


def test_errors_reach_the_library_with_status_and_reason(youtube, simulated, video):
    with pytest.raises(HttpError) as caught:
        upload(youtube, video, "").next_chunk()
    assert (caught.value.status_code, caught.value.error_details[0]["reason"]) == (400, "invalidTitle")
    simulated.post("youtube/faults", {"operation": "youtube.upload_init", "error": "quotaExceeded"})
    with pytest.raises(HttpError) as caught:
        upload(youtube, video, "Google without quota").next_chunk()
    assert (caught.value.status_code, caught.value.error_details[0]["reason"]) == (403, "quotaExceeded")
    assert simulated.posts("youtube", "Google without quota") == []


def test_a_revoked_grant_is_told_by_the_library(credentials, simulated):
    # Last, because it ends the login of all the tests before.
    session = requests.Session()
    session.trust_env = False
    revoked = session.post(
        simulated.settings["GOOGLE_TOKEN_BASE_URL"] + "/revoke", data={"token": credentials.refresh_token}, timeout=30
    )
    assert revoked.status_code == 200
    with pytest.raises(google.auth.exceptions.RefreshError) as caught:
        credentials.refresh(google.auth.transport.requests.Request(session=session))
    assert "invalid_grant" in str(caught.value)
