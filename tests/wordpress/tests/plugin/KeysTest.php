<?php

use AuraReels\Keys;
use AuraReels\Permissions;
use AuraReels\Settings;

/** Key pairs, tokens, and what of them can be seen. */
final class KeysTest extends PluginCase {

	private static function verifies( $token, $public ) {
		list( $head, $claims, $signature ) = explode( '.', $token );
		return sodium_crypto_sign_verify_detached( base64_decode( strtr( $signature, '-_', '+/' ) ), "$head.$claims", substr( base64_decode( $public ), 12 ) );
	}

	public function test_a_token_is_short_and_says_for_whom_and_how_far() {
		$token  = Keys::token_of_user( 2, Permissions::PUBLISH );
		$claims = self::claims( $token );
		$this->assertTrue( self::verifies( $token, explode( ',', Keys::public_setting() )[0] ) );
		$this->assertSame( array( get_option( 'home' ), 'aurareels-core', 'publish', Permissions::PUBLISH, '2' ), array( $claims['iss'], $claims['aud'], $claims['scope'], $claims['cap'], $claims['data']['user']['id'] ) );
		$this->assertSame( 60, $claims['exp'] - $claims['iat'] );
		$this->assertSame( $claims['iat'], $claims['nbf'] );
		$this->assertSame( 'read', self::claims( Keys::token_of_user( 2, Permissions::VIEW ) )['scope'] );
		$site = self::claims( Keys::token_of_site() );
		$this->assertSame( 'internal', $site['scope'] );
		$this->assertArrayNotHasKey( 'data', $site );
		$this->assertSame( '{"typ":"JWT","alg":"EdDSA"}', base64_decode( explode( '.', $token )[0] ) );
	}

	public function test_routes_sign_for_the_user_and_the_capability_that_was_checked() {
		$this->core_answers( self::message( 'ListAccountsResponse' ) );
		$this->rest( 'GET', '/accounts' );
		$this->assertSame( array( 'read', '2' ), array( $this->sent_claims()['scope'], $this->sent_claims()['data']['user']['id'] ) );
		remove_all_filters( 'pre_http_request' );
		$this->sent = array();
		$this->core_answers( self::message( 'Post', array( 'id' => 5 ) ) );
		wp_set_current_user( 3 );
		$this->rest( 'POST', '/posts/5/retry' );
		$this->assertSame( array( 'publish', '3' ), array( $this->sent_claims()['scope'], $this->sent_claims()['data']['user']['id'] ) );
	}

	public function test_keys_are_changed_with_an_overlap() {
		delete_option( Keys::OPTION );
		Keys::ensure();
		$first = Keys::public_setting();
		$this->assertStringNotContainsString( ',', $first );
		Keys::make_next();
		list( $current, $next ) = explode( ',', Keys::public_setting() );
		$this->assertSame( $first, $current );
		$this->assertTrue( self::verifies( Keys::token_of_site(), $current ), 'the old one goes on signing' );
		$this->assertTrue( self::verifies( Keys::token_of_user( 1, Permissions::VIEW, 'next' ), $next ) );
		Keys::drop_next();
		$this->assertSame( $first, Keys::public_setting() );
		$this->assertFalse( Keys::use_next() );
		Keys::make_next();
		$next = explode( ',', Keys::public_setting() )[1];
		$this->assertTrue( Keys::use_next() );
		$this->assertSame( $next, Keys::public_setting() );
		$this->assertTrue( self::verifies( Keys::token_of_site(), $next ) );
	}

	public function test_a_copy_of_the_database_signs_nothing() {
		$stored = wp_json_encode( get_option( Keys::OPTION ) );
		$this->assertNull( Keys::problem() );
		add_filter( 'salt', fn( $salt ) => "another site's $salt" );
		$this->assertStringContainsString( 'salts', Keys::problem() );
		$error = $this->refused( fn() => Keys::token_of_site() );
		$this->assertSame( 502, $error->http_status() );
		// A new pair heals it.
		Keys::make_next();
		$this->assertNull( Keys::problem() );
		$this->assertNotSame( $stored, wp_json_encode( get_option( Keys::OPTION ) ) );
	}

	public function test_the_second_pair_is_another_one() {
		delete_option( Keys::OPTION );
		Keys::ensure();
		$first = get_option( Keys::OPTION );
		Keys::ensure();
		$this->assertSame( $first, get_option( Keys::OPTION ), 'activating again keeps the key' );
		global $wpdb;
		$this->assertNotContains( $wpdb->get_var( $wpdb->prepare( "SELECT autoload FROM $wpdb->options WHERE option_name = %s", Keys::OPTION ) ), array( 'no', 'off' ), 'a call to the core needs no query for it' );
	}

	public function addresses() {
		return array(
			array( 'https://core.example.org', 'https://core.example.org' ),
			array( ' http://127.0.0.1:50051/ ', 'http://127.0.0.1:50051' ),
			array( 'https://example.org/core/', 'https://example.org/core' ),
			array( 'http://[::1]:50051', 'http://[::1]:50051' ),
			array( 'ftp://example.org', '' ),
			array( 'javascript:alert(1)', '' ),
			array( 'https://user:secret@example.org', '' ),
			array( 'https://example.org/?a=b', '' ),
			array( 'https://example.org/#a', '' ),
			array( 'example.org', '' ),
			array( '//example.org', '' ),
			array( 'https://exa mple.org', '' ),
			array( "https://example.org/\"><script>", '' ),
			array( array( 'https://example.org' ), '' ),
			array( null, '' ),
		);
	}

	/** @dataProvider addresses */
	public function test_an_address_is_a_plain_http_address( $given, $wanted ) {
		$this->assertSame( $wanted, Settings::address( $given ) );
	}

	public function test_an_address_that_others_could_read_is_told() {
		foreach ( array( 'http://core.example.org', 'http://8.8.8.8:50051', 'http://[2001:4860:4860::8888]' ) as $open ) {
			$this->assertTrue( AuraReels\Connection_Test::is_open( $open ), $open );
		}
		foreach ( array( 'https://core.example.org', 'http://localhost:50051', 'http://127.0.0.1:50051', 'http://10.1.2.3', 'http://192.168.1.5', 'http://[::1]:50051', 'http://core:50051' ) as $closed ) {
			$this->assertFalse( AuraReels\Connection_Test::is_open( $closed ), $closed );
		}
	}

	public function test_n8ns_key_is_compared_whole() {
		$this->assertTrue( Settings::is_n8n_key( N8N_API_KEY ) );
		foreach ( array( '', 'x', N8N_API_KEY . ' ', substr( N8N_API_KEY, 1 ), strtoupper( N8N_API_KEY ) ) as $wrong ) {
			$this->assertFalse( Settings::is_n8n_key( $wrong ), $wrong );
		}
	}
}
