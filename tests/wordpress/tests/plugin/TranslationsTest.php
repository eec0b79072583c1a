<?php

/** The German and the Brazilian texts: complete, with the same placeholders, and as the .po files have them. */
final class TranslationsTest extends PluginCase {

	private static function texts() {
		$found = array();
		foreach ( glob( WP_PLUGIN_DIR . '/aurareels/{includes/,}*.php', GLOB_BRACE ) as $file ) {
			preg_match_all( "/\\b(?:__|esc_html__)\\(\\s*'((?:[^'\\\\]|\\\\.)*)',\\s*'aurareels'/", file_get_contents( $file ), $all );
			$found = array_merge( $found, array_map( 'stripslashes', $all[1] ) );
			preg_match_all( "/\\b_n\\(\\s*'([^']*)',\\s*'([^']*)'/", file_get_contents( $file ), $plural );
			$found = array_merge( $found, $plural[1] );
		}
		return array_unique( $found );
	}

	public function languages() {
		return array( array( 'de_DE' ), array( 'pt_BR' ) );
	}

	/** @dataProvider languages */
	public function test_every_text_is_translated( $language ) {
		require_once ABSPATH . WPINC . '/pomo/mo.php';
		$mo = new MO();
		$this->assertTrue( $mo->import_from_file( WP_PLUGIN_DIR . "/aurareels/languages/aurareels-$language.mo" ) );
		$texts = self::texts();
		$this->assertGreaterThan( 80, count( $texts ) );
		$names = static function ( $text ) {
			preg_match_all( '/%(?:\d\$)?[sd]/', $text, $found );
			sort( $found[0] );
			return $found[0];
		};
		foreach ( $texts as $text ) {
			$this->assertArrayHasKey( $text, $mo->entries, $text );
			foreach ( $mo->entries[ $text ]->translations as $translation ) {
				$this->assertNotSame( '', $translation );
				$this->assertSame( $names( $text ), $names( $translation ), $text );
			}
		}
		$this->assertCount( count( $texts ), $mo->entries, 'nothing is left over' );
		$made = tempnam( sys_get_temp_dir(), 'mo' );
		exec( 'msgfmt -o ' . escapeshellarg( $made ) . ' ' . escapeshellarg( WP_PLUGIN_DIR . "/aurareels/languages/aurareels-$language.po" ) );
		$po = new MO();
		$po->import_from_file( $made );
		unlink( $made );
		$this->assertEquals( $po->entries, $mo->entries, 'the .mo is of this .po' );
	}

	public function test_translators_begin_with_every_text() {
		require_once ABSPATH . WPINC . '/pomo/po.php';
		$pot = new PO();
		$this->assertTrue( $pot->import_from_file( WP_PLUGIN_DIR . '/aurareels/languages/aurareels.pot' ) );
		$this->assertEqualsCanonicalizing( self::texts(), array_column( $pot->entries, 'singular' ) );
	}

	public function test_the_page_speaks_german() {
		$this->assertTrue( load_textdomain( 'aurareels', WP_PLUGIN_DIR . '/aurareels/languages/aurareels-de_DE.mo' ) );
		wp_set_current_user( 1 );
		ob_start();
		AuraReels\Settings_Page::show();
		$html = ob_get_clean();
		unload_textdomain( 'aurareels' );
		$this->assertStringContainsString( 'Verbindung testen', $html );
		$this->assertStringNotContainsString( 'Test the connection', $html );
	}
}
