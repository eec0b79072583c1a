<?php

use AuraReels\Event_Claims;
use AuraReels\Events;
use AuraReels\Webhook;

/** The receiver of webhooks: what it takes, what it refuses, and that each event is told once. */
final class WebhookTest extends PluginCase {

	const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

	private $told = array();

	protected function setUp(): void {
		parent::setUp();
		wp_set_current_user( 0 );
		Webhook::set_secret( self::SECRET );
		delete_option( Events::OPTION );
		$this->told = array();
		foreach ( array( 'aurareels_event', 'aurareels_post_status_changed', 'aurareels_post_published', 'aurareels_webhook_test' ) as $name ) {
			add_action( $name, array( $this, 'hear' ) );
		}
	}

	protected function tearDown(): void {
		foreach ( array( 'aurareels_event', 'aurareels_post_status_changed', 'aurareels_post_published', 'aurareels_webhook_test' ) as $name ) {
			remove_all_actions( $name );
		}
		parent::tearDown();
		delete_option( Events::LOCK );
	}

	public function hear( $event ) {
		$this->told[] = array( current_action(), $event );
	}

	private static function published( $sequence = 4711, array $data = array() ) {
		$data += array( 'id' => 125, 'wp_user_id' => 2, 'social_account_id' => 7, 'platform' => 'PLATFORM_TIKTOK', 'status' => 'POST_STATUS_PUBLISHED', 'caption' => 'Grüße 🎬', 'published_at' => '2026-11-30T05:12:07.123456Z', 'hashtags' => array( 'a' ), 'metadata' => array( 'x' => array( 'y' => 1 ) ) );
		return wp_json_encode( array( 'type' => 'post.published', 'timestamp' => '2026-11-30T05:12:08.5Z', 'sequence' => $sequence, 'wp_user_id' => 2, 'data' => $data ), JSON_UNESCAPED_UNICODE );
	}

	private static function sign( $secret, $id, $time, $body ) {
		return 'v1,' . base64_encode( hash_hmac( 'sha256', "$id.$time.$body", base64_decode( substr( $secret, 6 ) ), true ) );
	}

	/** Sends a message; headers are right unless others are given, null leaves one out. */
	private function send( $body, array $headers = array(), $id = 'msg_1' ) {
		$time     = isset( $headers['webhook-timestamp'] ) ? $headers['webhook-timestamp'] : (string) time();
		$headers += array( 'webhook-id' => $id, 'webhook-timestamp' => $time, 'webhook-signature' => self::sign( self::SECRET, $id, $time, $body ), 'content-type' => 'application/json' );
		$request  = new WP_REST_Request( 'POST', '/aurareels/v1/social/webhook' );
		foreach ( array_filter( $headers, 'is_string' ) as $name => $value ) {
			$request->set_header( $name, $value );
		}
		$request->set_body( $body );
		$answer = rest_do_request( $request );
		return array( $answer->get_status(), $answer->get_data()['outcome'] ?? $answer->get_data()['code'] );
	}

	public function test_an_event_becomes_the_same_actions_as_by_the_poll_once() {
		$this->assertSame( array( 200, 'told' ), $this->send( self::published() ) );
		$this->assertSame( array( 'aurareels_event', 'aurareels_post_status_changed', 'aurareels_post_published' ), array_column( $this->told, 0 ) );
		$event = $this->told[2][1];
		$this->assertSame( array( 'msg_1', 4711, 'post_status_changed', '2026-11-30 05:12:08', 2, 125, 7, 'published' ), array( $event['webhook_id'], $event['sequence'], $event['type'], $event['created_at'], $event['user_id'], $event['post_id'], $event['account_id'], $event['status'] ) );
		$this->assertSame( array( 125, 'tiktok', 'published', 'Grüße 🎬', '2026-11-30 05:12:07', array( 'a' ) ), array( $event['post']['id'], $event['post']['platform'], $event['post']['status'], $event['post']['caption'], $event['post']['published_at'], $event['post']['hashtags'] ) );
		$this->assertSame( 1, $event['post']['metadata']->x->y );
		// Again, with its id; and under another id, which the same event never has.
		$this->assertSame( array( 200, 'known' ), $this->send( self::published() ) );
		$this->assertSame( array( 200, 'known' ), $this->send( self::published(), array(), 'msg_2' ) );
		$this->assertCount( 3, $this->told );
	}

	public function test_what_the_poll_told_no_webhook_tells_and_the_other_way_round() {
		update_option( Events::OPTION, array( 'began' => 41, 'position' => 41 ) );
		$this->assertSame( array( 200, 'told' ), $this->send( self::published( 43 ) ) );
		$event = array( 'type' => 3, 'post_id' => 5, 'status' => 5, 'wp_user_id' => 2, 'created_at' => array( 'seconds' => 1 ) );
		$this->core_answers(
			self::message( 'ListEventsResponse', array( 'events' => array( array( 'sequence' => 42 ) + $event, array( 'sequence' => 43 ) + $event, array( 'sequence' => 44 ) + $event ), 'position' => 44 ) ),
			self::message( 'ListEventsResponse', array( 'position' => 44 ) )
		);
		$this->assertSame( 2, Events::poll() );
		$this->assertSame( array( 200, 'known' ), $this->send( self::published( 42 ), array(), 'msg_3' ) );
		$this->assertSame( array( 43, 42, 44 ), array_values( array_unique( array_column( array_column( $this->told, 1 ), 'sequence' ) ) ) );
		$this->assertCount( 9, $this->told );
		// Before the poll's first position nothing is known of what was told.
		$this->assertSame( array( 200, 'told' ), $this->send( self::published( 40 ), array(), 'msg_4' ) );
	}

	public function test_one_process_tells_an_event_and_a_dead_one_is_replaced() {
		global $wpdb;
		$table = Event_Claims::table();
		Event_Claims::claim( Event_Claims::name( 4711 ), 4711 );
		$this->assertSame( array( 409, 'aurareels_event_busy' ), $this->send( self::published() ) );
		update_option( Events::OPTION, array( 'began' => 1, 'position' => 4700 ) );
		$page = array( 'events' => array( array( 'sequence' => 4711, 'type' => 1 ) ), 'position' => 4711 );
		$this->core_answers( self::message( 'ListEventsResponse', $page ) );
		$this->assertSame( 0, Events::poll(), 'the poll waits for it too' );
		$this->assertSame( 4700, get_option( Events::OPTION )['position'] );
		$this->assertCount( 0, $this->told );
		$wpdb->query( "UPDATE $table SET claimed_at = claimed_at - " . Event_Claims::STALE );
		$this->assertSame( array( 200, 'told' ), $this->send( self::published() ) );
		$this->assertCount( 3, $this->told );
	}

	public function test_a_test_event_has_an_action_of_its_own() {
		$body = '{"type":"webhook.test","timestamp":"2026-11-30T05:12:08Z","data":{"endpoint_id":1}}';
		$this->assertSame( array( 200, 'told' ), $this->send( $body, array(), 'msg_t' ) );
		$this->assertSame( array( 200, 'known' ), $this->send( $body, array(), 'msg_t' ) );
		$this->assertSame( array( array( 'aurareels_webhook_test', array( 'webhook_id' => 'msg_t' ) ) ), $this->told );
	}

	public function test_what_is_gone_and_what_is_new() {
		$body = '{"type":"post.deleted","timestamp":"2026-11-30T05:12:08Z","sequence":50,"wp_user_id":2,"data":{"id":125,"wp_user_id":2,"social_account_id":7}}';
		$this->assertSame( array( 200, 'told' ), $this->send( $body ) );
		$this->assertSame( array( 'post_deleted', 125, 7, null, null ), array( $this->told[0][1]['type'], $this->told[0][1]['post_id'], $this->told[0][1]['account_id'], $this->told[0][1]['post'], $this->told[0][1]['status'] ) );
		$this->assertSame( array( 200, 'ignored' ), $this->send( '{"type":"post.teleported","timestamp":"2026-11-30T05:12:08Z","sequence":51,"data":{"id":1}}', array(), 'msg_2' ) );
		$this->assertSame( array( 200, 'ignored' ), $this->send( '{"type":"nothing"}', array(), 'msg_3' ) );
		$this->assertSame( array( 200, 'ignored' ), $this->send( '[]', array(), 'msg_4' ) );
		$this->assertSame( array( 400, 'aurareels_invalid_field' ), $this->send( self::published( 52, array( 'caption' => 5 ) ), array(), 'msg_5' ) );
		$this->assertSame( array( 200, 'told' ), $this->send( self::published( 53, array( 'platform' => 'PLATFORM_OF_TOMORROW', 'tomorrow' => true ) ), array(), 'msg_6' ) );
		$this->assertSame( 'unknown', $this->told[ count( $this->told ) - 1 ][1]['post']['platform'] );
	}

	/** The vector of the libraries of Standard Webhooks; its time is long ago, which is looked at after the signature. */
	public function test_the_signature_is_the_standards() {
		$headers = array( 'webhook-timestamp' => '1614265330', 'webhook-signature' => 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' );
		$this->assertSame( array( 401, 'aurareels_webhook_time' ), $this->send( '{"test": 2432232314}', $headers, 'msg_p5jXN8AQM9LWM0D4loKWxJek' ) );
		$this->assertSame( array( 401, 'aurareels_bad_signature' ), $this->send( '{"test": 2432232315}', $headers, 'msg_p5jXN8AQM9LWM0D4loKWxJek' ) );
	}

	public function test_what_is_not_signed_or_too_old_is_refused() {
		$body = self::published();
		$time = (string) time();
		foreach ( array(
			'another secret'     => array( 'webhook-signature' => self::sign( 'whsec_' . base64_encode( str_repeat( 'x', 32 ) ), 'msg_1', $time, $body ), 'webhook-timestamp' => $time ),
			'another id'         => array( 'webhook-signature' => self::sign( self::SECRET, 'msg_2', $time, $body ), 'webhook-timestamp' => $time ),
			'another body'       => array( 'webhook-signature' => self::sign( self::SECRET, 'msg_1', $time, "$body " ), 'webhook-timestamp' => $time ),
			'another version'    => array( 'webhook-signature' => 'v1a' . substr( self::sign( self::SECRET, 'msg_1', $time, $body ), 2 ), 'webhook-timestamp' => $time ),
			'no signature'       => array( 'webhook-signature' => null ),
			'an empty signature' => array( 'webhook-signature' => '' ),
			'no id'              => array( 'webhook-id' => null ),
			'no time'            => array( 'webhook-timestamp' => '' ),
			'a time in words'    => array( 'webhook-timestamp' => 'now' ),
		) as $what => $headers ) {
			$this->assertSame( array( 401, 'aurareels_bad_signature' ), $this->send( $body, $headers ), $what );
		}
		foreach ( array( -301, 301 ) as $off ) {
			$this->assertSame( array( 401, 'aurareels_webhook_time' ), $this->send( $body, array( 'webhook-timestamp' => (string) ( time() + $off ) ) ), "$off" );
		}
		$this->assertCount( 0, $this->told );
		$this->assertSame( array( 200, 'told' ), $this->send( $body, array( 'webhook-timestamp' => (string) ( time() - 290 ) ) ) );
	}

	public function test_either_secret_is_good_while_it_is_changed() {
		$new  = 'whsec_' . base64_encode( str_repeat( 'n', 32 ) );
		$time = (string) time();
		$both = static fn( $id, $body ) => array( 'webhook-timestamp' => $time, 'webhook-signature' => self::sign( $new, $id, $time, $body ) . ' ' . self::sign( self::SECRET, $id, $time, $body ) );
		// The core signs with both; the site has the old one, then both, then the new one.
		foreach ( array( self::SECRET, self::SECRET . ' ' . $new, $new ) as $index => $secrets ) {
			Webhook::set_secret( $secrets );
			$body = self::published( 60 + $index );
			$this->assertSame( array( 200, 'told' ), $this->send( $body, $both( "msg_$index", $body ), "msg_$index" ) );
		}
		$this->assertSame( array( 401, 'aurareels_bad_signature' ), $this->send( self::published( 70 ), array(), 'msg_old' ) );
	}

	public function test_a_secret_that_is_not_there_or_cannot_be_read() {
		foreach ( array( '', 'whsec_', 'whsec_short', 'secret', 'whsec_' . str_repeat( '?', 32 ) ) as $none ) {
			$this->assertFalse( Webhook::set_secret( $none ), $none );
		}
		$this->assertStringNotContainsString( 'MfKQ9r8', (string) get_option( Webhook::OPTION ), 'it is sealed' );
		add_filter( 'salt', static fn( $salt ) => "changed $salt" );
		$this->assertSame( array( 503, 'aurareels_webhook_secret_unreadable' ), $this->send( self::published() ) );
		delete_option( Webhook::OPTION );
		$this->assertSame( array( 401, 'aurareels_no_webhook_secret' ), $this->send( self::published() ) );
	}

	public function test_rows_go_when_the_event_cannot_come_again() {
		global $wpdb;
		$table = Event_Claims::table();
		foreach ( array( 10 => 10, 11 => Event_Claims::MARGIN + 10, 90 => Event_Claims::MARGIN + 10, 5 => Event_Claims::MARGIN + 10, 3 => Event_Claims::KEPT + 10 ) as $sequence => $age ) {
			Event_Claims::claim( Event_Claims::name( $sequence ), $sequence );
			$wpdb->query( $wpdb->prepare( "UPDATE $table SET claimed_at = %d WHERE sequence = %d", time() - $age, $sequence ) );
		}
		Event_Claims::forget( 8, 50 );
		$this->assertSame( array( '5', '10', '90' ), $wpdb->get_col( "SELECT sequence FROM $table ORDER BY sequence" ) );
	}
}
