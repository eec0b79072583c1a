<?php

/** What routes send to the core, and what they make of its answers. */
final class RoutesTest extends PluginCase {

	private function publish( array $further ) {
		$this->core_answers( self::message( 'PublishPostsResponse' ) );
		$answer = $this->rest( 'POST', '/publish', $further + array( 'accounts' => array( 3, 1 ), 'video_url' => 'https://x.example/v.mp4' ) );
		$this->assertSame( 200, $answer->get_status(), wp_json_encode( $answer->get_data() ) );
		return $this->sent_message( 'PublishPostsRequest' );
	}

	public function test_what_a_request_leaves_out_has_the_originals_defaults() {
		$sent = $this->publish( array() );
		$this->assertSame( array( 3, 1 ), $sent['accounts'] );
		$this->assertSame( array( 'PUBLIC', true, true, true ), array( $sent['content']['privacy_level'], $sent['content']['allow_comments'], $sent['content']['allow_duet'], $sent['content']['allow_stitch'] ) );
		$this->assertSame( array( '', false, null ), array( $sent['request_key'], $sent['allow_duplicate'], $sent['content']['metadata'] ) );
	}

	public function test_what_a_request_says_is_sent() {
		$sent = $this->publish( array( 'privacy_level' => 'PRIVATE', 'allow_comments' => false, 'allow_duet' => false, 'allow_stitch' => false, 'hashtags' => array( '#a', '#b' ), 'mentions' => array( '@c' ), 'location' => '123', 'on_long_caption' => 'cut', 'request_key' => 'k', 'allow_duplicate' => true, 'platform_options' => array( 'tiktok' => array( 'transfer' => 'pull_from_url', 'is_aigc' => true ) ) ) );
		$this->assertSame( array( 'PRIVATE', false, false, false ), array( $sent['content']['privacy_level'], $sent['content']['allow_comments'], $sent['content']['allow_duet'], $sent['content']['allow_stitch'] ) );
		$this->assertSame( array( array( '#a', '#b' ), array( '@c' ), '123', 2, 'k', true ), array( $sent['content']['hashtags'], $sent['content']['mentions'], $sent['content']['location'], $sent['content']['on_long_caption'], $sent['request_key'], $sent['allow_duplicate'] ) );
		$this->assertSame( array( 2, true ), array( $sent['content']['platform_options']['tiktok']['transfer'], $sent['content']['platform_options']['tiktok']['is_aigc'] ) );
	}

	public function test_a_site_may_have_other_defaults() {
		add_filter( 'aurareels_post_defaults', fn( $defaults ) => array( 'privacy_level' => 'FRIENDS', 'allow_duet' => null ) + $defaults );
		$sent = $this->publish( array() );
		$this->assertSame( array( 'FRIENDS', true, null ), array( $sent['content']['privacy_level'], $sent['content']['allow_comments'], $sent['content']['allow_duet'] ) );
	}

	public function test_an_option_that_does_not_exist_is_refused_by_name() {
		$this->core_answers( self::message( 'PublishPostsResponse' ) );
		$answer = $this->rest( 'POST', '/publish', array( 'accounts' => array( 1 ), 'video_url' => 'https://x.example/', 'platform_options' => array( 'tiktok' => array( 'transfer' => 'by_pigeon' ) ) ) );
		$this->assertSame( array( 400, false ), array( $answer->get_status(), $answer->get_data()['success'] ) );
		$this->assertCount( 0, $this->sent );
	}

	public function test_a_draft_is_deleted_and_anything_else_cancelled() {
		$this->core_answers( self::message( 'DeleteDraftResponse' ) );
		$this->assertSame( 'Post deleted successfully', $this->rest( 'DELETE', '/posts/5' )->get_data()['message'] );
		$this->assertCount( 1, $this->sent );
		remove_all_filters( 'pre_http_request' );
		$this->sent = array();
		$this->core_answers( self::refusal( 9, 'post 5 is scheduled', 'STATUS_FORBIDS' ), self::message( 'Post', array( 'id' => 5 ) ) );
		$this->assertSame( 'Post cancelled successfully', $this->rest( 'DELETE', '/posts/5' )->get_data()['message'] );
		$this->assertStringEndsWith( '/CancelPost', $this->sent[1]['url'] );
		remove_all_filters( 'pre_http_request' );
		$this->sent = array();
		$this->core_answers( self::refusal( 9, 'a backup was restored', 'RESTORE_CHECK' ) );
		$this->assertSame( 409, $this->rest( 'DELETE', '/posts/5' )->get_status() );
		$this->assertCount( 1, $this->sent );
	}

	public function test_a_list_asks_for_its_page() {
		$this->core_answers( self::message( 'ListPostsResponse', array( 'total' => 42 ) ) );
		$answer = $this->rest( 'GET', '/posts?status=needs_review&platform=instagram&limit=7&offset=14' );
		$this->assertSame( array( 'success' => true, 'total' => 42, 'posts' => array() ), $answer->get_data() );
		$sent = $this->sent_message( 'ListPostsRequest' );
		$this->assertSame( array( array( 8 ), 2, 7, 14, true ), array( $sent['statuses'], $sent['platform'], $sent['page_size'], $sent['skip'], $sent['include_total'] ) );
	}

	public function test_every_page_of_accounts_is_read() {
		$this->core_answers(
			self::message( 'ListAccountsResponse', array( 'accounts' => array( array( 'id' => 1 ) ), 'next_page_token' => 'more' ) ),
			self::message( 'ListAccountsResponse', array( 'accounts' => array( array( 'id' => 2 ) ) ) )
		);
		$this->assertSame( array( 1, 2 ), array_column( $this->rest( 'GET', '/accounts' )->get_data()['accounts'], 'id' ) );
		$this->assertSame( 'more', $this->sent_message( 'ListAccountsRequest', 1 )['page_token'] );
	}

	public function test_what_the_platform_did_not_tell_is_null() {
		$this->core_answers( self::message( 'ListAccountsResponse', array( 'accounts' => array( array( 'id' => 1, 'platform' => 1, 'account_name' => 'A', 'is_active' => true ) ) ) ) );
		$account = $this->rest( 'GET', '/accounts' )->get_data()['accounts'][0];
		$this->assertSame( array( null, null, null ), array( $account['account_username'], $account['profile_picture_url'], $account['token_expires_at'] ) );
	}

	public function test_a_token_that_cannot_be_refreshed_is_no_success() {
		$this->core_answers( self::message( 'RefreshTokenResponse', array( 'result' => 3, 'message' => 'connect the account again' ) ) );
		$answer = $this->rest( 'POST', '/accounts/1/refresh' )->get_data();
		$this->assertSame( array( 'success' => false, 'message' => 'connect the account again', 'expires_at' => null ), $answer );
	}

	public function test_a_wait_is_told() {
		$this->core_answers( self::http( '', array( 'grpc-status' => '14', 'grpc-message' => 'the database is away' ) ) );
		$answer = $this->rest( 'POST', '/posts/5/retry' );
		$this->assertSame( array( 503, '5' ), array( $answer->get_status(), $answer->get_headers()['Retry-After'] ) );
	}

	public function test_the_jwt_plugins_refusal_does_not_keep_n8n_out() {
		add_filter( 'rest_pre_dispatch', fn() => new WP_Error( 'jwt_auth_invalid_token', 'Wrong number of segments', array( 'status' => 403 ) ), 10 );
		$this->core_answers( self::message( 'Post', array( 'id' => 5, 'status' => 7 ) ) );
		$key = array( 'authorization' => 'Bearer ' . N8N_API_KEY );
		wp_set_current_user( 0 );
		$this->assertSame( 200, $this->rest( 'POST', '/internal/publish', array( 'post_id' => 5 ), $key )->get_status() );
		$other = $this->rest( 'POST', '/internal/publish', array( 'post_id' => 5 ), array( 'authorization' => 'Bearer x' ) );
		// Newer releases of WordPress make an answer of it by themselves.
		$other = is_wp_error( $other ) ? rest_convert_error_to_response( $other ) : $other;
		$this->assertSame( 'jwt_auth_invalid_token', $other->get_data()['code'] );
		remove_all_filters( 'rest_pre_dispatch' );
		add_filter( 'rest_pre_dispatch', array( 'AuraReels\Routes', 'let_n8n_pass' ), 20, 3 );
	}

	public function instants() {
		return array(
			array( '2024-12-25 18:00:00', 1735149600 ),
			array( '2024-12-25T18:00:00Z', 1735149600 ),
			array( '2024-12-25T18:00:00.250Z', 1735149600 ),
			array( '2024-12-25T20:00:00+02:00', 1735149600 ),
			array( '2024-12-25T18:00', 1735149600 ),
			array( 'tomorrow', null ),
			array( '+1 week', null ),
			array( '1735149600', null ),
			array( '2024-13-45 99:00:00', null ),
			array( '', null ),
		);
	}

	/** @dataProvider instants */
	public function test_times_of_workflows( $text, $seconds ) {
		$at = AuraReels\Internal_Api::instant( $text );
		$this->assertSame( $seconds, null === $at ? null : $at['seconds'] );
	}

	public function test_an_early_workflow_asks_for_nothing() {
		foreach ( array( 3600 => 1, 31 => 1, 20 => 2, -5 => 2 ) as $in => $calls ) {
			$this->sent = array();
			$post       = array( 'id' => 5, 'status' => 2, 'scheduled_at' => array( 'seconds' => time() + $in ) );
			$this->core_answers( self::message( 'Post', $post ), self::message( 'PublishPostNowResponse', array( 'result' => 1, 'post' => array( 'status' => 3 ) + $post ) ) );
			$answer = $this->rest( 'POST', '/internal/publish', array( 'post_id' => 5 ), array( 'authorization' => 'Bearer ' . N8N_API_KEY ) );
			$this->assertSame( array( 200, $calls ), array( $answer->get_status(), count( $this->sent ) ), "$in seconds" );
			if ( 2 === $calls ) {
				$this->assertSame( $post['scheduled_at']['seconds'], $this->sent_message( 'PublishPostNowRequest', 1 )['expected_scheduled_at']['seconds'], 'a reschedule in between wins' );
				$this->assertSame( 'internal', $this->sent_claims( 1 )['scope'] );
			}
			remove_all_filters( 'pre_http_request' );
		}
	}
}
