<?php
/**
 * Protobuf messages as PHP arrays, by tables.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Encodes and decodes the messages of `proto-tables.php`, which is generated from the project's proto files.
 *
 * A decoded message is an array with every field of the message: scalars have their default where they are absent, fields
 * with presence (messages, `optional`, members of a oneof) are null, repeated ones are lists. Enums are numbers; a number that
 * this release does not know stays what it is. Fields that it does not know are left out. `google.protobuf.Struct` is what
 * json_decode would make of it.
 *
 * Guaranteed: bytes that are not the message fail with Codec_Error; nothing is read beyond their end.
 */
final class Codec {

	const VARINT  = 0;
	const FIXED64 = 1;
	const BYTES   = 2;
	const FIXED32 = 5;

	/**
	 * Deepest nesting that is followed.
	 */
	const DEPTH = 64;

	/**
	 * Messages by name; each has its fields by number: name, kind, type, label.
	 *
	 * @var array
	 */
	private $messages;

	/**
	 * What an empty message decodes to, by name, of those that were met.
	 *
	 * @var array
	 */
	private $empty = array();

	/**
	 * Enums by name; each has its words by number.
	 *
	 * @var array
	 */
	private $enums;

	/**
	 * Request and response message of each RPC.
	 *
	 * @var array
	 */
	private $rpcs;

	/**
	 * A codec over tables.
	 *
	 * @param array $tables What proto-tables.php returns.
	 */
	public function __construct( array $tables ) {
		$this->messages = $tables['messages'];
		$this->enums    = $tables['enums'];
		$this->rpcs     = $tables['rpcs'];
	}

	/**
	 * The codec of this plugin's tables.
	 *
	 * @return self
	 */
	public static function get() {
		static $codec = null;
		if ( null === $codec ) {
			$codec = new self( require __DIR__ . '/proto-tables.php' );
		}
		return $codec;
	}

	/**
	 * Request and response message of an RPC such as `PostService/GetPost`.
	 *
	 * @param string $rpc The RPC.
	 * @return array
	 * @throws Codec_Error When there is no such RPC.
	 */
	public function rpc( $rpc ) {
		if ( ! isset( $this->rpcs[ $rpc ] ) ) {
			throw new Codec_Error( "there is no RPC $rpc" );
		}
		return $this->rpcs[ $rpc ];
	}

	/**
	 * The word of an enum's number, without the enum's prefix and in small letters: `scheduled`.
	 *
	 * @param string $enum   The enum, such as `PostStatus`.
	 * @param int    $number The number.
	 * @return string|null Null for a number of a newer core.
	 */
	public function word( $enum, $number ) {
		return isset( $this->enums[ $enum ][ $number ] ) ? $this->enums[ $enum ][ $number ] : null;
	}

	/**
	 * The number of a word.
	 *
	 * @param string $enum The enum.
	 * @param string $word The word.
	 * @return int|null Null for an unknown word, and for the one that says "not given".
	 */
	public function number( $enum, $word ) {
		$number = array_search( $word, $this->enums[ $enum ], true );
		return $number ? $number : null;
	}

	/**
	 * The words that a request may use.
	 *
	 * @param string $enum The enum.
	 * @return string[]
	 */
	public function words( $enum ) {
		$words = $this->enums[ $enum ];
		unset( $words[0] );
		return array_values( $words );
	}

	/**
	 * The bytes of a message.
	 *
	 * @param string $message The message's name.
	 * @param array  $value   Fields by name. Null is "absent".
	 * @return string
	 * @throws Codec_Error When a value does not fit its field, or there is no such field.
	 */
	public function encode( $message, array $value ) {
		$bytes = '';
		foreach ( $this->fields( $message ) as $number => $field ) {
			list( $name, $kind, $type, $label ) = $field;
			if ( ! array_key_exists( $name, $value ) ) {
				continue;
			}
			$given = $value[ $name ];
			unset( $value[ $name ] );
			if ( null === $given ) {
				continue;
			}
			if ( 'repeated' === $label ) {
				$bytes .= $this->encode_list( $number, $field, $given );
			} elseif ( '' !== $label || 'message' === $kind || ! $this->is_default( $kind, $given ) ) {
				$bytes .= $this->encode_field( $number, $name, $kind, $type, $given );
			}
		}
		if ( $value ) {
			throw new Codec_Error( "$message has no field " . implode( ', ', array_keys( $value ) ) );
		}
		return $bytes;
	}

	/**
	 * A message of its bytes.
	 *
	 * @param string $message The message's name.
	 * @param string $bytes   The bytes.
	 * @return array
	 * @throws Codec_Error When the bytes are not the message.
	 */
	public function decode( $message, $bytes ) {
		return $this->decode_message( $message, $bytes, 0 );
	}

	/**
	 * Fields of a message.
	 *
	 * @param string $message Name.
	 * @return array
	 * @throws Codec_Error When it is unknown.
	 */
	public function fields( $message ) {
		if ( isset( $this->messages[ $message ] ) ) {
			return $this->messages[ $message ];
		}
		// Loaded where an error is read.
		if ( isset( Rpc_Details::MESSAGES[ $message ] ) ) {
			return Rpc_Details::MESSAGES[ $message ];
		}
		throw new Codec_Error( "there is no message $message" );
	}

	private function is_default( $kind, $value ) {
		switch ( $kind ) {
			case 'string':
			case 'bytes':
				return '' === $value;
			case 'bool':
				return false === $value;
			default:
				return 0 === $value || 0.0 === $value;
		}
	}

	private function encode_list( $number, array $field, $values ) {
		list( $name, $kind, $type ) = $field;
		if ( ! is_array( $values ) ) {
			throw new Codec_Error( "$name must be a list" );
		}
		$bytes  = '';
		$packed = in_array( $kind, array( 'int32', 'int64', 'bool', 'enum', 'double' ), true );
		foreach ( $values as $value ) {
			$bytes .= $packed
				? $this->encode_number( $name, $kind, $value )
				: $this->encode_field( $number, $name, $kind, $type, $value );
		}
		return $packed && '' !== $bytes ? self::varint( $number << 3 | self::BYTES ) . self::sized( $bytes ) : $bytes;
	}

	private function encode_field( $number, $name, $kind, $type, $value ) {
		switch ( $kind ) {
			case 'string':
			case 'bytes':
				if ( ! is_string( $value ) || ( 'string' === $kind && ! preg_match( '//u', $value ) ) ) {
					throw new Codec_Error( "$name must be a text in UTF-8" );
				}
				return self::varint( $number << 3 | self::BYTES ) . self::sized( $value );
			case 'message':
				if ( 'google.protobuf.Struct' === $type ) {
					$inner = $this->encode_struct( $value, 0 );
				} elseif ( is_array( $value ) ) {
					$inner = $this->encode( $type, $value );
				} else {
					throw new Codec_Error( "$name must be a message" );
				}
				return self::varint( $number << 3 | self::BYTES ) . self::sized( $inner );
			case 'double':
				return self::varint( $number << 3 | self::FIXED64 ) . $this->encode_number( $name, $kind, $value );
			default:
				return self::varint( $number << 3 | self::VARINT ) . $this->encode_number( $name, $kind, $value );
		}
	}

	private function encode_number( $name, $kind, $value ) {
		if ( 'bool' === $kind && is_bool( $value ) ) {
			return $value ? "\x01" : "\x00";
		}
		if ( 'double' === $kind && ( is_int( $value ) || is_float( $value ) ) ) {
			return pack( 'e', $value );
		}
		$fits = is_int( $value ) && ( 'int64' === $kind || ( $value >= -2147483648 && $value <= 2147483647 ) );
		if ( in_array( $kind, array( 'int32', 'int64', 'enum' ), true ) && $fits ) {
			return self::varint( $value );
		}
		throw new Codec_Error( "$name must be a value of the kind $kind" );
	}

	/**
	 * A google.protobuf.Struct. Keys stay in their order.
	 *
	 * @param mixed $value An object or an array with keys.
	 * @param int   $depth How deep it is nested.
	 * @return string
	 * @throws Codec_Error When it is no object, or too deep.
	 */
	private function encode_struct( $value, $depth ) {
		if ( ! is_object( $value ) && ! is_array( $value ) ) {
			throw new Codec_Error( 'an object was expected' );
		}
		$bytes = '';
		foreach ( (array) $value as $key => $item ) {
			$entry  = $this->encode_field( 1, 'key', 'string', '', (string) $key );
			$entry .= "\x12" . self::sized( $this->encode_value( $item, $depth + 1 ) );
			$bytes .= "\x0a" . self::sized( $entry );
		}
		return $bytes;
	}

	private function encode_value( $value, $depth ) {
		if ( $depth > self::DEPTH ) {
			throw new Codec_Error( 'the object is nested too deep' );
		}
		if ( null === $value ) {
			return "\x08\x00";
		}
		if ( is_bool( $value ) ) {
			return "\x20" . ( $value ? "\x01" : "\x00" );
		}
		if ( is_int( $value ) || is_float( $value ) ) {
			return "\x11" . pack( 'e', $value );
		}
		if ( is_string( $value ) ) {
			return $this->encode_field( 3, 'value', 'string', '', $value );
		}
		$is_list = is_array( $value ) && array_keys( $value ) === array_keys( array_keys( $value ) );
		if ( ! $is_list ) {
			return "\x2a" . self::sized( $this->encode_struct( $value, $depth ) );
		}
		$list = '';
		foreach ( $value as $item ) {
			$list .= "\x0a" . self::sized( $this->encode_value( $item, $depth + 1 ) );
		}
		return "\x32" . self::sized( $list );
	}

	private static function sized( $bytes ) {
		return self::varint( strlen( $bytes ) ) . $bytes;
	}

	private static function varint( $value ) {
		$bytes = '';
		while ( $value < 0 || $value > 0x7f ) {
			$bytes .= chr( $value & 0x7f | 0x80 );
			// A shift that fills up with zeros: negative numbers take ten bytes.
			$value = $value >> 7 & 0x01ffffffffffffff;
		}
		return $bytes . chr( $value );
	}

	private function decode_message( $message, $bytes, $depth ) {
		if ( $depth > self::DEPTH ) {
			throw new Codec_Error( 'the message is nested too deep' );
		}
		$fields = $this->fields( $message );
		if ( ! isset( $this->empty[ $message ] ) ) {
			$this->empty[ $message ] = array();
			foreach ( $fields as $field ) {
				$this->empty[ $message ][ $field[0] ] = self::absent( $field[1], $field[3] );
			}
		}
		$value = $this->empty[ $message ];
		$at    = 0;
		$end   = strlen( $bytes );
		while ( $at < $end ) {
			$tag  = self::read_varint( $bytes, $at );
			$wire = $tag & 7;
			$raw  = self::read_raw( $bytes, $at, $wire );
			if ( 0 === $tag >> 3 ) {
				throw new Codec_Error( 'a field has the number 0' );
			}
			if ( ! isset( $fields[ $tag >> 3 ] ) ) {
				continue;
			}
			list( $name, $kind, $type, $label ) = $fields[ $tag >> 3 ];
			if ( 'repeated' !== $label ) {
				$value[ $name ] = $this->decode_field( $name, $kind, $type, $wire, $raw, $depth );
			} elseif ( 'map' === $kind ) {
				$entry                                     = $this->decode_message( $type, $this->as_bytes( $name, $wire, $raw ), $depth + 1 );
				$value[ $name ][ (string) $entry['key'] ] = $entry['value'];
			} elseif ( self::BYTES === $wire && ! in_array( $kind, array( 'string', 'bytes', 'message' ), true ) ) {
				array_push( $value[ $name ], ...$this->decode_packed( $name, $kind, $raw ) );
			} else {
				$value[ $name ][] = $this->decode_field( $name, $kind, $type, $wire, $raw, $depth );
			}
		}
		return $value;
	}

	/**
	 * What a decoded message has where a field is absent.
	 *
	 * @param string $kind  The field's kind.
	 * @param string $label Its label.
	 * @return mixed
	 */
	public static function absent( $kind, $label ) {
		if ( 'repeated' === $label ) {
			return array();
		}
		if ( '' !== $label || 'message' === $kind ) {
			return null;
		}
		if ( 'string' === $kind || 'bytes' === $kind ) {
			return '';
		}
		if ( 'bool' === $kind ) {
			return false;
		}
		return 'double' === $kind ? 0.0 : 0;
	}

	private function decode_packed( $name, $kind, $raw ) {
		$list = array();
		$at   = 0;
		while ( $at < strlen( $raw ) ) {
			$wire   = 'double' === $kind ? self::FIXED64 : self::VARINT;
			$list[] = $this->decode_field( $name, $kind, '', $wire, self::read_raw( $raw, $at, $wire ), 0 );
		}
		return $list;
	}

	private function as_bytes( $name, $wire, $raw ) {
		if ( self::BYTES !== $wire ) {
			throw new Codec_Error( "$name has the wrong wire type" );
		}
		return $raw;
	}

	private function decode_field( $name, $kind, $type, $wire, $raw, $depth ) {
		switch ( $kind ) {
			case 'string':
				$text = $this->as_bytes( $name, $wire, $raw );
				if ( ! preg_match( '//u', $text ) ) {
					throw new Codec_Error( "$name is not in UTF-8" );
				}
				return $text;
			case 'bytes':
				return $this->as_bytes( $name, $wire, $raw );
			case 'message':
				$inner = $this->as_bytes( $name, $wire, $raw );
				if ( 'google.protobuf.Struct' === $type ) {
					return $this->decode_struct( $inner, $depth + 1 );
				}
				return $this->decode_message( $type, $inner, $depth + 1 );
			case 'double':
				if ( self::FIXED64 !== $wire ) {
					throw new Codec_Error( "$name has the wrong wire type" );
				}
				return unpack( 'e', $raw )[1];
		}
		if ( self::VARINT !== $wire ) {
			throw new Codec_Error( "$name has the wrong wire type" );
		}
		if ( 'bool' === $kind ) {
			return 0 !== $raw;
		}
		if ( 'int64' === $kind ) {
			return $raw;
		}
		$low = $raw & 0xffffffff;
		return $low > 0x7fffffff ? $low - 0x100000000 : $low;
	}

	private function decode_struct( $bytes, $depth ) {
		if ( $depth > self::DEPTH ) {
			throw new Codec_Error( 'the message is nested too deep' );
		}
		$value = new \stdClass();
		foreach ( $this->entries( $bytes ) as $entry ) {
			$key  = '';
			$item = null;
			foreach ( $this->parts( $entry ) as $part ) {
				if ( 1 === $part[0] ) {
					$key = $this->decode_field( 'key', 'string', '', $part[1], $part[2], 0 );
				} elseif ( 2 === $part[0] ) {
					$item = $this->decode_value( $this->as_bytes( 'value', $part[1], $part[2] ), $depth + 1 );
				}
			}
			$value->{$key} = $item;
		}
		return $value;
	}

	private function decode_value( $bytes, $depth ) {
		$value = null;
		foreach ( $this->parts( $bytes ) as $part ) {
			list( $number, $wire, $raw ) = $part;
			if ( 2 === $number ) {
				$value = $this->decode_field( 'number_value', 'double', '', $wire, $raw, 0 );
				// JSON has one kind of number: whole ones come back as such.
				if ( floor( $value ) === $value && abs( $value ) < 9.0e15 ) {
					$value = (int) $value;
				}
			} elseif ( 3 === $number ) {
				$value = $this->decode_field( 'string_value', 'string', '', $wire, $raw, 0 );
			} elseif ( 4 === $number ) {
				$value = $this->decode_field( 'bool_value', 'bool', '', $wire, $raw, 0 );
			} elseif ( 5 === $number ) {
				$value = $this->decode_struct( $this->as_bytes( 'struct_value', $wire, $raw ), $depth + 1 );
			} elseif ( 6 === $number ) {
				$value = array();
				foreach ( $this->entries( $this->as_bytes( 'list_value', $wire, $raw ) ) as $item ) {
					$value[] = $this->decode_value( $item, $depth + 1 );
				}
			}
		}
		return $value;
	}

	/**
	 * The fields with the number 1 of a message that has no others.
	 *
	 * @param string $bytes The message.
	 * @return string[]
	 */
	private function entries( $bytes ) {
		$entries = array();
		foreach ( $this->parts( $bytes ) as $part ) {
			if ( 1 === $part[0] ) {
				$entries[] = $this->as_bytes( 'entry', $part[1], $part[2] );
			}
		}
		return $entries;
	}

	/**
	 * The fields of a message as they stand: number, wire type, raw value.
	 *
	 * @param string $bytes The message.
	 * @return array[]
	 */
	private function parts( $bytes ) {
		$parts = array();
		$at    = 0;
		while ( $at < strlen( $bytes ) ) {
			$tag     = self::read_varint( $bytes, $at );
			$parts[] = array( $tag >> 3, $tag & 7, self::read_raw( $bytes, $at, $tag & 7 ) );
		}
		return $parts;
	}

	private static function read_varint( $bytes, &$at ) {
		$value = 0;
		$end   = strlen( $bytes );
		for ( $shift = 0; $shift < 70; $shift += 7 ) {
			if ( $at >= $end ) {
				throw new Codec_Error( 'the message is cut short' );
			}
			$byte   = ord( $bytes[ $at++ ] );
			$value |= ( $byte & 0x7f ) << $shift;
			if ( $byte < 0x80 ) {
				return $value;
			}
		}
		throw new Codec_Error( 'a number is longer than ten bytes' );
	}

	private static function read_raw( $bytes, &$at, $wire ) {
		switch ( $wire ) {
			case self::VARINT:
				return self::read_varint( $bytes, $at );
			case self::FIXED64:
				$size = 8;
				break;
			case self::FIXED32:
				$size = 4;
				break;
			case self::BYTES:
				$size = self::read_varint( $bytes, $at );
				break;
			default:
				throw new Codec_Error( 'an unknown wire type' );
		}
		if ( $size < 0 || $size > strlen( $bytes ) - $at ) {
			throw new Codec_Error( 'the message is cut short' );
		}
		$raw = (string) substr( $bytes, $at, $size );
		$at += $size;
		return $raw;
	}
}
