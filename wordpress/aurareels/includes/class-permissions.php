<?php
/**
 * Who may do what.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * The two capabilities, and the permission callbacks of the routes.
 *
 * Nobody logged in: 401. Logged in without the capability: 403. A token that is no good: 403, as the common JWT plugin says it.
 */
final class Permissions {

	/**
	 * May see own accounts and posts.
	 */
	const VIEW = 'aurareels_view';

	/**
	 * May connect accounts, publish and schedule.
	 */
	const PUBLISH = 'aurareels_publish';

	/**
	 * Roles that get both on activation.
	 */
	const ROLES = array( 'administrator', 'editor', 'author' );

	/**
	 * For routes of users.
	 *
	 * @param string $capability The capability.
	 * @return callable
	 */
	public static function user( $capability ) {
		return static function () use ( $capability ) {
			return self::check( $capability );
		};
	}

	/**
	 * For routes that n8n calls with its key, besides users.
	 *
	 * @param string $capability The capability that a user needs.
	 * @return callable
	 */
	public static function user_or_n8n( $capability ) {
		return static function ( \WP_REST_Request $request ) use ( $capability ) {
			return self::is_n8n( $request ) ? true : self::check( $capability );
		};
	}

	/**
	 * For the internal routes: n8n's key and nothing else.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return true|\WP_Error
	 */
	public static function n8n( \WP_REST_Request $request ) {
		if ( self::is_n8n( $request ) ) {
			return true;
		}
		$message = Settings::has_n8n_key()
			? __( 'This route takes the key N8N_API_KEY as bearer token.', 'aurareels' )
			: __( 'No N8N_API_KEY of at least 16 characters is set on this site.', 'aurareels' );
		return new \WP_Error( 'aurareels_unauthorized', $message, array( 'status' => 401 ) );
	}

	/**
	 * Whether a request carries n8n's key.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return bool
	 */
	public static function is_n8n( \WP_REST_Request $request ) {
		$header = (string) $request->get_header( 'authorization' );
		return (bool) preg_match( '/^Bearer\s+(.+?)\s*$/i', $header, $found ) && Settings::is_n8n_key( $found[1] );
	}

	/**
	 * A client for whoever makes the request.
	 *
	 * @param \WP_REST_Request $request    The request.
	 * @param string           $capability The capability that the route has checked.
	 * @return Client
	 */
	public static function client( \WP_REST_Request $request, $capability ) {
		return self::is_n8n( $request ) ? Client::of_site() : Client::of_user( get_current_user_id(), $capability );
	}

	private static function check( $capability ) {
		if ( ! is_user_logged_in() ) {
			$problem = Site_Token::problem();
			return null !== $problem ? $problem : new \WP_Error(
				'aurareels_unauthorized',
				__( 'You have to be logged in.', 'aurareels' ),
				array( 'status' => 401 )
			);
		}
		if ( ! current_user_can( $capability ) ) {
			return new \WP_Error(
				'aurareels_forbidden',
				/* translators: %s: name of a capability */
				sprintf( __( 'Your role lacks the capability %s.', 'aurareels' ), $capability ),
				array( 'status' => 403 )
			);
		}
		return true;
	}
}
