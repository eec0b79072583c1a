<?php

use AuraReels\Dashboard;
use AuraReels\Keys;
use AuraReels\Permissions;
use AuraReels\Settings_Page;
use AuraReels\Site_Health;

/** The dashboard's page and its tokens, in parts. */
final class DashboardTest extends PluginCase {

	private static function shown( $user ) {
		wp_set_current_user( $user );
		ob_start();
		Dashboard::show();
		return ob_get_clean();
	}

	/** What the page is told: the JSON before its script. */
	private static function told() {
		wp_scripts()->registered = array_diff_key( wp_scripts()->registered, array_flip( array( 'aurareels-reach', 'aurareels-dashboard' ) ) );
		wp_scripts()->queue      = array();
		wp_scripts()->done       = array();
		Dashboard::enqueue();
		ob_start();
		wp_scripts()->do_items( array( 'aurareels-dashboard' ) );
		$html = ob_get_clean();
		return array( preg_match( '/window\.aurareelsDashboard = (\{.*?\});\n/', $html, $found ) ? json_decode( $found[1], true ) : null, $html );
	}

	public function test_the_built_page_is_in_the_plugin_and_begins_as_a_module() {
		$entry = Dashboard::entry();
		$this->assertMatchesRegularExpression( '#^dashboard/assets/[\w.-]+\.js$#', (string) $entry );
		$this->assertFileExists( WP_PLUGIN_DIR . "/aurareels/$entry" );
		wp_set_current_user( 2 );
		list( $told, $html ) = self::told();
		$this->assertSame( array( 'coreUrl', 'tokenUrl', 'nonce', 'locale', 'basePath' ), array_keys( $told ) );
		$this->assertSame( getenv( 'AURAREELS_ADDRESS' ), $told['coreUrl'] );
		$this->assertSame( rest_url( 'aurareels/v1/social/dashboard/token' ), $told['tokenUrl'] );
		$this->assertSame( admin_url( 'admin.php?page=aurareels-dashboard' ), $told['basePath'] );
		$this->assertSame( 1, preg_match( '#<script type="module" [^>]*src=[\'"][^\'"]*' . preg_quote( $entry, '#' ) . '#', $html ), $html );
		$this->assertStringNotContainsString( "?ver=", substr( $html, strpos( $html, $entry ) ), 'its name changes with its content' );
		$this->assertStringContainsString( 'id="aurareels-dashboard"', self::shown( 2 ) );
	}

	public function test_a_video_job_fills_the_form_of_its_user_alone() {
		add_filter( 'aurareels_video_job', fn() => array( 'user_id' => 2, 'video_url' => 'https://v.example/</script>.mp4', 'ai_metadata' => '{"description":"What","hashtags":["#a"]}' ) );
		$_GET['video_job_id'] = 'job-7';
		wp_set_current_user( 2 );
		list( $told, $html ) = self::told();
		$this->assertSame( array( 'videoJobId' => 'job-7', 'videoUrl' => 'https://v.example/</script>.mp4', 'caption' => 'What', 'hashtags' => array( 'a' ) ), $told['prefill'] );
		$this->assertStringNotContainsString( '</script>.mp4', $html );
		wp_set_current_user( 3 );
		$this->assertArrayNotHasKey( 'prefill', self::told()[0] );
		unset( $_GET['video_job_id'] );
		remove_all_filters( 'aurareels_video_job' );
	}

	public function test_who_may_not_publish_sees_no_page() {
		$this->assertSame( '', self::shown( self::subscriber() ) );
		$this->assertSame( '', self::shown( 0 ) );
	}

	private static function subscriber() {
		return json_decode( getenv( 'AURAREELS_SITE' ), true )['users']['sue'];
	}

	private function asked( $user, $nonce = null ) {
		wp_set_current_user( $user );
		$request = new WP_REST_Request( 'POST', '/aurareels/v1/social/dashboard/token' );
		$request->set_header( 'X-WP-Nonce', null === $nonce ? wp_create_nonce( 'wp_rest' ) : $nonce );
		return rest_do_request( $request );
	}

	public function test_a_token_is_for_a_page_of_a_user_who_may_publish() {
		$answer = $this->asked( 2 );
		$this->assertSame( 200, $answer->get_status() );
		$data   = $answer->get_data();
		$claims = self::claims( $data['token'] );
		$this->assertSame( array( true, 300 ), array( $data['success'], $data['expires_in'] ) );
		$this->assertLessThanOrEqual( 600, $claims['exp'] - $claims['iat'] );
		$this->assertLessThanOrEqual( 1, abs( strtotime( $data['expires_at'] ) - $claims['exp'] ) );
		$this->assertSame( array( 'publish', Permissions::PUBLISH, '2' ), array( $claims['scope'], $claims['cap'], $claims['data']['user']['id'] ) );
		$this->assertSame( 401, $this->asked( 0 )->get_status() );
		$this->assertSame( 403, $this->asked( self::subscriber() )->get_status() );
		foreach ( array( '', 'wrong', wp_create_nonce( 'another' ) ) as $nonce ) {
			$refused = $this->asked( 2, $nonce );
			$this->assertSame( 403, $refused->get_status() );
			$this->assertArrayNotHasKey( 'token', $refused->get_data() );
		}
		$this->assertSame( 60, self::claims( Keys::token_of_user( 2, Permissions::PUBLISH ) )['exp'] - time(), 'other tokens stay short' );
	}

	public function test_the_sites_origin_is_what_the_core_has_to_allow() {
		$origin = json_decode( getenv( 'AURAREELS_SITE' ), true )['url'];
		$this->assertSame( array( $origin ), Dashboard::origins() );
		wp_set_current_user( 1 );
		ob_start();
		Settings_Page::show();
		$this->assertStringContainsString( "AURAREELS_CORS_ORIGINS=$origin", ob_get_clean() );
		$this->assertArrayHasKey( 'aurareels_dashboard', Site_Health::tests( array() )['direct'] );
		$this->assertSame( 'good', Site_Health::test_dashboard()['status'] );
		$home = fn() => 'https://www.example.org/blog';
		add_filter( 'home_url', $home );
		$this->assertSame( array( $origin, 'https://www.example.org' ), Dashboard::origins() );
		$bad = Site_Health::test_dashboard();
		remove_filter( 'home_url', $home );
		$this->assertSame( 'recommended', $bad['status'] );
		$this->assertStringContainsString( "AURAREELS_CORS_ORIGINS=$origin,https://www.example.org", $bad['description'] );
		update_option( 'aurareels_settings', array( 'core_url' => 'http://127.0.0.1:1' ) );
		$this->assertSame( 'recommended', Site_Health::test_dashboard()['status'] );
	}

	public function test_what_may_be_wrong_waits_in_the_page() {
		$html = self::shown( 2 );
		foreach ( array( 'away', 'origin' ) as $when ) {
			$this->assertStringContainsString( 'hidden data-aurareels-when="' . $when . '"', $html );
		}
		$this->assertStringContainsString( 'AURAREELS_CORS_ORIGINS=', $html );
		update_option( 'aurareels_settings', array() );
		$this->assertStringContainsString( 'address of the core is not set', self::shown( 2 ) );
	}
}
