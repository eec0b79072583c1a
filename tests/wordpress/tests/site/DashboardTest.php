<?php

/** The dashboard in wp-admin: over HTTP as a browser does it, and in a real one. */
final class DashboardTest extends SiteCase {

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

	/** What a real browser has made of an address of wp-admin, once this text is there. */
	private function seen( string $user, string $text ): string {
		$profile = sys_get_temp_dir() . '/aurareels-chromium-' . bin2hex( random_bytes( 6 ) );
		$address = self::$site['url'] . '/?test_login=' . $user . '&to=' . rawurlencode( '/wp-admin/admin.php?page=aurareels-dashboard#/social-accounts' );
		$command = array( getenv( 'AURAREELS_CHROMIUM' ), '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', "--user-data-dir=$profile", '--timeout=15000', '--dump-dom', $address );
		$until   = time() + 90;
		do {
			$dom = (string) shell_exec( implode( ' ', array_map( 'escapeshellarg', $command ) ) . ' 2>/dev/null' );
		} while ( false === strpos( $dom, $text ) && time() < $until );
		exec( 'rm -rf ' . escapeshellarg( $profile ) );
		return $dom;
	}

	public function test_the_dashboard_runs_inside_wp_admin() {
		$account = $this->account( 'anna', 'tiktok' );
		$names   = array_column( $this->ask( 'GET', '/accounts', 'anna' )->json['accounts'], 'account_name', 'id' );
		$dom     = $this->seen( 'anna', $names[ $account ] );
		self::assertStringContainsString( $names[ $account ], $dom, 'the page shows the account that the core has' );
		self::assertSame( 0, preg_match( '/<div class="notice notice-error" data-aurareels-when/', $dom ), 'nothing is said to be wrong' );
	}

	public function test_the_page_says_when_the_browser_cannot_reach_the_core() {
		wp_cache_flush();
		update_option( 'aurareels_settings', array( 'core_url' => getenv( 'AURAREELS_ADDRESS' ), 'core_public_url' => 'http://127.0.0.1:9' ) );
		$said = '<div class="notice notice-error" data-aurareels-when="away">';
		self::assertStringContainsString( $said, $this->seen( 'anna', $said ) );
		// Something that answers, and allows nobody: the site itself.
		update_option( 'aurareels_settings', array( 'core_url' => getenv( 'AURAREELS_ADDRESS' ), 'core_public_url' => str_replace( '127.0.0.1', 'localhost', getenv( 'AURAREELS_SIMULATOR_CONTROL' ) ) ) );
		$said = '<div class="notice notice-error" data-aurareels-when="origin">';
		self::assertStringContainsString( $said, $this->seen( 'anna', $said ) );
	}
}
