<?php

use AuraReels\Event_Claims;
use AuraReels\Events;
use AuraReels\Webhook;

/** The core sends webhooks to the site, which turns each event into actions once. */
final class WebhooksTest extends SiteCase {

	private static $endpoint;
	private static $secret;

	/** A call of the operator, in JSON. */
	private static function operator( string $rpc, array $request ): array {
		$headers = array( 'Authorization: Bearer ' . getenv( 'AURAREELS_OPERATOR_KEY' ), 'x-aurareels-user-id: 1' );
		$answer  = Answer::of( 'POST', getenv( 'AURAREELS_ADDRESS' ) . "/aurareels.v1.WebhookService/$rpc", $request, $headers );
		self::assertSame( 200, $answer->status, $answer->text );
		return $answer->json;
	}

	public static function setUpBeforeClass(): void {
		parent::setUpBeforeClass();
		// As the settings page says it; its secret as the page takes it.
		$made           = self::operator( 'CreateWebhookEndpoint', array( 'url' => Webhook::address(), 'all_users' => true ) );
		self::$endpoint = $made['endpoint']['id'];
		self::$secret   = $made['secret'];
		Webhook::set_secret( self::$secret );
	}

	public static function tearDownAfterClass(): void {
		self::operator( 'DeleteWebhookEndpoint', array( 'id' => self::$endpoint ) );
		delete_option( Webhook::OPTION );
		delete_option( 'test_dies_over' );
	}

	/** What the site has told by webhook: action, event. */
	private static function told( callable $wanted ): array {
		wp_cache_flush();
		$file  = self::$site['wordpress'] . '/wp-content/told.jsonl';
		$lines = is_file( $file ) ? file( $file, FILE_IGNORE_NEW_LINES ) : array();
		return array_values( array_filter( array_map( static fn( $line ) => json_decode( $line, true ), $lines ), $wanted ) );
	}

	private static function until_told( string $action, callable $wanted ): array {
		$until = time() + 60;
		do {
			$told = self::told( static fn( $one ) => $action === $one[0] && $wanted( $one[1] ) );
			if ( $told ) {
				return $told[0][1];
			}
			usleep( 100000 );
		} while ( time() < $until );
		self::fail( "no $action was told: " . json_encode( self::operator( 'ListWebhookDeliveries', array( 'endpoint_id' => self::$endpoint, 'page_size' => 5 ) ) ) );
	}

	private static function of_post( int $post ): callable {
		return static fn( $event ) => ( $event['post_id'] ?? 0 ) === $post;
	}

	private function published_post(): int {
		return $this->ask( 'POST', '/publish', 'anna', $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ) ) )->json['posts'][0]['id'];
	}

	public function test_a_post_tells_its_way_at_once_and_the_poll_adds_nothing() {
		Events::poll();
		$polled = array();
		$hear   = static function ( $event ) use ( &$polled ) {
			$polled[ $event['sequence'] ] = $event;
		};
		$post  = $this->published_post();
		$event = self::until_told( 'aurareels_post_published', self::of_post( $post ) );
		self::assertSame( array( self::$site['users']['anna'], 'published', 'tiktok' ), array( $event['user_id'], $event['post']['status'], $event['post']['platform'] ) );
		$all = self::told( static fn( $one ) => 'aurareels_event' === $one[0] && $post === $one[1]['post_id'] );
		self::assertSame( 'post_created', $all[0][1]['type'] );
		$sequences = array_column( array_column( $all, 1 ), 'sequence' );
		$sorted    = array_unique( $sequences );
		sort( $sorted );
		self::assertSame( $sorted, $sequences, 'each once, in order' );

		add_action( 'aurareels_event', $hear );
		self::assertSame( 0, Events::poll(), 'the poll finds everything told' );
		self::assertSame( array(), $polled );
		// The same events, read by the poll as if no webhook had come: the same shape, but for what only one of them has.
		global $wpdb;
		$wpdb->query( 'DELETE FROM ' . Event_Claims::table() );
		update_option( Events::OPTION, array( 'began' => $sequences[0] - 1, 'position' => $sequences[0] - 1 ) );
		Events::poll();
		remove_action( 'aurareels_event', $hear );
		foreach ( $all as list( , $by_webhook ) ) {
			$by_poll = json_decode( wp_json_encode( $polled[ $by_webhook['sequence'] ] ), true );
			self::assertSame( array_keys( $by_poll ), array_values( array_diff( array_keys( $by_webhook ), array( 'webhook_id' ) ) ) );
			foreach ( array( 'sequence', 'type', 'created_at', 'user_id', 'post_id', 'account_id', 'status', 'reason', 'account' ) as $key ) {
				self::assertSame( $by_poll[ $key ], $by_webhook[ $key ], "{$by_webhook['type']}: $key" );
			}
			self::assertSame( array_keys( $by_poll['post'] ), array_keys( $by_webhook['post'] ) );
		}
		$last = end( $all )[1];
		self::assertSame( json_decode( wp_json_encode( $polled[ $last['sequence'] ]['post'] ), true ), $last['post'], 'the newest event shows the post as it is' );
	}

	public function test_an_account_is_told_of_too() {
		$account = $this->account( 'ben', 'tiktok' );
		$this->connect( 'ben', 'tiktok' );
		$event   = self::until_told( 'aurareels_account_connected', static fn( $event ) => $event['account_id'] === $account );
		self::assertSame( array( $account, 'tiktok', null ), array( $event['account']['id'], $event['account']['platform'], $event['post'] ) );
	}

	public function test_a_delivery_that_is_sent_again_tells_nothing() {
		$post  = $this->scheduled( 'anna' );
		$event = self::until_told( 'aurareels_post_created', self::of_post( $post ) );
		$list  = self::operator( 'ListWebhookDeliveries', array( 'endpoint_id' => self::$endpoint, 'page_size' => 100 ) )['deliveries'];
		$sent  = array_values( array_filter( $list, static fn( $one ) => $one['webhook_id'] === $event['webhook_id'] ) )[0];
		self::operator( 'RedeliverWebhook', array( 'id' => $sent['id'] ) );
		$until = time() + 60;
		do {
			usleep( 100000 );
			$shown = self::operator( 'GetWebhookDelivery', array( 'id' => $sent['id'] ) );
		} while ( count( $shown['tries'] ) < 2 && time() < $until );
		self::assertSame( array( 200, true ), array( $shown['tries'][1]['status_code'], false !== strpos( $shown['tries'][1]['answer'], '"known"' ) ), json_encode( $shown['tries'] ) );
		self::assertCount( 1, self::told( static fn( $one ) => 'aurareels_post_created' === $one[0] && $post === $one[1]['post_id'] ) );
		$this->ask( 'DELETE', "/posts/$post" );
	}

	public function test_of_many_requests_at_the_same_moment_one_tells() {
		$body    = '{"type":"post.deleted","timestamp":"2026-11-30T05:12:08Z","sequence":888888888,"wp_user_id":2,"data":{"id":1,"wp_user_id":2,"social_account_id":1}}';
		$time    = time();
		$signed  = 'v1,' . base64_encode( hash_hmac( 'sha256', "msg_many.$time.$body", base64_decode( substr( self::$secret, 6 ) ), true ) );
		$headers = array( 'Content-Type: application/json', 'webhook-id: msg_many', "webhook-timestamp: $time", "webhook-signature: $signed" );
		$all     = curl_multi_init();
		for ( $number = 0; $number < 12; $number++ ) {
			$one = curl_init( Webhook::address() );
			curl_setopt_array( $one, array( CURLOPT_POSTFIELDS => $body, CURLOPT_HTTPHEADER => $headers, CURLOPT_RETURNTRANSFER => true ) );
			curl_multi_add_handle( $all, $one );
			$handles[] = $one;
		}
		do {
			curl_multi_exec( $all, $running );
			curl_multi_select( $all );
		} while ( $running );
		$said = array_count_values( array_map( static fn( $one ) => preg_match( '/"(told|known|aurareels_event_busy)"/', curl_multi_getcontent( $one ), $found ) ? $found[1] : 'else', $handles ) );
		self::assertSame( 1, $said['told'] ?? 0, json_encode( $said ) );
		self::assertArrayNotHasKey( 'else', $said );
		self::assertCount( 1, self::told( static fn( $one ) => 'aurareels_post_deleted' === $one[0] && 888888888 === $one[1]['sequence'] ) );
	}

	public function test_a_process_that_dies_over_an_event_is_followed_by_another() {
		global $wpdb;
		update_option( 'test_dies_over', 'post_created', false );
		$post = $this->scheduled( 'anna' );
		$died = self::until_told( 'aurareels_event', self::of_post( $post ) );
		self::assertSame( array(), self::told( static fn( $one ) => 'aurareels_post_created' === $one[0] && $post === $one[1]['post_id'] ) );
		// Nobody waits five minutes here.
		$wpdb->query( $wpdb->prepare( 'UPDATE ' . Event_Claims::table() . ' SET claimed_at = 0 WHERE sequence = %d', $died['sequence'] ) );
		$event = self::until_told( 'aurareels_post_created', self::of_post( $post ) );
		self::assertSame( array( $died['sequence'], $died['webhook_id'] ), array( $event['sequence'], $event['webhook_id'] ) );
		$this->ask( 'DELETE', "/posts/$post" );
	}

	public function test_a_lost_table_is_made_anew() {
		Event_Claims::drop();
		$post = $this->scheduled( 'anna' );
		self::until_told( 'aurareels_post_created', self::of_post( $post ) );
		$this->ask( 'DELETE', "/posts/$post" );
	}

	public function test_the_secret_is_changed_while_events_flow() {
		$secret = self::operator( 'RotateWebhookSecret', array( 'id' => self::$endpoint ) )['secret'];
		$before = $this->scheduled( 'anna' );
		self::until_told( 'aurareels_post_created', self::of_post( $before ) );
		self::$secret = $secret;
		Webhook::set_secret( $secret );
		$after = $this->scheduled( 'anna' );
		self::until_told( 'aurareels_post_created', self::of_post( $after ) );
		$deliveries = self::operator( 'ListWebhookDeliveries', array( 'endpoint_id' => self::$endpoint, 'page_size' => 100 ) )['deliveries'];
		$refused    = array_filter( $deliveries, static fn( $one ) => 401 === ( $one['last_try']['status_code'] ?? 0 ) );
		self::assertSame( array(), $refused );
		$this->ask( 'DELETE', "/posts/$before" );
		$this->ask( 'DELETE', "/posts/$after" );
	}

	public function test_a_test_event_and_a_stranger() {
		self::operator( 'SendTestEvent', array( 'id' => self::$endpoint ) );
		self::assertStringStartsWith( 'msg_', self::until_told( 'aurareels_webhook_test', static fn() => true )['webhook_id'] );
		$body    = '{"type":"post.published","timestamp":"2026-11-30T05:12:08Z","sequence":999999999,"data":{"id":1,"status":"POST_STATUS_PUBLISHED"}}';
		$headers = array( 'webhook-id: msg_x', 'webhook-timestamp: ' . time(), 'webhook-signature: v1,' . base64_encode( random_bytes( 32 ) ) );
		self::assert_refused( 401, 'aurareels_bad_signature', $this->ask( 'POST', '/webhook', null, $body, array_merge( $headers, array( 'Content-Type: application/json' ) ) ) );
		self::assertSame( array(), self::told( static fn( $one ) => 999999999 === ( $one[1]['sequence'] ?? 0 ) ) );
	}
}
