<?php
/**
 * The details of gRPC errors.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Reads `grpc-status-details-bin`: a google.rpc.Status with the details that the core sends.
 *
 * Expected failure: details that cannot be read are left out. The status code and message stand without them.
 */
final class Rpc_Details {

	/**
	 * Tables of the messages, as the codec wants them. They are Google's and never change their numbers.
	 * https://github.com/googleapis/googleapis/tree/master/google/rpc
	 */
	const MESSAGES = array(
		'google.rpc.Status'                          => array(
			1 => array( 'code', 'int32', '', '' ),
			2 => array( 'message', 'string', '', '' ),
			3 => array( 'details', 'message', 'google.protobuf.Any', 'repeated' ),
		),
		'google.protobuf.Any'                        => array(
			1 => array( 'type_url', 'string', '', '' ),
			2 => array( 'value', 'bytes', '', '' ),
		),
		'google.rpc.ErrorInfo'                       => array(
			1 => array( 'reason', 'string', '', '' ),
			2 => array( 'domain', 'string', '', '' ),
			3 => array( 'metadata', 'map', 'google.rpc.ErrorInfo.MetadataEntry', 'repeated' ),
		),
		'google.rpc.ErrorInfo.MetadataEntry'         => array(
			1 => array( 'key', 'string', '', '' ),
			2 => array( 'value', 'string', '', '' ),
		),
		'google.rpc.BadRequest'                      => array(
			1 => array( 'field_violations', 'message', 'google.rpc.BadRequest.FieldViolation', 'repeated' ),
		),
		'google.rpc.BadRequest.FieldViolation'       => array(
			1 => array( 'field', 'string', '', '' ),
			2 => array( 'description', 'string', '', '' ),
			3 => array( 'reason', 'string', '', '' ),
		),
		'google.rpc.RetryInfo'                       => array(
			1 => array( 'retry_delay', 'message', 'google.rpc.Duration', '' ),
		),
		'google.rpc.Duration'                        => array(
			1 => array( 'seconds', 'int64', '', '' ),
			2 => array( 'nanos', 'int32', '', '' ),
		),
	);

	/**
	 * What the details say.
	 *
	 * @param string $header The header's value: base64, with or without padding.
	 * @return array reason (text), metadata (texts by name), fields (field, message, rule each), retry_after (seconds or null).
	 */
	public static function read( $header ) {
		$read = array(
			'reason'      => '',
			'metadata'    => array(),
			'fields'      => array(),
			'retry_after' => null,
		);
		if ( '' === $header ) {
			return $read;
		}
		try {
			$codec  = Codec::get();
			// phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_decode -- gRPC's own form of binary headers.
			$status = $codec->decode( 'google.rpc.Status', (string) base64_decode( $header ) );
			foreach ( $status['details'] as $any ) {
				$name = substr( (string) strrchr( $any['type_url'], '/' ), 1 );
				if ( 'google.rpc.ErrorInfo' === $name ) {
					$info             = $codec->decode( $name, $any['value'] );
					$read['reason']   = $info['reason'];
					$read['metadata'] = $info['metadata'];
				} elseif ( 'google.rpc.BadRequest' === $name ) {
					foreach ( $codec->decode( $name, $any['value'] )['field_violations'] as $violation ) {
						$read['fields'][] = array(
							'field'   => $violation['field'],
							'message' => $violation['description'],
							'rule'    => $violation['reason'],
						);
					}
				} elseif ( 'google.rpc.RetryInfo' === $name ) {
					$delay               = $codec->decode( $name, $any['value'] )['retry_delay'];
					$read['retry_after'] = $delay ? max( 1, $delay['seconds'] + ( $delay['nanos'] > 0 ? 1 : 0 ) ) : null;
				}
			}
		} catch ( Codec_Error $error ) {
			return $read;
		}
		return $read;
	}
}
