<?php

/** Who may, and what is wrong: 401, 403, 400, users who try each other's rows, and the original's table of errors. */
final class RefusalsTest extends SiteCase {

	/** Every route of users: method, path, body. */
	public function routes() {
		return array(
			array( 'GET', '/accounts' ),
			array( 'POST', '/accounts/connect/tiktok' ),
			array( 'POST', '/accounts/1/refresh' ),
			array( 'DELETE', '/accounts/1' ),
			array( 'GET', '/accounts/1/quota' ),
			array( 'GET', '/accounts/1/publish-options' ),
			array( 'POST', '/publish', array( 'accounts' => array( 1 ), 'video_url' => 'https://x.example/v.mp4' ) ),
			array( 'POST', '/schedule', array( 'accounts' => array( 1 ), 'video_url' => 'https://x.example/v.mp4', 'scheduled_at' => '2030-01-01 00:00:00' ) ),
			array( 'POST', '/validate', array( 'accounts' => array( 1 ), 'video_url' => 'https://x.example/v.mp4' ) ),
			array( 'GET', '/video-jobs/x' ),
			array( 'GET', '/posts' ),
			array( 'GET', '/posts/1' ),
			array( 'DELETE', '/posts/1' ),
			array( 'PATCH', '/posts/1', array( 'status' => 'published' ) ),
			array( 'PATCH', '/posts/1/reschedule', array( 'scheduled_at' => '2030-01-01 00:00:00' ) ),
			array( 'POST', '/posts/1/retry' ),
			array( 'POST', '/posts/1/reconcile' ),
			array( 'POST', '/posts/1/resolve', array( 'resolution' => 'published' ) ),
			array( 'GET', '/media-requirements' ),
			array( 'GET', '/media-requirements/tiktok' ),
		);
	}

	/** @dataProvider routes */
	public function test_a_route_wants_a_user_with_the_capability( $method, $path, $body = null ) {
		self::assert_refused( 401, 'aurareels_unauthorized', $this->ask( $method, $path, null, $body ) );
		self::assert_refused( 403, 'aurareels_forbidden', $this->ask( $method, $path, 'sue', $body ) );
		self::assert_refused( 403, 'jwt_auth_invalid_token', $this->ask( $method, $path, 'Authorization: Bearer not.a.token', $body ) );
	}

	public function test_tokens_as_the_jwt_plugin_issues_them() {
		$ask = fn( $token ) => $this->ask( 'GET', '/accounts', "Authorization: Bearer $token" );
		self::assertSame( 200, $ask( self::jwt( 'anna' ) )->status );
		self::assertSame( 200, $ask( self::jwt( 'anna', array( 'data' => array( 'user' => array( 'id' => self::$site['users']['anna'] ) ) ) ) )->status, 'the id as a number' );
		$now = time();
		foreach ( array(
			'expired'         => self::jwt( 'anna', array( 'exp' => $now - 60 ) ),
			'without an end'  => self::jwt( 'anna', array( 'exp' => null ) ),
			'not valid yet'   => self::jwt( 'anna', array( 'nbf' => $now + 120 ) ),
			'another issuer'  => self::jwt( 'anna', array( 'iss' => 'https://evil.example' ) ),
			'a slash more'    => self::jwt( 'anna', array( 'iss' => self::$site['url'] . '/' ) ),
			'another key'     => self::jwt( 'anna', array(), 'HS256', 'guessed' ),
			'HS512'           => self::jwt( 'anna', array(), 'HS512' ),
			'none'            => self::jwt( 'anna', array(), 'none' ),
			'nobody'          => self::jwt( 'anna', array( 'data' => array( 'user' => array( 'id' => '0' ) ) ) ),
			'a deleted user'  => self::jwt( 'anna', array( 'data' => array( 'user' => array( 'id' => '987654' ) ) ) ),
			'no user at all'  => self::jwt( 'anna', array( 'data' => array() ) ),
			'a user by words' => self::jwt( 'anna', array( 'data' => array( 'user' => array( 'id' => '2 OR 1=1' ) ) ) ),
		) as $name => $token ) {
			self::assert_refused( 403, 'jwt_auth_invalid_token', $ask( $token ) );
			unset( $name );
		}
		// The token is good for these routes alone: WordPress' own do not know it, whatever the address looks like.
		$bearer = 'Authorization: Bearer ' . self::jwt( 'admin' );
		foreach ( array( '/wp-json/wp/v2/users/me', '/wp-json/wp/v2/users/me?x=/aurareels/v1/', '/wp-json/aurareels/v1/social/accounts?rest_route=/wp/v2/users/me', '/?rest_route=/wp/v2/users/me&y=/wp-json/aurareels/v1/' ) as $path ) {
			self::assertSame( 401, $this->ask( 'GET', self::$site['url'] . $path, $bearer )->status, $path );
		}
		self::assertSame( 200, $this->ask( 'GET', self::$site['url'] . '/?rest_route=/aurareels/v1/social/accounts', $bearer )->status );
	}

	/** A browser in which somebody is logged in, and its nonce. */
	private static function logged_in( string $user ): array {
		$browser = new Browser();
		$browser->fetch( self::$site['url'] . '/wp-login.php' );
		self::assertSame( 302, $browser->fetch( self::$site['url'] . '/wp-login.php', array( 'log' => $user, 'pwd' => $user, 'testcookie' => '1' ) )[0] );
		$nonce = $browser->fetch( self::$site['url'] . '/wp-admin/admin-ajax.php?action=rest-nonce' )[2];
		self::assertMatchesRegularExpression( '/^[0-9a-f]{10}$/', $nonce );
		return array( $browser, $nonce );
	}

	public function test_cookies_need_their_nonce() {
		list( $browser, $nonce ) = self::logged_in( 'anna' );
		$accounts = self::$site['url'] . '/wp-json/aurareels/v1/social/accounts';
		self::assertSame( 200, $browser->fetch( "$accounts?_wpnonce=$nonce" )[0] );
		self::assertSame( 401, $browser->fetch( $accounts )[0], 'without a nonce nobody is logged in' );
		foreach ( array( '0123456789', self::logged_in( 'ben' )[1], self::logged_in( 'anna' )[1] ) as $other ) {
			self::assertSame( 403, $browser->fetch( "$accounts?_wpnonce=$other" )[0], 'made up, of another user, of another login' );
		}
		list( $status ) = $browser->fetch( self::$site['url'] . '/wp-login.php?action=logout&_wpnonce=' . $nonce );
		self::assertSame( 403, $status, 'one nonce does not pass for another' );
	}

	public function test_application_passwords() {
		$basic = fn( $user, $password ) => $this->ask( 'GET', '/accounts', 'Authorization: Basic ' . base64_encode( "$user:$password" ) );
		self::assertSame( 200, $basic( 'anna', self::$site['passwords']['anna'] )->status );
		self::assertSame( 401, $basic( 'anna', 'wrong' )->status );
		self::assertSame( 401, $basic( 'ben', self::$site['passwords']['anna'] )->status );
		self::assertSame( 401, $basic( 'nobody', self::$site['passwords']['anna'] )->status );
		self::assertSame( 403, $basic( 'sue', self::$site['passwords']['sue'] )->status );
	}

	public function test_users_never_reach_each_others_rows() {
		$account = $this->account( 'anna', 'tiktok' );
		$post    = $this->scheduled( 'anna' );
		$job     = $this->job( 'anna' );
		$before  = $this->ask( 'GET', "/posts/$post" )->json;
		$foreign = array(
			array( 'POST', "/accounts/$account/refresh", array(), 'account' ),
			array( 'DELETE', "/accounts/$account", null, 'account' ),
			array( 'GET', "/accounts/$account/quota", null, 'account' ),
			array( 'GET', "/accounts/$account/publish-options", null, 'account' ),
			array( 'GET', "/posts/$post", null, 'post' ),
			array( 'DELETE', "/posts/$post", null, 'post' ),
			array( 'PATCH', "/posts/$post", array( 'status' => 'failed' ), 'post' ),
			array( 'PATCH', "/posts/$post/reschedule", array( 'scheduled_at' => '2030-01-01 00:00:00' ), 'post' ),
			array( 'POST', "/posts/$post/retry", array(), 'post' ),
			array( 'POST', "/posts/$post/reconcile", array(), 'post' ),
			array( 'POST', "/posts/$post/resolve", array( 'resolution' => 'published' ), 'post' ),
			array( 'POST', '/publish', $this->publishing( 'ben', array( $account ) ), 'account' ),
			array( 'POST', '/schedule', $this->publishing( 'ben', array( $account ), array( 'scheduled_at' => '2030-01-01 00:00:00' ) ), 'account' ),
			array( 'POST', '/accounts/connect/tiktok', array( 'account_id' => $account ), 'account' ),
		);
		foreach ( $foreign as list( $method, $path, $body, $kind ) ) {
			$theirs  = $this->ask( $method, $path, 'ben', $body );
			$nothing = $this->ask( $method, str_replace( array( "/$post", "/$account" ), '/987654', $path ), 'ben', null === $body ? null : array_replace( $body, isset( $body['accounts'] ) ? array( 'accounts' => array( 987654 ) ) : array(), isset( $body['account_id'] ) ? array( 'account_id' => 987654 ) : array() ) );
			self::assert_refused( 404, "aurareels_{$kind}_not_found", $theirs );
			// Not found and not yours look the same.
			self::assertSame( str_replace( '987654', 'N', $nothing->text ), str_replace( array( (string) $post, (string) $account ), 'N', $theirs->text ), "$method $path" );
		}
		self::assertSame( $before, $this->ask( 'GET', "/posts/$post" )->json );
		self::assert_refused( 404, 'aurareels_video_job_not_found', $this->ask( 'GET', "/video-jobs/$job", 'ben' ) );
		$own = $this->account( 'ben', 'tiktok' );
		self::assert_refused( 404, 'aurareels_video_job_not_found', $this->ask( 'POST', '/publish', 'ben', array( 'video_job_id' => $job, 'accounts' => array( $own ) ) ) );
		foreach ( array( '', "&account_id=$account", '&status=scheduled' ) as $filter ) {
			self::assertNotContains( $post, array_column( $this->ask( 'GET', "/posts?limit=100$filter", 'ben' )->json['posts'] ?? array(), 'id' ) );
		}
		$this->ask( 'DELETE', "/posts/$post" );
	}

	public function malformed() {
		$video = array( 'video_url' => 'https://x.example/v.mp4' );
		return array(
			'no accounts'          => array( 'POST', '/publish', $video ),
			'accounts as words'    => array( 'POST', '/publish', $video + array( 'accounts' => array( 'x' ) ) ),
			'accounts as a yes'    => array( 'POST', '/publish', $video + array( 'accounts' => true ) ),
			'an account beyond'    => array( 'POST', '/publish', $video + array( 'accounts' => array( 18446744073709555712.0 ) ) ),
			'no account in it'     => array( 'POST', '/publish', $video + array( 'accounts' => array() ) ),
			'neither job nor video' => array( 'POST', '/publish', array( 'accounts' => array( 1 ) ) ),
			'a caption as a list'  => array( 'POST', '/publish', $video + array( 'accounts' => array( 1 ), 'caption' => array( 'x' ) ) ),
			'no time'              => array( 'POST', '/schedule', $video + array( 'accounts' => array( 1 ) ) ),
			'a time that is none'  => array( 'POST', '/schedule', $video + array( 'accounts' => array( 1 ), 'scheduled_at' => 'tomorrow' ) ),
			'an unknown platform'  => array( 'POST', '/accounts/connect/myspace', array() ),
			'an unknown filter'    => array( 'GET', '/posts?status=sent', null ),
			'no limit'             => array( 'GET', '/posts?limit=0', null ),
			'a limit beyond'       => array( 'GET', '/posts?limit=101', null ),
			'an offset below'      => array( 'GET', '/posts?offset=-1', null ),
			'an offset beyond'     => array( 'GET', '/posts?offset=10001', null ),
			'broken JSON'          => array( 'POST', '/publish', '{"accounts": [1' ),
			'JSON that is no UTF-8' => array( 'POST', '/publish', "{\"accounts\": [1], \"caption\": \"\xc3\x28\"}" ),
			'an id of 0'           => array( 'GET', '/posts/0', null ),
			'an id beyond'         => array( 'GET', '/posts/99999999999999999999', null ),
		);
	}

	/** @dataProvider malformed */
	public function test_what_is_malformed_is_refused( $method, $path, $body ) {
		$answer = $this->ask( $method, $path, 'anna', $body, is_string( $body ) ? array( 'Content-Type: application/json' ) : array() );
		self::assertSame( array( 400, false ), array( $answer->status, $answer->json['success'] ), $answer->text );
	}

	public function test_a_form_in_another_encoding_is_refused() {
		$body   = http_build_query( array( 'accounts' => array( $this->account( 'anna', 'tiktok' ) ), 'video_url' => 'https://x.example/v.mp4', 'caption' => "caf\xe9" ) );
		$answer = $this->ask( 'POST', '/publish', 'anna', $body, array( 'Content-Type: application/x-www-form-urlencoded' ) );
		self::assert_refused( 400, 'aurareels_invalid_field', $answer );
		self::assertStringContainsString( 'caption', $answer->json['message'] );
	}

	public function test_emoji_and_every_kind_of_letter_arrive_as_they_are() {
		$caption = "🎄👩‍👩‍👧‍👦 zażółć \"quoted\" <b>bold</b> \\back\\ 'single' %d\n\tline two & more " . bin2hex( random_bytes( 3 ) );
		$request = $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ), array( 'caption' => $caption, 'hashtags' => array( '#zażółć' ), 'scheduled_at' => gmdate( 'c', time() + 7200 ), 'metadata' => array( 'empty' => new stdClass(), 'list' => array(), 'n' => 1.5, 'deep' => array( 'a' => array( null, true ) ) ) ) );
		foreach ( array( $request, null ) as $body ) {
			if ( null === $body ) {
				unset( $request['metadata'] );
				$answer = $this->ask( 'POST', '/schedule', 'anna', http_build_query( array( 'allow_comments' => 'true', 'video_job_id' => $this->job( 'anna' ) ) + $request ), array( 'Content-Type: application/x-www-form-urlencoded' ) );
			} else {
				$answer = $this->ask( 'POST', '/schedule', 'anna', $body );
			}
			self::assertSame( 200, $answer->status, $answer->text );
			$post = $answer->json['posts'][0]['id'];
			$text = $this->ask( 'GET', "/posts/$post?extended=1" )->text;
			$read = json_decode( $text );
			self::assertSame( array( $caption, array( '#zażółć' ) ), array( $read->post->caption, $read->post->hashtags ) );
			if ( null !== $body ) {
				self::assertEquals( json_decode( json_encode( $body['metadata'] ) ), $read->post->metadata );
			}
			$this->ask( 'DELETE', "/posts/$post" );
		}
	}

	public function test_two_megabytes_of_metadata_are_too_much() {
		$request = $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ), array( 'metadata' => array( 'x' => str_repeat( 'y', 2 * 1024 * 1024 ) ) ) );
		$answer  = $this->ask( 'POST', '/publish', 'anna', $request );
		self::assertContains( $answer->status, array( 400, 413 ), $answer->text );
		self::assertFalse( $answer->json['success'] );
		self::assertSame( 0, self::visible( $request['caption'] ) );
	}

	public function test_video_not_public() {
		$account = $this->account( 'anna', 'tiktok' );
		foreach ( array( $this->job( 'anna', '?status=403' ), $this->job( 'anna', '', '' ) ) as $job ) {
			$answer = $this->ask( 'POST', '/publish', 'anna', array( 'video_job_id' => $job, 'accounts' => array( $account ), 'caption' => 'x' ) );
			self::assert_refused( 400, 'aurareels_video_not_public', $answer );
			self::assertNotSame( '', $answer->json['data']['remedy'] );
		}
	}

	public function test_video_too_large() {
		$job = $this->job( 'anna', '?size=5000000000' );
		self::assert_refused( 400, 'aurareels_video_too_large', $this->ask( 'POST', '/publish', 'anna', array( 'video_job_id' => $job, 'accounts' => array( $this->account( 'anna', 'tiktok' ) ), 'caption' => 'x' ) ) );
	}

	public function test_invalid_video_format() {
		$job = $this->job( 'anna', '?text=1' );
		self::assert_refused( 400, 'aurareels_video_format_invalid', $this->ask( 'POST', '/publish', 'anna', array( 'video_job_id' => $job, 'accounts' => array( $this->account( 'anna', 'tiktok' ) ), 'caption' => 'x' ) ) );
	}

	public function test_caption_too_long() {
		$request = $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ), array( 'caption' => str_repeat( 'x', 2201 ) ) );
		$answer  = $this->ask( 'POST', '/publish', 'anna', $request );
		self::assert_refused( 400, 'aurareels_caption_too_long', $answer );
		self::assertSame( array( 'CAPTION_TOO_LONG', 'CAPTION_TOO_LONG' ), array( $answer->json['data']['reason'], $answer->json['data']['fields'][0]['rule'] ) );
		self::assertStringContainsString( '2200', $answer->json['data']['limit'] );
		$cut = $this->ask( 'POST', '/publish', 'anna', array( 'on_long_caption' => 'cut' ) + $request );
		self::assertSame( 200, $cut->status, $cut->text );
		$post = $this->ask( 'GET', "/posts/{$cut->json['posts'][0]['id']}?extended=1" )->json['post'];
		self::assertContains( 'CAPTION_CUT', array_column( $post['warnings'], 'code' ) );
		$this->until( $post['id'], 'anna', 'published' );
	}

	public function test_duplicate_post() {
		$request = $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ) );
		$first   = $this->ask( 'POST', '/publish', 'anna', array( 'request_key' => 'one-' . $request['video_job_id'] ) + $request );
		self::assertSame( 200, $first->status, $first->text );
		self::assert_refused( 409, 'aurareels_duplicate_post', $this->ask( 'POST', '/publish', 'anna', array( 'request_key' => 'two-' . $request['video_job_id'] ) + $request ) );
		// The same key with other content names the field; as a header it is the same key.
		$changed = $this->ask( 'POST', '/publish', 'anna', array( 'caption' => 'other' ) + $request, array( "Idempotency-Key: one-{$request['video_job_id']}" ) );
		self::assert_refused( 400, 'aurareels_request_key_reused', $changed );
		self::assertStringContainsString( 'caption', json_encode( $changed->json['data'] ) );
		$this->until( $first->json['posts'][0]['id'], 'anna', 'published' );
		self::assertSame( 1, self::visible( $request['caption'] ) );
	}

	public function test_rate_limit_exceeded() {
		$account = $this->account( 'anna', 'tiktok' );
		self::simulator( 'POST', '/_sim/faults', array( 'match' => array( 'operation' => 'tiktok.creator_info' ), 'times' => 0, 'action' => array( 'type' => 'answer', 'status' => 429, 'headers' => new stdClass(), 'body' => array( 'error' => array( 'code' => 'rate_limit_exceeded', 'message' => 'too many', 'log_id' => 'x' ) ), 'act' => false ) ) );
		$answer = $this->ask( 'GET', "/accounts/$account/publish-options" );
		self::assert_refused( 429, 'aurareels_rate_limit_exceeded', $answer );
		self::assertGreaterThan( 0, (int) $answer->headers['retry-after'] );
		self::assertSame( (int) $answer->headers['retry-after'], $answer->json['data']['retry_after'] );
	}

	public function test_invalid_token() {
		$ended = $this->connect( 'sue-as-author', 'tiktok' );
		self::assertStringContainsString( 'status=success', $ended );
		$account  = $this->ask( 'GET', '/accounts?active=1&extended=1', 'sue-as-author' )->json['accounts'][0];
		self::simulator( 'POST', '/_sim/tiktok/tokens/kill', array( 'account' => $account['account_id'], 'access' => true, 'refresh' => true ) );
		$answer = $this->ask( 'POST', "/accounts/{$account['id']}/refresh", 'sue-as-author', array() );
		self::assertSame( 409, $answer->status, $answer->text );
		self::assertContains( $answer->json['data']['reason'], array( 'TOKEN_INVALID', 'ACCOUNT_NEEDS_RECONNECT' ) );
		self::assertStringContainsString( 'onnect', $answer->text, 'it says what to do' );
		// The same person gave access to others: their tokens died too.
		foreach ( array( 'anna', 'ben', 'sue-as-author' ) as $user ) {
			self::assertStringContainsString( 'status=success', $this->connect( $user, 'tiktok' ) );
		}
	}

	public function test_container_not_ready_is_waited_for() {
		self::simulator( 'POST', '/_sim/meta/behaviour', array( 'set' => array( 'processing_ms' => 3000 ) ) );
		$request = $this->publishing( 'anna', array( $this->account( 'anna', 'instagram' ) ) );
		$post    = $this->ask( 'POST', '/publish', 'anna', $request )->json['posts'][0]['id'];
		self::assertSame( 'publishing', $this->until( $post, 'anna', 'publishing' )['status'] );
		$this->until( $post, 'anna', 'published' );
		self::assertSame( 1, self::visible( $request['caption'] ) );
	}

	public function test_a_move_that_the_status_forbids() {
		$request = $this->publishing( 'anna', array( $this->account( 'anna', 'tiktok' ) ) );
		$post    = $this->ask( 'POST', '/publish', 'anna', $request )->json['posts'][0]['id'];
		$this->until( $post, 'anna', 'published' );
		self::assert_refused( 409, 'aurareels_too_late', $this->ask( 'DELETE', "/posts/$post" ) );
		self::assert_refused( 409, 'aurareels_too_late', $this->ask( 'PATCH', "/posts/$post/reschedule", 'anna', array( 'scheduled_at' => '2030-01-01 00:00:00' ) ) );
		self::assert_refused( 409, 'aurareels_status_forbids', $this->ask( 'POST', "/posts/$post/retry", 'anna', array() ) );
		self::assert_refused( 409, 'aurareels_status_forbids', $this->ask( 'POST', "/posts/$post/reconcile", 'anna', array() ) );
		self::assert_refused( 409, 'aurareels_status_forbids', $this->ask( 'POST', "/posts/$post/resolve", 'anna', array( 'resolution' => 'not_published' ) ) );
		$gone = $this->scheduled( 'anna' );
		self::assertSame( 200, $this->ask( 'DELETE', "/posts/$gone" )->status );
		self::assertSame( 200, $this->ask( 'DELETE', "/posts/$gone" )->status, 'what is cancelled stays it' );
	}

	public function test_oauth_state_mismatch_and_callbacks() {
		$answer = $this->ask( 'GET', '/callback/tiktok?code=a%2Bb%26c&state=s&evil=1&redirect=https://evil.example', null );
		self::assertSame( array( 302, getenv( 'AURAREELS_ADDRESS' ) . '/oauth/callback/tiktok?code=a%2Bb%26c&state=s' ), array( $answer->status, $answer->headers['location'] ) );
		self::assertStringContainsString( 'no-store', $answer->headers['cache-control'] );
		$refused = $this->ask( 'GET', '/callback/instagram?error=access_denied&error_reason=user_denied&error_description=No+thanks&state=s', null );
		self::assertSame( getenv( 'AURAREELS_ADDRESS' ) . '/oauth/callback/instagram?state=s&error=access_denied&error_reason=user_denied&error_description=No%20thanks', preg_replace( '/\?(error=access_denied&error_reason=user_denied&error_description=No%20thanks)&(state=s)/', '?$2&$1', $refused->headers['location'] ) );
		self::assertSame( 400, $this->ask( 'GET', '/callback/myspace?code=1&state=2', null )->status );
		self::assertSame( 404, $this->ask( 'GET', '/callback/..%2F..%2Fx?code=1', null )->status );
		// Another browser than the one that began: the core tells the front end.
		$link  = $this->ask( 'POST', '/accounts/connect/tiktok', 'anna', array() )->json['auth_url'];
		$began = ( new Browser() )->decide( $link, self::$site['url'] . '/wp-json/' );
		$other = ( new Browser() )->decide( $began, self::$site['url'] . '/dashboard/social-accounts' );
		self::assertStringContainsString( 'status=error', $other );
		self::assertStringContainsString( 'OAUTH_STATE_MISMATCH', rawurldecode( $other ) );
		$denied = $this->connect( 'anna', 'tiktok', 'deny' );
		self::assertStringContainsString( 'status=error', $denied );
	}
}
