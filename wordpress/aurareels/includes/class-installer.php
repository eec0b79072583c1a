<?php
/**
 * What activating, deactivating and removing do to a site.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Sets a site up, and cleans it up.
 */
final class Installer {

	/**
	 * The hook by which the original design published every five minutes. The core does that now, and both would publish twice.
	 */
	const ORIGINAL_HOOK = 'aurareels_process_scheduled_posts';

	/**
	 * Every option of the plugin.
	 */
	const OPTIONS = array( 'aurareels_version', Settings::OPTION, Keys::OPTION, Events::OPTION, Events::LOCK, Webhook::OPTION, Settings::N8N_KEY );

	/**
	 * On activation.
	 *
	 * @param bool $network Whether for all sites of a network. Those of a large one are set up when they are first used
	 *                      ({@see Installer::ensure()}), and so are sites that are made later.
	 */
	public static function activate( $network = false ) {
		if ( PHP_INT_SIZE < 8 ) {
			deactivate_plugins( plugin_basename( AURAREELS_FILE ), false, $network );
			wp_die( esc_html__( 'AuraReels needs a PHP of 64 bits: ids do not fit otherwise.', 'aurareels' ) );
		}
		if ( ! $network || wp_is_large_network() ) {
			self::set_up();
			return;
		}
		self::on_each_site( array( self::class, 'set_up' ) );
	}

	/**
	 * Does something for each site of the network, or for the only site.
	 *
	 * @param callable $work What is done.
	 */
	private static function on_each_site( callable $work ) {
		if ( ! is_multisite() ) {
			call_user_func( $work );
			return;
		}
		$sites = get_sites(
			array(
				'fields' => 'ids',
				'number' => 0,
			)
		);
		foreach ( $sites as $site ) {
			switch_to_blog( $site );
			call_user_func( $work );
			restore_current_blog();
		}
	}

	/**
	 * On each page of the administration, and when routes are registered: sets up what is missing, after an update too.
	 */
	public static function ensure() {
		if ( AURAREELS_VERSION !== get_option( 'aurareels_version' ) ) {
			self::set_up();
		}
		if ( wp_next_scheduled( self::ORIGINAL_HOOK ) ) {
			wp_unschedule_hook( self::ORIGINAL_HOOK );
		}
	}

	/**
	 * Sets the current site up.
	 */
	public static function set_up() {
		wp_unschedule_hook( self::ORIGINAL_HOOK );
		if ( ! wp_next_scheduled( Events::HOOK ) ) {
			wp_schedule_event( time() + 60, 'aurareels_minute', Events::HOOK );
		}
		// Roles that an administrator has changed since stay as they are.
		if ( ! get_option( 'aurareels_version' ) ) {
			self::set_roles( Permissions::ROLES );
		}
		Keys::ensure();
		// There although it is empty: WordPress asks the database for an option that it has not loaded in each request anew.
		add_option( Settings::N8N_KEY, '' );
		Event_Claims::create();
		update_option( 'aurareels_version', AURAREELS_VERSION );
	}

	/**
	 * Gives the capabilities to these roles and takes them from all others.
	 *
	 * @param string[] $names Names of roles.
	 */
	public static function set_roles( array $names ) {
		foreach ( wp_roles()->role_objects as $name => $role ) {
			foreach ( array( Permissions::VIEW, Permissions::PUBLISH ) as $capability ) {
				if ( in_array( $name, $names, true ) ) {
					$role->add_cap( $capability );
				} else {
					$role->remove_cap( $capability );
				}
			}
		}
	}

	/**
	 * Roles that have the capabilities.
	 *
	 * @return string[]
	 */
	public static function roles() {
		$names = array();
		foreach ( wp_roles()->role_objects as $name => $role ) {
			if ( $role->has_cap( Permissions::PUBLISH ) ) {
				$names[] = $name;
			}
		}
		return $names;
	}

	/**
	 * On deactivation.
	 *
	 * @param bool $network Whether for all sites of a network. In a large one the hook stays on the others, where nothing runs it.
	 */
	public static function deactivate( $network = false ) {
		if ( ! $network || wp_is_large_network() ) {
			self::stop_polling();
			return;
		}
		self::on_each_site( array( self::class, 'stop_polling' ) );
	}

	/**
	 * Ends the poll of the current site.
	 */
	public static function stop_polling() {
		wp_unschedule_hook( Events::HOOK );
	}

	/**
	 * The tables that go with a site of a network that is deleted; on `wpmu_drop_tables`.
	 *
	 * @param string[] $tables Tables.
	 * @return string[]
	 */
	public static function tables_of_site( $tables ) {
		$tables[] = Event_Claims::table();
		return $tables;
	}

	/**
	 * Before the plugin is deleted. Posts and accounts are the core's and stay there.
	 */
	public static function uninstall() {
		self::on_each_site( array( self::class, 'clean_up' ) );
		delete_metadata( 'user', 0, Notices::SEEN, '', true );
	}

	/**
	 * Removes what the current site has.
	 */
	public static function clean_up() {
		global $wpdb;
		foreach ( self::OPTIONS as $option ) {
			delete_option( $option );
		}
		// Results of connection tests, one per user. Where they are not in the database, they end by themselves.
		foreach ( array( '_transient_', '_transient_timeout_' ) as $kind ) {
			// phpcs:ignore WordPress.DB -- WordPress has no function for it.
			$wpdb->query( $wpdb->prepare( "DELETE FROM $wpdb->options WHERE option_name LIKE %s", $wpdb->esc_like( "{$kind}aurareels_" ) . '%' ) );
		}
		Event_Claims::drop();
		self::set_roles( array() );
		wp_unschedule_hook( Events::HOOK );
	}
}
