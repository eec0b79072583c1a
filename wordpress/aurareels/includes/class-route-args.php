<?php
/**
 * The parameters of the REST routes.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * What each route takes, as WordPress checks it. Every REST request of the site registers all routes, so this is apart from what
 * answers them: a request to another plugin's route loads nothing of that.
 */
final class Route_Args {

	/**
	 * Parameters of the list of accounts.
	 *
	 * @return array
	 */
	public static function accounts() {
		return array(
			'platform' => self::platform(),
			'active'   => array( 'type' => 'boolean' ),
		);
	}

	/**
	 * Parameters of connecting an account.
	 *
	 * @return array
	 */
	public static function connect() {
		return array(
			'platform'      => self::platform(),
			'login_flavour' => self::word( 'LoginFlavour' ),
			'account_id'    => self::id(),
		);
	}

	/**
	 * Parameters of publish, schedule and validate.
	 *
	 * @return array
	 */
	public static function publish() {
		$texts = array(
			'type'  => 'array',
			'items' => array( 'type' => 'string' ),
		);
		return array(
			'accounts'         => array(
				'type'              => 'array',
				'items'             => self::id(),
				'minItems'          => 1,
				'maxItems'          => 100,
				'required'          => true,
				// WordPress would read `true` as the account 1.
				'validate_callback' => static function ( $value, $request, $name ) {
					return is_bool( $value )
						? new \WP_Error( 'rest_invalid_type', __( 'accounts must be a list of ids.', 'aurareels' ) )
						: rest_validate_request_arg( $value, $request, $name );
				},
			),
			'video_job_id'     => self::text( 255 ),
			'video_url'        => self::text( 4096 ),
			'media_id'         => self::text( 255 ),
			'thumbnail_url'    => self::text( 4096 ),
			'caption'          => array( 'type' => 'string' ),
			'hashtags'         => $texts,
			'mentions'         => $texts,
			'location'         => self::text( 255 ),
			'privacy_level'    => self::text( 50 ),
			'allow_comments'   => array( 'type' => 'boolean' ),
			'allow_duet'       => array( 'type' => 'boolean' ),
			'allow_stitch'     => array( 'type' => 'boolean' ),
			'metadata'         => array( 'type' => array( 'object', 'null' ) ),
			'platform_options' => array( 'type' => 'object' ),
			'on_long_caption'  => self::word( 'OnLongCaption' ),
			'request_key'      => self::text( 128 ),
			'allow_duplicate'  => self::flag(),
		);
	}

	/**
	 * Parameters that say when.
	 *
	 * @param bool $required Whether a time is needed.
	 * @return array
	 */
	public static function time( $required ) {
		return array(
			'scheduled_at' => array(
				'type'      => 'string',
				'minLength' => 1,
				'maxLength' => 64,
				'required'  => $required,
			),
			'time_zone'    => self::text( 64 ),
		);
	}

	/**
	 * Parameters of the list of posts.
	 *
	 * @return array
	 */
	public static function posts() {
		return array(
			'status'       => self::word( 'PostStatus' ),
			'platform'     => self::platform(),
			'account_id'   => self::id(),
			'video_job_id' => self::text( 255 ),
			'limit'        => array(
				'type'    => 'integer',
				'minimum' => 1,
				'maximum' => 100,
				'default' => 20,
			),
			'offset'       => array(
				'type'    => 'integer',
				'minimum' => 0,
				'maximum' => 10000,
				'default' => 0,
			),
		);
	}

	/**
	 * Parameters of resolving a post.
	 *
	 * @return array
	 */
	public static function resolve() {
		return array(
			'resolution'        => array( 'required' => true ) + self::word( 'Resolution' ),
			'platform_post_id'  => self::text( 255 ),
			'platform_post_url' => self::text( 4096 ),
			'note'              => self::text( 2000 ),
		);
	}

	/**
	 * Parameters of n8n's routes.
	 *
	 * @return array
	 */
	public static function internal() {
		return array(
			'post_id'      => array( 'required' => true ) + self::id(),
			'scheduled_at' => array(
				'type'      => 'string',
				'maxLength' => 64,
			),
		);
	}

	/**
	 * The id in a path.
	 *
	 * @return array
	 */
	public static function id() {
		return array(
			'type'    => 'integer',
			'minimum' => 1,
			'maximum' => PHP_INT_MAX,
		);
	}

	/**
	 * A yes or no.
	 *
	 * @return array
	 */
	public static function flag() {
		return array(
			'type'    => 'boolean',
			'default' => false,
		);
	}

	/**
	 * A platform's word.
	 *
	 * @return array
	 */
	public static function platform() {
		return self::word( 'Platform' );
	}

	/**
	 * A word of an enum. The tables are loaded when one is given, not when the route is registered.
	 *
	 * @param string $enum The enum.
	 * @return array
	 */
	public static function word( $enum ) {
		return array(
			'type'              => 'string',
			'validate_callback' => static function ( $value, $request, $name ) use ( $enum ) {
				$schema = array(
					'type' => 'string',
					'enum' => Codec::get()->words( $enum ),
				);
				return rest_validate_value_from_schema( $value, $schema, $name );
			},
		);
	}

	/**
	 * A text.
	 *
	 * @param int $longest Most characters.
	 * @return array
	 */
	public static function text( $longest ) {
		return array(
			'type'      => 'string',
			'maxLength' => $longest,
		);
	}
}
