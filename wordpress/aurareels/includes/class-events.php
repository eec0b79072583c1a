<?php
/**
 * What happens at the core, as WordPress actions.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Reads the core's events by WP-Cron and turns each into actions: `aurareels_event`, the event's own (`aurareels_post_created`,
 * `aurareels_account_needs_reconnect`, ...), and for a new status `aurareels_post_published`, `aurareels_post_failed` and so on.
 * Each is given the event ({@see Shapes::event()}).
 *
 * Guaranteed: events come in order, each at least once; the same sequence is the same event. A callback that ends the process
 * is given the same event {@see Events::MOST_TRIES} times, then it is left behind. An exception of a callback goes to the
 * error log and stops nothing.
 */
final class Events {

	const HOOK = 'aurareels_poll_events';

	const OPTION = 'aurareels_events';

	const LOCK = 'aurareels_events_lock';

	/**
	 * Pages of one poll.
	 */
	const PAGES = 10;

	const MOST_TRIES = 3;

	/**
	 * Seconds after which the lock of a dead poll is taken over.
	 */
	const LOCKED = 300;

	/**
	 * Reads what is new.
	 *
	 * @return int How many events there were.
	 * @throws Core_Error When the core cannot be asked and somebody waits for the answer.
	 */
	public static function poll() {
		if ( '' === Settings::core_url() || ! self::lock() ) {
			return 0;
		}
		try {
			return self::read();
		} catch ( Core_Error $error ) {
			if ( defined( 'WP_CLI' ) && WP_CLI ) {
				throw $error;
			}
			// The next poll comes in a minute; Site Health tells of a core that stays away.
			return 0;
		} finally {
			delete_option( self::LOCK );
		}
	}

	private static function read() {
		$client = Client::of_site();
		$count  = 0;
		$state  = self::state();
		for ( $page = 0; $page < self::PAGES; $page++ ) {
			try {
				$answer = $client->call( 'PostService/ListEvents', array( 'after_sequence' => $state['position'] ) );
			} catch ( Core_Error $error ) {
				if ( Core_Error::OUT_OF_RANGE !== $error->getCode() || '' === $error->detail( 'oldest_sequence' ) ) {
					throw $error;
				}
				/**
				 * Events between the last one and this position can no longer be had: read the posts anew.
				 *
				 * @param int $position The position that is gone on from.
				 */
				do_action( 'aurareels_events_lost', (int) $error->detail( 'oldest_sequence' ) );
				$state = self::keep( (int) $error->detail( 'oldest_sequence' ) );
				continue;
			}
			foreach ( $answer['events'] as $event ) {
				$tries = $state['trying'] === $event['sequence'] ? $state['tries'] : 0;
				if ( $tries < self::MOST_TRIES ) {
					self::keep( $state['position'], $event['sequence'], $tries + 1 );
					self::tell( $event );
				}
				$state = self::keep( $event['sequence'] );
				++$count;
			}
			if ( $answer['position'] === $state['position'] && ! $answer['events'] ) {
				break;
			}
			$state = self::keep( $answer['position'] );
		}
		return $count;
	}

	private static function tell( array $event ) {
		$shape = Shapes::event( $event );
		$names = array( 'aurareels_event', 'aurareels_' . $shape['type'] );
		if ( 'post_status_changed' === $shape['type'] && null !== $shape['status'] ) {
			$names[] = 'aurareels_post_' . $shape['status'];
		}
		foreach ( $names as $name ) {
			try {
				// phpcs:ignore WordPress.NamingConventions -- the names begin with aurareels_.
				do_action( $name, $shape );
			} catch ( \Throwable $error ) {
				// phpcs:ignore WordPress.PHP.DevelopmentFunctions -- the only place where a site's owner looks.
				error_log( "AuraReels: a callback of $name failed: " . $error->getMessage() );
			}
		}
	}

	private static function state() {
		$state = get_option( self::OPTION );
		return is_array( $state ) ? $state : array(
			'position' => null,
			'trying'   => 0,
			'tries'    => 0,
		);
	}

	private static function keep( $position, $trying = 0, $tries = 0 ) {
		$state = compact( 'position', 'trying', 'tries' );
		update_option( self::OPTION, $state, false );
		return $state;
	}

	/**
	 * Two polls at a time would give each event twice.
	 *
	 * @return bool
	 */
	private static function lock() {
		global $wpdb;
		$now = time();
		// phpcs:ignore WordPress.DB -- the row is the lock; a cached one would be none.
		$wpdb->query( $wpdb->prepare( "DELETE FROM $wpdb->options WHERE option_name = %s AND CAST( option_value AS SIGNED ) < %d", self::LOCK, $now - self::LOCKED ) );
		// phpcs:ignore WordPress.DB
		return 1 === $wpdb->query( $wpdb->prepare( "INSERT IGNORE INTO $wpdb->options ( option_name, option_value, autoload ) VALUES ( %s, %s, 'no' )", self::LOCK, $now ) );
	}
}
