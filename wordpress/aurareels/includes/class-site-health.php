<?php
/**
 * The test of Site Health.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Tells Tools > Site Health whether the core can be used.
 */
final class Site_Health {

	/**
	 * Adds the test.
	 *
	 * @param array $tests All tests.
	 * @return array
	 */
	public static function tests( $tests ) {
		$tests['direct']['aurareels_core'] = array(
			'label' => __( 'AuraReels core', 'aurareels' ),
			'test'  => array( self::class, 'test' ),
		);
		if ( null !== Dashboard::entry() ) {
			$tests['direct']['aurareels_dashboard'] = array(
				'label' => __( 'AuraReels dashboard', 'aurareels' ),
				'test'  => array( self::class, 'test_dashboard' ),
			);
		}
		return $tests;
	}

	/**
	 * Looks whether the dashboard can call the core from browsers.
	 *
	 * @return array
	 */
	public static function test_dashboard() {
		$reach = Dashboard::reach();
		return array(
			'label'       => $reach['ok'] ? __( 'The AuraReels dashboard can be used', 'aurareels' ) : __( 'The AuraReels dashboard cannot be used', 'aurareels' ),
			'status'      => $reach['ok'] ? 'good' : 'recommended',
			'badge'       => array(
				'label' => 'AuraReels',
				'color' => 'blue',
			),
			'description' => '<p>' . esc_html( $reach['message'] ) . '</p>' . ( '' === $reach['remedy'] ? '' : '<p>' . esc_html( $reach['remedy'] ) . '</p>' ),
			'actions'     => '<p><a href="' . esc_url( Settings_Page::address() ) . '">' . esc_html__( 'Settings', 'aurareels' ) . '</a></p>',
			'test'        => 'aurareels_dashboard',
		);
	}

	/**
	 * Looks at the core.
	 *
	 * @return array
	 */
	public static function test() {
		$result = Connection_Test::run();
		$other  = (bool) wp_next_scheduled( Installer::ORIGINAL_HOOK );
		$text   = '<p>' . esc_html( $result['message'] ) . '</p>';
		if ( '' !== $result['remedy'] ) {
			$text .= '<p>' . esc_html( $result['remedy'] ) . '</p>';
		}
		if ( $other ) {
			$text .= '<p>' . esc_html__( 'The cron job of the original design is still scheduled and would publish posts a second time. Deactivate the plugin that it belongs to.', 'aurareels' ) . '</p>';
		}
		$good = $result['ok'] && ! $other;
		// The poll goes on without it.
		$webhook = Webhook::problem();
		if ( null !== $webhook ) {
			$text .= '<p>' . esc_html( $webhook ) . '</p>';
		}
		$status = null === $webhook ? 'good' : 'recommended';
		return array(
			'label'       => $good ? __( 'The AuraReels core can be used', 'aurareels' ) : __( 'The AuraReels core cannot be used', 'aurareels' ),
			'status'      => $good ? $status : 'critical',
			'badge'       => array(
				'label' => 'AuraReels',
				'color' => 'blue',
			),
			'description' => $text,
			'actions'     => '<p><a href="' . esc_url( Settings_Page::address() ) . '">' . esc_html__( 'Settings', 'aurareels' ) . '</a></p>',
			'test'        => 'aurareels_core',
		);
	}
}
