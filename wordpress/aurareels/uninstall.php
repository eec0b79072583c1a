<?php
/**
 * Removes what the plugin has left in the database.
 *
 * @package AuraReels
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

require_once __DIR__ . '/aurareels.php';

AuraReels\Installer::uninstall();
