<?php
/**
 * Secrets in the database.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Seals a secret with a key that follows from the salts of wp-config.php and from what the secret is for, so that a copy of the
 * database alone opens nothing and one secret does not pass for another.
 *
 * Expected failure: the salts were changed. Then nothing that was sealed before can be opened.
 */
final class Sealed {

	/**
	 * Seals.
	 *
	 * @param string $secret  The secret.
	 * @param string $purpose What it is for.
	 * @return string Base64.
	 */
	public static function seal( $secret, $purpose ) {
		$nonce = random_bytes( SODIUM_CRYPTO_SECRETBOX_NONCEBYTES );
		// phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions -- bytes that a text column takes.
		return base64_encode( $nonce . sodium_crypto_secretbox( $secret, $nonce, self::key( $purpose ) ) );
	}

	/**
	 * Opens what was sealed.
	 *
	 * @param mixed  $sealed  What seal() returned.
	 * @param string $purpose What it is for.
	 * @return string|null Null when it cannot be opened.
	 */
	public static function open( $sealed, $purpose ) {
		// phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions -- as above.
		$bytes = is_string( $sealed ) ? (string) base64_decode( $sealed, true ) : '';
		if ( strlen( $bytes ) <= SODIUM_CRYPTO_SECRETBOX_NONCEBYTES ) {
			return null;
		}
		$nonce  = substr( $bytes, 0, SODIUM_CRYPTO_SECRETBOX_NONCEBYTES );
		$opened = sodium_crypto_secretbox_open( substr( $bytes, SODIUM_CRYPTO_SECRETBOX_NONCEBYTES ), $nonce, self::key( $purpose ) );
		return false === $opened ? null : $opened;
	}

	private static function key( $purpose ) {
		return sodium_crypto_generichash( "aurareels $purpose " . wp_salt( 'secure_auth' ) );
	}
}
