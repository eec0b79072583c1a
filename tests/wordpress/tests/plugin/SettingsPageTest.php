<?php

use AuraReels\Installer;
use AuraReels\Keys;
use AuraReels\Notices;
use AuraReels\Permissions;
use AuraReels\Settings_Page;
use AuraReels\Site_Health;
use AuraReels\Webhook;

final class SettingsPageTest extends PluginCase {

	private function page() {
		wp_set_current_user( 1 );
		ob_start();
		Settings_Page::show();
		return ob_get_clean();
	}

	public function test_the_page_shows_what_the_core_needs_and_no_secret() {
		$html = $this->page();
		$text = html_entity_decode( $html );
		$this->assertStringContainsString( 'AURAREELS_JWT_PUBLIC_KEY=' . Keys::public_setting(), $text );
		$this->assertStringContainsString( 'AURAREELS_JWT_ISSUER=' . get_option( 'home' ), $text );
		$this->assertStringContainsString( '/wp-json/aurareels/v1/social/callback/tiktok', $text );
		foreach ( array( get_option( Keys::OPTION )['current']['sealed'], get_option( Keys::OPTION )['next']['sealed'], N8N_API_KEY, JWT_AUTH_SECRET_KEY, AUTH_KEY ) as $secret ) {
			$this->assertStringNotContainsString( $secret, $html );
			$this->assertStringNotContainsString( esc_html( $secret ), $html );
		}
		$this->assertSame( substr_count( $html, '<form' ), substr_count( $html, 'name="_wpnonce"' ), 'every form has its nonce' );
	}

	public function test_what_is_stored_is_escaped() {
		$evil = '"><script>alert(1)</script>';
		update_option( 'aurareels_settings', array( 'core_url' => $evil, 'core_public_url' => $evil, 'video_job_table' => $evil, 'video_job_columns' => $evil ) );
		set_transient( 'aurareels_test_1', array( 'ok' => false, 'part' => $evil, 'message' => $evil, 'remedy' => $evil ), 60 );
		$_GET['said'] = $evil;
		$html         = $this->page();
		unset( $_GET['said'] );
		$this->assertStringNotContainsString( '<script>alert', $html );
		$this->assertStringContainsString( '&lt;script&gt;alert(1)', $html );
	}

	public function test_others_than_managers_see_and_change_nothing() {
		wp_set_current_user( 2 );
		ob_start();
		Settings_Page::show();
		$this->assertSame( '', ob_get_clean() );
		$this->assertFalse( user_can( 2, 'manage_options' ) );
		$this->handled( array( 'what' => 'next-key', '_wpnonce' => wp_create_nonce( 'aurareels' ) ), 'You may not change' );
		wp_set_current_user( 1 );
		$before = get_option( Keys::OPTION );
		$this->handled( array( 'what' => 'next-key', '_wpnonce' => 'wrong' ), '' );
		$this->handled( array( 'what' => 'next-key' ), '' );
		$this->assertSame( $before, get_option( Keys::OPTION ) );
	}

	public function test_the_webhooks_secret_is_kept_sealed_and_never_shown() {
		wp_set_current_user( 1 );
		$secret = 'whsec_' . base64_encode( str_repeat( 's', 32 ) );
		$form   = array( '_wpnonce' => wp_create_nonce( 'aurareels' ), 'what' => 'save', 'roles' => Permissions::ROLES );
		$this->assertStringContainsString( 'aurareels webhook create --all-users ' . Webhook::address(), html_entity_decode( $this->page() ) );
		$this->handled( $form + array( 'webhook_secret' => 'no secret' ), null );
		$this->assertFalse( Webhook::has_secret() );
		$this->handled( $form + array( 'webhook_secret' => $secret ), null );
		$this->assertTrue( Webhook::has_secret() );
		$this->handled( $form, null );
		$this->assertTrue( Webhook::has_secret(), 'an empty field changes nothing' );
		foreach ( array( $secret, get_option( Webhook::OPTION ) ) as $hidden ) {
			$this->assertStringNotContainsString( $hidden, $this->page() );
		}
		$this->assertStringNotContainsString( substr( $secret, 6 ), get_option( Webhook::OPTION ) );
		$this->handled( $form + array( 'webhook_secret_off' => '1' ), null );
		$this->assertFalse( Webhook::has_secret() );
	}

	public function test_saving_takes_only_what_is_good() {
		wp_set_current_user( 1 );
		$nonce = array( '_wpnonce' => wp_create_nonce( 'aurareels' ) );
		$this->handled( $nonce + array( 'what' => 'save', 'core_url' => 'https://core.example.org/', 'timeout' => '900', 'video_job_table' => 'jobs; DROP', 'roles' => array( 'editor' ) ), null );
		$saved = get_option( 'aurareels_settings' );
		$this->assertSame( array( 'https://core.example.org', 60, 'jobsDROP', false ), array( $saved['core_url'], $saved['timeout'], $saved['video_job_table'], $saved['callback_at_site'] ) );
		$this->assertEqualsCanonicalizing( array( 'administrator', 'editor' ), Installer::roles() );
		$this->handled( $nonce + array( 'what' => 'save', 'core_url' => 'javascript:alert(1)', 'roles' => Permissions::ROLES ), null );
		$this->assertSame( 'https://core.example.org', get_option( 'aurareels_settings' )['core_url'], 'the address that works stays' );
		$this->handled( $nonce + array( 'what' => 'save', 'core_url' => '', 'roles' => Permissions::ROLES ), null );
		$this->assertSame( '', get_option( 'aurareels_settings' )['core_url'] );
		Installer::set_roles( Permissions::ROLES );
	}

	/** Runs the handler in this process: it ends by a redirect, or by wp_die with this text. */
	private function handled( array $post, $dies ) {
		$_POST    = $post;
		$_REQUEST = $post;
		$stop     = static function ( $text ) {
			throw new RuntimeException( is_string( $text ) ? wp_strip_all_tags( $text ) : 'redirect' );
		};
		add_filter( 'wp_die_handler', fn() => $stop );
		add_filter( 'wp_redirect', fn( $to ) => $stop( array( $to ) ) );
		try {
			Settings_Page::handle();
			$this->fail( 'it goes on' );
		} catch ( RuntimeException $end ) {
			if ( null === $dies ) {
				$this->assertSame( 'redirect', $end->getMessage() );
			} else {
				$this->assertNotSame( 'redirect', $end->getMessage() );
				$this->assertStringContainsString( $dies, $end->getMessage() );
			}
		} finally {
			$_POST    = array();
			$_REQUEST = array();
			remove_all_filters( 'wp_die_handler' );
			remove_all_filters( 'wp_redirect' );
		}
	}

	public function test_site_health_tells_of_the_core() {
		$this->assertArrayHasKey( 'aurareels_core', Site_Health::tests( array() )['direct'] );
		wp_set_current_user( 1 );
		$this->assertSame( 'good', Site_Health::test()['status'] );
		update_option( Webhook::OPTION, 'sealed under other salts' );
		$this->assertSame( 'recommended', Site_Health::test()['status'] );
		$this->assertStringContainsString( 'Set it again', Site_Health::test()['description'] );
		delete_option( Webhook::OPTION );
		wp_schedule_event( time() + 300, 'hourly', Installer::ORIGINAL_HOOK );
		$this->assertSame( 'critical', Site_Health::test()['status'], 'both would publish' );
		wp_unschedule_hook( Installer::ORIGINAL_HOOK );
		update_option( 'aurareels_settings', array( 'core_url' => 'http://127.0.0.1:1' ) );
		$bad = Site_Health::test();
		$this->assertSame( 'critical', $bad['status'] );
		$this->assertStringContainsString( 'Nothing answers', $bad['description'] );
	}

	public function test_notices_name_accounts_and_posts_and_are_kept() {
		set_current_screen( 'dashboard' );
		wp_set_current_user( 2 );
		delete_user_meta( 2, Notices::SEEN );
		$this->core_answers(
			self::message( 'ListAccountsResponse', array( 'accounts' => array( array( 'id' => 1, 'platform' => 1, 'account_name' => '<b>Ada</b>', 'health' => 3 ), array( 'id' => 2, 'platform' => 2, 'account_name' => 'Fine', 'health' => 1 ) ) ) ),
			self::message( 'ListPostsResponse', array( 'total' => 2 ) )
		);
		for ( $round = 0; $round < 2; $round++ ) {
			ob_start();
			Notices::show();
			$html = ob_get_clean();
			$this->assertStringContainsString( '&lt;b&gt;Ada&lt;/b&gt; (tiktok)', $html );
			$this->assertStringNotContainsString( 'Fine', $html );
			$this->assertStringContainsString( '2 posts wait', $html );
			$this->assertSame( 2, substr_count( $html, 'admin.php?page=aurareels-dashboard' ), 'each leads to where it is mended' );
		}
		$this->assertCount( 2, $this->sent, 'the second page asks nobody' );
		set_current_screen( 'plugins' );
		ob_start();
		Notices::show();
		$this->assertSame( '', ob_get_clean() );
	}

	public function test_activation_ends_the_originals_cron_and_begins_the_poll() {
		$site = json_decode( getenv( 'AURAREELS_SITE' ), true );
		$this->assertFalse( $site['original_hook_left'], 'it was scheduled before the plugin was activated' );
		$this->assertNotFalse( wp_next_scheduled( 'aurareels_poll_events' ) );
		wp_schedule_event( time() + 300, 'hourly', Installer::ORIGINAL_HOOK );
		Installer::ensure();
		$this->assertFalse( wp_next_scheduled( Installer::ORIGINAL_HOOK ), 'also when the original came back' );
		foreach ( Permissions::ROLES as $role ) {
			$this->assertTrue( get_role( $role )->has_cap( Permissions::PUBLISH ), $role );
		}
		$this->assertFalse( get_role( 'subscriber' )->has_cap( Permissions::VIEW ) );
	}

	public function test_roles_that_were_chosen_stay_after_an_update() {
		Installer::set_roles( array( 'administrator', 'subscriber' ) );
		update_option( 'aurareels_version', '0.0.1' );
		Installer::ensure();
		$this->assertEqualsCanonicalizing( array( 'administrator', 'subscriber' ), Installer::roles() );
		Installer::set_roles( Permissions::ROLES );
	}
}
