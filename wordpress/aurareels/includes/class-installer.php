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
	const OPTIONS = array( 'aurareels_version', Settings::OPTION, Keys::OPTION, Events::OPTION, Events::LOCK, 'aurareels_n8n_key_hash' );

	/**
	 * On activation.
	 *
	 * @param bool $network Whether for all sites of a network; the others are set up when their administration is opened.
	 */
	public static function activate( $network = false ) {
		if ( PHP_INT_SIZE < 8 ) {
			deactivate_plugins( plugin_basename( AURAREELS_FILE ), false, $network );
			wp_die( esc_html__( 'AuraReels needs a PHP of 64 bits: ids do not fit otherwise.', 'aurareels' ) );
		}
		self::set_up();
	}

	/**
	 * On each page of the administration: sets up what is missing, after an update too.
	 */
	public static function ensure() {
		if ( AURAREELS_VERSION !== get_option( 'aurareels_version' ) ) {
			self::set_up();
		}
		if ( wp_next_scheduled( self::ORIGINAL_HOOK ) ) {
			wp_unschedule_hook( self::ORIGINAL_HOOK );
		}
	}

	private static function set_up() {
		wp_unschedule_hook( self::ORIGINAL_HOOK );
		if ( ! wp_next_scheduled( Events::HOOK ) ) {
			wp_schedule_event( time() + 60, 'aurareels_minute', Events::HOOK );
		}
		// Roles that an administrator has changed since stay as they are.
		if ( ! get_option( 'aurareels_version' ) ) {
			self::set_roles( Permissions::ROLES );
		}
		Keys::ensure();
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
	 */
	public static function deactivate() {
		wp_unschedule_hook( Events::HOOK );
	}

	/**
	 * Before the plugin is deleted. Posts and accounts are the core's and stay there.
	 */
	public static function uninstall() {
		foreach ( self::OPTIONS as $option ) {
			delete_option( $option );
		}
		delete_metadata( 'user', 0, Notices::SEEN, '', true );
		self::set_roles( array() );
		wp_unschedule_hook( Events::HOOK );
	}
}
