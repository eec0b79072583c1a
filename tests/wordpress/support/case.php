<?php

use PHPUnit\Framework\TestCase;

/** A test of the plugin's parts, in this process. What it writes to the database is undone. */
abstract class PluginCase extends TestCase {

	/** @var array[] Requests that left for the core: url, args. */
	protected $sent = array();

	/** @var callable|null */
	private $filter;

	protected function setUp(): void {
		global $wpdb;
		$wpdb->query( 'START TRANSACTION' );
		wp_cache_flush();
		wp_set_current_user( 2 );
		$this->sent = array();
	}

	protected function tearDown(): void {
		global $wpdb;
		$wpdb->query( 'ROLLBACK' );
		wp_cache_flush();
		remove_all_filters( 'pre_http_request' );
		remove_all_filters( 'aurareels_video_job' );
		remove_all_filters( 'aurareels_post_defaults' );
		remove_all_filters( 'salt' );
		wp_set_current_user( 0 );
	}

	/** Lets these answers come from the core, one after the other; the last one again and again. */
	protected function core_answers( ...$answers ) {
		add_filter(
			'pre_http_request',
			function ( $none, $args, $url ) use ( &$answers ) {
				$this->sent[] = array( 'url' => $url ) + $args;
				return count( $answers ) > 1 ? array_shift( $answers ) : $answers[0];
			},
			10,
			3
		);
	}

	/** An HTTP answer as WordPress has it. */
	protected static function http( $body, array $headers = array(), $code = 200, $type = 'application/grpc-web+proto' ) {
		return array(
			'headers'  => array( 'content-type' => $type ) + $headers,
			'body'     => $body,
			'response' => array(
				'code'    => $code,
				'message' => '',
			),
			'cookies'  => array(),
			'filename' => null,
		);
	}

	protected static function frame( $flag, $bytes ) {
		return chr( $flag ) . pack( 'N', strlen( $bytes ) ) . $bytes;
	}

	/** A good answer. */
	protected static function message( $name, array $value = array() ) {
		return self::http( self::frame( 0, AuraReels\Codec::get()->encode( $name, $value ) ) . self::frame( 0x80, "grpc-status:0\r\n" ) );
	}

	/** A refusal in the form that tonic gives it. */
	protected static function refusal( $code, $text = '', $reason = '', array $metadata = array() ) {
		$entries = '';
		foreach ( $metadata as $key => $value ) {
			$entry    = "\x0a" . chr( strlen( $key ) ) . $key . "\x12" . chr( strlen( $value ) ) . $value;
			$entries .= "\x1a" . chr( strlen( $entry ) ) . $entry;
		}
		$info    = "\x0a" . chr( strlen( $reason ) ) . $reason . "\x12\x09aurareels" . $entries;
		$any     = array(
			'type_url' => 'type.googleapis.com/google.rpc.ErrorInfo',
			'value'    => $info,
		);
		$status  = AuraReels\Codec::get()->encode( 'google.rpc.Status', array( 'code' => $code, 'message' => $text, 'details' => array( $any ) ) );
		$headers = array(
			'grpc-status'             => (string) $code,
			'grpc-message'            => rawurlencode( $text ),
			'grpc-status-details-bin' => rtrim( base64_encode( $status ), '=' ),
		);
		return self::http( '', $headers );
	}

	/** The message that was sent. */
	protected function sent_message( $name, $index = 0 ) {
		return AuraReels\Codec::get()->decode( $name, substr( $this->sent[ $index ]['body'], 5 ) );
	}

	/** The claims of the token that was sent. */
	protected function sent_claims( $index = 0 ) {
		return self::claims( substr( $this->sent[ $index ]['headers']['Authorization'], 7 ) );
	}

	protected static function claims( $token ) {
		return json_decode( base64_decode( strtr( explode( '.', $token )[1], '-_', '+/' ) ), true );
	}

	/** The answer of a route, asked as the current user. */
	protected function rest( $method, $path, array $body = array(), array $headers = array() ) {
		$parts   = explode( '?', $path, 2 );
		$request = new WP_REST_Request( $method, '/aurareels/v1/social' . $parts[0] );
		if ( isset( $parts[1] ) ) {
			parse_str( $parts[1], $query );
			$request->set_query_params( $query );
		}
		foreach ( $headers as $name => $value ) {
			$request->set_header( $name, $value );
		}
		if ( $body ) {
			$request->set_header( 'content-type', 'application/json' );
			$request->set_body( json_encode( $body ) );
		}
		return rest_do_request( $request );
	}

	/** A call that must fail. */
	protected function refused( callable $call ) {
		try {
			$call();
		} catch ( AuraReels\Core_Error $error ) {
			return $error;
		}
		$this->fail( 'it was not refused' );
	}
}
