<?php
/**
 * One step in the life of another site, or network of sites, in the database of the test site. A process of its own for each,
 * because WordPress decides when it starts whether it is a network.
 *
 *     TEST_PREFIX=net_ [TEST_NETWORK=1] php lifecycle.php WORDPRESS URL STEP
 *
 * Prints as JSON what the step has left.
 */

list( , $wordpress, $url, $step ) = $argv;

const PLUGIN = 'aurareels/aurareels.php';

$_SERVER['HTTP_HOST']       = parse_url( $url, PHP_URL_HOST ) . ':' . parse_url( $url, PHP_URL_PORT );
$_SERVER['REQUEST_URI']     = '/';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD']  = 'GET';
if ( 'install' === $step ) {
	define( 'WP_INSTALLING', true );
}

/** WordPress would send a mail. */
function wp_new_blog_notification() {
}

/** What the plugin has in the current site. */
function left_behind() {
	global $wpdb;
	wp_cache_flush();
	$roles = array_keys( array_filter( wp_roles()->role_objects, static fn( $role ) => $role->has_cap( 'aurareels_publish' ) || $role->has_cap( 'aurareels_view' ) ) );
	return array(
		'options' => $wpdb->get_col( "SELECT option_name FROM $wpdb->options WHERE option_name LIKE '%aurareels%' ORDER BY option_name" ),
		'tables'  => $wpdb->get_col( "SHOW TABLES LIKE '" . $wpdb->esc_like( $wpdb->prefix . 'aurareels' ) . "%'" ),
		'roles'   => $roles,
		'cron'    => array_values( array_filter( array( 'aurareels_poll_events', 'aurareels_process_scheduled_posts' ), 'wp_next_scheduled' ) ),
		'meta'    => $wpdb->get_col( "SELECT meta_key FROM $wpdb->usermeta WHERE meta_key LIKE '%aurareels%'" ),
	);
}

ob_start();
require "$wordpress/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/admin.php';
add_filter( 'pre_http_request', static fn() => new WP_Error( 'no_network', 'not here' ) );
switch ( $step ) {
	case 'install':
		require_once ABSPATH . 'wp-admin/includes/upgrade.php';
		wp_install( 'Another site', 'admin', 'admin@example.org', false, '', 'admin' );
		break;
	case 'become-network':
		require_once ABSPATH . 'wp-admin/includes/upgrade.php';
		foreach ( $wpdb->tables( 'ms_global' ) as $table => $name ) {
			$wpdb->$table = $name;
		}
		install_network();
		populate_network( 1, $_SERVER['HTTP_HOST'], 'admin@example.org', 'A network', '/', false );
		break;
	case 'make-site':
		$made = wp_insert_site( array( 'domain' => $_SERVER['HTTP_HOST'], 'path' => '/site-' . wp_rand() . '/', 'title' => 'One more', 'user_id' => 1 ) );
		is_wp_error( $made ) && exit( $made->get_error_message() );
		break;
	case 'activate':
		wp_schedule_event( time() + 300, 'hourly', 'aurareels_process_scheduled_posts' );
		$done = activate_plugin( PLUGIN, '', is_multisite() );
		is_wp_error( $done ) && exit( $done->get_error_message() );
		break;
	case 'use':
		// What a site collects: settings, secrets, notices, events.
		wp_set_current_user( 1 );
		foreach ( is_multisite() ? get_sites( array( 'fields' => 'ids' ) ) : array( 0 ) as $site ) {
			$site && switch_to_blog( $site );
			update_option( 'aurareels_settings', array( 'core_url' => 'http://127.0.0.1:1' ) );
			update_option( 'aurareels_n8n_key_hash', hash( 'sha256', 'x' ) );
			AuraReels\Webhook::set_secret( 'whsec_' . base64_encode( random_bytes( 32 ) ) );
			AuraReels\Event_Claims::claim( 'msg_1', 0 );
			update_user_meta( 1, 'aurareels_notices', array() );
			set_transient( 'aurareels_test_1', array(), 60 );
			$site && restore_current_blog();
		}
		break;
	case 'first-request':
		// The routes of the newest site are registered.
		switch_to_blog( max( get_sites( array( 'fields' => 'ids' ) ) ) );
		do_action( 'rest_api_init' );
		restore_current_blog();
		break;
	case 'delete-site':
		wp_delete_site( max( get_sites( array( 'fields' => 'ids' ) ) ) );
		break;
	case 'deactivate':
		deactivate_plugins( PLUGIN, false, is_multisite() );
		break;
	case 'uninstall':
		uninstall_plugin( PLUGIN );
		break;
}
$left = array();
if ( is_multisite() ) {
	foreach ( get_sites( array( 'fields' => 'ids', 'orderby' => 'id' ) ) as $site ) {
		switch_to_blog( $site );
		$left[] = left_behind();
		restore_current_blog();
	}
} else {
	$left[] = left_behind();
}
$said = ob_get_clean();
echo json_encode( array( 'said' => $said, 'sites' => $left ) );
