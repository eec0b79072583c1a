<?php
/**
 * Answers of the core in the shapes of the REST contract.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Times are `Y-m-d H:i:s` in UTC, ids are numbers, what the platform did not tell is null, as the original design has it. A
 * shape has the original's keys; `extended` adds what the core knows beyond them. A word of a newer core passes through as
 * its number, such as `status_12`.
 */
final class Shapes {

	/**
	 * A time.
	 *
	 * @param array|null $time google.protobuf.Timestamp.
	 * @return string|null
	 */
	public static function time( $time ) {
		return null === $time ? null : gmdate( 'Y-m-d H:i:s', $time['seconds'] );
	}

	/**
	 * A text that is null when there is none.
	 *
	 * @param string $text The text.
	 * @return string|null
	 */
	private static function text( $text ) {
		return '' === $text ? null : $text;
	}

	/**
	 * A handle with the "@" that the original shows.
	 *
	 * @param string $name The handle.
	 * @return string|null
	 */
	private static function handle( $name ) {
		return '' === $name ? null : '@' . ltrim( $name, '@' );
	}

	/**
	 * A word of an enum.
	 *
	 * @param string $enum    The enum.
	 * @param int    $number  The number.
	 * @param string $unknown What stands before a number that this release does not know.
	 * @return string
	 */
	private static function word( $enum, $number, $unknown ) {
		if ( 0 === $number ) {
			return 'unknown';
		}
		$word = Codec::get()->word( $enum, $number );
		return null === $word ? $unknown . '_' . $number : $word;
	}

	/**
	 * The word of a platform.
	 *
	 * @param int $number The number.
	 * @return string
	 */
	public static function platform( $number ) {
		return self::word( 'Platform', $number, 'platform' );
	}

	/**
	 * The word of a status.
	 *
	 * @param int $number The number.
	 * @return string
	 */
	public static function status( $number ) {
		return self::word( 'PostStatus', $number, 'status' );
	}

	/**
	 * An account.
	 *
	 * @param array $account  The core's Account.
	 * @param bool  $extended With what the core knows beyond the original.
	 * @return array
	 */
	public static function account( array $account, $extended ) {
		$shape = array(
			'id'                  => $account['id'],
			'platform'            => self::platform( $account['platform'] ),
			'account_name'        => $account['account_name'],
			'account_username'    => self::handle( $account['account_username'] ),
			'profile_picture_url' => self::text( $account['profile_picture_url'] ),
			'is_active'           => $account['is_active'],
			'token_expires_at'    => self::time( $account['token_expires_at'] ),
			'created_at'          => self::time( $account['created_at'] ),
		);
		if ( $extended ) {
			$shape += array(
				'wp_user_id'               => $account['wp_user_id'],
				'account_id'               => $account['account_id'],
				'account_email'            => self::text( $account['account_email'] ),
				'token_scope'              => $account['token_scope'],
				'missing_scope'            => $account['missing_scope'],
				'last_token_refresh'       => self::time( $account['last_token_refresh'] ),
				'refresh_token_expires_at' => self::time( $account['refresh_token_expires_at'] ),
				'updated_at'               => self::time( $account['updated_at'] ),
				'health'                   => self::word( 'AccountHealth', $account['health'], 'health' ),
				'health_reason'            => self::text( $account['health_reason'] ),
			);
		}
		return $shape;
	}

	/**
	 * A post in the answer of publish.
	 *
	 * @param array $post The core's Post.
	 * @return array
	 */
	public static function published( array $post ) {
		return array(
			'id'           => $post['id'],
			'platform'     => self::platform( $post['platform'] ),
			'status'       => self::status( $post['status'] ),
			'account_name' => self::account_name( $post ),
		);
	}

	/**
	 * A post in the answer of schedule.
	 *
	 * @param array $post The core's Post.
	 * @return array
	 */
	public static function scheduled( array $post ) {
		return array(
			'id'           => $post['id'],
			'platform'     => self::platform( $post['platform'] ),
			'status'       => self::status( $post['status'] ),
			'scheduled_at' => self::time( $post['scheduled_at'] ),
		);
	}

	/**
	 * A post in a list. The original's example shows a published one; `scheduled_at` is what its calendar needs of the others.
	 *
	 * @param array $post     The core's Post.
	 * @param bool  $extended With what the core knows beyond the original.
	 * @return array
	 */
	public static function listed( array $post, $extended ) {
		$shape = array(
			'id'                => $post['id'],
			'platform'          => self::platform( $post['platform'] ),
			'status'            => self::status( $post['status'] ),
			'caption'           => $post['caption'],
			'platform_post_url' => self::text( $post['platform_post_url'] ),
			'scheduled_at'      => self::time( $post['scheduled_at'] ),
			'published_at'      => self::time( $post['published_at'] ),
			'video_job_id'      => $post['video_job_id'],
			'account_name'      => self::account_name( $post ),
		);
		return $extended ? $shape + self::beyond( $post ) : $shape;
	}

	/**
	 * A post with all its details.
	 *
	 * @param array $post     The core's Post.
	 * @param bool  $extended With what the core knows beyond the original.
	 * @return array
	 */
	public static function post( array $post, $extended ) {
		$account = $post['account'];
		$shape   = array(
			'id'                => $post['id'],
			'platform'          => self::platform( $post['platform'] ),
			'status'            => self::status( $post['status'] ),
			'caption'           => $post['caption'],
			'hashtags'          => $post['hashtags'],
			'platform_post_id'  => self::text( $post['platform_post_id'] ),
			'platform_post_url' => self::text( $post['platform_post_url'] ),
			'video_url'         => self::text( $post['video_url'] ),
			'thumbnail_url'     => self::text( $post['thumbnail_url'] ),
			'scheduled_at'      => self::time( $post['scheduled_at'] ),
			'published_at'      => self::time( $post['published_at'] ),
			'error_message'     => self::text( $post['error_message'] ),
			'retry_count'       => $post['retry_count'],
			'account'           => array(
				'id'               => $post['social_account_id'],
				'account_name'     => self::account_name( $post ),
				'account_username' => null === $account ? null : self::handle( $account['account_username'] ),
			),
		);
		return $extended ? $shape + self::beyond( $post ) : $shape;
	}

	/**
	 * What the core knows of a post beyond the original's keys.
	 *
	 * @param array $post The core's Post.
	 * @return array
	 */
	private static function beyond( array $post ) {
		return array(
			'wp_user_id'        => $post['wp_user_id'],
			'social_account_id' => $post['social_account_id'],
			'video_job_id'      => $post['video_job_id'],
			'media_id'          => self::text( $post['media_id'] ),
			'hashtags'          => $post['hashtags'],
			'mentions'          => $post['mentions'],
			'location'          => self::text( $post['location'] ),
			'privacy_level'     => self::text( $post['privacy_level'] ),
			'allow_comments'    => $post['allow_comments'],
			'allow_duet'        => $post['allow_duet'],
			'allow_stitch'      => $post['allow_stitch'],
			'error_message'     => self::text( $post['error_message'] ),
			'error'             => $post['error'],
			'warnings'          => $post['warnings'],
			'retry_count'       => $post['retry_count'],
			'retry_available'   => $post['retry_available'],
			'last_retry_at'     => self::time( $post['last_retry_at'] ),
			'waiting_for'       => self::text( $post['waiting_for'] ),
			'waiting_until'     => self::time( $post['waiting_until'] ),
			'metadata'          => $post['metadata'],
			'revision'          => $post['revision'],
			'created_at'        => self::time( $post['created_at'] ),
			'updated_at'        => self::time( $post['updated_at'] ),
		);
	}

	private static function account_name( array $post ) {
		return null === $post['account'] ? '' : $post['account']['account_name'];
	}

	/**
	 * What a platform asks of a video, in the words of the original.
	 *
	 * @param array $rules The core's VideoRequirements.
	 * @return array
	 */
	public static function requirements( array $rules ) {
		$seconds = static function ( $duration ) {
			return null === $duration ? null : $duration['seconds'];
		};
		return array(
			'platform'               => self::platform( $rules['platform'] ),
			'max_duration_seconds'   => $seconds( $rules['max_duration'] ),
			'min_duration_seconds'   => $seconds( $rules['min_duration'] ),
			'max_size_bytes'         => $rules['max_size_bytes'],
			'formats'                => $rules['formats'],
			'codecs'                 => $rules['codecs'],
			'aspect_ratios'          => $rules['aspect_ratios'],
			'min_resolution'         => $rules['min_resolution'],
			'recommended_resolution' => $rules['recommended_resolution'],
			'min_frame_rate'         => $rules['min_frame_rate'],
			'max_frame_rate'         => $rules['max_frame_rate'],
			'max_caption_length'     => $rules['max_caption_length'],
			'max_hashtags'           => $rules['max_hashtags'],
			'max_mentions'           => $rules['max_mentions'],
		);
	}

	/**
	 * How many posts an account may still publish.
	 *
	 * @param array $quota The core's Quota.
	 * @return array
	 */
	public static function quota( array $quota ) {
		$left = array();
		if ( null !== $quota['total'] && null !== $quota['used'] ) {
			$left[] = max( 0, $quota['total'] - $quota['used'] );
		}
		if ( null !== $quota['daily_remaining'] ) {
			$left[] = $quota['daily_remaining'];
		}
		return array(
			'account_id'             => $quota['account_id'],
			'platform'               => self::platform( $quota['platform'] ),
			'used'                   => $quota['used'],
			'total'                  => $quota['total'],
			'remaining'              => $left ? min( $left ) : null,
			'window_seconds'         => $quota['window_seconds'],
			'published_by_aurareels' => $quota['published_by_aurareels'],
			'daily_limit'            => $quota['daily_limit'],
			'daily_remaining'        => $quota['daily_remaining'],
			'blocked_until'          => self::time( $quota['blocked_until'] ),
		);
	}

	/**
	 * What may be chosen for a post on an account.
	 *
	 * @param array $options The core's PublishOptions.
	 * @return array
	 */
	public static function publish_options( array $options ) {
		$options['platform'] = self::platform( $options['platform'] );
		foreach ( array( 'creator_nickname', 'creator_username', 'creator_avatar_url', 'reason' ) as $name ) {
			$options[ $name ] = self::text( $options[ $name ] );
		}
		return $options;
	}

	/**
	 * An event, as actions get it.
	 *
	 * @param array $event The core's Event.
	 * @return array
	 */
	public static function event( array $event ) {
		return array(
			'sequence'        => $event['sequence'],
			'type'            => self::word( 'EventType', $event['type'], 'type' ),
			'created_at'      => self::time( $event['created_at'] ),
			'user_id'         => $event['wp_user_id'],
			'post_id'         => $event['post_id'],
			'account_id'      => $event['account_id'],
			'status'          => 0 === $event['status'] ? null : self::status( $event['status'] ),
			'previous_status' => 0 === $event['previous_status'] ? null : self::status( $event['previous_status'] ),
			'reason'          => self::text( $event['reason'] ),
			'post'            => null === $event['post'] ? null : self::post( $event['post'], true ),
			'account'         => null === $event['account'] ? null : self::account( $event['account'], true ),
		);
	}
}
