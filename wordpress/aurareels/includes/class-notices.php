<?php
/**
 * Notices in the administration.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Tells users, on the dashboard and on the plugin's page, which of their accounts must be connected again and which posts wait
 * for their decision. What was found is kept for some minutes, so that a core that is away slows down one page and no more.
 */
final class Notices {

	/**
	 * Where it is kept, per user.
	 */
	const SEEN = 'aurareels_notices';

	/**
	 * Seconds that it is kept.
	 */
	const KEPT = 300;

	/**
	 * Seconds that the core has.
	 */
	const PATIENCE = 2;

	/**
	 * Prints the notices.
	 */
	public static function show() {
		$screen = get_current_screen();
		$here   = $screen && in_array( $screen->id, array( 'dashboard', 'settings_page_aurareels' ), true );
		if ( ! $here || ! current_user_can( Permissions::VIEW ) || '' === Settings::core_url() ) {
			return;
		}
		$found = self::found( get_current_user_id() );
		foreach ( $found['accounts'] as $name ) {
			/* translators: %s: name of an account */
			self::print_one( sprintf( __( 'AuraReels: the account %s has to be connected again; its posts wait until then.', 'aurareels' ), $name ) );
		}
		if ( $found['reviews'] > 0 ) {
			/* translators: %d: number of posts */
			self::print_one( sprintf( _n( 'AuraReels: %d post waits for your decision: it could not be found out whether it is live.', 'AuraReels: %d posts wait for your decision: it could not be found out whether they are live.', $found['reviews'], 'aurareels' ), $found['reviews'] ) );
		}
	}

	private static function print_one( $text ) {
		$link = current_user_can( Permissions::PUBLISH )
			? ' <a href="' . esc_url( Dashboard::address() ) . '">' . esc_html__( 'AuraReels dashboard', 'aurareels' ) . '</a>'
			: '';
		// phpcs:ignore WordPress.Security.EscapeOutput -- escaped above.
		echo '<div class="notice notice-warning is-dismissible"><p>' . esc_html( $text ) . $link . '</p></div>';
	}

	/**
	 * What there is to tell a user.
	 *
	 * @param int $user The user.
	 * @return array
	 */
	private static function found( $user ) {
		$kept = get_user_meta( $user, self::SEEN, true );
		if ( is_array( $kept ) && isset( $kept['until'] ) && $kept['until'] > time() ) {
			return $kept;
		}
		$found  = array(
			'accounts' => array(),
			'reviews'  => 0,
			'until'    => time() + self::KEPT,
		);
		$client = new Client(
			static function () use ( $user ) {
				return Keys::token_of_user( $user, Permissions::VIEW );
			},
			null,
			self::PATIENCE
		);
		try {
			$codec = Codec::get();
			foreach ( $client->call( 'AccountService/ListAccounts', array( 'active' => true ) )['accounts'] as $account ) {
				if ( 'needs_reconnect' === $codec->word( 'AccountHealth', $account['health'] ) ) {
					$found['accounts'][] = $account['account_name'] . ' (' . Shapes::platform( $account['platform'] ) . ')';
				}
			}
			$posts            = $client->call(
				'PostService/ListPosts',
				array(
					'statuses'      => array( $codec->number( 'PostStatus', 'needs_review' ) ),
					'page_size'     => 1,
					'include_total' => true,
				)
			);
			$found['reviews'] = (int) $posts['total'];
		} catch ( Core_Error $error ) {
			// Site Health and the settings page tell what is wrong with the core.
			unset( $error );
		}
		update_user_meta( $user, self::SEEN, $found );
		return $found;
	}
}
