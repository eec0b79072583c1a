// The functions by which the original's front end speaks to the site, written anew from its document: the same names, paths,
// methods and headers, with axios. `page.html` calls them in a real browser.

const API_BASE = `${location.origin}/wp-json/aurareels/v1/social`;

const headers = () => ({
  headers: { Authorization: `Bearer ${localStorage.getItem("jwt_token")}`, "Content-Type": "application/json" },
});
const data = async (answer) => (await answer).data;

export const getSocialAccounts = (platform = null) =>
  data(axios.get(platform ? `${API_BASE}/accounts?platform=${platform}` : `${API_BASE}/accounts`, headers()));

export const connectSocialAccount = async (platform) => {
  const answer = await data(axios.post(`${API_BASE}/accounts/connect/${platform}`, {}, headers()));
  if (answer.success && answer.auth_url) {
    window.location.href = answer.auth_url;
  }
  return answer;
};

export const disconnectSocialAccount = (id) => data(axios.delete(`${API_BASE}/accounts/${id}`, headers()));
export const refreshAccountToken = (id) => data(axios.post(`${API_BASE}/accounts/${id}/refresh`, {}, headers()));
export const publishToSocial = (request) => data(axios.post(`${API_BASE}/publish`, request, headers()));
export const scheduleSocialPost = (request) => data(axios.post(`${API_BASE}/schedule`, request, headers()));
export const getSocialPosts = (filters = {}) => data(axios.get(`${API_BASE}/posts?${new URLSearchParams(filters)}`, headers()));
export const getSocialPost = (id) => data(axios.get(`${API_BASE}/posts/${id}`, headers()));
export const reschedulePost = (id, time) => data(axios.patch(`${API_BASE}/posts/${id}/reschedule`, { scheduled_at: time }, headers()));
export const cancelScheduledPost = (id) => data(axios.delete(`${API_BASE}/posts/${id}`, headers()));
export const retryFailedPost = (id) => data(axios.post(`${API_BASE}/posts/${id}/retry`, {}, headers()));
