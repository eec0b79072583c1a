<?php

use PHPUnit\Framework\TestCase;

/** A test that speaks HTTP to the site, as front ends and workflows do. */
abstract class SiteCase extends TestCase {

	/** @var array What rig/site.php printed. */
	protected static $site;

	/** @var array<string, int[]> Ids of connected accounts, by user and platform. */
	private static $accounts = array();

	/** @var int */
	private static $videos = 0;

	public static function setUpBeforeClass(): void {
		self::$site = json_decode( getenv( 'AURAREELS_SITE' ), true );
	}

	protected function tearDown(): void {
		self::simulator( 'DELETE', '/_sim/faults' );
		self::point_at( getenv( 'AURAREELS_ADDRESS' ) );
	}

	/** Tells the plugin of the site where its core is. */
	protected static function point_at( string $address, int $timeout = 15 ): void {
		wp_cache_flush();
		update_option( 'aurareels_settings', array( 'core_url' => $address, 'core_public_url' => getenv( 'AURAREELS_ADDRESS' ), 'timeout' => $timeout ) );
	}

	/** A token as the JWT plugin issues it. */
	protected static function jwt( string $user, array $claims = array(), string $algorithm = 'HS256', ?string $key = null ): string {
		$encode  = static fn( $text ) => rtrim( strtr( base64_encode( $text ), '+/', '-_' ), '=' );
		$now     = time();
		$payload = array_merge(
			array(
				'iss'  => self::$site['url'],
				'iat'  => $now,
				'nbf'  => $now,
				'exp'  => $now + 604800,
				'data' => array( 'user' => array( 'id' => (string) ( self::$site['users'][ $user ] ?? 0 ) ) ),
			),
			$claims
		);
		$text    = $encode( json_encode( array( 'typ' => 'JWT', 'alg' => $algorithm ) ) ) . '.' . $encode( json_encode( $payload ) );
		return $text . '.' . ( 'none' === $algorithm ? '' : $encode( hash_hmac( 'HS512' === $algorithm ? 'sha512' : 'sha256', $text, $key ?? self::$site['jwt_secret'], true ) ) );
	}

	/** A request to the plugin's routes. `$as` is a user's name, null for nobody, or a header `Name: value`. */
	protected function ask( string $method, string $path, ?string $as = 'anna', $body = null, array $headers = array() ): Answer {
		if ( null !== $as && false === strpos( $as, ':' ) ) {
			$headers[] = 'Authorization: Bearer ' . self::jwt( $as );
		} elseif ( null !== $as ) {
			$headers[] = $as;
		}
		$url = 0 === strpos( $path, 'http' ) ? $path : self::$site['url'] . "/wp-json/aurareels/v1/social$path";
		return Answer::of( $method, $url, $body, $headers );
	}

	protected function n8n( string $method, string $path, $body = null ): Answer {
		return $this->ask( $method, $path, 'Authorization: Bearer ' . self::$site['n8n_key'], $body );
	}

	protected static function simulator( string $method, string $path, ?array $body = null ) {
		$answer = Answer::of( $method, getenv( 'AURAREELS_SIMULATOR_CONTROL' ) . $path, $body, array() );
		return $answer->json;
	}

	/** The id of a user's account, connected through the site when it is first asked for. */
	protected function account( string $user, string $platform ): int {
		if ( ! isset( self::$accounts[ "$user $platform" ] ) ) {
			foreach ( self::$site['redirect_uris'] as $address ) {
				foreach ( array( 'tiktok', 'instagram' ) as $name ) {
					if ( false !== strpos( $address, $name ) ) {
						self::register_redirect( $name, $address );
					}
				}
			}
			$ended = $this->connect( $user, $platform );
			self::assertStringContainsString( 'status=success', $ended );
			$answer = $this->ask( 'GET', "/accounts?platform=$platform", $user );
			self::assertNotEmpty( $answer->json['accounts'] );
			self::$accounts[ "$user $platform" ] = $answer->json['accounts'][0]['id'];
		}
		return self::$accounts[ "$user $platform" ];
	}

	private static function register_redirect( string $platform, string $address ): void {
		$environment = self::simulator( 'GET', '/_sim/environment' );
		$names       = array( 'tiktok' => 'TIKTOK_CLIENT_ID', 'instagram' => 'INSTAGRAM_APP_ID' );
		$client      = $environment[ $names[ $platform ] ] ?? ( $environment['environment'][ $names[ $platform ] ] ?? '' );
		foreach ( array( $address, getenv( 'AURAREELS_ADDRESS' ) . "/oauth/callback/$platform" ) as $uri ) {
			self::simulator( 'POST', '/_sim/redirects', array( 'client_id' => $client, 'redirect_uri' => $uri ) );
		}
	}

	/** Connects an account in a browser, and says where the front end was told of it. */
	protected function connect( string $user, string $platform, string $button = 'allow' ): string {
		$answer = $this->ask( 'POST', "/accounts/connect/$platform", $user, array() );
		self::assertSame( 200, $answer->status, $answer->text );
		self::assert_shape( array( 'success' => true, 'auth_url' => 'https://', 'state' => 'text' ), $answer->json );
		return ( new Browser() )->decide( $answer->json['auth_url'], self::$site['url'] . '/dashboard/social-accounts', $button );
	}

	/** A video job of a user in the original's table. */
	protected function job( string $user, string $query = '', ?string $url = null ): string {
		global $wpdb;
		$job = 'job-' . bin2hex( random_bytes( 6 ) );
		$url = $url ?? getenv( 'AURAREELS_SIMULATOR_MEDIA' ) . "/v/$job.mp4$query";
		$wpdb->insert(
			$wpdb->prefix . 'chavetas_video_uploader',
			array(
				'job_id'        => $job,
				'user_id'       => self::$site['users'][ $user ],
				'status'        => '' === $url ? 'uploading' : 'completed',
				'mp4_url'       => $url,
				'thumbnail_url' => getenv( 'AURAREELS_SIMULATOR_MEDIA' ) . '/c/thumb.jpg',
				'ai_metadata'   => '{"data":{"titles":["First title"],"description":"What it is about","hashtags":["#ai"]}}',
			)
		);
		return $job;
	}

	/** The original's request of publishing. */
	protected function publishing( string $user, array $accounts, array $further = array() ): array {
		return array_merge(
			array(
				'video_job_id'   => $this->job( $user ),
				'accounts'       => $accounts,
				'caption'        => 'Check out this amazing video! #awesome ' . ++self::$videos . ' ' . bin2hex( random_bytes( 3 ) ),
				'hashtags'       => array( '#video', '#content', '#viral' ),
				'privacy_level'  => 'PUBLIC',
				'allow_comments' => true,
				'allow_duet'     => true,
				'allow_stitch'   => true,
			),
			$further
		);
	}

	protected function scheduled( string $user, string $platform = 'tiktok', string $when = '+2 hours' ): int {
		$time   = gmdate( 'Y-m-d H:i:s', strtotime( $when ) );
		$answer = $this->ask( 'POST', '/schedule', $user, $this->publishing( $user, array( $this->account( $user, $platform ) ), array( 'scheduled_at' => $time ) ) );
		self::assertSame( 200, $answer->status, $answer->text );
		return $answer->json['posts'][0]['id'];
	}

	/** Asks until a post has one of these statuses. */
	protected function until( int $post, string $user, string ...$statuses ): array {
		$until = time() + 60;
		do {
			$shown = $this->ask( 'GET', "/posts/$post", $user )->json['post'];
			if ( in_array( $shown['status'], $statuses, true ) ) {
				return $shown;
			}
			usleep( 200000 );
		} while ( time() < $until );
		self::fail( 'the post does not get there: ' . json_encode( $shown ) );
	}

	/** Visible posts at the platforms with this caption. */
	protected static function visible( string $caption ): int {
		$posts = self::simulator( 'GET', '/_sim/posts' );
		return count( array_filter( $posts['posts'] ?? $posts, static fn( $post ) => false !== strpos( json_encode( $post, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES ), $caption ) ) );
	}

	/** An answer has the example's keys, no others, and values of the same types. Null in either stands for "not told". */
	protected static function assert_shape( $example, $found, string $at = 'answer' ): void {
		if ( null === $example || null === $found ) {
			self::assertTrue( true );
			return;
		}
		self::assertSame( gettype( $example ), gettype( $found ), "$at: " . json_encode( $found ) );
		if ( ! is_array( $example ) ) {
			if ( is_string( $example ) && preg_match( '/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/', $example ) ) {
				self::assertMatchesRegularExpression( '/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/', $found, $at );
			}
			return;
		}
		$is_list = array_keys( $example ) === array_keys( array_keys( $example ) );
		if ( $is_list ) {
			foreach ( $found as $index => $item ) {
				self::assert_shape( $example[0] ?? null, $item, "{$at}[$index]" );
			}
			return;
		}
		$keys = array_keys( $found );
		$want = array_keys( $example );
		sort( $keys );
		sort( $want );
		self::assertSame( $want, $keys, $at );
		foreach ( $example as $key => $value ) {
			self::assert_shape( $value, $found[ $key ], "$at.$key" );
		}
	}

	/** A refusal in the form that front ends read. */
	protected static function assert_refused( int $status, string $code, Answer $answer ): void {
		self::assertSame( array( $status, $code, false ), array( $answer->status, $answer->json['code'] ?? null, $answer->json['success'] ?? null ), $answer->text );
		self::assertNotSame( '', $answer->json['message'] );
		self::assertSame( $status, $answer->json['data']['status'] );
		self::assertStringContainsString( 'no-store', $answer->headers['cache-control'] );
	}
}

/** An HTTP answer. */
final class Answer {
	public $status;
	public $headers = array();
	public $text;
	public $json;

	public static function of( string $method, string $url, $body, array $headers ): self {
		$answer = new self();
		$curl   = curl_init( $url );
		if ( is_array( $body ) ) {
			$body      = json_encode( (object) $body );
			$headers[] = 'Content-Type: application/json';
		}
		curl_setopt_array(
			$curl,
			array(
				CURLOPT_CUSTOMREQUEST  => $method,
				CURLOPT_RETURNTRANSFER => true,
				CURLOPT_TIMEOUT        => 90,
				CURLOPT_HTTPHEADER     => array_merge( $headers, array( 'Expect:' ) ),
				CURLOPT_HEADERFUNCTION => static function ( $curl, $line ) use ( $answer ) {
					$parts = explode( ':', $line, 2 );
					if ( 2 === count( $parts ) ) {
						$answer->headers[ strtolower( trim( $parts[0] ) ) ] = trim( $parts[1] );
					}
					return strlen( $line );
				},
			) + ( null === $body ? array() : array( CURLOPT_POSTFIELDS => $body ) )
		);
		$answer->text = curl_exec( $curl );
		if ( false === $answer->text ) {
			throw new RuntimeException( "$url: " . curl_error( $curl ) );
		}
		$answer->status = curl_getinfo( $curl, CURLINFO_RESPONSE_CODE );
		$answer->json   = json_decode( $answer->text, true );
		return $answer;
	}
}
