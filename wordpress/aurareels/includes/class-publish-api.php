<?php
/**
 * Routes that make posts, and those that look before.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Publishes, schedules and validates.
 *
 * What the original's requests leave out has the original's defaults: PUBLIC, comments, duets and stitches allowed (filter
 * `aurareels_post_defaults`). Without a request key the core derives one from what is posted, so a client whose request timed
 * out simply sends it again.
 */
final class Publish_Api {

	/**
	 * POST publish.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function publish( \WP_REST_Request $request ) {
		$posts = self::posts( $request );
		if ( is_wp_error( $posts ) ) {
			return $posts;
		}
		$answer = Permissions::client( $request, Permissions::PUBLISH )->call( 'PostService/PublishPosts', $posts );
		return Routes::success(
			array(
				'message' => 'Publishing initiated',
				'posts'   => array_map( array( Shapes::class, 'published' ), $answer['posts'] ),
			)
		);
	}

	/**
	 * POST schedule.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function schedule( \WP_REST_Request $request ) {
		$posts = self::posts( $request );
		if ( is_wp_error( $posts ) ) {
			return $posts;
		}
		$posts['scheduled_at'] = self::time( $request );
		$answer                = Permissions::client( $request, Permissions::PUBLISH )->call( 'PostService/SchedulePosts', $posts );
		return Routes::success(
			array(
				'message' => 'Posts scheduled successfully',
				'posts'   => array_map( array( Shapes::class, 'scheduled' ), $answer['posts'] ),
			)
		);
	}

	/**
	 * POST validate: every broken rule at once, and nothing is made.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function validate( \WP_REST_Request $request ) {
		$given   = $request->get_params();
		$content = self::content( $request, $given );
		if ( is_wp_error( $content ) ) {
			return $content;
		}
		unset( $content['job'] );
		$answer = Permissions::client( $request, Permissions::VIEW )->call(
			'PostService/ValidatePosts',
			array(
				'accounts'     => array_map( 'intval', $given['accounts'] ),
				'content'      => $content,
				'scheduled_at' => isset( $given['scheduled_at'] ) ? self::time( $request ) : null,
			)
		);
		return Routes::success( $answer );
	}

	/**
	 * GET video-jobs/{id}: what a front end prefills from.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function video_job( \WP_REST_Request $request ) {
		$job = Video_Jobs::find( rawurldecode( $request->get_url_params()['video_job_id'] ), get_current_user_id() );
		if ( is_wp_error( $job ) ) {
			return $job;
		}
		unset( $job['user_id'] );
		return Routes::success( array( 'job' => $job ) );
	}

	/**
	 * GET media-requirements.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function all_requirements( \WP_REST_Request $request ) {
		$client = Permissions::client( $request, Permissions::VIEW );
		$all    = array();
		foreach ( $client->call( 'PlatformService/ListPlatforms', array() )['platforms'] as $info ) {
			try {
				$rules = $client->call( 'PlatformService/GetVideoRequirements', array( 'platform' => $info['platform'] ) );
				$all[] = Shapes::requirements( $rules );
			} catch ( Core_Error $error ) {
				// A platform that the core knows by name alone has no rules yet.
				if ( Core_Error::UNAVAILABLE === $error->getCode() || Core_Error::DEADLINE_EXCEEDED === $error->getCode() ) {
					throw $error;
				}
			}
		}
		return Routes::success( array( 'requirements' => $all ) );
	}

	/**
	 * GET media-requirements/{platform}.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function requirements( \WP_REST_Request $request ) {
		$platform = (int) Codec::get()->number( 'Platform', $request->get_url_params()['platform'] );
		$rules    = Permissions::client( $request, Permissions::VIEW )->call( 'PlatformService/GetVideoRequirements', array( 'platform' => $platform ) );
		return Routes::success( array( 'requirements' => Shapes::requirements( $rules ) ) );
	}

	/**
	 * The time of a request: a text with or without zone, or a wall time with its IANA zone.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return array
	 */
	public static function time( \WP_REST_Request $request ) {
		$zone = (string) $request['time_zone'];
		if ( '' === $zone ) {
			return array( 'text' => $request['scheduled_at'] );
		}
		return array(
			'wall_time' => array(
				'local'     => $request['scheduled_at'],
				'time_zone' => $zone,
			),
		);
	}

	/**
	 * What publish and schedule hand to the core: the posts, and the video job that they are made from.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return array|\WP_Error
	 */
	private static function posts( \WP_REST_Request $request ) {
		$given   = $request->get_params();
		$content = self::content( $request, $given );
		if ( is_wp_error( $content ) ) {
			return $content;
		}
		$job = null;
		if ( isset( $content['job'] ) ) {
			// The core takes the video from the job.
			$job                  = Video_Jobs::message( $content['job'] );
			$content['video_url'] = '';
			unset( $content['job'] );
		}
		$key = isset( $given['request_key'] ) ? (string) $given['request_key'] : '';
		return array(
			'accounts'        => array_map( 'intval', $given['accounts'] ),
			'content'         => $content,
			// The caller's key: a parameter, or the header that HTTP clients use for it.
			'request_key'     => '' !== $key ? $key : substr( (string) $request->get_header( 'idempotency-key' ), 0, 256 ),
			'allow_duplicate' => (bool) $given['allow_duplicate'],
			'video_job'       => $job,
		);
	}

	/**
	 * What is posted.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @param array            $given   Its parameters: asking the request for one takes WordPress longer than all of them.
	 * @return array|\WP_Error
	 */
	private static function content( \WP_REST_Request $request, array $given ) {
		$text    = static function ( $name ) use ( $given ) {
			return isset( $given[ $name ] ) ? (string) $given[ $name ] : '';
		};
		$list    = static function ( $name ) use ( $given ) {
			return isset( $given[ $name ] ) ? array_values( (array) $given[ $name ] ) : array();
		};
		$content = array(
			'video_job_id'    => $text( 'video_job_id' ),
			'video_url'       => $text( 'video_url' ),
			'media_id'        => $text( 'media_id' ),
			'thumbnail_url'   => $text( 'thumbnail_url' ),
			'caption'         => $text( 'caption' ),
			'hashtags'        => $list( 'hashtags' ),
			'mentions'        => $list( 'mentions' ),
			'location'        => $text( 'location' ),
			'on_long_caption' => (int) Codec::get()->number( 'OnLongCaption', $text( 'on_long_caption' ) ),
		);
		if ( '' !== $content['video_job_id'] ) {
			$job = Video_Jobs::find( $content['video_job_id'], get_current_user_id() );
			$own = '' !== $content['video_url'] || '' !== $content['media_id'];
			// A job that this site cannot look up is a name for the core, where the request brings the video itself.
			if ( is_wp_error( $job ) && ! ( $own && 'aurareels_no_video_jobs' === $job->get_error_code() ) ) {
				return $job;
			}
			if ( ! $own ) {
				$content['video_url'] = $job['video_url'];
				$content['job']       = $job;
			}
			if ( '' === $content['thumbnail_url'] && ! is_wp_error( $job ) ) {
				$content['thumbnail_url'] = $job['thumbnail_url'];
			}
		} elseif ( '' === $content['video_url'] && '' === $content['media_id'] ) {
			return new \WP_Error( 'rest_missing_callback_param', __( 'Missing parameter(s): video_job_id', 'aurareels' ), array( 'status' => 400 ) );
		}
		/**
		 * What a request means that leaves these out.
		 *
		 * @param array            $defaults The original's defaults.
		 * @param \WP_REST_Request $request  The request.
		 */
		$defaults = apply_filters(
			'aurareels_post_defaults',
			array(
				'privacy_level'  => 'PUBLIC',
				'allow_comments' => true,
				'allow_duet'     => true,
				'allow_stitch'   => true,
			),
			$request
		);
		$content['privacy_level'] = '' !== $text( 'privacy_level' ) ? $text( 'privacy_level' ) : (string) $defaults['privacy_level'];
		foreach ( array( 'allow_comments', 'allow_duet', 'allow_stitch' ) as $name ) {
			$content[ $name ] = isset( $given[ $name ] ) ? (bool) $given[ $name ] : $defaults[ $name ];
		}
		if ( isset( $given['metadata'] ) ) {
			$content['metadata'] = self::metadata( $request, $given['metadata'] );
		}
		if ( isset( $given['platform_options'] ) ) {
			$content['platform_options'] = self::platform_options( $given['platform_options'] );
		}
		return $content;
	}

	/**
	 * The caller's own data. Read once more from the body, because arrays cannot tell `{}` from `[]`.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @param array            $given   The data as an array.
	 * @return object
	 */
	private static function metadata( \WP_REST_Request $request, $given ) {
		$raw = $request->is_json_content_type() ? json_decode( $request->get_body() ) : null;
		return is_object( $raw ) && isset( $raw->metadata ) ? $raw->metadata : (object) $given;
	}

	/**
	 * Options of one platform, with the words of enums as numbers.
	 *
	 * @param array $given The options.
	 * @return array
	 */
	private static function platform_options( array $given ) {
		$enums = array(
			'tiktok'    => array( 'transfer', 'TikTokTransfer' ),
			'instagram' => array( 'transfer', 'InstagramTransfer' ),
			'facebook'  => array( 'transfer', 'FacebookTransfer' ),
			'youtube'   => array( 'publish', 'YouTubePublish' ),
		);
		foreach ( $enums as $platform => list( $field, $enum ) ) {
			if ( isset( $given[ $platform ][ $field ] ) && is_string( $given[ $platform ][ $field ] ) ) {
				$number = Codec::get()->number( $enum, strtolower( $given[ $platform ][ $field ] ) );
				// An unknown word stays one: the codec refuses it by name.
				$given[ $platform ][ $field ] = null === $number ? $given[ $platform ][ $field ] : $number;
			}
		}
		return $given;
	}
}
