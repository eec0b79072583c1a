<?php

use AuraReels\Video_Jobs;

final class VideoJobsTest extends PluginCase {

	private function insert( array $row ) {
		global $wpdb;
		$wpdb->insert( $wpdb->prefix . 'chavetas_video_uploader', $row + array( 'job_id' => 'job', 'user_id' => 2, 'mp4_url' => 'https://x.example/v.mp4' ) );
	}

	public function test_a_job_of_the_originals_table() {
		$this->insert( array( 'thumbnail_url' => 'https://x.example/t.jpg', 'ai_metadata' => '{"titles":["A",5],"description":"D","hashtags":"no list"}' ) );
		$job = Video_Jobs::find( 'job', 2 );
		$this->assertSame( array( 'job', 'https://x.example/v.mp4', 'https://x.example/t.jpg' ), array( $job['job_id'], $job['video_url'], $job['thumbnail_url'] ) );
		$this->assertSame( array( 'titles' => array( 'A' ), 'description' => 'D', 'hashtags' => array(), 'transcription' => '' ), $job['ai_metadata'] );
	}

	public function test_foreign_unknown_and_unfinished_jobs() {
		$this->insert( array() );
		$foreign = Video_Jobs::find( 'job', 3 );
		$unknown = Video_Jobs::find( 'another', 3 );
		$this->assertEquals( $unknown, $foreign );
		$this->assertSame( 404, $foreign->get_error_data()['status'] );
		foreach ( array( '', null ) as $url ) {
			global $wpdb;
			$wpdb->update( $wpdb->prefix . 'chavetas_video_uploader', array( 'mp4_url' => $url ), array( 'job_id' => 'job' ) );
			$this->assertSame( 'aurareels_video_not_public', Video_Jobs::find( 'job', 2 )->get_error_code() );
		}
		$this->assertSame( 404, Video_Jobs::find( "job' OR '1'='1", 2 )->get_error_data()['status'] );
	}

	public function test_a_site_may_keep_its_jobs_elsewhere() {
		add_filter( 'aurareels_video_job', fn( $job, $id, $user ) => array( 'user_id' => (string) $user, 'video_url' => "https://x.example/$id.mp4", 'ai_metadata' => array( 'data' => array( 'description' => 'D' ) ) ), 10, 3 );
		$job = Video_Jobs::find( 'mine', 7 );
		$this->assertSame( array( 'https://x.example/mine.mp4', 'D' ), array( $job['video_url'], $job['ai_metadata']['description'] ) );
		remove_all_filters( 'aurareels_video_job' );
		add_filter( 'aurareels_video_job', fn() => array( 'video_url' => 'https://x.example/v.mp4' ) );
		$this->assertSame( 404, Video_Jobs::find( 'nobodys', 2 )->get_error_data()['status'], 'a job without an owner is nobodys' );
		remove_all_filters( 'aurareels_video_job' );
		add_filter( 'aurareels_video_job', fn() => new WP_Error( 'own', 'not today', array( 'status' => 418 ) ) );
		$this->assertSame( 'own', Video_Jobs::find( 'x', 2 )->get_error_code() );
	}

	public function test_the_core_gets_the_job_with_its_owner_in_the_call_that_posts_it() {
		$long = str_repeat( 'ä', 5000 );
		$this->insert( array( 'thumbnail_url' => 'https://x.example/t.jpg', 'ai_metadata' => wp_json_encode( array( 'titles' => array_fill( 0, 60, 'T' ), 'description' => $long, 'hashtags' => array( '#a', $long ) ) ) ) );
		foreach ( array( '/publish' => 'PublishPosts', '/schedule' => 'SchedulePosts' ) as $path => $rpc ) {
			$this->sent = array();
			remove_all_filters( 'pre_http_request' );
			$this->core_answers( self::message( "{$rpc}Response" ) );
			$answer = $this->rest( 'POST', $path, array( 'accounts' => array( 1 ), 'video_job_id' => 'job', 'scheduled_at' => '2027-01-01T00:00:00Z' ) );
			$this->assertSame( 200, $answer->get_status(), wp_json_encode( $answer->get_data() ) );
			$sent = $this->sent_message( "{$rpc}Request" );
			$job  = $sent['video_job'];
			$this->assertSame( array( 'job', 2, 'https://x.example/v.mp4', 'https://x.example/t.jpg' ), array( $job['video_job_id'], $job['wp_user_id'], $job['video_url'], $job['thumbnail_url'] ) );
			$this->assertSame( array( 50, str_repeat( 'ä', 4096 ), array( '#a' ) ), array( count( $job['ai_metadata']['titles'] ), $job['ai_metadata']['description'], $job['ai_metadata']['hashtags'] ), 'no more than the core keeps' );
			$this->assertSame( array( 'job', '' ), array( $sent['content']['video_job_id'], $sent['content']['video_url'] ), 'the core takes the video from the job' );
		}
	}

	public function test_tables_and_columns_may_have_other_names() {
		global $wpdb;
		$settings = array( 'core_url' => getenv( 'AURAREELS_ADDRESS' ) );
		update_option( 'aurareels_settings', $settings + array( 'video_job_table' => $wpdb->users, 'video_job_columns' => 'job_id=user_login, user_id=ID, video_url=user_url' ) );
		$this->assertSame( array( 'job_id' => 'user_login', 'user_id' => 'ID', 'video_url' => 'user_url' ), Video_Jobs::columns( $wpdb->users ) );
		$this->assertSame( 'aurareels_video_not_public', Video_Jobs::find( 'anna', 2 )->get_error_code() );
		foreach ( array( 'nothing_here', 'wp_users` -- ', 'wp_users; DROP TABLE wp_users' ) as $table ) {
			$this->assertSame( 'aurareels_no_video_jobs', Video_Jobs::columns( $table )->get_error_code() );
		}
		update_option( 'aurareels_settings', $settings + array( 'video_job_table' => 'nothing_here' ) );
		$this->assertSame( 501, Video_Jobs::find( 'x', 2 )->get_error_data()['status'] );
		// Where the request brings the video itself, the job is only a name.
		$this->core_answers( self::message( 'PublishPostsResponse' ) );
		$answer = $this->rest( 'POST', '/publish', array( 'accounts' => array( 1 ), 'video_job_id' => 'x', 'video_url' => 'https://x.example/v.mp4' ) );
		$this->assertSame( 200, $answer->get_status() );
		$this->assertSame( array( 'x', 'https://x.example/v.mp4' ), array( $this->sent_message( 'PublishPostsRequest' )['content']['video_job_id'], $this->sent_message( 'PublishPostsRequest' )['content']['video_url'] ) );
	}
}
