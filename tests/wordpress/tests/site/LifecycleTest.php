<?php

/** Activating, deactivating and removing the plugin: on a site of its own, and on a network of sites. */
final class LifecycleTest extends SiteCase {

	const WHOLE = array(
		'options' => array( 'aurareels_keys', 'aurareels_n8n_key_hash', 'aurareels_version' ),
		'roles'   => array( 'administrator', 'editor', 'author' ),
		'cron'    => array( 'aurareels_poll_events' ),
		'meta'    => array(),
	);

	const NOTHING = array(
		'options' => array(),
		'tables'  => array(),
		'roles'   => array(),
		'cron'    => array(),
		'meta'    => array(),
	);

	/** What each site has after a step. */
	private static function after( string $step, string $prefix, bool $is_network = false ): array {
		$environment = array( 'TEST_PREFIX' => $prefix ) + ( $is_network ? array( 'TEST_NETWORK' => '1' ) : array() ) + getenv();
		$command     = array( PHP_BINARY, '-d', 'display_errors=stderr', __DIR__ . '/../../rig/lifecycle.php', self::$site['wordpress'], self::$site['url'], $step );
		$process     = proc_open( $command, array( array( 'file', '/dev/null', 'r' ), array( 'pipe', 'w' ), array( 'pipe', 'w' ) ), $pipes, null, $environment );
		$text        = stream_get_contents( $pipes[1] );
		$complaints  = stream_get_contents( $pipes[2] );
		self::assertSame( 0, proc_close( $process ), "$step: $text$complaints" );
		$answer = json_decode( $text, true );
		self::assertIsArray( $answer, "$step: $text$complaints" );
		self::assertSame( array(), preg_grep( '#plugins/aurareels|Fatal error|database error#i', explode( "\n", $complaints . $answer['said'] ) ), $step );
		return $answer['sites'];
	}

	private static function whole( string $prefix ): array {
		return self::WHOLE + array( 'tables' => array( "{$prefix}aurareels_event_claims" ) );
	}

	public function test_a_site() {
		self::assertEquals( array( self::NOTHING ), self::after( 'install', 'one_' ) );
		self::assertEquals( array( self::whole( 'one_' ) ), self::after( 'activate', 'one_' ) );
		$used = self::after( 'use', 'one_' )[0];
		foreach ( array( 'aurareels_webhook_secret', 'aurareels_settings', 'aurareels_n8n_key_hash', '_transient_aurareels_test_1' ) as $option ) {
			self::assertContains( $option, $used['options'] );
		}
		$stopped = self::after( 'deactivate', 'one_' )[0];
		self::assertEquals( array( 'cron' => array() ) + $used, $stopped, 'everything but the poll stays' );
		self::assertEquals( array( self::NOTHING ), self::after( 'uninstall', 'one_' ) );
	}

	public function test_a_network() {
		self::after( 'install', 'net_' );
		self::after( 'become-network', 'net_' );
		self::assertEquals( array( self::NOTHING, self::NOTHING ), self::after( 'make-site', 'net_', true ) );
		self::assertEquals( array( self::whole( 'net_' ), self::whole( 'net_2_' ) ), self::after( 'activate', 'net_', true ), 'every site is set up' );
		// A site that is made later is set up when it is first used.
		self::assertEquals( self::NOTHING, self::after( 'make-site', 'net_', true )[2] );
		self::assertEquals( self::whole( 'net_3_' ), self::after( 'first-request', 'net_', true )[2] );
		foreach ( self::after( 'use', 'net_', true ) as $used ) {
			self::assertContains( 'aurareels_webhook_secret', $used['options'] );
		}
		self::assertCount( 2, self::after( 'delete-site', 'net_', true ) );
		global $wpdb;
		self::assertSame( array(), $wpdb->get_col( "SHOW TABLES LIKE 'net\_3\_%'" ), 'a site of the network takes its table with it' );
		foreach ( self::after( 'deactivate', 'net_', true ) as $site ) {
			self::assertSame( array(), $site['cron'] );
		}
		self::assertEquals( array( self::NOTHING, self::NOTHING ), self::after( 'uninstall', 'net_', true ) );
	}
}
