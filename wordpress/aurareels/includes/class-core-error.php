<?php
/**
 * Why the core did not do what it was asked.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * A gRPC status other than OK, whether the core sent it or the way to the core made it, and the HTTP answer for it.
 */
final class Core_Error extends \RuntimeException {

	const CANCELLED           = 1;
	const UNKNOWN             = 2;
	const INVALID_ARGUMENT    = 3;
	const DEADLINE_EXCEEDED   = 4;
	const NOT_FOUND           = 5;
	const ALREADY_EXISTS      = 6;
	const PERMISSION_DENIED   = 7;
	const RESOURCE_EXHAUSTED  = 8;
	const FAILED_PRECONDITION = 9;
	const ABORTED             = 10;
	const OUT_OF_RANGE        = 11;
	const UNIMPLEMENTED       = 12;
	const INTERNAL            = 13;
	const UNAVAILABLE         = 14;
	const DATA_LOSS           = 15;
	const UNAUTHENTICATED     = 16;

	/**
	 * HTTP status of each gRPC status. A refused service token is the site's set-up, not the user's fault: 502.
	 */
	const HTTP = array(
		self::CANCELLED           => 499,
		self::UNKNOWN             => 502,
		self::INVALID_ARGUMENT    => 400,
		self::DEADLINE_EXCEEDED   => 504,
		self::NOT_FOUND           => 404,
		self::ALREADY_EXISTS      => 409,
		self::PERMISSION_DENIED   => 403,
		self::RESOURCE_EXHAUSTED  => 429,
		self::FAILED_PRECONDITION => 409,
		self::ABORTED             => 409,
		self::OUT_OF_RANGE        => 400,
		self::UNIMPLEMENTED       => 501,
		self::INTERNAL            => 502,
		self::UNAVAILABLE         => 503,
		self::DATA_LOSS           => 502,
		self::UNAUTHENTICATED     => 502,
	);

	/**
	 * What went wrong on the way: dns, refused, timeout, tls, blocked, http, protocol, setup. Empty when the core itself
	 * answered.
	 *
	 * @var string
	 */
	private $trouble;

	/**
	 * What Rpc_Details read.
	 *
	 * @var array
	 */
	private $details;

	/**
	 * An error.
	 *
	 * @param int    $code    gRPC status.
	 * @param string $message The core's own sentence, or what went wrong on the way.
	 * @param array  $details What Rpc_Details read; empty when there are none.
	 * @param string $trouble What went wrong on the way.
	 */
	public function __construct( $code, $message, array $details = array(), $trouble = '' ) {
		parent::__construct( $message, $code );
		$this->details = $details + array(
			'reason'      => '',
			'metadata'    => array(),
			'fields'      => array(),
			'retry_after' => null,
		);
		$this->trouble = $trouble;
	}

	/**
	 * The stable reason, such as ACCOUNT_NOT_FOUND; empty when the core sent none.
	 *
	 * @return string
	 */
	public function reason() {
		return $this->details['reason'];
	}

	/**
	 * What went wrong on the way; empty when the core itself answered.
	 *
	 * @return string
	 */
	public function trouble() {
		return $this->trouble;
	}

	/**
	 * A text that the core sent along, such as `oldest_sequence`.
	 *
	 * @param string $name Its name.
	 * @return string
	 */
	public function detail( $name ) {
		return isset( $this->details['metadata'][ $name ] ) ? $this->details['metadata'][ $name ] : '';
	}

	/**
	 * The HTTP status.
	 *
	 * @return int
	 */
	public function http_status() {
		$code = $this->getCode();
		if ( 'REQUEST_TOO_LARGE' === $this->reason() || ( self::OUT_OF_RANGE === $code && false !== strpos( $this->getMessage(), 'message length' ) ) ) {
			return 413;
		}
		if ( self::CANCELLED === $code && false !== strpos( $this->getMessage(), 'Timeout expired' ) ) {
			return 504;
		}
		return isset( self::HTTP[ $code ] ) ? self::HTTP[ $code ] : 502;
	}

	/**
	 * The answer to whoever asked. Of what concerns the site's set-up, only those who manage the site are told more.
	 *
	 * @return \WP_Error
	 */
	public function to_wp_error() {
		$code   = $this->getCode();
		$reason = $this->reason();
		$name   = 'aurareels_' . ( '' !== $reason ? strtolower( $reason ) : 'core_error' );
		$text   = $this->getMessage();
		if ( self::UNAUTHENTICATED === $code ) {
			$name = 'aurareels_core_refused_site';
			$text = $this->for_managers( __( 'The AuraReels core did not accept this site.', 'aurareels' ), $text );
		} elseif ( in_array( $code, array( self::INTERNAL, self::DATA_LOSS, self::UNKNOWN ), true ) ) {
			$name = 'aurareels_core_failed';
			$text = $this->for_managers( __( 'The AuraReels core could not answer.', 'aurareels' ), $text );
		} elseif ( '' !== $this->trouble ) {
			$name = 'timeout' === $this->trouble ? 'aurareels_core_timeout' : 'aurareels_core_unreachable';
			$text = $this->for_managers(
				'timeout' === $this->trouble
					? __( 'The AuraReels core did not answer in time. What was asked may still be done; look before you ask again.', 'aurareels' )
					: __( 'The AuraReels core cannot be reached right now. Try again in a moment.', 'aurareels' ),
				$text
			);
		}
		$data = array( 'status' => $this->http_status() );
		if ( '' !== $reason && self::UNAUTHENTICATED !== $code ) {
			$data['reason'] = $reason;
			foreach ( array( 'rule', 'field', 'measured', 'limit', 'remedy' ) as $part ) {
				if ( '' !== $this->detail( $part ) ) {
					$data[ $part ] = $this->detail( $part );
				}
			}
			if ( $this->details['fields'] ) {
				$data['fields'] = $this->details['fields'];
			}
		}
		$wait = $this->details['retry_after'];
		if ( null === $wait && self::UNAVAILABLE === $code ) {
			$wait = 5;
		}
		if ( null !== $wait ) {
			$data['retry_after'] = $wait;
		}
		return new \WP_Error( $name, $text, $data );
	}

	private function for_managers( $public, $detail ) {
		return current_user_can( 'manage_options' ) && '' !== $detail ? "$public ($detail)" : $public;
	}
}
