<?php

/** The dashboard in wp-admin: over HTTP as a browser does it, and in a real one. */
final class WpAdminTest extends SiteCase {

	/** A browser that is logged in at the site. */
	private static function logged_in( string $user ): Browser {
		$browser = new Browser();
		$browser->fetch( self::$site['url'] . '/wp-login.php' );
		list( $status, $headers ) = $browser->fetch( self::$site['url'] . '/wp-login.php', array( 'log' => $user, 'pwd' => $user, 'testcookie' => '1', 'redirect_to' => '/wp-admin/' ) );
		self::assertSame( array( 302, '/wp-admin/' ), array( $status, $headers['location'] ?? '' ) );
		return $browser;
	}

	private static function page( Browser $browser ): array {
		list( $status, , $html ) = $browser->fetch( self::$site['url'] . '/wp-admin/admin.php?page=aurareels-dashboard' );
		return array( $status, preg_match( '/window\.aurareelsDashboard = (\{.*?\});\n/', $html, $found ) ? json_decode( $found[1], true ) : null, $html );
	}

	/** A call of the core as the page makes it. */
	private function call_core( string $token, string $rpc ): Answer {
		return $this->ask( 'POST', getenv( 'AURAREELS_ADDRESS' ) . "/aurareels.v1.$rpc", "Authorization: Bearer $token", array(), array( 'Origin: ' . self::$site['url'] ) );
	}

	public function test_the_page_gets_a_token_by_its_nonce_and_the_core_takes_it() {
		$account = $this->account( 'anna', 'tiktok' );
		$browser = self::logged_in( 'anna' );
		list( $status, $told ) = self::page( $browser );
		self::assertSame( 200, $status );
		list( $status, $headers, $body ) = $browser->fetch( $told['tokenUrl'], array(), array( 'X-WP-Nonce: ' . $told['nonce'] ) );
		self::assertSame( 200, $status, $body );
		self::assertStringContainsString( 'no-store', $headers['cache-control'] );
		$token  = json_decode( $body, true )['token'];
		$answer = $this->call_core( $token, 'AccountService/ListAccounts' );
		self::assertSame( 200, $answer->status, $answer->text );
		self::assertSame( self::$site['url'], $answer->headers['access-control-allow-origin'] );
		self::assertArrayNotHasKey( 'access-control-allow-credentials', $answer->headers );
		self::assertContains( $account, array_column( $answer->json['accounts'], 'id' ) );
		// Without the nonce, or with that of somebody else, there is none.
		foreach ( array( array(), array( 'X-WP-Nonce: wrong' ), array( 'X-WP-Nonce: ' . self::page( self::logged_in( 'ben' ) )[1]['nonce'] ) ) as $headers ) {
			list( $status, , $body ) = $browser->fetch( $told['tokenUrl'], array(), $headers );
			self::assertContains( $status, array( 401, 403 ) );
			self::assertStringNotContainsString( '"token"', $body );
		}
		self::assert_refused( 403, 'aurareels_forbidden', $this->ask( 'POST', '/dashboard/token', 'anna', array() ) );
		self::assert_refused( 401, 'aurareels_unauthorized', $this->ask( 'POST', '/dashboard/token', null, array() ) );
	}

	public function test_who_may_not_publish_has_neither_page_nor_token() {
		$browser = self::logged_in( 'sue' );
		list( $status, $told ) = self::page( $browser );
		self::assertSame( array( 403, null ), array( $status, $told ) );
	}

	public function test_wp_admin_does_not_draw_the_dashboards_fields() {
		$browser = self::logged_in( 'anna' );
		$drawn   = static function ( $page ) use ( $browser ) {
			$html = $browser->fetch( self::$site['url'] . "/wp-admin/$page" )[2];
			self::assertStringContainsString( 'admin-menu', $html );
			return 1 === preg_match( '#load-styles\.php[^"\']*\bforms\b|/forms(\.min)?\.css#', $html );
		};
		self::assertFalse( $drawn( 'admin.php?page=aurareels-dashboard' ) );
		self::assertTrue( $drawn( 'profile.php' ), 'other pages keep their styles' );
	}

	/** What a real browser has made of a part of the page once this text is in it. */
	private static function seen( string $user, string $text, string $part = '#wpbody-content', array $further = array() ): string {
		$name    = bin2hex( random_bytes( 6 ) );
		$profile = sys_get_temp_dir() . "/aurareels-chromium-$name";
		$result  = "/tmp/aurareels-result-$name";
		$to      = '/wp-admin/admin.php?' . http_build_query( array( 'page' => 'aurareels-dashboard', 'test_tell' => $name, 'test_part' => $part, 'test_text' => $text ) + $further ) . '#/social-accounts';
		$address = self::$site['url'] . '/?' . http_build_query( array( 'test_login' => $user, 'to' => $to ) );
		$quiet   = array( 'file', '/dev/null', 'w' );
		$command = array( getenv( 'AURAREELS_CHROMIUM' ), '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', "--user-data-dir=$profile", '--remote-debugging-port=0', $address );
		$child   = proc_open( $command, array( array( 'file', '/dev/null', 'r' ), $quiet, $quiet ), $pipes );
		$until   = time() + 90;
		while ( ! is_file( $result ) && time() < $until ) {
			usleep( 100000 );
		}
		proc_terminate( $child );
		proc_close( $child );
		exec( 'rm -rf ' . escapeshellarg( $profile ) );
		self::assertFileExists( $result, "the page never held $text" );
		$html = json_decode( file_get_contents( $result ), true )['html'];
		unlink( $result );
		return $html;
	}

	public function test_the_dashboard_runs_inside_wp_admin() {
		$account = $this->account( 'anna', 'tiktok' );
		$names   = array_column( $this->ask( 'GET', '/accounts', 'anna' )->json['accounts'], 'account_name', 'id' );
		self::assertSame( 0, preg_match( '/<div class="notice notice-error" data-aurareels-when/', self::seen( 'anna', $names[ $account ] ) ), 'nothing is said to be wrong' );
	}

	public function test_the_page_of_a_video_job_begins_with_its_form() {
		$form = self::seen( 'anna', 'What it is about', '[role=dialog]', array( 'video_job_id' => $this->job( 'anna' ) ) );
		self::assertStringContainsString( '>#ai<', $form );
	}

	public function test_the_page_says_when_the_browser_cannot_reach_the_core() {
		wp_cache_flush();
		update_option( 'aurareels_settings', array( 'core_url' => getenv( 'AURAREELS_ADDRESS' ), 'core_public_url' => 'http://127.0.0.1:9' ) );
		self::assertStringContainsString( 'http://127.0.0.1:9', self::seen( 'anna', '<div class="notice notice-error" data-aurareels-when="away">' ) );
		// Something that answers, and allows nobody.
		update_option( 'aurareels_settings', array( 'core_url' => getenv( 'AURAREELS_ADDRESS' ), 'core_public_url' => str_replace( '127.0.0.1', 'localhost', getenv( 'AURAREELS_SIMULATOR_CONTROL' ) ) ) );
		self::assertStringContainsString( 'AURAREELS_CORS_ORIGINS=' . self::$site['url'], self::seen( 'anna', '<div class="notice notice-error" data-aurareels-when="origin">' ) );
	}
}
