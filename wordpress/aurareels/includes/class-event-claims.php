<?php
/**
 * Which events were told.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Remembers which events have been turned into actions, whichever way they came: by webhook, or read by the poll. One row per
 * event, named by its webhook-id, or by its sequence where it has one, because the poll sees no webhook-ids.
 *
 * Guaranteed: of several processes that have the same event one tells it. A process that died while it told an event is
 * replaced after {@see Event_Claims::STALE} seconds, {@see Event_Claims::MOST_TRIES} times in all.
 */
final class Event_Claims {

	/**
	 * Nobody has told the event yet; the caller does now.
	 */
	const CLAIMED = 'claimed';

	/**
	 * It was told, or given up.
	 */
	const TOLD = 'told';

	/**
	 * Another process tells it at this moment.
	 */
	const BUSY = 'busy';

	const MOST_TRIES = 3;

	/**
	 * Seconds after which a process that has not come back counts as dead.
	 */
	const STALE = 300;

	/**
	 * Seconds that rows behind the poll's position are kept: for webhooks that looked at it before it moved.
	 */
	const MARGIN = 3600;

	/**
	 * Seconds that all other rows are kept, for sites where no poll runs. The core repeats deliveries for three days.
	 */
	const KEPT = 30 * 86400;

	/**
	 * The table.
	 *
	 * @return string
	 */
	public static function table() {
		global $wpdb;
		return $wpdb->prefix . 'aurareels_event_claims';
	}

	/**
	 * The name of an event that has a sequence.
	 *
	 * @param int $sequence The sequence.
	 * @return string
	 */
	public static function name( $sequence ) {
		return "sequence $sequence";
	}

	// phpcs:disable WordPress.DB -- rows of a table of our own; a cached one would be no claim.

	/**
	 * Makes the table, where there is none.
	 */
	public static function create() {
		global $wpdb;
		$table = self::table();
		if ( $table === $wpdb->get_var( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $table ) ) ) ) {
			return;
		}
		$wpdb->query(
			"CREATE TABLE IF NOT EXISTS $table (
				name VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
				sequence BIGINT NOT NULL,
				tries INT NOT NULL,
				is_told TINYINT NOT NULL,
				claimed_at BIGINT NOT NULL,
				PRIMARY KEY ( name ),
				KEY claimed_at ( claimed_at )
			) ENGINE=InnoDB"
		);
	}

	/**
	 * Removes the table.
	 */
	public static function drop() {
		global $wpdb;
		$wpdb->query( 'DROP TABLE IF EXISTS ' . self::table() );
	}

	/**
	 * Claims an event, to tell it.
	 *
	 * @param string $name     Its name.
	 * @param int    $sequence Its sequence; 0 when it has none.
	 * @return string CLAIMED, TOLD or BUSY.
	 */
	public static function claim( $name, $sequence ) {
		global $wpdb;
		$table = self::table();
		$now   = time();
		$insert = $wpdb->prepare( "INSERT IGNORE INTO $table ( name, sequence, tries, is_told, claimed_at ) VALUES ( %s, %d, 1, 0, %d )", $name, $sequence, $now );
		$shown  = $wpdb->suppress_errors( true );
		$rows   = $wpdb->query( $insert );
		$wpdb->suppress_errors( $shown );
		if ( false === $rows ) {
			// A database that was restored without the table must not end all events.
			self::create();
			$rows = $wpdb->query( $insert );
		}
		if ( 1 === $rows ) {
			return self::CLAIMED;
		}
		$row = $wpdb->get_row( $wpdb->prepare( "SELECT tries, is_told, claimed_at FROM $table WHERE name = %s", $name ) );
		if ( null === $row ) {
			return self::BUSY;
		}
		if ( '1' === $row->is_told || ( $row->tries >= self::MOST_TRIES && $row->claimed_at <= $now - self::STALE ) ) {
			return self::TOLD;
		}
		if ( $row->claimed_at > $now - self::STALE ) {
			return self::BUSY;
		}
		$taken_over = $wpdb->query( $wpdb->prepare( "UPDATE $table SET tries = tries + 1, claimed_at = %d WHERE name = %s AND claimed_at = %d AND is_told = 0", $now, $name, $row->claimed_at ) );
		return 1 === $taken_over ? self::CLAIMED : self::BUSY;
	}

	/**
	 * Says that an event was told.
	 *
	 * @param string $name Its name.
	 */
	public static function told( $name ) {
		global $wpdb;
		$wpdb->query( $wpdb->prepare( 'UPDATE ' . self::table() . ' SET is_told = 1 WHERE name = %s', $name ) );
	}

	/**
	 * Forgets what can no longer come again.
	 *
	 * @param int $began    The poll has told everything behind this sequence,
	 * @param int $position up to this one.
	 */
	public static function forget( $began, $position ) {
		global $wpdb;
		$now = time();
		$wpdb->query( $wpdb->prepare( 'DELETE FROM ' . self::table() . ' WHERE ( claimed_at < %d AND sequence > %d AND sequence <= %d ) OR claimed_at < %d', $now - self::MARGIN, $began, $position, $now - self::KEPT ) );
	}
	// phpcs:enable
}
