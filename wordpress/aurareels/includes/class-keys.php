<?php
/**
 * The site's key pairs and the tokens that they sign.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Ed25519 key pairs: one that signs, and while it is being changed a second one that waits until the core has both.
 *
 * Guaranteed: a secret key leaves this file only as signatures. In the database it is {@see Sealed}. With
 * AURAREELS_SIGNING_KEY (the base64 of 32 random bytes) in wp-config.php nothing of it is in the database. The option is
 * loaded with all others: a query of its own would cost each call to the core twice what signing does.
 *
 * Expected failure: the salts were changed, so the sealed key cannot be opened. Then `problem()` says so, and a new pair has
 * to be made.
 */
final class Keys {

	const OPTION = 'aurareels_keys';

	/**
	 * What they are sealed as.
	 */
	const PURPOSE = 'signing key';

	/**
	 * The audience of the tokens.
	 */
	const AUDIENCE = 'aurareels-core';

	/**
	 * Seconds that the token of a call lives.
	 */
	const LIFE = 60;

	/**
	 * What an Ed25519 public key begins with in DER (RFC 8410).
	 */
	const DER_HEAD = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

	/**
	 * Makes the first pair, where there is none.
	 */
	public static function ensure() {
		if ( ! defined( 'AURAREELS_SIGNING_KEY' ) && ! is_array( get_option( self::OPTION ) ) ) {
			add_option( self::OPTION, array( 'current' => self::make() ) );
		}
	}

	/**
	 * Makes the pair that will follow the one that signs now.
	 */
	public static function make_next() {
		$keys = get_option( self::OPTION );
		$keys = is_array( $keys ) ? $keys : array();
		if ( empty( $keys['current'] ) || null !== self::problem() ) {
			$keys = array( 'current' => self::make() );
		} else {
			$keys['next'] = self::make();
		}
		update_option( self::OPTION, $keys, true );
	}

	/**
	 * Signs with the waiting pair from now on; the old one is gone.
	 *
	 * @return bool False when none waits.
	 */
	public static function use_next() {
		$keys = get_option( self::OPTION );
		if ( ! is_array( $keys ) || empty( $keys['next'] ) ) {
			return false;
		}
		return update_option( self::OPTION, array( 'current' => $keys['next'] ), true );
	}

	/**
	 * Throws the waiting pair away.
	 */
	public static function drop_next() {
		$keys = get_option( self::OPTION );
		if ( is_array( $keys ) && ! empty( $keys['next'] ) ) {
			unset( $keys['next'] );
			update_option( self::OPTION, $keys, true );
		}
	}

	/**
	 * Whether a pair waits.
	 *
	 * @return bool
	 */
	public static function has_next() {
		$keys = get_option( self::OPTION );
		return ! defined( 'AURAREELS_SIGNING_KEY' ) && is_array( $keys ) && ! empty( $keys['next'] );
	}

	/**
	 * The public keys as the core's AURAREELS_JWT_PUBLIC_KEY takes them: base64, separated by commas.
	 *
	 * @return string
	 */
	public static function public_setting() {
		$all = array();
		if ( defined( 'AURAREELS_SIGNING_KEY' ) ) {
			$secret = self::secret( 'current' );
			$all[]  = null === $secret ? '' : sodium_crypto_sign_publickey_from_secretkey( $secret );
		} else {
			$keys = get_option( self::OPTION );
			foreach ( array( 'current', 'next' ) as $which ) {
				if ( is_array( $keys ) && ! empty( $keys[ $which ]['public'] ) ) {
					$all[] = self::from_base64( $keys[ $which ]['public'] );
				}
			}
		}
		$der = static function ( $raw ) {
			return self::to_base64( self::DER_HEAD . $raw );
		};
		return implode( ',', array_map( $der, array_filter( $all, 'strlen' ) ) );
	}

	/**
	 * Why nothing can be signed; null when it can.
	 *
	 * @return string|null
	 */
	public static function problem() {
		if ( null !== self::secret( 'current' ) ) {
			return null;
		}
		if ( defined( 'AURAREELS_SIGNING_KEY' ) ) {
			return __( 'AURAREELS_SIGNING_KEY is not the base64 of 32 bytes.', 'aurareels' );
		}
		return is_array( get_option( self::OPTION ) )
			? __( 'The signing key cannot be opened: the salts of wp-config.php were changed since it was made. Make a new key.', 'aurareels' )
			: __( 'There is no signing key yet. Make one.', 'aurareels' );
	}

	/**
	 * The token of a call for a user.
	 *
	 * @param int    $user       The user.
	 * @param string $capability The capability that was checked; it says how far the token reaches.
	 * @param string $which      `current`, or `next` to try the waiting key.
	 * @param int    $life       Seconds that it lives.
	 * @return string
	 * @throws Core_Error When nothing can be signed.
	 */
	public static function token_of_user( $user, $capability, $which = 'current', $life = self::LIFE ) {
		$claims = array(
			'scope' => Permissions::PUBLISH === $capability ? 'publish' : 'read',
			'cap'   => $capability,
			'data'  => array( 'user' => array( 'id' => (string) $user ) ),
		);
		return self::signed( $claims, $which, $life );
	}

	/**
	 * The token of a call for the site itself.
	 *
	 * @return string
	 * @throws Core_Error When nothing can be signed.
	 */
	public static function token_of_site() {
		return self::signed( array( 'scope' => 'internal' ), 'current', self::LIFE );
	}

	private static function signed( array $claims, $which, $life ) {
		$secret = self::secret( $which );
		if ( null === $secret ) {
			throw new Core_Error( Core_Error::UNAUTHENTICATED, (string) self::problem(), array(), 'setup' );
		}
		$now    = time();
		$claims = array(
			'iss' => Settings::issuer(),
			'aud' => self::AUDIENCE,
			'iat' => $now,
			'nbf' => $now,
			'exp' => $now + $life,
		) + $claims;
		$head   = '{"typ":"JWT","alg":"EdDSA"}';
		$text   = self::url_base64( $head ) . '.' . self::url_base64( wp_json_encode( $claims, JSON_UNESCAPED_SLASHES ) );
		$token  = $text . '.' . self::url_base64( sodium_crypto_sign_detached( $text, $secret ) );
		sodium_memzero( $secret );
		return $token;
	}

	/**
	 * A secret key; null when there is none that can be opened.
	 *
	 * @param string $which `current` or `next`.
	 * @return string|null
	 */
	private static function secret( $which ) {
		if ( defined( 'AURAREELS_SIGNING_KEY' ) ) {
			$seed = is_string( AURAREELS_SIGNING_KEY ) ? self::from_base64( AURAREELS_SIGNING_KEY ) : '';
			return 32 === strlen( $seed ) ? sodium_crypto_sign_secretkey( sodium_crypto_sign_seed_keypair( $seed ) ) : null;
		}
		$keys = get_option( self::OPTION );
		if ( ! is_array( $keys ) || empty( $keys[ $which ]['sealed'] ) ) {
			return null;
		}
		return Sealed::open( $keys[ $which ]['sealed'], self::PURPOSE );
	}

	private static function make() {
		$pair = sodium_crypto_sign_keypair();
		return array(
			'public' => self::to_base64( sodium_crypto_sign_publickey( $pair ) ),
			'sealed' => Sealed::seal( sodium_crypto_sign_secretkey( $pair ), self::PURPOSE ),
			'made'   => time(),
		);
	}

	// phpcs:disable WordPress.PHP.DiscouragedPHPFunctions -- base64 is the form of keys and tokens.
	private static function to_base64( $bytes ) {
		return base64_encode( $bytes );
	}

	private static function from_base64( $text ) {
		return (string) base64_decode( $text, true );
	}

	private static function url_base64( $bytes ) {
		return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
	}
	// phpcs:enable
}
