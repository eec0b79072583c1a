<?php
/**
 * Bearer tokens as the common JWT plugin issues them.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Reads the tokens of "JWT Authentication for WP REST API" (HS256 with JWT_AUTH_SECRET_KEY) on sites that have issued them but
 * do not run that plugin any more. Where it runs, it has decided before, and nothing is done here.
 *
 * Guaranteed: it looks at routes of this plugin only; the algorithm is HS256 whatever the token says; signature (in constant
 * time), issuer, `nbf` and `exp` are always demanded.
 */
final class Site_Token {

	/**
	 * Seconds that clocks may differ.
	 */
	const LEEWAY = 30;

	/**
	 * Longest token that is looked at.
	 */
	const LONGEST = 8192;

	/**
	 * Why the token of this request is no good.
	 *
	 * @var \WP_Error|null
	 */
	private static $problem = null;

	/**
	 * Why the token of this request is no good; null when it is, or there is none.
	 *
	 * @return \WP_Error|null
	 */
	public static function problem() {
		return self::$problem;
	}

	/**
	 * The user of this request's token.
	 *
	 * @param int|false $user Who was found so far.
	 * @return int|false
	 */
	public static function determine_user( $user ) {
		self::$problem = null;
		$token         = self::bearer();
		if ( null === $token || ! self::is_ours() || class_exists( 'Jwt_Auth', false ) || Settings::is_n8n_key( $token ) ) {
			return $user;
		}
		$found = self::user_of( $token, time() );
		if ( is_wp_error( $found ) ) {
			self::$problem = $found;
			return $user;
		}
		return $found;
	}

	/**
	 * The user for whom a token speaks.
	 *
	 * @param string $token The token.
	 * @param int    $now   The time.
	 * @return int|\WP_Error
	 */
	public static function user_of( $token, $now ) {
		$parts = explode( '.', $token );
		$key   = defined( 'JWT_AUTH_SECRET_KEY' ) && is_string( JWT_AUTH_SECRET_KEY ) ? JWT_AUTH_SECRET_KEY : '';
		// The plugin's documentation has this one for an example: everybody knows it.
		if ( 3 !== count( $parts ) || strlen( $token ) > self::LONGEST || '' === $key || 'your-top-secret-key' === $key ) {
			return self::bad( __( 'The bearer token is no JWT.', 'aurareels' ) );
		}
		$head = json_decode( self::decoded( $parts[0] ), true );
		if ( ! is_array( $head ) || ! isset( $head['alg'] ) || 'HS256' !== $head['alg'] ) {
			return self::bad( __( 'The token is not signed with HS256.', 'aurareels' ) );
		}
		$right = hash_hmac( 'sha256', $parts[0] . '.' . $parts[1], $key, true );
		if ( ! hash_equals( $right, self::decoded( $parts[2] ) ) ) {
			return self::bad( __( 'The signature of the token is wrong.', 'aurareels' ) );
		}
		$claims = json_decode( self::decoded( $parts[1] ), true );
		$exp    = isset( $claims['exp'] ) && is_numeric( $claims['exp'] ) ? (int) $claims['exp'] : null;
		$nbf    = isset( $claims['nbf'] ) && is_numeric( $claims['nbf'] ) ? (int) $claims['nbf'] : null;
		if ( null === $exp || $exp + self::LEEWAY <= $now || ( null !== $nbf && $nbf - self::LEEWAY > $now ) ) {
			return self::bad( __( 'The token has expired, or is not valid yet.', 'aurareels' ) );
		}
		if ( ! isset( $claims['iss'] ) || get_bloginfo( 'url' ) !== $claims['iss'] ) {
			return self::bad( __( 'The token was issued by another site.', 'aurareels' ) );
		}
		$id = isset( $claims['data']['user']['id'] ) ? $claims['data']['user']['id'] : null;
		$id = is_int( $id ) || ( is_string( $id ) && ctype_digit( $id ) ) ? (int) $id : 0;
		if ( $id < 1 || ! get_userdata( $id ) ) {
			return self::bad( __( 'The token names no user of this site.', 'aurareels' ) );
		}
		return $id;
	}

	private static function bad( $message ) {
		return new \WP_Error( 'jwt_auth_invalid_token', $message, array( 'status' => 403 ) );
	}

	/**
	 * The bearer token of this request.
	 *
	 * @return string|null
	 */
	private static function bearer() {
		foreach ( array( 'HTTP_AUTHORIZATION', 'REDIRECT_HTTP_AUTHORIZATION' ) as $name ) {
			// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- compared and verified, never shown or stored.
			if ( ! empty( $_SERVER[ $name ] ) && preg_match( '/^Bearer\s+(\S+)\s*$/i', (string) wp_unslash( $_SERVER[ $name ] ), $found ) ) {
				return $found[1];
			}
		}
		return null;
	}

	/**
	 * Whether this request goes to a route of this plugin, as WordPress will understand it.
	 *
	 * @return bool
	 */
	private static function is_ours() {
		$ours = '/' . Routes::NAMESPACE_V1 . '/';
		// phpcs:disable WordPress.Security -- looked at, not used.
		foreach ( array( $_POST, $_GET ) as $given ) {
			if ( isset( $given['rest_route'] ) ) {
				return is_string( $given['rest_route'] ) && 0 === strpos( $given['rest_route'], $ours );
			}
		}
		$path = (string) wp_parse_url( (string) $_SERVER['REQUEST_URI'], PHP_URL_PATH );
		// phpcs:enable
		$home = (string) wp_parse_url( (string) get_option( 'home' ), PHP_URL_PATH );
		$path = preg_replace( '#^/index\.php#', '', substr( $path, strlen( rtrim( $home, '/' ) ) ) );
		return 0 === strpos( $path, '/' . rest_get_url_prefix() . $ours );
	}

	private static function decoded( $text ) {
		// phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions -- the form of tokens.
		return (string) base64_decode( strtr( $text, '-_', '+/' ), false );
	}
}
