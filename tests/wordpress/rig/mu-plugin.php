<?php
/**
 * What the test site does besides: nothing for its visitors.
 */

// A request may ask for the other one of WordPress' two ways to make HTTP requests.
add_action(
	'requests-requests.before_request',
	static function ( &$url, &$headers, &$data, &$type, &$options ) {
		if ( isset( $_SERVER['HTTP_X_TEST_TRANSPORT'] ) && 'streams' === $_SERVER['HTTP_X_TEST_TRANSPORT'] ) {
			$options['transport'] = class_exists( 'WpOrg\Requests\Transport\Fsockopen' ) ? 'WpOrg\Requests\Transport\Fsockopen' : 'Requests_Transport_fsockopen';
		}
	},
	10,
	5
);

// A browser that has no hands to log in with.
add_action(
	'init',
	static function () {
		if ( isset( $_GET['test_login'] ) ) {
			wp_set_auth_cookie( get_user_by( 'login', $_GET['test_login'] )->ID );
			wp_safe_redirect( $_GET['to'] );
			exit;
		}
	}
);

// A page of wp-admin may tell what a part of it has become, once that holds a text.
add_action(
	'admin_print_footer_scripts',
	static function () {
		if ( isset( $_GET['test_tell'], $_GET['test_text'] ) ) {
			printf(
				"<script>(function look(){var part=document.querySelector(%s),html=part?part.outerHTML:'';if(html.indexOf(%s)<0){return setTimeout(look,100);}fetch(%s,{method:'POST',body:JSON.stringify({html:html})});})();</script>",
				wp_json_encode( wp_unslash( $_GET['test_part'] ), JSON_HEX_TAG ),
				wp_json_encode( wp_unslash( $_GET['test_text'] ), JSON_HEX_TAG ),
				wp_json_encode( rest_url( 'test/v1/result/' . preg_replace( '/[^0-9a-f]/', '', $_GET['test_tell'] ) ) )
			);
		}
	}
);

// A request may come at another time than the core's.
if ( isset( $_SERVER['HTTP_X_TEST_CLOCK'] ) ) {
	require __DIR__ . '/tests-clock.inc';
}

// A request may ask for a site without the plugin, to compare what it costs.
if ( isset( $_SERVER['HTTP_X_TEST_WITHOUT'] ) ) {
	add_filter(
		'option_active_plugins',
		static function ( $plugins ) {
			return array_values( array_diff( $plugins, array( 'aurareels/aurareels.php' ) ) );
		}
	);
}

// What the plugin tells by actions, a line each. An option may have the process die over an event first.
// Not in requests whose cost is measured: it would be called for every hook of WordPress.
empty( $_SERVER['HTTP_X_TEST_QUIET'] ) && add_action(
	'all',
	static function ( $action, $event = null ) {
		if ( 0 === strpos( $action, 'aurareels_' ) && isset( $event['webhook_id'] ) && is_array( $event ) ) {
			file_put_contents( WP_CONTENT_DIR . '/told.jsonl', wp_json_encode( array( $action, $event ) ) . "\n", FILE_APPEND | LOCK_EX );
			if ( 'aurareels_event' === $action && get_option( 'test_dies_over' ) === $event['type'] ) {
				delete_option( 'test_dies_over' );
				posix_kill( getmypid(), 9 );
			}
		}
	},
	10,
	2
);

add_action(
	'rest_api_init',
	static function () {
		for ( $number = 0; $number < 50; $number++ ) {
			register_rest_route(
				'test/v1',
				"/other-$number",
				array(
					'methods'             => 'GET',
					'permission_callback' => '__return_true',
					'args'                => array( 'id' => array( 'type' => 'integer' ) ),
					'callback'            => static function () {
						return array( 'fine' => true );
					},
				)
			);
		}
		// Where the page of the browser test tells what it found.
		register_rest_route(
			'test/v1',
			'/result/(?P<name>[0-9a-f]+)',
			array(
				'methods'             => 'POST',
				'permission_callback' => '__return_true',
				'callback'            => static function ( $request ) {
					file_put_contents( "/tmp/aurareels-result-" . $request['name'], $request->get_body() );
					return array( 'fine' => true );
				},
			)
		);
		// What WordPress' own HTTP request costs, as large as the plugin's and to the same port, whatever is answered.
		register_rest_route(
			'test/v1',
			'/request',
			array(
				'methods'             => 'POST',
				'permission_callback' => 'is_user_logged_in',
				'callback'            => static function () {
					$answer = wp_remote_post( get_option( 'aurareels_settings' )['core_url'] . '/aurareels.v1.PostService/Nothing', array( 'headers' => array( 'Authorization' => 'Bearer ' . str_repeat( 'x', 320 ) ), 'body' => str_repeat( 'x', 700 ), 'httpversion' => '1.1', 'redirection' => 0 ) );
					return array( 'success' => ! is_wp_error( $answer ) );
				},
			)
		);
		// What writing a post costs without a core: its row alone; with what the original read before it, the account and the
		// video job; and with its trigger_n8n_scheduler() after it, whatever is answered.
		foreach ( array( '/insert' => array( false, false ), '/original' => array( true, false ), '/original-n8n' => array( true, true ) ) as $path => list( $reads, $calls ) ) {
			register_rest_route(
				'test/v1',
				$path,
				array(
					'methods'             => 'POST',
					'permission_callback' => 'is_user_logged_in',
					'callback'            => static function ( $request ) use ( $reads, $calls ) {
						global $wpdb;
						$job = $account = null;
						if ( $reads ) {
							$account = $wpdb->get_row( $wpdb->prepare( "SELECT * FROM {$wpdb->prefix}test_accounts WHERE id = %d AND wp_user_id = %d AND is_active = 1", $request['accounts'][0], get_current_user_id() ) );
							$job     = $wpdb->get_row( $wpdb->prepare( "SELECT * FROM {$wpdb->prefix}chavetas_video_uploader WHERE job_id = %s AND user_id = %d", $request['video_job_id'], get_current_user_id() ) );
						}
						$wpdb->insert(
							$wpdb->prefix . 'test_posts',
							array(
								'wp_user_id'        => get_current_user_id(),
								'video_job_id'      => $request['video_job_id'],
								'social_account_id' => $request['accounts'][0],
								'platform'          => $account->platform ?? 'tiktok',
								'status'            => 'scheduled',
								'scheduled_at'      => gmdate( 'Y-m-d H:i:s', strtotime( $request['scheduled_at'] ) ),
								'video_url'         => $job->mp4_url ?? '',
								'thumbnail_url'     => $job->thumbnail_url ?? '',
								'caption'           => $request['caption'],
								'hashtags'          => wp_json_encode( $request['hashtags'] ),
								'privacy_level'     => $request['privacy_level'],
								'allow_comments'    => $request['allow_comments'] ? 1 : 0,
								'allow_duet'        => $request['allow_duet'] ? 1 : 0,
								'allow_stitch'      => $request['allow_stitch'] ? 1 : 0,
							)
						);
						$post = $wpdb->insert_id;
						if ( $calls ) {
							wp_remote_post(
								get_option( 'aurareels_settings' )['core_url'] . '/webhook/aurareels-social-schedule',
								array(
									'headers'  => array( 'Content-Type' => 'application/json', 'X-API-Key' => N8N_API_KEY ),
									'body'     => json_encode( array( 'post_id' => $post, 'scheduled_at' => $request['scheduled_at'], 'user_id' => get_current_user_id() ) ),
									'timeout'  => 5,
									'blocking' => false,
								)
							);
						}
						return array(
							'success' => (bool) $post,
							'posts'   => array( array( 'id' => $post ) ),
						);
					},
				)
			);
		}
	},
	20
);

// What the request has cost so far, as the answer's headers.
add_filter(
	'rest_post_dispatch',
	static function ( $response ) {
		$used = getrusage();
		$response->header( 'X-Test-Memory', (string) memory_get_peak_usage() );
		$response->header( 'X-Test-Cpu', (string) ( 1000000 * ( $used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec'] ) + $used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec'] - $GLOBALS['aurareels_test_began'] ) );
		return $response;
	},
	99
);
$aurareels_test_used             = getrusage();
$GLOBALS['aurareels_test_began'] = 1000000 * ( $aurareels_test_used['ru_utime.tv_sec'] + $aurareels_test_used['ru_stime.tv_sec'] ) + $aurareels_test_used['ru_utime.tv_usec'] + $aurareels_test_used['ru_stime.tv_usec'];
