/** What the publish dialog starts with. */
export interface Prefill {
  accounts?: bigint[];
  videoUrl?: string;
  mediaId?: string;
  caption?: string;
  hashtags?: string[];
  mentions?: string[];
  videoJobId?: string;
  /** The time to publish at; at once when absent. */
  scheduledAt?: Date;
}
