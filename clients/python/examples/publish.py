"""Publishes a video on account 1."""

import os

from aurareels import connect
from aurareels.v1.post_pb2 import PostStatus
from aurareels.v1.post_service_pb2 import PostContent, PublishPostsRequest

with connect(os.environ["AURAREELS_ADDRESS"], os.environ["AURAREELS_API_KEY"]) as core:
    content = PostContent(video_url=os.environ["VIDEO"], caption="Hello from Python", privacy_level="PUBLIC")
    answer = core.posts.PublishPosts(PublishPostsRequest(accounts=[1], content=content), timeout=30)
    for post in answer.posts:
        print(f"post {post.id} is {PostStatus.Name(post.status)}")
