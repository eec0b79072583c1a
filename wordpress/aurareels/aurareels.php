<?php
/**
 * Plugin Name:       AuraReels
 * Description:       Publishes and schedules short videos to TikTok, Instagram, Facebook and YouTube through an AuraReels core, behind the REST routes /wp-json/aurareels/v1/social/.
 * Version:           0.1.0
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * License:           MIT
 * License URI:       https://opensource.org/licenses/MIT
 * Text Domain:       aurareels
 * Domain Path:       /languages
 *
 * The plugin keeps no posts, no accounts and no rules of platforms: all of that is the core's. It says who asks, hands the
 * request over, and gives the answer the shape that front ends and workflows of the original design expect.
 *
 * This file is all that a request loads that does not use the plugin.
 *
 * @package AuraReels
 */

defined( 'ABSPATH' ) || exit;

define( 'AURAREELS_VERSION', '0.1.0' );
define( 'AURAREELS_FILE', __FILE__ );

spl_autoload_register(
	static function ( $name ) {
		// Written out: looking whether a file is there would cost each request about as much as loading it.
		static $files = array(
			'AuraReels\Accounts_Api'    => 'accounts-api',
			'AuraReels\Cli'             => 'cli',
			'AuraReels\Client'          => 'client',
			'AuraReels\Codec'           => 'codec',
			'AuraReels\Codec_Error'     => 'codec-error',
			'AuraReels\Connection_Test' => 'connection-test',
			'AuraReels\Core_Error'      => 'core-error',
			'AuraReels\Dashboard'       => 'dashboard',
			'AuraReels\Event_Claims'    => 'event-claims',
			'AuraReels\Events'          => 'events',
			'AuraReels\Installer'       => 'installer',
			'AuraReels\Internal_Api'    => 'internal-api',
			'AuraReels\Json_Message'    => 'json-message',
			'AuraReels\Keys'            => 'keys',
			'AuraReels\Notices'         => 'notices',
			'AuraReels\Permissions'     => 'permissions',
			'AuraReels\Posts_Api'       => 'posts-api',
			'AuraReels\Publish_Api'     => 'publish-api',
			'AuraReels\Route_Args'      => 'route-args',
			'AuraReels\Routes'          => 'routes',
			'AuraReels\Rpc_Details'     => 'rpc-details',
			'AuraReels\Sealed'          => 'sealed',
			'AuraReels\Settings'        => 'settings',
			'AuraReels\Settings_Page'   => 'settings-page',
			'AuraReels\Shapes'          => 'shapes',
			'AuraReels\Site_Health'     => 'site-health',
			'AuraReels\Site_Token'      => 'site-token',
			'AuraReels\Video_Jobs'      => 'video-jobs',
			'AuraReels\Webhook'         => 'webhook',
		);
		if ( isset( $files[ $name ] ) ) {
			require __DIR__ . '/includes/class-' . $files[ $name ] . '.php';
		}
	}
);

register_activation_hook( __FILE__, array( 'AuraReels\Installer', 'activate' ) );
register_deactivation_hook( __FILE__, array( 'AuraReels\Installer', 'deactivate' ) );

add_action( 'rest_api_init', array( 'AuraReels\Routes', 'register' ) );
add_action( 'aurareels_poll_events', array( 'AuraReels\Events', 'poll' ) );

// phpcs:ignore WordPress.WP.CronInterval -- a minute is what a publishing front end wants; a poll is one small request.
add_filter(
	'cron_schedules',
	static function ( $schedules ) {
		$schedules['aurareels_minute'] = array(
			'interval' => 60,
			'display'  => 'AuraReels',
		);
		return $schedules;
	}
);

// Tokens of the common JWT plugin, on sites where that plugin is not there to read them itself.
add_filter(
	'determine_current_user',
	static function ( $user ) {
		$has_token = isset( $_SERVER['HTTP_AUTHORIZATION'] ) || isset( $_SERVER['REDIRECT_HTTP_AUTHORIZATION'] );
		if ( $user || ! $has_token || ! defined( 'JWT_AUTH_SECRET_KEY' ) || empty( $_SERVER['REQUEST_URI'] ) ) {
			return $user;
		}
		return \AuraReels\Site_Token::determine_user( $user );
	},
	30
);

if ( is_admin() ) {
	add_action( 'admin_menu', array( 'AuraReels\Dashboard', 'add' ) );
	add_action( 'admin_menu', array( 'AuraReels\Settings_Page', 'add' ) );
	add_action( 'admin_init', array( 'AuraReels\Installer', 'ensure' ) );
	add_action( 'admin_notices', array( 'AuraReels\Notices', 'show' ) );
	add_action( 'admin_post_aurareels', array( 'AuraReels\Settings_Page', 'handle' ) );
	add_filter( 'plugin_action_links_' . plugin_basename( __FILE__ ), array( 'AuraReels\Settings_Page', 'link' ) );
}
add_filter( 'wpmu_drop_tables', array( 'AuraReels\Installer', 'tables_of_site' ) );
add_filter( 'site_status_tests', array( 'AuraReels\Site_Health', 'tests' ) );

add_action(
	'init',
	static function () {
		load_plugin_textdomain( 'aurareels', false, dirname( plugin_basename( AURAREELS_FILE ) ) . '/languages' );
	}
);

if ( defined( 'WP_CLI' ) && WP_CLI ) {
	WP_CLI::add_command( 'aurareels', 'AuraReels\Cli' );
}
