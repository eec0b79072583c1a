<?php

use AuraReels\Codec;
use AuraReels\Codec_Error;
use PHPUnit\Framework\TestCase;

final class CodecTest extends TestCase {

	public function vectors() {
		$all = json_decode( file_get_contents( __DIR__ . '/../../testdata/vectors.json' ) );
		foreach ( $all as $number => $vector ) {
			yield "$number $vector->message" => array( $vector->message, $vector->value, hex2bin( $vector->hex ) );
		}
	}

	/** Objects become arrays where the codec wants messages; `metadata` stays what json_decode made of it. */
	private static function as_message( $value, $name = '' ) {
		if ( is_object( $value ) && 'metadata' !== $name ) {
			$value = (array) $value;
		}
		if ( is_array( $value ) ) {
			foreach ( $value as $key => $item ) {
				$value[ $key ] = self::as_message( $item, (string) $key );
			}
		}
		return $value;
	}

	/** @dataProvider vectors */
	public function test_bytes_are_what_prost_makes( $message, $value, $bytes ) {
		if ( 'google.rpc.Status' === $message ) {
			$this->expectNotToPerformAssertions();
			return;
		}
		$this->assertSame( bin2hex( $bytes ), bin2hex( Codec::get()->encode( $message, self::as_message( $value ) ) ) );
	}

	/** @dataProvider vectors */
	public function test_bytes_of_prost_are_read( $message, $value, $bytes ) {
		$this->covers( self::as_message( $value ), Codec::get()->decode( $message, $bytes ), $message );
	}

	private function covers( $expected, $found, $at ) {
		if ( ! is_array( $expected ) ) {
			is_object( $expected ) ? $this->assertEquals( $expected, $found, $at ) : $this->assertSame( $expected, $found, $at );
			return;
		}
		$this->assertIsArray( $found, $at );
		foreach ( $expected as $key => $item ) {
			$this->assertArrayHasKey( $key, $found, $at );
			$this->covers( $item, $found[ $key ], "$at.$key" );
		}
		if ( array_keys( $expected ) === range( 0, count( $expected ) - 1 ) ) {
			$this->assertCount( count( $expected ), $found, $at );
		}
	}

	public function test_absent_fields_have_their_defaults() {
		$post = Codec::get()->decode( 'Post', '' );
		$this->assertSame( array( 0, '', array(), null, null, false ), array( $post['id'], $post['caption'], $post['hashtags'], $post['account'], $post['allow_duet'], $post['retry_available'] ) );
	}

	/** Every cut is either a shorter message or an error: never a notice, a warning or an endless loop. */
	public function test_a_message_that_is_cut_anywhere_does_no_harm() {
		foreach ( $this->vectors() as list( $message, , $bytes ) ) {
			for ( $length = 0; $length < strlen( $bytes ); $length++ ) {
				try {
					$this->assertIsArray( Codec::get()->decode( $message, substr( $bytes, 0, $length ) ) );
				} catch ( Codec_Error $error ) {
					$this->assertNotSame( '', $error->getMessage() );
				}
			}
		}
	}

	public function test_chance_does_no_harm() {
		mt_srand( 7 );
		for ( $round = 0; $round < 3000; $round++ ) {
			$bytes = '';
			for ( $length = mt_rand( 1, 60 ); $length > 0; $length-- ) {
				$bytes .= chr( mt_rand( 0, 255 ) );
			}
			try {
				$this->assertIsArray( Codec::get()->decode( 'ListEventsResponse', $bytes ) );
			} catch ( Codec_Error $error ) {
				$this->assertNotSame( '', $error->getMessage() );
			}
		}
	}

	public function broken() {
		return array(
			'three bytes of nothing'        => array( "\xff\xff\xff" ),
			'a number of eleven bytes'      => array( "\x08" . str_repeat( "\xff", 10 ) . "\x01" ),
			'a length beyond the end'       => array( "\x6a\x05abc" ),
			'a length that is negative'     => array( "\x6a" . str_repeat( "\xff", 9 ) . "\x01" ),
			'a group'                       => array( "\x0b\x0c" ),
			'the field number 0'            => array( "\x00\x00" ),
			'a text that is no UTF-8'       => array( "\x6a\x02\xc3\x28" ),
			'a text where a number belongs' => array( "\x0a\x01a" ),
			'a number where a text belongs' => array( "\x68\x01" ),
		);
	}

	/** @dataProvider broken */
	public function test_bytes_that_are_no_message_are_refused( $bytes ) {
		$this->expectException( Codec_Error::class );
		Codec::get()->decode( 'Post', $bytes );
	}

	public function test_what_a_newer_core_adds_is_left_out() {
		$further = "\xfa\x3f\x03abc" . "\xf8\x3f\x96\x01" . "\xf9\x3f" . str_repeat( "\0", 8 ) . "\xfd\x3f" . str_repeat( "\0", 4 );
		$this->assertSame( 5, Codec::get()->decode( 'GetPostRequest', $further . "\x08\x05" )['id'] );
		$this->assertNull( Codec::get()->word( 'PostStatus', 4711 ) );
	}

	public function test_nesting_has_an_end() {
		$deep = null;
		for ( $level = 0; $level < 200; $level++ ) {
			$deep = array( 'a' => $deep );
		}
		$this->expectException( Codec_Error::class );
		Codec::get()->encode( 'PostContent', array( 'metadata' => $deep ) );
	}

	public function misfits() {
		return array(
			'a text for a number'    => array( 'GetPostRequest', array( 'id' => '5' ) ),
			'a fraction for an id'   => array( 'GetPostRequest', array( 'id' => 1.5 ) ),
			'too large for 32 bits'  => array( 'ListPostsRequest', array( 'skip' => 2147483648 ) ),
			'a list for a text'      => array( 'PostContent', array( 'caption' => array( 'x' ) ) ),
			'a text for a list'      => array( 'PostContent', array( 'hashtags' => 'x' ) ),
			'a text that is no UTF-8' => array( 'PostContent', array( 'caption' => "\xc3\x28" ) ),
			'a number for yes or no' => array( 'PostContent', array( 'allow_duet' => 1 ) ),
			'an unknown field'       => array( 'GetPostRequest', array( 'uid' => 5 ) ),
		);
	}

	/** @dataProvider misfits */
	public function test_values_that_do_not_fit_are_refused( $message, $value ) {
		$this->expectException( Codec_Error::class );
		Codec::get()->encode( $message, $value );
	}

	public function test_words_are_those_of_the_original() {
		$this->assertSame( array( 'tiktok', 'instagram', 'facebook', 'youtube' ), Codec::get()->words( 'Platform' ) );
		foreach ( array( 'draft', 'scheduled', 'publishing', 'published', 'failed', 'cancelled' ) as $status ) {
			$this->assertIsInt( Codec::get()->number( 'PostStatus', $status ) );
		}
		$this->assertNull( Codec::get()->number( 'PostStatus', 'unspecified' ) );
	}
}
