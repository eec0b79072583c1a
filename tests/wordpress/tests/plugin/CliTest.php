<?php

/** `wp aurareels`, with what of WP-CLI the commands use. */
final class CliTest extends PluginCase {

	private function run_command( $name, ...$args ) {
		WP_CLI::$said = array();
		try {
			( new AuraReels\Cli() )->$name( ...$args );
		} catch ( RuntimeException $ended ) {
			unset( $ended );
		}
		return implode( "\n", WP_CLI::$said );
	}

	public function test_commands() {
		$this->assertStringContainsString( 'success: The core answers', $this->run_command( 'test' ) );
		$this->core_answers( self::message( 'ListPostsResponse', array( 'total' => 1, 'posts' => array( array( 'id' => 5, 'platform' => 1, 'status' => 6, 'error_message' => 'why' ) ) ) ) );
		$this->assertStringContainsString( '5 tiktok failed', $this->run_command( 'posts', array(), array( 'status' => 'failed', 'limit' => '3' ) ) );
		$this->assertSame( 3, $this->sent_message( 'ListPostsRequest' )['page_size'] );
		remove_all_filters( 'pre_http_request' );
		$this->core_answers( self::message( 'ListAccountsResponse', array( 'accounts' => array( array( 'id' => 1, 'platform' => 1, 'account_name' => 'Ada', 'health' => 3 ) ) ) ) );
		$this->assertStringContainsString( 'needs_reconnect', $this->run_command( 'accounts' ) );
		remove_all_filters( 'pre_http_request' );
		$this->core_answers( self::refusal( 9, 'post 5 is published', 'TOO_LATE' ) );
		$this->assertStringContainsString( 'error: post 5 is published', $this->run_command( 'cancel', array( '5' ) ) );
		remove_all_filters( 'pre_http_request' );
		$this->core_answers( self::message( 'Post', array( 'id' => 5 ) ) );
		$this->assertStringContainsString( 'success: Retrying publication', $this->run_command( 'retry', array( '5' ) ) );
		wp_set_current_user( 0 );
		$this->assertSame( 'error: Say as whom: --user=<id or login>', $this->run_command( 'retry', array( '5' ) ) );
	}

	public function test_keys() {
		AuraReels\Keys::drop_next();
		$this->assertStringNotContainsString( ',', explode( "\n", $this->run_command( 'key', array( 'show' ) ) )[0] );
		$this->assertStringContainsString( ',', explode( "\n", $this->run_command( 'key', array( 'next' ) ) )[0] );
		$before = get_option( 'aurareels_keys' );
		$this->assertStringContainsString( 'does not accept the new key', $this->run_command( 'key', array( 'use' ) ) );
		$this->assertSame( $before, get_option( 'aurareels_keys' ), 'a key that the core does not know is not used' );
		$this->assertStringContainsString( 'error', $this->run_command( 'key', array( 'lose' ) ) );
	}
}

if ( ! class_exists( 'WP_CLI' ) ) {
	// phpcs:disable
	eval( 'class WP_CLI { static $said = array(); static function line( $t ) { self::$said[] = $t; } static function success( $t ) { self::$said[] = "success: $t"; } static function error( $t ) { self::$said[] = "error: $t"; throw new RuntimeException( $t ); } }' );
	eval( 'namespace WP_CLI\Utils; function format_items( $format, $items, $columns ) { foreach ( $items as $item ) { \WP_CLI::line( implode( " ", array_map( function ( $column ) use ( $item ) { return is_scalar( $item[ $column ] ?? "" ) ? (string) $item[ $column ] : ""; }, $columns ) ) ); } }' );
}
