// Publishes a video on account 1.
import { connect } from "aurareels";
import { PostStatus } from "aurareels/v1/post";

const core = connect({ address: process.env.AURAREELS_ADDRESS, key: process.env.AURAREELS_API_KEY });
const content = { videoUrl: process.env.VIDEO, caption: "Hello from Node", privacyLevel: "PUBLIC" };
const { posts } = await core.posts.publishPosts({ accounts: [1n], content }, { timeoutMs: 30_000 });
for (const post of posts) console.log(`post ${post.id} is ${PostStatus[post.status]}`);
