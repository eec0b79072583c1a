<?php
/**
 * Loads the site that rig/site.php set up into this process, for tests of the plugin's parts; tests of the site speak HTTP to it.
 *
 * AURAREELS_SITE is what rig/site.php printed; AURAREELS_ADDRESS, AURAREELS_SIMULATOR_CONTROL and AURAREELS_SIMULATOR_MEDIA name
 * the core and the simulator of the tests.
 */

foreach ( array( 'AURAREELS_SITE', 'AURAREELS_ADDRESS', 'AURAREELS_SIMULATOR_CONTROL', 'AURAREELS_SIMULATOR_MEDIA' ) as $name ) {
	if ( ! getenv( $name ) ) {
		fwrite( STDERR, "$name is not set: start these tests with `cargo xtask test --only wordpress`\n" );
		exit( 2 );
	}
}
$site = json_decode( getenv( 'AURAREELS_SITE' ), true );

$_SERVER['HTTP_HOST']       = parse_url( $site['url'], PHP_URL_HOST ) . ':' . parse_url( $site['url'], PHP_URL_PORT );
$_SERVER['REQUEST_URI']     = '/';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD']  = 'GET';

require $site['wordpress'] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
restore_error_handler();

update_option( 'aurareels_settings', array( 'core_url' => getenv( 'AURAREELS_ADDRESS' ) ) );

// Many posts in a moment; single limits are switched on where a test is about them.
$limits = array_fill_keys( array( 'init_per_minute', 'creator_info_per_minute', 'status_per_minute', 'display_per_minute', 'posts_per_day', 'pending_shares_per_day' ), 1000000 );
$posted = stream_context_create( array( 'http' => array( 'method' => 'POST', 'header' => 'Content-Type: application/json', 'content' => json_encode( $limits ) ) ) );
file_get_contents( getenv( 'AURAREELS_SIMULATOR_CONTROL' ) . '/_sim/tiktok/rules', false, $posted );

require __DIR__ . '/support/case.php';
require __DIR__ . '/support/browser.php';
require __DIR__ . '/support/site-case.php';
