<?php

/** A core that is away, slow, newer, or something else; keys and clocks that do not fit: always a clear answer, never a fatal error. */
final class TroublesTest extends SiteCase {

	private static $fake;
	private static $file;
	private static $address;

	public static function setUpBeforeClass(): void {
		parent::setUpBeforeClass();
		$server     = stream_socket_server( 'tcp://127.0.0.1:0' );
		$name       = stream_socket_get_name( $server, false );
		fclose( $server );
		self::$file    = tempnam( sys_get_temp_dir(), 'fake' );
		self::$address = "http://$name";
		file_put_contents( self::$file, 'html' );
		self::$fake = proc_open( array( PHP_BINARY, '-S', $name, __DIR__ . '/../../support/fake-core.php' ), array( array( 'file', '/dev/null', 'r' ), array( 'file', '/dev/null', 'w' ), array( 'file', '/dev/null', 'w' ) ), $pipes, null, array( 'FAKE_CORE' => self::$file, 'PHP_CLI_SERVER_WORKERS' => '10' ) + getenv() );
		for ( $try = 0; $try < 100 && ! @fsockopen( '127.0.0.1', (int) substr( strrchr( $name, ':' ), 1 ) ); $try++ ) {
			usleep( 50000 );
		}
	}

	public static function tearDownAfterClass(): void {
		// Its workers are processes of their own, which would live on.
		$server  = proc_get_status( self::$fake )['pid'];
		$workers = array_filter( explode( ' ', trim( (string) @file_get_contents( "/proc/$server/task/$server/children" ) ) ) );
		foreach ( array_merge( array( $server ), array_map( 'intval', $workers ) ) as $process ) {
			posix_kill( $process, SIGKILL );
		}
		proc_close( self::$fake );
		array_map( 'unlink', glob( self::$file . '*' ) );
	}

	private function fake( string $what, string $method = 'GET', string $path = '/posts/5', int $timeout = 15, ?array $body = null, array $headers = array() ): Answer {
		file_put_contents( self::$file, $what );
		@unlink( self::$file . '.asked' );
		self::point_at( self::$address, $timeout );
		return $this->ask( $method, $path, 'anna', $body, $headers );
	}

	public function test_a_core_that_is_away() {
		self::point_at( 'http://127.0.0.1:1' );
		foreach ( array( array(), array( 'X-Test-Transport: streams' ) ) as $headers ) {
			foreach ( array( array( 'GET', '/accounts' ), array( 'DELETE', '/posts/5' ), array( 'POST', '/accounts/connect/tiktok' ) ) as list( $method, $path ) ) {
				$answer = $this->ask( $method, $path, 'anna', 'POST' === $method ? array() : null, $headers );
				self::assert_refused( 503, 'aurareels_core_unreachable', $answer );
				self::assertSame( '5', $answer->headers['retry-after'] );
				self::assertStringNotContainsString( '127.0.0.1', $answer->text );
			}
		}
		self::assertStringContainsString( '127.0.0.1', $this->ask( 'GET', '/accounts', 'admin' )->text, 'managers are told where' );
	}

	public function test_a_core_that_is_slow() {
		foreach ( array( array(), array( 'X-Test-Transport: streams' ) ) as $headers ) {
			$began  = microtime( true );
			$answer = $this->fake( 'slow', 'POST', '/publish', 1, array( 'accounts' => array( 1 ), 'video_url' => 'https://x.example/v.mp4' ), $headers );
			self::assert_refused( 504, 'aurareels_core_timeout', $answer );
			self::assertLessThan( 8, microtime( true ) - $began );
			self::assertSame( 1, substr_count( file_get_contents( self::$file . '.asked' ), "\n" ), 'what may be done already is not sent again' );
		}
	}

	public function test_a_core_that_takes_ten_seconds_is_waited_for() {
		$answer = $this->fake( 'slow', 'GET', '/media-requirements/tiktok' );
		self::assertSame( array( 200, true ), array( $answer->status, $answer->json['success'] ), $answer->text );
	}

	public function test_a_core_that_is_newer() {
		$post = $this->fake( 'newer' )->json['post'];
		self::assertSame( array( 5, 'status_4711', 'platform_99', 'Ada' ), array( $post['id'], $post['status'], $post['platform'], $post['account']['account_name'] ) );
	}

	public function test_something_else_that_answers() {
		foreach ( array( 'html' => 503, 'redirect' => 502, 'short' => 502, 'panics' => 502, 'hangs-up' => 503 ) as $what => $status ) {
			foreach ( array( array(), array( 'X-Test-Transport: streams' ) ) as $headers ) {
				$answer = $this->fake( $what, 'GET', '/posts/5', 15, null, $headers );
				self::assertSame( array( $status, false ), array( $answer->status, $answer->json['success'] ), "$what: $answer->text" );
				self::assertStringNotContainsString( '<script>', $answer->text );
				self::assertStringNotContainsString( 'secret', $answer->text );
			}
		}
	}

	public function test_no_address_at_all() {
		self::point_at( '' );
		self::assert_refused( 503, 'aurareels_core_unreachable', $this->ask( 'GET', '/accounts' ) );
	}

	public function test_a_key_that_the_core_does_not_know() {
		$keys = get_option( 'aurareels_keys' );
		delete_option( 'aurareels_keys' );
		AuraReels\Keys::ensure();
		try {
			$answer = $this->ask( 'GET', '/accounts' );
			self::assert_refused( 502, 'aurareels_core_refused_site', $answer );
			self::assertStringNotContainsString( 'signature', $answer->text );
			self::assertStringContainsString( 'signature is wrong', $this->ask( 'GET', '/accounts', 'admin' )->text );
		} finally {
			update_option( 'aurareels_keys', $keys, true );
		}
		self::assertSame( 200, $this->ask( 'GET', '/accounts' )->status );
	}

	public function test_a_key_is_changed_while_the_core_takes_both() {
		$keys = get_option( 'aurareels_keys' );
		self::assertTrue( AuraReels\Keys::has_next() );
		self::assertTrue( AuraReels\Connection_Test::run( 'next' )['ok'], 'the core takes the waiting key too' );
		AuraReels\Keys::use_next();
		try {
			self::assertSame( 200, $this->ask( 'GET', '/accounts' )->status );
			self::assertNotSame( $keys['current']['public'], get_option( 'aurareels_keys' )['current']['public'] );
		} finally {
			update_option( 'aurareels_keys', $keys, true );
		}
	}

	public function test_a_clock_that_is_five_minutes_off() {
		foreach ( array( -300, 300 ) as $seconds ) {
			$answer = $this->ask( 'GET', '/accounts', 'Authorization: Basic ' . base64_encode( 'admin:' . self::$site['passwords']['admin'] ), null, array( "X-Test-Clock: $seconds" ) );
			self::assert_refused( 502, 'aurareels_core_refused_site', $answer );
			self::assertMatchesRegularExpression( $seconds < 0 ? '/expired/' : '/not valid yet/', $answer->json['message'] );
		}
		foreach ( array( -20, 20 ) as $seconds ) {
			self::assertSame( 200, $this->ask( 'GET', '/accounts', 'Authorization: Basic ' . base64_encode( 'anna:' . self::$site['passwords']['anna'] ), null, array( "X-Test-Clock: $seconds" ) )->status );
		}
	}

	/** The connection test says which part is wrong. */
	public function test_the_connection_test_names_the_part() {
		wp_set_current_user( 1 );
		$run = static function ( $address, $what = null ) {
			if ( null !== $what ) {
				file_put_contents( self::$file, $what );
			}
			self::point_at( $address, 2 );
			return AuraReels\Connection_Test::run();
		};
		self::assertTrue( $run( getenv( 'AURAREELS_ADDRESS' ) )['ok'] );
		self::assertSame( 'address', $run( '' )['part'] );
		self::assertSame( 'address', $run( 'http://127.0.0.1:1' )['part'] );
		self::assertSame( 'address', $run( self::$address, 'html' )['part'] );
		self::assertSame( 'address', $run( self::$address, 'slow' )['part'] );
		self::assertSame( 'core', $run( self::$address, 'panics' )['part'] );
		self::assertSame( 'tls', $run( str_replace( 'http:', 'https:', getenv( 'AURAREELS_ADDRESS' ) ) )['part'] );
		self::assertSame( 'address', $run( 'http://localhost.invalid:80' )['part'], 'a host that the site may not call' );
		self::point_at( getenv( 'AURAREELS_ADDRESS' ) );
		$keys = get_option( 'aurareels_keys' );
		delete_option( 'aurareels_keys' );
		AuraReels\Keys::ensure();
		$wrong = AuraReels\Connection_Test::run();
		update_option( 'aurareels_keys', $keys, true );
		self::assertSame( 'token', $wrong['part'] );
		self::assertStringContainsString( 'AURAREELS_JWT_PUBLIC_KEY', $wrong['remedy'] );
		wp_set_current_user( 0 );
	}
}
