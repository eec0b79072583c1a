<?php

/** The routes of the original's n8n workflows. */
final class InternalTest extends SiteCase {

	public function test_only_n8ns_key_opens_them() {
		foreach ( array( '/internal/publish', '/internal/publish-scheduled' ) as $path ) {
			foreach ( array( null, 'anna', 'admin', 'Authorization: Bearer wrong', 'Authorization: Bearer ' . self::$site['n8n_key'] . 'x', 'Authorization: Basic ' . base64_encode( 'x:' . self::$site['n8n_key'] ) ) as $as ) {
				self::assert_refused( 401, 'aurareels_unauthorized', $this->ask( 'POST', $path, $as, array( 'post_id' => 1 ) ) );
			}
			self::assert_refused( 404, 'aurareels_post_not_found', $this->n8n( 'POST', $path, array( 'post_id' => 987654 ) ) );
			self::assertSame( 400, $this->n8n( 'POST', $path, array() )->status );
		}
		// The key is good for what its workflows do, and for nothing else.
		foreach ( array( array( 'GET', '/posts' ), array( 'GET', '/accounts' ), array( 'DELETE', '/posts/1' ), array( 'POST', '/posts/1/retry' ), array( 'POST', '/publish' ) ) as list( $method, $path ) ) {
			self::assertContains( $this->n8n( $method, $path, 'POST' === $method ? array( 'accounts' => array( 1 ), 'video_url' => 'https://x.example/' ) : null )->status, array( 401, 403 ), "$method $path" );
		}
	}

	public function test_a_post_that_is_not_due_is_left_alone() {
		$post = $this->scheduled( 'anna' );
		$time = $this->ask( 'GET', "/posts/$post" )->json['post']['scheduled_at'];
		foreach ( array( '/internal/publish', '/internal/publish-scheduled' ) as $path ) {
			$answer = $this->n8n( 'POST', $path, array( 'post_id' => $post ) );
			self::assertSame( array( 200, true, 'scheduled', $time ), array( $answer->status, $answer->json['success'], $answer->json['post']['status'], $answer->json['post']['scheduled_at'] ), $answer->text );
			// A workflow that names the time before a reschedule.
			$stale = $this->n8n( 'POST', $path, array( 'post_id' => $post, 'scheduled_at' => gmdate( 'Y-m-d\TH:i:s\Z', time() ) ) );
			self::assertSame( array( 200, true, 'scheduled' ), array( $stale->status, $stale->json['success'], $stale->json['post']['status'] ), $stale->text );
		}
		$this->ask( 'DELETE', "/posts/$post" );
		$gone = $this->n8n( 'POST', '/internal/publish', array( 'post_id' => $post ) );
		self::assertSame( array( 200, 'cancelled' ), array( $gone->status, $gone->json['post']['status'] ) );
	}

	public function test_a_post_that_is_due_is_published_once() {
		$account = $this->account( 'anna', 'tiktok' );
		$request = $this->publishing( 'anna', array( $account ), array( 'scheduled_at' => gmdate( 'Y-m-d\TH:i:s\Z', time() + 25 ) ) );
		$post    = $this->ask( 'POST', '/schedule', 'anna', $request )->json['posts'][0]['id'];
		$begun   = $this->n8n( 'POST', '/internal/publish-scheduled', array( 'post_id' => $post ) );
		self::assertSame( array( 200, true, 'publishing' ), array( $begun->status, $begun->json['success'], $begun->json['post']['status'] ), $begun->text );
		$again = $this->n8n( 'POST', '/internal/publish-scheduled', array( 'post_id' => $post ) );
		self::assertSame( array( 200, true ), array( $again->status, $again->json['success'] ) );
		self::assertSame( 0, self::visible( $request['caption'] ), 'a clock that is ahead makes nothing early' );
		$this->until( $post, 'anna', 'published' );
		self::assertSame( 1, self::visible( $request['caption'] ) );
		// With the time that it still has, a workflow may begin it whenever it says so.
		$time  = gmdate( 'Y-m-d H:i:s', time() + 7200 );
		$named = $this->ask( 'POST', '/schedule', 'anna', $this->publishing( 'anna', array( $account ), array( 'scheduled_at' => $time ) ) )->json['posts'][0]['id'];
		$begun = $this->n8n( 'POST', '/internal/publish', array( 'post_id' => $named, 'scheduled_at' => $time ) );
		self::assertSame( 'publishing', $begun->json['post']['status'], $begun->text );
		$this->until( $named, 'anna', 'published' );
		self::assertSame( 400, $this->n8n( 'POST', '/internal/publish', array( 'post_id' => $named, 'scheduled_at' => 'soon' ) )->status );
	}

	public function test_what_the_publisher_workflow_reads_and_reports() {
		$account = $this->account( 'anna', 'tiktok' );
		$post    = $this->scheduled( 'anna' );
		$read    = $this->n8n( 'GET', "/posts/$post" )->json;
		self::assertSame( array( $post, $account, $account, 'scheduled' ), array( $read['post_id'], $read['social_account_id'], $read['account']['id'], $read['post']['status'] ) );
		self::assertMatchesRegularExpression( '/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/', $read['account']['token_expires_at'] );
		$refreshed = $this->n8n( 'POST', "/accounts/$account/refresh", array() );
		self::assertSame( array( 200, true ), array( $refreshed->status, $refreshed->json['success'] ), $refreshed->text );
		foreach ( array( array( 'status' => 'published', 'published_at' => gmdate( 'c' ) ), array( 'status' => 'failed', 'error_message' => 'so it says' ) ) as $report ) {
			$answer = $this->n8n( 'PATCH', "/posts/$post", $report );
			self::assertSame( array( 200, true, 'scheduled', null ), array( $answer->status, $answer->json['success'], $answer->json['post']['status'], $answer->json['post']['error_message'] ) );
		}
		self::assertSame( 'scheduled', $this->ask( 'PATCH', "/posts/$post", 'anna', array( 'status' => 'published' ) )->json['post']['status'] );
		$this->ask( 'DELETE', "/posts/$post" );
	}

	public function test_a_failed_post_is_no_success() {
		self::simulator( 'POST', '/_sim/tiktok/behaviour', array( 'outcome' => 'fail', 'fail_reason' => 'spam_risk_text', 'tasks' => 1 ) );
		$post = $this->ask( 'POST', '/publish', 'anna', $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ) ) )->json['posts'][0]['id'];
		$this->until( $post, 'anna', 'failed' );
		$answer = $this->n8n( 'POST', '/internal/publish', array( 'post_id' => $post ) );
		self::assertSame( array( 200, false, 'failed' ), array( $answer->status, $answer->json['success'], $answer->json['post']['status'] ) );
		self::assertNotSame( '', $answer->json['error'] );
	}
}
