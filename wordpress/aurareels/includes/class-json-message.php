<?php
/**
 * Messages of the core in JSON.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Reads what the core writes in JSON into the arrays that the codec makes of bytes, by the same tables. Fields that the tables
 * do not know are left out, as in bytes; the word of a newer core's enum is "not given".
 */
final class Json_Message {

	/**
	 * A message.
	 *
	 * @param string    $name The message.
	 * @param \stdClass $json What json_decode made of it.
	 * @return array
	 * @throws Codec_Error When a value does not fit its field.
	 */
	public static function read( $name, \stdClass $json ) {
		$message = array();
		foreach ( Codec::get()->fields( $name ) as $field ) {
			list( $key, $kind, $type, $label ) = $field;
			if ( ! isset( $json->{$key} ) ) {
				$message[ $key ] = Codec::absent( $kind, $label );
			} elseif ( 'repeated' !== $label ) {
				$message[ $key ] = self::value( $key, $kind, $type, $json->{$key} );
			} elseif ( 'map' === $kind ) {
				$message[ $key ] = (array) $json->{$key};
			} else {
				$message[ $key ] = array();
				foreach ( is_array( $json->{$key} ) ? $json->{$key} : array() as $item ) {
					$message[ $key ][] = self::value( $key, $kind, $type, $item );
				}
			}
		}
		return $message;
	}

	private static function value( $key, $kind, $type, $given ) {
		switch ( $kind ) {
			case 'enum':
				return is_int( $given ) ? $given : self::number_of( $type, $given );
			case 'double':
				$fits = is_int( $given ) || is_float( $given );
				break;
			case 'bool':
				$fits = is_bool( $given );
				break;
			case 'string':
				$fits = is_string( $given );
				break;
			case 'message':
				return self::message( $key, $type, $given );
			default:
				$fits = is_int( $given );
		}
		if ( ! $fits ) {
			throw new Codec_Error( "$key is no $kind" );
		}
		return 'double' === $kind ? (float) $given : $given;
	}

	private static function message( $key, $type, $given ) {
		if ( 'google.protobuf.Timestamp' === $type ) {
			$time = is_string( $given ) ? Internal_Api::instant( $given ) : null;
			if ( null === $time ) {
				throw new Codec_Error( "$key is no time" );
			}
			return $time;
		}
		if ( ! $given instanceof \stdClass ) {
			throw new Codec_Error( "$key is no object" );
		}
		return 'google.protobuf.Struct' === $type ? $given : self::read( $type, $given );
	}

	/**
	 * The number of an enum's name as proto files have it: `POST_STATUS_PUBLISHED`.
	 *
	 * @param string $enum The enum.
	 * @param mixed  $name The name.
	 * @return int
	 */
	private static function number_of( $enum, $name ) {
		$prefix = strtoupper( preg_replace( '/(?<=[a-z0-9])[A-Z]/', '_$0', $enum ) ) . '_';
		$known  = is_string( $name ) && 0 === strpos( $name, $prefix );
		return $known ? (int) Codec::get()->number( $enum, strtolower( substr( $name, strlen( $prefix ) ) ) ) : 0;
	}
}
