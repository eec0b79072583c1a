<?php

/** After everything else: what the plugin left in PHP's logs. */
final class ZzLogTest extends SiteCase {

	public function test_neither_notice_nor_fatal_error_of_the_plugin() {
		$lines = array();
		foreach ( array( self::$site['debug_log'], self::$site['php_log'] ) as $file ) {
			$lines = array_merge( $lines, is_file( $file ) ? file( $file ) : array() );
		}
		// WordPress 6.1 itself is not made for PHP 8.2, and says so.
		$ours = preg_grep( '#plugins/aurareels|Fatal error|AuraReels#', $lines );
		self::assertSame( array(), array_values( $ours ) );
	}

	public function test_no_secret_in_an_answer_or_a_log() {
		$keys = get_option( 'aurareels_keys' );
		foreach ( glob( self::$site['folder'] . '/*.{log,out}', GLOB_BRACE ) as $file ) {
			self::assertStringNotContainsString( $keys['current']['sealed'], file_get_contents( $file ) );
		}
	}
}
