<?php
/**
 * Calls to the core.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Unary gRPC-web calls over WordPress' own HTTP functions.
 *
 * Guaranteed: a request goes to the configured address and nowhere else, redirects are not followed; a call ends with exactly
 * one message or with a Core_Error; an answer that is cut short, comes from a proxy, or has no status is an error. A call that
 * is harmless to repeat is repeated once when the core was not reachable, never after a timeout.
 */
final class Client {

	const CONTENT_TYPE = 'application/grpc-web+proto';

	/**
	 * Largest answer that is taken: a page of 100 posts with their metadata fits.
	 */
	const MOST_BYTES = 33554432;

	/**
	 * RPCs that may be sent again after "not reachable": those that read, and those that the core knows again by their request
	 * key (it derives one from what is posted where none is given).
	 */
	const HARMLESS = '/\/(Get|List|Validate|Probe|Check)|\/(PublishPosts|SchedulePosts)$/';

	/**
	 * The core's address.
	 *
	 * @var string
	 */
	private $address;

	/**
	 * Seconds that a call may take.
	 *
	 * @var int
	 */
	private $timeout;

	/**
	 * Arguments of wp_remote_post for the core's certificate.
	 *
	 * @var array
	 */
	private $certificates;

	/**
	 * Who signs.
	 *
	 * @var callable(): string
	 */
	private $token;

	/**
	 * The last answer's Date header, for looking at clocks.
	 *
	 * @var string
	 */
	private $date = '';

	/**
	 * A client.
	 *
	 * @param callable    $token   Makes the token of a call.
	 * @param string|null $address Another address than the configured one, for testing the connection.
	 * @param int|null    $timeout Other seconds.
	 */
	public function __construct( callable $token, $address = null, $timeout = null ) {
		$this->token   = $token;
		list( $core, $seconds, $this->certificates ) = Settings::connection();

		$this->address = null === $address ? $core : $address;
		$this->timeout = null === $timeout ? $seconds : $timeout;
	}

	/**
	 * A client that speaks for a user.
	 *
	 * @param int    $user       The WordPress user.
	 * @param string $capability The capability that was checked.
	 * @return self
	 */
	public static function of_user( $user, $capability ) {
		return new self(
			static function () use ( $user, $capability ) {
				return Keys::token_of_user( $user, $capability );
			}
		);
	}

	/**
	 * A client that speaks for the site itself, for the internal routes and the events.
	 *
	 * @return self
	 */
	public static function of_site() {
		return new self(
			static function () {
				return Keys::token_of_site();
			}
		);
	}

	/**
	 * Calls an RPC.
	 *
	 * @param string $rpc     Service and method, such as `PostService/GetPost`.
	 * @param array  $request The request, as the codec wants it.
	 * @return array The answer.
	 * @throws Core_Error When the core says no, or cannot be asked.
	 */
	public function call( $rpc, array $request ) {
		list( $in, $out ) = Codec::get()->rpc( $rpc );
		try {
			$message = Codec::get()->encode( $in, $request );
		} catch ( Codec_Error $error ) {
			throw new Core_Error( Core_Error::INVALID_ARGUMENT, $error->getMessage(), array( 'reason' => 'INVALID_FIELD' ) );
		}
		try {
			$answer = $this->send( $rpc, $message );
		} catch ( Core_Error $error ) {
			$again = Core_Error::UNAVAILABLE === $error->getCode() && 'blocked' !== $error->trouble() && 'setup' !== $error->trouble();
			if ( ! $again || ! preg_match( self::HARMLESS, $rpc ) ) {
				throw $error;
			}
			usleep( 200000 );
			$answer = $this->send( $rpc, $message );
		}
		try {
			return Codec::get()->decode( $out, $answer );
		} catch ( Codec_Error $error ) {
			throw self::broken( 'the answer cannot be read: ' . $error->getMessage() );
		}
	}

	/**
	 * The last answer's Date header.
	 *
	 * @return string
	 */
	public function date() {
		return $this->date;
	}

	private function send( $rpc, $message ) {
		if ( '' === $this->address ) {
			throw new Core_Error( Core_Error::UNAVAILABLE, 'the address of the core is not set', array(), 'setup' );
		}
		$response = wp_remote_post(
			$this->address . '/aurareels.v1.' . $rpc,
			array(
				'body'                => "\0" . pack( 'N', strlen( $message ) ) . $message,
				'headers'             => array(
					'Content-Type'  => self::CONTENT_TYPE,
					'Accept'        => self::CONTENT_TYPE,
					'Authorization' => 'Bearer ' . call_user_func( $this->token ),
					'Grpc-Timeout'  => 1000 * $this->timeout . 'm',
					'X-Grpc-Web'    => '1',
				),
				'httpversion'         => '1.1',
				'redirection'         => 0,
				'timeout'             => $this->timeout + 1,
				'limit_response_size' => self::MOST_BYTES,
				'user-agent'          => 'aurareels-wordpress/' . AURAREELS_VERSION,
				'sslverify'           => true,
			) + $this->certificates
		);
		if ( is_wp_error( $response ) ) {
			throw self::not_reached( $response );
		}
		$this->date = (string) wp_remote_retrieve_header( $response, 'date' );
		return self::message_of( $response );
	}

	/**
	 * The one message of an answer.
	 *
	 * @param array $response What wp_remote_post returned.
	 * @return string
	 * @throws Core_Error When there is none.
	 */
	public static function message_of( array $response ) {
		$http = (int) wp_remote_retrieve_response_code( $response );
		$type = self::header( $response, 'content-type' );
		if ( 200 !== $http || 0 !== strpos( strtolower( $type ), 'application/grpc-web' ) ) {
			throw self::not_grpc( $http, $type, self::header( $response, 'location' ) );
		}
		$trailers = self::status_headers( $response );
		$messages = array();
		$body     = (string) wp_remote_retrieve_body( $response );
		$at       = 0;
		$ended    = false;
		while ( $at < strlen( $body ) ) {
			if ( $ended ) {
				throw self::broken( 'something follows the trailers' );
			}
			if ( strlen( $body ) - $at < 5 ) {
				throw self::broken( 'a frame is cut short' );
			}
			$flag = ord( $body[ $at ] );
			$size = unpack( 'N', substr( $body, $at + 1, 4 ) )[1];
			if ( $size > strlen( $body ) - $at - 5 ) {
				throw self::broken( 'a frame is cut short' );
			}
			$content = (string) substr( $body, $at + 5, $size );
			$at     += 5 + $size;
			if ( 0x00 === $flag ) {
				$messages[] = $content;
			} elseif ( 0x80 === $flag ) {
				$trailers = self::trailers( $content );
				$ended    = true;
			} else {
				throw self::broken( "a frame has the unknown flag $flag" );
			}
		}
		if ( ! isset( $trailers['grpc-status'] ) || ! preg_match( '/^\d{1,3}$/', $trailers['grpc-status'] ) ) {
			throw self::broken( 'the answer has no status' );
		}
		if ( '0' !== $trailers['grpc-status'] ) {
			throw new Core_Error(
				(int) $trailers['grpc-status'],
				self::readable( isset( $trailers['grpc-message'] ) ? rawurldecode( $trailers['grpc-message'] ) : '' ),
				Rpc_Details::read( isset( $trailers['grpc-status-details-bin'] ) ? $trailers['grpc-status-details-bin'] : '' )
			);
		}
		if ( 1 !== count( $messages ) ) {
			throw self::broken( 'the answer holds ' . count( $messages ) . ' messages instead of one' );
		}
		return $messages[0];
	}

	/**
	 * A header as one text.
	 *
	 * @param array  $response The answer.
	 * @param string $name     The header.
	 * @return string
	 */
	private static function header( array $response, $name ) {
		$value = wp_remote_retrieve_header( $response, $name );
		return trim( (string) ( is_array( $value ) ? reset( $value ) : $value ) );
	}

	private static function status_headers( array $response ) {
		$found = array();
		foreach ( array( 'grpc-status', 'grpc-message', 'grpc-status-details-bin' ) as $name ) {
			$value = self::header( $response, $name );
			if ( '' !== $value ) {
				$found[ $name ] = $value;
			}
		}
		return $found;
	}

	private static function trailers( $text ) {
		$trailers = array();
		foreach ( preg_split( '/\r\n|\n/', $text ) as $line ) {
			$parts = explode( ':', $line, 2 );
			if ( 2 === count( $parts ) ) {
				$trailers[ strtolower( trim( $parts[0] ) ) ] = trim( $parts[1] );
			}
		}
		return $trailers;
	}

	private static function readable( $text ) {
		return preg_match( '//u', $text ) ? $text : 'the core sent a message that is not in UTF-8';
	}

	private static function broken( $why ) {
		return new Core_Error( Core_Error::INTERNAL, $why, array(), 'protocol' );
	}

	/**
	 * An answer that is not the core's: of a proxy, of a login page, of another program.
	 *
	 * @param int    $http HTTP status.
	 * @param string $type Content type.
	 * @param string $to   Where it redirects to. Nothing is sent there: the address is the administrator's to change.
	 * @return Core_Error
	 */
	private static function not_grpc( $http, $type, $to ) {
		if ( 413 === $http ) {
			// The caller's request, not the site's set-up: trying again is of no use.
			$text = 'a proxy before the core does not let requests of this size through';
			return new Core_Error( Core_Error::RESOURCE_EXHAUSTED, $text, array( 'reason' => 'REQUEST_TOO_LARGE' ) );
		}
		$codes = array(
			400 => Core_Error::INTERNAL,
			401 => Core_Error::UNAUTHENTICATED,
			403 => Core_Error::PERMISSION_DENIED,
			404 => Core_Error::UNIMPLEMENTED,
			429 => Core_Error::UNAVAILABLE,
			502 => Core_Error::UNAVAILABLE,
			503 => Core_Error::UNAVAILABLE,
			504 => Core_Error::UNAVAILABLE,
		);
		$code  = isset( $codes[ $http ] ) ? $codes[ $http ] : Core_Error::UNKNOWN;
		$text  = "HTTP status $http, content type " . substr( preg_replace( '/[^\x20-\x7e]/', '', $type ), 0, 60 );
		if ( '' !== $to ) {
			$text .= ', redirects to ' . substr( preg_replace( '/[^\x21-\x7e]|[?#].*/', '', $to ), 0, 100 );
		}
		return new Core_Error( $code, "what answers at the core's address is not a core: $text", array(), 'http' );
	}

	/**
	 * No answer at all.
	 *
	 * @param \WP_Error $error WordPress' word for it.
	 * @return Core_Error
	 */
	private static function not_reached( \WP_Error $error ) {
		$text = $error->get_error_message();
		if ( 'http_request_not_executed' === $error->get_error_code() ) {
			$text = 'WP_HTTP_BLOCK_EXTERNAL forbids requests of this site; add the host of the core to WP_ACCESSIBLE_HOSTS';
			return new Core_Error( Core_Error::UNAVAILABLE, $text, array(), 'blocked' );
		}
		$kinds = array(
			'timeout' => '/cURL error 28|timed out|timeout/i',
			'dns'     => '/cURL error 6\b|could not resolve|getaddrinfo|name or service not known/i',
			'tls'     => '/cURL error (35|51|53|54|58|59|60|64|66|77|80|82|83|90|91)\b|certificate|ssl|tls/i',
			'refused' => '/cURL error 7\b|refused|unreachable|failed to connect/i',
		);
		foreach ( $kinds as $kind => $pattern ) {
			if ( preg_match( $pattern, $text ) ) {
				$code = 'timeout' === $kind ? Core_Error::DEADLINE_EXCEEDED : Core_Error::UNAVAILABLE;
				return new Core_Error( $code, $text, array(), $kind );
			}
		}
		return new Core_Error( Core_Error::UNAVAILABLE, $text, array(), 'other' );
	}
}
