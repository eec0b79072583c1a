<?php

/** The original's front-end functions, with axios in a real browser, against the plugin. */
final class BrowserTest extends SiteCase {

	/** Opens the page in a browser of its own, and waits until it tells what it found. */
	private function found( array $todo ): array {
		$chromium = getenv( 'AURAREELS_CHROMIUM' );
		if ( ! $chromium ) {
			self::fail( 'AURAREELS_CHROMIUM is not set: start these tests with `cargo xtask test --only wordpress`' );
		}
		$name    = bin2hex( random_bytes( 6 ) );
		$profile = sys_get_temp_dir() . "/aurareels-chromium-$name";
		$result  = "/tmp/aurareels-result-$name";
		$address = self::$site['url'] . '/test/page.html#' . rawurlencode( json_encode( array( 'token' => self::jwt( 'anna' ), 'name' => $name ) + $todo ) );
		$command = array( $chromium, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', "--user-data-dir=$profile", '--remote-debugging-port=0', $address );
		$quiet   = array( 'file', '/dev/null', 'w' );
		$child   = proc_open( $command, array( array( 'file', '/dev/null', 'r' ), $quiet, $quiet ), $pipes );
		$until   = time() + 90;
		while ( ! is_file( $result ) && time() < $until ) {
			usleep( 100000 );
		}
		proc_terminate( $child );
		proc_close( $child );
		exec( 'rm -rf ' . escapeshellarg( $profile ) );
		self::assertFileExists( $result, 'the page told nothing' );
		usleep( 100000 );
		$done = json_decode( file_get_contents( $result ), true );
		unlink( $result );
		self::assertIsArray( $done );
		self::assertArrayNotHasKey( 'error', $done, json_encode( $done ) );
		return $done;
	}

	public function test_accounts_posts_and_moves() {
		$account = $this->account( 'anna', 'tiktok' );
		$request = $this->publishing( 'anna', array() );
		$done    = $this->found( array( 'request' => $request, 'jobs' => array( $this->job( 'anna' ), $this->job( 'anna' ) ) ) );
		self::assertContains( $account, array_column( $done['accounts'], 'id' ) );
		self::assertSame( 'Token refreshed successfully', $done['refreshed']['message'] );
		$post = $done['scheduled']['posts'][0];
		self::assertSame( 'scheduled', $post['status'] );
		self::assertContains( $post['id'], array_column( $done['listed']['posts'], 'id' ) );
		self::assertSame( strtotime( $post['scheduled_at'] . ' UTC' ) + 3600, strtotime( $done['rescheduled']['post']['scheduled_at'] . ' UTC' ) );
		self::assertSame( array( 'success' => true, 'message' => 'Post cancelled successfully' ), $done['cancelled'] );
		self::assertSame( 'published', $done['live']['status'] );
		self::assertSame( 1, self::visible( "{$request['caption']} now" ) );
		self::assertSame( 404, $done['refused'][0] );
		self::assertNotSame( '', $done['refused'][1], 'the page shows err.response.data.message' );
		self::assertSame( 403, $done['stranger'][0] );
	}

	public function test_a_failed_post_is_retried() {
		$this->account( 'anna', 'tiktok' );
		$request = $this->publishing( 'anna', array() );
		self::simulator( 'POST', '/_sim/tiktok/behaviour', array( 'outcome' => 'fail', 'fail_reason' => 'spam_risk_text', 'tasks' => 1 ) );
		$done = $this->found( array( 'retry' => true, 'request' => $request, 'jobs' => array( $this->job( 'anna' ) ) ) );
		self::assertSame( array( 'failed', 'publishing', 'published' ), array( $done['failed']['status'], $done['retried']['post']['status'], $done['again']['status'] ) );
		self::assertSame( 1, self::visible( $request['caption'] ) );
	}

	public function test_connecting_leaves_for_the_page_that_names_the_user() {
		$this->account( 'anna', 'tiktok' );
		$done = $this->found( array( 'connect' => 'tiktok' ) );
		self::assertSame( $done['answer']['auth_url'], $done['left'] );
		list( $status, , $html ) = ( new Browser() )->fetch( $done['left'] );
		self::assertSame( 200, $status );
		self::assertStringContainsString( 'Connect TikTok for user ' . self::$site['users']['anna'], $html );
	}
}
