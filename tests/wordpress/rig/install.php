<?php
/**
 * Installs WordPress, activates the plugin, makes users and a table of video jobs. Prints what the tests need as JSON.
 */

list( , $wordpress, $url ) = $argv;

$_SERVER['HTTP_HOST']       = parse_url( $url, PHP_URL_HOST ) . ':' . parse_url( $url, PHP_URL_PORT );
$_SERVER['REQUEST_URI']     = '/';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD']  = 'GET';
define( 'WP_INSTALLING', true );

/** WordPress would send a mail. */
function wp_new_blog_notification() {
}

ob_start();
require "$wordpress/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require_once ABSPATH . 'wp-admin/includes/plugin.php';
// The installer tries permalinks by calling the site, which does not run yet.
add_filter(
	'pre_http_request',
	static function () {
		return new WP_Error( 'no_network', 'not while installing' );
	}
);
wp_install( 'Test site', 'admin', 'admin@example.org', false, '', 'admin' );
global $wp_rewrite, $wpdb;
$wp_rewrite->set_permalink_structure( '/%postname%/' );
$wp_rewrite->flush_rules( false );

// What the original design has left behind, for activation to find.
wp_schedule_event( time() + 300, 'hourly', 'aurareels_process_scheduled_posts' );
$activated = activate_plugin( 'aurareels/aurareels.php' );
if ( is_wp_error( $activated ) ) {
	fwrite( STDERR, $activated->get_error_message() );
	exit( 1 );
}
$left = (bool) wp_next_scheduled( 'aurareels_process_scheduled_posts' );

$users = array( 'admin' => 1 );
foreach ( array( 'anna' => 'author', 'ben' => 'author', 'sue' => 'subscriber', 'sue-as-author' => 'author' ) as $name => $role ) {
	$users[ $name ] = wp_insert_user(
		array(
			'user_login' => $name,
			'user_pass'  => $name,
			'user_email' => "$name@example.org",
			'role'       => $role,
		)
	);
}
$passwords = array();
foreach ( $users as $name => $id ) {
	$passwords[ $name ] = WP_Application_Passwords::create_new_application_password( $id, array( 'name' => 'tests' ) )[0];
}
$wpdb->query(
	"CREATE TABLE {$wpdb->prefix}chavetas_video_uploader ( id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, job_id VARCHAR(255) NOT NULL, " .
	'user_id BIGINT UNSIGNED NOT NULL, status VARCHAR(50), mp4_url TEXT, thumbnail_url TEXT, ai_metadata LONGTEXT, KEY job_id ( job_id ) )'
);
// The original's tables, to compare what its rows cost.
$wpdb->query( "CREATE TABLE {$wpdb->prefix}test_accounts ( id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, wp_user_id BIGINT UNSIGNED NOT NULL, platform VARCHAR(20) NOT NULL, account_name VARCHAR(255) NOT NULL, access_token TEXT NOT NULL, is_active TINYINT(1) DEFAULT 1, KEY user_platform ( wp_user_id, platform ) )" );
$wpdb->insert( $wpdb->prefix . 'test_accounts', array( 'wp_user_id' => $users['anna'], 'platform' => 'tiktok', 'account_name' => 'Ada', 'access_token' => str_repeat( 'x', 200 ) ) );
$wpdb->query(
	"CREATE TABLE {$wpdb->prefix}test_posts ( id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, wp_user_id BIGINT UNSIGNED NOT NULL, video_job_id VARCHAR(255) NOT NULL, " .
	'social_account_id BIGINT UNSIGNED NOT NULL, platform VARCHAR(20) NOT NULL, status VARCHAR(20), scheduled_at DATETIME, video_url TEXT NOT NULL, thumbnail_url TEXT, caption TEXT, hashtags TEXT, ' .
	'privacy_level VARCHAR(50), allow_comments TINYINT(1), allow_duet TINYINT(1), allow_stitch TINYINT(1), created_at DATETIME DEFAULT CURRENT_TIMESTAMP, ' .
	'KEY user_posts ( wp_user_id, status ), KEY scheduled_posts ( status, scheduled_at ), KEY video_job ( video_job_id ), KEY social_account ( social_account_id ), KEY platform_status ( platform, status ) )'
);
// Both keys, as while a key is being changed: the core of the tests is given both.
AuraReels\Keys::make_next();
ob_end_clean();
echo json_encode(
	array(
		'users'              => $users,
		'passwords'          => $passwords,
		'public_keys'        => AuraReels\Keys::public_setting(),
		'issuer'             => AuraReels\Settings::issuer(),
		'redirect_uris'      => array_map( array( 'AuraReels\Settings', 'callback' ), array( 'tiktok', 'instagram' ) ),
		'original_hook_left' => $left,
	)
);
