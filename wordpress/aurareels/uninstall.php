<?php
/**
 * Removes what the plugin has left in the database.
 *
 * @package AuraReels
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

require_once __DIR__ . '/aurareels.php';

if ( is_multisite() ) {
	foreach ( get_sites( array( 'fields' => 'ids', 'number' => 0 ) ) as $aurareels_site ) {
		switch_to_blog( $aurareels_site );
		AuraReels\Installer::uninstall();
		restore_current_blog();
	}
} else {
	AuraReels\Installer::uninstall();
}
