<?php
/**
 * Routes about accounts.
 *
 * @package AuraReels
 */

namespace AuraReels;

defined( 'ABSPATH' ) || exit;

/**
 * Lists, connects, refreshes and disconnects the accounts of the user who asks.
 */
final class Accounts_Api {

	/**
	 * Most accounts that a list answers; the core's largest page.
	 */
	const PAGE = 500;

	/**
	 * GET accounts.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function list_all( \WP_REST_Request $request ) {
		$client   = Permissions::client( $request, Permissions::VIEW );
		$accounts = array();
		$page     = '';
		do {
			$answer = $client->call(
				'AccountService/ListAccounts',
				array(
					'platform'   => (int) Codec::get()->number( 'Platform', (string) $request['platform'] ),
					'active'     => isset( $request['active'] ) ? (bool) $request['active'] : null,
					'page_size'  => self::PAGE,
					'page_token' => $page,
				)
			);
			foreach ( $answer['accounts'] as $account ) {
				$accounts[] = Shapes::account( $account, (bool) $request['extended'] );
			}
			$page = $answer['next_page_token'];
		} while ( '' !== $page && count( $accounts ) < 20 * self::PAGE );
		return Routes::success( array( 'accounts' => $accounts ) );
	}

	/**
	 * POST accounts/connect/{platform}.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function connect( \WP_REST_Request $request ) {
		$platform = $request->get_url_params()['platform'];
		$at_site  = (bool) Settings::value( 'callback_at_site' );
		$answer   = Permissions::client( $request, Permissions::PUBLISH )->call(
			'AccountService/ConnectAccount',
			array(
				'platform'      => (int) Codec::get()->number( 'Platform', $platform ),
				'login_flavour' => (int) Codec::get()->number( 'LoginFlavour', (string) $request['login_flavour'] ),
				'redirect_uri'  => $at_site ? Settings::callback( $platform ) : '',
				'ends_at_core'  => $at_site,
				'account_id'    => isset( $request['account_id'] ) ? (int) $request['account_id'] : null,
			)
		);
		return Routes::success(
			array(
				'auth_url' => $answer['auth_url'],
				'state'    => $answer['state'],
			)
		);
	}

	/**
	 * GET callback/{platform}: the platform's redirect, handed on to the core's own page. The core knows the browser by its own
	 * cookie and the login by its single-use state; here nothing is looked at but that it is such a redirect.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function callback( \WP_REST_Request $request ) {
		$core = Settings::core_public_url();
		if ( '' === $core ) {
			return new \WP_Error( 'aurareels_core_unreachable', __( 'The address of the AuraReels core is not set.', 'aurareels' ), array( 'status' => 503 ) );
		}
		$given = self::query( $request );
		$query = array();
		foreach ( array( 'code', 'state', 'error', 'error_reason', 'error_description', 'scopes' ) as $name ) {
			if ( isset( $given[ $name ] ) && is_string( $given[ $name ] ) && strlen( $given[ $name ] ) <= 4096 ) {
				$query[ $name ] = $given[ $name ];
			}
		}
		$address  = $core . '/oauth/callback/' . rawurlencode( $request->get_url_params()['platform'] );
		$address .= $query ? '?' . http_build_query( $query, '', '&', PHP_QUERY_RFC3986 ) : '';
		$response = new \WP_REST_Response( null, 302 );
		$response->header( 'Location', $address );
		$response->header( 'Referrer-Policy', 'no-referrer' );
		return $response;
	}

	/**
	 * The query of the redirect. WordPress throws `error` out of its own parameters (WP::parse_request), and that is how a
	 * platform says that the owner refused.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return array
	 */
	private static function query( \WP_REST_Request $request ) {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- named parameters are taken out of it and encoded anew.
		$address = isset( $_SERVER['REQUEST_URI'] ) ? (string) $_SERVER['REQUEST_URI'] : '';
		wp_parse_str( (string) wp_parse_url( $address, PHP_URL_QUERY ), $query );
		return $request->get_query_params() + $query;
	}

	/**
	 * POST accounts/{id}/refresh. n8n refreshes only what needs it: its workflow asks before each post.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function refresh( \WP_REST_Request $request ) {
		$answer = Permissions::client( $request, Permissions::PUBLISH )->call(
			'AccountService/RefreshToken',
			array(
				'id'             => (int) $request->get_url_params()['id'],
				'only_if_needed' => Permissions::is_n8n( $request ),
			)
		);
		$result = Codec::get()->word( 'RefreshResult', $answer['result'] );
		return new \WP_REST_Response(
			array(
				'success'    => 'not_refreshable' !== $result,
				'message'    => 'refreshed' === $result ? 'Token refreshed successfully' : $answer['message'],
				'expires_at' => Shapes::time( $answer['expires_at'] ),
			),
			200
		);
	}

	/**
	 * DELETE accounts/{id}.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function disconnect( \WP_REST_Request $request ) {
		Permissions::client( $request, Permissions::PUBLISH )->call(
			'AccountService/DisconnectAccount',
			array( 'id' => (int) $request->get_url_params()['id'] )
		);
		return Routes::success( array( 'message' => 'Account disconnected successfully' ) );
	}

	/**
	 * GET accounts/{id}/quota.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function quota( \WP_REST_Request $request ) {
		$answer = Permissions::client( $request, Permissions::VIEW )->call(
			'AccountService/GetQuota',
			array( 'id' => (int) $request->get_url_params()['id'] )
		);
		return Routes::success( array( 'quota' => Shapes::quota( $answer ) ) );
	}

	/**
	 * GET accounts/{id}/publish-options.
	 *
	 * @param \WP_REST_Request $request The request.
	 * @return \WP_REST_Response
	 */
	public static function publish_options( \WP_REST_Request $request ) {
		$answer = Permissions::client( $request, Permissions::VIEW )->call(
			'AccountService/GetPublishOptions',
			array( 'id' => (int) $request->get_url_params()['id'] )
		);
		return Routes::success( array( 'options' => Shapes::publish_options( $answer ) ) );
	}
}
