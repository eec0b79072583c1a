<?php

/** Each route of the original, once in its good form, its JSON compared with the original's examples key by key and type by type. */
final class ContractTest extends SiteCase {

	const ACCOUNT = array(
		'id'                  => 1,
		'platform'            => 'tiktok',
		'account_name'        => 'MyTikTokAccount',
		'account_username'    => '@mytiktok',
		'profile_picture_url' => 'https://...',
		'is_active'           => true,
		'token_expires_at'    => '2024-12-31 23:59:59',
		'created_at'          => '2024-01-01 00:00:00',
	);

	const LISTED = array(
		'id'                => 123,
		'platform'          => 'tiktok',
		'status'            => 'published',
		'caption'           => 'Check out this video!',
		'platform_post_url' => 'https://www.tiktok.com/@user/video/123',
		'scheduled_at'      => '2024-12-16 10:00:00',
		'published_at'      => '2024-12-16 10:00:00',
		'video_job_id'      => 'uuid-123',
		'account_name'      => 'MyTikTokAccount',
	);

	const POST = array(
		'id'                => 123,
		'platform'          => 'tiktok',
		'status'            => 'published',
		'caption'           => 'Full caption text...',
		'hashtags'          => array( '#tag1', '#tag2' ),
		'platform_post_id'  => 'tiktok-post-id',
		'platform_post_url' => 'https://www.tiktok.com/@user/video/123',
		'video_url'         => 'https://cloudflare.com/video.mp4',
		'thumbnail_url'     => 'https://cloudflare.com/thumb.jpg',
		'scheduled_at'      => null,
		'published_at'      => '2024-12-16 10:00:00',
		'error_message'     => null,
		'retry_count'       => 0,
		'account'           => array(
			'id'               => 1,
			'account_name'     => 'MyTikTokAccount',
			'account_username' => '@mytiktok',
		),
	);

	public function test_accounts_are_connected_and_listed() {
		$tiktok    = $this->account( 'anna', 'tiktok' );
		$instagram = $this->account( 'anna', 'instagram' );
		$answer    = $this->ask( 'GET', '/accounts' );
		self::assertSame( 200, $answer->status );
		self::assert_shape( array( 'success' => true, 'accounts' => array( self::ACCOUNT ) ), $answer->json );
		self::assertStringContainsString( 'no-store', $answer->headers['cache-control'] );
		$by_id = array_column( $answer->json['accounts'], null, 'id' );
		self::assertSame( array( 'tiktok', 'instagram' ), array( $by_id[ $tiktok ]['platform'], $by_id[ $instagram ]['platform'] ) );
		self::assertStringStartsWith( '@', $by_id[ $tiktok ]['account_username'] );
		$only = $this->ask( 'GET', '/accounts?platform=instagram&active=1' )->json['accounts'];
		self::assertSame( array( 'instagram' ), array_values( array_unique( array_column( $only, 'platform' ) ) ) );
		self::assertSame( array(), $this->ask( 'GET', '/accounts?active=0' )->json['accounts'] );
		$extended = $this->ask( 'GET', '/accounts?extended=1' )->json['accounts'][0];
		self::assertSame( 'ok', $extended['health'] );
	}

	public function test_publish_makes_one_visible_post_on_each_account() {
		$accounts = array( $this->account( 'anna', 'tiktok' ), $this->account( 'anna', 'instagram' ) );
		$request  = $this->publishing( 'anna', $accounts );
		$answer   = $this->ask( 'POST', '/publish', 'anna', $request );
		self::assertSame( 200, $answer->status, $answer->text );
		self::assert_shape(
			array(
				'success' => true,
				'message' => 'Publishing initiated',
				'posts'   => array( array( 'id' => 123, 'platform' => 'tiktok', 'status' => 'publishing', 'account_name' => 'MyTikTokAccount' ) ),
			),
			$answer->json
		);
		self::assertSame( 'Publishing initiated', $answer->json['message'] );
		self::assertSame( array( 'tiktok', 'instagram' ), array_column( $answer->json['posts'], 'platform' ) );
		self::assertSame( array( 'publishing', 'publishing' ), array_column( $answer->json['posts'], 'status' ) );
		// The client's connection broke, so it sends the same again: the same posts.
		$again = $this->ask( 'POST', '/publish', 'anna', $request );
		self::assertSame( array_column( $answer->json['posts'], 'id' ), array_column( $again->json['posts'], 'id' ) );
		foreach ( $answer->json['posts'] as $post ) {
			$shown = $this->until( $post['id'], 'anna', 'published' );
			self::assert_shape( self::POST, $shown );
			self::assertSame( array( $request['caption'], $request['hashtags'] ), array( $shown['caption'], $shown['hashtags'] ) );
			self::assertNotNull( $shown['published_at'] );
			self::assertNull( $shown['error_message'] );
			self::assertNull( $shown['scheduled_at'] );
		}
		self::assertSame( 2, self::visible( $request['caption'] ) );
		$list = $this->ask( 'GET', '/posts?status=published&platform=tiktok&limit=1' );
		self::assert_shape( array( 'success' => true, 'total' => 42, 'posts' => array( self::LISTED ) ), $list->json );
		self::assertCount( 1, $list->json['posts'] );
		self::assertGreaterThanOrEqual( 1, $list->json['total'] );
		self::assertSame( $request['video_job_id'], $this->ask( 'GET', "/posts?video_job_id={$request['video_job_id']}" )->json['posts'][0]['video_job_id'] );
	}

	public function test_schedule_reschedule_cancel() {
		$accounts = array( $this->account( 'anna', 'tiktok' ), $this->account( 'anna', 'instagram' ) );
		$time     = gmdate( 'Y-m-d', time() + 86400 ) . ' 18:00:00';
		$request  = $this->publishing( 'anna', $accounts, array( 'scheduled_at' => $time, 'caption' => 'Merry Christmas! 🎄 ' . bin2hex( random_bytes( 3 ) ) ) );
		unset( $request['allow_duet'], $request['allow_stitch'] );
		$answer = $this->ask( 'POST', '/schedule', 'anna', $request );
		self::assertSame( 200, $answer->status, $answer->text );
		self::assert_shape(
			array(
				'success' => true,
				'message' => 'Posts scheduled successfully',
				'posts'   => array( array( 'id' => 125, 'platform' => 'tiktok', 'status' => 'scheduled', 'scheduled_at' => '2024-12-25 18:00:00' ) ),
			),
			$answer->json
		);
		self::assertSame( array( $time, $time ), array_column( $answer->json['posts'], 'scheduled_at' ) );
		$post = $answer->json['posts'][0]['id'];
		self::assertSame( $request['caption'], $this->ask( 'GET', "/posts/$post" )->json['post']['caption'] );
		$later  = gmdate( 'Y-m-d', time() + 2 * 86400 ) . ' 12:00:00';
		$moved  = $this->ask( 'PATCH', "/posts/$post/reschedule", 'anna', array( 'scheduled_at' => $later ) );
		self::assertSame( array( 'success' => true, 'message' => 'Post rescheduled successfully', 'post' => array( 'id' => $post, 'scheduled_at' => $later ) ), $moved->json );
		foreach ( array_column( $answer->json['posts'], 'id' ) as $id ) {
			$gone = $this->ask( 'DELETE', "/posts/$id" );
			self::assertSame( array( 'success' => true, 'message' => 'Post cancelled successfully' ), $gone->json );
			self::assertSame( 'cancelled', $this->ask( 'GET', "/posts/$id" )->json['post']['status'] );
		}
		self::assertSame( 0, self::visible( $request['caption'] ) );
	}

	public function test_times_are_taken_in_every_form_of_the_contract() {
		$account = $this->account( 'anna', 'tiktok' );
		$day     = gmdate( 'Y-m-d', time() + 5 * 86400 );
		foreach ( array( "$day 18:00:00" => '18:00:00', "{$day}T18:00:00Z" => '18:00:00', "{$day}T18:00:00.000Z" => '18:00:00', "{$day}T18:00:00+02:00" => '16:00:00' ) as $given => $wanted ) {
			$answer = $this->ask( 'POST', '/schedule', 'anna', $this->publishing( 'anna', array( $account ), array( 'scheduled_at' => $given ) ) );
			self::assertSame( "$day $wanted", $answer->json['posts'][0]['scheduled_at'] ?? $answer->text, $given );
			$this->ask( 'DELETE', "/posts/{$answer->json['posts'][0]['id']}" );
		}
		$zone   = $this->publishing( 'anna', array( $account ), array( 'scheduled_at' => '2026-12-25 18:00:00', 'time_zone' => 'Europe/Berlin' ) );
		$answer = $this->ask( 'POST', '/schedule', 'anna', $zone );
		self::assertSame( '2026-12-25 17:00:00', $answer->json['posts'][0]['scheduled_at'] );
		$this->ask( 'DELETE', "/posts/{$answer->json['posts'][0]['id']}" );
	}

	public function test_the_shortest_request_of_the_original_is_enough() {
		$request = array( 'video_job_id' => $this->job( 'anna' ), 'accounts' => array( $this->account( 'anna', 'tiktok' ) ), 'caption' => 'Test post from API ' . bin2hex( random_bytes( 3 ) ), 'hashtags' => array( '#test', '#api' ) );
		$answer  = $this->ask( 'POST', '/publish', 'anna', $request );
		self::assertSame( 200, $answer->status, $answer->text );
		$post = $this->ask( 'GET', "/posts/{$answer->json['posts'][0]['id']}?extended=1" )->json['post'];
		self::assertSame( array( 'PUBLIC', true, true, true ), array( $post['privacy_level'], $post['allow_comments'], $post['allow_duet'], $post['allow_stitch'] ) );
		$this->until( $post['id'], 'anna', 'published' );
	}

	public function test_a_failed_post_is_retried() {
		$account = $this->account( 'anna', 'tiktok' );
		$request = $this->publishing( 'anna', array( $account ) );
		self::simulator( 'POST', '/_sim/tiktok/behaviour', array( 'outcome' => 'fail', 'fail_reason' => 'spam_risk_text', 'tasks' => 1 ) );
		$post   = $this->ask( 'POST', '/publish', 'anna', $request )->json['posts'][0]['id'];
		$failed = $this->until( $post, 'anna', 'failed' );
		self::assertIsString( $failed['error_message'] );
		self::simulator( 'POST', '/_sim/tiktok/behaviour', array( 'outcome' => 'publish', 'tasks' => null ) );
		$answer = $this->ask( 'POST', "/posts/$post/retry", 'anna', array() );
		self::assert_shape( array( 'success' => true, 'message' => 'Retrying publication', 'post' => array( 'id' => 127, 'status' => 'publishing', 'retry_count' => 1 ) ), $answer->json );
		self::assertSame( array( $post, 'publishing' ), array( $answer->json['post']['id'], $answer->json['post']['status'] ) );
		self::assertGreaterThanOrEqual( 1, $answer->json['post']['retry_count'] );
		$this->until( $post, 'anna', 'published' );
		self::assertSame( 1, self::visible( $request['caption'] ) );
	}

	public function test_tokens_are_refreshed_and_accounts_disconnected() {
		$account = $this->account( 'ben', 'tiktok' );
		$answer  = $this->ask( 'POST', "/accounts/$account/refresh", 'ben', array() );
		self::assert_shape( array( 'success' => true, 'message' => 'Token refreshed successfully', 'expires_at' => '2024-12-31 23:59:59' ), $answer->json );
		self::assertSame( array( true, 'Token refreshed successfully' ), array( $answer->json['success'], $answer->json['message'] ) );
		$this->connect( 'sue-as-author', 'tiktok' );
		$other = $this->ask( 'GET', '/accounts', 'sue-as-author' )->json['accounts'][0]['id'];
		$gone  = $this->ask( 'DELETE', "/accounts/$other", 'sue-as-author' );
		self::assertSame( array( 'success' => true, 'message' => 'Account disconnected successfully' ), $gone->json );
		self::assertFalse( $this->ask( 'GET', '/accounts', 'sue-as-author' )->json['accounts'][0]['is_active'] );
	}

	public function test_what_is_new_beside_the_original() {
		$account = $this->account( 'anna', 'tiktok' );
		$quota   = $this->ask( 'GET', "/accounts/$account/quota" )->json['quota'];
		self::assertSame( array( $account, 'tiktok' ), array( $quota['account_id'], $quota['platform'] ) );
		$options = $this->ask( 'GET', "/accounts/$account/publish-options" )->json['options'];
		self::assertContains( 'PUBLIC_TO_EVERYONE', $options['privacy_level_options'] );
		self::assertTrue( $options['can_post'] );
		$rules = $this->ask( 'GET', '/media-requirements/tiktok' )->json['requirements'];
		self::assertSame( array( 600, 3, 2200 ), array( $rules['max_duration_seconds'], $rules['min_duration_seconds'], $rules['max_caption_length'] ) );
		self::assertContains( 'mp4', $rules['formats'] );
		self::assertContains( 'instagram', array_column( $this->ask( 'GET', '/media-requirements' )->json['requirements'], 'platform' ) );
		$before = $this->ask( 'GET', '/posts' )->json['total'];
		$valid  = $this->ask( 'POST', '/validate', 'anna', $this->publishing( 'anna', array( $account ) ) )->json;
		self::assertSame( array( true, true, array() ), array( $valid['success'], $valid['valid'], $valid['violations'] ), json_encode( $valid ) );
		$wrong = $this->ask( 'POST', '/validate', 'anna', $this->publishing( 'anna', array( $account ), array( 'caption' => str_repeat( 'x', 2300 ), 'privacy_level' => 'NOBODY' ) ) )->json;
		self::assertFalse( $wrong['valid'] );
		self::assertGreaterThanOrEqual( 2, count( $wrong['violations'] ) );
		self::assertSame( $before, $this->ask( 'GET', '/posts' )->json['total'], 'nothing was made' );
		$job = $this->ask( 'GET', '/video-jobs/' . $this->job( 'anna' ) )->json['job'];
		self::assertSame( array( array( 'First title' ), 'What it is about', array( '#ai' ) ), array( $job['ai_metadata']['titles'], $job['ai_metadata']['description'], $job['ai_metadata']['hashtags'] ) );
	}

	public function test_the_other_transport_of_wordpress_works_too() {
		$answer = $this->ask( 'POST', '/publish', 'anna', $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ), array( 'metadata' => array( 'bytes' => "\u{0}\r\n\u{ff}" . str_repeat( 'ü', 20000 ) ) ) ), array( 'X-Test-Transport: streams' ) );
		self::assertSame( 200, $answer->status, $answer->text );
		$post = $this->ask( 'GET', "/posts/{$answer->json['posts'][0]['id']}?extended=1", 'anna', null, array( 'X-Test-Transport: streams' ) )->json['post'];
		self::assertSame( "\u{0}\r\n\u{ff}" . str_repeat( 'ü', 20000 ), $post['metadata']['bytes'] );
		self::assert_refused( 404, 'aurareels_post_not_found', $this->ask( 'GET', '/posts/987654', 'anna', null, array( 'X-Test-Transport: streams' ) ) );
	}
}
