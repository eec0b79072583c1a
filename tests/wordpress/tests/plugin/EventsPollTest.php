<?php

use AuraReels\Event_Claims;
use AuraReels\Events;

final class EventsPollTest extends PluginCase {

	protected function tearDown(): void {
		remove_all_actions( 'aurareels_event' );
		remove_all_actions( 'aurareels_events_lost' );
		parent::tearDown();
		delete_option( Events::LOCK );
	}

	private static function event( $sequence ) {
		return array( 'sequence' => $sequence, 'type' => 3, 'post_id' => 5, 'status' => 5, 'wp_user_id' => 2, 'created_at' => array( 'seconds' => 1 ) );
	}

	private static function page( $position, ...$sequences ) {
		return self::message( 'ListEventsResponse', array( 'events' => array_map( array( self::class, 'event' ), $sequences ), 'position' => $position ) );
	}

	public function test_the_first_poll_begins_with_what_is_new() {
		delete_option( Events::OPTION );
		$this->core_answers( self::page( 41 ), self::page( 41 ) );
		$this->assertSame( 0, Events::poll() );
		$this->assertNull( $this->sent_message( 'ListEventsRequest' )['after_sequence'] );
		$this->assertSame( 41, get_option( Events::OPTION )['position'] );
		$this->assertSame( 'internal', $this->sent_claims()['scope'] );
	}

	public function test_events_come_in_order_and_an_exception_stops_nothing() {
		update_option( Events::OPTION, array( 'began' => 41, 'position' => 41 ) );
		$told = array();
		add_action(
			'aurareels_event',
			static function ( $event ) use ( &$told ) {
				$told[] = $event['sequence'];
				if ( 43 === $event['sequence'] ) {
					throw new Exception( 'a callback of the site' );
				}
			}
		);
		$this->core_answers( self::page( 43, 42, 43 ), self::page( 50, 44 ), self::page( 50 ) );
		$log = ini_set( 'error_log', '/dev/null' );
		$this->assertSame( 3, Events::poll() );
		ini_set( 'error_log', $log );
		$this->assertSame( array( 42, 43, 44 ), $told );
		$this->assertSame( 50, get_option( Events::OPTION )['position'] );
		$this->assertSame( array( 41, 43, 50 ), array_map( fn( $index ) => $this->sent_message( 'ListEventsRequest', $index )['after_sequence'], array( 0, 1, 2 ) ) );
	}

	public function test_an_event_that_ends_the_process_is_left_behind_in_the_end() {
		global $wpdb;
		$told = 0;
		add_action( 'aurareels_event', function () use ( &$told ) { ++$told; } );
		for ( $tries = 1; $tries <= 5; $tries++ ) {
			update_option( Events::OPTION, array( 'began' => 41, 'position' => 41 ) );
			// What a process leaves that died while it told event 42 for the so manieth time.
			$died = array( 'name' => Event_Claims::name( 42 ), 'sequence' => 42, 'tries' => $tries, 'is_told' => 0, 'claimed_at' => time() - Event_Claims::STALE );
			$wpdb->replace( Event_Claims::table(), $died );
			remove_all_filters( 'pre_http_request' );
			$this->core_answers( self::page( 42, 42 ), self::page( 42 ) );
			Events::poll();
			$this->assertSame( 42, get_option( Events::OPTION )['position'] );
		}
		$this->assertSame( 2, $told, 'after the first and the second death it was tried again, then no more' );
	}

	public function test_lost_positions_are_gone_on_from() {
		update_option( Events::OPTION, array( 'began' => 41, 'position' => 41 ) );
		$lost = null;
		add_action( 'aurareels_events_lost', function ( $position ) use ( &$lost ) { $lost = $position; } );
		$this->core_answers( self::refusal( 11, 'too old', 'POSITION_TOO_OLD', array( 'oldest_sequence' => '90' ) ), self::page( 91, 91 ), self::page( 91 ) );
		$this->assertSame( 1, Events::poll() );
		$this->assertSame( 90, $lost );
		$this->assertSame( 91, get_option( Events::OPTION )['position'] );
	}

	public function test_a_core_that_is_away_loses_nothing_and_two_polls_do_not_meet() {
		update_option( Events::OPTION, array( 'began' => 41, 'position' => 41 ) );
		$this->core_answers( new WP_Error( 'http_request_failed', 'cURL error 7: refused' ) );
		$this->assertSame( 0, Events::poll() );
		$this->assertSame( 41, get_option( Events::OPTION )['position'] );
		$this->sent = array();
		add_option( Events::LOCK, (string) time(), '', 'no' );
		$this->assertSame( 0, Events::poll() );
		$this->assertCount( 0, $this->sent );
		update_option( Events::LOCK, (string) ( time() - 600 ) );
		Events::poll();
		$this->assertNotCount( 0, $this->sent, 'the lock of a dead poll is taken over' );
	}
}
