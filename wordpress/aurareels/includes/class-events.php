<?php
/**
 * What happens at the core, as WordPress actions.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Turns the core's events into actions: `aurareels_event`, the event's own (`aurareels_post_created`,
 * `aurareels_account_needs_reconnect`, ...), and for a new status `aurareels_post_published`, `aurareels_post_failed` and so on.
 * Each is given the event ({@see Shapes::event()}). They are read here by WP-Cron, and come by webhook where the core can reach
 * the site ({@see Webhook}); whichever is first tells an event, the other one knows it ({@see Event_Claims}).
 *
 * Guaranteed: the poll tells events in order, webhooks those of one post. Each event is told once, unless the process dies in
 * the middle: then at most {@see Event_Claims::MOST_TRIES} times; the same sequence is the same event. An exception of a
 * callback goes to the error log and stops nothing.
 */
final class Events {

	const HOOK = 'aurareels_poll_events';

	const OPTION = 'aurareels_events';

	const LOCK = 'aurareels_events_lock';

	/**
	 * Pages of one poll.
	 */
	const PAGES = 10;

	/**
	 * Seconds after which the lock of a dead poll is taken over.
	 */
	const LOCKED = 300;

	/**
	 * Reads what is new.
	 *
	 * @return int How many events were told.
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
				$state = self::keep( array( 'began' => null ), (int) $error->detail( 'oldest_sequence' ) );
				continue;
			}
			foreach ( $answer['events'] as $event ) {
				$name  = Event_Claims::name( $event['sequence'] );
				$claim = Event_Claims::claim( $name, $event['sequence'] );
				if ( Event_Claims::BUSY === $claim ) {
					// A webhook tells it right now. What follows it waits, so that the order stays.
					return $count;
				}
				if ( Event_Claims::CLAIMED === $claim ) {
					$shape = Shapes::event( $event );
					self::act( self::actions( $shape ), $shape );
					Event_Claims::told( $name );
					++$count;
				}
				$state = self::keep( $state, $event['sequence'] );
			}
			if ( $answer['position'] === $state['position'] && ! $answer['events'] ) {
				break;
			}
			$state = self::keep( $state, $answer['position'] );
		}
		Event_Claims::forget( (int) $state['began'], (int) $state['position'] );
		return $count;
	}

	/**
	 * The actions of an event.
	 *
	 * @param array $shape The event, as actions get it.
	 * @return string[]
	 */
	public static function actions( array $shape ) {
		$names = array( 'aurareels_event', 'aurareels_' . $shape['type'] );
		if ( 'post_status_changed' === $shape['type'] && null !== $shape['status'] ) {
			$names[] = 'aurareels_post_' . $shape['status'];
		}
		return $names;
	}

	/**
	 * Calls actions.
	 *
	 * @param string[] $names Their names.
	 * @param array    $given What they are given.
	 */
	public static function act( array $names, array $given ) {
		foreach ( $names as $name ) {
			try {
				// phpcs:ignore WordPress.NamingConventions -- the names begin with aurareels_.
				do_action( $name, $given );
			} catch ( \Throwable $error ) {
				// phpcs:ignore WordPress.PHP.DevelopmentFunctions -- the only place where a site's owner looks.
				error_log( "AuraReels: a callback of $name failed: " . $error->getMessage() );
			}
		}
	}

	/**
	 * Whether the poll has told an event.
	 *
	 * @param int $sequence The event's sequence.
	 * @return bool
	 */
	public static function has_passed( $sequence ) {
		$state = self::state();
		return null !== $state['position'] && $sequence > $state['began'] && $sequence <= $state['position'];
	}

	/**
	 * How far the poll is: everything behind `began`, up to `position`, was told. Both are null before the first poll, which
	 * begins with what is new.
	 *
	 * @return array
	 */
	private static function state() {
		$state = get_option( self::OPTION );
		return is_array( $state ) ? $state : array(
			'began'    => null,
			'position' => null,
		);
	}

	private static function keep( array $state, $position ) {
		$state = array(
			'began'    => null === $state['began'] ? $position : $state['began'],
			'position' => $position,
		);
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
