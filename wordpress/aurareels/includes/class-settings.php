<?php
/**
 * The settings.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Settings: a constant of wp-config.php wins over the option of the settings page.
 */
final class Settings {

	const OPTION = 'aurareels_settings';

	/**
	 * The hash of n8n's key.
	 */
	const N8N_KEY = 'aurareels_n8n_key_hash';

	/**
	 * Names of the options, with the constant that wins over each and the default.
	 */
	const NAMES = array(
		'core_url'          => array( 'AURAREELS_CORE_URL', '' ),
		'core_public_url'   => array( 'AURAREELS_CORE_PUBLIC_URL', '' ),
		'core_ca_file'      => array( 'AURAREELS_CORE_CA_FILE', '' ),
		'timeout'           => array( 'AURAREELS_CORE_TIMEOUT', 15 ),
		'callback_at_site'  => array( 'AURAREELS_CALLBACK_AT_SITE', true ),
		'video_job_table'   => array( 'AURAREELS_VIDEO_JOB_TABLE', '' ),
		'video_job_columns' => array( 'AURAREELS_VIDEO_JOB_COLUMNS', '' ),
	);

	/**
	 * A setting's value.
	 *
	 * @param string $name Its name.
	 * @return mixed
	 */
	public static function value( $name ) {
		return self::values( array( $name ) )[0];
	}

	/**
	 * Values of several settings: WordPress unpacks the option each time that it is read.
	 *
	 * @param string[] $names Their names.
	 * @return array The values in this order.
	 */
	public static function values( array $names ) {
		$options = get_option( self::OPTION );
		$values  = array();
		foreach ( $names as $name ) {
			list( $constant, $default ) = self::NAMES[ $name ];
			if ( defined( $constant ) ) {
				$values[] = constant( $constant );
			} else {
				$values[] = is_array( $options ) && isset( $options[ $name ] ) ? $options[ $name ] : $default;
			}
		}
		return $values;
	}

	/**
	 * Whether wp-config.php decides about a setting.
	 *
	 * @param string $name Its name.
	 * @return bool
	 */
	public static function is_fixed( $name ) {
		return defined( self::NAMES[ $name ][0] );
	}

	/**
	 * The core's address as the site reaches it, without a slash at its end; empty when it is not set or is no address.
	 *
	 * @return string
	 */
	public static function core_url() {
		return self::address( self::value( 'core_url' ) );
	}

	/**
	 * The core's address as browsers reach it.
	 *
	 * @return string
	 */
	public static function core_public_url() {
		$public = self::address( self::value( 'core_public_url' ) );
		return '' !== $public ? $public : self::core_url();
	}

	/**
	 * An http or https address without user, query and fragment; empty for anything else.
	 *
	 * @param mixed $given What was given.
	 * @return string
	 */
	public static function address( $given ) {
		$given = is_string( $given ) ? rtrim( trim( $given ), '/' ) : '';
		$parts = wp_parse_url( $given );
		$known = array( 'scheme', 'host', 'port', 'path' );
		if ( ! is_array( $parts ) || empty( $parts['host'] ) || empty( $parts['scheme'] ) || array_diff( array_keys( $parts ), $known ) ) {
			return '';
		}
		$is_web = in_array( strtolower( $parts['scheme'] ), array( 'http', 'https' ), true );
		return $is_web && ! preg_match( '/[\s\\\\<>"\']/', $given ) ? $given : '';
	}

	/**
	 * What a call to the core needs.
	 *
	 * @return array The core's address as {@see Settings::core_url()} has it, seconds that a call may take, arguments of
	 *               wp_remote_post for a core whose certificate is of a private authority.
	 */
	public static function connection() {
		list( $address, $timeout, $file ) = self::values( array( 'core_url', 'timeout', 'core_ca_file' ) );
		return array(
			self::address( $address ),
			max( 1, min( 60, (int) $timeout ) ),
			is_string( $file ) && '' !== $file ? array( 'sslcertificates' => $file ) : array(),
		);
	}

	/**
	 * Who issues the tokens: the site's address as it stands in its settings, whatever language the visitor reads.
	 *
	 * @return string
	 */
	public static function issuer() {
		return defined( 'AURAREELS_ISSUER' ) ? (string) AURAREELS_ISSUER : untrailingslashit( (string) get_option( 'home' ) );
	}

	/**
	 * The site's own callback address of a platform, which the original design registered there.
	 *
	 * @param string $platform The platform's word.
	 * @return string
	 */
	public static function callback( $platform ) {
		return rest_url( Routes::NAMESPACE_V1 . "/social/callback/$platform" );
	}

	/**
	 * Whether this is the key with which n8n calls the internal routes. The page keeps a hash of it, wp-config.php the key.
	 *
	 * @param string $given What was sent.
	 * @return bool
	 */
	public static function is_n8n_key( $given ) {
		if ( defined( 'N8N_API_KEY' ) ) {
			return is_string( N8N_API_KEY ) && strlen( N8N_API_KEY ) >= 16 && hash_equals( N8N_API_KEY, $given );
		}
		$hash = get_option( self::N8N_KEY );
		return is_string( $hash ) && 64 === strlen( $hash ) && hash_equals( $hash, hash( 'sha256', $given ) );
	}

	/**
	 * Whether n8n may call at all.
	 *
	 * @return bool
	 */
	public static function has_n8n_key() {
		return defined( 'N8N_API_KEY' ) ? is_string( N8N_API_KEY ) && strlen( N8N_API_KEY ) >= 16 : (bool) get_option( self::N8N_KEY );
	}
}
