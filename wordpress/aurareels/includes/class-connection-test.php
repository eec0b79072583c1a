<?php
/**
 * A live look at the core.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Says which of address, TLS, token, version or permission is wrong, and what to do.
 */
final class Connection_Test {

	/**
	 * Seconds that the test may take for each call.
	 */
	const PATIENCE = 5;

	/**
	 * Looks.
	 *
	 * @param string $which The key that signs: `current` or `next`.
	 * @return array ok (bool), part (address, tls, token, version, permission, core or empty), message, remedy.
	 */
	public static function run( $which = 'current' ) {
		if ( '' === Settings::core_url() ) {
			return self::wrong(
				'address',
				__( 'The address of the core is not set, or is not an http or https address.', 'aurareels' ),
				__( 'Enter the address at which this site reaches the core, such as https://core.example.org.', 'aurareels' )
			);
		}
		if ( null !== Keys::problem() ) {
			return self::wrong( 'token', (string) Keys::problem(), __( 'Make a new key below and give its public part to the core.', 'aurareels' ) );
		}
		$user   = max( 1, get_current_user_id() );
		$client = new Client(
			static function () use ( $user, $which ) {
				return Keys::token_of_user( $user, Permissions::VIEW, $which );
			},
			null,
			self::PATIENCE
		);
		try {
			$answer = $client->call( 'PlatformService/ListPlatforms', array() );
		} catch ( Core_Error $error ) {
			return self::explain( $error, $client->date() );
		}
		$internal = new Client( array( Keys::class, 'token_of_site' ), null, self::PATIENCE );
		try {
			if ( 'current' === $which ) {
				$internal->call( 'PostService/ListEvents', array() );
			}
		} catch ( Core_Error $error ) {
			return self::explain( $error, $internal->date() );
		}
		$ready = array();
		foreach ( $answer['platforms'] as $info ) {
			if ( $info['configured'] ) {
				$ready[] = $info['display_name'];
			}
		}
		$version = '' !== $answer['core_version'] ? $answer['core_version'] : '?';
		/* translators: 1: version of the core, 2: names of platforms */
		$message = sprintf( __( 'The core answers. Version: %1$s. Platforms that are set up: %2$s.', 'aurareels' ), $version, $ready ? implode( ', ', $ready ) : '-' );
		return array(
			'ok'      => true,
			'part'    => '',
			'message' => $message,
			'remedy'  => self::is_open( Settings::core_url() )
				? __( 'The address begins with http, so tokens travel unencrypted. Use https unless the core is on this machine or in a private network.', 'aurareels' )
				: '',
		);
	}

	/**
	 * Whether others could read what goes to an address.
	 *
	 * @param string $address The address.
	 * @return bool
	 */
	public static function is_open( $address ) {
		$host = trim( (string) wp_parse_url( $address, PHP_URL_HOST ), '[]' );
		if ( 0 === stripos( $address, 'https:' ) || 'localhost' === $host ) {
			return false;
		}
		$is_address = false !== filter_var( $host, FILTER_VALIDATE_IP );
		$is_public  = false !== filter_var( $host, FILTER_VALIDATE_IP, FILTER_FLAG_NO_PRIV_RANGE | FILTER_FLAG_NO_RES_RANGE );
		// A bare name, such as a container's, is of this network.
		return $is_address ? $is_public : false !== strpos( $host, '.' );
	}

	private static function explain( Core_Error $error, $date ) {
		$text = $error->getMessage();
		switch ( $error->trouble() ) {
			case 'dns':
				return self::wrong( 'address', __( 'The host of the core is not known to this server.', 'aurareels' ), __( 'Check the name in the address.', 'aurareels' ), $text );
			case 'refused':
				return self::wrong( 'address', __( 'Nothing answers at the address of the core.', 'aurareels' ), __( 'Check address and port, that the core runs, and that AURAREELS_LISTEN lets this server in.', 'aurareels' ), $text );
			case 'timeout':
				return self::wrong( 'address', __( 'The core did not answer in time.', 'aurareels' ), __( 'Check address, firewall and the load of the core.', 'aurareels' ), $text );
			case 'blocked':
				return self::wrong( 'address', __( 'This site forbids itself to call other hosts.', 'aurareels' ), __( 'Add the host of the core to WP_ACCESSIBLE_HOSTS in wp-config.php.', 'aurareels' ), $text );
			case 'tls':
				return self::wrong( 'tls', __( 'The connection is not secure: the certificate or the protocol does not fit.', 'aurareels' ), __( 'Check that the address begins with the right one of http and https, that the certificate is for this host and valid, and name a private authority in AURAREELS_CORE_CA_FILE.', 'aurareels' ), $text );
			case 'http':
			case 'protocol':
				return self::wrong( 'address', __( 'What answers at this address is not an AuraReels core, or a proxy before it does not hand on gRPC-web.', 'aurareels' ), __( 'Check the port, and let the proxy hand on POST requests with their bodies and headers as they are.', 'aurareels' ), $text );
		}
		switch ( $error->getCode() ) {
			case Core_Error::UNAUTHENTICATED:
				return self::wrong( 'token', __( 'The core does not accept the token of this site.', 'aurareels' ), self::token_remedy( $text, $date ), $text );
			case Core_Error::PERMISSION_DENIED:
				return self::wrong( 'permission', __( 'The core forbids this call to this site.', 'aurareels' ), __( 'Give the core the public key of this site, not one of another program.', 'aurareels' ), $text );
			case Core_Error::UNIMPLEMENTED:
				return self::wrong( 'version', __( 'The core is older than this plugin.', 'aurareels' ), __( 'Update the core.', 'aurareels' ), $text );
		}
		return self::wrong( 'core', __( 'The core answers, but cannot serve right now.', 'aurareels' ), __( 'The log of the core says why.', 'aurareels' ), $text );
	}

	private static function token_remedy( $text, $date ) {
		$remote = '' !== $date ? strtotime( $date ) : false;
		if ( preg_match( '/expired|not valid yet/', $text ) ) {
			return $remote
				/* translators: %d: a number of seconds */
				? sprintf( __( 'The clocks of this server and of the core differ by %d seconds. Set both by NTP.', 'aurareels' ), abs( time() - $remote ) )
				: __( 'The clocks of this server and of the core differ. Set both by NTP.', 'aurareels' );
		}
		if ( false !== strpos( $text, 'issuer' ) ) {
			/* translators: %s: the address of the site */
			return sprintf( __( 'Set AURAREELS_JWT_ISSUER of the core to %s, to the letter.', 'aurareels' ), Settings::issuer() );
		}
		return __( 'Set AURAREELS_JWT_PUBLIC_KEY of the core to the value below, and start the core anew.', 'aurareels' );
	}

	private static function wrong( $part, $message, $remedy, $detail = '' ) {
		return array(
			'ok'      => false,
			'part'    => $part,
			'message' => '' !== $detail ? "$message ($detail)" : $message,
			'remedy'  => $remedy,
		);
	}
}
